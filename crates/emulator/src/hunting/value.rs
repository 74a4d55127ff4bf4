//! Rows as a backend gives them: the ten Kusto types and their values.

use std::fmt;

/// The Kusto types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColumnType {
    /// `bool`, which the services call `SByte`.
    Bool,
    /// `int`.
    Int,
    /// `long`.
    Long,
    /// `real`.
    Real,
    /// `decimal`.
    Decimal,
    /// `datetime`.
    DateTime,
    /// `timespan`.
    TimeSpan,
    /// `guid`.
    Guid,
    /// `string`.
    String,
    /// `dynamic`, which the services call `Object`.
    Dynamic,
}

impl ColumnType {
    /// What the services call the type in an answer's schema.
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::Bool => "SByte",
            Self::Int => "Int32",
            Self::Long => "Int64",
            Self::Real => "Double",
            Self::Decimal => "SqlDecimal",
            Self::DateTime => "DateTime",
            Self::TimeSpan => "TimeSpan",
            Self::Guid => "Guid",
            Self::String => "String",
            Self::Dynamic => "Object",
        }
    }
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The column's name, as the query spells it.
    pub name: String,
    /// Its type.
    pub ty: ColumnType,
}

impl Column {
    /// A column.
    pub fn new(name: impl Into<String>, ty: ColumnType) -> Self {
        Self {
            name: name.into(),
            ty,
        }
    }
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(i32),
    /// `long`.
    Long(i64),
    /// `real`, NaN and infinities with it.
    Real(f64),
    /// `decimal`, as its digits.
    Decimal(String),
    /// `datetime`, in ticks of 100 ns since the year 1.
    DateTime(i64),
    /// `timespan`, in ticks of 100 ns.
    TimeSpan(i64),
    /// `guid`.
    Guid(String),
    /// `string`.
    String(String),
    /// `dynamic`.
    Dynamic(serde_json::Value),
}

/// An answer: its columns, and its rows one after the other.
pub struct Rows {
    /// The columns, in order; they stay when there are no rows.
    pub columns: Vec<Column>,
    /// The rows; each has as many cells as there are columns.
    pub rows: Box<dyn Iterator<Item = Vec<Value>> + Send>,
}

impl Rows {
    /// An answer whose rows are made while they are sent.
    pub fn new<I>(columns: Vec<Column>, rows: I) -> Self
    where
        I: IntoIterator<Item = Vec<Value>>,
        I::IntoIter: Send + 'static,
    {
        Self {
            columns,
            rows: Box::new(rows.into_iter()),
        }
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Rows")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

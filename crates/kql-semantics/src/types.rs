//! Scalar types, columns and the tables a query may name.

use std::fmt;
use std::str::FromStr;

/// The ten scalar types of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScalarType {
    /// `bool`
    Bool,
    /// `int`, 32 bits
    Int,
    /// `long`, 64 bits
    Long,
    /// `real` (also `double`), 64 bits
    Real,
    /// `decimal`, 128 bits
    Decimal,
    /// `datetime`, ticks of 100 ns since 0001-01-01
    DateTime,
    /// `timespan`, ticks of 100 ns
    TimeSpan,
    /// `guid`
    Guid,
    /// `string`; has no null
    String,
    /// `dynamic`, any JSON value
    Dynamic,
}

impl ScalarType {
    /// Every type, in the order of the language's documentation.
    pub const ALL: [Self; 10] = [
        Self::Bool,
        Self::Int,
        Self::Long,
        Self::Real,
        Self::Decimal,
        Self::DateTime,
        Self::TimeSpan,
        Self::Guid,
        Self::String,
        Self::Dynamic,
    ];

    /// The name the language prints, such as `real`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Long => "long",
            Self::Real => "real",
            Self::Decimal => "decimal",
            Self::DateTime => "datetime",
            Self::TimeSpan => "timespan",
            Self::Guid => "guid",
            Self::String => "string",
            Self::Dynamic => "dynamic",
        }
    }

    /// The type's name as `getschema` spells it in its `DataType` column.
    #[must_use]
    pub const fn clr_name(self) -> &'static str {
        match self {
            Self::Bool => "System.SByte",
            Self::Int => "System.Int32",
            Self::Long => "System.Int64",
            Self::Real => "System.Double",
            Self::Decimal => "System.Data.SqlTypes.SqlDecimal",
            Self::DateTime => "System.DateTime",
            Self::TimeSpan => "System.TimeSpan",
            Self::Guid => "System.Guid",
            Self::String => "System.String",
            Self::Dynamic => "System.Object",
        }
    }

    /// True for `int`, `long`, `real` and `decimal`.
    #[must_use]
    pub const fn is_numeric(self) -> bool {
        matches!(self, Self::Int | Self::Long | Self::Real | Self::Decimal)
    }

    /// True for `int` and `long`.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::Int | Self::Long)
    }
}

impl fmt::Display for ScalarType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A type name that the language does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownType(pub String);

impl fmt::Display for UnknownType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no scalar type named '{}'", self.0)
    }
}

impl std::error::Error for UnknownType {}

impl FromStr for ScalarType {
    type Err = UnknownType;

    /// Reads a type name with all its spellings (`double`, `boolean`, `date`, `time`, `uniqueid`, …).
    fn from_str(name: &str) -> Result<Self, UnknownType> {
        Ok(match name {
            "bool" | "boolean" => Self::Bool,
            "int" | "int32" | "uint" | "uint32" | "int16" | "uint16" | "int8" | "uint8" => {
                Self::Int
            }
            "long" | "int64" | "ulong" | "uint64" => Self::Long,
            "real" | "double" | "float" => Self::Real,
            "decimal" => Self::Decimal,
            "datetime" | "date" => Self::DateTime,
            "timespan" | "time" => Self::TimeSpan,
            "guid" | "uuid" | "uniqueid" => Self::Guid,
            "string" => Self::String,
            "dynamic" => Self::Dynamic,
            _ => return Err(UnknownType(name.to_owned())),
        })
    }
}

/// Identifies one column of one operator; unique in a bound query, whatever the column is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnId(pub u32);

impl fmt::Display for ColumnId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{}", self.0)
    }
}

/// A column as a schema declares it, or as a query returns it: name and type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSchema {
    /// Name, case-sensitive.
    pub name: String,
    /// Type.
    pub ty: ScalarType,
}

impl ColumnSchema {
    /// A column of that name and type.
    pub fn new(name: impl Into<String>, ty: ScalarType) -> Self {
        Self {
            name: name.into(),
            ty,
        }
    }
}

/// The columns of a table, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableSchema {
    /// The columns, in the table's order.
    pub columns: Vec<ColumnSchema>,
}

impl TableSchema {
    /// A table with these columns.
    pub fn new<N: Into<String>>(columns: impl IntoIterator<Item = (N, ScalarType)>) -> Self {
        let columns = columns
            .into_iter()
            .map(|(name, ty)| ColumnSchema::new(name, ty))
            .collect();
        Self { columns }
    }
}

/// The tables that a query may name.
pub trait Tables {
    /// The columns of the table of exactly that name.
    fn table(&self, name: &str) -> Option<TableSchema>;

    /// Every table's name: for wildcards, `search *` and suggestions.
    fn names(&self) -> Vec<String>;
}

/// No tables at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTables;

impl Tables for NoTables {
    fn table(&self, _name: &str) -> Option<TableSchema> {
        None
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Tables for std::collections::BTreeMap<String, TableSchema> {
    fn table(&self, name: &str) -> Option<TableSchema> {
        self.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }
}

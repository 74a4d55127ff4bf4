//! The ten types of KQL, and the Arrow column that each becomes.

use std::collections::HashMap;
use std::fmt;

use arrow::datatypes::{DataType, Field, TimeUnit};

/// The key of the field metadata that names the KQL type of a column.
pub const KQL_TYPE: &str = "kql.type";

/// The type of a column, as KQL has it.
///
/// | type | Arrow | remark |
/// |---|---|---|
/// | bool | `Boolean` | |
/// | int | `Int32` | |
/// | long | `Int64` | exact |
/// | real | `Float64` | NaN and the infinities are values |
/// | decimal | `Utf8` | every value has its own scale, up to 38 digits on either side of the point; no Arrow decimal that other readers of Parquet accept holds both |
/// | datetime | `Timestamp(ns, "UTC")` | 1677 to 2262; see [`DatetimeMode`] |
/// | timespan | `Duration(ns)` | up to 292 years |
/// | guid | `Utf8` | as the service spells it |
/// | string | `Utf8` | |
/// | dynamic | `Utf8` | JSON text |
///
/// The field's metadata [`KQL_TYPE`] tells the five text columns apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ColumnType {
    /// `true` or `false`; the service's `SByte`.
    Bool,
    /// A signed 32-bit integer.
    Int,
    /// A signed 64-bit integer.
    Long,
    /// A double.
    Real,
    /// A decimal number, kept as exact text.
    Decimal,
    /// A point in time, UTC.
    DateTime,
    /// A length of time.
    TimeSpan,
    /// A GUID, as text.
    Guid,
    /// Text.
    String,
    /// Any JSON value, as text.
    Dynamic,
}

/// How a datetime column is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DatetimeMode {
    /// Arrow timestamps; what lies outside 1677 to 2262 is null and counted in a warning.
    #[default]
    Timestamp,
    /// ISO 8601 text, for the years 1 to 9999.
    Text,
}

impl ColumnType {
    /// Every type.
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

    /// The type behind a name in a service's schema: a .NET name or a KQL name, in any case.
    ///
    /// `None` means a name that nobody knows; a reader should then keep whatever comes, as
    /// [`ColumnType::Dynamic`] does, and say so.
    ///
    /// ```
    /// # use defender_table::ColumnType;
    /// assert_eq!(ColumnType::from_name("SByte"), Some(ColumnType::Bool));
    /// assert_eq!(ColumnType::from_name("System.Int64"), Some(ColumnType::Long));
    /// assert_eq!(ColumnType::from_name("Geometry"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let name = name
            .strip_prefix("edm.")
            .or_else(|| name.strip_prefix("system.data.sqltypes."))
            .or_else(|| name.strip_prefix("system."))
            .unwrap_or(&name);
        Some(match name {
            // The service has no other use for a byte: this is how Kusto's bool is called.
            "sbyte" | "bool" | "boolean" => Self::Bool,
            "int" | "int32" | "int16" | "uint16" | "byte" => Self::Int,
            "long" | "int64" | "uint32" | "uint64" => Self::Long,
            "real" | "double" | "single" | "float" => Self::Real,
            "decimal" | "sqldecimal" => Self::Decimal,
            "datetime" | "date" | "datetimeoffset" => Self::DateTime,
            "timespan" | "time" | "duration" => Self::TimeSpan,
            "guid" | "uuid" | "uniqueid" => Self::Guid,
            "string" => Self::String,
            "dynamic" | "object" => Self::Dynamic,
            _ => return None,
        })
    }

    /// The name that KQL uses.
    pub fn name(self) -> &'static str {
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

    /// The Arrow type of a column of this type.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int32,
            Self::Long => DataType::Int64,
            Self::Real => DataType::Float64,
            Self::DateTime => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Self::TimeSpan => DataType::Duration(TimeUnit::Nanosecond),
            Self::Decimal | Self::Guid | Self::String | Self::Dynamic => DataType::Utf8,
        }
    }

    /// A nullable Arrow field of this type, which says so in its metadata.
    pub fn field(self, name: impl Into<String>) -> Field {
        self.field_in(name, DatetimeMode::Timestamp)
    }

    /// [`field`](Self::field), with a choice for datetimes.
    pub fn field_in(self, name: impl Into<String>, datetimes: DatetimeMode) -> Field {
        let data_type = match (self, datetimes) {
            (Self::DateTime, DatetimeMode::Text) => DataType::Utf8,
            _ => self.data_type(),
        };
        Field::new(name, data_type, true).with_metadata(HashMap::from([(
            KQL_TYPE.to_owned(),
            self.name().to_owned(),
        )]))
    }

    /// The type of an Arrow field: what its metadata says, otherwise the nearest to its data.
    ///
    /// ```
    /// # use defender_table::ColumnType;
    /// assert_eq!(ColumnType::of(&ColumnType::Guid.field("Id")), ColumnType::Guid);
    /// ```
    pub fn of(field: &Field) -> Self {
        field
            .metadata()
            .get(KQL_TYPE)
            .and_then(|name| Self::from_name(name))
            .unwrap_or_else(|| Self::of_data(field.data_type()))
    }

    fn of_data(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Bool,
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::UInt8
            | DataType::UInt16 => Self::Int,
            DataType::Int64 | DataType::UInt32 | DataType::UInt64 => Self::Long,
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Real,
            DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => Self::Decimal,
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => Self::DateTime,
            DataType::Duration(_)
            | DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Interval(_) => Self::TimeSpan,
            DataType::Dictionary(_, values) => Self::of_data(values),
            DataType::RunEndEncoded(_, values) => Self::of(values),
            DataType::List(_)
            | DataType::LargeList(_)
            | DataType::FixedSizeList(..)
            | DataType::ListView(_)
            | DataType::LargeListView(_)
            | DataType::Struct(_)
            | DataType::Map(..)
            | DataType::Union(..) => Self::Dynamic,
            _ => Self::String,
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_remembers_its_type() {
        for column_type in ColumnType::ALL {
            assert_eq!(ColumnType::of(&column_type.field("a")), column_type);
            assert_eq!(
                ColumnType::of(&column_type.field_in("a", DatetimeMode::Text)),
                column_type
            );
            assert_eq!(ColumnType::from_name(column_type.name()), Some(column_type));
        }
    }

    #[test]
    fn the_service_names() {
        for (name, column_type) in [
            ("DateTime", ColumnType::DateTime),
            ("String", ColumnType::String),
            ("Int32", ColumnType::Int),
            ("Int64", ColumnType::Long),
            ("Double", ColumnType::Real),
            ("SByte", ColumnType::Bool),
            ("Boolean", ColumnType::Bool),
            ("Guid", ColumnType::Guid),
            ("TimeSpan", ColumnType::TimeSpan),
            ("Object", ColumnType::Dynamic),
            ("System.Data.SqlTypes.SqlDecimal", ColumnType::Decimal),
        ] {
            assert_eq!(ColumnType::from_name(name), Some(column_type), "{name}");
        }
    }

    #[test]
    fn a_field_without_a_name_tag_is_read_by_its_data() {
        assert_eq!(
            ColumnType::of(&Field::new("a", DataType::UInt64, true)),
            ColumnType::Long
        );
        assert_eq!(
            ColumnType::of(&Field::new("a", DataType::Date32, true)),
            ColumnType::DateTime
        );
    }
}

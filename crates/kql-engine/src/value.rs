//! A value as it leaves and enters the engine.

use kql_semantics::ScalarType;
use kql_syntax::ticks;

use crate::text;

/// One KQL value, owned.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// No value. Strings are never null: theirs is `""`.
    Null,
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(i32),
    /// `long`.
    Long(i64),
    /// `real`, NaN and infinities included.
    Real(f64),
    /// `decimal`, as plain digits.
    Decimal(String),
    /// `datetime`: ticks of 100 ns since 0001-01-01T00:00:00Z.
    DateTime(i64),
    /// `timespan`: ticks of 100 ns.
    TimeSpan(i64),
    /// `guid`, lower case with dashes.
    Guid(String),
    /// `string`.
    String(String),
    /// `dynamic`; datetimes, timespans and guids inside are text.
    Dynamic(serde_json::Value),
}

impl Value {
    /// The type of the value; `None` for null.
    pub fn scalar_type(&self) -> Option<ScalarType> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(_) => ScalarType::Bool,
            Self::Int(_) => ScalarType::Int,
            Self::Long(_) => ScalarType::Long,
            Self::Real(_) => ScalarType::Real,
            Self::Decimal(_) => ScalarType::Decimal,
            Self::DateTime(_) => ScalarType::DateTime,
            Self::TimeSpan(_) => ScalarType::TimeSpan,
            Self::Guid(_) => ScalarType::Guid,
            Self::String(_) => ScalarType::String,
            Self::Dynamic(_) => ScalarType::Dynamic,
        })
    }

    /// The value as the service writes it in a JSON answer: datetimes and timespans as text,
    /// NaN and infinities as `"NaN"`, `"Infinity"`, `"-Infinity"`.
    ///
    /// ```
    /// # use kql_engine::Value;
    /// assert_eq!(Value::TimeSpan(15_000_000).to_json(), serde_json::json!("00:00:01.5000000"));
    /// assert_eq!(Value::Real(f64::NAN).to_json(), serde_json::json!("NaN"));
    /// ```
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(value) => Json::from(*value),
            Self::Long(value) => Json::from(*value),
            Self::Real(value) => serde_json::Number::from_f64(*value).map_or_else(
                || Json::String(text::real_in_json(*value).to_owned()),
                Json::Number,
            ),
            Self::Decimal(value) | Self::Guid(value) | Self::String(value) => {
                Json::String(value.clone())
            }
            Self::DateTime(value) => Json::String(ticks::datetime_text(*value)),
            Self::TimeSpan(value) => Json::String(ticks::timespan_text(*value)),
            Self::Dynamic(value) => value.clone(),
        }
    }
}

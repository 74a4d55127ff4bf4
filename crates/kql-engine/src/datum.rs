//! One value inside the engine, borrowed from its column where possible.

use std::borrow::Cow;

use kql_semantics::ScalarType;
use kql_syntax::ticks;

use crate::decimal::Decimal;
use crate::dynamic::{self, Dynamic};
use crate::{Value, text};

/// One value inside the engine.
#[derive(Debug, Clone)]
pub(crate) enum Datum<'a> {
    Null,
    Bool(bool),
    Int(i32),
    Long(i64),
    Real(f64),
    Decimal(Decimal),
    DateTime(i64),
    TimeSpan(i64),
    Guid(Cow<'a, str>),
    String(Cow<'a, str>),
    /// Never the encoding of null: that is `Null`.
    Dynamic(Cow<'a, [u8]>),
}

impl<'a> Datum<'a> {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(crate) fn text(value: impl Into<Cow<'a, str>>) -> Self {
        Self::String(value.into())
    }

    /// A dynamic from its encoding; an encoded null becomes null.
    pub(crate) fn dynamic(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        let bytes = bytes.into();
        if bytes.is_empty() || bytes[0] == 0 {
            Self::Null
        } else {
            Self::Dynamic(bytes)
        }
    }

    /// The value without its loan.
    pub(crate) fn into_owned(self) -> Datum<'static> {
        match self {
            Self::Null => Datum::Null,
            Self::Bool(value) => Datum::Bool(value),
            Self::Int(value) => Datum::Int(value),
            Self::Long(value) => Datum::Long(value),
            Self::Real(value) => Datum::Real(value),
            Self::Decimal(value) => Datum::Decimal(value),
            Self::DateTime(value) => Datum::DateTime(value),
            Self::TimeSpan(value) => Datum::TimeSpan(value),
            Self::Guid(value) => Datum::Guid(Cow::Owned(value.into_owned())),
            Self::String(value) => Datum::String(Cow::Owned(value.into_owned())),
            Self::Dynamic(value) => Datum::Dynamic(Cow::Owned(value.into_owned())),
        }
    }

    /// The same value, borrowing from this one.
    pub(crate) fn borrowed(&self) -> Datum<'_> {
        match self {
            Self::Guid(value) => Datum::Guid(Cow::Borrowed(value)),
            Self::String(value) => Datum::String(Cow::Borrowed(value)),
            Self::Dynamic(value) => Datum::Dynamic(Cow::Borrowed(value)),
            Self::Null => Datum::Null,
            Self::Bool(value) => Datum::Bool(*value),
            Self::Int(value) => Datum::Int(*value),
            Self::Long(value) => Datum::Long(*value),
            Self::Real(value) => Datum::Real(*value),
            Self::Decimal(value) => Datum::Decimal(*value),
            Self::DateTime(value) => Datum::DateTime(*value),
            Self::TimeSpan(value) => Datum::TimeSpan(*value),
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(value) | Self::Guid(value) => Some(value),
            Self::Dynamic(bytes) => match dynamic::view(bytes) {
                Dynamic::String(value) | Dynamic::Guid(value) => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Int(value) => Some(*value != 0),
            Self::Long(value) => Some(*value != 0),
            Self::Dynamic(bytes) => match dynamic::view(bytes) {
                Dynamic::Bool(value) => Some(value),
                Dynamic::Long(value) => Some(value != 0),
                _ => None,
            },
            _ => None,
        }
    }

    /// A whole number: int, long, a datetime's or timespan's ticks.
    pub(crate) fn as_long(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(i64::from(*value)),
            Self::Long(value) | Self::DateTime(value) | Self::TimeSpan(value) => Some(*value),
            Self::Bool(value) => Some(i64::from(*value)),
            Self::Dynamic(bytes) => match dynamic::view(bytes) {
                Dynamic::Long(value) | Dynamic::DateTime(value) | Dynamic::TimeSpan(value) => {
                    Some(value)
                }
                Dynamic::Bool(value) => Some(i64::from(value)),
                Dynamic::Real(value) => real_to_long(value),
                _ => None,
            },
            Self::Real(value) => real_to_long(*value),
            Self::Decimal(value) => real_to_long(value.to_real()),
            _ => None,
        }
    }

    /// A number as real; `None` for what is no number.
    #[expect(clippy::cast_precision_loss, reason = "KQL's own conversion")]
    pub(crate) fn as_real(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(f64::from(*value)),
            Self::Long(value) | Self::DateTime(value) | Self::TimeSpan(value) => {
                Some(*value as f64)
            }
            Self::Real(value) => Some(*value),
            Self::Bool(value) => Some(if *value { 1.0 } else { 0.0 }),
            Self::Decimal(value) => Some(value.to_real()),
            Self::Dynamic(bytes) => match dynamic::view(bytes) {
                Dynamic::Long(value) | Dynamic::DateTime(value) | Dynamic::TimeSpan(value) => {
                    Some(value as f64)
                }
                Dynamic::Real(value) => Some(value),
                Dynamic::Bool(value) => Some(if value { 1.0 } else { 0.0 }),
                _ => None,
            },
            _ => None,
        }
    }

    /// What is inside a dynamic, as the scalar it holds; containers stay dynamic.
    pub(crate) fn unwrapped(self) -> Self {
        let Self::Dynamic(bytes) = &self else {
            return self;
        };
        // What is borrowed from a column is borrowed on.
        if let Cow::Borrowed(bytes) = *bytes {
            match dynamic::view(bytes) {
                Dynamic::String(value) => return Self::String(Cow::Borrowed(value)),
                Dynamic::Guid(value) => return Self::Guid(Cow::Borrowed(value)),
                _ => {}
            }
        }
        match dynamic::view(bytes) {
            Dynamic::Null => Self::Null,
            Dynamic::Bool(value) => Self::Bool(value),
            Dynamic::Long(value) => Self::Long(value),
            Dynamic::Real(value) => Self::Real(value),
            Dynamic::DateTime(value) => Self::DateTime(value),
            Dynamic::TimeSpan(value) => Self::TimeSpan(value),
            Dynamic::Decimal(value) => Decimal::parse(value).map_or(Self::Null, Self::Decimal),
            Dynamic::String(value) => Self::String(Cow::Owned(value.to_owned())),
            Dynamic::Guid(value) => Self::Guid(Cow::Owned(value.to_owned())),
            Dynamic::Array(_) | Dynamic::Object(_) => self,
        }
    }

    /// The encoding as a dynamic.
    pub(crate) fn to_dynamic(&self) -> Cow<'_, [u8]> {
        Cow::Owned(match self {
            Self::Null => dynamic::null(),
            Self::Bool(value) => dynamic::bool(*value),
            Self::Int(value) => dynamic::long(i64::from(*value)),
            Self::Long(value) => dynamic::long(*value),
            Self::Real(value) => dynamic::real(*value),
            Self::Decimal(value) => dynamic::decimal(&value.to_string()),
            Self::DateTime(value) => dynamic::datetime(*value),
            Self::TimeSpan(value) => dynamic::timespan(*value),
            Self::Guid(value) => dynamic::guid(value),
            Self::String(value) => dynamic::string(value),
            Self::Dynamic(bytes) => return Cow::Borrowed(bytes),
        })
    }

    /// What `tostring` makes of it; null is "".
    pub(crate) fn display(&self) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed(""),
            Self::Bool(value) => Cow::Borrowed(if *value { "True" } else { "False" }),
            Self::Int(value) => Cow::Owned(value.to_string()),
            Self::Long(value) => Cow::Owned(value.to_string()),
            Self::Real(value) => Cow::Owned(text::real(*value)),
            Self::Decimal(value) => Cow::Owned(value.to_string()),
            Self::DateTime(value) => Cow::Owned(ticks::datetime_text(*value)),
            Self::TimeSpan(value) => Cow::Owned(ticks::timespan_text(*value)),
            Self::Guid(value) | Self::String(value) => Cow::Borrowed(value),
            Self::Dynamic(bytes) => dynamic::display(bytes),
        }
    }

    /// The value for outside.
    pub(crate) fn to_value(&self, ty: ScalarType) -> Value {
        match self {
            Self::Null if ty == ScalarType::String => Value::String(String::new()),
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Long(value) => Value::Long(*value),
            Self::Real(value) => Value::Real(*value),
            Self::Decimal(value) => Value::Decimal(value.to_string()),
            Self::DateTime(value) => Value::DateTime(*value),
            Self::TimeSpan(value) => Value::TimeSpan(*value),
            Self::Guid(value) => Value::Guid(value.to_string()),
            Self::String(value) => Value::String(value.to_string()),
            Self::Dynamic(bytes) => Value::Dynamic(dynamic::to_json(bytes)),
        }
    }
}

/// Truncates towards zero and stops at the ends, as `tolong` does.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
pub(crate) fn saturated(value: f64) -> i64 {
    value as i64
}

/// Truncates towards zero; what has no long is `None`.
#[expect(clippy::cast_possible_truncation, reason = "bounds are checked")]
pub(crate) fn real_to_long(value: f64) -> Option<i64> {
    let bound = 9_223_372_036_854_775_808.0;
    (value >= -bound && value < bound).then_some(value as i64)
}

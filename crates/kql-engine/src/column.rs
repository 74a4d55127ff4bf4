//! Columns inside the engine: which Arrow type holds which KQL type, reading and building them.
//!
//! | KQL | Arrow | |
//! |---|---|---|
//! | bool, int, long, real | Boolean, Int32, Int64, Float64 | |
//! | datetime, timespan | Int64 | ticks; Arrow's own types end in 1677 and 2262 |
//! | string | `LargeUtf8` | no nulls; 64-bit offsets, since a cell may have megabytes |
//! | decimal, guid | `LargeUtf8` | canonical text |
//! | dynamic | `LargeBinary` | see [`crate::dynamic`] |

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, Float64Array, Float64Builder,
    Int32Array, Int32Builder, Int64Array, Int64Builder, LargeBinaryArray, LargeBinaryBuilder,
    LargeStringArray, LargeStringBuilder, new_empty_array, new_null_array,
};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Int64Type, Schema, SchemaRef};
use kql_semantics::ScalarType;

use crate::datum::Datum;
use crate::decimal::Decimal;
use crate::{Value, dynamic};

/// The Arrow type of a KQL type.
pub(crate) fn arrow_type(ty: ScalarType) -> DataType {
    match ty {
        ScalarType::Bool => DataType::Boolean,
        ScalarType::Int => DataType::Int32,
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => DataType::Int64,
        ScalarType::Real => DataType::Float64,
        ScalarType::String | ScalarType::Decimal | ScalarType::Guid => DataType::LargeUtf8,
        ScalarType::Dynamic => DataType::LargeBinary,
    }
}

/// A schema of named KQL columns.
pub(crate) fn schema<N: Into<String>>(
    columns: impl IntoIterator<Item = (N, ScalarType)>,
) -> SchemaRef {
    Arc::new(Schema::new(
        columns
            .into_iter()
            .map(|(name, ty)| Field::new(name, arrow_type(ty), true))
            .collect::<Vec<_>>(),
    ))
}

/// A column to read values from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reader<'a> {
    Bool(&'a BooleanArray),
    Int(&'a Int32Array),
    Long(&'a Int64Array),
    Real(&'a Float64Array),
    Decimal(&'a LargeStringArray),
    DateTime(&'a Int64Array),
    TimeSpan(&'a Int64Array),
    Guid(&'a LargeStringArray),
    String(&'a LargeStringArray),
    Dynamic(&'a LargeBinaryArray),
    /// One value for every row.
    Constant(&'a Datum<'static>),
}

impl<'a> Reader<'a> {
    /// Reads `array`, which holds values of `ty` as [`arrow_type`] says.
    pub(crate) fn new(array: &'a ArrayRef, ty: ScalarType) -> Self {
        match ty {
            ScalarType::Bool => Self::Bool(array.as_boolean()),
            ScalarType::Int => Self::Int(array.as_primitive::<Int32Type>()),
            ScalarType::Long => Self::Long(array.as_primitive::<Int64Type>()),
            ScalarType::Real => Self::Real(array.as_primitive::<Float64Type>()),
            ScalarType::Decimal => Self::Decimal(array.as_string::<i64>()),
            ScalarType::DateTime => Self::DateTime(array.as_primitive::<Int64Type>()),
            ScalarType::TimeSpan => Self::TimeSpan(array.as_primitive::<Int64Type>()),
            ScalarType::Guid => Self::Guid(array.as_string::<i64>()),
            ScalarType::String => Self::String(array.as_string::<i64>()),
            ScalarType::Dynamic => Self::Dynamic(array.as_binary::<i64>()),
        }
    }

    /// The value in `row`.
    #[inline]
    pub(crate) fn get(self, row: usize) -> Datum<'a> {
        fn present<T>(array: &impl Array, row: usize, value: impl FnOnce() -> T) -> Option<T> {
            (!array.is_null(row)).then(value)
        }
        let value = match self {
            Self::Constant(value) => return value.borrowed(),
            Self::Bool(array) => present(array, row, || Datum::Bool(array.value(row))),
            Self::Int(array) => present(array, row, || Datum::Int(array.value(row))),
            Self::Long(array) => present(array, row, || Datum::Long(array.value(row))),
            Self::Real(array) => present(array, row, || Datum::Real(array.value(row))),
            Self::DateTime(array) => present(array, row, || Datum::DateTime(array.value(row))),
            Self::TimeSpan(array) => present(array, row, || Datum::TimeSpan(array.value(row))),
            Self::Decimal(array) => present(array, row, || {
                Decimal::parse(array.value(row)).map_or(Datum::Null, Datum::Decimal)
            }),
            Self::Guid(array) => {
                present(array, row, || Datum::Guid(Cow::Borrowed(array.value(row))))
            }
            Self::String(array) => {
                let text = if array.is_null(row) {
                    ""
                } else {
                    array.value(row)
                };
                return Datum::String(Cow::Borrowed(text));
            }
            Self::Dynamic(array) => present(array, row, || Datum::dynamic(array.value(row))),
        };
        value.unwrap_or(Datum::Null)
    }
}

/// The value in `row` for outside.
pub(crate) fn value_at(array: &ArrayRef, ty: ScalarType, row: usize) -> Value {
    Reader::new(array, ty).get(row).to_value(ty)
}

/// A column that grows value by value.
#[derive(Debug)]
pub(crate) struct Builder {
    ty: ScalarType,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Bool(BooleanBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Real(Float64Builder),
    Text(LargeStringBuilder),
    Binary(LargeBinaryBuilder),
}

impl Builder {
    pub(crate) fn new(ty: ScalarType, capacity: usize) -> Self {
        let inner = match ty {
            ScalarType::Bool => Inner::Bool(BooleanBuilder::with_capacity(capacity)),
            ScalarType::Int => Inner::Int(Int32Builder::with_capacity(capacity)),
            ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => {
                Inner::Long(Int64Builder::with_capacity(capacity))
            }
            ScalarType::Real => Inner::Real(Float64Builder::with_capacity(capacity)),
            ScalarType::String | ScalarType::Decimal | ScalarType::Guid => {
                Inner::Text(LargeStringBuilder::with_capacity(capacity, capacity * 8))
            }
            ScalarType::Dynamic => {
                Inner::Binary(LargeBinaryBuilder::with_capacity(capacity, capacity * 8))
            }
        };
        Self { ty, inner }
    }

    /// Appends `value`; what is not of the column's type becomes null.
    pub(crate) fn push(&mut self, value: &Datum<'_>) {
        match &mut self.inner {
            Inner::Bool(builder) => builder.append_option(match value {
                Datum::Bool(value) => Some(*value),
                _ => None,
            }),
            Inner::Int(builder) => builder.append_option(match value {
                Datum::Int(value) => Some(*value),
                Datum::Long(value) => i32::try_from(*value).ok(),
                _ => None,
            }),
            Inner::Long(builder) => builder.append_option(match (self.ty, value) {
                (ScalarType::Long, Datum::Long(value))
                | (ScalarType::DateTime, Datum::DateTime(value))
                | (ScalarType::TimeSpan, Datum::TimeSpan(value)) => Some(*value),
                (ScalarType::Long, Datum::Int(value)) => Some(i64::from(*value)),
                _ => None,
            }),
            Inner::Real(builder) => builder.append_option(match value {
                Datum::Real(_) | Datum::Int(_) | Datum::Long(_) | Datum::Decimal(_) => {
                    value.as_real()
                }
                _ => None,
            }),
            Inner::Text(builder) => match (self.ty, value) {
                (ScalarType::String, Datum::String(text) | Datum::Guid(text))
                | (ScalarType::Guid, Datum::Guid(text)) => builder.append_value(text),
                (ScalarType::String, Datum::Dynamic(_)) => builder.append_value(value.display()),
                (ScalarType::String, _) => builder.append_value(""),
                (ScalarType::Decimal, Datum::Decimal(number)) => {
                    builder.append_value(number.to_string());
                }
                (ScalarType::Decimal, Datum::Long(number)) => {
                    builder.append_value(number.to_string());
                }
                (ScalarType::Decimal, Datum::Int(number)) => {
                    builder.append_value(number.to_string());
                }
                _ => builder.append_null(),
            },
            Inner::Binary(builder) => match value {
                Datum::Null => builder.append_null(),
                Datum::Dynamic(bytes) if dynamic::view_is_null(bytes) => builder.append_null(),
                other => builder.append_value(other.to_dynamic()),
            },
        }
    }

    /// Appends `count` values that are none: nulls, or empty texts in a column of type `string`.
    pub(crate) fn push_nulls(&mut self, count: usize) {
        match &mut self.inner {
            Inner::Bool(builder) => builder.append_nulls(count),
            Inner::Int(builder) => builder.append_nulls(count),
            Inner::Long(builder) => builder.append_nulls(count),
            Inner::Real(builder) => builder.append_nulls(count),
            Inner::Text(builder) if self.ty == ScalarType::String => {
                builder.append_value_n("", count);
            }
            Inner::Text(builder) => builder.append_nulls(count),
            Inner::Binary(builder) => builder.append_nulls(count),
        }
    }

    pub(crate) fn finish(mut self) -> ArrayRef {
        match &mut self.inner {
            Inner::Bool(builder) => Arc::new(builder.finish()),
            Inner::Int(builder) => Arc::new(builder.finish()),
            Inner::Long(builder) => Arc::new(builder.finish()),
            Inner::Real(builder) => Arc::new(builder.finish()),
            Inner::Text(builder) => Arc::new(builder.finish()),
            Inner::Binary(builder) => Arc::new(builder.finish()),
        }
    }
}

/// `rows` times the same value.
pub(crate) fn repeated(value: &Datum<'_>, ty: ScalarType, rows: usize) -> ArrayRef {
    if rows == 0 {
        return new_empty_array(&arrow_type(ty));
    }
    if value.is_null() && ty != ScalarType::String {
        return new_null_array(&arrow_type(ty), rows);
    }
    if let (ScalarType::String, Datum::Null) = (ty, value) {
        let offsets = OffsetBuffer::new_zeroed(rows);
        return Arc::new(LargeStringArray::new(offsets, Buffer::default(), None));
    }
    let mut builder = Builder::new(ty, rows);
    for _ in 0..rows {
        builder.push(value);
    }
    builder.finish()
}

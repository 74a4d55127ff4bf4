//! Comparisons that let a reader leave rows out early.

use arrow::datatypes::DataType;
use kql_semantics::ScalarType;
use kql_semantics::bound::CompareOp;

use crate::datum::Datum;
use crate::expression::order;

/// What a column must satisfy. Whoever pushes it down applies it again: a reader may ignore it.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) column: String,
    ty: ScalarType,
    op: CompareOp,
    value: Datum<'static>,
}

impl Condition {
    /// A condition no missing cell fulfils, so that a null in a file is never wanted; `None` for
    /// all others.
    pub(crate) fn new(
        column: &str,
        ty: ScalarType,
        op: CompareOp,
        value: &Datum<'static>,
    ) -> Option<Self> {
        let ordered = matches!(
            op,
            CompareOp::Equal
                | CompareOp::Less
                | CompareOp::LessOrEqual
                | CompareOp::Greater
                | CompareOp::GreaterOrEqual
        );
        let fits = match (ty, value) {
            (ScalarType::Int | ScalarType::Long, Datum::Int(_) | Datum::Long(_))
            | (ScalarType::DateTime, Datum::DateTime(_)) => ordered,
            (ScalarType::Bool, Datum::Bool(_)) => op == CompareOp::Equal,
            // A missing text is "".
            (ScalarType::String, Datum::String(text)) => op == CompareOp::Equal && !text.is_empty(),
            _ => false,
        };
        fits.then(|| Self {
            column: column.to_owned(),
            ty,
            op,
            value: value.clone(),
        })
    }

    /// The type of the column as the query sees it.
    pub(super) fn ty(&self) -> ScalarType {
        self.ty
    }

    /// Whether values between two bounds can fulfil it; an unknown bound is null.
    pub(super) fn possible(&self, least: &Datum<'_>, most: &Datum<'_>) -> bool {
        let below = order(least, &self.value);
        let above = order(most, &self.value);
        let (Some(below), Some(above)) = (below, above) else {
            return true;
        };
        match self.op {
            CompareOp::Equal => below.is_le() && above.is_ge(),
            CompareOp::Less => below.is_lt(),
            CompareOp::LessOrEqual => below.is_le(),
            CompareOp::Greater => above.is_gt(),
            CompareOp::GreaterOrEqual => above.is_ge(),
            _ => true,
        }
    }

    /// Whether the conversion from a file's type keeps the order of values.
    pub(super) fn is_ordered_in(&self, data: &DataType) -> bool {
        match self.ty {
            ScalarType::Int => matches!(
                data,
                DataType::Int8
                    | DataType::Int16
                    | DataType::Int32
                    | DataType::UInt8
                    | DataType::UInt16
            ),
            ScalarType::Long => matches!(
                data,
                DataType::Int8
                    | DataType::Int16
                    | DataType::Int32
                    | DataType::Int64
                    | DataType::UInt8
                    | DataType::UInt16
                    | DataType::UInt32
            ),
            ScalarType::DateTime => matches!(data, DataType::Timestamp(..) | DataType::Date32),
            ScalarType::Bool => matches!(data, DataType::Boolean),
            ScalarType::String => matches!(
                data,
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
            ),
            _ => false,
        }
    }
}

//! Compiled expressions: evaluated column by column over a batch.

mod compare;
mod compile;
pub(crate) mod size;
mod udf;

pub(crate) use compare::{compare_values, order};
pub(crate) use compile::{Compiler, Input, Surroundings};
pub(crate) use udf::{call, comparisons, predicate};

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::compute::{and_kleene, or_kleene};
use arrow::datatypes::Int64Type;
use kql_semantics::ScalarType;

use crate::EngineError;
use crate::column::{self, Builder, Reader};
use crate::datum::Datum;
use crate::error::Foreign;
use crate::functions::arithmetic::WholeMap;

/// What a function does to one row.
pub(crate) type Kernel =
    Arc<dyn for<'a> Fn(&[Datum<'a>]) -> Result<Datum<'a>, EngineError> + Send + Sync>;

/// A kernel from a closure.
pub(crate) fn kernel<F>(body: F) -> Kernel
where
    F: for<'a> Fn(&[Datum<'a>]) -> Result<Datum<'a>, EngineError> + Send + Sync + 'static,
{
    Arc::new(body)
}

/// What a predicate on a text column does to one row; no value is ever copied for it.
pub(crate) type TextTest = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// An expression ready to be evaluated.
pub(crate) struct Compiled {
    pub(crate) node: Node,
    pub(crate) ty: ScalarType,
}

pub(crate) enum Node {
    Constant(Datum<'static>),
    /// A column of the batch.
    Input(usize),
    And(Vec<Compiled>),
    Or(Vec<Compiled>),
    /// A test of text that is never null.
    Test(TextTest, Box<Compiled>),
    Compare(
        kql_semantics::bound::CompareOp,
        Box<Compiled>,
        Box<Compiled>,
    ),
    /// A function of one column of whole numbers, moments or spans that gives the same.
    Whole(WholeMap, Box<Compiled>),
    Kernel(Kernel, Vec<Compiled>),
    /// Whether a fresh value per row is wanted, like `rand()`: never folded.
    Volatile(Kernel, Vec<Compiled>),
}

impl fmt::Debug for Compiled {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Node::Constant(value) => write!(out, "{value:?}"),
            Node::Input(at) => write!(out, "${at}"),
            Node::And(list) => out.debug_tuple("And").field(list).finish(),
            Node::Or(list) => out.debug_tuple("Or").field(list).finish(),
            Node::Test(_, value) => out.debug_tuple("Test").field(value).finish(),
            Node::Whole(_, value) => out.debug_tuple("Whole").field(value).finish(),
            Node::Compare(op, left, right) => out
                .debug_tuple("Compare")
                .field(op)
                .field(left)
                .field(right)
                .finish(),
            Node::Kernel(_, list) | Node::Volatile(_, list) => {
                out.debug_tuple("Kernel").field(list).finish()
            }
        }
    }
}

/// Columns of equal length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) columns: &'a [ArrayRef],
    pub(crate) len: usize,
}

/// The values of an expression over some rows.
#[derive(Debug)]
pub(crate) enum Vector<'a> {
    Constant(Cow<'a, Datum<'static>>),
    Array(ArrayRef),
}

impl Vector<'_> {
    pub(crate) fn reader(&self, ty: ScalarType) -> Reader<'_> {
        match self {
            Self::Constant(value) => Reader::Constant(value),
            Self::Array(array) => Reader::new(array, ty),
        }
    }

    pub(crate) fn into_array(self, ty: ScalarType, rows: usize) -> ArrayRef {
        match self {
            Self::Constant(value) => column::repeated(&value, ty, rows),
            Self::Array(array) => array,
        }
    }
}

impl Compiled {
    pub(crate) fn constant(value: Datum<'static>, ty: ScalarType) -> Self {
        Self {
            node: Node::Constant(value),
            ty,
        }
    }

    pub(crate) fn as_constant(&self) -> Option<&Datum<'static>> {
        match &self.node {
            Node::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// The value where it depends on no row.
    pub(crate) fn single(&self) -> Result<Datum<'static>, EngineError> {
        let rows = Rows {
            columns: &[],
            len: 1,
        };
        let vector = self.evaluate(rows)?;
        Ok(vector.reader(self.ty).get(0).into_owned())
    }

    /// The values as an array.
    pub(crate) fn array(&self, rows: Rows<'_>) -> Result<ArrayRef, EngineError> {
        Ok(self.evaluate(rows)?.into_array(self.ty, rows.len))
    }

    pub(crate) fn evaluate(&self, rows: Rows<'_>) -> Result<Vector<'_>, EngineError> {
        Ok(match &self.node {
            Node::Constant(value) => Vector::Constant(Cow::Borrowed(value)),
            Node::Input(at) => Vector::Array(Arc::clone(&rows.columns[*at])),
            Node::And(list) => Vector::Array(combine(list, rows, true)?),
            Node::Or(list) => Vector::Array(combine(list, rows, false)?),
            Node::Test(test, value) => {
                let vector = value.evaluate(rows)?;
                let answer: BooleanArray =
                    if let (Vector::Array(array), ScalarType::String) = (&vector, value.ty) {
                        let strings = array.as_string::<i64>();
                        strings
                            .iter()
                            .map(|text| Some(test(text.unwrap_or(""))))
                            .collect()
                    } else {
                        let reader = vector.reader(value.ty);
                        (0..rows.len)
                            .map(|row| Some(test(&reader.get(row).display())))
                            .collect()
                    };
                Vector::Array(Arc::new(answer))
            }
            Node::Compare(op, left, right) => {
                let left_values = left.evaluate(rows)?;
                let right_values = right.evaluate(rows)?;
                let answer = compare::vectors(
                    *op,
                    (&left_values, left.ty),
                    (&right_values, right.ty),
                    rows.len,
                );
                Vector::Array(Arc::new(answer))
            }
            Node::Whole(map, value) => {
                let array = value.array(rows)?;
                let numbers = array.as_primitive::<Int64Type>();
                let answer: Int64Array = numbers.unary_opt(|number| map(number));
                Vector::Array(Arc::new(answer))
            }
            Node::Kernel(kernel, arguments) | Node::Volatile(kernel, arguments) => {
                let vectors = arguments
                    .iter()
                    .map(|argument| argument.evaluate(rows))
                    .collect::<Result<Vec<_>, _>>()?;
                let readers: Vec<Reader<'_>> = vectors
                    .iter()
                    .zip(arguments)
                    .map(|(vector, argument)| vector.reader(argument.ty))
                    .collect();
                Vector::Array(each_row(kernel, &readers, self.ty, rows.len)?)
            }
        })
    }
}

/// What `kernel` makes of each row.
fn each_row(
    kernel: &Kernel,
    readers: &[Reader<'_>],
    ty: ScalarType,
    rows: usize,
) -> Result<ArrayRef, EngineError> {
    let mut builder = Builder::new(ty, rows);
    let mut made = size::Made::default();
    let mut take = |values: &[Datum<'_>]| -> Result<(), EngineError> {
        size::arguments(values)?;
        // By reference: moving values about takes longer than most functions do.
        match &kernel(values) {
            Ok(value) => {
                made.add(value)?;
                builder.push(value);
                Ok(())
            }
            Err(error) => Err(error.clone()),
        }
    };
    match readers {
        [one] => {
            for row in 0..rows {
                take(&[one.get(row)])?;
            }
        }
        [one, two] => {
            for row in 0..rows {
                take(&[one.get(row), two.get(row)])?;
            }
        }
        more => {
            let mut values = Vec::with_capacity(more.len());
            for row in 0..rows {
                values.clear();
                values.extend(more.iter().map(|reader| reader.get(row)));
                take(&values)?;
            }
        }
    }
    Ok(builder.finish())
}

/// `and` / `or` with null as "unknown"; no part is looked at once all rows are decided.
fn combine(list: &[Compiled], rows: Rows<'_>, all: bool) -> Result<ArrayRef, EngineError> {
    let mut answer: Option<BooleanArray> = None;
    for part in list {
        let decided = answer.as_ref().is_some_and(|known| {
            known.null_count() == 0 && known.true_count() == if all { 0 } else { rows.len }
        });
        if decided {
            break;
        }
        let vector = part.evaluate(rows)?;
        let own = match &vector {
            Vector::Array(array) if part.ty == ScalarType::Bool => array.as_boolean().clone(),
            other => {
                let reader = other.reader(part.ty);
                (0..rows.len).map(|row| reader.get(row).as_bool()).collect()
            }
        };
        answer = Some(match answer {
            None => own,
            Some(before) if all => and_kleene(&before, &own).ours()?,
            Some(before) => or_kleene(&before, &own).ours()?,
        });
    }
    Ok(Arc::new(answer.unwrap_or_else(|| {
        BooleanArray::from(vec![all; rows.len])
    })))
}

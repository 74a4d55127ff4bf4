//! Compiled expressions as scalar functions of DataFusion.
//!
//! One function per expression, not per call: DataFusion's rules about nulls, coercion and
//! simplification never see the inside, and its rules about columns (pruning, pushing filters
//! down) still see which columns it needs.

use std::any::Any;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::datatypes::DataType;
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use kql_semantics::ScalarType;
use kql_semantics::bound::CompareOp;

use super::{Compiled, Node, Rows};
use crate::EngineError;
use crate::column;
use crate::datum::Datum;

static NEXT: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
struct Function {
    name: String,
    id: u64,
    signature: Signature,
    compiled: Arc<Compiled>,
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(column::arrow_type(self.compiled.ty))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let len = arguments.number_rows;
        let all_scalar = !arguments.args.is_empty()
            && arguments
                .args
                .iter()
                .all(|one| matches!(one, ColumnarValue::Scalar(_)));
        let len = if all_scalar { 1 } else { len };
        let columns = arguments
            .args
            .into_iter()
            .map(|one| one.into_array(len))
            .collect::<Result<Vec<_>>>()?;
        let answer = self
            .compiled
            .array(Rows {
                columns: &columns,
                len,
            })
            .map_err(EngineError::theirs)?;
        if all_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &answer, 0,
            )?));
        }
        Ok(ColumnarValue::Array(answer))
    }
}

/// `compiled` applied to the columns of these names, in the order of its inputs.
pub(crate) fn call(compiled: Compiled, columns: &[String]) -> Expr {
    let column = |name: &String| Expr::Column(Column::new_unqualified(name.clone()));
    if let (Node::Input(at), true) = (&compiled.node, columns.len() == 1)
        && let Some(name) = columns.get(*at)
    {
        return column(name);
    }
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    // Volatile everywhere without columns: nothing is folded by rules that are not ours.
    let volatility = if columns.is_empty() || compiled.is_volatile() {
        Volatility::Volatile
    } else {
        Volatility::Immutable
    };
    let signature = if columns.is_empty() {
        Signature::nullary(volatility)
    } else {
        Signature::any(columns.len(), volatility)
    };
    let function = Function {
        name: format!("kql{id}"),
        id,
        signature,
        compiled: Arc::new(compiled),
    };
    Arc::new(ScalarUDF::new_from_impl(function)).call(columns.iter().map(column).collect())
}

/// The test that `filter` is, and the columns it reads; `None` for what is not ours or gives another
/// answer each time.
pub(crate) fn predicate(filter: &Expr) -> Option<(Arc<Compiled>, Vec<String>)> {
    let Expr::ScalarFunction(call) = filter else {
        return None;
    };
    let inner: &dyn Any = call.func.inner().as_ref();
    let function = inner.downcast_ref::<Function>()?;
    if function.signature.volatility == Volatility::Volatile
        || function.compiled.ty != ScalarType::Bool
    {
        return None;
    }
    let columns = call.args.iter().map(|argument| match argument {
        Expr::Column(column) => Some(column.name.clone()),
        _ => None,
    });
    Some((
        Arc::clone(&function.compiled),
        columns.collect::<Option<_>>()?,
    ))
}

/// Comparisons of a column with a value that every row must pass to pass `filter`.
pub(crate) fn comparisons(filter: &Expr) -> Vec<(String, CompareOp, Datum<'static>)> {
    let Expr::ScalarFunction(call) = filter else {
        return Vec::new();
    };
    let inner: &dyn Any = call.func.inner().as_ref();
    let Some(function) = inner.downcast_ref::<Function>() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut waiting = vec![function.compiled.as_ref()];
    while let Some(next) = waiting.pop() {
        match &next.node {
            Node::And(list) => waiting.extend(list),
            Node::Compare(op, left, right) => {
                if let (Node::Input(at), Node::Constant(value)) = (&left.node, &right.node)
                    && let Some(Expr::Column(column)) = call.args.get(*at)
                {
                    found.push((column.name.clone(), *op, value.clone()));
                }
            }
            _ => {}
        }
    }
    found
}

impl Compiled {
    fn is_volatile(&self) -> bool {
        match &self.node {
            Node::Volatile(..) => true,
            Node::Constant(_) | Node::Input(_) => false,
            Node::And(list) | Node::Or(list) | Node::Kernel(_, list) => {
                list.iter().any(Self::is_volatile)
            }
            Node::Test(_, value) | Node::Whole(_, value) => value.is_volatile(),
            Node::Compare(_, left, right) => left.is_volatile() || right.is_volatile(),
        }
    }
}

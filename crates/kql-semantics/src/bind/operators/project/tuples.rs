//! Functions and values that give several columns.

use kql_syntax::tree::{self, ExpressionKind};

use super::super::super::rows::Names;
use super::super::super::{Binder, Column, Context, Outcome};
use super::super::Item;
use super::Title;
use crate::bound::{Expr, ExprKind, Value};
use crate::diagnostic::DiagnosticKind;
use crate::types::ScalarType::{self, Dynamic, Long, Real};

/// Functions that give several columns: the suffix and type of each.
pub(super) fn tuple_columns(function: &str) -> Option<&'static [(&'static str, ScalarType)]> {
    Some(match function {
        "series_fit_line" => &[
            ("rsquare", Real),
            ("slope", Real),
            ("variance", Real),
            ("rvariance", Real),
            ("interception", Real),
            ("line_fit", Dynamic),
        ],
        "series_fit_2lines" => &[
            ("rsquare", Real),
            ("split_idx", Long),
            ("variance", Real),
            ("rvariance", Real),
            ("line_fit", Dynamic),
            ("right_rsquare", Real),
            ("right_slope", Real),
            ("right_interception", Real),
            ("right_variance", Real),
            ("right_rvariance", Real),
            ("left_rsquare", Real),
            ("left_slope", Real),
            ("left_interception", Real),
            ("left_variance", Real),
            ("left_rvariance", Real),
        ],
        "series_fit_poly" => &[
            ("rsquare", Real),
            ("coefficients", Dynamic),
            ("variance", Real),
            ("rvariance", Real),
            ("poly_fit", Dynamic),
        ],
        "series_stats" => &[
            ("min", Real),
            ("min_idx", Long),
            ("max", Real),
            ("max_idx", Long),
            ("avg", Real),
            ("stdev", Real),
            ("variance", Real),
        ],
        "series_decompose" | "series_decompose_forecast" => &[
            ("baseline", Dynamic),
            ("seasonal", Dynamic),
            ("trend", Dynamic),
            ("residual", Dynamic),
        ],
        "series_decompose_anomalies" => &[
            ("ad_flag", Dynamic),
            ("ad_score", Dynamic),
            ("baseline", Dynamic),
        ],
        "series_periods_detect" | "series_periods_validate" => {
            &[("periods", Dynamic), ("scores", Dynamic)]
        }
        "series_fft" | "series_ifft" => &[("real", Dynamic), ("imag", Dynamic)],
        _ => return None,
    })
}

/// How many arrays a call of `array_sort_asc` or `array_sort_desc` sorts, where it is several.
pub(super) fn sorted_arrays(value: &Expr) -> Option<usize> {
    let ExprKind::Call {
        function,
        arguments,
    } = &value.kind
    else {
        return None;
    };
    let arrays = arguments.iter().filter(|one| one.ty == Dynamic).count();
    (matches!(function.name, "array_sort_asc" | "array_sort_desc") && arrays > 1).then_some(arrays)
}

impl<'a> Binder<'a> {
    pub(super) fn tuple(
        &mut self,
        named: &'a tree::NamedExpression,
        value: &Expr,
        parts: &'static [(&'static str, ScalarType)],
        title: &mut Title<'_, 'a>,
        context: &Context<'_>,
    ) -> Outcome<Vec<Item>> {
        let mut call = &named.expression;
        while let ExpressionKind::Parenthesized(inner) = &call.kind {
            call = inner;
        }
        let (function, argument) = match &call.kind {
            ExpressionKind::Call(call) => (
                call.function.text.as_str(),
                call.arguments
                    .first()
                    .and_then(|argument| self.lent_name(&argument.value, context.scope)),
            ),
            _ => ("", None),
        };
        let argument = argument.unwrap_or_default();
        let mut items = Vec::with_capacity(parts.len());
        // Names that are given choose the first parts; without names all come out.
        let wanted = if named.names.is_empty() {
            parts.len()
        } else {
            named.names.len().min(parts.len())
        };
        for (index, (suffix, ty)) in parts.iter().enumerate().take(wanted) {
            let lent = format!("{function}_{argument}_{suffix}");
            let name = title(self, named.names.get(index), Some(lent))?;
            let column = Column {
                id: self.fresh(),
                name,
                ty: *ty,
            };
            items.push(Item {
                column,
                value: Some(part(value, index, *ty)),
            });
        }
        Ok(items)
    }

    /// `array_sort_asc` of several arrays: a column for each.
    pub(super) fn sorted(
        &mut self,
        named: &'a tree::NamedExpression,
        value: &Expr,
        arrays: usize,
        title: &mut Title<'_, 'a>,
        context: &Context<'_>,
    ) -> Outcome<Vec<Item>> {
        let mut call = &named.expression;
        while let ExpressionKind::Parenthesized(inner) = &call.kind {
            call = inner;
        }
        let wanted = if named.names.is_empty() {
            arrays
        } else {
            named.names.len().min(arrays)
        };
        let mut items = Vec::with_capacity(wanted);
        let mut given = Names::default();
        for index in 0..wanted {
            let array = match &call.kind {
                ExpressionKind::Call(call) => call.arguments.get(index),
                _ => None,
            };
            // Even 'print' calls these columns after their arrays.
            let own = array.map(|array| {
                let lent = self.sorted_name(&array.value, index, context.scope);
                tree::Name {
                    text: given.unique(&lent).to_string(),
                    span: named.span,
                    bracketed: false,
                }
            });
            let name = title(self, named.names.get(index).or(own.as_ref()), None)?;
            let column = Column {
                id: self.fresh(),
                name,
                ty: Dynamic,
            };
            items.push(Item {
                column,
                value: Some(part(value, index, Dynamic)),
            });
        }
        Ok(items)
    }

    /// `(a, b) = dynamic`: the elements of an array.
    pub(super) fn tuple_of_dynamic(
        &mut self,
        named: &'a tree::NamedExpression,
        value: &Expr,
        title: &mut Title<'_, 'a>,
    ) -> Outcome<Vec<Item>> {
        if value.ty != Dynamic {
            return self.refuse(
                DiagnosticKind::Arity,
                named.span,
                format!(
                    "{} names are given, and there is one value",
                    named.names.len()
                ),
            );
        }
        let mut items = Vec::with_capacity(named.names.len());
        for (index, name) in named.names.iter().enumerate() {
            let name = title(self, Some(name), None)?;
            let column = Column {
                id: self.fresh(),
                name,
                ty: Dynamic,
            };
            items.push(Item {
                column,
                value: Some(part(value, index, Dynamic)),
            });
        }
        Ok(items)
    }
}

/// An element of the array that a call gives.
fn part(value: &Expr, index: usize, ty: ScalarType) -> Expr {
    let span = value.span;
    let index = Expr {
        kind: ExprKind::Literal(Value::Long(i64::try_from(index).unwrap_or(i64::MAX))),
        ty: Long,
        span,
    };
    let whole = Expr {
        ty: Dynamic,
        ..value.clone()
    };
    Expr {
        kind: ExprKind::Index(Box::new(whole), Box::new(index)),
        ty: Dynamic,
        span,
    }
    .converted(ty)
}

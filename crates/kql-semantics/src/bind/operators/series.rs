//! `make-series`.

use kql_syntax::Span;
use kql_syntax::tree::{self, ExpressionKind, SeriesRange};

use super::super::rows::{Names, Rows};
use super::super::scope::Scope;
use super::super::{Binder, Column, Context, Outcome};
use crate::bound::{Aggregate, Expr, MakeSeries, Operator, Series};
use crate::diagnostic::DiagnosticKind;
use crate::functions::Function;
use crate::types::ScalarType::{self, DateTime, Dynamic, TimeSpan};

impl<'a> Binder<'a> {
    #[expect(
        clippy::too_many_lines,
        reason = "series, axis, range and groups of one operator"
    )]
    pub(super) fn make_series(
        &mut self,
        rows: &mut Rows,
        written: &'a tree::MakeSeries,
        nonempty: bool,
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let mut names = Names::default();
        let (by, mut columns, _) = self.keys(rows, &written.by, &mut names, scope, false)?;
        let mut series = Vec::with_capacity(written.aggregates.len());
        for item in &written.aggregates {
            let written = &item.aggregate.expression;
            let (aggregate, lent) = match self.series_constant(written, scope) {
                Some(value) => (self.any_of(value, span)?, None),
                None => self.one_aggregate(rows, written, scope)?,
            };
            let name = self.title(item.aggregate.names.first(), lent, written, &mut names)?;
            let default = match &item.default {
                Some(default) => Some(self.expression(default, &mut Context::constant(scope))?),
                None => None,
            };
            let column = Column {
                id: self.fresh(),
                name,
                ty: Dynamic,
            };
            series.push(Series {
                aggregate,
                column: column.id,
                default,
            });
            columns.push(column);
        }
        let axis = self.expression(
            &written.on.expression,
            &mut Context::over(scope, &rows.columns),
        )?;
        if !(axis.ty.is_numeric() || matches!(axis.ty, DateTime | TimeSpan)) {
            return self.refuse(
                DiagnosticKind::Type,
                axis.span,
                format!(
                    "an axis is a number, datetime or timespan, and this is a {}",
                    axis.ty
                ),
            );
        }
        let lent = self.lent_name(&written.on.expression, scope);
        let (given, on) = (written.on.names.first(), &written.on.expression);
        let name = self.title(given, lent, on, &mut names)?;
        let axis_column = Column {
            id: self.fresh(),
            name,
            ty: Dynamic,
        };
        columns.push(axis_column.clone());
        let mut constant = |expression: &'a tree::Expression| {
            self.expression(expression, &mut Context::constant(scope))
        };
        let (from, to, step, to_included) = match &written.range {
            SeriesRange::FromToStep { from, to, step } => {
                let from = match from {
                    Some(from) => Some(constant(from)?),
                    None => None,
                };
                let to = match to {
                    Some(to) => Some(constant(to)?),
                    None => None,
                };
                (from, to, constant(step)?, false)
            }
            SeriesRange::InRange { arguments } => match arguments.as_slice() {
                [from, to, step] => (
                    Some(constant(from)?),
                    Some(constant(to)?),
                    constant(step)?,
                    true,
                ),
                _ => {
                    return self.refuse(
                        DiagnosticKind::Arity,
                        span,
                        "'range' takes a start, an end and a step",
                    );
                }
            },
        };
        let step_ty = if axis.ty == DateTime {
            TimeSpan
        } else {
            axis.ty
        };
        for (bound, wanted) in [
            (from.as_ref(), axis.ty),
            (to.as_ref(), axis.ty),
            (Some(&step), step_ty),
        ] {
            if let Some(bound) = bound
                && bound.ty != wanted
                && !(bound.ty.is_numeric() && wanted.is_numeric())
            {
                let (ty, span): (ScalarType, Span) = (bound.ty, bound.span);
                return self.refuse(
                    DiagnosticKind::Type,
                    span,
                    format!("a {wanted} is needed here, and this is a {ty}"),
                );
            }
        }
        let bound = MakeSeries {
            nonempty,
            series,
            axis,
            axis_column: axis_column.id,
            from,
            to,
            to_included,
            step,
            by,
        };
        rows.then(Operator::MakeSeries(Box::new(bound)), columns, span);
        rows.ordered = false;
        Ok(())
    }

    /// A series may be a number: that, at each point that has rows.
    fn series_constant(&mut self, written: &'a tree::Expression, scope: Scope) -> Option<Expr> {
        let mut inner = written;
        while let ExpressionKind::Parenthesized(next) = &inner.kind {
            inner = next;
        }
        if !matches!(
            inner.kind,
            ExpressionKind::Literal(_) | ExpressionKind::Unary(_)
        ) {
            return None;
        }
        let told = self.errors.len();
        let value = self.expression(inner, &mut Context::constant(scope));
        self.errors.truncate(told);
        value.ok().filter(|value| value.ty.is_numeric())
    }

    fn any_of(&mut self, value: Expr, span: Span) -> Outcome<Aggregate> {
        let Some(function) = Function::aggregate("take_any") else {
            return self.unsupported(span, "a number as a series");
        };
        Ok(Aggregate {
            function,
            outputs: vec![(self.fresh(), value.ty)],
            arguments: vec![value],
            filter: None,
            span,
        })
    }
}

//! `summarize`, `top-hitters`, `top-nested`.

use kql_syntax::Span;
use kql_syntax::tree::{self, Direction};

use super::super::rows::{Names, Rows};
use super::super::scope::{Entity, Scope};
use super::super::{Binder, Column, Context, Outcome, Refused};
use crate::bound::{Aggregate, Assignment, Expr, ExprKind, Operator, SortKey, TopNestedLevel};
use crate::diagnostic::DiagnosticKind;
use crate::functions::Function;
use crate::types::ScalarType::{self, Long};

impl<'a> Binder<'a> {
    /// Group keys: their columns, and the input columns that they are without change.
    pub(super) fn keys(
        &mut self,
        rows: &Rows,
        by: &'a [tree::NamedExpression],
        names: &mut Names,
        scope: Scope,
        count_all: bool,
    ) -> Outcome<(Vec<Assignment>, Vec<Column>, Vec<Column>)> {
        let mut keys = Vec::with_capacity(by.len());
        let mut columns = Vec::with_capacity(by.len());
        let mut plain = Vec::new();
        let mut failed = false;
        for key in by {
            let Ok(value) =
                self.expression(&key.expression, &mut Context::over(scope, &rows.columns))
            else {
                failed = true;
                continue;
            };
            if value.ty == ScalarType::Dynamic {
                failed = true;
                let _: Outcome<()> = self.refuse(
                    DiagnosticKind::Type,
                    value.span,
                    "a dynamic cannot be a group key; convert it with tostring()",
                );
                continue;
            }
            let given = key.names.first();
            // A constant that is declared lends its name to no group.
            let lent = match given {
                None if self.is_declared(&key.expression, &value, scope) => None,
                _ => self.lent_name(&key.expression, scope),
            };
            if count_all && (given.is_some() || lent.is_some()) {
                names.skip();
            }
            let Ok(name) = self.title(given, lent, &key.expression, names) else {
                failed = true;
                continue;
            };
            if let ExprKind::Column(id) = value.kind
                && let Some(column) = rows.columns.iter().find(|column| column.id == id)
            {
                plain.push(column.clone());
            }
            let column = Column {
                id: self.fresh(),
                name,
                ty: value.ty,
            };
            keys.push(Assignment {
                column: column.id,
                value,
            });
            columns.push(column);
        }
        if failed {
            Err(Refused)
        } else {
            Ok((keys, columns, plain))
        }
    }

    /// Whether a key is a declared value, whose name is that of no column.
    fn is_declared(&self, key: &tree::Expression, value: &Expr, scope: Scope) -> bool {
        let tree::ExpressionKind::Name(name) = &key.kind else {
            return false;
        };
        let declared = matches!(self.lookup(scope, &name.text), Some(Entity::Scalar { .. }));
        declared && value.is_constant()
    }

    pub(super) fn summarize(
        &mut self,
        rows: &mut Rows,
        summarize: &'a tree::Summarize,
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        if let Some(bin) = &summarize.bin {
            return self.unsupported(bin.span, "'bin=' after the groups");
        }
        let mut names = Names::default();
        let by = summarize.by.as_deref().unwrap_or_default();
        // Without aggregates a key is named by its place among all keys.
        let count_all = summarize.aggregates.is_empty();
        let keys = self.keys(rows, by, &mut names, scope, count_all);
        let plain = keys.as_ref().map_or(&[][..], |(_, _, plain)| plain);
        let input = rows.columns.clone();
        let mut context = Context::over(scope, &input);
        context.aggregates = Some(Vec::new());
        let mut outputs: Vec<Column> = Vec::new();
        let mut computed: Vec<Assignment> = Vec::new();
        let mut failed = false;
        for item in &summarize.aggregates {
            match self.summarize_item(item, plain, &mut names, &mut context) {
                Ok((columns, values)) => {
                    outputs.extend(columns);
                    computed.extend(values);
                }
                Err(Refused) => failed = true,
            }
        }
        let aggregates = context.aggregates.take().unwrap_or_default();
        let (keys, key_columns, _) = keys?;
        if failed {
            return Err(Refused);
        }
        let mut columns = key_columns;
        columns.extend(outputs);
        if computed.is_empty() {
            rows.then(Operator::Aggregate { keys, aggregates }, columns, span);
        } else {
            let mut inside: Vec<Column> = columns.iter().take(keys.len()).cloned().collect();
            for (id, ty) in aggregates.iter().flat_map(|aggregate| &aggregate.outputs) {
                inside.push(Column {
                    id: *id,
                    name: format!("aggregate{}", id.0).into(),
                    ty: *ty,
                });
            }
            rows.then(Operator::Aggregate { keys, aggregates }, inside, span);
            rows.then(
                Operator::Compute {
                    assignments: computed,
                },
                columns,
                span,
            );
        }
        rows.ordered = false;
        Ok(())
    }

    /// The columns of one item of a summarize, and what is computed from aggregates for them.
    fn summarize_item(
        &mut self,
        item: &'a tree::NamedExpression,
        plain: &[Column],
        names: &mut Names,
        context: &mut Context<'_>,
    ) -> Outcome<(Vec<Column>, Vec<Assignment>)> {
        if let Some((function, call)) = self.sole_aggregate(&item.expression, context) {
            let bundle = self.bundle(function, call, context, plain)?;
            let columns = self.named_outputs(&bundle, &item.names, names, item.span)?;
            if let Some(aggregates) = &mut context.aggregates {
                aggregates.push(bundle.aggregate);
            }
            return Ok((columns, Vec::new()));
        }
        let before = context.aggregates.as_ref().map_or(0, Vec::len);
        let value = self.expression(&item.expression, context)?;
        let after = context.aggregates.as_ref().map_or(0, Vec::len);
        if before == after {
            return self.refuse(
                DiagnosticKind::Meaning,
                item.span,
                "an aggregate is needed here, such as count() or max(x)",
            );
        }
        let lent = self.lent_name(&item.expression, context.scope);
        let name = self.title(item.names.first(), lent, &item.expression, names)?;
        let column = Column {
            id: self.fresh(),
            name,
            ty: value.ty,
        };
        let assignment = Assignment {
            column: column.id,
            value,
        };
        Ok((vec![column], vec![assignment]))
    }

    /// One aggregate, for operators that take exactly one.
    pub(super) fn one_aggregate(
        &mut self,
        rows: &Rows,
        expression: &'a tree::Expression,
        scope: Scope,
    ) -> Outcome<(Aggregate, Option<String>)> {
        let mut context = Context::over(scope, &rows.columns);
        context.aggregates = Some(Vec::new());
        let Some((function, call)) = self.sole_aggregate(expression, &context) else {
            return self.unsupported(
                expression.span,
                "an expression that is not one aggregate here",
            );
        };
        let mut bundle = self.bundle(function, call, &mut context, &[])?;
        let name = bundle.names.first_mut().and_then(Option::take);
        Ok((bundle.aggregate, name))
    }

    pub(super) fn top_hitters(
        &mut self,
        rows: &mut Rows,
        hitters: &'a tree::TopHitters,
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let count = self.count(&hitters.count, &mut Context::constant(scope))?;
        let of = self.expression(&hitters.of, &mut Context::over(scope, &rows.columns))?;
        // By the documentation an expression may stand here; nothing says what its column is called.
        let Some(lent) = self.lent_name(&hitters.of, scope) else {
            return self.unsupported(of.span, "'top-hitters' of what lends its column no name");
        };
        let mut names = Names::default();
        let key = Column {
            id: self.fresh(),
            name: names.unique(&lent),
            ty: of.ty,
        };
        let (function, arguments, name, ty) = match &hitters.by {
            None => (
                "count",
                Vec::new(),
                format!("approximate_count_{lent}"),
                Long,
            ),
            Some(by) => {
                let weight = self.expression(by, &mut Context::over(scope, &rows.columns))?;
                let lent = self.lent_name(by, scope).unwrap_or_default();
                let ty = if weight.ty == ScalarType::Int {
                    Long
                } else {
                    weight.ty
                };
                ("sum", vec![weight], format!("approximate_sum_{lent}"), ty)
            }
        };
        let Some(function) = Function::aggregate(function) else {
            return self.unsupported(span, "'top-hitters'");
        };
        let arguments = self.checked(function, arguments)?;
        let total = Column {
            id: self.fresh(),
            name: names.unique(&name),
            ty,
        };
        let aggregate = Aggregate {
            function,
            arguments,
            filter: None,
            outputs: vec![(total.id, ty)],
            span,
        };
        let keys = vec![Assignment {
            column: key.id,
            value: of,
        }];
        rows.then(
            Operator::Aggregate {
                keys,
                aggregates: vec![aggregate],
            },
            vec![key, total.clone()],
            span,
        );
        let value = Expr {
            kind: ExprKind::Column(total.id),
            ty,
            span,
        };
        rows.pass(
            Operator::Sort {
                keys: vec![SortKey {
                    value,
                    descending: true,
                    nulls_first: false,
                }],
            },
            span,
        );
        rows.pass(Operator::Take { count }, span);
        rows.ordered = true;
        Ok(())
    }

    pub(super) fn top_nested(
        &mut self,
        rows: &mut Rows,
        levels: &'a [tree::TopNestedLevel],
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let mut names = Names::default();
        let mut columns = Vec::new();
        let mut bound = Vec::with_capacity(levels.len());
        for level in levels {
            let count = match &level.count {
                Some(count) => Some(self.count(count, &mut Context::constant(scope))?),
                None => None,
            };
            let value = self.expression(
                &level.of.expression,
                &mut Context::over(scope, &rows.columns),
            )?;
            let lent = match level.of.names.first() {
                Some(name) => name.text.clone(),
                None => self
                    .lent_name(&level.of.expression, scope)
                    .unwrap_or_default(),
            };
            let column = Column {
                id: self.fresh(),
                name: names.unique(&lent),
                ty: value.ty,
            };
            let (aggregate, _) = self.one_aggregate(rows, &level.by.column.expression, scope)?;
            let (id, ty) = aggregate.outputs[0];
            let name = match level.by.column.names.first() {
                Some(name) => names.unique(&name.text),
                None => names.unique(&format!("aggregated_{lent}")),
            };
            let others = match &level.others {
                Some(others) => {
                    let others = self.expression(others, &mut Context::constant(scope))?;
                    // A text for a column of numbers is no number, and the service says nothing.
                    Some(others.converted(value.ty))
                }
                None => None,
            };
            columns.push(column.clone());
            columns.push(Column { id, name, ty });
            bound.push(TopNestedLevel {
                count,
                value: Assignment {
                    column: column.id,
                    value,
                },
                aggregate,
                aggregate_column: id,
                others,
                ascending: matches!(level.by.direction, Some(Direction::Ascending)),
            });
        }
        rows.then(Operator::TopNested { levels: bound }, columns, span);
        rows.ordered = true;
        Ok(())
    }
}

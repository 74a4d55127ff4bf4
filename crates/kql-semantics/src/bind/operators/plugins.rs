//! `evaluate` and `invoke`.

mod discovered;

use kql_syntax::Span;
use kql_syntax::tree::{self, ExpressionKind};

use super::super::expressions::column_value;
use super::super::rows::{Names, Rows};
use super::super::scope::Scope;
use super::super::{Binder, Column, Context, Outcome, Refused};
use super::literal;
use crate::bound::{Expr, ExprKind, Operator, PluginArgument, Value};
use crate::diagnostic::{Diagnostic, DiagnosticKind, nearest};
use crate::types::ScalarType::{Bool, Long, String as Text};

pub(super) use discovered::strings_of;

/// The plugins of the language; those that are not bound here are refused by name.
const PLUGINS: [&str; 32] = [
    "active_users_count",
    "activity_counts_metrics",
    "activity_engagement",
    "activity_metrics",
    "autocluster",
    "bag_unpack",
    "basket",
    "dcount_intersect",
    "diffpatterns",
    "diffpatterns_text",
    "estimate_rows_count",
    "funnel_sequence",
    "funnel_sequence_completion",
    "geo_line_lookup",
    "geo_polygon_lookup",
    "http_request",
    "http_request_post",
    "infer_storage_schema",
    "ipv4_lookup",
    "ipv6_lookup",
    "narrow",
    "new_activity_metrics",
    "pivot",
    "preview",
    "python",
    "r",
    "rolling_percentile",
    "rows_near",
    "schema_merge",
    "sequence_detect",
    "session_count",
    "sliding_window_counts",
];

impl<'a> Binder<'a> {
    pub(super) fn evaluate(
        &mut self,
        rows: &mut Rows,
        evaluate: &'a tree::Evaluate,
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let call = &evaluate.call;
        let schema = evaluate.schema.as_ref();
        match call.function.text.as_str() {
            "bag_unpack" => self.bag_unpack(rows, call, schema, scope, span),
            "pivot" => self.pivot(rows, call, schema, scope, span),
            "ipv4_lookup" => self.address_lookup(rows, "ipv4_lookup", call, scope, span),
            "ipv6_lookup" => self.address_lookup(rows, "ipv6_lookup", call, scope, span),
            "activity_counts_metrics" => self.activity(
                rows,
                "activity_counts_metrics",
                5,
                &["count", "dcount", "new_dcount", "aggregated_dcount"],
                call,
                scope,
                span,
            ),
            "session_count" => self.activity(
                rows,
                "session_count",
                6,
                &["count_sessions"],
                call,
                scope,
                span,
            ),
            "rows_near" => self.rows_near(rows, call, scope, span),
            "narrow" => {
                self.narrow(rows, call.span, span);
                Ok(())
            }
            name if PLUGINS.contains(&name) => {
                self.unsupported(call.span, format!("the plugin '{name}'"))
            }
            name => {
                let suggestion = nearest(name, PLUGINS);
                self.errors.push(
                    Diagnostic::new(
                        DiagnosticKind::Name,
                        call.function.span,
                        format!("no plugin named '{name}'"),
                    )
                    .with_suggestion(suggestion),
                );
                Err(Refused)
            }
        }
    }

    /// A constant argument, by name or by place.
    fn constant_argument(
        &mut self,
        call: &'a tree::Call,
        name: &str,
        place: usize,
        scope: Scope,
    ) -> Outcome<Option<Expr>> {
        let named = call.arguments.iter().find(|argument| {
            argument
                .name
                .as_ref()
                .is_some_and(|given| given.text == name)
        });
        let placed = call
            .arguments
            .get(place)
            .filter(|argument| argument.name.is_none());
        match named.or(placed) {
            Some(argument) => Ok(Some(
                self.expression(&argument.value, &mut Context::constant(scope))?,
            )),
            None => Ok(None),
        }
    }

    fn constant_text(&mut self, value: &Expr) -> Outcome<String> {
        match value.literal() {
            Some(Value::String(text)) => Ok(text.clone()),
            _ => self.refuse(
                DiagnosticKind::Constant,
                value.span,
                "a string constant is needed here",
            ),
        }
    }

    #[expect(
        clippy::too_many_lines,
        reason = "the plugin's tables, its keys and its columns"
    )]
    fn address_lookup(
        &mut self,
        rows: &mut Rows,
        name: &'static str,
        call: &'a tree::Call,
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        if call.arguments.len() < 3 {
            return self.refuse(
                DiagnosticKind::Arity,
                call.span,
                format!("'{name}' takes a table and two columns"),
            );
        }
        let table = self.tabular(&call.arguments[0].value, scope)?;
        let ours = self.expression(
            &call.arguments[1].value,
            &mut Context::over(scope, &rows.columns),
        )?;
        let theirs = self.expression(
            &call.arguments[2].value,
            &mut Context::over(scope, &table.columns),
        )?;
        for key in [&ours, &theirs] {
            if key.ty != Text {
                let (ty, span) = (key.ty, key.span);
                return self.refuse(
                    DiagnosticKind::Type,
                    span,
                    format!("a string is needed here, and this is a {ty}"),
                );
            }
        }
        let mut unmatched = literal(Value::Bool(false), Bool, span);
        let mut extra = Vec::new();
        for argument in &call.arguments[3..] {
            let is_flag = argument
                .name
                .as_ref()
                .is_some_and(|given| given.text == "return_unmatched");
            let constant = matches!(argument.value.kind, ExpressionKind::Literal(_));
            if is_flag || constant {
                unmatched = self.expression(&argument.value, &mut Context::constant(scope))?;
            } else {
                extra.push(argument);
            }
        }
        // Further keys are columns of both tables, and those of ours stay.
        let mut keys = Vec::with_capacity(extra.len());
        for argument in extra {
            let ours =
                self.expression(&argument.value, &mut Context::over(scope, &rows.columns))?;
            let theirs =
                self.expression(&argument.value, &mut Context::over(scope, &table.columns))?;
            if ours.ty != theirs.ty {
                return self.refuse(
                    DiagnosticKind::Type,
                    ours.span,
                    format!(
                        "the key is a {} here and a {} in the table of networks",
                        ours.ty, theirs.ty
                    ),
                );
            }
            keys.push((ours, theirs));
        }
        let is_key = |column: &Column| {
            keys.iter()
                .any(|(_, theirs)| matches!(theirs.kind, ExprKind::Column(id) if id == column.id))
        };
        let mut names = Names::of(&rows.columns);
        let outputs: Vec<Column> = table
            .columns
            .iter()
            .map(|column| Column {
                id: column.id,
                name: if is_key(column) {
                    column.name.clone()
                } else {
                    names.unique(&column.name)
                },
                ty: column.ty,
            })
            .collect();
        let added = outputs.iter().filter(|column| !is_key(column));
        let columns = if name == "ipv6_lookup" {
            added.chain(&rows.columns).cloned().collect()
        } else {
            rows.columns.iter().chain(added).cloned().collect()
        };
        let mut arguments = vec![
            PluginArgument::Table(table.into_pipeline()),
            PluginArgument::Value(ours),
            PluginArgument::Value(theirs),
            PluginArgument::Value(unmatched),
        ];
        for (ours, theirs) in keys {
            arguments.push(PluginArgument::Value(ours));
            arguments.push(PluginArgument::Value(theirs));
        }
        rows.then(
            Operator::Plugin {
                name,
                arguments,
                outputs,
            },
            columns,
            span,
        );
        rows.ordered = false;
        Ok(())
    }

    /// Plugins over an id and a time axis: the axis, dimensions, and counts come out.
    #[expect(
        clippy::too_many_arguments,
        reason = "a plugin is its name, its fixed arguments and its counts"
    )]
    fn activity(
        &mut self,
        rows: &mut Rows,
        name: &'static str,
        fixed: usize,
        counts: &[&str],
        call: &'a tree::Call,
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        if call.arguments.len() < fixed {
            return self.refuse(
                DiagnosticKind::Arity,
                call.span,
                format!("'{name}' takes at least {fixed} arguments"),
            );
        }
        let arguments = self.arguments(call, &mut Context::over(scope, &rows.columns))?;
        let mut outputs = Vec::new();
        for index in std::iter::once(1).chain(fixed..arguments.len()) {
            let Some(lent) = self.lent_name(&call.arguments[index].value, scope) else {
                return self.refuse(
                    DiagnosticKind::Meaning,
                    arguments[index].span,
                    "a column is needed here",
                );
            };
            let ty = arguments[index].ty;
            outputs.push(self.column(lent, ty));
        }
        for count in counts {
            outputs.push(self.column(*count, Long));
        }
        let arguments = arguments.into_iter().map(PluginArgument::Value).collect();
        rows.then(
            Operator::Plugin {
                name,
                arguments,
                outputs: outputs.clone(),
            },
            outputs,
            span,
        );
        rows.ordered = false;
        Ok(())
    }

    /// A row for each value: the number of its row, the name of its column, and the value as text.
    fn narrow(&mut self, rows: &mut Rows, call: Span, span: Span) {
        let columns = vec![
            self.column("Row", Long),
            self.column("Column", Text),
            self.column("Value", Text),
        ];
        let mut arguments = Vec::with_capacity(2 * rows.columns.len());
        for column in &rows.columns {
            let name = Value::String(column.name.to_string());
            arguments.push(PluginArgument::Value(literal(name, Text, call)));
            let value = column_value(column, call).converted(Text);
            arguments.push(PluginArgument::Value(value));
        }
        rows.then(
            Operator::Plugin {
                name: "narrow",
                arguments,
                outputs: columns.clone(),
            },
            columns,
            span,
        );
        rows.ordered = false;
    }

    fn rows_near(
        &mut self,
        rows: &mut Rows,
        call: &'a tree::Call,
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        if !rows.ordered {
            return self.refuse(
                DiagnosticKind::Meaning,
                span,
                "'rows_near' needs rows in order; put 'sort by' or 'serialize' before",
            );
        }
        if !(2..=3).contains(&call.arguments.len()) {
            return self.refuse(
                DiagnosticKind::Arity,
                call.span,
                "'rows_near' takes 2 to 3 arguments",
            );
        }
        let columns = rows.columns.clone();
        let condition = self.predicate(
            &call.arguments[0].value,
            &mut Context::over(scope, &columns),
        )?;
        let mut arguments = vec![PluginArgument::Value(condition)];
        for argument in &call.arguments[1..] {
            arguments.push(PluginArgument::Value(
                self.count(&argument.value, &mut Context::constant(scope))?,
            ));
        }
        rows.pass(
            Operator::Plugin {
                name: "rows_near",
                arguments,
                outputs: Vec::new(),
            },
            span,
        );
        Ok(())
    }
}

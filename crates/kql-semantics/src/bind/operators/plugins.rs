//! `evaluate` and `invoke`.

use std::sync::Arc;

use kql_syntax::Span;
use kql_syntax::tree::{self, ExpressionKind};

use super::super::expressions::column_value;
use super::super::rows::{Names, Rows};
use super::super::scope::Scope;
use super::super::{Binder, Column, Context, Outcome, Refused};
use super::literal;
use super::project::replace_or_push;
use crate::bound::{
    Aggregate, Assignment, BagExpansion, CompareOp, Expr, ExprKind, MvExpand, MvItem, Operator,
    PluginArgument, Value,
};
use crate::diagnostic::{Diagnostic, DiagnosticKind, nearest};
use crate::discovery::Discovery;
use crate::functions::Function;
use crate::types::ColumnSchema;
use crate::types::ScalarType::{Bool, Dynamic, Long, String as Text};

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

    /// The next answer to a discovery, or the refusal that asks for it.
    fn discovered(
        &mut self,
        rows: Rows,
        plugin: &'static str,
        span: Span,
    ) -> Outcome<Vec<ColumnSchema>> {
        if let Some(columns) = self.options.discovered.get(self.discovered) {
            self.discovered += 1;
            return Ok(columns.clone());
        }
        if self.options.assumed.is_some() {
            self.open = true;
            return Ok(Vec::new());
        }
        if self.discovery.is_none() {
            let needed = self.needed(&self.used);
            let query = self.assemble(rows.into_pipeline(), &needed);
            self.discovery = Some(Box::new(Discovery {
                query,
                plugin,
                span,
            }));
        }
        Err(Refused)
    }

    #[expect(
        clippy::too_many_lines,
        reason = "the plugin's arguments, its declared and its discovered columns"
    )]
    fn bag_unpack(
        &mut self,
        rows: &mut Rows,
        call: &'a tree::Call,
        schema: Option<&'a tree::EvaluateSchema>,
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let Some(first) = call.arguments.first() else {
            return self.refuse(
                DiagnosticKind::Arity,
                call.span,
                "'bag_unpack' takes a column",
            );
        };
        let bag = self.expression(&first.value, &mut Context::over(scope, &rows.columns))?;
        let ExprKind::Column(bag_id) = bag.kind else {
            return self.refuse(
                DiagnosticKind::Meaning,
                bag.span,
                "a column is needed here; make it with 'extend' before",
            );
        };
        if bag.ty != Dynamic {
            return self.refuse(
                DiagnosticKind::Type,
                bag.span,
                format!("a dynamic is needed here, and this is a {}", bag.ty),
            );
        }
        let prefix = match self.constant_argument(call, "OutputColumnPrefix", 1, scope)? {
            Some(value) => self.constant_text(&value)?,
            None => String::new(),
        };
        let conflict = match self.constant_argument(call, "columnsConflict", 2, scope)? {
            Some(value) => self.constant_text(&value)?,
            None => "error".to_owned(),
        };
        let ignored = match self.constant_argument(call, "ignoredProperties", 3, scope)? {
            Some(value) => match value.literal() {
                Some(Value::Dynamic(text)) => strings_of(text),
                _ => {
                    return self.refuse(
                        DiagnosticKind::Constant,
                        value.span,
                        "a literal array is needed here",
                    );
                }
            },
            None => Vec::new(),
        };
        let kept: Vec<Column> = rows
            .columns
            .iter()
            .filter(|column| column.id != bag_id)
            .cloned()
            .collect();
        let mut assignments = Vec::new();
        let mut columns = if schema.is_none_or(|schema| schema.star) {
            kept.clone()
        } else {
            Vec::new()
        };
        if let Some(schema) = schema {
            for declared in self.declared_columns(&schema.columns)? {
                let source = kept
                    .iter()
                    .find(|column| column.name == declared.name && column.ty == declared.ty);
                if let Some(source) = source
                    && !schema.star
                {
                    columns.push(source.clone());
                    continue;
                }
                let property = declared
                    .name
                    .strip_prefix(prefix.as_str())
                    .unwrap_or(&declared.name);
                assignments.push(property_of(&bag, property, &declared, span));
                replace_or_push(&mut columns, declared);
            }
        } else {
            let probe = self.property_probe(rows, &bag, span)?;
            for found in self.discovered(probe, "bag_unpack", span)? {
                if ignored.contains(&found.name) {
                    continue;
                }
                let name: Arc<str> = format!("{prefix}{}", found.name).into();
                let clash = kept.iter().any(|column| column.name == name);
                match (clash, conflict.as_str()) {
                    (true, "keep_source") => continue,
                    (true, "error") => {
                        return self.refuse(
                            DiagnosticKind::Name,
                            call.span,
                            format!("a column named '{name}' is there already; say columnsConflict='replace_source' or 'keep_source'"),
                        );
                    }
                    _ => {}
                }
                let column = Column {
                    id: self.fresh(),
                    name,
                    ty: found.ty,
                };
                assignments.push(property_of(&bag, &found.name, &column, span));
                replace_or_push(&mut columns, column);
            }
        }
        rows.then(Operator::Compute { assignments }, columns, span);
        Ok(())
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

    /// `rows | mv-expand kind=array kv = bag | distinct name = tostring(kv[0]), type = gettype(kv[1])`
    fn property_probe(&mut self, rows: &Rows, bag: &Expr, span: Span) -> Outcome<Rows> {
        let mut probe = rows.clone();
        let pair = self.column("pair", Dynamic);
        let item = MvItem {
            column: pair.id,
            value: bag.clone(),
            ty: Dynamic,
        };
        let expand = MvExpand {
            items: vec![item],
            bags: BagExpansion::Array,
            index: None,
            limit: None,
        };
        probe.then(
            Operator::MvExpand(Box::new(expand)),
            vec![pair.clone()],
            span,
        );
        let element = |index: i64| Expr {
            kind: ExprKind::Index(
                Box::new(column_value(&pair, span)),
                Box::new(literal(Value::Long(index), Long, span)),
            ),
            ty: Dynamic,
            span,
        };
        let gettype = self.known("gettype", span)?;
        let ty = Expr {
            kind: ExprKind::Call {
                function: gettype,
                arguments: vec![element(1)],
            },
            ty: Text,
            span,
        };
        self.probe_keys(&mut probe, element(0).converted(Text), ty, span);
        Ok(probe)
    }

    fn probe_keys(&mut self, probe: &mut Rows, name: Expr, ty: Expr, span: Span) {
        let columns = vec![self.column("name", Text), self.column("type", Text)];
        let keys = vec![
            Assignment {
                column: columns[0].id,
                value: name,
            },
            Assignment {
                column: columns[1].id,
                value: ty,
            },
        ];
        probe.then(
            Operator::Aggregate {
                keys,
                aggregates: Vec::new(),
            },
            columns,
            span,
        );
    }

    #[expect(
        clippy::too_many_lines,
        reason = "the plugin's arguments, its groups and its columns"
    )]
    fn pivot(
        &mut self,
        rows: &mut Rows,
        call: &'a tree::Call,
        schema: Option<&'a tree::EvaluateSchema>,
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let Some(first) = call.arguments.first() else {
            return self.refuse(DiagnosticKind::Arity, call.span, "'pivot' takes a column");
        };
        let pivot = self.expression(&first.value, &mut Context::over(scope, &rows.columns))?;
        let ExprKind::Column(pivot_id) = pivot.kind else {
            return self.refuse(
                DiagnosticKind::Meaning,
                pivot.span,
                "a column is needed here; make it with 'extend' before",
            );
        };
        let aggregate = if let Some(argument) = call.arguments.get(1) {
            self.one_aggregate(rows, &argument.value, scope)?.0
        } else {
            let Some(function) = Function::aggregate("count") else {
                return Err(Refused);
            };
            Aggregate {
                function,
                arguments: Vec::new(),
                filter: None,
                outputs: vec![(self.fresh(), Long)],
                span,
            }
        };
        let mut groups = Vec::new();
        if call.arguments.len() > 2 {
            for argument in &call.arguments[2..] {
                let value =
                    self.expression(&argument.value, &mut Context::over(scope, &rows.columns))?;
                match rows
                    .columns
                    .iter()
                    .find(|column| matches!(value.kind, ExprKind::Column(id) if id == column.id))
                {
                    Some(column) => groups.push(column.clone()),
                    None => {
                        return self.refuse(
                            DiagnosticKind::Meaning,
                            value.span,
                            "a column is needed here",
                        );
                    }
                }
            }
        } else {
            let used = |id| {
                aggregate
                    .arguments
                    .iter()
                    .any(|argument| mentions(argument, id))
            };
            groups.extend(
                rows.columns
                    .iter()
                    .filter(|column| column.id != pivot_id && !used(column.id))
                    .cloned(),
            );
        }
        let value = pivot.converted(Text);
        let names: Vec<String> = if let Some(schema) = schema {
            let declared = self.declared_columns(&schema.columns)?;
            declared
                .iter()
                .filter(|column| !groups.iter().any(|group| group.name == column.name))
                .map(|column| column.name.to_string())
                .collect()
        } else {
            let mut probe = rows.clone();
            let ty = literal(Value::String("string".to_owned()), Text, span);
            self.probe_keys(&mut probe, value.clone(), ty, span);
            self.discovered(probe, "pivot", span)?
                .into_iter()
                .map(|column| column.name)
                .collect()
        };
        let mut taken = Names::default();
        let mut keys = Vec::new();
        let mut columns = Vec::new();
        for group in &groups {
            let key = Column {
                id: self.fresh(),
                name: taken.unique(&group.name),
                ty: group.ty,
            };
            keys.push(Assignment {
                column: key.id,
                value: column_value(group, span),
            });
            columns.push(key);
        }
        let mut aggregates = Vec::with_capacity(names.len());
        let ty = aggregate.outputs[0].1;
        for name in names {
            let column = Column {
                id: self.fresh(),
                name: taken.unique(&name),
                ty,
            };
            let wanted = literal(Value::String(name), Text, span);
            let kind =
                ExprKind::Compare(CompareOp::Equal, Box::new(value.clone()), Box::new(wanted));
            let here = Expr {
                kind,
                ty: Bool,
                span,
            };
            let filter = match &aggregate.filter {
                Some(filter) => Expr {
                    kind: ExprKind::And(vec![filter.clone(), here]),
                    ty: Bool,
                    span,
                },
                None => here,
            };
            aggregates.push(Aggregate {
                function: aggregate.function,
                arguments: aggregate.arguments.clone(),
                filter: Some(filter),
                outputs: vec![(column.id, ty)],
                span,
            });
            columns.push(column);
        }
        rows.then(Operator::Aggregate { keys, aggregates }, columns, span);
        rows.ordered = false;
        Ok(())
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

/// A property of a bag as a column.
fn property_of(bag: &Expr, property: &str, column: &Column, span: Span) -> Assignment {
    let kind = ExprKind::Member(Box::new(bag.clone()), property.into());
    let value = Expr {
        kind,
        ty: Dynamic,
        span,
    }
    .converted(column.ty);
    Assignment {
        column: column.id,
        value,
    }
}

fn mentions(expression: &Expr, id: crate::types::ColumnId) -> bool {
    let mut open = vec![expression];
    while let Some(next) = open.pop() {
        if matches!(next.kind, ExprKind::Column(other) if other == id) {
            return true;
        }
        open.extend(next.parts());
    }
    false
}

/// The strings of a JSON array that this crate wrote itself, so plain that no parser is needed.
pub(super) fn strings_of(json: &str) -> Vec<String> {
    json.trim_matches(['[', ']'])
        .split("\",\"")
        .map(|part| {
            part.trim_matches('"')
                .replace("\\\"", "\"")
                .replace("\\\\", "\\")
        })
        .filter(|part| !part.is_empty())
        .collect()
}

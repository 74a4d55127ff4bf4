//! `bag_unpack` and `pivot`, whose columns only the data knows.

use std::sync::Arc;

use kql_syntax::Span;
use kql_syntax::tree;

use super::super::super::expressions::column_value;
use super::super::super::rows::{Names, Rows};
use super::super::super::scope::Scope;
use super::super::super::{Binder, Column, Context, Outcome, Refused};
use super::super::literal;
use super::super::project::replace_or_push;
use crate::bound::{
    Aggregate, Assignment, BagExpansion, CompareOp, Expr, ExprKind, MvExpand, MvItem, Operator,
    Value,
};
use crate::diagnostic::DiagnosticKind;
use crate::discovery::Discovery;
use crate::functions::Function;
use crate::types::ScalarType::{Bool, Dynamic, Long, String as Text};
use crate::types::{ColumnId, ColumnSchema};

impl<'a> Binder<'a> {
    #[expect(
        clippy::too_many_lines,
        reason = "the plugin's arguments, its declared and its discovered columns"
    )]
    pub(super) fn bag_unpack(
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

    #[expect(
        clippy::too_many_lines,
        reason = "the plugin's arguments, its groups and its columns"
    )]
    pub(super) fn pivot(
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
        let part = crate::bind::reads_part(&rows.source)
            || self.used.iter().any(|one| self.body_of(one) > 0);
        if part {
            let what = format!("'{plugin}' of the rows of a body, without columns after a colon,");
            return self.unsupported(span, what);
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

fn mentions(expression: &Expr, id: ColumnId) -> bool {
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
pub(in crate::bind::operators) fn strings_of(json: &str) -> Vec<String> {
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

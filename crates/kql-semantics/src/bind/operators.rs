//! The tabular operators.

use std::collections::HashSet;
use std::sync::Arc;

use kql_syntax::Span;
use kql_syntax::tree::{self, Direction, ExpressionKind, Nulls, OperatorKind};

use super::expressions::column_value;
use super::rows::{Names, Rows};
use super::scope::Scope;
use super::{Binder, Column, Context, Outcome, Refused};
use crate::bound::{Assignment, Operator, SortKey, Value, WindowCall};
use crate::diagnostic::DiagnosticKind;
use crate::types::{ColumnId, ScalarType};

mod expand;
mod graph;
mod invoke;
mod join;
mod parse;
mod plugins;
mod project;
mod scan;
mod search;
mod series;
mod settings;
mod summarize;
mod union;

pub(super) use graph::{GraphScope, call_name as graph_call_name};

/// A column-giving item that is bound: its names are decided, its value maybe to be computed.
pub(super) struct Item {
    /// The column; fresh, or the one that the value simply is.
    pub(super) column: Column,
    /// None if the column exists already.
    pub(super) value: Option<crate::bound::Expr>,
}

impl<'a> Binder<'a> {
    #[expect(clippy::too_many_lines, reason = "one arm per operator")]
    pub(super) fn operator(
        &mut self,
        rows: &mut Rows,
        operator: &'a tree::Operator,
        scope: Scope,
    ) -> Outcome<()> {
        let span = operator.span;
        // Every step has its own list of the columns after it.
        self.weigh(rows.columns.len() / 2);
        self.check_options(operator)?;
        match &operator.kind {
            OperatorKind::Where(predicate) => self.filter(rows, predicate, scope, span),
            OperatorKind::Extend(items) => self.extend(rows, items, scope, span),
            OperatorKind::Serialize(items) => {
                rows.pass(Operator::Serialize, span);
                rows.ordered = true;
                if items.is_empty() {
                    Ok(())
                } else {
                    self.extend(rows, items, scope, span)
                }
            }
            OperatorKind::Project(items) => self.project(rows, items, scope, span),
            OperatorKind::ProjectAway(patterns) => self.project_away(rows, patterns, scope, span),
            OperatorKind::ProjectKeep(patterns) => self.project_keep(rows, patterns, scope, span),
            OperatorKind::ProjectByNames(names) => self.project_by_names(rows, names, scope, span),
            OperatorKind::ProjectRename(items) => self.project_rename(rows, items, scope, span),
            OperatorKind::ProjectReorder(patterns) => {
                self.project_reorder(rows, patterns, scope, span)
            }
            OperatorKind::Take(count) => {
                let count = self.count(count, &mut Context::constant(scope))?;
                rows.pass(Operator::Take { count }, span);
                Ok(())
            }
            OperatorKind::Sample(count) => {
                let count = self.count(count, &mut Context::constant(scope))?;
                rows.pass(Operator::Sample { count }, span);
                rows.ordered = false;
                Ok(())
            }
            OperatorKind::Sort(keys) => {
                let keys = self.sort_keys(rows, keys, scope)?;
                rows.pass(Operator::Sort { keys }, span);
                rows.ordered = true;
                Ok(())
            }
            OperatorKind::Top(top) => {
                let count = self.count(&top.count, &mut Context::constant(scope))?;
                let keys = self.sort_keys(rows, &top.by, scope)?;
                rows.pass(Operator::Sort { keys }, span);
                rows.pass(Operator::Take { count }, span);
                rows.ordered = true;
                Ok(())
            }
            OperatorKind::Distinct(items) => {
                let items = items
                    .iter()
                    .map(|item| (item.names.first(), &item.expression));
                self.distinct(rows, items, scope, span)
            }
            OperatorKind::SampleDistinct { count, of } => {
                let count = self.count(count, &mut Context::constant(scope))?;
                self.only_column(rows, of, scope)?;
                self.distinct(rows, [(None, of)], scope, span)?;
                rows.pass(Operator::Take { count }, span);
                Ok(())
            }
            OperatorKind::Count(name) => self.count_rows(rows, name.as_ref(), span),
            OperatorKind::Summarize(summarize) => self.summarize(rows, summarize, scope, span),
            OperatorKind::TopHitters(hitters) => self.top_hitters(rows, hitters, scope, span),
            OperatorKind::TopNested(levels) => self.top_nested(rows, levels, scope, span),
            OperatorKind::Join(join) => self.join(rows, join, operator, scope, false),
            OperatorKind::Lookup(join) => self.join(rows, join, operator, scope, true),
            OperatorKind::Union(inputs) => {
                let left = std::mem::replace(
                    rows,
                    Rows::new(
                        crate::bound::Source::Context {
                            columns: Vec::new(),
                        },
                        Vec::new(),
                    ),
                );
                *rows = self.union(Some(left), inputs, operator, scope)?;
                Ok(())
            }
            OperatorKind::MvExpand(expand) => self.mv_expand(rows, expand, operator, scope),
            OperatorKind::MvApply(apply) => self.mv_apply(rows, apply, operator, scope),
            OperatorKind::Parse(parse) => self.parse(rows, parse, operator, scope, false),
            OperatorKind::ParseWhere(parse) => self.parse(rows, parse, operator, scope, true),
            OperatorKind::ParseKv(parse) => self.parse_kv(rows, parse, scope, span),
            OperatorKind::MakeSeries(series) => {
                let nonempty = match Self::option(operator, "kind") {
                    None => false,
                    Some("nonempty") => true,
                    Some(other) => {
                        return self.refuse(
                            DiagnosticKind::Name,
                            span,
                            format!("no kind of make-series is called '{other}'"),
                        );
                    }
                };
                self.make_series(rows, series, nonempty, scope, span)
            }
            OperatorKind::Search(search) => {
                let left = std::mem::replace(
                    rows,
                    Rows::new(
                        crate::bound::Source::Context {
                            columns: Vec::new(),
                        },
                        Vec::new(),
                    ),
                );
                *rows = self.search(Some(left), search, operator, scope)?;
                Ok(())
            }
            OperatorKind::Evaluate(evaluate) => self.evaluate(rows, evaluate, scope, span),
            OperatorKind::Invoke(call) => self.invoke(rows, call, scope, span),
            OperatorKind::GetSchema => {
                match Self::option(operator, "kind") {
                    Some("csl") => self.schema_text(rows),
                    None => self.get_schema(rows),
                    Some(other) => {
                        return self.refuse(
                            DiagnosticKind::Name,
                            span,
                            format!("no kind of getschema is called '{other}'"),
                        );
                    }
                }
                Ok(())
            }
            OperatorKind::Partition(partition) => self.partition(rows, partition, operator, scope),
            OperatorKind::Scan(written) => self.scan(rows, written, operator, scope),
            OperatorKind::Reduce(reduce) => self.reduce(rows, reduce, scope, span),
            OperatorKind::Render(render) => self.render(rows, render, scope, operator),
            OperatorKind::Consume => {
                rows.pass(
                    Operator::Filter {
                        predicate: literal(Value::Bool(false), ScalarType::Bool, span),
                    },
                    span,
                );
                Self::choose(rows, Vec::new(), span);
                Ok(())
            }
            OperatorKind::AssertSchema(columns) => self.assert_schema(rows, columns, span),
            OperatorKind::As(_) | OperatorKind::ExecuteAndCache => Ok(()),
            OperatorKind::Print(_) | OperatorKind::Range(_) => self.refuse(
                DiagnosticKind::Meaning,
                span,
                format!(
                    "'{}' begins a query and cannot follow a pipe",
                    operator.keyword.text
                ),
            ),
            OperatorKind::Error => {
                self.refuse(DiagnosticKind::Meaning, span, "no operator of this name")
            }
            _ => self.unsupported(span, format!("the operator '{}'", operator.keyword.text)),
        }
    }

    /// Lets an expression work over the rows; window calls become steps of their own before it.
    pub(super) fn over<T>(
        &mut self,
        rows: &mut Rows,
        scope: Scope,
        span: Span,
        work: impl FnOnce(&mut Self, &mut Context<'_>) -> Outcome<T>,
    ) -> Outcome<T> {
        let columns = rows.columns.clone();
        let mut context = Context::over(scope, &columns);
        context.windows = rows.ordered.then(Vec::new);
        let outcome = work(self, &mut context)?;
        let mut calls: Vec<WindowCall> = Vec::new();
        let mut made: HashSet<ColumnId> = HashSet::new();
        for call in context.windows.into_iter().flatten() {
            // One that looks at another comes after it.
            if call
                .arguments
                .iter()
                .any(|one| one.mentions(&|id| made.contains(&id)))
            {
                let calls = std::mem::take(&mut calls);
                rows.pass(Operator::Window { calls }, span);
                made.clear();
            }
            made.insert(call.column);
            calls.push(call);
        }
        if !calls.is_empty() {
            rows.pass(Operator::Window { calls }, span);
        }
        Ok(outcome)
    }

    fn filter(
        &mut self,
        rows: &mut Rows,
        predicate: &'a tree::Expression,
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let predicate = self.over(rows, scope, span, |binder, context| {
            binder.predicate(predicate, context)
        })?;
        rows.pass(Operator::Filter { predicate }, span);
        Ok(())
    }

    fn sort_keys(
        &mut self,
        rows: &mut Rows,
        keys: &'a [tree::Ordered],
        scope: Scope,
    ) -> Outcome<Vec<SortKey>> {
        let mut bound = Vec::with_capacity(keys.len());
        let mut failed = false;
        for key in keys {
            match self.sort_key(rows, key, scope) {
                Ok(key) => bound.push(key),
                Err(Refused) => failed = true,
            }
        }
        if failed { Err(Refused) } else { Ok(bound) }
    }

    fn sort_key(
        &mut self,
        rows: &mut Rows,
        key: &'a tree::Ordered,
        scope: Scope,
    ) -> Outcome<SortKey> {
        let value = self.over(rows, scope, key.span, |binder, context| {
            binder.expression(&key.column.expression, context)
        })?;
        if value.ty == ScalarType::Dynamic {
            return self.refuse(
                DiagnosticKind::Type,
                value.span,
                "a dynamic has no order; convert it with tostring() or tolong()",
            );
        }
        let descending = match key.direction {
            Some(Direction::Ascending | Direction::GrannyAscending) => false,
            None | Some(Direction::Descending | Direction::GrannyDescending) => true,
        };
        let nulls_first = match key.nulls {
            Some(Nulls::First) => true,
            Some(Nulls::Last) => false,
            None => !descending,
        };
        Ok(SortKey {
            value,
            descending,
            nulls_first,
        })
    }

    fn distinct(
        &mut self,
        rows: &mut Rows,
        items: impl IntoIterator<Item = (Option<&'a tree::Name>, &'a tree::Expression)>,
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let mut names = Names::default();
        let mut keys = Vec::new();
        let mut columns = Vec::new();
        for (given, item) in items {
            if matches!(&item.kind, ExpressionKind::Wildcard(text) if text == "*") {
                self.charge(rows.columns.len(), item.span)?;
                for column in rows.columns.clone() {
                    // Those that are named before are there already.
                    if !names.take(&column.name) {
                        continue;
                    }
                    let value = column_value(&column, item.span);
                    self.not_dynamic(&value, &format!("'{}' of '*'", column.name))?;
                    let key = Column {
                        id: self.fresh(),
                        name: column.name.clone(),
                        ty: column.ty,
                    };
                    keys.push(Assignment {
                        column: key.id,
                        value,
                    });
                    columns.push(key);
                }
                continue;
            }
            let value = self.over(rows, scope, span, |binder, context| {
                binder.expression(item, context)
            })?;
            self.not_dynamic(&value, "a value to tell rows apart by")?;
            let lent = self.lent_name(item, scope);
            let name = self.title(given, lent, item, &mut names)?;
            let key = Column {
                id: self.fresh(),
                name,
                ty: value.ty,
            };
            keys.push(Assignment {
                column: key.id,
                value,
            });
            columns.push(key);
        }
        rows.then(
            Operator::Aggregate {
                keys,
                aggregates: Vec::new(),
            },
            columns,
            span,
        );
        rows.ordered = false;
        Ok(())
    }

    /// What a column is called: as is written, or as its expression lends. A column that stands by
    /// itself is a name that is written.
    fn title(
        &mut self,
        given: Option<&tree::Name>,
        lent: Option<String>,
        expression: &tree::Expression,
        names: &mut Names,
    ) -> Outcome<Arc<str>> {
        let own = project::own_name(expression).filter(|_| lent.is_some());
        match (given.or(own), lent) {
            (Some(name), _) => self.declared_name(names, &name.text, name.span),
            (None, Some(lent)) => Ok(names.unique(&lent)),
            (None, None) => Ok(names.position()),
        }
    }

    /// Refuses what is more than the name of a column.
    fn only_column(
        &mut self,
        rows: &Rows,
        written: &'a tree::Expression,
        scope: Scope,
    ) -> Outcome<()> {
        let value = self.expression(written, &mut Context::over(scope, &rows.columns))?;
        if matches!(written.kind, ExpressionKind::Name(_))
            && matches!(value.kind, crate::bound::ExprKind::Column(_))
        {
            return Ok(());
        }
        self.refuse(
            DiagnosticKind::Meaning,
            written.span,
            "a column's name is needed here; make the column with 'extend' before",
        )
    }

    fn not_dynamic(&mut self, value: &crate::bound::Expr, what: &str) -> Outcome<()> {
        if value.ty == ScalarType::Dynamic {
            return self.refuse(
                DiagnosticKind::Type,
                value.span,
                format!("a dynamic cannot be {what}; convert it with tostring()"),
            );
        }
        Ok(())
    }

    fn get_schema(&mut self, rows: &mut Rows) {
        let columns = vec![
            self.column("ColumnName", ScalarType::String),
            self.column("ColumnOrdinal", ScalarType::Int),
            self.column("DataType", ScalarType::String),
            self.column("ColumnType", ScalarType::String),
        ];
        let span = Span::default();
        let text = |value: &str| literal(Value::String(value.to_owned()), ScalarType::String, span);
        let values = rows
            .columns
            .iter()
            .zip(0_i32..)
            .map(|(column, ordinal)| {
                vec![
                    text(&column.name),
                    literal(Value::Int(ordinal), ScalarType::Int, span),
                    text(column.ty.clr_name()),
                    text(column.ty.name()),
                ]
            })
            .collect();
        *rows = Rows::new(
            crate::bound::Source::Rows {
                columns: columns.clone(),
                rows: values,
            },
            columns,
        );
        rows.ordered = true;
    }

    /// `getschema kind=csl`: the columns as a declaration has them.
    fn schema_text(&mut self, rows: &mut Rows) {
        let columns = rows.columns.iter();
        let columns: Vec<String> = columns
            .map(|column| {
                let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
                if column.name.chars().all(plain) {
                    format!("{}:{}", column.name, column.ty)
                } else {
                    format!("['{}']:{}", column.name.replace('\'', "\\'"), column.ty)
                }
            })
            .collect();
        let schema = self.column("Schema", ScalarType::String);
        let text = Value::String(columns.join(","));
        let value = literal(text, ScalarType::String, Span::default());
        let source = crate::bound::Source::Rows {
            columns: vec![schema.clone()],
            rows: vec![vec![value]],
        };
        *rows = Rows::new(source, vec![schema]);
    }

    fn assert_schema(
        &mut self,
        rows: &mut Rows,
        declared: &[tree::ColumnDeclaration],
        span: Span,
    ) -> Outcome<()> {
        let expected = self.declared_columns(declared)?;
        let same = expected.len() == rows.columns.len()
            && expected
                .iter()
                .zip(&rows.columns)
                .all(|(one, other)| one.name == other.name && one.ty == other.ty);
        if same {
            return Ok(());
        }
        self.refuse(
            DiagnosticKind::Type,
            span,
            "the columns are not the ones asserted",
        )
    }

    // Options between an operator's keyword and the rest.

    /// The value of an option as text.
    pub(super) fn option<'o>(operator: &'o tree::Operator, name: &str) -> Option<&'o str> {
        setting(&operator.options, name)
    }
}

/// The value of a setting as text: a bare word, or a string.
pub(super) fn setting<'o>(settings: &'o [tree::Setting], name: &str) -> Option<&'o str> {
    let setting = settings.iter().find(|setting| setting.name.text == name)?;
    settings::value_of(setting)
}

pub(super) fn literal(value: Value, ty: ScalarType, span: Span) -> crate::bound::Expr {
    crate::bound::Expr {
        kind: crate::bound::ExprKind::Literal(value),
        ty,
        span,
    }
}

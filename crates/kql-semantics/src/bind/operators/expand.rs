//! `mv-expand`, `mv-apply`, `partition`.

use std::collections::HashSet;
use std::sync::Arc;

use kql_syntax::Span;
use kql_syntax::tree::{self, OperatorKind, PartitionBody};

use super::super::rows::{Names, Rows};
use super::super::scope::{Entity, Scope};
use super::super::{Binder, Column, Context, Outcome, Pipeline};
use super::project::{given_name, replace_or_push};
use crate::bound::{BagExpansion, ExprKind, MvApply, MvExpand, MvItem, Operator, Source};
use crate::diagnostic::DiagnosticKind;
use crate::types::ScalarType::{self, Dynamic, Long};

/// How many parts the strategy `legacy`, which is the default, makes of a table at most.
///
/// Source: <https://learn.microsoft.com/kusto/query/partition-operator#legacy-strategy>
const LEGACY_PARTS: usize = 64;

/// What both operators expand.
struct Expansion {
    items: Vec<MvItem>,
    /// The input's columns with the expanded ones in place or at the end.
    columns: Vec<Column>,
    index: Option<Column>,
}

impl<'a> Binder<'a> {
    fn expansion(
        &mut self,
        rows: &mut Rows,
        expanded: &'a [tree::ExpandColumn],
        operator: &'a tree::Operator,
        scope: Scope,
    ) -> Outcome<Expansion> {
        let mut items = Vec::with_capacity(expanded.len());
        let mut columns = rows.columns.clone();
        let mut names = Names::of(&rows.columns);
        let mut given = HashSet::new();
        for item in expanded {
            if let Some(name) = given_name(&item.column)
                && !given.insert(name.text.as_str())
            {
                return self.name_taken(&name.text, name.span);
            }
            let value = self.over(rows, scope, operator.span, |binder, context| {
                binder.expression(&item.column.expression, context)
            })?;
            if value.ty != Dynamic {
                let hint = if value.ty == ScalarType::String {
                    "; use parse_json() or split()"
                } else {
                    ""
                };
                return self.refuse(
                    DiagnosticKind::Type,
                    value.span,
                    format!(
                        "only a dynamic can be expanded, and this is a {}{hint}",
                        value.ty
                    ),
                );
            }
            let ty = match &item.to {
                Some(to) => self.one_type(to)?,
                None => Dynamic,
            };
            let name: Arc<str> = match item.column.names.first() {
                Some(name) => name.text.as_str().into(),
                None => match self.lent_name(&item.column.expression, scope) {
                    Some(name) => name.into(),
                    None => names.position(),
                },
            };
            let column = Column {
                id: self.fresh(),
                name,
                ty,
            };
            items.push(MvItem {
                column: column.id,
                value,
                ty,
            });
            replace_or_push(&mut columns, column);
        }
        let index = match Self::option(operator, "with_itemindex") {
            Some(name) => {
                let column = self.column(Names::of(&columns).unique(name), Long);
                columns.push(column.clone());
                Some(column)
            }
            None => None,
        };
        Ok(Expansion {
            items,
            columns,
            index,
        })
    }

    fn one_type(&mut self, written: &tree::TypeOf) -> Outcome<ScalarType> {
        match written.columns.as_slice() {
            [tree::TypeOfColumn::Type(name)] => self.type_name(name),
            _ => self.refuse(
                DiagnosticKind::Constant,
                written.span,
                "typeof() with one type is needed here",
            ),
        }
    }

    pub(super) fn mv_expand(
        &mut self,
        rows: &mut Rows,
        expand: &'a tree::Expand,
        operator: &'a tree::Operator,
        scope: Scope,
    ) -> Outcome<()> {
        let expansion = self.expansion(rows, &expand.columns, operator, scope)?;
        let bags = match Self::option(operator, "bagexpansion")
            .or_else(|| Self::option(operator, "kind"))
        {
            None | Some("bag") => BagExpansion::Bag,
            Some("array") => BagExpansion::Array,
            Some(other) => {
                return self.refuse(
                    DiagnosticKind::Name,
                    operator.span,
                    format!("no bag expansion is called '{other}'"),
                );
            }
        };
        let limit = match &expand.limit {
            Some(limit) => Some(self.count(limit, &mut Context::constant(scope))?),
            None => None,
        };
        let bound = MvExpand {
            items: expansion.items,
            bags,
            index: expansion.index.map(|column| column.id),
            limit,
        };
        rows.then(
            Operator::MvExpand(Box::new(bound)),
            expansion.columns,
            operator.span,
        );
        Ok(())
    }

    pub(super) fn mv_apply(
        &mut self,
        rows: &mut Rows,
        apply: &'a tree::MvApply,
        operator: &'a tree::Operator,
        scope: Scope,
    ) -> Outcome<()> {
        let expansion = self.expansion(rows, &apply.columns, operator, scope)?;
        let limit = match &apply.limit {
            Some(limit) => Some(self.count(limit, &mut Context::constant(scope))?),
            None => None,
        };
        let context = Source::Context {
            columns: expansion.columns.clone(),
        };
        let inside = Rows::new(context, expansion.columns.clone());
        let (body, apart) = self.body(operator.span, |binder| {
            binder.pipe(inside, &apply.operators, scope)
        })?;
        // The expanded columns take the place of the input's of the same name, and the body decides about them.
        let mut columns: Vec<Column> = Vec::new();
        for column in &rows.columns {
            if !expansion.columns.iter().any(|kept| kept.id == column.id) {
                continue;
            }
            let shadow = body.columns.iter().find(|inner| inner.name == column.name);
            columns.push(shadow.unwrap_or(column).clone());
        }
        for column in &body.columns {
            if !columns
                .iter()
                .any(|outer| outer.name == column.name || outer.id == column.id)
            {
                columns.push(column.clone());
            }
        }
        let index = expansion.index.map(|column| column.id);
        let bound = MvApply {
            items: expansion.items,
            index,
            limit,
            body: body.into_pipeline(),
            apart,
        };
        rows.then(Operator::MvApply(Box::new(bound)), columns, operator.span);
        rows.ordered = false;
        Ok(())
    }

    pub(super) fn partition(
        &mut self,
        rows: &mut Rows,
        partition: &'a tree::Partition,
        operator: &'a tree::Operator,
        scope: Scope,
    ) -> Outcome<()> {
        let span = operator.span;
        if let Some(parts) = &partition.scope {
            return self.unsupported(parts.span, "'in' of 'partition'");
        }
        let by = self.expression(&partition.by, &mut Context::over(scope, &rows.columns))?;
        let ExprKind::Column(by_column) = by.kind else {
            return self.refuse(DiagnosticKind::Meaning, by.span, "a column is needed here");
        };
        self.not_dynamic(&by, "what rows are parted by")?;
        let legacy = matches!(
            Self::option(operator, "hint.strategy"),
            None | Some("legacy")
        );
        if !legacy {
            self.only_transforms(&partition.body)?;
        }
        // The parts of several bodies at once are not told apart.
        self.run_apart(self.bodies.len());
        let (body, apart) = match &partition.body {
            PartitionBody::Operators(operators) => {
                let context = Source::Context {
                    columns: rows.columns.clone(),
                };
                let mut inside = Rows::new(context, rows.columns.clone());
                inside.ordered = rows.ordered;
                self.body(span, |binder| binder.pipe(inside, operators, scope))?
            }
            PartitionBody::Query(query) => {
                let key = rows.columns.iter().find(|one| one.id == by_column).cloned();
                self.body(span, |binder| {
                    let mut inner = scope;
                    if let Some(key) = key {
                        let value = binder.part_key(&key, by.span)?;
                        inner = binder.declare(scope, &key.name, value);
                    }
                    binder.uncorrelated(|binder| binder.tabular(query, inner))
                })?
            }
        };
        let columns = body.columns.clone();
        rows.then(
            Operator::Partition {
                by: by_column,
                most: legacy.then_some(LEGACY_PARTS),
                body: Box::new(body.into_pipeline()),
                apart,
            },
            columns,
            span,
        );
        rows.ordered = false;
        Ok(())
    }

    /// The value that all rows of a part have in the column that they are parted by.
    fn part_key(&mut self, key: &Column, span: Span) -> Outcome<Entity<'a>> {
        let columns = vec![key.clone()];
        let pipeline = Pipeline {
            source: Source::Context {
                columns: columns.clone(),
            },
            steps: Vec::new(),
            columns,
        };
        let (value, needs) =
            self.apart(|binder| binder.scalar_query(pipeline, Vec::new(), span))?;
        self.scalar_entity(value, needs)
    }

    /// The strategies that part rows while they are read take only operators that read no others.
    fn only_transforms(&mut self, body: &'a PartitionBody) -> Outcome<()> {
        let operators = match body {
            PartitionBody::Operators(operators) => operators,
            PartitionBody::Query(query) => {
                return self.refuse(
                    DiagnosticKind::Meaning,
                    query.span,
                    "a part has a query of its own under 'hint.strategy=legacy' only",
                );
            }
        };
        for operator in operators {
            let open = match &operator.kind {
                OperatorKind::MakeSeries(series) => matches!(
                    &series.range,
                    tree::SeriesRange::FromToStep { from, to, .. }
                        if from.is_none() || to.is_none()
                ),
                kind => matches!(
                    kind,
                    OperatorKind::As(_)
                        | OperatorKind::Evaluate(_)
                        | OperatorKind::Join(_)
                        | OperatorKind::Lookup(_)
                        | OperatorKind::Union(_)
                ),
            };
            if open {
                let without = match &operator.kind {
                    OperatorKind::MakeSeries(_) => " without 'from' and 'to'",
                    _ => "",
                };
                return self.refuse(
                    DiagnosticKind::Meaning,
                    operator.span,
                    format!(
                        "'{}'{without} runs over a part under 'hint.strategy=legacy' only",
                        operator.keyword.text
                    ),
                );
            }
        }
        Ok(())
    }
}

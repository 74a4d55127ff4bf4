//! `project` and its kin, `extend`, `print`, `count`.

mod tuples;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kql_syntax::Span;
use kql_syntax::tree::{self, Direction, ExpressionKind, Segment, fits_pattern};

use super::super::rows::{Names, Rows};
use super::super::scope::Scope;
use super::super::{Binder, Column, Context, Outcome, Refused};
use super::Item;
use crate::bound::{Aggregate, Assignment, ExprKind, Operator, Value};
use crate::diagnostic::{Diagnostic, DiagnosticKind, nearest};
use crate::functions::Function;
use crate::types::ColumnId;
use crate::types::ScalarType::{Dynamic, Long};
use tuples::{sorted_arrays, tuple_columns};

/// The name that the query itself gives a column: one that is written before it, or the column's own.
pub(super) fn given_name(named: &tree::NamedExpression) -> Option<&tree::Name> {
    named.names.first().or_else(|| own_name(&named.expression))
}

/// The name that an expression is, parentheses aside.
pub(super) fn own_name(expression: &tree::Expression) -> Option<&tree::Name> {
    let mut inner = expression;
    while let ExpressionKind::Parenthesized(next) = &inner.kind {
        inner = next;
    }
    match &inner.kind {
        ExpressionKind::Name(name) => Some(name),
        _ => None,
    }
}

/// Decides what a column is called: from the name that is written, or else the one that is lent.
type Title<'t, 'a> =
    dyn FnMut(&mut Binder<'a>, Option<&tree::Name>, Option<String>) -> Outcome<Arc<str>> + 't;

impl<'a> Binder<'a> {
    /// Binds a named expression to one item, or several for functions that give several columns.
    fn items(
        &mut self,
        named: &'a tree::NamedExpression,
        title: &mut Title<'_, 'a>,
        context: &mut Context<'_>,
        taken: &mut Vec<crate::types::ColumnId>,
    ) -> Outcome<Vec<Item>> {
        let value = self.expression(&named.expression, context)?;
        if let ExprKind::Call { function, .. } = &value.kind
            && let Some(parts) = tuple_columns(function.name)
        {
            return self.tuple(named, &value, parts, title, context);
        }
        if let Some(arrays) = sorted_arrays(&value) {
            return self.sorted(named, &value, arrays, title, context);
        }
        if named.names.len() > 1 {
            return self.tuple_of_dynamic(named, &value, title);
        }
        let lent = self.lent_name(&named.expression, context.scope);
        let name = title(self, named.names.first(), lent)?;
        let ty = value.ty;
        if let ExprKind::Column(id) = value.kind
            && !taken.contains(&id)
        {
            taken.push(id);
            return Ok(vec![Item {
                column: Column { id, name, ty },
                value: None,
            }]);
        }
        let column = Column {
            id: self.fresh(),
            name,
            ty,
        };
        Ok(vec![Item {
            column,
            value: Some(value),
        }])
    }

    /// A name that the query gives a column, which it does once.
    pub(in crate::bind) fn declared_name(
        &mut self,
        names: &mut Names,
        name: &str,
        span: Span,
    ) -> Outcome<Arc<str>> {
        match names.declare(name) {
            Some(name) => Ok(name),
            None => self.name_taken(name, span),
        }
    }

    pub(super) fn name_taken<T>(&mut self, name: &str, span: Span) -> Outcome<T> {
        self.refuse(
            DiagnosticKind::Name,
            span,
            format!("a column named '{name}' is there already"),
        )
    }

    pub(super) fn extend(
        &mut self,
        rows: &mut Rows,
        items: &'a [tree::NamedExpression],
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let mut written = std::collections::HashSet::new();
        let mut known = Names::of(&rows.columns);
        let mut bound = Vec::with_capacity(items.len());
        let mut taken = Vec::new();
        taken.extend(rows.columns.iter().map(|column| column.id));
        let outcome = self.over(rows, scope, span, |binder, context| {
            let mut failed = false;
            for item in items {
                let plain = own_name(&item.expression);
                let mut name =
                    |binder: &mut Self, given: Option<&tree::Name>, lent: Option<String>| match (
                        given.or(plain.filter(|_| lent.is_some())),
                        lent,
                    ) {
                        (Some(given), _) => {
                            if !written.insert(given.text.clone()) {
                                return binder.name_taken(&given.text, given.span);
                            }
                            known.take(&given.text);
                            Ok(given.text.as_str().into())
                        }
                        (None, Some(lent)) => {
                            known.take(&lent);
                            Ok(lent.into())
                        }
                        (None, None) => Ok(known.position()),
                    };
                match binder.items(item, &mut name, context, &mut taken) {
                    Ok(items) => bound.extend(items),
                    Err(Refused) => failed = true,
                }
            }
            if failed { Err(Refused) } else { Ok(()) }
        });
        outcome?;
        let mut columns = rows.columns.clone();
        let mut places: HashMap<Arc<str>, usize> = columns
            .iter()
            .enumerate()
            .map(|(place, column)| (column.name.clone(), place))
            .collect();
        let mut assignments = Vec::with_capacity(bound.len());
        for item in bound {
            if let Some(value) = item.value {
                assignments.push(Assignment {
                    column: item.column.id,
                    value,
                });
            }
            match places.entry(item.column.name.clone()) {
                Entry::Occupied(place) => columns[*place.get()] = item.column,
                Entry::Vacant(place) => {
                    place.insert(columns.len());
                    columns.push(item.column);
                }
            }
        }
        rows.then(Operator::Compute { assignments }, columns, span);
        Ok(())
    }

    pub(super) fn project(
        &mut self,
        rows: &mut Rows,
        items: &'a [tree::NamedExpression],
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let mut names = Names::default();
        let mut bound = Vec::with_capacity(items.len());
        let mut taken = Vec::new();
        self.over(rows, scope, span, |binder, context| {
            let mut failed = false;
            for item in items {
                if matches!(&item.expression.kind, ExpressionKind::Wildcard(text) if text == "*") {
                    for column in context.columns {
                        if !taken.contains(&column.id) && names.take(&column.name) {
                            taken.push(column.id);
                            bound.push(Item {
                                column: column.clone(),
                                value: None,
                            });
                        }
                    }
                    continue;
                }
                let mut name =
                    |binder: &mut Self, given: Option<&tree::Name>, lent: Option<String>| {
                        binder.title(given, lent, &item.expression, &mut names)
                    };
                match binder.items(item, &mut name, context, &mut taken) {
                    Ok(items) => bound.extend(items),
                    Err(Refused) => failed = true,
                }
            }
            if failed { Err(Refused) } else { Ok(()) }
        })?;
        finish(rows, bound, span);
        Ok(())
    }

    /// The items of `print`.
    pub(in crate::bind) fn print_items(
        &mut self,
        rows: &mut Rows,
        items: &'a [tree::NamedExpression],
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let mut names = Names::default();
        let mut bound = Vec::with_capacity(items.len());
        let mut taken = Vec::new();
        let mut failed = false;
        let mut context = Context::constant(scope);
        for (index, item) in items.iter().enumerate() {
            let mut name =
                |binder: &mut Self, given: Option<&tree::Name>, lent: Option<String>| match (
                    given, lent,
                ) {
                    (Some(given), _) => binder.declared_name(&mut names, &given.text, given.span),
                    (None, Some(lent)) if lent.starts_with("series_") => Ok(names.unique(&lent)),
                    (None, _) => Ok(names.unique(&format!("print_{index}"))),
                };
            match self.items(item, &mut name, &mut context, &mut taken) {
                Ok(items) => bound.extend(items),
                Err(Refused) => failed = true,
            }
        }
        if failed {
            return Err(Refused);
        }
        finish(rows, bound, span);
        Ok(())
    }

    /// The columns that a name or pattern means; an unknown name is an error, an idle pattern is none.
    fn pattern_columns(
        &mut self,
        rows: &Rows,
        pattern: &tree::Expression,
        scope: Scope,
    ) -> Outcome<Vec<Column>> {
        match &pattern.kind {
            ExpressionKind::Wildcard(text) => Ok(rows
                .columns
                .iter()
                .filter(|column| fits_pattern(&column.name, text))
                .cloned()
                .collect()),
            ExpressionKind::Name(name) => {
                let context = Context::over(scope, &rows.columns);
                if let Some(column) = context.find(&name.text) {
                    self.found(name, column);
                    return Ok(vec![column.clone()]);
                }
                if let Some(ty) = self.options.assumed.filter(|_| self.open) {
                    return Ok(vec![self.column(name.text.as_str(), ty)]);
                }
                let suggestion =
                    nearest(&name.text, rows.columns.iter().map(|column| &*column.name));
                self.errors.push(
                    Diagnostic::new(
                        DiagnosticKind::Name,
                        name.span,
                        format!("no column named '{}'", name.text),
                    )
                    .with_suggestion(suggestion),
                );
                Err(Refused)
            }
            ExpressionKind::Parenthesized(inner) => self.pattern_columns(rows, inner, scope),
            ExpressionKind::Path(path)
                if matches!(path.segments.as_slice(), [Segment::Member(_)]) =>
            {
                self.refuse(
                    DiagnosticKind::Meaning,
                    pattern.span,
                    "a column's name is needed here",
                )
            }
            _ => self.refuse(
                DiagnosticKind::Meaning,
                pattern.span,
                "a column's name or a pattern is needed here",
            ),
        }
    }

    fn chosen(
        &mut self,
        rows: &Rows,
        patterns: &[tree::Expression],
        scope: Scope,
    ) -> Outcome<Vec<Column>> {
        let mut chosen = Vec::new();
        let mut failed = false;
        for pattern in patterns {
            match self.pattern_columns(rows, pattern, scope) {
                Ok(columns) => chosen.extend(columns),
                Err(Refused) => failed = true,
            }
        }
        if failed { Err(Refused) } else { Ok(chosen) }
    }

    pub(super) fn project_away(
        &mut self,
        rows: &mut Rows,
        patterns: &[tree::Expression],
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let away = self.chosen(rows, patterns, scope)?;
        let columns = rows
            .columns
            .iter()
            .filter(|column| !away.contains(column))
            .cloned()
            .collect();
        Self::choose(rows, columns, span);
        Ok(())
    }

    pub(super) fn project_keep(
        &mut self,
        rows: &mut Rows,
        patterns: &[tree::Expression],
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let kept = self.chosen(rows, patterns, scope)?;
        let columns = rows
            .columns
            .iter()
            .filter(|column| kept.contains(column))
            .cloned()
            .collect();
        Self::choose(rows, columns, span);
        Ok(())
    }

    /// `project-by-names`: columns whose names are values; what no column fits is left out.
    pub(super) fn project_by_names(
        &mut self,
        rows: &mut Rows,
        names: &'a [tree::Expression],
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let mut columns: Vec<Column> = Vec::new();
        for written in names {
            let value = self.expression(written, &mut Context::constant(scope))?;
            let list = match value.literal() {
                Some(Value::String(name)) => vec![name.clone()],
                Some(Value::Dynamic(text)) if value.ty == Dynamic => {
                    super::plugins::strings_of(text)
                }
                _ => {
                    return self.refuse(
                        DiagnosticKind::Constant,
                        written.span,
                        "names are a string or an array of strings, known before the query runs",
                    );
                }
            };
            for name in list {
                let fits = |column: &&Column| fits_pattern(&column.name, &name);
                for column in rows.columns.iter().filter(fits) {
                    if !columns.contains(column) {
                        columns.push(column.clone());
                    }
                }
            }
        }
        Self::choose(rows, columns, span);
        Ok(())
    }

    pub(super) fn project_rename(
        &mut self,
        rows: &mut Rows,
        items: &'a [tree::NamedExpression],
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let mut renamed: HashMap<crate::types::ColumnId, &tree::Name> = HashMap::new();
        let mut names = Names::of(&rows.columns);
        for item in items {
            let [name] = item.names.as_slice() else {
                return self.refuse(DiagnosticKind::Meaning, item.span, "write 'new = old'");
            };
            let found = self.pattern_columns(rows, &item.expression, scope)?;
            let [column] = found.as_slice() else {
                return self.refuse(
                    DiagnosticKind::Meaning,
                    item.span,
                    "one column is needed here",
                );
            };
            // The names of all columns are there until the operator is done, the column's own too.
            if !names.take(&name.text) {
                return self.name_taken(&name.text, name.span);
            }
            renamed.entry(column.id).or_insert(name);
        }
        let mut columns = Vec::with_capacity(rows.columns.len());
        for column in &rows.columns {
            let name = renamed
                .get(&column.id)
                .map_or(&*column.name, |name| name.text.as_str());
            columns.push(Column {
                id: column.id,
                name: name.into(),
                ty: column.ty,
            });
        }
        Self::choose(rows, columns, span);
        Ok(())
    }

    pub(super) fn project_reorder(
        &mut self,
        rows: &mut Rows,
        patterns: &'a [tree::Ordered],
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let mut first: Vec<Column> = Vec::new();
        let mut seen: HashSet<ColumnId> = HashSet::new();
        let mut named: HashSet<&str> = HashSet::new();
        let mut failed = false;
        for pattern in patterns {
            self.weigh(rows.columns.len());
            // A pattern may meet what was named before; a name may not be there twice.
            if let ExpressionKind::Name(name) = &pattern.column.expression.kind
                && !named.insert(&name.text)
            {
                return self.name_taken(&name.text, name.span);
            }
            let Ok(mut columns) = self.pattern_columns(rows, &pattern.column.expression, scope)
            else {
                failed = true;
                continue;
            };
            match pattern.direction {
                None => {}
                Some(Direction::Ascending) => {
                    columns.sort_by_key(|column| column.name.to_lowercase());
                }
                Some(Direction::Descending) => {
                    columns.sort_by_key(|column| std::cmp::Reverse(column.name.to_lowercase()));
                }
                Some(Direction::GrannyAscending) => {
                    columns.sort_by_key(|column| granny(&column.name));
                }
                Some(Direction::GrannyDescending) => {
                    columns.sort_by_key(|column| std::cmp::Reverse(granny(&column.name)));
                }
            }
            for column in columns {
                if seen.insert(column.id) {
                    first.push(column);
                }
            }
        }
        if failed {
            return Err(Refused);
        }
        let rest: Vec<Column> = rows
            .columns
            .iter()
            .filter(|column| !seen.contains(&column.id))
            .cloned()
            .collect();
        first.extend(rest);
        Self::choose(rows, first, span);
        Ok(())
    }

    pub(super) fn count_rows(
        &mut self,
        rows: &mut Rows,
        name: Option<&tree::Name>,
        span: Span,
    ) -> Outcome<()> {
        let Some(function) = Function::aggregate("count") else {
            return self.unsupported(span, "'count'");
        };
        let column = self.column(name.map_or("Count", |name| name.text.as_str()), Long);
        let aggregate = Aggregate {
            function,
            arguments: Vec::new(),
            filter: None,
            outputs: vec![(column.id, Long)],
            span,
        };
        rows.then(
            Operator::Aggregate {
                keys: Vec::new(),
                aggregates: vec![aggregate],
            },
            vec![column],
            span,
        );
        rows.ordered = false;
        Ok(())
    }
}

/// Ends a projection: the items are the columns.
fn finish(rows: &mut Rows, items: Vec<Item>, span: Span) {
    let mut columns = Vec::with_capacity(items.len());
    let mut assignments = Vec::with_capacity(items.len());
    for item in items {
        if let Some(value) = item.value {
            assignments.push(Assignment {
                column: item.column.id,
                value,
            });
        }
        columns.push(item.column);
    }
    rows.then(Operator::Compute { assignments }, columns, span);
}

/// A column takes the place of the one of its name, or the last place.
pub(super) fn replace_or_push(columns: &mut Vec<Column>, column: Column) {
    match columns.iter_mut().find(|other| other.name == column.name) {
        Some(other) => *other = column,
        None => columns.push(column),
    }
}

/// A key that orders numbers inside names as numbers.
fn granny(name: &str) -> Vec<(String, u64)> {
    let mut key = Vec::new();
    let mut text = String::new();
    let mut digits = String::new();
    for letter in name.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
        } else {
            if !digits.is_empty() {
                key.push((
                    std::mem::take(&mut text),
                    digits.parse().unwrap_or(u64::MAX),
                ));
                digits.clear();
            }
            text.push(letter);
        }
    }
    key.push((text, digits.parse().unwrap_or(0)));
    key
}

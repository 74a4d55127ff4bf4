//! `union`.

use std::sync::Arc;

use kql_syntax::Span;
use kql_syntax::tree::{self, ExpressionKind, fits_pattern};

use super::super::rows::{Names, Rows};
use super::super::scope::Scope;
use super::super::{Binder, Column, MAX_DEPTH, Outcome, Refused};
use crate::bound::{Source, UnionColumn};
use crate::diagnostic::{Diagnostic, DiagnosticKind};
use crate::types::{ColumnId, ScalarType};

const NO_TABLE: &str = "the union has no table";

/// What an input weighs, besides what it consists of.
const INPUT: usize = 100;

impl<'a> Binder<'a> {
    pub(in crate::bind) fn union(
        &mut self,
        left: Option<Rows>,
        inputs: &'a [tree::Expression],
        operator: &'a tree::Operator,
        scope: Scope,
    ) -> Outcome<Rows> {
        let span = operator.span;
        let fuzzy = Self::option(operator, "isfuzzy")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let inner = match Self::option(operator, "kind") {
            None | Some("outer") => false,
            Some("inner") => true,
            Some(other) => {
                return self.refuse(
                    DiagnosticKind::Name,
                    span,
                    format!("no kind of union is called '{other}'"),
                );
            }
        };
        let mut all: Vec<Rows> = left.into_iter().collect();
        let mut failed = false;
        for input in inputs {
            // Each is a plan of its own.
            self.charge(INPUT, input.span)?;
            match self.union_input(input, fuzzy, scope) {
                Ok(rows) => all.extend(rows),
                Err(Refused) => failed = true,
            }
        }
        if failed {
            return Err(Refused);
        }
        if all.is_empty() {
            return self.refuse(DiagnosticKind::Name, span, NO_TABLE);
        }
        if all.iter().any(|rows| rows.nested >= MAX_DEPTH) {
            return self.refuse(
                DiagnosticKind::TooLarge,
                span,
                "too many unions stand in one another; name all their tables in one",
            );
        }
        // Every column of the union names its column of every input.
        let widest = all.iter().map(|rows| rows.columns.len()).max();
        self.charge(all.len() * widest.unwrap_or_default() / 4, span)?;
        let source = Self::option(operator, "withsource")
            .or_else(|| Self::option(operator, "with_source"))
            .map(Arc::from);
        Ok(self.united(all, source, inner, "union_arg"))
    }

    /// The tables that fit a pattern, and the views; other tables of the query have to be named.
    pub(super) fn fitting_tables(
        &mut self,
        pattern: &str,
        scope: Scope,
        span: Span,
    ) -> Outcome<Vec<Rows>> {
        let mut names = self.seen_tables(scope);
        names.retain(|name| fits_pattern(name, pattern));
        names.sort();
        let mut all: Vec<Rows> = names
            .iter()
            .filter_map(|name| self.schema_table(name, span))
            .collect();
        for (name, function, scope) in self.views(scope).into_iter().rev() {
            if fits_pattern(&name, pattern) {
                all.push(self.view_rows(&name, function, scope)?);
            }
        }
        Ok(all)
    }

    fn union_input(
        &mut self,
        input: &'a tree::Expression,
        fuzzy: bool,
        scope: Scope,
    ) -> Outcome<Vec<Rows>> {
        self.charge(1, input.span)?;
        match &input.kind {
            ExpressionKind::Wildcard(pattern) => {
                let all = self.fitting_tables(pattern, scope, input.span)?;
                if all.is_empty() && !fuzzy {
                    return self.refuse(
                        DiagnosticKind::Name,
                        input.span,
                        format!("no table fits '{pattern}'"),
                    );
                }
                Ok(all)
            }
            ExpressionKind::Parenthesized(inner)
                if matches!(inner.kind, ExpressionKind::Name(_)) =>
            {
                self.union_input(inner, fuzzy, scope)
            }
            ExpressionKind::Name(name)
                if fuzzy
                    && self.lookup(scope, &name.text).is_none()
                    && self.tables.table(&name.text).is_none() =>
            {
                self.note(
                    name.span,
                    format!(
                        "there is no table '{}'; the union goes on without it",
                        name.text
                    ),
                );
                self.open = true;
                Ok(Vec::new())
            }
            _ => {
                let before = self.errors.len();
                match self.tabular(input, scope) {
                    Ok(rows) => Ok(vec![rows]),
                    Err(Refused) if fuzzy && self.discovery.is_none() => {
                        // A fuzzy union leaves out the tables that are not there; a column that
                        // a table has not is as wrong as elsewhere.
                        if !self.errors[before..].iter().all(is_of_a_missing_table) {
                            return Err(Refused);
                        }
                        let dropped = self.errors.split_off(before);
                        for error in dropped {
                            self.note(error.span, format!("{error}; the union goes on without it"));
                        }
                        self.open = true;
                        Ok(Vec::new())
                    }
                    Err(Refused) => Err(Refused),
                }
            }
        }
    }

    /// Puts rows together: columns of one name and type become one.
    pub(in crate::bind) fn united(
        &mut self,
        all: Vec<Rows>,
        source: Option<Arc<str>>,
        inner: bool,
        unnamed: &str,
    ) -> Rows {
        let nested = all.iter().map(|rows| rows.nested + 1).max().unwrap_or(0);
        let mut order: Vec<(Arc<str>, Vec<ScalarType>)> = Vec::new();
        for rows in &all {
            for column in &rows.columns {
                match order.iter_mut().find(|(name, _)| *name == column.name) {
                    Some((_, types)) if !types.contains(&column.ty) => types.push(column.ty),
                    Some(_) => {}
                    None => order.push((column.name.clone(), vec![column.ty])),
                }
            }
        }
        if inner {
            order.retain_mut(|(name, types)| {
                types.retain(|ty| {
                    all.iter()
                        .all(|rows| rows.find(name).is_some_and(|column| column.ty == *ty))
                });
                !types.is_empty()
            });
        }
        let source_column = source.map(|name| self.column(name, ScalarType::String));
        let mut names = Names::of(source_column.as_ref());
        let mut columns = Vec::new();
        let mut visible: Vec<Column> = source_column.iter().cloned().collect();
        for (name, types) in order {
            for ty in &types {
                let shown = if types.len() == 1 {
                    name.clone()
                } else {
                    format!("{name}_{ty}").into()
                };
                let column = self.column(names.unique(&shown), *ty);
                let fits = |found: &&Column| found.name == name && found.ty == *ty;
                let inputs: Vec<Option<ColumnId>> = all
                    .iter()
                    .map(|rows| rows.columns.iter().find(fits).map(|found| found.id))
                    .collect();
                visible.push(column.clone());
                columns.push(UnionColumn { column, inputs });
            }
        }
        let source_names = all
            .iter()
            .enumerate()
            .map(|(index, rows)| {
                rows.name
                    .clone()
                    .unwrap_or_else(|| format!("{unnamed}{index}").into())
            })
            .collect();
        let inputs = all.into_iter().map(Rows::into_pipeline).collect();
        let source = Source::Union {
            inputs,
            columns,
            source_column,
            source_names,
        };
        Rows {
            nested,
            ..Rows::new(source, visible)
        }
    }
}

fn is_of_a_missing_table(found: &Diagnostic) -> bool {
    let message = found.message.as_str();
    let is_function =
        message.starts_with("no function named") && message.ends_with("gives a table");
    let is_table = message.starts_with("no table named") || message == NO_TABLE;
    found.kind == DiagnosticKind::Name && (is_table || is_function)
}

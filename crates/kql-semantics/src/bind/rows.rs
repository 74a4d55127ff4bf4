//! A pipeline while it is built.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kql_syntax::Span;

use super::{Column, Pipeline, Source, Step};
use crate::bound::Operator;

/// Rows so far.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub(crate) source: Source,
    pub(crate) steps: Vec<Step>,
    pub(crate) columns: Vec<Column>,
    /// Whether the rows have an order that window functions may rely on.
    pub(crate) ordered: bool,
    /// How many unions stand in one another; trees of rows are walked, and dropped, by calls.
    pub(crate) nested: usize,
    /// What `withsource` calls these rows.
    pub(crate) name: Option<Arc<str>>,
}

impl Rows {
    pub(crate) fn new(source: Source, columns: Vec<Column>) -> Self {
        Self {
            source,
            steps: Vec::new(),
            columns,
            ordered: false,
            nested: 0,
            name: None,
        }
    }

    /// Adds a step after which these columns are visible.
    pub(crate) fn then(&mut self, operator: Operator, columns: Vec<Column>, span: Span) {
        self.columns.clone_from(&columns);
        self.steps.push(Step {
            operator,
            columns,
            span,
        });
    }

    /// Adds a step that leaves the columns as they are.
    pub(crate) fn pass(&mut self, operator: Operator, span: Span) {
        self.steps.push(Step {
            operator,
            columns: self.columns.clone(),
            span,
        });
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| &*column.name == name)
    }

    pub(crate) fn into_pipeline(self) -> Pipeline {
        Pipeline {
            source: self.source,
            steps: self.steps,
            columns: self.columns,
        }
    }
}

/// Names already given in one operator; gives others a number.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: HashSet<Arc<str>>,
    /// Those that the query itself gives.
    declared: HashSet<Arc<str>>,
    /// The last number that was put behind a name.
    numbered: HashMap<Arc<str>, usize>,
    positions: usize,
}

impl Names {
    pub(crate) fn of<'c>(columns: impl IntoIterator<Item = &'c Column>) -> Self {
        Self {
            taken: columns
                .into_iter()
                .map(|column| column.name.clone())
                .collect(),
            declared: HashSet::new(),
            numbered: HashMap::new(),
            positions: 0,
        }
    }

    /// Takes a name; false if it was taken.
    pub(crate) fn take(&mut self, name: &str) -> bool {
        self.taken.insert(name.into())
    }

    /// The name, with a number if it is taken.
    pub(crate) fn unique(&mut self, name: &str) -> Arc<str> {
        if self.take(name) {
            return name.into();
        }
        // Names are never given back, so every smaller number is still taken.
        let number = self.numbered.entry(name.into()).or_insert(0);
        loop {
            *number += 1;
            let candidate: Arc<str> = format!("{name}{number}").into();
            if self.taken.insert(candidate.clone()) {
                return candidate;
            }
        }
    }

    /// A name that the query gives, with a number if a lent one is the same; none where the query
    /// gives it twice.
    pub(crate) fn declare(&mut self, name: &str) -> Option<Arc<str>> {
        self.declared.insert(name.into()).then(|| self.unique(name))
    }

    /// Counts a column that has a name of its own among the `Column1`, `Column2`, …
    pub(crate) fn skip(&mut self) {
        self.positions += 1;
    }

    /// The next `Column1`, `Column2`, … that is not taken.
    pub(crate) fn position(&mut self) -> Arc<str> {
        loop {
            self.positions += 1;
            let name: Arc<str> = format!("Column{}", self.positions).into();
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

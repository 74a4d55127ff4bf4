//! What one searches queries for.

use defender_core::{Error, ErrorKind, Result};
use regex::{Regex, RegexBuilder};

use crate::about::Entity;
use crate::definition::Definition;

/// What to search for. Every term of `text` must match, and one of each other field that has terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Anywhere: name, former names, title, description, tags, techniques, parameters, tables, and
    /// the query's text.
    pub text: Vec<String>,
    /// In the dotted name.
    pub name: Vec<String>,
    /// In the names of the tables that the text reads, and the default of the parameter `table`.
    pub table: Vec<String>,
    /// In the names of the parameters.
    pub parameter: Vec<String>,
    /// In the techniques.
    pub technique: Vec<String>,
    /// What the query takes as a parameter.
    pub entity: Vec<Entity>,
    /// Whether terms are regular expressions; otherwise they are text.
    pub regex: bool,
    /// Whether upper and lower case are the same.
    pub ignore_case: bool,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            text: Vec::new(),
            name: Vec::new(),
            table: Vec::new(),
            parameter: Vec::new(),
            technique: Vec::new(),
            entity: Vec::new(),
            regex: true,
            ignore_case: true,
        }
    }
}

/// The terms, compiled.
pub(crate) struct Terms {
    text: Vec<Regex>,
    name: Vec<Regex>,
    table: Vec<Regex>,
    parameter: Vec<Regex>,
    technique: Vec<Regex>,
    entity: Vec<Entity>,
}

impl Search {
    pub(crate) fn is_empty(&self) -> bool {
        [
            &self.text,
            &self.name,
            &self.table,
            &self.parameter,
            &self.technique,
        ]
        .iter()
        .all(|terms| terms.is_empty())
            && self.entity.is_empty()
    }

    pub(crate) fn compile(&self) -> Result<Terms> {
        let compile = |terms: &Vec<String>| -> Result<Vec<Regex>> {
            terms.iter().map(|term| self.term(term)).collect()
        };
        Ok(Terms {
            text: compile(&self.text)?,
            name: compile(&self.name)?,
            table: compile(&self.table)?,
            parameter: compile(&self.parameter)?,
            technique: compile(&self.technique)?,
            entity: self.entity.clone(),
        })
    }

    fn term(&self, term: &str) -> Result<Regex> {
        let pattern = if self.regex {
            term.to_owned()
        } else {
            regex::escape(term)
        };
        RegexBuilder::new(&pattern)
            .case_insensitive(self.ignore_case)
            .build()
            .map_err(|source| {
                Error::new(
                    ErrorKind::Usage,
                    format!("'{}' is not a regular expression", term.escape_debug()),
                )
                .with_source(source)
            })
    }
}

impl Terms {
    pub(crate) fn match_query(&self, path: &str, definition: &Definition) -> bool {
        let tables = definition.tables();
        let techniques = definition.techniques();
        let names: Vec<&str> = definition
            .parameters
            .iter()
            .map(|parameter| parameter.name.as_str())
            .collect();
        let parameters = names.join(" ");
        let any = |terms: &[Regex], texts: &[&str]| {
            terms.is_empty()
                || terms
                    .iter()
                    .any(|term| texts.iter().any(|text| term.is_match(text)))
        };
        let mut everywhere = vec![
            path,
            &definition.description,
            definition.title().unwrap_or_default(),
            &parameters,
            &definition.text,
        ];
        everywhere.extend(&tables);
        everywhere.extend(&techniques);
        everywhere.extend(definition.former_names());
        everywhere.extend(definition.tags.iter().map(String::as_str));
        self.text
            .iter()
            .all(|term| everywhere.iter().any(|text| term.is_match(text)))
            && any(&self.name, &[path])
            && any(&self.table, &tables)
            && any(&self.technique, &techniques)
            && self
                .entity
                .iter()
                .all(|entity| definition.takes(*entity).is_some())
            && any(&self.parameter, &[&parameters])
    }
}

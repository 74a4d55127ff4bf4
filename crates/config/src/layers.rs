//! The layers of the settings: the file, then environment variables over it.
//!
//! `config` stacks them. Its own sources split a top-level key at its dots and let a layer
//! replace a section; here a key is one name, and sections are merged.

use std::collections::BTreeMap;
use std::fmt;

use config::{Config, ConfigError, Map, Source, Value, ValueKind};
use defender_core::{Error, ErrorKind, Result};

use crate::key::folded;
use crate::node::{Kind, Node};

/// `DEFENDER__DataProviders__MicrosoftDefender__Args__Cloud=gcc` sets that path.
const PREFIX: &str = "DEFENDER__";
const ROOT: &str = "settings";
const SEPARATOR: &str = "__";
const MAX_DEPTH: usize = 16;

/// The tree that `file` and `environment` make.
pub(crate) fn merge(file: Value, environment: &BTreeMap<String, String>) -> Result<Node> {
    Config::builder()
        .add_source(Layer(file))
        .add_source(Layer(variables(environment)))
        .build()
        .ok()
        .and_then(|mut config| tree(&mut config.cache).map(|tree| node(tree.clone())))
        .ok_or_else(|| Error::new(ErrorKind::Config, "the layers of the settings do not fit"))
}

#[derive(Clone)]
struct Layer(Value);

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer").finish_non_exhaustive()
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(Map::from_iter([(ROOT.to_owned(), boxed(self.0.clone()))]))
    }

    fn collect_to(&self, cache: &mut Value) -> Result<(), ConfigError> {
        match tree(cache) {
            Some(below) => overlay(below, self.0.clone()),
            None => cache.kind = ValueKind::Table(self.collect()?),
        }
        Ok(())
    }
}

/// A whole tree under one name, in a list: `config` takes a list as it is, where it would split
/// the names of a table and forget its origins.
fn boxed(tree: Value) -> Value {
    Value::new(None, ValueKind::Array(vec![tree]))
}

fn tree(cache: &mut Value) -> Option<&mut Value> {
    let ValueKind::Table(table) = &mut cache.kind else {
        return None;
    };
    let ValueKind::Array(items) = &mut table.get_mut(ROOT)?.kind else {
        return None;
    };
    items.first_mut()
}

/// Puts `over` on `below`: sections are merged, an empty value hides nothing.
fn overlay(below: &mut Value, over: Value) {
    let origin = over.origin().map(ToOwned::to_owned);
    match (&mut below.kind, over.kind) {
        (ValueKind::Table(table), ValueKind::Table(entries)) => {
            for (name, value) in entries {
                let written = table
                    .keys()
                    .find(|key| **key == name)
                    .or_else(|| table.keys().find(|key| folded(key) == folded(&name)))
                    .cloned();
                match written.and_then(|name| table.get_mut(&name)) {
                    Some(existing) => overlay(existing, value),
                    None => {
                        table.insert(name, value);
                    }
                }
            }
        }
        (_, ValueKind::Nil) => {}
        (_, kind) => {
            *below = Value::new(origin.as_ref(), kind);
        }
    }
}

/// The layer of the environment variables.
fn variables(environment: &BTreeMap<String, String>) -> Value {
    let mut root = Value::new(None, ValueKind::Table(Map::new()));
    for (variable, text) in environment {
        let Some(path) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        let names: Vec<_> = path.split(SEPARATOR).collect();
        if names.len() > MAX_DEPTH || names.iter().any(|name| name.is_empty()) {
            continue;
        }
        let origin = format!("${variable}");
        let mut value = Value::new(Some(&origin), ValueKind::String(text.clone()));
        for name in names.into_iter().rev() {
            let table = Map::from_iter([(name.to_owned(), value)]);
            value = Value::new(Some(&origin), ValueKind::Table(table));
        }
        overlay(&mut root, value);
    }
    root
}

fn node(value: Value) -> Node {
    let origin = value.origin().map(ToOwned::to_owned);
    let kind = match value.kind {
        ValueKind::Nil => Kind::Null,
        ValueKind::String(text) => Kind::Text(text),
        ValueKind::Array(items) => Kind::List(items.into_iter().map(node).collect()),
        ValueKind::Table(table) => {
            let mut entries: Vec<_> = table
                .into_iter()
                .map(|(name, value)| (name, node(value)))
                .collect();
            // A table has no order; the file's lines have one.
            entries.sort_by(|(left_name, left), (right_name, right)| {
                (left.line.unwrap_or(u64::MAX), left_name)
                    .cmp(&(right.line.unwrap_or(u64::MAX), right_name))
            });
            Kind::Map(entries)
        }
        other => Kind::Text(Value::new(None, other).into_string().unwrap_or_default()),
    };
    let origin = origin.as_deref();
    Node {
        kind,
        line: origin.and_then(|origin| origin.parse().ok()),
        variable: origin
            .and_then(|origin| origin.strip_prefix('$'))
            .map(ToOwned::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;
    use crate::node::Place;

    fn layered(text: &str, variables: &[(&str, &str)]) -> Node {
        let environment = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        merge(document::parse("test", text).unwrap(), &environment).unwrap()
    }

    #[test]
    fn a_variable_goes_over_the_file_and_leaves_its_neighbours() {
        let root = layered(
            "DataProviders:\n  MicrosoftDefender:\n    Args:\n      Cloud: us\n      TenantId: '1'\n",
            &[(
                "DEFENDER__DATAPROVIDERS__MICROSOFTDEFENDER__ARGS__CLOUD",
                "gcc",
            )],
        );
        let args = Place::root(&root)
            .find("DataProviders")
            .and_then(|place| place.find("MicrosoftDefender"))
            .and_then(|place| place.find("Args"))
            .unwrap();
        let cloud = args.find("Cloud").unwrap();
        assert_eq!(cloud.text(), Some("gcc"));
        assert_eq!(cloud.path(), "DataProviders.MicrosoftDefender.Args.Cloud");
        assert_eq!(
            cloud.node.variable.as_deref(),
            Some("DEFENDER__DATAPROVIDERS__MICROSOFTDEFENDER__ARGS__CLOUD")
        );
        let tenant = args.find("TenantId").unwrap();
        assert_eq!((tenant.text(), tenant.line()), (Some("1"), Some(5)));
    }

    #[test]
    fn variables_alone_make_settings() {
        let root = layered("", &[("DEFENDER__Azure__cloud", "usgov"), ("OTHER", "x")]);
        let azure = Place::root(&root).find("Azure").unwrap();
        assert_eq!(azure.find("cloud").unwrap().text(), Some("usgov"));
        assert_eq!(root.entries().len(), 1);
    }

    #[test]
    fn a_dotted_name_is_one_name() {
        let root = layered("Dotted.Top.Key: 1\n", &[]);
        assert_eq!(root.entries()[0].0, "Dotted.Top.Key");
    }

    #[test]
    fn broken_paths_are_passed_over() {
        let deep = format!("DEFENDER__{}", vec!["a"; 40].join("__"));
        let root = layered(
            "",
            &[("DEFENDER__", "x"), ("DEFENDER__a____b", "x"), (&deep, "x")],
        );
        assert!(root.entries().is_empty());
    }
}

//! The settings as a tree of texts: every scalar as it was written, every node with its origin.

use std::fmt;

use crate::key::folded;
use crate::shape;

/// A node of the tree.
#[derive(Clone, Default)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// The line of its key in the file, from 1.
    pub(crate) line: Option<u64>,
    /// The environment variable that it came from instead.
    pub(crate) variable: Option<String>,
}

/// What a node is.
#[derive(Clone, Default, PartialEq)]
pub(crate) enum Kind {
    #[default]
    Null,
    Text(String),
    List(Vec<Node>),
    /// In the order of the file.
    Map(Vec<(String, Node)>),
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

impl Node {
    /// The entries, when it is a mapping.
    pub(crate) fn entries(&self) -> &[(String, Node)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The entry that goes by `name`: as written, or else in any case.
    pub(crate) fn find(&self, name: &str) -> Option<(&str, &Node)> {
        let entries = self.entries();
        entries
            .iter()
            .find(|(key, _)| key == name)
            .or_else(|| entries.iter().find(|(key, _)| folded(key) == folded(name)))
            .map(|(key, node)| (key.as_str(), node))
    }
}

/// A node and the path to it.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    pub(crate) node: &'a Node,
    names: Vec<&'a str>,
}

impl<'a> Place<'a> {
    pub(crate) fn root(node: &'a Node) -> Self {
        Self {
            node,
            names: Vec::new(),
        }
    }

    /// The place that goes by `name`, see [`Node::find`].
    pub(crate) fn find(&self, name: &str) -> Option<Self> {
        self.node.find(name).map(|(key, node)| self.step(key, node))
    }

    /// Every entry's place.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a str, Self)> {
        self.node
            .entries()
            .iter()
            .map(|(key, node)| (key.as_str(), self.step(key, node)))
    }

    fn step(&self, key: &'a str, node: &'a Node) -> Self {
        let mut names = self.names.clone();
        names.push(key);
        Self { node, names }
    }

    /// The path with dots, as MSTICPy writes it, for messages: what is not plainly a name may be a
    /// secret in the place of one.
    pub(crate) fn path(&self) -> String {
        let names: Vec<&str> = self.names.iter().map(|name| shape::shown(name)).collect();
        names.join(".")
    }

    /// The path as it was written, to name something after it.
    pub(crate) fn written_path(&self) -> String {
        self.names.join(".")
    }

    /// The line of its key.
    pub(crate) fn line(&self) -> Option<u64> {
        self.node.line
    }

    /// The text, when it is one and not empty.
    pub(crate) fn text(&self) -> Option<&'a str> {
        match &self.node.kind {
            Kind::Text(text) if !text.trim().is_empty() => Some(text.trim()),
            _ => None,
        }
    }
}

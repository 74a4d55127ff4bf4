//! A definition file as a tree whose scalars know where they were written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Options, Spanned};

use crate::finding::Finding;
use crate::folding;

/// Definition files are texts that people write; what is larger is something else.
const MAX_BYTES: usize = 4 * 1024 * 1024;

const MAX_DEPTH: usize = 32;
const MAX_NODES: usize = 100_000;

/// A file and its tree.
pub(crate) struct Document {
    text: String,
    /// What stands before the text in the file.
    mark: usize,
    pub(crate) root: Node,
}

/// A node, its line from 1, and the bytes of the text that it was written with.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) line: Option<u64>,
    span: Option<(usize, usize)>,
}

/// What a node is.
#[derive(Clone)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file.
    Map(Vec<(String, Node)>),
}

impl Document {
    /// Reads `text`; the error says what and where, never what stands around it.
    pub(crate) fn parse(text: &str) -> Result<Self, Finding> {
        let whole = text.len();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mark = whole - text.len();
        if text.len() > MAX_BYTES {
            return Err(Finding::error(format!(
                "the file is larger than {MAX_BYTES} bytes"
            )));
        }
        let whole_lines = text;
        let spaced = text.contains('\t').then(|| without_tabs(text));
        // PyYAML lets tabs indent the lines of a quoted text; what is valid stays as it is.
        let read =
            |text: &str| serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options());
        let (text, root) = match (read(text), &spaced) {
            (Ok(root), _) => (text, Ok(root)),
            (Err(error), None) => (text, Err(error)),
            (Err(error), Some(spaced)) => match read(spaced) {
                Ok(root) => (spaced.as_str(), Ok(root)),
                Err(_) => (text, Err(error)),
            },
        };
        let root = root.map_err(|error| {
            let error = error.without_snippet();
            let line = error
                .location()
                .map(|location| location.line())
                .filter(|line| *line > 0);
            let first: String = error.to_string().lines().next().unwrap_or("").into();
            let twice = first
                .strip_prefix("duplicate mapping key: ")
                .and_then(|rest| rest.split_once(", set Duplicate"));
            match (twice, line) {
                (Some((name, _)), Some(line)) => Finding::error(format!(
                    "'{}' is there twice (line {line} is the second); rename one",
                    name.escape_debug()
                )),
                _ => Finding::error(format!("the file is not valid YAML: {first}")),
            }
            .at(line)
        })?;
        let document = Self {
            text: text.to_owned(),
            mark,
            root: node(root),
        };
        if spaced.as_deref() == Some(document.text.as_str())
            && let Some(line) = document.indented_with_tabs(whole_lines)
        {
            let finding = Finding::error("indent with blanks, not with tabs");
            return Err(finding.at(Some(line)));
        }
        Ok(document)
    }

    /// The first line of `written`, the text before its tabs became blanks, that a tab indents
    /// although no quoted text goes on there.
    fn indented_with_tabs(&self, written: &str) -> Option<u64> {
        let mut texts = Vec::new();
        texts_of(&self.root, &mut texts);
        let mut start = 0;
        let lines = self.text.split_inclusive('\n').zip(written.lines());
        for (number, (line, before)) in (1..).zip(lines) {
            let content = before.trim_start_matches([' ', '\t']);
            let indentation = &before[..before.len() - content.len()];
            let at = start + line.len() - line.trim_start().len();
            let goes_on = || {
                texts
                    .iter()
                    .any(|(begin, end)| (begin + 1..*end).contains(&at))
            };
            if indentation.contains('\t') && !content.is_empty() && !goes_on() {
                return Some(number);
            }
            start += line.len();
        }
        None
    }

    /// The scalar as text: numbers as they were written, folded lines as YAML folds them.
    pub(crate) fn text(&self, node: &Node) -> Option<String> {
        match &node.kind {
            Kind::Text(text) => Some(text.clone()),
            Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => {
                self.written(node).map(|written| written.trim().to_owned())
            }
            Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// The scalar as KQL: the lines that YAML would fold into one stay lines.
    pub(crate) fn lines(&self, node: &Node) -> Option<String> {
        let text = self.text(node)?;
        let kept = self
            .written(node)
            .and_then(|written| folding::lines(&text, written));
        Some(kept.unwrap_or(text))
    }

    /// The bytes of the file that the node was written with.
    pub(crate) fn bytes(&self, node: &Node) -> Option<(usize, usize)> {
        let (start, end) = node.span?;
        Some((start + self.mark, end + self.mark))
    }

    fn written(&self, node: &Node) -> Option<&str> {
        let (start, end) = node.span?;
        self.text.get(start..end)
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

    /// The entry `name` that is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|(key, node)| key == name && !matches!(node.kind, Kind::Null))
            .map(|(_, node)| node)
    }

    /// Whether it holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.kind {
            Kind::Null => true,
            Kind::Text(text) => text.is_empty(),
            Kind::List(items) => items.is_empty(),
            Kind::Map(entries) => entries.is_empty(),
            Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => false,
        }
    }
}

impl Document {
    /// One text or a list of them.
    pub(crate) fn texts(&self, node: &Node) -> Vec<String> {
        match &node.kind {
            Kind::List(items) => items.iter().filter_map(|item| self.text(item)).collect(),
            _ => self.text(node).into_iter().collect(),
        }
    }

    /// The node as JSON. The reader's depth limit bounds the recursion.
    pub(crate) fn json(node: &Node) -> serde_json::Value {
        match &node.kind {
            Kind::Null => serde_json::Value::Null,
            Kind::Bool(value) => (*value).into(),
            Kind::Int(value) => (*value).into(),
            Kind::Float(value) => (*value).into(),
            Kind::Text(text) => text.as_str().into(),
            Kind::List(items) => items.iter().map(Self::json).collect(),
            Kind::Map(entries) => entries
                .iter()
                .map(|(key, node)| (key.clone(), Self::json(node)))
                .collect(),
        }
    }
}

/// The bytes of every text. The reader's depth limit bounds the recursion.
fn texts_of(node: &Node, texts: &mut Vec<(usize, usize)>) {
    match &node.kind {
        Kind::Text(_) => texts.extend(node.span),
        Kind::List(items) => items.iter().for_each(|item| texts_of(item, texts)),
        Kind::Map(entries) => entries.iter().for_each(|(_, item)| texts_of(item, texts)),
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => {}
    }
}

/// The text with every tab that indents a line made into blanks.
fn without_tabs(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| {
            let content = line.trim_start_matches([' ', '\t']);
            let indentation = &line[..line.len() - content.len()];
            indentation.replace('\t', "    ") + content
        })
        .collect()
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: 4 * MAX_NODES,
            max_aliases: 10_000,
            max_anchors: 10_000,
            max_merge_keys: 1_000,
            max_recorded_anchor_events: 4 * MAX_NODES,
            max_total_scalar_bytes: MAX_BYTES,
            max_documents: 2,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 2 * MAX_NODES,
            max_replay_stack_depth: MAX_DEPTH,
        },
        with_snippet: false,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::PassThrough,
    }
}

/// The reader's depth limit bounds the recursion.
fn node(raw: Spanned<Raw>) -> Node {
    let span = raw.defined.span();
    let start = span
        .byte_offset()
        .and_then(|start| usize::try_from(start).ok());
    let length = span
        .byte_len()
        .and_then(|length| usize::try_from(length).ok());
    let span = start
        .zip(length)
        .and_then(|(start, length)| Some((start, start.checked_add(length)?)));
    let line = Some(raw.defined.line()).filter(|line| *line > 0);
    let kind = match raw.value {
        Raw::Scalar(kind) => kind,
        Raw::List(items) => Kind::List(items.into_iter().map(node).collect()),
        Raw::Map(entries) => Kind::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let line = Some(key.defined.line()).filter(|line| *line > 0);
                    let mut value = node(value);
                    value.line = line.or(value.line);
                    (key.value, value)
                })
                .collect(),
        ),
    };
    Node { kind, line, span }
}

enum Raw {
    Scalar(Kind),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a part of a query definition")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Kind::Null))
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Kind::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(Kind::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Kind::Int(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(
            i64::try_from(value).map_or_else(|_| Kind::Text(value.to_string()), Kind::Int),
        ))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Kind::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(Kind::Text(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Scalar(Kind::Text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_there_twice_and_a_tab_are_told_in_plain_words() {
        for (text, message, line) in [
            (
                "sources:\n  q1: {a: 1}\n  q2: {a: 1}\n  q1: {a: 2}\n",
                "'q1' is there twice (line 4 is the second); rename one",
                4,
            ),
            (
                "sources:\n\tq1:\n\t\ta: 1\n",
                "indent with blanks, not with tabs",
                2,
            ),
        ] {
            let Err(finding) = Document::parse(text) else {
                panic!("{text} is read");
            };
            assert_eq!(finding.message, message);
            assert_eq!(finding.line, Some(line));
        }
    }

    #[test]
    fn tabs_indent_the_lines_of_a_quoted_text() {
        let text = "sources:\n  q1: 'T\n\t| take 5\n\t'\n";
        assert!(Document::parse(text).is_ok());
    }
}

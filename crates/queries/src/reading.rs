//! From the tree of a definition file to its definitions.

use std::collections::BTreeMap;

use defender_core::{DataEnvironment, nearest};

use crate::definition::{Definition, Kind, Language, Parameter, Type};
use crate::finding::Finding;
use crate::node::{self, Document, Node};
use crate::template::Template;
use crate::value::Value;

const FILE_KEYS: &[&str] = &["metadata", "defaults", "sources"];
const SOURCE_KEYS: &[&str] = &[
    "description",
    "metadata",
    "args",
    "parameters",
    "query_macros",
];
const PARAMETER_KEYS: &[&str] = &[
    "description",
    "type",
    "kind",
    "default",
    "aliases",
    "format",
];

/// What a file gives: the definitions that can be used, and what is wrong with it.
pub(crate) fn definitions(text: &str) -> (Vec<Definition>, Vec<Finding>) {
    let mut findings = Vec::new();
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(finding) => return (Vec::new(), vec![finding]),
    };
    if let Err(finding) = complete(&document.root) {
        return (Vec::new(), vec![finding]);
    }
    unknown_keys(&document.root, FILE_KEYS, "the file", &mut findings);
    let root = &document.root;
    let definitions = root
        .get("sources")
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
        .filter_map(|(name, source)| {
            let mut found = Vec::new();
            let read = Reader {
                document: &document,
                findings: &mut found,
            }
            .definition(name, source);
            if let Err(finding) = &read {
                found.push((**finding).clone().at(source.line));
            }
            findings.extend(found.into_iter().map(|finding| finding.of(name)));
            read.ok()
        })
        .collect();
    (definitions, findings)
}

/// Checks what MSTICPy checks of a file.
fn complete(root: &Node) -> Result<(), Finding> {
    let lacks = |what: &str, place: &Node| {
        let finding = Finding::error(format!("the file has no {what}"));
        let name = what.rsplit('.').next().unwrap_or(what);
        let keys = place.entries().iter().map(|(key, _)| key.as_str());
        // An empty one is written right.
        let keys = keys.filter(|key| *key != name);
        Err(match nearest(name, keys) {
            Some(written) => finding.hint(format!("is '{written}' meant as '{name}'?")),
            None => finding,
        })
    };
    let has = |node: &Node, name: &str| node.get(name).is_some_and(|node| !node.is_empty());
    if root.is_empty() {
        return Err(Finding::error("the file is empty"));
    }
    if !matches!(root.kind, node::Kind::Map(_)) {
        return Err(Finding::error("the file is not a mapping")
            .hint("it begins with a line such as metadata:"));
    }
    if !has(root, "sources") {
        return lacks("sources", root);
    }
    let Some(metadata) = root.get("metadata").filter(|node| !node.is_empty()) else {
        return lacks("metadata", root);
    };
    if !has(metadata, "data_environments") {
        return lacks("metadata.data_environments", metadata);
    }
    if !has(metadata, "data_families") {
        return lacks("metadata.data_families", metadata);
    }
    Ok(())
}

fn unknown_keys(node: &Node, known: &[&str], of: &str, findings: &mut Vec<Finding>) {
    for (key, value) in node.entries() {
        if !known.contains(&key.as_str()) {
            let finding =
                Finding::warning(format!("{of} has an unknown key '{key}'")).at(value.line);
            findings.push(match nearest(key, known.iter().copied()) {
                Some(near) => finding.hint(format!("did you mean '{near}'?")),
                None => finding,
            });
        }
    }
}

struct Reader<'a> {
    document: &'a Document,
    findings: &'a mut Vec<Finding>,
}

type Refused = Box<Finding>;

impl<'a> Reader<'a> {
    fn definition(&mut self, name: &str, source: &'a Node) -> Result<Definition, Refused> {
        unknown_keys(source, SOURCE_KEYS, "the query", self.findings);
        let root = &self.document.root;
        let defaults = root.get("defaults");
        let levels = [
            root.get("metadata"),
            defaults.and_then(|defaults| defaults.get("metadata")),
            source.get("metadata"),
        ];
        let texts = |key: &str| {
            let found = levels
                .iter()
                .rev()
                .find_map(|level| level.as_ref()?.get(key));
            found
                .map(|node| self.document.texts(node))
                .unwrap_or_default()
        };
        let (environments, other_environments) = environments(&texts("data_environments"));
        let language = language(&environments, &other_environments);
        let families = texts("data_families");
        let tags = texts("tags");
        let data_source = texts("data_source").into_iter().next();
        let metadata = Self::metadata(&levels);
        let parameters = self.parameters(defaults, source)?;
        let (text, node) = self.query(source, language)?;
        let template = Self::template(&text, language, &parameters)?;
        let args = source.get("args");
        Ok(Definition {
            name: name.to_owned(),
            families,
            description: source
                .get("description")
                .and_then(|node| self.document.text(node))
                .unwrap_or_default(),
            environments,
            other_environments,
            language,
            data_source,
            tags,
            // Python's None is written by habit.
            uri: args
                .and_then(|args| args.get("uri"))
                .and_then(|node| self.document.text(node))
                .filter(|uri| uri != "None"),
            metadata,
            parameters,
            text,
            file: None,
            line: source.line.or(node.line),
            template,
            written: self.document.bytes(node),
        })
    }

    /// The metadata merged key by key, without what has a field of its own.
    fn metadata(levels: &[Option<&Node>]) -> serde_json::Map<String, serde_json::Value> {
        let mut merged = serde_json::Value::Object(serde_json::Map::new());
        for level in levels.iter().flatten() {
            merge(&mut merged, Document::json(level));
        }
        let serde_json::Value::Object(mut merged) = merged else {
            return serde_json::Map::new();
        };
        // The aliases are only a place for anchors.
        for key in [
            "data_environments",
            "data_families",
            "data_source",
            "tags",
            "aliases",
        ] {
            merged.remove(key);
        }
        merged
    }

    /// The query's text with its macros put in, and where it is written.
    fn query<'n>(
        &mut self,
        source: &'n Node,
        language: Language,
    ) -> Result<(String, &'n Node), Refused> {
        let node = source
            .get("args")
            .and_then(|args| args.get("query"))
            .filter(|node| !node.is_empty())
            .ok_or_else(|| Finding::error("the query has no args.query"))?;
        let mut text = self.lines(node, language);
        for (_, used) in macro_names(&text) {
            let known = source
                .get("query_macros")
                .and_then(|macros| macros.get(&used));
            let value = known.and_then(|known| known.get("value"));
            if value.is_none() {
                let what = format!("the query uses the macro '{used}', which has no value");
                self.findings.push(Finding::warning(what).at(node.line));
            }
            let value = value
                .map(|value| self.lines(value, language))
                .unwrap_or_default();
            text = text.replace(&format!("$<{used}>$"), value.trim());
        }
        let first = text
            .find(|letter: char| !letter.is_whitespace())
            .unwrap_or(0);
        // The first line keeps its indentation only when it stands with the others.
        let start = text[..first]
            .rfind('\n')
            .map_or(first, |newline| newline + 1);
        let text = text[start..].trim_end().to_owned();
        if text.is_empty() {
            return Err(Finding::error("the query's text is empty")
                .at(node.line)
                .into());
        }
        Ok((text, node))
    }

    /// The scalar with its lines, and a warning when MSTICPy would lose some of them.
    fn lines(&mut self, node: &Node, language: Language) -> String {
        let folded = self.document.text(node).unwrap_or_default();
        if language != Language::Kql {
            return folded;
        }
        let lines = self.document.lines(node).unwrap_or_default();
        if comments(&folded) && folded != lines {
            self.findings.push(
                Finding::warning("YAML folds this text into one line, so its first comment would hide the rest; its lines were kept")
                    .at(node.line)
                    .hint("write the text as a block that begins with '|'"),
            );
        }
        lines
    }

    fn template(
        text: &str,
        language: Language,
        parameters: &[Parameter],
    ) -> Result<Template, Refused> {
        let find = |name: &str| parameters.iter().find(|parameter| parameter.name == name);
        let template = Template::parse(text, language, |name| find(name)?.format.as_deref())
            .map_err(|message| {
                let finding = Finding::error(format!("the template is not valid: {message}"));
                if message.contains(['{', '}']) {
                    finding.hint("a brace that is not around a parameter is doubled: {{ and }}")
                } else {
                    finding
                }
            })?;
        let mut missing = Vec::new();
        for hole in template.holes() {
            match find(&hole.name) {
                None if !missing.contains(&hole.name.as_str()) => missing.push(&hole.name),
                Some(parameter) if !fits(&hole.spec, parameter.ty) => {
                    return Err(Finding::error(format!(
                        "the format '{}' of '{}' does not fit its type, {}",
                        hole.spec,
                        hole.name,
                        parameter.ty.name()
                    ))
                    .into());
                }
                _ => {}
            }
        }
        if missing.is_empty() {
            return Ok(template);
        }
        Err(Finding::error(format!(
            "the query uses parameters that are not declared: {}",
            missing.join(", ")
        ))
        .hint("declare them under parameters, of the query or of defaults; braces that are text are doubled")
        .into())
    }

    /// The parameters of the query over those of the file, by name.
    fn parameters(
        &mut self,
        defaults: Option<&'a Node>,
        source: &'a Node,
    ) -> Result<Vec<Parameter>, Refused> {
        let mut levels: BTreeMap<&str, Vec<&Node>> = BTreeMap::new();
        let shared = defaults.and_then(|defaults| defaults.get("parameters"));
        for parameters in [shared, source.get("parameters")].into_iter().flatten() {
            for (name, node) in parameters.entries() {
                levels.entry(name).or_default().push(node);
            }
        }
        let own = source.get("parameters");
        levels
            .into_iter()
            .map(|(name, nodes)| {
                let own_default = own
                    .and_then(|own| own.get(name))
                    .and_then(|own| own.get("default"))
                    .is_some();
                self.parameter(name, &nodes, own_default)
            })
            .collect()
    }

    fn parameter(&mut self, name: &str, levels: &[&Node], own: bool) -> Result<Parameter, Refused> {
        let line = levels.last().and_then(|node| node.line);
        for node in levels {
            let before = self.findings.len();
            unknown_keys(
                node,
                PARAMETER_KEYS,
                &format!("the parameter '{name}'"),
                self.findings,
            );
            // A file's own parameters are read once for every query.
            let found = self.findings.split_off(before);
            self.findings
                .extend(found.into_iter().filter(|_| own || levels.len() == 1));
        }
        let get = |key: &str| levels.iter().rev().find_map(|node| node.get(key));
        let text = |key: &str| get(key).and_then(|node| self.document.text(node));
        let Some(written) = text("type") else {
            return Err(
                Finding::error(format!("the parameter '{name}' has no type"))
                    .at(line)
                    .hint("a type is one of str, datetime, int, float, list, bool")
                    .into(),
            );
        };
        let (description, format, kind) = (text("description"), text("format"), text("kind"));
        let aliases = get("aliases").map(|node| self.document.texts(node));
        let ty = Type::find(&written).unwrap_or_else(|| {
            let known = Type::ALL.map(Type::name);
            let finding = Finding::warning(format!(
                "the parameter '{name}' has the unknown type '{written}' and is read as str"
            ))
            .at(line);
            self.findings.push(match nearest(&written, known) {
                Some(near) => finding.hint(format!("did you mean '{near}'?")),
                None => finding.hint(format!("a type is one of {}", known.join(", "))),
            });
            Type::Str
        });
        let kind = kind
            .map(|written| {
                written.parse::<Kind>().map_err(|()| {
                    Finding::error(format!(
                        "the parameter '{name}' has the unknown kind '{written}'"
                    ))
                    .at(line)
                    .hint(format!(
                        "a kind is one of {}",
                        Kind::ALL.map(Kind::name).join(", ")
                    ))
                })
            })
            .transpose()?;
        let default = get("default").and_then(|node| self.value(node, ty));
        Ok(Parameter {
            name: name.to_owned(),
            description: description.unwrap_or_default(),
            ty,
            kind,
            default,
            shared_default: !own,
            aliases: aliases.unwrap_or_default(),
            format,
        })
    }

    /// A default: for text parameters as it was written, whatever YAML makes of it.
    fn value(&self, node: &Node, ty: Type) -> Option<Value> {
        Some(match &node.kind {
            node::Kind::List(items) => Value::List(
                items
                    .iter()
                    .filter_map(|item| self.value(item, Type::List))
                    .collect(),
            ),
            _ if ty == Type::Str => Value::Text(self.document.lines(node)?),
            node::Kind::Bool(value) => Value::Bool(*value),
            node::Kind::Int(number) => Value::Int(*number),
            node::Kind::Float(number) => Value::Float(*number),
            node::Kind::Text(text) => Value::Text(text.clone()),
            node::Kind::Null | node::Kind::Map(_) => return None,
        })
    }
}

/// Whether the comments of a text of one line hide something.
fn comments(text: &str) -> bool {
    use crate::scanning::{Place, Scanner};
    text.match_indices("//").any(|(at, _)| {
        let mut scanner = Scanner::new(false);
        scanner.read(&text[..at + 2]);
        scanner.place == Place::Comment
    })
}

/// The macros that a text uses: `$<name>$`.
fn macro_names(text: &str) -> BTreeMap<usize, String> {
    text.match_indices("$<")
        .filter_map(|(at, _)| {
            let rest = &text[at + 2..];
            let name = &rest[..rest.find(">$")?];
            (!name.contains('\n')).then(|| (at, name.to_owned()))
        })
        .collect()
}

/// Whether a format spec can write values of this type.
fn fits(spec: &str, ty: Type) -> bool {
    match ty {
        _ if spec.is_empty() => true,
        Type::Datetime => crate::time::is_format(spec),
        Type::Int => crate::format::int(1, spec).is_some(),
        Type::Float => crate::format::float(1.0, spec).is_some(),
        Type::Str => spec == "s",
        Type::List | Type::Bool => false,
    }
}

fn environments(names: &[String]) -> (Vec<DataEnvironment>, Vec<String>) {
    let (mut known, mut other) = (Vec::new(), Vec::new());
    for name in names {
        match name.parse() {
            Ok(environment) if known.contains(&environment) => {}
            Ok(environment) => known.push(environment),
            Err(_) => other.push(name.clone()),
        }
    }
    (known, other)
}

/// Environments of MSTICPy that are not asked here but speak KQL.
const KQL_ELSEWHERE: &[&str] = &[
    "LogAnalytics",
    "AzureSentinel",
    "MSSentinel",
    "MSSentinel_New",
    "MSSentinel_Legacy",
    "Kusto",
    "Kusto_New",
    "Kusto_Legacy",
    "AzureDataExplorer",
    "ResourceGraph",
    "GraphHunting",
];

fn language(known: &[DataEnvironment], other: &[String]) -> Language {
    if known
        .iter()
        .any(|environment| *environment != DataEnvironment::SecurityGraph)
    {
        return Language::Kql;
    }
    if !known.is_empty() {
        return Language::Odata;
    }
    let kql = |name: &String| {
        KQL_ELSEWHERE
            .iter()
            .any(|kql| kql.eq_ignore_ascii_case(name))
    };
    if other.iter().any(kql) {
        Language::Kql
    } else {
        Language::Other
    }
}

/// Puts `from` over `into`, mapping by mapping. Both come from a tree of bounded depth.
fn merge(into: &mut serde_json::Value, from: serde_json::Value) {
    match (into, from) {
        (serde_json::Value::Object(into), serde_json::Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (_, serde_json::Value::Null) => {}
        (into, from) => *into = from,
    }
}

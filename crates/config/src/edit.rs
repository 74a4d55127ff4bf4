//! Changing one value of a settings file and nothing else: comments, order and layout stay.
//!
//! Lines are edited as they stand, and the result is read again: unless it differs from what was
//! there in that one value, nothing is changed.

mod lines;
mod scalar;

use std::collections::BTreeMap;

use defender_core::{Error, ErrorKind, ExposeSecret, Result, SecretString};

use crate::document;
use crate::key::folded;
use crate::layers;
use crate::node::{Kind, Node};
use crate::shape;
use lines::{Entry, Lines, Value};

/// What a setting is to become.
#[derive(Clone, Debug)]
pub enum NewValue {
    /// Text, which may be a secret.
    Text(SecretString),
    /// A secret in Key Vault: `name`, `vault/name` or an address; `default` names it after the
    /// setting.
    KeyVault(String),
    /// An environment variable.
    EnvironmentVar(String),
}

impl NewValue {
    /// As it is written behind the key.
    fn written(&self) -> String {
        match self {
            Self::Text(text) => scalar::written(text.expose_secret()),
            Self::KeyVault(name) => format!("{{KeyVault: {}}}", scalar::within_flow(name)),
            Self::EnvironmentVar(name) => {
                format!("{{EnvironmentVar: {}}}", scalar::within_flow(name))
            }
        }
    }

    /// What reading it gives.
    fn leaf(&self) -> (Option<&'static str>, &str) {
        match self {
            Self::Text(text) => (None, text.expose_secret()),
            Self::KeyVault(name) => (Some("KeyVault"), name),
            Self::EnvironmentVar(name) => (Some("EnvironmentVar"), name),
        }
    }
}

/// The text of the settings file `name` with `value` at `path`, such as
/// `DataProviders.MicrosoftDefender.Args.ClientSecret`.
///
/// Sections that are not there are added after the others. Names are found in any case, as
/// everywhere. Line breaks, comments, order and quotes of everything else stay as they are.
///
/// ```
/// # use defender_config::{NewValue, with_value};
/// let text = "Azure:\n  cloud: global # for now\n";
/// let value = NewValue::Text("usgov".to_owned().into());
/// let changed = with_value("settings.yaml", text, "Azure.cloud", &value)?;
/// assert_eq!(changed, "Azure:\n  cloud: usgov # for now\n");
/// # Ok::<(), defender_core::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Config`] when the text is no sound settings file, when `path` leads through a value
/// that is no section, when it names a section or a list, which a value would replace whole, and
/// where the file is laid out so that only a person can change it.
pub fn with_value(name: &str, text: &str, path: &str, value: &NewValue) -> Result<String> {
    let names: Vec<&str> = path.split('.').map(str::trim).collect();
    if names.iter().any(|name| name.is_empty()) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("'{}' is not the path of a setting", shape::shown_path(path)),
        )
        .with_hint(shape::PATH_OF_SETTING));
    }
    let root = read(name, text)?;
    refuse_whole(&root, &names, name)?;
    let before = leaves(&root);
    let mut lines = Lines::new(text);
    place(&mut lines, &names, value).map_err(|refusal| refusal.error(name, path))?;
    let changed = lines.into_text();
    let by_hand = || Refusal::Layout(None).error(name, path);
    let after = leaves(&read(name, &changed).map_err(|_| by_hand())?);
    if is_that_change(before, after, &names, value) {
        Ok(changed)
    } else {
        Err(by_hand())
    }
}

/// Why a line cannot be changed; the line counts from 1.
enum Refusal {
    /// A section was expected.
    NotASection(String, usize),
    /// Written in a way that is not for a program to change.
    Layout(Option<usize>),
}

impl Refusal {
    fn error(&self, name: &str, path: &str) -> Error {
        let path = shape::shown_path(path);
        match self {
            Self::NotASection(section, line) => Error::new(
                ErrorKind::Config,
                format!(
                    "{}, line {line} of {name}, is a value and no section of settings",
                    shape::shown(section)
                ),
            )
            .with_hint(format!("correct the path {path}, or the file")),
            Self::Layout(line) => {
                let at = line.map_or_else(String::new, |line| format!("line {line} of "));
                Error::new(
                    ErrorKind::Config,
                    format!("{path} cannot be changed without touching more of {at}{name}"),
                )
                .with_hint("change it with an editor: defender config edit")
            }
        }
    }
}

fn place(lines: &mut Lines, names: &[&str], value: &NewValue) -> Result<(), Refusal> {
    let mut section = lines.root().ok_or(Refusal::Layout(None))?;
    for (depth, name) in names.iter().enumerate() {
        let last = depth + 1 == names.len();
        let entries = lines.entries(&section);
        let Some(entry) = find(&entries, name) else {
            let at = lines.end_of(&section);
            lines.insert(at, section.indent, &names[depth..], &value.written());
            return Ok(());
        };
        let entry = entry.clone();
        if last {
            return lines
                .replace(&entry, &value.written())
                .ok_or(Refusal::Layout(Some(entry.line + 1)));
        }
        match entry.value {
            Value::Section => section = lines.section_of(&entry),
            Value::Nothing => {
                let indent = entry.indent + 2;
                lines.insert(
                    entry.line + 1,
                    indent,
                    &names[depth + 1..],
                    &value.written(),
                );
                return Ok(());
            }
            Value::Flow => {
                return lines
                    .insert_into_flow(&entry, &names[depth + 1..], &value.written())
                    .ok_or(Refusal::Layout(Some(entry.line + 1)));
            }
            Value::Scalar => {
                return Err(Refusal::NotASection(entry.name.clone(), entry.line + 1));
            }
            Value::Other => return Err(Refusal::Layout(Some(entry.line + 1))),
        }
    }
    Ok(())
}

fn find<'a>(entries: &'a [Entry], name: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.name == name).or_else(|| {
        entries
            .iter()
            .find(|entry| folded(&entry.name) == folded(name))
    })
}

/// Whether the braces' text has the key already; then a person changes it.
fn find_in_flow(inner: &str, name: &str) -> bool {
    inner.split([',', '{']).any(|item| {
        let key = item.split(':').next().unwrap_or_default();
        folded(key.trim().trim_matches(['"', '\''])) == folded(name)
    })
}

type Leaves = BTreeMap<Vec<String>, String>;

fn read(name: &str, text: &str) -> Result<Node> {
    layers::merge(document::parse(name, text)?, &BTreeMap::new())
}

/// Refuses to put a value in the place of a section or a list: all of it would be lost.
fn refuse_whole(root: &Node, names: &[&str], file: &str) -> Result<()> {
    let mut way = Vec::with_capacity(names.len());
    let mut node = root;
    for name in names {
        let Some((key, next)) = node.find(name) else {
            return Ok(());
        };
        way.push(shape::shown(key));
        node = next;
    }
    let (is, hint) = match &node.kind {
        Kind::Null | Kind::Text(_) => return Ok(()),
        Kind::Map(entries) if is_reference(entries) => return Ok(()),
        Kind::Map(entries) => {
            let keys: Vec<&str> = entries.iter().map(|(key, _)| shape::shown(key)).collect();
            let hint = match keys.first() {
                Some(first) => {
                    format!("name a setting below it, such as {}.{first}", way.join("."))
                }
                None => "name a setting below it".to_owned(),
            };
            let holds = match keys.as_slice() {
                [] => String::new(),
                keys => format!(" with {}", keys.join(", ")),
            };
            (format!("a section{holds}"), hint)
        }
        Kind::List(items) => {
            let noun = if items.len() == 1 { "entry" } else { "entries" };
            (
                format!("a list of {} {noun}", items.len()),
                "change it with an editor: defender config edit".to_owned(),
            )
        }
    };
    let at = node
        .line
        .map_or_else(String::new, |line| format!("line {line} of "));
    let path = way.join(".");
    Err(Error::new(
        ErrorKind::Config,
        format!("{path}, {at}{file}, is {is}, and no single value"),
    )
    .with_hint(hint))
}

/// Whether a mapping stands for a value: `{KeyVault: …}` or `{EnvironmentVar: …}`.
fn is_reference(entries: &[(String, Node)]) -> bool {
    let [(form, inner)] = entries else {
        return false;
    };
    ["keyvault", "environmentvar"].contains(&folded(form).as_str())
        && matches!(inner.kind, Kind::Null | Kind::Text(_))
}

/// Every value with the way to it; an empty one is an empty text.
fn leaves(root: &Node) -> Leaves {
    let mut found = Leaves::new();
    walk(root, &mut Vec::new(), &mut found);
    found
}

/// The reader's depth limit bounds the recursion.
fn walk(node: &Node, way: &mut Vec<String>, found: &mut Leaves) {
    match &node.kind {
        Kind::Null => {
            found.insert(way.clone(), String::new());
        }
        Kind::Text(text) => {
            found.insert(way.clone(), text.clone());
        }
        Kind::List(items) => {
            for (index, item) in items.iter().enumerate() {
                way.push(format!("[{index}]"));
                walk(item, way, found);
                way.pop();
            }
        }
        Kind::Map(entries) => {
            for (name, entry) in entries {
                way.push(name.clone());
                walk(entry, way, found);
                way.pop();
            }
        }
    }
}

/// Whether `after` is `before` with `value` at `names`, and nothing else.
fn is_that_change(mut before: Leaves, mut after: Leaves, names: &[&str], value: &NewValue) -> bool {
    let is_below = |way: &Vec<String>| {
        way.len() >= names.len()
            && way
                .iter()
                .zip(names)
                .all(|(step, name)| folded(step) == folded(name))
    };
    let (form, text) = value.leaf();
    let mut at: Vec<&Vec<String>> = after.keys().filter(|way| is_below(way)).collect();
    let (Some(way), true) = (at.pop(), at.is_empty()) else {
        return false;
    };
    let form_fits = match (way.len() - names.len(), form) {
        (0, None) => true,
        (1, Some(form)) => way.last().is_some_and(|last| last == form),
        _ => false,
    };
    if !form_fits || after.get(way).is_none_or(|found| found != text) {
        return false;
    }
    before.retain(|way, _| !is_below(way));
    after.retain(|way, _| !is_below(way));
    // A section that was empty is one with an entry now.
    let was_empty = |way: &Vec<String>, text: &String| {
        text.is_empty()
            && way.len() < names.len()
            && way
                .iter()
                .zip(names)
                .all(|(step, name)| folded(step) == folded(name))
    };
    before.retain(|way, text| !was_empty(way, text));
    before == after
}

#[cfg(test)]
mod tests;

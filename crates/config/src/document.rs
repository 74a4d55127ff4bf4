//! YAML text as a tree in which every scalar stays as it was written.
//!
//! MSTICPy's reader makes `34` of `0042`; an identifier or a secret must not change so. A scalar
//! that YAML takes for a number or a truth value is therefore cut out of the text again.

mod advice;

use std::fmt;

use config::{Value, ValueKind};
use defender_core::{Error, ErrorKind, Result};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Options, Spanned};

/// Settings files are small; what is larger is something else.
pub(crate) const MAX_BYTES: usize = 4 * 1024 * 1024;

const MAX_DEPTH: usize = 32;
const MAX_NODES: usize = 50_000;

/// Reads `text`; `name` names it in messages.
pub(crate) fn parse(name: &str, text: &str) -> Result<Value> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_BYTES {
        return Err(Error::new(
            ErrorKind::Config,
            format!("{name} is larger than {MAX_BYTES} bytes"),
        )
        .with_hint("is it a settings file?"));
    }
    let root: Spanned<Raw> = serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| refusal(name, text, &error))?;
    match root.value {
        Raw::Null => Ok(Value::new(None, ValueKind::Table(config::Map::new()))),
        Raw::Map(_) => Ok(value(root, text, None)),
        _ => Err(Error::new(
            ErrorKind::Config,
            format!("{name} is not a mapping of settings"),
        )
        .with_hint(match root_text(text) {
            Some(advice) => advice,
            None => "it begins with a line such as DataProviders:".to_owned(),
        })),
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: 4 * MAX_NODES,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_merge_keys: 1_000,
            max_recorded_anchor_events: 4 * MAX_NODES,
            max_total_scalar_bytes: MAX_BYTES,
            max_documents: 2,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 2 * MAX_NODES,
            max_replay_stack_depth: MAX_DEPTH,
        },
        // A snippet shows the lines around an error, and one of them may hold a secret.
        with_snippet: false,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::PassThrough,
        reject_unsupported_tags: true,
    }
}

/// What is wrong with a text that is one value, where its first line says so.
fn root_text(text: &str) -> Option<String> {
    let first = text.lines().position(|line| !line.trim().is_empty())?;
    let (line, advice) = advice::fault(text, first + 1)?;
    Some(format!("line {line}: {advice}"))
}

enum Raw {
    Null,
    Text(String),
    /// A number or a truth value: what YAML makes of it.
    Typed(String),
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
        formatter.write_str("a setting")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
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

/// The tree in `config`'s own type; the origin of a value is the line of its key.
///
/// The reader's depth limit bounds the recursion.
fn value(raw: Spanned<Raw>, text: &str, key: Option<Location>) -> Value {
    let defined = raw.defined;
    let origin = key.unwrap_or(defined).line().to_string();
    let kind = match raw.value {
        Raw::Null => ValueKind::Nil,
        Raw::Text(text) => ValueKind::String(text),
        Raw::Typed(made) => ValueKind::String(written(text, defined).unwrap_or(made)),
        Raw::List(items) => ValueKind::Array(
            items
                .into_iter()
                .map(|item| value(item, text, None))
                .collect(),
        ),
        Raw::Map(entries) => ValueKind::Table(
            entries
                .into_iter()
                .map(|(key, item)| (key.value, value(item, text, Some(key.defined))))
                .collect(),
        ),
    };
    Value::new(Some(&origin), kind)
}

/// The scalar at `location` as it stands in `text`; `None` where a tag or quotes surround it.
fn written(text: &str, location: Location) -> Option<String> {
    let span = location.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let length = usize::try_from(span.byte_len()?).ok()?;
    let scalar = text.get(start..start.checked_add(length)?)?.trim();
    let plain = !scalar.is_empty() && !scalar.starts_with(['!', '"', '\'', '&', '|', '>']);
    plain.then(|| scalar.to_owned())
}

/// The reader's error in words of our own: its words may quote a value.
fn refusal(name: &str, text: &str, error: &serde_saphyr::Error) -> Error {
    use serde_saphyr::Error as Yaml;
    let error = error.without_snippet();
    let (what, hint) = match error {
        Yaml::DuplicateMappingKey { .. } => (
            "a key is given twice",
            "leave one of the two out; they are in the same section",
        ),
        Yaml::MultipleDocuments { .. } => (
            "there is more than one document",
            "remove the line '---' between them",
        ),
        Yaml::UnknownAnchor { .. } => (
            "a value begins with '*' and refers to nothing",
            "put the value in quotes",
        ),
        Yaml::UnsupportedTag { .. } | Yaml::TaggedScalarCannotDeserializeIntoString { .. } => {
            ("a value begins with '!'", "put the value in quotes")
        }
        Yaml::MergeValueNotMapOrSeqOfMaps { .. } => (
            "'<<' does not name a section",
            "it merges a section that has an anchor: <<: *name",
        ),
        Yaml::RecursiveReferencesRequireWeakTypes { .. } => (
            "a section contains itself",
            "remove the '*' that refers to a section around it",
        ),
        Yaml::Budget { .. }
        | Yaml::AliasReplayLimitExceeded { .. }
        | Yaml::AliasReplayCounterOverflow { .. }
        | Yaml::AliasExpansionLimitExceeded { .. }
        | Yaml::AliasReplayStackDepthExceeded { .. } => (
            "it is larger or deeper than settings are",
            "is it a settings file?",
        ),
        _ => ("it is not sound YAML", ""),
    };
    let place = error.location().filter(|location| location.line() > 0);
    let stop = place.and_then(|place| usize::try_from(place.line()).ok());
    // A line of dots ends a document, where nobody wrote two.
    let is_unknown = hint.is_empty() || text.lines().any(advice::is_left_out);
    let fault = if is_unknown {
        advice::fault(text, stop.unwrap_or(usize::MAX))
    } else {
        None
    };
    let (at, hint) = match (fault, place) {
        // The line at fault is the place: the reader may stop behind it.
        (Some((line, advice)), _) => (format!(" at line {line}"), advice.to_owned()),
        (None, place) => {
            let at =
                place.map(|place| format!(" at line {}, column {}", place.line(), place.column()));
            let hint = match hint {
                "" => advice::advice(text, stop.unwrap_or(usize::MAX)),
                hint => hint.to_owned(),
            };
            (at.unwrap_or_default(), hint)
        }
    };
    Error::new(
        ErrorKind::Config,
        format!("{name} cannot be read: {what}{at}"),
    )
    .with_hint(hint)
}

#[cfg(test)]
mod tests;

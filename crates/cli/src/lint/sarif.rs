//! Findings as SARIF 2.1.0, which code scanning services read.
//!
//! Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use defender_query::lint::{Rule, rules};
use serde_json::{Map, Value, json};

use super::Found;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The log of one run.
pub(super) fn log(found: &[Found]) -> Value {
    let results: Vec<Value> = found.iter().map(result).collect();
    let rules: Vec<Value> = rules().iter().map(|rule| descriptor(rule)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "defender lint",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            // Columns are counted as people count letters.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "name": pascal(rule.id),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.explanation},
        "help": {"text": rule.explanation},
        "defaultConfiguration": {"level": rule.level.name()},
    })
}

fn result(found: &Found) -> Value {
    let mut text = found.message.clone();
    if let Some(hint) = &found.hint {
        text = format!("{text} ({hint})");
    }
    let mut region = Map::new();
    region.insert("startLine".to_owned(), found.start.line.into());
    region.insert("startColumn".to_owned(), found.start.column.into());
    if let Some(end) = found.end {
        region.insert("endLine".to_owned(), end.line.into());
        region.insert("endColumn".to_owned(), end.column.into());
    }
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": {"uri": uri(&found.file)},
            "region": region,
        },
    });
    if let Some(query) = &found.query {
        location["logicalLocations"] = json!([{"name": query, "kind": "function"}]);
    }
    json!({
        "ruleId": found.rule.id,
        "ruleIndex": rules().iter().position(|rule| rule.id == found.rule.id),
        "level": found.level.name(),
        "message": {"text": text},
        "locations": [location],
    })
}

/// The words of an id, as SARIF's names are written.
fn pascal(id: &str) -> String {
    id.split('-')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_ascii_uppercase().to_string() + letters.as_str()
            })
        })
        .collect()
}

/// The file as a reference to be resolved against the folder of the run.
fn uri(file: &str) -> String {
    if file == "<stdin>" {
        return "stdin".to_owned();
    }
    let mut uri = String::new();
    for byte in file.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            b'\\' if cfg!(windows) => uri.push('/'),
            other => {
                use std::fmt::Write as _;
                let _ = write!(uri, "%{other:02X}");
            }
        }
    }
    if uri.starts_with('/') {
        uri.insert_str(0, "file://");
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_references() {
        for (file, expected) in [
            ("queries/ours.yaml", "queries/ours.yaml"),
            ("my queries/é#1.kql", "my%20queries/%C3%A9%231.kql"),
            ("/srv/q.kql", "file:///srv/q.kql"),
            ("<stdin>", "stdin"),
        ] {
            assert_eq!(uri(file), expected);
        }
        assert_eq!(pascal("missing-time-filter"), "MissingTimeFilter");
    }
}

//! Documents that hold a table column by column, as pandas writes one unless told otherwise.

use serde_json::{Map, Value};

/// What pandas calls the parts of `orient='split'`.
const SPLIT: [&str; 3] = ["columns", "index", "data"];

/// The columns, when `document` is one object that holds a table column by column.
///
/// One object with lists may be one row all the same: its lists have different lengths, or one
/// value each.
pub(super) fn columns(document: &[u8]) -> Option<Vec<String>> {
    let object: Map<String, Value> = serde_json::from_slice(document).ok()?;
    let is_split = object.len() == SPLIT.len()
        && SPLIT
            .iter()
            .all(|part| object.get(*part).is_some_and(Value::is_array));
    if is_split {
        let names = object["columns"].as_array()?.iter();
        return Some(
            names
                .map(|name| {
                    name.as_str()
                        .map_or_else(|| name.to_string(), str::to_owned)
                })
                .collect(),
        );
    }
    let mut lengths = object.values().map(length);
    let first = lengths.next()??;
    let is_table = lengths.all(|length| length == Some(first))
        && match first {
            Length::List(rows) => rows > 1 && object.len() > 1,
            Length::Numbered(rows) => rows > 0,
        };
    is_table.then(|| object.keys().cloned().collect())
}

/// How many values a column has, and how they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    List(usize),
    /// By the numbers of their rows, from 0.
    Numbered(usize),
}

fn length(value: &Value) -> Option<Length> {
    match value {
        Value::Array(list) => Some(Length::List(list.len())),
        Value::Object(object) => {
            let numbers = (0..object.len()).all(|row| object.contains_key(&row.to_string()));
            (numbers && !object.is_empty()).then_some(Length::Numbered(object.len()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_told_from_a_row() {
        for (document, expected) in [
            (r#"{"a":["x","y"],"b":[1,2]}"#, Some("a,b")),
            (r#"{"a":{"0":"x","1":"y"},"b":{"0":1,"1":2}}"#, Some("a,b")),
            (r#"{"a":{"0":"x"}}"#, Some("a")),
            (r#"{"columns":["a"],"index":[0],"data":[["x"]]}"#, Some("a")),
            (r#"{"a":["x","y"],"b":[1]}"#, None),
            (r#"{"a":["x"],"b":[1]}"#, None),
            (r#"{"a":["x","y"]}"#, None),
            (r#"{"a":["x","y"],"b":1}"#, None),
            (r#"{"a":{"name":"x"},"b":{"name":"y"}}"#, None),
            (r#"{"a":{"0":"x"},"b":{"0":1,"1":2}}"#, None),
            (r#"{"a":{}}"#, None),
            ("{}", None),
            ("[1]", None),
        ] {
            let found = columns(document.as_bytes()).map(|names| names.join(","));
            assert_eq!(found.as_deref(), expected, "{document}");
        }
    }
}

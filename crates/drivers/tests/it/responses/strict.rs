//! A strict reading of a response, without any of the code that is checked.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Hunting,
    List,
}

/// What a response is worth.
pub(super) enum Reading {
    /// These rows and no others.
    Whole(Vec<Vec<String>>),
    /// So many rows, whose columns nobody named.
    Rows(usize),
    /// So many rows as well, or an error: their schema is damaged.
    Perhaps(usize),
    /// An error, or rows that may not be all, for this reason.
    NotWhole(&'static str),
}

/// The columns that are compared.
pub(super) fn columns(asked: Asked) -> &'static [&'static str] {
    match asked {
        Asked::Hunting => &["N", "S", "D"],
        Asked::List => &["id", "title", "severity"],
    }
}

/// The schema that every response has, unless it is damaged.
pub(super) const SCHEMA: &str = concat!(
    r#"[{"name":"N","type":"Int64"},{"name":"S","type":"String"},"#,
    r#"{"name":"D","type":"Object"}]"#
);

/// JSON that keeps every member of an object, in order.
#[derive(Clone, Debug, PartialEq)]
enum Json {
    Null,
    Bool(bool),
    /// As it is written.
    Number(serde_json::Number),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    fn members(&self) -> &[(String, Json)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// The last member of this name.
    fn get(&self, name: &str) -> Option<&Json> {
        let mut members = self.members().iter().rev();
        members.find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Whether it is something of its own, or has a `next` that is.
    fn mentions_next(&self, own: bool) -> bool {
        match self {
            Self::Object(members) if !own => members
                .iter()
                .any(|(name, value)| value.mentions_next(name == "next")),
            value => own && *value != Self::Null,
        }
    }

    /// Whether there is a member at any depth that tells how it went.
    fn tells(&self) -> bool {
        match self {
            Self::Object(members) => members.iter().any(|(name, value)| {
                let told = ["code", "message", "error", "innerError"].contains(&name.as_str());
                told && *value != Self::Null || value.tells()
            }),
            Self::List(values) => values.iter().any(Self::tells),
            _ => false,
        }
    }

    /// Whether it is a member of the list of alerts, with the evidence of one.
    fn is_alert(&self) -> bool {
        let has_id = matches!(self.get("id"), Some(Self::Text(text)) if !text.trim().is_empty());
        let says = |value: &Self| {
            value
                .members()
                .iter()
                .any(|(_, value)| *value != Self::Null)
        };
        let is_evidence = |name| match self.get(name) {
            None | Some(Self::Null) => true,
            Some(Self::List(values)) => values.iter().all(says),
            Some(_) => false,
        };
        has_id && is_evidence("evidence") && is_evidence("alerts")
    }

    fn compact(&self) -> String {
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Text(text) => quoted(text),
            Self::List(values) => {
                let values: Vec<String> = values.iter().map(Self::compact).collect();
                format!("[{}]", values.join(","))
            }
            Self::Object(members) => {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, value)| format!("{}:{}", quoted(name), value.compact()))
                    .collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Json;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Number(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Number(value.into()))
            }
            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
                let number = serde_json::Number::from_f64(value);
                number
                    .map(Json::Number)
                    .ok_or_else(|| E::custom("too large"))
            }
            fn visit_str<E>(self, value: &str) -> Result<Json, E> {
                Ok(Json::Text(value.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Json, A::Error> {
                let mut list = Vec::new();
                while let Some(value) = values.next_element()? {
                    list.push(value);
                }
                Ok(Json::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
                let mut object = Vec::new();
                while let Some(member) = members.next_entry()? {
                    object.push(member);
                }
                Ok(Json::Object(object))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Reads a response as strictly as its description allows.
pub(super) fn read(asked: Asked, status: u16, body: &[u8]) -> Reading {
    match std::str::from_utf8(body) {
        Ok(text) => read_text(asked, status, text.as_bytes()),
        // What is shown of broken Unicode, if anything is, is not compared.
        Err(_) => match read_text(asked, status, String::from_utf8_lossy(body).as_bytes()) {
            Reading::Whole(rows) => Reading::Perhaps(rows.len()),
            Reading::Rows(rows) => Reading::Perhaps(rows),
            reading => reading,
        },
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "one rule after the other, as a reader would check them"
)]
fn read_text(asked: Asked, status: u16, body: &[u8]) -> Reading {
    use Reading::{NotWhole, Perhaps, Rows, Whole};
    if status != 200 {
        return NotWhole("the status");
    }
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let Ok(document @ Json::Object(_)) = serde_json::from_slice::<Json>(body) else {
        return NotWhole("not an object");
    };
    let members = document.members();
    let mut names: Vec<String> = members
        .iter()
        .map(|(name, _)| name.to_lowercase())
        .collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    if names.len() < count {
        return NotWhole("a member twice");
    }
    let has = |wanted: &[&str]| {
        members.iter().any(|(name, value)| {
            let name = name.to_lowercase();
            let name = name.rsplit('@').next().unwrap_or_default();
            let name = name.strip_prefix("odata.").unwrap_or(name);
            wanted.contains(&name) && *value != Json::Null && *value != Json::List(Vec::new())
        })
    };
    if has(&["error", "errors"]) {
        return NotWhole("an error");
    }
    let next = members
        .iter()
        .any(|(name, value)| name.to_lowercase().ends_with("nextlink") && *value != Json::Null);
    if next {
        return NotWhole("it goes on");
    }
    let is_true =
        |value: &Json| !["null", "false", "\"\"", "[]", "{}"].contains(&value.compact().as_str());
    let partial = members.iter().any(|(name, value)| {
        let said = match name.as_str() {
            "isPartial" | "hasMore" | "@odata.hasNext" | "truncated" => is_true(value),
            "isComplete" => match value {
                Json::Text(text) => !text.is_empty(),
                value => *value == Json::Bool(false),
            },
            _ => false,
        };
        let is_documented =
            ["@odata.context", "schema", "results", "value"].contains(&&*name.to_lowercase());
        let said = said || !is_documented && value.tells();
        said || value.mentions_next(name == "next")
    });
    if partial {
        return NotWhole("it says so");
    }
    let member = |wanted: &str| {
        let mut members = members.iter();
        let found = members.find(|(name, _)| match asked {
            Asked::Hunting => name.eq_ignore_ascii_case(wanted),
            Asked::List => name == wanted,
        });
        found.map(|(_, value)| value)
    };
    let list = match asked {
        Asked::Hunting => "results",
        Asked::List => "value",
    };
    let Some(Json::List(rows)) = member(list) else {
        return NotWhole("no list");
    };
    let has_schema = match (asked, member("schema")) {
        (Asked::List, _) => true,
        (Asked::Hunting, Some(schema)) if schema.compact() == SCHEMA => true,
        (Asked::Hunting, None | Some(Json::Null)) => false,
        (Asked::Hunting, Some(Json::List(columns))) if columns.is_empty() => false,
        (Asked::Hunting, Some(_)) => return Perhaps(rows.len()),
    };
    let rows_known = rows.iter().all(|row| match (asked, row) {
        (_, Json::Object(members)) if members.is_empty() => asked == Asked::Hunting && !has_schema,
        (Asked::List, row) => row.is_alert(),
        (_, Json::Object(_)) => {
            !has_schema || columns(asked).iter().any(|name| row.get(name).is_some())
        }
        _ => false,
    });
    if !rows_known {
        return NotWhole("a row that is none");
    }
    let mut counts: Vec<&Json> = members
        .iter()
        .filter(|(name, _)| {
            ["@odata.count", "odata.count", "count", "totalcount"]
                .contains(&name.to_lowercase().as_str())
        })
        .map(|(_, value)| value)
        .collect();
    if asked == Asked::Hunting
        && let Some(Json::List(list)) =
            member("stats").and_then(|stats| stats.get("dataset_statistics"))
    {
        counts.extend(list.first().and_then(|only| only.get("table_row_count")));
    }
    let fits = |value: &&Json| match value {
        Json::Null => true,
        Json::Number(number) => number.as_f64().is_some_and(|number| {
            let most = u32::try_from(rows.len()).map_or(f64::INFINITY, f64::from);
            number.fract() == 0.0 && (0.0..=most).contains(&number)
        }),
        Json::Text(text) => text
            .trim()
            .parse::<u64>()
            .is_ok_and(|number| number <= rows.len() as u64),
        _ => false,
    };
    if !counts.iter().all(fits) {
        return NotWhole("other numbers were counted");
    }
    // A damaged name may be read as what it nearly is.
    let known = [
        "isPartial",
        "hasMore",
        "@odata.hasNext",
        "truncated",
        "isComplete",
        "next",
        "count",
        "totalCount",
        "@odata.count",
        "odata.count",
    ];
    let is_near = members.iter().any(|(name, _)| {
        let letters: String = name.chars().filter(char::is_ascii_alphabetic).collect();
        let letters = letters.to_ascii_lowercase();
        let parts = [
            "partial", "more", "next", "truncat", "complete", "count", "error", "page", "row",
            "total",
        ];
        !known.contains(&name.as_str()) && parts.iter().any(|part| letters.contains(part))
    });
    if is_near {
        return Perhaps(rows.len());
    }
    let is_empty = |row: &Json| row.members().is_empty();
    if !has_schema && rows.iter().any(is_empty) {
        // Nothing but empty rows may be all that there is.
        return Perhaps(rows.len());
    }
    if !has_schema {
        return Rows(rows.len());
    }
    let text = |row: &Json, name: &&str| cell(asked, name, row.get(name));
    Whole(
        rows.iter()
            .map(|row| columns(asked).iter().map(|name| text(row, name)).collect())
            .collect(),
    )
}

/// A value in its column.
fn cell(asked: Asked, column: &str, value: Option<&Json>) -> String {
    let null = "null".to_owned();
    match (asked, column, value.unwrap_or(&Json::Null)) {
        (_, _, Json::Null) => null,
        (Asked::Hunting, "N", Json::Number(number)) => {
            number.as_i64().map_or(null, |number| number.to_string())
        }
        (Asked::Hunting, "N", Json::Text(text)) => text
            .parse::<i64>()
            .map_or(null, |number| number.to_string()),
        (Asked::Hunting, "D", value) => value.compact(),
        (_, _, Json::Text(text)) => text.clone(),
        (_, _, Json::Object(members)) if members.is_empty() => null,
        (_, _, value) => value.compact(),
    }
}

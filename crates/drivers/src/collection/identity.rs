//! Whether the members of a list are what they say: each has its identity, or it is something else
//! that stands in the place of a row, and nobody may take it for one.

use defender_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::page::Row;
use super::{Collection, envelope};

/// Lists within rows, and what tells a member of one from others: its id, or nothing but that it
/// says something.
///
/// Sources: <https://learn.microsoft.com/graph/api/resources/security-incident>,
/// <https://learn.microsoft.com/graph/api/resources/security-alertevidence>
const WITHIN: [(&str, &str, Option<&str>); 2] = [
    ("alerts", "alert", Some("id")),
    ("evidence", "evidence", None),
];

/// Refuses rows of `known` that have no identity, and members of the lists within them.
///
/// # Errors
///
/// [`ErrorKind::Protocol`], which names the place.
pub(super) fn require(rows: &[Row], known: &Collection, selected: Option<&[String]>) -> Result<()> {
    let is_wanted = selected.is_none_or(|names| {
        let is_key = |name: &String| name == "*" || name.eq_ignore_ascii_case(known.key);
        names.iter().any(is_key)
    });
    for (number, row) in (1..).zip(rows) {
        let place = format!("row {number} of the answer");
        if is_wanted {
            named(row, known.key, &place)?;
        }
        within(row, &place)?;
    }
    Ok(())
}

fn within(row: &Row, place: &str) -> Result<()> {
    for (list, one, key) in WITHIN {
        let members = match row.get(list) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(members)) => members,
            Some(other) => {
                let kind = envelope::kind(other);
                return Err(protocol(format!(
                    "'{list}' in {place} is {kind} where a list was expected"
                )));
            }
        };
        for (number, member) in (1..).zip(members) {
            let place = format!("{one} {number} in {place}");
            let Value::Object(member) = member else {
                let kind = envelope::kind(member);
                return Err(protocol(format!("{place} is {kind} and not an object")));
            };
            match key {
                Some(key) => named(member, key, &place)?,
                None if member.values().all(Value::is_null) => {
                    return Err(protocol(format!("{place} has nothing but nulls")));
                }
                None => {}
            }
            within(member, &place)?;
        }
    }
    Ok(())
}

fn named(row: &Row, key: &str, place: &str) -> Result<()> {
    let has = match row.get(key) {
        Some(Value::String(text)) if !text.trim().is_empty() => return Ok(()),
        Some(Value::String(_)) => "is empty",
        None => "is missing",
        Some(Value::Null) => "is null",
        Some(other) => {
            let kind = envelope::kind(other);
            return Err(protocol(format!(
                "{place} has no identity: its '{key}' is {kind}"
            )));
        }
    };
    Err(protocol(format!(
        "{place} has no identity: its '{key}' {has}"
    )))
}

fn protocol(message: String) -> Error {
    Error::new(ErrorKind::Protocol, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{MDE_REST, SECURITY_GRAPH};

    fn refused(known: &Collection, row: Value, selected: Option<&[String]>) -> Option<String> {
        let Value::Object(whole) = json!({"id": "1", "evidence": []}) else {
            unreachable!()
        };
        let Value::Object(row) = row else {
            unreachable!()
        };
        let checked = require(&[whole, row], known, selected);
        checked.err().map(|error| error.to_string())
    }

    #[test]
    fn a_member_of_a_list_without_its_identity_is_refused_at_its_place() {
        let collections = [SECURITY_GRAPH.collections, MDE_REST.collections].concat();
        for known in &collections {
            for (row, told) in [
                (
                    json!({"id": null}),
                    "row 2 of the answer has no identity: its 'id' is null",
                ),
                (
                    json!({"title": "x", "osBuild": 1}),
                    "row 2 of the answer has no identity: its 'id' is missing",
                ),
                (
                    json!({"id": " "}),
                    "row 2 of the answer has no identity: its 'id' is empty",
                ),
                (
                    json!({"id": {"x": 1}}),
                    "row 2 of the answer has no identity: its 'id' is an object",
                ),
                (
                    json!({"id": "1", "alerts": [{"id": "a"}, {"id": null}]}),
                    "alert 2 in row 2 of the answer has no identity: its 'id' is null",
                ),
                (
                    json!({"id": "1", "alerts": [{"id": "a", "evidence": [{"x": null}]}]}),
                    "evidence 1 in alert 1 in row 2 of the answer has nothing but nulls",
                ),
                (
                    json!({"id": "1", "evidence": [{}]}),
                    "evidence 1 in row 2 of the answer has nothing but nulls",
                ),
                (
                    json!({"id": "1", "evidence": ["x"]}),
                    "evidence 1 in row 2 of the answer is text and not an object",
                ),
                (
                    json!({"id": "1", "evidence": {"x": 1}}),
                    "'evidence' in row 2 of the answer is an object where a list was expected",
                ),
            ] {
                assert_eq!(refused(known, row, None).as_deref(), Some(told));
            }
            let whole = json!({"id": "1", "evidence": [{"entityType": "User"}], "alerts": null});
            assert_eq!(refused(known, whole, None), None);
            // Whoever asks for other properties alone gets no identity.
            let selected = ["title".to_owned()];
            assert_eq!(refused(known, json!({"title": "x"}), Some(&selected)), None);
        }
    }
}

//! How Graph writes an answer: OData, whose open types carry annotations beside the values.

use serde_json::Value as Json;

use super::json::{Style, write_json, write_schema, write_text, write_value};
use super::value::{Column, ColumnType, Value};

/// What an object of a `dynamic` column says it is, at every level.
const DYNAMIC: &[u8] = b"\"@odata.type\":\"#microsoft.graph.security.dynamicColumnValue\"";
/// What an array says it is, beside itself.
const COLLECTION: &str = "#Collection(String)";

/// One row: null as `{}`, except that a string is never null; types that JSON does not show
/// are named beside the value.
pub(super) fn write_row(out: &mut Vec<u8>, columns: &[Column], names: &[Vec<u8>], row: &[Value]) {
    out.push(b'{');
    for (index, ((column, name), value)) in columns.iter().zip(names).zip(row).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let annotation = match value {
            Value::Bool(_) => Some("#SByte"),
            Value::Long(_) => Some("#Int64"),
            Value::Dynamic(Json::Array(_)) => Some(COLLECTION),
            _ => None,
        };
        if let Some(annotation) = annotation {
            write_annotation(out, name, annotation);
        }
        out.extend_from_slice(name);
        out.push(b':');
        match value {
            Value::Null if column.ty == ColumnType::String => out.extend_from_slice(b"\"\""),
            Value::Null | Value::Dynamic(Json::Null) => out.extend_from_slice(b"{}"),
            Value::Dynamic(value) => write_dynamic(out, value),
            value => write_value(out, value),
        }
    }
    out.push(b'}');
}

/// `"Name@odata.type":"#Type",`, where `name` is quoted already.
fn write_annotation(out: &mut Vec<u8>, name: &[u8], annotation: &str) {
    out.extend_from_slice(&name[..name.len().saturating_sub(1)]);
    out.extend_from_slice(b"@odata.type\":\"");
    out.extend_from_slice(annotation.as_bytes());
    out.extend_from_slice(b"\",");
}

/// Something still to be written; a stack of these stands in for recursion, since how deep a
/// value goes is not ours to say.
enum Step<'a> {
    Value(&'a Json),
    Field(&'a str, &'a Json),
    Close,
}

fn write_dynamic(out: &mut Vec<u8>, value: &Json) {
    let mut steps = vec![Step::Value(value)];
    while let Some(step) = steps.pop() {
        let value = match step {
            Step::Close => {
                out.push(b'}');
                continue;
            }
            Step::Value(value) => value,
            Step::Field(name, value) => {
                out.push(b',');
                let mut quoted = Vec::with_capacity(name.len() + 2);
                write_text(&mut quoted, name);
                if value.is_array() {
                    write_annotation(out, &quoted, COLLECTION);
                }
                out.extend_from_slice(&quoted);
                out.push(b':');
                value
            }
        };
        match value {
            Json::Object(fields) => {
                out.push(b'{');
                out.extend_from_slice(DYNAMIC);
                steps.push(Step::Close);
                steps.extend(
                    fields
                        .iter()
                        .rev()
                        .map(|(name, value)| Step::Field(name, value)),
                );
            }
            Json::Array(elements) => write_collection(out, elements),
            scalar => write_json(out, scalar),
        }
    }
}

/// An array; what is no scalar in it arrives as JSON text.
fn write_collection(out: &mut Vec<u8>, elements: &[Json]) {
    out.push(b'[');
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match element {
            Json::Object(_) | Json::Array(_) => write_text(out, &element.to_string()),
            scalar => write_json(out, scalar),
        }
    }
    out.push(b']');
}

/// `@odata.context`, `schema`, `results`.
pub(super) fn envelope(columns: &[Column], results: &[u8], style: &Style) -> Vec<u8> {
    let mut out = Vec::with_capacity(results.len() + 256 + columns.len() * 64);
    out.extend_from_slice(b"{\"@odata.context\":");
    write_text(
        &mut out,
        &format!(
            "{}/{}/$metadata#microsoft.graph.security.huntingQueryResults",
            style.origin, style.version
        ),
    );
    if style.late_schema {
        out.extend_from_slice(b",\"results\":");
        out.extend_from_slice(results);
        out.extend_from_slice(b",\"schema\":");
        write_schema(&mut out, columns, "name", "type");
    } else {
        out.extend_from_slice(b",\"schema\":");
        write_schema(&mut out, columns, "name", "type");
        out.extend_from_slice(b",\"results\":");
        out.extend_from_slice(results);
    }
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn annotations_are_at_every_level() {
        let mut out = Vec::new();
        write_dynamic(
            &mut out,
            &json!({"rawData": {"tags": [], "on": true, "n": null}, "list": [{"a": 1}, "b", 2]}),
        );
        let written: Json = serde_json::from_slice(&out).unwrap();
        let kind = "#microsoft.graph.security.dynamicColumnValue";
        assert_eq!(
            written,
            json!({
                "@odata.type": kind,
                "rawData": {
                    "@odata.type": kind,
                    "tags@odata.type": "#Collection(String)",
                    "tags": [],
                    "on": true,
                    "n": null,
                },
                "list@odata.type": "#Collection(String)",
                "list": ["{\"a\":1}", "b", 2],
            })
        );
    }

    #[test]
    fn null_is_an_empty_object_except_in_a_string() {
        let columns = [
            Column::new("S", ColumnType::String),
            Column::new("T", ColumnType::DateTime),
            Column::new("O", ColumnType::Dynamic),
        ];
        let names = [b"\"S\"".to_vec(), b"\"T\"".to_vec(), b"\"O\"".to_vec()];
        let mut out = Vec::new();
        write_row(
            &mut out,
            &columns,
            &names,
            &[Value::Null, Value::Null, Value::Dynamic(Json::Null)],
        );
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"S":"","T":{},"O":{}}"#);
    }
}

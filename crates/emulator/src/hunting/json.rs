//! The JSON that every API writes alike: schemas, cells, text.

use super::value::{Column, Value};
use crate::hosts::Api;
use crate::ticks;

/// How an answer is to be written.
#[derive(Debug, Clone)]
pub(super) struct Style {
    pub(super) api: Api,
    /// What the addresses of the service begin with.
    pub(super) origin: String,
    /// `v1.0` or `beta`.
    pub(super) version: &'static str,
    /// Rows before schema.
    pub(super) late_schema: bool,
    /// What the statistics say it took.
    pub(super) seconds: f64,
}

/// The schema, with the names that the API gives its two fields.
pub(super) fn write_schema(out: &mut Vec<u8>, columns: &[Column], name: &str, kind: &str) {
    out.push(b'[');
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(format!("{{\"{name}\":").as_bytes());
        write_text(out, &column.name);
        out.extend_from_slice(format!(",\"{kind}\":\"{}\"}}", column.ty.wire_name()).as_bytes());
    }
    out.push(b']');
}

/// A cell in the form that the APIs share; what differs is dealt with before.
pub(super) fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(value) => out.push(if *value { b'1' } else { b'0' }),
        Value::Int(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Long(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Real(value) => write_real(out, *value),
        Value::DateTime(value) => {
            out.push(b'"');
            ticks::write_datetime(out, *value);
            out.push(b'"');
        }
        Value::TimeSpan(value) => {
            out.push(b'"');
            ticks::write_timespan(out, *value);
            out.push(b'"');
        }
        Value::Decimal(text) | Value::Guid(text) | Value::String(text) => write_text(out, text),
        Value::Dynamic(value) => write_json(out, value),
    }
}

/// JSON has no word for these three; .NET writes them as text.
fn write_real(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        write_json(out, &serde_json::Value::from(value));
    } else if value.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else if value > 0.0 {
        out.extend_from_slice(b"\"Infinity\"");
    } else {
        out.extend_from_slice(b"\"-Infinity\"");
    }
}

#[expect(
    clippy::expect_used,
    reason = "a vector takes every byte, and text is always JSON"
)]
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a vector takes every byte");
}

#[expect(
    clippy::expect_used,
    reason = "a vector takes every byte, and keys of a JSON value are text"
)]
pub(super) fn write_json(out: &mut Vec<u8>, value: &serde_json::Value) {
    serde_json::to_writer(out, value).expect("a vector takes every byte");
}

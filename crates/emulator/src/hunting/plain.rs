//! How Defender for Endpoint and Microsoft 365 Defender write an answer.

use serde_json::json;

use super::json::{Style, write_json, write_schema, write_value};
use super::value::{Column, ColumnType, Value};
use crate::hosts::Api;

/// One row: null as `null`, except that a string is never null.
pub(super) fn write_row(out: &mut Vec<u8>, columns: &[Column], names: &[Vec<u8>], row: &[Value]) {
    out.push(b'{');
    for (index, ((column, name), value)) in columns.iter().zip(names).zip(row).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(name);
        out.push(b':');
        match value {
            Value::Null if column.ty == ColumnType::String => out.extend_from_slice(b"\"\""),
            value => write_value(out, value),
        }
    }
    out.push(b'}');
}

/// `Stats` (Microsoft 365 Defender only), `Schema`, `Results`.
pub(super) fn envelope(columns: &[Column], results: &[u8], count: usize, style: &Style) -> Vec<u8> {
    let mut out = Vec::with_capacity(results.len() + 1024 + columns.len() * 64);
    out.push(b'{');
    if style.api == Api::M365d {
        out.extend_from_slice(b"\"Stats\":");
        write_json(&mut out, &stats(count, results.len(), style.seconds));
        out.push(b',');
    }
    if style.late_schema {
        out.extend_from_slice(b"\"Results\":");
        out.extend_from_slice(results);
        out.extend_from_slice(b",\"Schema\":");
        write_schema(&mut out, columns, "Name", "Type");
    } else {
        out.extend_from_slice(b"\"Schema\":");
        write_schema(&mut out, columns, "Name", "Type");
        out.extend_from_slice(b",\"Results\":");
        out.extend_from_slice(results);
    }
    out.push(b'}');
    out
}

/// The statistics: the shape of the documentation, the counts of this answer.
///
/// Source: <https://learn.microsoft.com/defender-xdr/api-advanced-hunting>
fn stats(rows: usize, bytes: usize, seconds: f64) -> serde_json::Value {
    json!({
        "ExecutionTime": seconds,
        "resource_usage": {
            "cache": {
                "memory": {"hits": 0, "misses": 0, "total": 0},
                "disk": {"hits": 0, "misses": 0, "total": 0},
            },
            "cpu": {"user": "00:00:00", "kernel": "00:00:00", "total cpu": "00:00:00"},
            "memory": {"peak_per_node": bytes},
        },
        "dataset_statistics": [{"table_row_count": rows, "table_size": bytes}],
    })
}

//! The rows behind the collections, asked of the same backend as hunting.

use std::ops::ControlFlow;
use std::time::SystemTime;

use serde_json::{Map, Value as Json};

use crate::hosts::Api;
use crate::hunting::{Hunting, TimeRange, Value};
use crate::ticks;

/// One row of a hunting table by the names of its columns.
pub(super) type Fields = Map<String, Json>;

/// The hunting tables of one tenant.
#[derive(Clone, Copy)]
pub(super) struct Tables<'a> {
    pub(super) hunting: &'a Hunting,
    pub(super) tenant: &'a str,
}

impl Tables<'_> {
    pub(super) fn now(&self) -> SystemTime {
        self.hunting.directory.site.now()
    }

    /// The rows of `query`; none where the backend does not know its tables.
    pub(super) async fn rows(&self, query: &str) -> Vec<Fields> {
        let now = self.now();
        let range = TimeRange {
            end: ticks::from_system_time(now),
            ..TimeRange::ALL
        };
        let query = query.to_owned();
        let answer = self
            .hunting
            .rows(self.tenant, Api::Graph, query, range, now)
            .await;
        let Ok(answer) = answer else {
            return Vec::new();
        };
        let names: Vec<String> = answer
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect();
        let mut rows = Vec::new();
        answer.for_each(|cells| {
            let cells = names.iter().cloned().zip(cells.into_iter().map(json));
            rows.push(cells.collect());
            ControlFlow::Continue(())
        });
        rows
    }
}

/// The text of a column; nothing where there is none.
pub(super) fn text<'r>(row: &'r Fields, name: &str) -> &'r str {
    row.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// The same, as the APIs write what is missing.
pub(super) fn filled(row: &Fields, name: &str) -> Json {
    match text(row, name) {
        "" => Json::Null,
        text => text.into(),
    }
}

/// JSON that a column keeps as text.
pub(super) fn list(row: &Fields, name: &str) -> Json {
    match row.get(name) {
        Some(Json::String(text)) => match serde_json::from_str(text) {
            Ok(list @ Json::Array(_)) => list,
            _ => Json::Array(Vec::new()),
        },
        Some(list @ Json::Array(_)) => list.clone(),
        _ => Json::Array(Vec::new()),
    }
}

fn json(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => value.into(),
        Value::Int(value) => value.into(),
        Value::Long(value) | Value::TimeSpan(value) => value.into(),
        Value::Real(value) => value.into(),
        Value::DateTime(value) => moment(value).into(),
        Value::Decimal(text) | Value::Guid(text) | Value::String(text) => text.into(),
        Value::Dynamic(value) => value,
    }
}

/// A datetime as JSON text, without its quotes.
pub(super) fn moment(value: i64) -> String {
    let mut text = Vec::new();
    ticks::write_datetime(&mut text, value);
    String::from_utf8_lossy(&text).trim_matches('"').to_owned()
}

//! Typed rows, written, read and compared.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use kql_engine::{Catalog, ResultSet, ScalarType, Value};
use serde_json::Value as Json;

/// A header and rows; in a file a column may be of either of two types, `long|int`.
pub(super) struct Answer {
    columns: Vec<(String, Vec<ScalarType>)>,
    rows: Vec<Vec<Json>>,
}

impl Answer {
    pub(super) fn of(set: &ResultSet) -> Self {
        Self {
            columns: set
                .columns
                .iter()
                .map(|column| (column.name.clone(), vec![column.ty]))
                .collect(),
            rows: set
                .rows()
                .map(|row| row.iter().map(Value::to_json).collect())
                .collect(),
        }
    }

    /// The header line, then a JSON array a row; nothing yet is an answer that none is equal to.
    pub(super) fn parse(lines: &[&str]) -> Result<Self, String> {
        let (header, rows) = lines.split_first().unwrap_or((&"", &[]));
        let columns = columns(header)?;
        let rows: Vec<Vec<Json>> = rows
            .iter()
            .map(|row| {
                serde_json::from_str(row)
                    .map_err(|error| format!("{row} is not a JSON array: {error}"))
            })
            .collect::<Result<_, _>>()?;
        if let Some(row) = rows.iter().find(|row| row.len() != columns.len()) {
            return Err(format!(
                "a row has {} values, the header {} columns",
                row.len(),
                columns.len()
            ));
        }
        Ok(Self { columns, rows })
    }

    /// Whether `other`, an answer of the engine, is what this one asks for.
    pub(super) fn allows(&self, other: &Self, unordered: bool) -> bool {
        let header = self.columns.len() == other.columns.len()
            && self.columns.iter().zip(&other.columns).all(
                |((name, types), (other_name, other_types))| {
                    name == other_name && types.contains(&other_types[0])
                },
            );
        let rows =
            |one: &[Json], two: &[Json]| one.iter().zip(two).all(|(one, two)| same(one, two));
        if !header || self.rows.len() != other.rows.len() {
            return false;
        }
        if !unordered {
            return self
                .rows
                .iter()
                .zip(&other.rows)
                .all(|(one, two)| rows(one, two));
        }
        let mut left: Vec<&Vec<Json>> = other.rows.iter().collect();
        self.rows.iter().all(|row| {
            let at = left.iter().position(|other| rows(row, other));
            at.map(|at| left.remove(at)).is_some()
        })
    }
}

/// Reals to twelve digits, since mathematics differs between machines; all else exactly.
fn same(one: &Json, two: &Json) -> bool {
    match (one, two) {
        (Json::Number(one), Json::Number(two)) if one.is_f64() && two.is_f64() => {
            let (one, two) = (one.as_f64().unwrap_or(0.0), two.as_f64().unwrap_or(0.0));
            (one - two).abs() <= 1e-12 * one.abs().max(two.abs())
        }
        (Json::Array(one), Json::Array(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same(one, two))
        }
        (Json::Object(one), Json::Object(two)) => {
            one.len() == two.len()
                && one
                    .iter()
                    .all(|(key, value)| two.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one == two,
    }
}

/// `name:type, "another name":long|int`.
fn columns(header: &str) -> Result<Vec<(String, Vec<ScalarType>)>, String> {
    let mut rest = header.trim();
    let mut columns = Vec::new();
    while !rest.is_empty() {
        let name;
        if rest.starts_with('"') {
            let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let read = stream.next().and_then(Result::ok);
            name = read.ok_or_else(|| format!("{rest} begins with no name in quotes"))?;
            rest = &rest[stream.byte_offset()..];
        } else {
            let colon = rest.find(':').unwrap_or(rest.len());
            name = rest[..colon].to_owned();
            rest = &rest[colon..];
        }
        let tail = rest
            .strip_prefix(':')
            .ok_or_else(|| format!("column {name:?} has no type"))?;
        let (types, next) = tail.split_once(',').unwrap_or((tail, ""));
        let types = types
            .trim()
            .split('|')
            .map(|ty| ty.parse::<ScalarType>().map_err(|error| error.to_string()))
            .collect::<Result<_, _>>()?;
        columns.push((name, types));
        rest = next.trim_start();
    }
    Ok(columns)
}

impl fmt::Display for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, types)) in self.columns.iter().enumerate() {
            let between = if at > 0 { ", " } else { "" };
            let plain = name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
            let name = if plain && !name.is_empty() {
                name.clone()
            } else {
                Json::from(name.as_str()).to_string()
            };
            let types: Vec<&str> = types.iter().map(|ty| ty.name()).collect();
            write!(out, "{between}{name}:{}", types.join("|"))?;
        }
        for row in &self.rows {
            write!(out, "\n{}", Json::from(row.clone()))?;
        }
        Ok(())
    }
}

/// Adds a table with these rows.
pub(super) fn add(catalog: &mut Catalog, name: &str, rows: &Answer) {
    let columns: Vec<(String, ScalarType)> = rows
        .columns
        .iter()
        .map(|(name, types)| (name.clone(), types[0]))
        .collect();
    let arrays = columns.iter().enumerate().map(|(at, (name, ty))| {
        let cells = rows.rows.iter().map(|row| match &row[at] {
            Json::Null => None,
            Json::String(text) if *ty != ScalarType::Dynamic => Some(text.clone()),
            other => Some(other.to_string()),
        });
        (name, Arc::new(cells.collect::<StringArray>()) as ArrayRef)
    });
    let batch = RecordBatch::try_from_iter(arrays).unwrap();
    catalog.add(name, columns, vec![batch]);
}

/// A datetime of a `now=` word.
pub(super) fn ticks(text: &str) -> Option<i64> {
    let set = super::super::run(&format!("print datetime({text})")).ok()?;
    match set.rows().next()?.first()? {
        Value::DateTime(ticks) => Some(*ticks),
        _ => None,
    }
}

//! Rows of JSON as typed columns.

use std::collections::HashMap;

use defender_core::{Error, ErrorKind, Result};
use defender_table::arrow::array::RecordBatch;
use defender_table::arrow::datatypes::SchemaRef;
use defender_table::{ColumnType, DatetimeMode, JsonCell, TableBuilder, Warning, ticks};
use serde_json::Value;

use super::Collection;
use super::page::Row;
use crate::Limits;
use crate::patience::others_turn;

/// Which columns are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted<'w> {
    /// Those that the service was asked for.
    pub(super) selected: Option<&'w [String]>,
    /// Those that are kept, in this order.
    pub(super) kept: Option<&'w [String]>,
}

/// The columns of `rows`: those of `known` first, then whatever else there is, typed by what is
/// in it; of these what is wanted.
///
/// # Errors
///
/// [`ErrorKind::Incomplete`] when they have more columns or cells than `limits` allow.
pub(super) async fn batches(
    rows: &[Row],
    known: Option<&Collection>,
    wanted: &Wanted<'_>,
    datetimes: DatetimeMode,
    limits: &Limits,
) -> Result<(SchemaRef, Vec<RecordBatch>, Vec<Warning>)> {
    let columns = columns(rows, known, wanted.selected);
    let columns = kept(columns, rows.is_empty(), wanted)?;
    too_many("columns", columns.len(), limits.columns)?;
    let places: HashMap<&str, usize> = columns
        .iter()
        .enumerate()
        .map(|(place, (name, _))| (name.as_str(), place))
        .collect();
    let mut builder = TableBuilder::new(&columns, datetimes);
    for group in rows.chunks(GROUP) {
        // A row is the properties it has: there may be very many columns that others have.
        let nested: Vec<String> = group
            .iter()
            .flat_map(|row| row.values())
            .map(|value| match value {
                Value::Object(_) | Value::Array(_) => value.to_string(),
                _ => String::new(),
            })
            .collect();
        let properties = group
            .iter()
            .enumerate()
            .flat_map(|(number, row)| row.iter().map(move |property| (number, property)));
        let cells = properties
            .zip(&nested)
            .filter_map(|((number, (name, value)), nested)| {
                let place = *places.get(name.as_str())?;
                let cell = cell(value, nested);
                (cell != JsonCell::Null).then_some((number, place, cell))
            });
        builder.append_cells(group.len(), cells)?;
        too_many("cells", builder.cells(), limits.cells)?;
        others_turn().await;
    }
    builder.finish()
}

/// The rows that become cells before others get a turn.
const GROUP: usize = 256;

fn too_many(what: &str, number: usize, most: usize) -> Result<()> {
    if number <= most {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Incomplete,
        format!("the answer has {number} {what}, more than the limit of {most}"),
    )
    .with_hint("choose the properties that are needed with $select or --columns"))
}

fn cell<'a>(value: &'a Value, nested: &'a str) -> JsonCell<'a> {
    match value {
        Value::Null => JsonCell::Null,
        Value::Bool(value) => JsonCell::Bool(*value),
        Value::String(text) => JsonCell::Str(text),
        Value::Object(_) | Value::Array(_) => JsonCell::Raw(nested),
        Value::Number(number) => {
            if let Some(value) = number.as_i64() {
                JsonCell::I64(value)
            } else if let Some(value) = number.as_u64() {
                JsonCell::U64(value)
            } else {
                number.as_f64().map_or(JsonCell::Null, JsonCell::F64)
            }
        }
    }
}

fn columns(
    rows: &[Row],
    known: Option<&Collection>,
    selected: Option<&[String]>,
) -> Vec<(String, ColumnType)> {
    let wanted = |name: &str| {
        selected.is_none_or(|names| names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)))
    };
    let known = known.map_or(&[][..], |known| known.columns);
    let mut columns: Vec<(String, Option<ColumnType>)> = known
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, column_type)| ((*name).to_owned(), Some(*column_type)))
        .collect();
    let typed = columns.len();
    let mut places: HashMap<String, usize> = columns
        .iter()
        .enumerate()
        .map(|(place, (name, _))| (name.clone(), place))
        .collect();
    for row in rows {
        for (name, value) in row {
            let known = places.get(name).copied();
            let place = known.unwrap_or(columns.len());
            if known.is_none() {
                places.insert(name.clone(), place);
                columns.push((name.clone(), None));
            }
            if place >= typed {
                let column = &mut columns[place].1;
                *column = together(*column, kind(value));
            }
        }
    }
    columns
        .into_iter()
        // A column without a value says nothing about its type.
        .map(|(name, column_type)| (name, column_type.unwrap_or(ColumnType::String)))
        .collect()
}

/// Those of `columns` that are kept, in the order in which they are wanted.
fn kept(
    columns: Vec<(String, ColumnType)>,
    empty: bool,
    wanted: &Wanted<'_>,
) -> Result<Vec<(String, ColumnType)>> {
    let Some(names) = wanted.kept else {
        return Ok(columns);
    };
    let mut kept: Vec<(String, ColumnType)> = Vec::with_capacity(names.len());
    for name in names {
        let is_it = |(known, _): &&(String, ColumnType)| known.eq_ignore_ascii_case(name);
        if kept.iter().any(|column| is_it(&column)) {
            continue;
        }
        match columns.iter().find(is_it) {
            Some(column) => kept.push(column.clone()),
            // Without rows nobody knows what else there is.
            None if empty => kept.push((name.clone(), ColumnType::String)),
            None => {
                let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!("the rows have no column '{name}'"),
                )
                .with_hint(format!("they have {}", names.join(", "))));
            }
        }
    }
    Ok(kept)
}

/// The type that a value has by itself.
fn kind(value: &Value) -> Option<ColumnType> {
    match value {
        Value::Null => None,
        Value::Bool(_) => Some(ColumnType::Bool),
        Value::Number(number) if number.is_i64() => Some(ColumnType::Long),
        Value::Number(_) => Some(ColumnType::Real),
        Value::String(text) if is_datetime(text) => Some(ColumnType::DateTime),
        Value::String(_) => Some(ColumnType::String),
        Value::Array(_) | Value::Object(_) => Some(ColumnType::Dynamic),
    }
}

/// Date, time and offset, as the services write a moment; a date alone may be a version.
fn is_datetime(text: &str) -> bool {
    text.as_bytes().get(10) == Some(&b'T') && ticks::parse_datetime(text).is_some()
}

/// The type that holds both.
fn together(one: Option<ColumnType>, other: Option<ColumnType>) -> Option<ColumnType> {
    use ColumnType::{DateTime, Dynamic, Long, Real, String};
    let (Some(one), Some(other)) = (one, other) else {
        return one.or(other);
    };
    Some(match (one, other) {
        (one, other) if one == other => one,
        (Long, Real) | (Real, Long) => Real,
        (DateTime, String) | (String, DateTime) => String,
        _ => Dynamic,
    })
}

//! Dynamic objects as columns of their own, `a.b`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use defender_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use crate::{Cell, Column, ColumnBuilder, ColumnType, DatetimeMode, JsonCell, Table};

/// The table with every dynamic object taken apart into columns `a.b`, at every depth.
///
/// The new columns stand where the old one stood, in order of first appearance over the whole
/// table. Arrays stay whole. A column that also holds other values than objects keeps its own
/// name for those. A new column is bool, long, real or string when all its values are, otherwise
/// dynamic. A name that is taken gets a number.
///
/// MSTICPy's `json_normalize` does the same to names and rows, without the types.
///
/// # Errors
///
/// - [`ErrorKind::Incomplete`] when there would be more than 10,000 columns or 250,000,000 cells.
/// - [`ErrorKind::Protocol`] when Arrow refuses the result.
pub fn flatten(table: &Table) -> Result<Table> {
    let schema = table.schema();
    let mut names: HashSet<String> = table
        .column_names()
        .into_iter()
        .map(str::to_owned)
        .collect();
    let plans: Vec<Option<Plan>> = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(index, field)| Plan::of(table, index, field, &mut names))
        .collect::<Result<_>>()?;
    let mut fields: Vec<Arc<Field>> = Vec::new();
    for (field, plan) in schema.fields().iter().zip(&plans) {
        match plan {
            None => fields.push(field.clone()),
            Some(plan) => fields.extend(
                plan.leaves
                    .iter()
                    .map(|leaf| Arc::new(leaf.column_type().field(&leaf.name))),
            ),
        }
    }
    check(fields.len(), MOST_COLUMNS, "columns")?;
    check(
        fields.len().saturating_mul(table.row_count()),
        MOST_CELLS,
        "cells",
    )?;
    let flat: SchemaRef = Arc::new(Schema::new(fields));
    let batches = table
        .batches()
        .iter()
        .map(|batch| flatten_batch(batch, schema, &flat, &plans))
        .collect::<Result<_>>()?;
    Table::new(flat, batches, table.summary().clone())
}

/// The most columns and cells of a flattened table; a key of the data is a column of its own.
const MOST_COLUMNS: usize = 10_000;
const MOST_CELLS: usize = 250_000_000;

fn check(number: usize, most: usize, what: &str) -> Result<()> {
    if number <= most {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Incomplete,
        format!("the flattened rows would have {number} {what}, more than the limit of {most}"),
    )
    .with_hint("project the members that you want, such as x = tostring(AdditionalFields.x)"))
}

/// What one dynamic column becomes.
struct Plan {
    leaves: Vec<Leaf>,
    /// Where a path's leaf is.
    places: HashMap<String, usize>,
}

/// A path into the objects of a column, and what was found there.
struct Leaf {
    /// The path below the column: empty for what is no object.
    path: String,
    name: String,
    kind: Option<Kind>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Bool,
    Long,
    Real,
    String,
    Mixed,
}

impl Leaf {
    fn column_type(&self) -> ColumnType {
        match self.kind {
            Some(Kind::Bool) => ColumnType::Bool,
            Some(Kind::Long) => ColumnType::Long,
            Some(Kind::Real) => ColumnType::Real,
            Some(Kind::String) => ColumnType::String,
            Some(Kind::Mixed) | None => ColumnType::Dynamic,
        }
    }

    fn see(&mut self, value: &Value) {
        let kind = match value {
            Value::Null => return,
            Value::Bool(_) => Kind::Bool,
            Value::Number(number) if number.is_i64() => Kind::Long,
            // A number beyond i64 stays text: a double would round it.
            Value::Number(number) if number.is_u64() => Kind::Mixed,
            Value::Number(_) => Kind::Real,
            Value::String(_) => Kind::String,
            Value::Array(_) | Value::Object(_) => Kind::Mixed,
        };
        self.kind = Some(match self.kind {
            None => kind,
            Some(known) if known == kind => kind,
            Some(Kind::Long | Kind::Real) if matches!(kind, Kind::Long | Kind::Real) => Kind::Real,
            Some(_) => Kind::Mixed,
        });
    }
}

impl Plan {
    /// The plan of a dynamic column that holds at least one object with a key in it.
    fn of(
        table: &Table,
        index: usize,
        field: &Field,
        names: &mut HashSet<String>,
    ) -> Result<Option<Self>> {
        if ColumnType::of(field) != ColumnType::Dynamic {
            return Ok(None);
        }
        let mut leaves: Vec<Leaf> = Vec::new();
        let mut places = HashMap::new();
        let mut opaque = false;
        for batch in table.batches() {
            let column = Column::of(field, batch.column(index));
            for row in 0..batch.num_rows() {
                let Cell::Json(text) = column.cell(row) else {
                    continue;
                };
                match serde_json::from_str::<Value>(&text) {
                    Ok(value) => walk(&value, &mut String::new(), &mut |path, value| {
                        let place = *places.entry(path.to_owned()).or_insert_with(|| {
                            leaves.push(Leaf {
                                path: path.to_owned(),
                                name: String::new(),
                                kind: None,
                            });
                            leaves.len() - 1
                        });
                        leaves[place].see(value);
                    }),
                    Err(_) => opaque = true,
                }
                check(leaves.len(), MOST_COLUMNS, "columns")?;
            }
        }
        if leaves.iter().all(|leaf| leaf.path.is_empty()) {
            return Ok(None);
        }
        // What cannot be read (too deep, or no JSON) keeps its text under the column's own name.
        if opaque && !leaves.iter().any(|leaf| leaf.path.is_empty()) {
            leaves.insert(
                0,
                Leaf {
                    path: String::new(),
                    name: String::new(),
                    kind: None,
                },
            );
        }
        for leaf in &mut leaves {
            if leaf.path.is_empty() {
                leaf.kind = Some(Kind::Mixed);
                leaf.name.clone_from(field.name());
                continue;
            }
            let wanted = format!("{}.{}", field.name(), leaf.path);
            leaf.name.clone_from(&wanted);
            let mut number = 0;
            while !names.insert(leaf.name.clone()) {
                number += 1;
                leaf.name = format!("{wanted}_{number}");
            }
        }
        let places = leaves.iter().enumerate();
        let places = places.map(|(place, leaf)| (leaf.path.clone(), place));
        Ok(Some(Self {
            places: places.collect(),
            leaves,
        }))
    }

    fn arrays(&self, column: &Column<'_>, rows: usize) -> Vec<ArrayRef> {
        let mut builders: Vec<_> = self
            .leaves
            .iter()
            .map(|leaf| ColumnBuilder::new(&leaf.name, leaf.column_type(), DatetimeMode::Timestamp))
            .collect();
        let mut found: Vec<Option<String>> = vec![None; self.leaves.len()];
        for row in 0..rows {
            if let Cell::Json(text) = column.cell(row) {
                match serde_json::from_str::<Value>(&text) {
                    Ok(value) => walk(&value, &mut String::new(), &mut |path, value| {
                        let place = self.places.get(path).copied();
                        if let (Some(place), false) = (place, value.is_null()) {
                            found[place] = Some(match value {
                                Value::String(text)
                                    if self.leaves[place].kind == Some(Kind::String) =>
                                {
                                    text.clone()
                                }
                                value => value.to_string(),
                            });
                        }
                    }),
                    Err(_) => {
                        if let Some(place) = self.places.get("").copied() {
                            found[place] = Some(text.into_owned());
                        }
                    }
                }
            }
            for ((builder, leaf), text) in builders.iter_mut().zip(&self.leaves).zip(&mut found) {
                let text = text.take();
                builder.append(match (&text, leaf.kind) {
                    (None, _) => JsonCell::Null,
                    (Some(text), Some(Kind::String | Kind::Bool)) => JsonCell::Str(text),
                    (Some(text), Some(Kind::Long | Kind::Real)) => JsonCell::Number(text),
                    (Some(text), _) => JsonCell::Raw(text),
                });
            }
        }
        builders.iter_mut().map(ColumnBuilder::finish).collect()
    }
}

/// Calls `visit` with every value that is no object. `serde_json` nests no deeper than 128.
fn walk(value: &Value, path: &mut String, visit: &mut dyn FnMut(&str, &Value)) {
    let Value::Object(object) = value else {
        return visit(path, value);
    };
    walk_object(object, path, visit);
}

fn walk_object(
    object: &Map<String, Value>,
    path: &mut String,
    visit: &mut dyn FnMut(&str, &Value),
) {
    for (key, value) in object {
        let length = path.len();
        if length > 0 {
            path.push('.');
        }
        path.push_str(key);
        walk(value, path, visit);
        path.truncate(length);
    }
}

fn flatten_batch(
    batch: &RecordBatch,
    schema: &SchemaRef,
    flat: &SchemaRef,
    plans: &[Option<Plan>],
) -> Result<RecordBatch> {
    let rows = batch.num_rows();
    let mut arrays = Vec::with_capacity(flat.fields().len());
    for ((array, field), plan) in batch.columns().iter().zip(schema.fields()).zip(plans) {
        match plan {
            None => arrays.push(array.clone()),
            Some(plan) => arrays.extend(plan.arrays(&Column::of(field, array), rows)),
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(flat.clone(), arrays, &options).map_err(|error| {
        Error::new(ErrorKind::Protocol, "the flattened rows make no batch").with_source(error)
    })
}

#[cfg(test)]
mod tests;

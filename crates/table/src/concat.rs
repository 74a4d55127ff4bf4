//! Several tables as one, with a column that says which row came from where.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray, new_null_array};
use arrow::datatypes::{Field, Schema, SchemaRef};
use defender_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use crate::{ColumnType, Completeness, Provenance, Summary, Table, Warning};

/// The columns that say where a row comes from.
const SOURCES: [&str; 2] = ["Tenant", "Instance"];

/// Puts `tables` below one another.
///
/// The columns are the union of theirs, in order of first appearance. Two columns of one name but
/// different types stay two, the later called `Name_type`, as KQL's `union` does it. With
/// `sources`, the columns `Tenant` and `Instance` of each table's provenance come first.
///
/// The result is complete when every table is. Its provenance keeps what all tables share, and
/// every request id.
///
/// # Errors
///
/// [`ErrorKind::Protocol`] when Arrow refuses the result.
///
/// Source: <https://learn.microsoft.com/kusto/query/union-operator>
pub fn concat(tables: Vec<Table>, sources: bool) -> Result<Table> {
    let mut fields: Vec<Field> = Vec::new();
    if sources {
        for name in SOURCES {
            fields.push(ColumnType::String.field(name));
        }
    }
    let own = fields.len();
    let places: Vec<Vec<usize>> = tables
        .iter()
        .map(|table| {
            let mut taken = vec![false; fields.len()];
            let columns = table.schema().fields();
            columns
                .iter()
                .map(|field| place(&mut fields, &mut taken, own, field))
                .collect()
        })
        .collect();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let mut batches = Vec::new();
    let mut summaries = Vec::new();
    for (table, places) in tables.into_iter().zip(places) {
        let (_, parts, summary) = table.into_parts();
        for part in parts {
            batches.push(widen(
                &schema,
                &part,
                &places,
                sources.then_some(&summary.provenance),
            )?);
        }
        summaries.push(summary);
    }
    Table::new(schema, batches, sum(summaries))
}

/// Brings a table that comes later to the columns that [`concat()`] gave the first ones; its
/// columns may be fewer.
///
/// # Errors
///
/// [`ErrorKind::Incomplete`] naming the columns that are not there yet,
/// [`ErrorKind::Protocol`] when Arrow refuses the result.
pub fn fit(table: Table, schema: &SchemaRef, sources: bool) -> Result<(Vec<RecordBatch>, Summary)> {
    let known = schema.fields().len();
    let mut fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| field.as_ref().clone())
        .collect();
    let own = if sources { SOURCES.len() } else { 0 };
    let mut taken = vec![false; known];
    let places: Vec<usize> = table
        .schema()
        .fields()
        .iter()
        .map(|field| place(&mut fields, &mut taken, own, field))
        .collect();
    if let Some(new) = fields.get(known..).filter(|new| !new.is_empty()) {
        let names: Vec<&str> = new.iter().map(|field| field.name().as_str()).collect();
        return Err(Error::new(
            ErrorKind::Incomplete,
            format!("columns that no table before it has: {}", names.join(", ")),
        )
        .with_hint("name the columns with a project at the end of the query"));
    }
    let (_, parts, summary) = table.into_parts();
    let from = sources.then_some(&summary.provenance);
    let batches = parts
        .iter()
        .map(|part| widen(schema, part, &places, from))
        .collect::<Result<_>>()?;
    Ok((batches, summary))
}

/// Finds the place of a column, or makes one.
fn place(fields: &mut Vec<Field>, taken: &mut Vec<bool>, own: usize, field: &Field) -> usize {
    let column_type = ColumnType::of(field);
    let typed = format!("{}_{}", field.name(), column_type);
    for name in [field.name(), &typed] {
        let known = fields
            .iter()
            .enumerate()
            .skip(own)
            .position(|(index, known)| {
                known.name() == name
                    && known.data_type() == field.data_type()
                    && ColumnType::of(known) == column_type
                    && !taken.get(index).copied().unwrap_or(false)
            });
        if let Some(position) = known {
            let index = position + own;
            taken.resize(fields.len(), false);
            taken[index] = true;
            return index;
        }
    }
    let mut name = field.name().clone();
    let mut number = 0;
    while fields.iter().any(|known| *known.name() == name) {
        number += 1;
        name = if number == 1 {
            typed.clone()
        } else {
            format!("{typed}{number}")
        };
    }
    fields.push(field.clone().with_name(name).with_nullable(true));
    taken.resize(fields.len(), false);
    let index = fields.len() - 1;
    taken[index] = true;
    index
}

fn widen(
    schema: &SchemaRef,
    batch: &RecordBatch,
    places: &[usize],
    provenance: Option<&Provenance>,
) -> Result<RecordBatch> {
    let rows = batch.num_rows();
    let mut arrays: Vec<Option<ArrayRef>> = vec![None; schema.fields().len()];
    if let Some(provenance) = provenance {
        for (index, name) in [&provenance.tenant, &provenance.instance]
            .into_iter()
            .enumerate()
        {
            let column: StringArray = std::iter::repeat_n(name.as_deref(), rows).collect();
            arrays[index] = Some(Arc::new(column));
        }
    }
    for (array, place) in batch.columns().iter().zip(places) {
        arrays[*place] = Some(array.clone());
    }
    let arrays = arrays
        .into_iter()
        .zip(schema.fields())
        .map(|(array, field)| array.unwrap_or_else(|| new_null_array(field.data_type(), rows)))
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.clone(), arrays, &options).map_err(|error| {
        Error::new(ErrorKind::Protocol, "the tables do not fit one another").with_source(error)
    })
}

/// What there is to say about several tables together: of one of them with its name, of several
/// with their number.
pub(crate) fn sum(summaries: Vec<Summary>) -> Summary {
    let mut sum = Summary::default();
    let of = summaries.len();
    let mut reasons: Vec<(String, Sources)> = Vec::new();
    let mut warnings: Vec<(Warning, Sources)> = Vec::new();
    for (index, summary) in summaries.into_iter().enumerate() {
        let from = summary.provenance;
        let source = from.instance.clone().or_else(|| from.tenant.clone());
        sum.rows += summary.rows;
        if let Completeness::Incomplete { reason } = summary.completeness {
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, sources)) => sources.add(source.clone()),
                None => reasons.push((reason, Sources::of(source.clone()))),
            }
        }
        for warning in summary.warnings {
            let same = |known: &Warning| {
                (known.kind, &known.column, &known.message)
                    == (warning.kind, &warning.column, &warning.message)
            };
            match warnings.iter_mut().find(|(known, _)| same(known)) {
                Some((known, sources)) => {
                    known.count += warning.count;
                    sources.add(source.clone());
                }
                None => warnings.push((warning, Sources::of(source.clone()))),
            }
        }
        if index == 0 {
            sum.stats = summary.stats;
            sum.provenance = from;
            continue;
        }
        sum.stats = counted(sum.stats.as_ref(), summary.stats.as_ref());
        let all = &mut sum.provenance;
        if all.environment != from.environment {
            all.environment = None;
        }
        if all.tenant != from.tenant {
            all.tenant = None;
        }
        if all.instance != from.instance {
            all.instance = None;
        }
        if all.timespan != from.timespan {
            all.timespan = None;
        }
        all.request_ids.extend(from.request_ids);
        all.client_request_ids.extend(from.client_request_ids);
        all.attempts += from.attempts;
        all.answer_bytes += from.answer_bytes;
    }
    if !reasons.is_empty() {
        let reasons: Vec<String> = reasons
            .into_iter()
            .map(|(reason, sources)| sources.name(reason, of))
            .collect();
        sum.completeness = Completeness::Incomplete {
            reason: reasons.join("; "),
        };
    }
    sum.warnings = warnings
        .into_iter()
        .map(|(mut warning, sources)| {
            warning.message = sources.name(warning.message, of);
            warning
        })
        .collect();
    sum
}

/// Those of whom the same is to be said.
struct Sources {
    first: Option<String>,
    /// How many; one that has several to say of the same is counted once.
    count: usize,
    last: Option<String>,
}

impl Sources {
    fn of(source: Option<String>) -> Self {
        Self {
            first: source.clone(),
            count: 1,
            last: source,
        }
    }

    fn add(&mut self, source: Option<String>) {
        if source.is_none() || source != self.last {
            self.count += 1;
        }
        self.last = source;
    }

    /// `text` with their name or their number; where there is one answer, or
    /// none says where it is from, without.
    fn name(&self, text: String, of: usize) -> String {
        match (self.count, &self.first) {
            _ if of == 1 => text,
            (1, Some(source)) => format!("{source}: {text}"),
            (_, None) => text,
            (count, _) if count == of => format!("{count} tenants: {text}"),
            (count, _) => format!("{count} of {of} tenants: {text}"),
        }
    }
}

/// How many rows there are in all, where both answers say that and nothing else.
fn counted(left: Option<&Value>, right: Option<&Value>) -> Option<Value> {
    const COUNT: &str = "count";
    let count = |stats: &Value| match stats.as_object()?.iter().next() {
        Some((name, count)) if name == COUNT && stats.as_object()?.len() == 1 => count.as_u64(),
        _ => None,
    };
    let sum = count(left?)?.checked_add(count(right?)?)?;
    Some(Value::from(Map::from_iter([(
        COUNT.to_owned(),
        sum.into(),
    )])))
}

#[cfg(test)]
mod tests;

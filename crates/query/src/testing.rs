//! Tests of queries, run here over the rows that they bring.

use std::collections::BTreeMap;
use std::sync::Arc;

use defender_core::{Error, ErrorKind, Result, nearest};
use defender_queries::{Library, Mutant, QueryTest, Row, mutants};
use defender_table::arrow::array::{ArrayRef, RecordBatch, StringArray};
use defender_table::arrow::datatypes::{DataType, Field, Schema};
use defender_table::ticks;
use kql_engine::{Catalog, Engine, Options, ScalarType};
use serde_json::Value;

use crate::local::{hunting_tables, shown_error};

/// More rows of a result than these are not listed in a failure.
const LISTED: usize = 5;

/// Runs `test` against the query of `library` that it names; what is wrong, or nothing.
///
/// The tables are the hunting tables, with the test's rows in them; a row without `Timestamp` is
/// of an hour before the test's time. Nothing is asked of a service.
///
/// # Errors
///
/// [`ErrorKind::Usage`] when the query or a parameter is not there, or a row is of a table or
/// column that is not.
pub async fn test_query(library: &Library, test: &QueryTest) -> Result<Vec<String>> {
    let query = rendered(library, test)?;
    if let Some(expected) = &test.text {
        let expected = expected.trim_end();
        return Ok(if *expected == query {
            Vec::new()
        } else {
            vec![format!("it renders to\n{query}\nand not to\n{expected}")]
        });
    }
    let mut failures = found(test, &query, &test.rows).await?;
    for (index, changes) in test.misses.iter().enumerate() {
        if let Some(failure) = missed(test, &query, index, changes).await? {
            failures.push(failure);
        }
    }
    Ok(failures)
}

/// The filters of the query that `test` does not notice the absence of.
///
/// `tests` are all tests of one query: a filter is held when any of them fails without it.
///
/// # Errors
///
/// As [`test_query`].
pub async fn unnoticed_filters(library: &Library, tests: &[&QueryTest]) -> Result<Vec<Mutant>> {
    let mut open: Option<Vec<(usize, Mutant)>> = None;
    for test in tests {
        if test.text.is_some() {
            return Ok(Vec::new());
        }
        // Parameters change the text of a filter, not its number.
        let candidates: Vec<(usize, Mutant)> = mutants(&rendered(library, test)?)
            .into_iter()
            .enumerate()
            .collect();
        let mut unnoticed = Vec::new();
        for (index, mutant) in candidates {
            let settled = open
                .as_ref()
                .is_some_and(|open| !open.iter().any(|(other, _)| *other == index));
            if !settled && !notices(test, &mutant.text, index).await? {
                unnoticed.push((index, mutant));
            }
        }
        let done = unnoticed.is_empty();
        open = Some(unnoticed);
        if done {
            break;
        }
    }
    let open = open.unwrap_or_default();
    Ok(open.into_iter().map(|(_, mutant)| mutant).collect())
}

/// Whether the test fails with this text; what is likely to show it comes first.
async fn notices(test: &QueryTest, query: &str, likely: usize) -> Result<bool> {
    let count = test.misses.len();
    for step in 0..count {
        let index = (likely + step) % count;
        match missed(test, query, index, &test.misses[index]).await {
            Ok(None) => {}
            Ok(Some(_)) => return Ok(true),
            Err(error) if error.kind() == ErrorKind::Query => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    match found(test, query, &test.rows).await {
        Ok(failures) => Ok(!failures.is_empty()),
        Err(error) if error.kind() == ErrorKind::Query => Ok(true),
        Err(error) => Err(error),
    }
}

fn rendered(library: &Library, test: &QueryTest) -> Result<String> {
    let rendered = library.render(&test.query, test.environment, &test.parameters, test.now)?;
    Ok(rendered.text)
}

async fn missed(
    test: &QueryTest,
    query: &str,
    index: usize,
    changes: &BTreeMap<String, Row>,
) -> Result<Option<String>> {
    let answer = run(test, query, &test.missing(changes)).await?;
    Ok((!answer.rows.is_empty()).then(|| {
        format!(
            "miss {} ({}) finds {}",
            index + 1,
            serde_json::to_string(changes).unwrap_or_default(),
            answer.listed()
        )
    }))
}

async fn found(
    test: &QueryTest,
    query: &str,
    rows: &BTreeMap<String, Vec<Row>>,
) -> Result<Vec<String>> {
    let answer = run(test, query, rows).await?;
    let mut failures = Vec::new();
    for expected in test.expect.iter().chain(&test.must_not) {
        if let Some(name) = expected
            .keys()
            .find(|name| !answer.columns.contains_key(*name))
        {
            failures.push(format!(
                "the result has no column '{}'",
                name.escape_debug()
            ));
        }
    }
    let describes = |expected: &Row, row: &Row| answer.describes(test, expected, row);
    for expected in &test.expect {
        if !answer.rows.iter().any(|row| describes(expected, row)) {
            let expected = Value::Object(expected.clone());
            failures.push(format!("{expected} is not found, but {}", answer.listed()));
        }
    }
    for unwanted in &test.must_not {
        if answer.rows.iter().any(|row| describes(unwanted, row)) {
            failures.push(format!("{} is found", Value::Object(unwanted.clone())));
        }
    }
    if !test.others && !test.expect.is_empty() {
        let other = |row: &&Row| !test.expect.iter().any(|expected| describes(expected, row));
        if let Some(row) = answer.rows.iter().find(other) {
            failures.push(format!(
                "{} is found and not expected",
                Value::Object(row.clone())
            ));
        }
    }
    Ok(failures)
}

/// The rows of a result.
struct Found {
    columns: BTreeMap<String, ScalarType>,
    rows: Vec<Row>,
}

impl Found {
    fn listed(&self) -> String {
        if self.rows.is_empty() {
            return "nothing".to_owned();
        }
        let rows: Vec<String> = self
            .rows
            .iter()
            .take(LISTED)
            .map(|row| Value::Object(row.clone()).to_string())
            .collect();
        let more = self.rows.len().saturating_sub(LISTED);
        if more == 0 {
            rows.join(", ")
        } else {
            format!("{}, and {more} more", rows.join(", "))
        }
    }

    fn describes(&self, test: &QueryTest, expected: &Row, row: &Row) -> bool {
        expected.iter().all(|(name, expected)| {
            let ty = self.columns.get(name).copied();
            row.get(name)
                .is_some_and(|value| same(test, ty, expected, value))
        })
    }
}

/// Whether a value of a result is the one that a test names.
fn same(test: &QueryTest, ty: Option<ScalarType>, expected: &Value, value: &Value) -> bool {
    if expected == value {
        return true;
    }
    match (ty, expected, value) {
        (Some(ScalarType::DateTime), Value::String(expected), Value::String(value)) => {
            let at = |text: &str| defender_core::moment(text, test.now).ok();
            at(expected).is_some() && at(expected) == at(value)
        }
        (_, Value::Number(expected), Value::Number(value)) => {
            expected.as_f64().is_some() && expected.as_f64() == value.as_f64()
        }
        (_, Value::String(expected), Value::Number(_) | Value::Bool(_)) => {
            let value = value.to_string();
            value == *expected
        }
        // An empty text and a missing one are the same to whoever writes a test.
        (_, Value::Null, Value::String(value)) => value.is_empty(),
        (_, expected, Value::String(value)) if !expected.is_string() => {
            serde_json::from_str::<Value>(value).is_ok_and(|value| value == *expected)
        }
        _ => false,
    }
}

async fn run(test: &QueryTest, query: &str, rows: &BTreeMap<String, Vec<Row>>) -> Result<Found> {
    let mut catalog = Catalog::new();
    for (name, columns) in hunting_tables() {
        let batches = match rows.get(name) {
            Some(rows) => vec![batch(test, name, &columns, rows)?],
            None => Vec::new(),
        };
        catalog.add(name, columns, batches);
    }
    if let Some(name) = rows
        .keys()
        .find(|name| defender_schema::table(name).is_none())
    {
        let error = Error::new(
            ErrorKind::Usage,
            format!("there is no table '{}'", name.escape_debug()),
        );
        return Err(match meant(name) {
            Some(near) => error.with_hint(format!("did you mean '{near}'?")),
            None => error,
        });
    }
    let options = Options {
        now: ticks::from_system_time(test.now),
        threads: 1,
        ..Options::default()
    };
    let result = Engine::new(catalog, options)
        .run(query)
        .await
        .map_err(|error| Error::new(ErrorKind::Query, shown_error(&error, query)))?;
    let columns: Vec<String> = result.columns.iter().map(|one| one.name.clone()).collect();
    let rows = result
        .rows()
        .map(|row| {
            let values = row.iter().map(kql_engine::Value::to_json);
            columns.iter().cloned().zip(values).collect()
        })
        .collect();
    let columns = result
        .columns
        .iter()
        .map(|column| (column.name.clone(), column.ty))
        .collect();
    Ok(Found { columns, rows })
}

/// The table that took the place of `name`, or that is spelt nearly so.
fn meant(name: &str) -> Option<&'static str> {
    match defender_schema::gone_table(name) {
        Some(gone) => gone.replacements.first().copied(),
        None => nearest(
            name,
            defender_schema::tables().iter().map(|table| table.name),
        ),
    }
}

/// The rows as text, which the engine reads by the columns' types.
fn batch(
    test: &QueryTest,
    table: &str,
    columns: &[(String, ScalarType)],
    rows: &[Row],
) -> Result<RecordBatch> {
    let unknown = rows
        .iter()
        .flat_map(|row| row.keys())
        .find(|name| !columns.iter().any(|(column, _)| column == *name));
    if let Some(name) = unknown {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{table} has no column '{}'", name.escape_debug()),
        ));
    }
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
    for (name, ty) in columns {
        let late = name == "Timestamp";
        if !late && !rows.iter().any(|row| row.contains_key(name)) {
            continue;
        }
        let cells = rows
            .iter()
            .map(|row| cell(test, *ty, row.get(name).or(late.then_some(&Value::Null))))
            .collect::<Result<Vec<Option<String>>>>()?;
        fields.push(Field::new(name, DataType::Utf8, true));
        arrays.push(Arc::new(StringArray::from(cells)));
    }
    if arrays.is_empty() {
        // A batch without columns would lose its number of rows.
        let empty: Vec<Option<String>> = vec![None; rows.len()];
        fields.push(Field::new(&columns[0].0, DataType::Utf8, true));
        arrays.push(Arc::new(StringArray::from(empty)));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|source| {
        Error::new(
            ErrorKind::Protocol,
            "the rows of a test do not make a table",
        )
        .with_source(source)
    })
}

fn cell(test: &QueryTest, ty: ScalarType, value: Option<&Value>) -> Result<Option<String>> {
    if ty == ScalarType::DateTime {
        let written = match value {
            None => return Ok(None),
            Some(Value::String(written)) => written.as_str(),
            // What a row of a log has when nobody says otherwise.
            Some(_) => "-1h",
        };
        let moment = defender_core::moment(written, test.now)?;
        let ticks = ticks::from_system_time(moment);
        return Ok(ticks.map(defender_table::ticks::format_datetime));
    }
    Ok(match value {
        None | Some(Value::Null) => None,
        Some(Value::String(written)) if ty != ScalarType::Dynamic => Some(written.clone()),
        Some(value) => Some(value.to_string()),
    })
}

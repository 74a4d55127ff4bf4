//! Tests of queries: rows in, rows out, as data.

mod junit;
mod mutant;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use defender_core::{DataEnvironment, Error, ErrorKind, Result, moment};
use serde::Deserialize;
use serde_json::Value as Json;
use serde_saphyr::Spanned;

pub use junit::{TestCase, junit};
pub use mutant::{Mutant, mutants};

use crate::library::LONGEST;
use crate::value::{Parameters, Value};

/// One row of a table, or what is said of one: values by column.
pub type Row = serde_json::Map<String, Json>;

/// When a test takes place that does not say it: noon of 15 January 2026, UTC.
const NOON: u64 = 1_768_478_400;

/// A row repeats at most so often.
const MAX_REPEAT: u64 = 100_000;

/// A test of one query: the rows it reads, the rows it has to find, and what it must not find.
///
/// ```
/// use defender_queries::QueryTest;
///
/// let tests = QueryTest::parse("
/// tests:
/// - query: Mine.logons
///   parameters: {host: srv01}
///   rows:
///     DeviceLogonEvents:
///     - {DeviceName: srv01, AccountName: ada}
///   expect:
///   - {AccountName: ada}
///   misses:
///   - DeviceLogonEvents: {DeviceName: srv02}
/// ")?;
/// assert_eq!(tests[0].query, "Mine.logons");
/// # Ok::<(), defender_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct QueryTest {
    /// The query's name, with its family where several have it.
    pub query: String,
    /// What this test is about, when a query has several.
    pub title: Option<String>,
    /// The environment whose query of this name is meant.
    pub environment: Option<DataEnvironment>,
    /// The time of the test; relative times count from it.
    pub now: SystemTime,
    /// The parameters of the call.
    pub parameters: Parameters,
    /// The rows of the tables; other tables are empty.
    pub rows: BTreeMap<String, Vec<Row>>,
    /// What the rows of the result are: each entry describes at least one, and each row is
    /// described by an entry.
    pub expect: Vec<Row>,
    /// What no row of the result is.
    pub must_not: Vec<Row>,
    /// Whether the result may have rows that no entry of `expect` describes.
    pub others: bool,
    /// Changes to every row of a table, each of which alone makes the query find nothing.
    pub misses: Vec<BTreeMap<String, Row>>,
    /// The text that the query renders to; for queries that are not run here.
    pub text: Option<String>,
    /// Where the test begins in its file.
    pub line: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileWire {
    tests: Vec<Spanned<TestWire>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestWire {
    query: String,
    title: Option<String>,
    environment: Option<String>,
    now: Option<String>,
    #[serde(default)]
    parameters: Row,
    #[serde(default)]
    rows: BTreeMap<String, Vec<Row>>,
    #[serde(default)]
    expect: Vec<Row>,
    #[serde(default)]
    must_not: Vec<Row>,
    #[serde(default)]
    others: bool,
    #[serde(default)]
    misses: Vec<BTreeMap<String, Row>>,
    text: Option<String>,
}

impl QueryTest {
    /// Reads the text of a file of tests.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it is not such a file.
    pub fn parse(text: &str) -> Result<Vec<Self>> {
        let wire: FileWire = serde_saphyr::from_str(text).map_err(|source| {
            Error::new(ErrorKind::Config, "this is not a file of query tests")
                .with_source(source)
                .with_hint("it has a list 'tests' of entries with query, rows and expect")
        })?;
        let tests = wire.tests.into_iter().map(|test| {
            let line = Some(test.referenced.line()).filter(|line| *line > 0);
            Self::read(test.value, line)
        });
        tests.collect()
    }

    /// Reads a file of tests.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when it cannot be read, and as [`parse`](Self::parse).
    pub fn load(path: &Path) -> Result<Vec<Self>> {
        let text = defender_core::read_text_bounded(path, LONGEST).map_err(|source| {
            Error::new(ErrorKind::Io, format!("cannot read {}", path.display())).with_source(source)
        })?;
        let tests = Self::parse(&text);
        tests.map_err(|error| error.reworded(|message| format!("{}: {message}", path.display())))
    }

    fn read(wire: TestWire, line: Option<u64>) -> Result<Self> {
        let refused = |what: String| {
            let line = line.map_or_else(String::new, |line| format!("line {line}: "));
            Error::new(
                ErrorKind::Config,
                format!("{line}the test of '{}' {what}", wire.query.escape_debug()),
            )
        };
        let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(NOON);
        let now = match &wire.now {
            Some(text) => moment(text, noon)?,
            None => noon,
        };
        let environment = wire
            .environment
            .as_deref()
            .map(str::parse::<DataEnvironment>)
            .transpose()?;
        if wire.text.is_none() && wire.expect.is_empty() && wire.must_not.is_empty() {
            return Err(refused("expects nothing".to_owned())
                .with_hint("say under expect which rows it finds, or under must_not which not"));
        }
        let mut rows = BTreeMap::new();
        for (table, written) in &wire.rows {
            let mut repeated = Vec::new();
            for row in written {
                repeated.extend(repetitions(row).map_err(&refused)?);
            }
            rows.insert(table.clone(), repeated);
        }
        if let Some(table) = wire
            .misses
            .iter()
            .flat_map(BTreeMap::keys)
            .find(|table| !rows.contains_key(*table))
        {
            return Err(refused(format!(
                "changes rows of {}, which has none",
                table.escape_debug()
            )));
        }
        let parameters = wire
            .parameters
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), parameter(value)?)))
            .collect();
        Ok(Self {
            title: wire.title,
            environment,
            now,
            parameters,
            rows,
            expect: wire.expect,
            must_not: wire.must_not,
            others: wire.others,
            misses: wire.misses,
            text: wire.text,
            line,
            query: wire.query,
        })
    }

    /// The test's name: its query's, and its title when it has one.
    pub fn name(&self) -> String {
        match &self.title {
            Some(title) => format!("{}: {title}", self.query),
            None => self.query.clone(),
        }
    }

    /// The rows with the changes of one of the [`misses`](Self::misses).
    pub fn missing(&self, changes: &BTreeMap<String, Row>) -> BTreeMap<String, Vec<Row>> {
        let mut rows = self.rows.clone();
        for (table, change) in changes {
            for row in rows.get_mut(table).into_iter().flatten() {
                row.extend(change.clone());
            }
        }
        rows
    }
}

/// The row as often as its `repeat` says, with the number of the row in place of every `#`.
fn repetitions(row: &Row) -> std::result::Result<Vec<Row>, String> {
    let mut row = row.clone();
    let Some(count) = row.remove("repeat") else {
        return Ok(vec![row]);
    };
    let count = count
        .as_u64()
        .filter(|count| *count <= MAX_REPEAT)
        .ok_or_else(|| format!("repeats a row {count} times"))?;
    Ok((1..=count)
        .map(|number| {
            let mut row = row.clone();
            for value in row.values_mut() {
                match value {
                    Json::String(text) => *text = text.replace('#', &number.to_string()),
                    Json::Object(_) | Json::Array(_) => {
                        // A digit in place of the sign leaves JSON what it is.
                        let text = value.to_string().replace('#', &number.to_string());
                        *value = serde_json::from_str(&text).unwrap_or_default();
                    }
                    _ => {}
                }
            }
            row
        })
        .collect())
}

fn parameter(value: &Json) -> Option<Value> {
    Some(match value {
        Json::Null | Json::Object(_) => return None,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Float(number.as_f64()?),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().filter_map(parameter).collect()),
    })
}

#[cfg(test)]
mod tests;

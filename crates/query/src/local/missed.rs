//! Ranges of time that have nothing of a table.

use std::time::Duration;

use defender_drivers::Query;
use kql_engine::{Engine, Missed, Options, RowStream, Value};

use super::names::{shown, words, written};

/// How long the data is looked at for a warning.
const LOOK: Duration = Duration::from_secs(2);

/// Says where the rows of tables are of which a query's conditions on their time let none through;
/// where the answer is not `nothing`, of those tables that can be looked at for free.
pub(super) async fn of(
    engine: &Engine,
    query: &Query,
    rows: &RowStream,
    nothing: bool,
) -> Vec<String> {
    let look = Options {
        time_limit: Some(LOOK),
        ..engine.options().clone()
    };
    let missed = engine.with_options(look).missed(rows, nothing).await;
    let mut said = Vec::new();
    for one in missed.unwrap_or_default() {
        said.extend(whereabouts(engine, query, &one).await);
    }
    said
}

/// How many rows a table has, and from when to when they are.
async fn whereabouts(engine: &Engine, query: &Query, missed: &Missed) -> Option<String> {
    let Missed {
        table,
        column,
        alone,
    } = missed;
    let options = Options {
        time_range: None,
        max_rows: None,
        time_limit: Some(LOOK),
        ..engine.options().clone()
    };
    let time = written(column);
    let text = format!(
        "{} | summarize count(), min({time}), max({time})",
        written(table)
    );
    let found = engine.with_options(options).run(&text).await.ok()?;
    let row = found.rows().next()?;
    let [Value::Long(count), first, last] = row.as_slice() else {
        return None;
    };
    if *count == 0 {
        return None;
    }
    let (table, column) = (shown(table), shown(column));
    let noun = if *count == 1 { "row" } else { "rows" };
    let (Value::DateTime(start), Value::DateTime(end)) = (first, last) else {
        return Some(format!(
            "{table} has {count} {noun}, and no time in {column}: none passes a condition on it"
        ));
    };
    let outside = query
        .timespan
        .is_some_and(|span| *end < span.start() || *start > span.end());
    // Another place may read rows that this one leaves out, as an input of a union.
    let condition = if *alone {
        format!("the query's condition on {column}")
    } else {
        format!("one of the query's conditions on {column}")
    };
    let relative = words(&query.text).any(|word| word == "ago" || word == "now");
    let why = match (outside, relative) {
        (true, _) => "the range of time has none of them".to_owned(),
        (false, _) if query.timespan.is_some() => {
            format!("none is in the range of time and passes the query's conditions on {column}")
        }
        (false, true) => {
            format!("none passes {condition} (ago() and now() count from the time of the run)")
        }
        (false, false) => format!("none passes {condition}"),
    };
    let when = |value: &Value| value.to_json().to_string().trim_matches('"').to_owned();
    Some(format!(
        "{table} has {count} {noun}, from {} to {}: {why}",
        when(first),
        when(last)
    ))
}

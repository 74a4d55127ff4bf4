//! Answers as a user takes them in.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use defender_core::{Error, ErrorKind};
use defender_table::{
    Answer, Cell, ColumnType, Completeness, DatetimeMode, Event, JsonCell, Summary, Table,
    TableBuilder,
};
use futures::stream;

fn table(rows: i64) -> Table {
    let columns = [("N".to_owned(), ColumnType::Long)];
    let mut builder = TableBuilder::new(&columns, DatetimeMode::Timestamp);
    for row in 0..rows {
        builder.append_row([JsonCell::I64(row)]).unwrap();
    }
    let (schema, batches, _) = builder.finish().unwrap();
    let rows = usize::try_from(rows).unwrap();
    let completeness = Completeness::Incomplete {
        reason: "the cap".to_owned(),
    };
    let summary = Summary {
        rows,
        completeness,
        ..Summary::default()
    };
    Table::new(schema, batches, summary).unwrap()
}

#[tokio::test]
async fn an_answer_collects_to_the_table_it_came_from() {
    let table = Table::collect(table(10_000).into_answer()).await.unwrap();
    assert_eq!(table.row_count(), 10_000);
    assert_eq!(table.summary().rows, 10_000);
    assert!(!table.is_complete());
    assert_eq!(table.cell(9_999, "N"), Some(Cell::Long(9_999)));
}

#[tokio::test]
async fn an_answer_that_fails_on_the_way_is_no_table() {
    let (schema, batches, _) = table(1).into_parts();
    let failure = Error::new(ErrorKind::Transport, "the connection broke");
    let events = vec![Ok(Event::Batch(batches[0].clone())), Err(failure)];
    let answer = Answer::new(schema.clone(), stream::iter(events));
    assert_eq!(
        Table::collect(answer).await.unwrap_err().to_string(),
        "the connection broke"
    );
    let events = vec![Ok(Event::Batch(batches[0].clone()))];
    let answer = Answer::new(schema, stream::iter(events));
    let error = Table::collect(answer).await.unwrap_err();
    assert_eq!(error.to_string(), "the answer ended before its summary");
}

#[test]
fn a_batch_of_another_schema_is_refused() {
    let (_, batches, summary) = table(1).into_parts();
    let schema = std::sync::Arc::new(arrow::datatypes::Schema::empty());
    let error = Table::new(schema, batches, summary).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
}

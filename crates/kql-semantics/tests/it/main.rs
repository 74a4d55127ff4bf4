//! Binding whole queries.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests stop where they find something else, and say what they measured"
)]

use std::collections::BTreeMap;

use kql_semantics::{BindOptions, BoundQuery, Diagnostic, ScalarType, TableSchema, bind};

mod columns;
mod discoveries;
mod findings;
mod limits;
mod measured;
mod properties;
mod shape;

/// Two tables of our own.
fn tables() -> BTreeMap<String, TableSchema> {
    use ScalarType::{Bool, DateTime, Dynamic, Int, Long, Real, String as Text};
    let events = TableSchema::new([
        ("Timestamp", DateTime),
        ("DeviceId", Text),
        ("FileName", Text),
        ("FolderPath", Text),
        ("FileSize", Long),
        ("Pid", Int),
        ("Score", Real),
        ("Remote", Bool),
        ("AdditionalFields", Dynamic),
    ]);
    let devices = TableSchema::new([
        ("Timestamp", DateTime),
        ("DeviceId", Text),
        ("Platform", Text),
    ]);
    BTreeMap::from([
        ("Events".to_owned(), events),
        ("Devices".to_owned(), devices),
    ])
}

fn bound(query: &str) -> Result<BoundQuery, Vec<Diagnostic>> {
    let parsed = kql_syntax::parse(query);
    assert_eq!(parsed.diagnostics, [], "{query}");
    bind(&parsed.tree, &tables(), &BindOptions::default())
}

/// Names and types of the answer in one line.
fn schema(query: &str) -> String {
    match bound(query) {
        Ok(bound) => {
            let columns: Vec<String> = bound
                .schema()
                .iter()
                .map(|column| format!("{}:{}", column.name, column.ty))
                .collect();
            columns.join(" ")
        }
        Err(found) => panic!("{query}: {found:?}"),
    }
}

/// What is wrong, each with the text that it points to.
fn findings(query: &str) -> Vec<String> {
    match bound(query) {
        Ok(bound) => panic!("{query} binds to {:?}", bound.schema()),
        Err(found) => found
            .iter()
            .map(|found| format!("{:?} [{}] {found}", found.kind, found.span.slice(query)))
            .collect(),
    }
}

//! Hunts in local files and in a query of the library, and writes what is found as Parquet.

use std::error::Error;
use std::fs::File;

use defender_query::queries::Parameters;
use defender_query::{
    Cell, Connection, DataEnvironment, ErrorKind, Format, QueryProvider, WriterOptions,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Each file or folder in `events` is a table of its name.
    let provider = QueryProvider::new(DataEnvironment::Local)
        .connect(Connection::to_folders(["events"]))
        .await?;

    // The values of a column.
    let table = provider
        .exec_query("DeviceLogonEvents | summarize Logons = count() by AccountName")
        .await?;
    for row in 0..table.row_count() {
        let (name, logons) = (table.cell(row, "AccountName"), table.cell(row, "Logons"));
        if let (Some(Cell::Text(name)), Some(Cell::Long(logons))) = (name, logons) {
            say(&format!("{name}: {logons}"));
        }
    }
    // A result may lack rows, and then says why.
    for warning in table.warnings() {
        say(&format!("warning: {warning}"));
    }

    // An error says by its kind what can be done about it.
    if let Err(error) = provider.exec_query("DeviceLogonEvents | where").await {
        match error.kind() {
            ErrorKind::Query => say(&format!("mend the text: {error}")),
            ErrorKind::Throttled => say(&format!("wait {:?}", error.retry_after())),
            _ => return Err(error.into()),
        }
    }

    // A query of the library; what a parameter holds stays a value.
    let parameters = Parameters::from([
        ("account_name", "ana"),
        ("start", "2026-11-01"),
        ("end", "2026-12-01"),
    ]);
    let table = provider.run_query("M365D.user_logons", &parameters).await?;
    let file = File::create("logons.parquet")?;
    table.write(Format::Parquet, Box::new(file), &WriterOptions::default())?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a program says what it found")]
fn say(text: &str) {
    println!("{text}");
}

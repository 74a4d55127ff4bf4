//! Rows of one's own as a table, and the table in two formats, with nothing else of the workspace.
//!
//! `cargo run -p defender-table --example table_only`

use std::error::Error;
use std::io::{Write as _, stdout};

use defender_table::{
    ColumnType, DatetimeMode, Format, JsonCell, Summary, Table, TableBuilder, WriterOptions,
};

fn main() -> Result<(), Box<dyn Error>> {
    let columns = [
        ("Timestamp".to_owned(), ColumnType::DateTime),
        ("FileName".to_owned(), ColumnType::String),
        ("Fields".to_owned(), ColumnType::Dynamic),
    ];
    let mut builder = TableBuilder::new(&columns, DatetimeMode::Timestamp);
    builder.append_row([
        JsonCell::Str("2026-11-20T08:00:00.1234567Z"),
        JsonCell::Str("cmd.exe"),
        JsonCell::Raw(r#"{"Signed":[true,null]}"#),
    ])?;
    let (schema, batches, warnings) = builder.finish()?;
    let summary = Summary {
        warnings,
        ..Summary::default()
    };
    let table = Table::new(schema, batches, summary)?;
    let options = WriterOptions::default();
    for format in [Format::Json, Format::Csv] {
        write!(stdout(), "{}", table.to_text(format, &options)?)?;
    }
    Ok(())
}

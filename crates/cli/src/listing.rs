//! Small lists of facts, printed like any other table.

use defender_core::{Error, ErrorKind, Result};
use defender_table::{
    ColumnType, DatetimeMode, Format, JsonCell, Summary, Table, TableBuilder, WriterOptions,
};

use crate::terminal;

/// The rows as text in `format`, fitted to the terminal if there is one.
pub(crate) fn text<const N: usize>(
    headings: [&str; N],
    rows: &[[String; N]],
    format: Format,
) -> Result<String> {
    let columns = headings.map(|heading| (heading.to_owned(), ColumnType::String));
    let mut builder = TableBuilder::new(&columns, DatetimeMode::Timestamp);
    for row in rows {
        builder.append_row(row.each_ref().map(|cell| JsonCell::Str(cell)))?;
    }
    let (schema, batches, _) = builder.finish()?;
    let summary = Summary {
        rows: rows.len(),
        ..Summary::default()
    };
    let options = WriterOptions {
        width: terminal::width().map(usize::from),
        ..WriterOptions::default()
    };
    Table::new(schema, batches, summary)?.to_text(format, &options)
}

/// Prints `text` to standard output; a reader that has gone away is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    use std::io::Write as _;
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| {
            if text.ends_with('\n') {
                Ok(())
            } else {
                stdout.write_all(b"\n")
            }
        })
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Io, "cannot write to standard output").with_source(error))
        }
        _ => Ok(()),
    }
}

//! Small lists of facts, printed like any other table.

use std::borrow::Cow;
use std::io::{IsTerminal as _, Write as _};

use defender_core::{Error, ErrorKind, Result, redact_shapes};
use defender_table::{
    ColumnType, DatetimeMode, Format, JsonCell, Summary, Table, TableBuilder, WriterOptions,
};
use serde_json::Value;

use crate::terminal;

/// The rows as text in `format`, fitted to the terminal if there is one.
///
/// The first column names what a row is about and is never cut: other commands take the name.
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
        whole_columns: 1,
        ..WriterOptions::default()
    };
    Table::new(schema, batches, summary)?.to_text(format, &options)
}

/// Prints what is data, such as a query or a path: as it is, but for what a terminal would act on.
pub(crate) fn print(text: &str) -> Result<()> {
    put(&if is_terminal() {
        Cow::from(terminal::escape(text))
    } else {
        Cow::from(text)
    })
}

/// Prints sentences with something in them from outside; wherever they end up, a person reads them,
/// who need not know the secrets in it.
pub(crate) fn print_words(text: &str) -> Result<()> {
    put(&without_secrets(&terminal::escape(text)))
}

/// Looks at so many lines at once as a message may have: a report may be long.
fn without_secrets(text: &str) -> String {
    const AT_ONCE: usize = 32 << 10;
    let mut clean = String::with_capacity(text.len());
    let mut start = 0;
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        end += line.len();
        if end - start >= AT_ONCE || end == text.len() {
            clean.push_str(&redact_shapes(&text[start..end]));
            start = end;
        }
    }
    clean
}

/// Prints JSON.
pub(crate) fn print_json(value: &Value) -> Result<()> {
    let text = format!("{value:#}");
    put(&if is_terminal() {
        terminal::escape_json(&text)
    } else {
        text
    })
}

fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

fn put(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.write_all(end.as_bytes()))
        .and_then(|()| stdout.flush());
    printed(written)
}

/// What came of writing to standard output; a reader that has gone away is not an error.
pub(crate) fn printed(written: std::io::Result<()>) -> Result<()> {
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Io, "cannot write to standard output").with_source(error))
        }
        _ => Ok(()),
    }
}

/// `1 query`, `2 queries`.
pub(crate) fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

//! The result schema of a query, known without running it.
//!
//! ```text
//! cargo run -p kql-semantics --example semantics_only -- "DeviceInfo | summarize dcount(DeviceId) by OSPlatform"
//! ```

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::process::ExitCode;

use kql_semantics::{BindOptions, ScalarType, TableSchema, bind};

const QUERY: &str = "DeviceProcessEvents
| where Timestamp > ago(7d) and FileName =~ 'powershell.exe'
| join kind=leftouter DeviceInfo on DeviceId
| summarize Runs = count(), make_set(ProcessCommandLine, 10), arg_max(Timestamp, AccountName) by DeviceName, OSPlatform
| top 10 by Runs";

fn tables() -> BTreeMap<String, TableSchema> {
    use ScalarType::{DateTime, String as Text};
    let processes = TableSchema::new([
        ("Timestamp", DateTime),
        ("DeviceId", Text),
        ("DeviceName", Text),
        ("AccountName", Text),
        ("FileName", Text),
        ("ProcessCommandLine", Text),
    ]);
    let devices = TableSchema::new([
        ("Timestamp", DateTime),
        ("DeviceId", Text),
        ("OSPlatform", Text),
    ]);
    BTreeMap::from([
        ("DeviceProcessEvents".to_owned(), processes),
        ("DeviceInfo".to_owned(), devices),
    ])
}

fn main() -> io::Result<ExitCode> {
    let query = std::env::args().nth(1).unwrap_or_else(|| QUERY.to_owned());
    let mut out = io::stdout().lock();
    let parsed = kql_syntax::parse(&query);
    for found in &parsed.diagnostics {
        writeln!(out, "{:?}: {}", found.span, found.message)?;
    }
    if !parsed.diagnostics.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    match bind(&parsed.tree, &tables(), &BindOptions::default()) {
        Ok(bound) => {
            for column in bound.schema() {
                writeln!(out, "{}: {}", column.name, column.ty)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(findings) => {
            for found in findings {
                writeln!(
                    out,
                    "{:?} '{}': {found}",
                    found.span,
                    found.span.slice(&query)
                )?;
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

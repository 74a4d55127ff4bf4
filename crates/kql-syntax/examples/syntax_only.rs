//! Lists the operators of a query: this layer alone is enough to look into one.

use std::error::Error;
use std::io::Write as _;
use std::{env, io};

use kql_syntax::{Lines, parse};

const QUERY: &str = "DeviceProcessEvents
| where Timestamp > ago(1d) and FileName in~ ('cmd.exe', 'powershell.exe')
| join kind=leftanti (DeviceInfo | where IsAzureADJoined) on DeviceId
| summarize Count = count() by DeviceName
| top 10 by Count";

fn main() -> Result<(), Box<dyn Error>> {
    let text = env::args().nth(1).unwrap_or_else(|| QUERY.to_owned());
    let parse = parse(&text);
    let lines = Lines::new(&text);
    let mut output = io::stdout().lock();
    for diagnostic in &parse.diagnostics {
        writeln!(output, "{}", lines.render(diagnostic))?;
    }
    for operator in parse.tree.operators() {
        let position = lines.position(operator.span.start);
        writeln!(
            output,
            "{}:{} {}",
            position.line, position.column, operator.keyword
        )?;
    }
    Ok(())
}

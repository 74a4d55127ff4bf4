//! Lays out a query: `format [FILE]` reads the file, or what comes in, and prints it laid out.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::{env, fs, io};

use kql_syntax::{FormatOptions, Lines, format};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let text = if let Some(path) = env::args().nth(1) {
        fs::read_to_string(path)?
    } else {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        text
    };
    match format(&text, &FormatOptions::default()) {
        Ok(formatted) => {
            io::stdout().write_all(formatted.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(diagnostics) => {
            let lines = Lines::new(&text);
            for diagnostic in &diagnostics {
                writeln!(io::stderr(), "{}", lines.render(diagnostic))?;
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

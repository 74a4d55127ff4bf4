//! Renders a query of a folder of definition files.
//!
//! `cargo run -p defender-queries --example render -- FOLDER NAME key=value…`

use std::time::SystemTime;

use defender_queries::{Filter, Library, Parameters};

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a program for people: it prints, and the time is now"
)]
fn main() -> defender_core::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| ".".to_owned());
    let (library, findings) = Library::load(&[folder]);
    for finding in &findings {
        eprintln!("{:?}: {finding}", finding.severity);
    }
    let Some(name) = arguments.next() else {
        for (name, query) in library.queries(&Filter::default()) {
            println!("{name}: {}", query.description);
        }
        return Ok(());
    };
    let parameters: Parameters = arguments
        .filter_map(|argument| {
            let (name, value) = argument.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect();
    let rendered = library.render(&name, None, &parameters, SystemTime::now())?;
    for (name, value) in &rendered.defaults_filled {
        eprintln!("{name} was not given and is {value:?}");
    }
    println!("{}", rendered.text);
    Ok(())
}

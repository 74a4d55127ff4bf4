//! `defender fmt`: lays queries out.

use std::io::Write as _;
use std::path::Path;

use defender_core::{Error, ErrorKind, Result};
use kql_syntax::{FormatOptions, Lines};
use tempfile::NamedTempFile;

use crate::arguments::FmtOptions;
use crate::context::Context;
use crate::listing;

/// Lays every file out; one that is no KQL stays as it is and fails the run.
pub(crate) fn run(options: &FmtOptions, context: &Context) -> Result<()> {
    let layout = FormatOptions {
        width: options.width,
        ..FormatOptions::default()
    };
    if options.files.is_empty() {
        return stdin(options, &layout);
    }
    let mut wrong = 0;
    let mut changed = Vec::new();
    for file in &options.files {
        if file == Path::new("-") {
            stdin(options, &layout)?;
            continue;
        }
        let text = std::fs::read_to_string(file).map_err(|error| cannot("read", file, error))?;
        match format(&file.to_string_lossy(), &text, &layout) {
            Err(complaint) => {
                context.note(&complaint);
                wrong += 1;
            }
            Ok(formatted) if formatted == text => {}
            Ok(formatted) => {
                if !options.check {
                    replace(file, &formatted)?;
                }
                changed.push(file.display().to_string());
            }
        }
    }
    if wrong > 0 {
        let noun = if wrong == 1 {
            "query is"
        } else {
            "queries are"
        };
        return Err(Error::new(
            ErrorKind::Query,
            format!("{wrong} {noun} not KQL"),
        ));
    }
    if options.check && !changed.is_empty() {
        return Err(Error::new(
            ErrorKind::Query,
            format!("not laid out: {}", changed.join(", ")),
        )
        .with_hint("`defender fmt` does it"));
    }
    Ok(())
}

fn stdin(options: &FmtOptions, layout: &FormatOptions) -> Result<()> {
    let text = std::io::read_to_string(std::io::stdin()).map_err(|error| {
        Error::new(ErrorKind::Io, "cannot read standard input").with_source(error)
    })?;
    let formatted = format("<stdin>", &text, layout)
        .map_err(|complaint| Error::new(ErrorKind::Query, complaint))?;
    if !options.check {
        return listing::print(&formatted);
    }
    if formatted == text {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Query, "the query is not laid out"))
}

fn format(name: &str, text: &str, layout: &FormatOptions) -> Result<String, String> {
    kql_syntax::format(text, layout).map_err(|diagnostics| {
        let lines = Lines::new(text);
        let complaints: Vec<String> = diagnostics
            .iter()
            .map(|diagnostic| lines.render(diagnostic))
            .collect();
        format!("{name}: {}", complaints.join("\n"))
    })
}

/// A file is its old text or its new one, whatever happens on the way.
fn replace(path: &Path, text: &str) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let write = || -> std::io::Result<()> {
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file()
            .set_permissions(std::fs::metadata(path)?.permissions())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| cannot("write", path, error))
}

fn cannot(what: &str, path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot {what} {}", path.display())).with_source(error)
}

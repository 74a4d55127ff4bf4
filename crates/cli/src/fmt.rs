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
    let mut unread = 0;
    let mut changed = Vec::new();
    for file in &options.files {
        if file == Path::new("-") {
            stdin(options, &layout)?;
            continue;
        }
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                context.note(&format!("cannot read {}: {error}", file.display()));
                unread += 1;
                continue;
            }
        };
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
    if unread > 0 {
        let noun = if unread == 1 { "file" } else { "files" };
        return Err(Error::new(
            ErrorKind::Io,
            format!("{unread} {noun} cannot be read"),
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
    let formatted = kql_syntax::format(text, layout).map_err(|diagnostics| {
        let lines = Lines::new(text);
        let complaints: Vec<String> = diagnostics
            .iter()
            .map(|diagnostic| lines.render(diagnostic))
            .collect();
        format!("{name}: {}", complaints.join("\n"))
    })?;
    // A checkout on Windows has its own line breaks, and they are not a matter of layout.
    let breaks = text.matches('\n').count();
    if breaks > 0 && breaks == text.matches("\r\n").count() {
        return Ok(formatted.replace("\r\n", "\n").replace('\n', "\r\n"));
    }
    Ok(formatted)
}

/// A file is its old text or its new one, whatever happens on the way.
fn replace(path: &Path, text: &str) -> Result<()> {
    let write = || -> std::io::Result<()> {
        // A link stays one.
        let path = path.canonicalize()?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file()
            .set_permissions(std::fs::metadata(&path)?.permissions())?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| cannot("write", path, error))
}

fn cannot(what: &str, path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot {what} {}", path.display())).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_stay_as_they_are() {
        let layout = FormatOptions::default();
        let laid_out = |text| format("q", text, &layout).unwrap();
        assert_eq!(
            laid_out("T|take 5\r\n|count\r\n"),
            "T\r\n| take 5\r\n| count\r\n"
        );
        assert_eq!(laid_out("T|take 5\n|count\r\n"), "T\n| take 5\n| count\n");
        assert_eq!(laid_out("T|take 5|count"), "T\n| take 5\n| count\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.kql"), folder.path().join("b.kql"));
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, "new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
    }
}

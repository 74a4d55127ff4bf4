//! `defender fmt`: lays queries out.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use defender_core::{Error, ErrorKind, Result, strike_out_shapes};
use kql_syntax::{FormatOptions, Lines};

use crate::arguments::FmtOptions;
use crate::context::Context;
use crate::listing::{self, counted};
use crate::partial::PartialFile;
use crate::query_files::{self, QueryFiles};
use crate::text::{self, Text};

/// Lays every file out; one that is no KQL stays as it is and fails the run.
pub(crate) fn run(options: &FmtOptions, context: &Context) -> Result<()> {
    let layout = FormatOptions {
        width: options.width,
        ..FormatOptions::default()
    };
    let mut left = Left::default();
    let found = QueryFiles::of(&options.files, false);
    found.require_some()?;
    for path in &found.files {
        match path {
            Ok(path) => file(path, options.check, &layout, context, &mut left)?,
            Err((path, error)) => left.unread(path, error, context),
        }
    }
    if left.rewritten > 0 {
        let files = counted(left.rewritten, "file", "files");
        context.note(&format!("{files} laid out anew"));
    }
    let mut inside = found.others;
    inside.retain(|path| query_files::holds_queries(path) == Some(true));
    if !inside.is_empty() {
        let files = counted(inside.len(), "file", "files");
        let names = query_files::named(&inside);
        context.note(&format!(
            "{files} with queries inside left as they are: {names}"
        ));
    }
    left.error().map_or(Ok(()), Err)
}

/// The files that are not as they should be.
#[derive(Default)]
struct Left {
    /// How many are not KQL.
    wrong: usize,
    unread: usize,
    unwritten: usize,
    rewritten: usize,
    /// How many are written in another language.
    others: usize,
    /// Those that the check found.
    changed: Vec<String>,
}

impl Left {
    fn unread(&mut self, path: &Path, error: &std::io::Error, context: &Context) {
        let mut message = format!(
            "cannot read {}: {}",
            path.display(),
            query_files::reason(error)
        );
        if query_files::is_a_query(path) {
            message.push_str("; a query comes from standard input: echo '…' | defender fmt");
        }
        context.complain(&Error::new(ErrorKind::Io, message));
        self.unread += 1;
    }

    /// What the run fails with.
    fn error(&self) -> Option<Error> {
        let mut kind = ErrorKind::Query;
        let mut parts = Vec::new();
        for (count, what) in [
            (self.wrong, ["query is not KQL", "queries are not KQL"]),
            (self.unread, ["file cannot be read", "files cannot be read"]),
            (
                self.unwritten,
                ["file cannot be written", "files cannot be written"],
            ),
        ] {
            if count > 0 {
                parts.push(format!("{count} {}", what[usize::from(count > 1)]));
            }
        }
        if self.wrong == 0 && !parts.is_empty() {
            kind = ErrorKind::Io;
        }
        if self.others > 0 {
            let others = counted(self.others, "file is", "files are");
            if parts.is_empty() && self.changed.is_empty() {
                kind = ErrorKind::Usage;
            }
            parts.push(format!("{others} not of KQL"));
        }
        if parts.is_empty() && self.changed.is_empty() {
            return None;
        }
        let mut message = parts.join(", ");
        if self.changed.is_empty() {
            return Some(Error::new(kind, message));
        }
        if !message.is_empty() {
            message.push_str("; ");
        }
        let _ = write!(message, "not laid out: {}", self.changed.join(", "));
        Some(Error::new(kind, message).with_hint("`defender fmt` does it"))
    }
}

/// Files of these endings are written in another language, even where their text could be KQL.
fn is_other(path: &Path) -> bool {
    const OTHERS: [&str; 8] = ["md", "yaml", "yml", "json", "toml", "csv", "ipynb", "html"];
    path.extension()
        .is_some_and(|ending| OTHERS.iter().any(|one| ending.eq_ignore_ascii_case(one)))
}

/// Lays one file out, or standard input as `-`; the others are not to suffer from what is wrong
/// with it.
fn file(
    path: &Path,
    check: bool,
    layout: &FormatOptions,
    context: &Context,
    left: &mut Left,
) -> Result<()> {
    let stdin = path == Path::new("-");
    let name = if stdin {
        "<stdin>".to_owned()
    } else {
        path.display().to_string()
    };
    if is_other(path) {
        if let Err(error) = std::fs::metadata(path) {
            left.unread(path, &error, context);
            return Ok(());
        }
        let what = if query_files::holds_queries(path) == Some(true) {
            "has queries inside"
        } else {
            "is not a file of queries"
        };
        let message = format!(
            "{name} {what}, and stays as it is: fmt lays out files that end in .kql, .csl or .kusto"
        );
        context.complain(&Error::new(ErrorKind::Usage, message));
        left.others += 1;
        return Ok(());
    }
    let Text { text, encoding } = match text::read(path) {
        Ok(read) => read,
        Err(error) => {
            left.unread(path, &error, context);
            return Ok(());
        }
    };
    let formatted = match format(&name, &text, layout) {
        Ok(formatted) => formatted,
        Err(complaint) => {
            context.complain(&Error::new(ErrorKind::Query, complaint));
            left.wrong += 1;
            return Ok(());
        }
    };
    if stdin && !check {
        return listing::print(&formatted);
    }
    if formatted == text {
        return Ok(());
    }
    if check {
        left.changed.push(name);
    } else if let Err(error) = replace(path, &encoding.encode(&formatted)) {
        let message = format!("cannot write {name}: {error}");
        context.complain(&Error::new(ErrorKind::Io, message));
        left.unwritten += 1;
    } else {
        left.rewritten += 1;
    }
    Ok(())
}

fn format(name: &str, text: &str, layout: &FormatOptions) -> Result<String, String> {
    let formatted = kql_syntax::format(text, layout).map_err(|diagnostics| {
        let places = diagnostics.iter().map(|one| one.span.start as usize);
        let shown = strike_out_shapes(text, places);
        let lines = Lines::new(&shown);
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
fn replace(path: &Path, text: &[u8]) -> std::io::Result<()> {
    // A link stays one.
    let path = path.canonicalize()?;
    let file = PartialFile::beside(&path)?;
    file.as_file().write_all(text)?;
    file.as_file()
        .set_permissions(std::fs::metadata(&path)?.permissions())?;
    file.persist(&path)
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
        replace(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
    }
}

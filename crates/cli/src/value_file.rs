//! A list parameter's values from a file: `-p file_hash=@iocs.csv`, `-p file_hash=@iocs.csv:SHA256`.

use std::io;
use std::path::{Path, PathBuf};

use defender_core::{Error, ErrorKind, Result, read_bounded};
use serde_json::Value as Json;

use crate::indicator::Indicator;
use crate::text;

/// The most bytes of a file of values; no query of a service holds so many.
const LONGEST: u64 = 16 << 20;

/// The values of a file, and what its reader decided that its writer may see otherwise.
#[derive(Debug)]
pub(crate) struct Values {
    pub(crate) values: Vec<String>,
    pub(crate) doubt: Option<String>,
}

/// Rows and columns, before anything is known of their meaning.
struct Rows {
    heading: Heading,
    rows: Vec<Vec<String>>,
}

enum Heading {
    /// Names that are beyond doubt, as objects of JSON have them.
    Names(Vec<String>),
    /// The first row may be one.
    Perhaps,
    None,
}

/// The values for `parameter` of what stands behind its `@`: a file, or `FILE:COLUMN`.
///
/// A text has a value in each line; empty lines and those that begin with `#` are none. Separated
/// values (`.csv`, `.tsv`) and JSON have them in a column, or are a list of them.
pub(crate) fn read(parameter: &str, written: &str) -> Result<Values> {
    let (path, column) = parts(written);
    let file = File { path, parameter };
    let bytes = read_bounded(&file.path, LONGEST).map_err(|source| {
        let error = file.refused("the values cannot be read");
        error.with_source(source)
    })?;
    let text = text::decode(bytes).map_err(|source| {
        let error = file.refused("the file is not text in UTF-8 or UTF-16");
        error.with_source(source)
    })?;
    let rows = file.rows(&text.text)?;
    let values = file.column(rows, column)?;
    if values.values.is_empty() {
        let hint = if file.has_ending(&["csv", "tsv"]) {
            "the first line of a CSV is its heading"
        } else {
            "write one value a line"
        };
        let error = file.refused("there are no values in the file");
        return Err(error.with_hint(hint));
    }
    if values.values.iter().any(|value| value.contains('\0')) {
        let error = file.refused("its values hold NUL bytes");
        return Err(error.with_hint("a file in UTF-16 needs a byte order mark; save it as UTF-8"));
    }
    Ok(values)
}

/// A file that is there is never taken apart.
fn parts(written: &str) -> (PathBuf, Option<&str>) {
    if !Path::new(written).exists()
        && let Some((path, column)) = written.rsplit_once(':')
        && !column.trim().is_empty()
        && Path::new(path).exists()
    {
        return (path.into(), Some(column.trim()));
    }
    (written.into(), None)
}

struct File<'a> {
    path: PathBuf,
    parameter: &'a str,
}

impl File<'_> {
    fn refused(&self, what: &str) -> Error {
        Error::new(ErrorKind::Io, format!("{}: {what}", self.path.display()))
    }

    fn has_ending(&self, endings: &[&str]) -> bool {
        let found = self.path.extension().unwrap_or_default();
        endings
            .iter()
            .any(|ending| found.eq_ignore_ascii_case(ending))
    }

    fn rows(&self, text: &str) -> Result<Rows> {
        if self.has_ending(&["json", "jsonl", "ndjson"]) {
            return self.json(text);
        }
        if text.trim_start().starts_with('[') && serde_json::from_str::<Vec<Json>>(text).is_ok() {
            return self.json(text);
        }
        let lines = || {
            text.lines()
                .map(str::trim)
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
        };
        let first = lines().next().unwrap_or_default();
        let is_separated = self.has_ending(&["csv", "tsv"])
            || (first.contains('\t') && lines().all(|line| line.contains('\t')));
        if !is_separated {
            return Ok(Rows {
                heading: Heading::None,
                rows: lines().map(|line| vec![line.to_owned()]).collect(),
            });
        }
        let delimiter = if self.has_ending(&["tsv"]) {
            b'\t'
        } else {
            delimiter(first)
        };
        self.separated(text, delimiter)
    }

    fn separated(&self, text: &str, delimiter: u8) -> Result<Rows> {
        let mut reader = csv::ReaderBuilder::new();
        let reader = reader
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .comment(Some(b'#'))
            .trim(csv::Trim::All);
        let mut rows: Vec<Vec<String>> = Vec::new();
        for record in reader.from_reader(text.as_bytes()).records() {
            let record = record.map_err(|source| {
                let error = self.refused("the values cannot be read");
                error.with_source(io::Error::from(source))
            })?;
            let row: Vec<String> = record.iter().map(str::to_owned).collect();
            if row.iter().all(String::is_empty) {
                continue;
            }
            if let Some(first) = rows.first()
                && row.len() > first.len()
            {
                let line = record.position().map_or(0, csv::Position::line);
                let what = format!("line {line} has more columns than the first");
                let hint = "a value with commas, semicolons or tabs stands in quotes; a list \
                            without columns has the ending .txt";
                return Err(self.refused(&what).with_hint(hint));
            }
            rows.push(row);
        }
        Ok(Rows {
            heading: Heading::Perhaps,
            rows,
        })
    }

    /// A list of texts, a list of objects, or one of either a line.
    fn json(&self, text: &str) -> Result<Rows> {
        let broken = |source: serde_json::Error| {
            let error = self.refused("the file is not JSON");
            error.with_source(source)
        };
        let items: Vec<Json> = if text.trim_start().starts_with('[') {
            serde_json::from_str(text).map_err(broken)?
        } else {
            let items = serde_json::Deserializer::from_str(text).into_iter();
            items
                .collect::<std::result::Result<_, _>>()
                .map_err(broken)?
        };
        let scalar = |item: &Json| match item {
            Json::String(text) => Some(text.trim().to_owned()),
            Json::Number(number) => Some(number.to_string()),
            Json::Bool(value) => Some(value.to_string()),
            Json::Null => Some(String::new()),
            _ => None,
        };
        let other = || {
            let error = self.refused("the JSON is not a list of values");
            error.with_hint(
                "write [\"first\", \"second\"], or a list of objects whose values are texts",
            )
        };
        if !items.iter().any(Json::is_object) {
            let values: Option<Vec<String>> = items.iter().map(scalar).collect();
            return Ok(Rows {
                heading: Heading::None,
                rows: values
                    .ok_or_else(other)?
                    .into_iter()
                    .map(|value| vec![value])
                    .collect(),
            });
        }
        let objects: Option<Vec<_>> = items.iter().map(Json::as_object).collect();
        let objects = objects.ok_or_else(other)?;
        let mut names: Vec<String> = Vec::new();
        for object in &objects {
            for (name, value) in *object {
                // What is deeper is nobody's value.
                if scalar(value).is_some() && !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        if names.is_empty() {
            return Err(other());
        }
        let rows = objects.iter().map(|object| {
            let cell = |name: &String| object.get(name).and_then(scalar).unwrap_or_default();
            names.iter().map(cell).collect()
        });
        Ok(Rows {
            rows: rows.collect(),
            heading: Heading::Names(names),
        })
    }

    /// The values of the column called `column`, of the only one, or of the one that fits.
    fn column(&self, mut rows: Rows, column: Option<&str>) -> Result<Values> {
        let mut doubt = None;
        let width = rows.rows.iter().map(Vec::len).max().unwrap_or_default();
        let names = match rows.heading {
            Heading::Names(names) => Some(names),
            Heading::Perhaps if !rows.rows.is_empty() && is_heading(&rows.rows) => {
                let names = rows.rows.remove(0);
                if width == 1 && self.is_doubtful(&names[0], &rows.rows) {
                    doubt = Some(format!(
                        "{}: its first line, '{}', is taken as the heading, not as a value; a \
                         list without one has the ending .txt",
                        self.path.display(),
                        names[0].escape_debug()
                    ));
                }
                Some(names)
            }
            Heading::Perhaps | Heading::None => None,
        };
        let at = match column {
            Some(column) => self.named(column, names.as_deref(), width)?,
            None if width < 2 => 0,
            None => {
                let at = self.fitting(names.as_deref(), &rows.rows, width)?;
                doubt = Some(format!(
                    "{}: the values of '{}' are taken from {}; its columns are {}",
                    self.path.display(),
                    self.parameter.escape_debug(),
                    shown(names.as_deref(), at),
                    all_shown(names.as_deref(), width)
                ));
                at
            }
        };
        let values = rows
            .rows
            .into_iter()
            .filter_map(|row| row.into_iter().nth(at))
            .filter(|value| !value.is_empty())
            .collect();
        Ok(Values { values, doubt })
    }

    /// Whether a first line that is no indicator may be a value all the same.
    fn is_doubtful(&self, name: &str, rows: &[Vec<String>]) -> bool {
        let is_known = rows
            .iter()
            .any(|row| Indicator::of(&row[0]).is_some_and(|kind| kind != Indicator::Domain));
        !is_known && !self.speaks_of(name) && !is_column(name)
    }

    /// Whether a heading is the parameter's name, or the last word of it.
    fn speaks_of(&self, name: &str) -> bool {
        let folded = |text: &str| {
            let letters = text.chars().filter(|letter| letter.is_alphanumeric());
            letters.flat_map(char::to_lowercase).collect::<String>()
        };
        let mut words = self.parameter.split('_');
        folded(name) == folded(self.parameter)
            || words
                .next_back()
                .is_some_and(|word| folded(name) == folded(word))
    }

    fn named(&self, column: &str, names: Option<&[String]>, width: usize) -> Result<usize> {
        let found = names.and_then(|names| {
            let exact = names.iter().position(|name| name == column);
            exact.or_else(|| {
                names
                    .iter()
                    .position(|name| name.eq_ignore_ascii_case(column))
            })
        });
        let number = column.parse::<usize>().ok().and_then(|number| {
            let at = number.checked_sub(1)?;
            (at < width).then_some(at)
        });
        found.or(number).ok_or_else(|| {
            let what = format!("there is no column '{}' in the file", column.escape_debug());
            let error = self.refused(&what);
            error.with_hint(format!("its columns are {}", all_shown(names, width)))
        })
    }

    /// The one column that the parameter's name or kind speaks of.
    fn fitting(
        &self,
        names: Option<&[String]>,
        rows: &[Vec<String>],
        width: usize,
    ) -> Result<usize> {
        if let Some(names) = names
            && let Some(at) = names.iter().position(|name| self.speaks_of(name))
        {
            return Ok(at);
        }
        if let Some(kind) = Indicator::named(self.parameter) {
            let fits = |at: usize| {
                let mut cells = rows
                    .iter()
                    .filter_map(|row| row.get(at))
                    .filter(|cell| !cell.is_empty())
                    .peekable();
                cells.peek().is_some() && cells.all(|cell| Indicator::of(cell) == Some(kind))
            };
            let fitting: Vec<usize> = (0..width).filter(|at| fits(*at)).collect();
            if let [only] = fitting.as_slice() {
                return Ok(*only);
            }
        }
        let what = format!(
            "the file has {width} columns, and none is named for the parameter '{}'",
            self.parameter.escape_debug()
        );
        let example = names.map_or("1", |names| names[0].as_str());
        Err(self.refused(&what).with_hint(format!(
            "its columns are {}; write one behind the file, such as {}=@{}:{example}",
            all_shown(names, width),
            self.parameter,
            self.path.display()
        )))
    }
}

/// Whether the first row names the columns: none of its fields is a value by its looks.
fn is_heading(rows: &[Vec<String>]) -> bool {
    let (first, rest) = (&rows[0], &rows[1..]);
    !first.iter().enumerate().any(|(at, field)| {
        match Indicator::of(field) {
            None => false,
            // A heading may have dots, such as `remote.ip` above addresses and `file.name`.
            Some(Indicator::Domain) => {
                let kinds = rest.iter().filter_map(|row| Indicator::of(row.get(at)?));
                let kinds: Vec<Indicator> = kinds.collect();
                let meant = Indicator::named(field);
                let is_name = meant == Some(Indicator::Ip) && kinds.contains(&Indicator::Ip);
                let are_alike = kinds
                    .iter()
                    .any(|kind| matches!(kind, Indicator::Domain | Indicator::Url | Indicator::Ip));
                rest.is_empty() || (are_alike && !is_name)
            }
            Some(_) => true,
        }
    })
}

/// Whether a hunting table has a column of this name.
fn is_column(name: &str) -> bool {
    let mut tables = defender_schema::tables().iter();
    tables.any(|table| table.column(name).is_some())
}

/// What parts the fields of a line: the most frequent outside of quotes, else a comma.
fn delimiter(line: &str) -> u8 {
    let count = |delimiter: char| {
        let mut quoted = false;
        let letters = line.chars().filter(|letter| {
            quoted ^= *letter == '"';
            !quoted && *letter == delimiter
        });
        letters.count()
    };
    let (mut best, mut most) = (b',', count(','));
    for other in [b';', b'\t'] {
        let found = count(char::from(other));
        if found > most {
            (best, most) = (other, found);
        }
    }
    best
}

fn shown(names: Option<&[String]>, at: usize) -> String {
    match names.and_then(|names| names.get(at)) {
        Some(name) if !name.is_empty() => format!("the column '{}'", name.escape_debug()),
        _ => format!("column {}", at + 1),
    }
}

fn all_shown(names: Option<&[String]>, width: usize) -> String {
    const MOST: usize = 12;
    let mut shown: Vec<String> = (0..width.min(MOST))
        .map(|at| match names.and_then(|names| names.get(at)) {
            Some(name) if !name.is_empty() => name.escape_debug().to_string(),
            _ => (at + 1).to_string(),
        })
        .collect();
    if width > MOST {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(name: &str, bytes: &[u8], column: &str) -> Result<Values> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        read("ip_address", &format!("{}{column}", path.display()))
    }

    /// The file, its text, `:COLUMN`, the values, and a part of the warning or "".
    const READ: &[(&str, &str, &str, &[&str], &str)] = &[
        (
            "a.txt",
            "\u{feff}# mine\r\nabc\r\n\r\n de,f \n",
            "",
            &["abc", "de,f"],
            "",
        ),
        (
            "a.CSV",
            "address\nabc\n\"d\"\"e,f\"\n\n",
            "",
            &["abc", "d\"e,f"],
            "",
        ),
        (
            "a.csv",
            "198.51.100.177\n203.0.113.7\n",
            "",
            &["198.51.100.177", "203.0.113.7"],
            "",
        ),
        ("a.csv", "198.51.100.177", "", &["198.51.100.177"], ""),
        (
            "a.csv",
            "evil.example\nbad.example\n",
            "",
            &["evil.example", "bad.example"],
            "",
        ),
        (
            "a.csv",
            "remote.ip\n203.0.113.7\n",
            "",
            &["203.0.113.7"],
            "",
        ),
        ("a.csv", "anything\n203.0.113.7\n", "", &["203.0.113.7"], ""),
        ("a.csv", "DeviceName\nws-01\n", "", &["ws-01"], ""),
        (
            "a.csv",
            "ws-01\nws-02\n",
            "",
            &["ws-02"],
            "its first line, 'ws-01', is taken as the heading",
        ),
        (
            "a.csv",
            "note;IP\nx,y;203.0.113.7\n",
            "",
            &["203.0.113.7"],
            "from the column 'IP'; its columns are note, IP",
        ),
        ("a.csv", "note\tIP\nx\t203.0.113.7\n", ":note", &["x"], ""),
        (
            "a.csv",
            "x,203.0.113.7\ny,203.0.113.8\n",
            "",
            &["203.0.113.7", "203.0.113.8"],
            "from column 2",
        ),
        (
            "a.csv",
            "x,203.0.113.7\ny,203.0.113.8\n",
            ":1",
            &["x", "y"],
            "",
        ),
        (
            "a.tsv",
            "address\tnote\nw\tx\n",
            "",
            &["w"],
            "from the column 'address'",
        ),
        (
            "a.json",
            "[\"203.0.113.7\", \"203.0.113.8\"]",
            "",
            &["203.0.113.7", "203.0.113.8"],
            "",
        ),
        (
            "a.txt",
            "[\"203.0.113.7\",\n \"203.0.113.8\"]",
            "",
            &["203.0.113.7", "203.0.113.8"],
            "",
        ),
        (
            "a.jsonl",
            "{\"n\":1,\"i\":\"203.0.113.7\"}\n{\"n\":2,\"i\":\"203.0.113.8\"}",
            "",
            &["203.0.113.7", "203.0.113.8"],
            "the column 'i'",
        ),
    ];

    #[test]
    fn values_are_read_as_their_file_is_written() {
        for (name, text, column, expected, warning) in READ {
            let read = values(name, text.as_bytes(), column).unwrap();
            assert_eq!(read.values, *expected, "{text}");
            let doubt = read.doubt.unwrap_or_default();
            assert!(doubt.contains(warning), "{text}: {doubt}");
            assert_eq!(doubt.is_empty(), warning.is_empty(), "{text}: {doubt}");
        }
        let utf16: Vec<u8> = "\u{feff}IP\n203.0.113.7\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let read = values("a.csv", &utf16, "").unwrap();
        assert_eq!(read.values, ["203.0.113.7"]);
    }

    #[test]
    fn what_has_no_values_or_several_columns_is_an_error() {
        for (name, text, column, message, hint) in [
            (
                "a.csv",
                "hash\n",
                "",
                "there are no values in the file",
                "the first line of a CSV is its heading",
            ),
            (
                "a.txt",
                "# nothing\n",
                "",
                "there are no values in the file",
                "write one value a line",
            ),
            (
                "a.csv",
                "host,note\na,b\n",
                "",
                "the file has 2 columns, and none is named",
                "its columns are host, note; write one",
            ),
            (
                "a.csv",
                "host,note\na,b\n",
                ":user",
                "there is no column 'user' in the file",
                "its columns are host, note",
            ),
            (
                "a.csv",
                "host\na,b\n",
                "",
                "line 2 has more columns than the first",
                "stands in quotes",
            ),
            (
                "a.json",
                "[[1]]",
                "",
                "the JSON is not a list of values",
                "write [\"first\"",
            ),
            ("a.json", "{", "", "the file is not JSON", ""),
            (
                "a.csv",
                "h\0\na\0\n",
                "",
                "its values hold NUL bytes",
                "byte order mark",
            ),
        ] {
            let error = values(name, text.as_bytes(), column).unwrap_err();
            assert!(
                error.to_string().ends_with(message) || error.to_string().contains(message),
                "{text}: {error}"
            );
            assert!(
                error.hint().unwrap_or_default().contains(hint),
                "{text}: {:?}",
                error.hint()
            );
        }
        assert!(read("x", "no/such/file").is_err());
    }
}

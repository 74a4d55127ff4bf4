//! A list parameter's values from a file: `-p file_hash=@iocs.csv`.

use std::path::Path;

use defender_core::{Error, ErrorKind, Result, read_bounded};

use crate::text;

/// The most bytes of a file of values; no query of a service holds so many.
const LONGEST: u64 = 16 << 20;

/// The values: of a CSV (`.csv`) the first column below its heading, else each line.
///
/// Empty lines and those that begin with `#` are none.
pub(crate) fn read(path: &Path) -> Result<Vec<String>> {
    let refused = |what: &str| Error::new(ErrorKind::Io, format!("{}: {what}", path.display()));
    let bytes = read_bounded(path, LONGEST)
        .map_err(|source| refused("the values cannot be read").with_source(source))?;
    let text = text::decode(bytes)
        .map_err(|source| refused("the values cannot be read").with_source(source))?
        .text;
    let is_csv = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let values: Vec<String> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .skip(usize::from(is_csv))
        .map(|line| {
            if is_csv {
                first_field(line)
            } else {
                line.to_owned()
            }
        })
        .filter(|value| !value.is_empty())
        .collect();
    if values.is_empty() {
        return Err(
            refused("there are no values in the file").with_hint(if is_csv {
                "the first line of a CSV is its heading"
            } else {
                "write one value a line"
            }),
        );
    }
    Ok(values)
}

/// The first field of a line of CSV; no value of an indicator goes over several lines.
fn first_field(line: &str) -> String {
    let Some(quoted) = line.strip_prefix('"') else {
        let field = line.split(',').next().unwrap_or_default();
        return field.trim().to_owned();
    };
    let mut field = String::new();
    let mut letters = quoted.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '"' && letters.next_if_eq(&'"').is_none() {
            break;
        }
        field.push(letter);
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(name: &str, text: &str) -> Result<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn a_line_is_a_value_and_a_csv_has_them_in_its_first_column() {
        assert_eq!(
            values("a.txt", "\u{feff}# mine\r\nabc\r\n\r\n de,f \n").unwrap(),
            ["abc", "de,f"]
        );
        assert_eq!(
            values("a.CSV", "hash,note\nabc,x\n\"d\"\"e,f\",y\n,z\n").unwrap(),
            ["abc", "d\"e,f"]
        );
    }

    #[test]
    fn a_file_without_values_is_an_error() {
        let error = values("a.csv", "hash\n").unwrap_err();
        assert_eq!(error.hint(), Some("the first line of a CSV is its heading"));
        assert!(values("a.txt", "# nothing\n").is_err());
        assert!(read(Path::new("no/such/file")).is_err());
    }
}

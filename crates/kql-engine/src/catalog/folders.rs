//! Columns that are in the names of folders: `date=2026-11-01`, as Hive partitions a table.

use std::path::Path;

use arrow::array::{Array, ArrayRef};
use arrow::compute::is_null;
use arrow::compute::kernels::zip::zip;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use kql_semantics::ScalarType;
use kql_syntax::ticks::TICKS_PER_DAY;

use super::files::Source;
use super::fit;
use super::losses::Loss;
use crate::EngineError;
use crate::column::{self, Reader};
use crate::datum::Datum;
use crate::error::Foreign;

/// What Hive calls the folder of rows without a value.
const NONE: &str = "__HIVE_DEFAULT_PARTITION__";

/// How Azure's diagnostic logs are laid out: the rows themselves tell their time.
const HOURS: [&str; 5] = ["y", "m", "d", "h", "m"];

/// A column whose value all files of a folder share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) name: String,
    /// Empty where there is none.
    pub(super) value: String,
    /// Another value that a folder further out has for the same column.
    pub(super) other: Option<String>,
    pub(super) counts: Counts,
}

/// Which rows of a file have the value of its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    /// All, as the file does not have the column.
    Everywhere,
    /// Those without a value, as the file may have the column or has it under another name.
    WhereEmpty,
    /// None, as the file has the column.
    Nowhere,
}

impl Folder {
    /// The value; `None` where it is none of the column's type.
    fn typed(&self, ty: ScalarType) -> Option<Datum<'_>> {
        fit::cell(&self.value, ty)
    }

    /// The value, with its date in the order of the files; otherwise what is wrong with it.
    fn value_in(&self, file: &Source, ty: ScalarType) -> Result<Datum<'_>, String> {
        if let Some(value) = self.typed(ty) {
            return Ok(value);
        }
        if ty != ScalarType::DateTime {
            return Err(fit::misfit(&self.name, &self.value, ty));
        }
        file.moment_of_folder(&self.name, &self.value)
            .map_err(|error| error.to_string())
    }

    /// Remembers the first value of a file that is not the one in the name of its folder.
    fn compare(&self, own: &ArrayRef, ty: ScalarType, file: &Source) {
        if self.value.is_empty()
            || own.null_count() == own.len()
            || file.losses.said(Loss::Folder).is_some()
        {
            return;
        }
        let told = self.value_in(file, ty).ok();
        let reader = Reader::new(own, ty);
        let mut values = (0..own.len()).map(|row| reader.get(row));
        let other = values.find(|value| {
            let is_empty = value.is_null() || value.display().is_empty();
            !is_empty && !told.as_ref().is_some_and(|told| agree(told, value))
        });
        if let Some(other) = other {
            file.losses.note_as(Loss::Folder, || {
                format!(
                    "column {} has the value {}, and the name of its folder says {}: the value of \
                     the file counts",
                    self.name,
                    fit::in_short(&other.display()),
                    fit::in_short(&self.value)
                )
            });
        }
    }
}

/// Whether the value of a folder and one of a file are the same; a folder of a day has the times
/// of that day.
fn agree(folder: &Datum<'_>, own: &Datum<'_>) -> bool {
    match (folder, own) {
        (Datum::DateTime(day), Datum::DateTime(time)) if day % TICKS_PER_DAY == 0 => {
            *day == time - time.rem_euclid(TICKS_PER_DAY)
        }
        _ => folder.display() == own.display(),
    }
}

/// The column in the name of a folder, if there is one.
fn folder(name: &str) -> Option<Folder> {
    let (name, value) = name.split_once('=')?;
    let name = unescaped(name);
    let value = if value == NONE {
        String::new()
    } else {
        unescaped(value)
    };
    (!name.is_empty()).then_some(Folder {
        name,
        value,
        other: None,
        counts: Counts::WhereEmpty,
    })
}

/// Whether a folder is named after a value of a column.
pub(super) fn is_partition(name: &str) -> bool {
    folder(name).is_some()
}

/// The columns in the names of the folders of `path`, outermost first; equal names are one.
pub(super) fn of(path: &Path) -> Vec<Folder> {
    let folders = path.parent().into_iter().flat_map(Path::components);
    let all: Vec<Folder> = folders
        .filter_map(|part| part.as_os_str().to_str().and_then(folder))
        .collect();
    let mut found: Vec<Folder> = Vec::new();
    let mut rest = &all[..];
    while let [one, below @ ..] = rest {
        let names: Vec<&str> = rest.iter().map(|one| one.name.as_str()).collect();
        if names.starts_with(&HOURS) {
            rest = &rest[HOURS.len()..];
            continue;
        }
        rest = below;
        if one.name == "resourceId" && one.value.is_empty() {
            continue;
        }
        found.push(one.clone());
    }
    merged(found)
}

/// The same columns, each once: the inner folder's, which keeps another value of an outer one.
pub(super) fn merged(folders: Vec<Folder>) -> Vec<Folder> {
    let mut found: Vec<Folder> = Vec::new();
    for mut one in folders {
        if let Some(at) = found.iter().position(|known| known.name == one.name) {
            let outer = found.remove(at);
            one.other = if outer.value == one.value {
                outer.other
            } else {
                Some(outer.value)
            };
        }
        found.push(one);
    }
    found
}

/// `%3A` becomes `:`; what is no escape stays.
fn unescaped(text: &str) -> String {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%'
            && let (Some(high), Some(low)) = (digit(bytes.get(at + 1)), digit(bytes.get(at + 2)))
            && let Ok(escaped) = u8::try_from(high * 16 + low)
        {
            out.push(escaped);
            at += 3;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    // What is no text without its escapes is text with them.
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// The values of `wanted` columns in one row, when the folders alone tell all of them.
pub(super) fn row(folders: &[Folder], wanted: &[(String, ScalarType)]) -> Option<Vec<ArrayRef>> {
    wanted
        .iter()
        .map(|(name, ty)| {
            let is_told = |folder: &&Folder| {
                folder.counts == Counts::Everywhere
                    && folder.other.is_none()
                    && folder.name == *name
            };
            let one = folders.iter().find(is_told)?;
            Some(column::repeated(&one.typed(*ty)?, *ty, 1))
        })
        .collect()
}

/// Puts the values of folders into the `wanted` columns that a file left empty.
///
/// Fails where the value of a folder is none of the column's type, or where there are two.
pub(super) fn filled(
    file: &Source,
    wanted: &[(String, ScalarType)],
    batch: RecordBatch,
) -> Result<RecordBatch, EngineError> {
    if file.folders.is_empty() {
        return Ok(batch);
    }
    let rows = batch.num_rows();
    let mut arrays = batch.columns().to_vec();
    for (array, (name, ty)) in arrays.iter_mut().zip(wanted) {
        let Some(folder) = file.folders.iter().find(|folder| folder.name == *name) else {
            continue;
        };
        if folder.counts != Counts::Everywhere {
            folder.compare(array, *ty, file);
        }
        if folder.counts == Counts::Nowhere {
            continue;
        }
        if let Some(other) = &folder.other {
            return Err(EngineError::data(format!(
                "its folders have two values of column {name}, {} and {}: give one of the folders \
                 another name",
                fit::in_short(other),
                fit::in_short(&folder.value)
            )));
        }
        let value = folder
            .value_in(file, *ty)
            .map_err(|misfit| EngineError::data(format!("its folder {misfit}")))?;
        let value = column::repeated(&value, *ty, rows);
        *array = if folder.counts == Counts::Everywhere {
            value
        } else {
            own_or(array, &value, *ty)?
        };
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(batch.schema(), arrays, &options).ours()
}

/// The values of `own`, and where it has none those of `other`.
fn own_or(own: &ArrayRef, other: &ArrayRef, ty: ScalarType) -> Result<ArrayRef, EngineError> {
    let missing = if ty == ScalarType::String {
        let reader = Reader::new(own, ty);
        (0..own.len())
            .map(|row| Some(reader.get(row).display().is_empty()))
            .collect()
    } else {
        is_null(own).ours()?
    };
    zip(&missing, other, own).ours()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::of;

    #[test]
    fn names_of_folders_are_columns() {
        let path =
            Path::new("T/tenant=a%2Fb%20c/50%=x/k=%FF/date=__HIVE_DEFAULT_PARTITION__/part-0.csv");
        let found: Vec<(String, String)> = of(path)
            .into_iter()
            .map(|folder| (folder.name, folder.value))
            .collect();
        let expected = [
            ("tenant", "a/b c"),
            ("50%", "x"),
            ("k", "%FF"),
            ("date", ""),
        ];
        assert_eq!(
            found,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        let hours = "resourceId=/TENANTS/T/tenant=x/y=2026/m=11/d=01/h=10/m=00/k=1/PT1H.json";
        let names: Vec<String> = of(Path::new(hours))
            .into_iter()
            .map(|one| one.name)
            .collect();
        assert_eq!(names, ["tenant", "k"]);
        let inner = of(Path::new("a=1/a=2/=x/plain/f=3.csv"));
        assert_eq!(inner.len(), 1);
        assert_eq!(
            (inner[0].name.as_str(), inner[0].value.as_str()),
            ("a", "2")
        );
        assert_eq!(inner[0].other.as_deref(), Some("1"));
        let thrice = of(Path::new("a=1/b=1/a=2/a=1/f.csv"));
        let others: Vec<_> = thrice.iter().map(|one| one.other.as_deref()).collect();
        assert_eq!(others, [None, Some("2")]);
        assert_eq!(of(Path::new("a=1/a=1/f.csv"))[0].other, None);
    }
}

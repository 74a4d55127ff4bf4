//! Columns that are in the names of folders: `date=2026-11-01`, as Hive partitions a table.

use std::path::Path;

use arrow::array::{Array, ArrayRef};
use arrow::compute::is_null;
use arrow::compute::kernels::zip::zip;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use kql_semantics::ScalarType;

use super::separated::typed;
use crate::EngineError;
use crate::column::{self, Reader};

/// What Hive calls the folder of rows without a value.
const NONE: &str = "__HIVE_DEFAULT_PARTITION__";

/// A column whose value all files of a folder share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) name: String,
    /// Empty where there is none.
    pub(super) value: String,
    /// Whether the files are known not to have the column; where they have a value, it counts.
    pub(super) alone: bool,
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
        alone: false,
    })
}

/// Whether a folder is named after a value of a column.
pub(super) fn is_partition(name: &str) -> bool {
    folder(name).is_some()
}

/// The columns in the names of the folders of `path`, outermost first; of equal names the inner.
pub(super) fn of(path: &Path) -> Vec<Folder> {
    let mut found: Vec<Folder> = Vec::new();
    for part in path.parent().into_iter().flat_map(Path::components) {
        if let Some(one) = part.as_os_str().to_str().and_then(folder) {
            found.retain(|known| known.name != one.name);
            found.push(one);
        }
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
            let one = folders
                .iter()
                .find(|folder| folder.alone && folder.name == *name)?;
            Some(column::repeated(&typed(&one.value, *ty), *ty, 1))
        })
        .collect()
}

/// Puts the values of folders into the `wanted` columns that a file left empty.
pub(super) fn filled(
    folders: &[Folder],
    wanted: &[(String, ScalarType)],
    batch: RecordBatch,
) -> Result<RecordBatch, EngineError> {
    if folders.is_empty() {
        return Ok(batch);
    }
    let rows = batch.num_rows();
    let mut arrays = batch.columns().to_vec();
    for (array, (name, ty)) in arrays.iter_mut().zip(wanted) {
        let Some(folder) = folders.iter().find(|folder| folder.name == *name) else {
            continue;
        };
        let value = column::repeated(&typed(&folder.value, *ty), *ty, rows);
        *array = if folder.alone {
            value
        } else {
            own_or(array, &value, *ty)?
        };
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(
        batch.schema(),
        arrays,
        &options,
    )?)
}

/// The values of `own`, and where it has none those of `other`.
fn own_or(own: &ArrayRef, other: &ArrayRef, ty: ScalarType) -> Result<ArrayRef, EngineError> {
    let missing = if ty == ScalarType::String {
        let reader = Reader::new(own, ty);
        (0..own.len())
            .map(|row| Some(reader.get(row).display().is_empty()))
            .collect()
    } else {
        is_null(own)?
    };
    Ok(zip(&missing, other, own)?)
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
        let inner = of(Path::new("a=1/a=2/=x/plain/f=3.csv"));
        assert_eq!(inner.len(), 1);
        assert_eq!(
            (inner[0].name.as_str(), inner[0].value.as_str()),
            ("a", "2")
        );
    }
}

//! Files that were put one behind the other: every row, or an error.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use kql_engine::{Catalog, Engine};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::{engine, json, run_on};

fn rows(count: i64) -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
    let texts = (0..count).map(|at| format!("text {at}"));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    RecordBatch::try_from_iter([("n", numbers), ("s", texts)]).unwrap()
}

fn parquet(count: i64, properties: WriterProperties) -> Vec<u8> {
    let batch = rows(count);
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// The number of rows in a file of those bytes, or what is wrong with it.
fn count(folder: &Path, name: &str, bytes: &[u8]) -> Result<i64, String> {
    answer(&over(folder, name, bytes))
}

fn over(folder: &Path, name: &str, bytes: &[u8]) -> Engine {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    let mut catalog = Catalog::new();
    catalog.add_file("T", None, path);
    engine(catalog)
}

fn answer(engine: &Engine) -> Result<i64, String> {
    let answer = run_on(engine, "T | count").map_err(|error| error.to_string())?;
    Ok(json(&answer)[0][0].as_i64().unwrap())
}

/// Ways to write a file of Parquet, those with more in them than pages and a footer included.
fn ways() -> Vec<WriterProperties> {
    let statistics = [
        EnabledStatistics::None,
        EnabledStatistics::Chunk,
        EnabledStatistics::Page,
    ];
    let mut ways = Vec::new();
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
        for statistics in statistics {
            for filters in [false, true] {
                let properties = WriterProperties::builder()
                    .set_compression(compression)
                    .set_statistics_enabled(statistics)
                    .set_bloom_filter_enabled(filters)
                    .set_max_row_group_row_count(Some(40));
                ways.push(properties.build());
            }
        }
    }
    ways
}

#[test]
fn files_of_parquet_put_together_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let several = |bytes: &[u8], what: &str| {
        let error = count(folder.path(), "T.parquet", bytes).unwrap_err();
        let expected = "T.parquet: it is several Parquet files put together; split them";
        assert!(error.contains(expected), "{what}: {error}");
    };
    for (at, first) in ways().into_iter().enumerate() {
        let whole = parquet(100, first);
        assert_eq!(count(folder.path(), "T.parquet", &whole), Ok(100), "{at}");
        for (other, second) in ways().into_iter().enumerate() {
            for rows in [0, 1, 100, 3000] {
                let next = parquet(rows, second.clone());
                let what = format!("{at} before {other} with {rows} rows");
                several(&[whole.as_slice(), &next].concat(), &what);
            }
        }
        let cut = &whole[..whole.len() / 2];
        let next = parquet(3, WriterProperties::default());
        several(&[cut, &next].concat(), "a first one that is cut off");
        several(&[next.as_slice(), &whole, &next].concat(), "three");
    }
    let next = parquet(3, WriterProperties::default());
    let error = count(
        folder.path(),
        "T.parquet",
        &[b"a,b\n", next.as_slice()].concat(),
    );
    assert!(error.unwrap_err().contains("something stands before it"));
}

#[test]
fn bytes_that_no_footer_of_parquet_tells_of_are_sound() {
    // What a writer keeps for itself before the footer, whose places count from the begin.
    let whole = parquet(100, WriterProperties::default());
    let size = u32::from_le_bytes(whole[whole.len() - 8..][..4].try_into().unwrap());
    let footer = whole.len() - 8 - usize::try_from(size).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for own in [&b"an index of one's own: PAR1, PAR1"[..], &[0; 500]] {
        let bytes = [&whole[..footer], own, &whole[footer..]].concat();
        assert_eq!(count(folder.path(), "T.parquet", &bytes), Ok(100));
    }
    // An old footer stays where rows were appended: its rows are in the new one.
    let old = [&whole[..], &whole[footer..]].concat();
    assert_eq!(count(folder.path(), "T.parquet", &old), Ok(100));
}

//! Files that were put one behind the other, or that end before their writer did: every row, an error
//! or a word about it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::ipc::writer::{FileWriter, StreamWriter};
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

fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &rows(0).schema()).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.into_inner().unwrap()
}

fn file(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = FileWriter::try_new(Vec::new(), &rows(0).schema()).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.into_inner().unwrap()
}

const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

#[test]
fn a_stream_of_arrow_without_its_end_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let table = "T".to_owned();
    let whole = stream(&[rows(5), rows(7)]);
    let padded = [whole.as_slice(), &[0; 56]].concat();
    for bytes in [&whole, &padded] {
        let engine = over(folder.path(), "T.arrow", bytes);
        assert_eq!(answer(&engine), Ok(12));
        assert_eq!(engine.catalog().unfinished([&table]), [""; 0]);
    }
    let cut = whole.strip_suffix(&END).unwrap();
    let first = stream(&[rows(5)]);
    for (bytes, count) in [(cut, 12), (first.strip_suffix(&END).unwrap(), 5)] {
        let engine = over(folder.path(), "T.arrow", bytes);
        assert_eq!(answer(&engine), Ok(count));
        let told = engine.catalog().unfinished([&table]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("T.arrow, its end-of-stream marker is missing"),
            "{told:?}"
        );
    }
    for end in cut.len() - 8..cut.len() {
        assert!(count(folder.path(), "T.arrow", &cut[..end]).is_err());
    }
}

#[test]
fn what_comes_behind_the_end_of_a_file_of_arrow_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (two, one) = (stream(&[rows(5), rows(7)]), stream(&[rows(5)]));
    let head = one.len() - END.len();
    let files = [file(&[rows(5), rows(7)]), file(&[rows(900)]), file(&[])];
    let mut all = vec![
        [two.as_slice(), &two].concat(),
        [two.strip_suffix(&END).unwrap(), &two].concat(),
        // An end before the last batch.
        [&two[..head], &END, &two[head..]].concat(),
        [two.as_slice(), &files[0]].concat(),
        [files[0].as_slice(), &two].concat(),
    ];
    for first in &files {
        for second in &files {
            all.push([first.as_slice(), second].concat());
        }
    }
    for (at, bytes) in all.iter().enumerate() {
        let error = count(folder.path(), "T.arrow", bytes).expect_err(&at.to_string());
        assert!(error.contains("T.arrow"), "{error}");
    }
    for (bytes, rows) in files.iter().zip([12, 900, 0]) {
        assert_eq!(count(folder.path(), "T.arrow", bytes), Ok(rows));
    }
}

/// The same file with its schema as Polars writes it: without its length.
fn with_a_bare_schema(mut file: Vec<u8>) -> Vec<u8> {
    const PREFIX: std::ops::Range<usize> = 8..16;
    let size = u32::from_le_bytes(file[12..PREFIX.end].try_into().unwrap());
    let end = PREFIX.end + usize::try_from(size).unwrap();
    file.copy_within(PREFIX.end..end, PREFIX.start);
    file[end - PREFIX.len()..end].fill(0);
    file
}

#[test]
fn a_schema_without_its_length_is_read_and_hides_no_rows() {
    let folder = tempfile::tempdir().unwrap();
    let files = [file(&[rows(5), rows(7)]), file(&[rows(900)]), file(&[])];
    for (whole, rows) in files.iter().zip([12, 900, 0]) {
        let bare = with_a_bare_schema(whole.clone());
        assert_eq!(count(folder.path(), "T.arrow", &bare), Ok(rows));
        for next in &files {
            let next_bare = with_a_bare_schema(next.clone());
            for next in [next, &next_bare] {
                let both = [bare.as_slice(), next].concat();
                let error = count(folder.path(), "T.arrow", &both).unwrap_err();
                assert!(error.contains("put together"), "{error}");
            }
        }
    }
}

#[test]
fn no_byte_of_a_file_of_arrow_costs_rows_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let table = "T".to_owned();
    let batches = [rows(2), rows(1)];
    let bare = with_a_bare_schema(file(&batches));
    for whole in [file(&batches), stream(&batches), bare] {
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= [0x01, 0xff, 0x02][at % 3];
            let engine = over(folder.path(), "T.arrow", &bytes);
            let told = |engine: &Engine| engine.catalog().unfinished([&table]);
            if let Ok(count) = answer(&engine)
                && told(&engine).is_empty()
            {
                assert_eq!(count, 3, "byte {at}");
            }
        }
    }
}

//! Parquet and Arrow files with something wrong in them: rows or an error that names the file, and
//! never the end of the process.
//!
//! `DAMAGED_FILES=20000` tries more than a test has time for; `ulimit -v` shows what takes memory.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{Field, Int32Type};
use arrow::ipc::CompressionType;
use kql_engine::{Catalog, Engine, Options, panic_is_caught};
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};

use super::foreign::{arrow_only, batch, common, compressions, write_arrow, write_parquet};
use super::{NOW, run_on};

/// Numbers without any meaning, the same ones every time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % (most.max(1) as u64)).unwrap()
    }
}

/// A damaged copy of `bytes`.
fn damaged(bytes: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut out = bytes.to_vec();
    // Half of the damage is where a file says what it holds.
    let end = out.len();
    let place = |dice: &mut Dice| match dice.below(4) {
        0 => end - 1 - dice.below(end.min(64)),
        1 => end - 1 - dice.below(end.min(4096)),
        _ => dice.below(end),
    };
    for _ in 0..=dice.below(3) {
        let at = place(dice);
        match dice.below(9) {
            0 => out[at] ^= 1 << dice.below(8),
            1 => out[at] = [0, 1, 0x7f, 0x80, 0xff][dice.below(5)],
            2 => out[at] = out[at].wrapping_add(1),
            3 => {
                // A number of four or eight bytes, where such numbers are.
                let wide = dice.below(2) == 0;
                let value = [
                    0,
                    1,
                    -1,
                    i64::MAX,
                    i64::MIN,
                    1 << 31,
                    1 << 33,
                    1 << 40,
                    0x7fff_ffff,
                ][dice.below(9)];
                let at = at & !3;
                let value = value.to_le_bytes();
                for (byte, new) in out[at..].iter_mut().zip(&value[..if wide { 8 } else { 4 }]) {
                    *byte = *new;
                }
            }
            4 => {
                // A number of any length that is larger than what stood there.
                let more = [0xff, 0xff, 0xff, 0xff, 0x0f];
                let count = 1 + dice.below(5);
                out.splice(
                    at..(at + count).min(out.len()),
                    more[5 - count..].iter().copied(),
                );
            }
            5 => {
                let more = [0xfe, 0xff, 0xff, 0xff, 0x0f];
                out.splice(at..=at, more);
            }
            6 => out.truncate(at.max(1)),
            7 => {
                let from = dice.below(other.len());
                let length = 1 + dice.below(64.min(other.len() - from));
                for (byte, new) in out[at..].iter_mut().zip(&other[from..from + length]) {
                    *byte = *new;
                }
            }
            _ => {
                let length = dice.below(32).min(out.len() - at);
                out.drain(at..at + length);
            }
        }
        if out.len() != end {
            break;
        }
    }
    out
}

/// More rows, so that there are pages, dictionaries and batches.
fn rows() -> RecordBatch {
    let texts = StringArray::from_iter_values((0..3000).map(|at| format!("text {}", at % 300)));
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(
        (0..3000).map(|at| (at % 7 != 0).then(|| vec![Some(at), None])),
    );
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("s", std::sync::Arc::new(texts)),
        ("l", std::sync::Arc::new(lists)),
    ];
    batch(
        columns
            .into_iter()
            .map(|(name, array)| (Field::new(name, array.data_type().clone(), true), array))
            .collect(),
    )
}

/// Sound files of both formats.
fn sound(folder: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let mut found = Vec::new();
    let path = folder.join("sound");
    // Two columns have values that no query can read.
    let common = || -> Vec<_> {
        let all = common().into_iter();
        all.filter(|(field, _)| !["u", "bytes"].contains(&field.name().as_str()))
            .collect()
    };
    let mut all = common();
    all.extend(arrow_only());
    for (at, compression) in compressions().into_iter().enumerate() {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for many in [false, true] {
                let mut properties = WriterProperties::builder()
                    .set_compression(compression)
                    .set_writer_version(version)
                    .set_data_page_row_count_limit(700)
                    .set_write_batch_size(350)
                    .set_max_row_group_row_count(Some(1500));
                if at % 2 == 0 {
                    properties = properties.set_statistics_enabled(EnabledStatistics::None);
                }
                if at % 3 == 0 && compression != Compression::SNAPPY {
                    properties = properties
                        .set_dictionary_enabled(false)
                        .set_column_encoding(
                            "s".into(),
                            if many {
                                Encoding::DELTA_BYTE_ARRAY
                            } else {
                                Encoding::DELTA_LENGTH_BYTE_ARRAY
                            },
                        );
                }
                let batch = if many { rows() } else { batch(common()) };
                write_parquet(&path, &batch, properties.build());
                found.push(("T.parquet", std::fs::read(&path).unwrap()));
            }
        }
    }
    for compression in [
        None,
        Some(CompressionType::LZ4_FRAME),
        Some(CompressionType::ZSTD),
    ] {
        for stream in [false, true] {
            for batch in [rows(), batch(all.clone())] {
                write_arrow(&path, &batch, compression, stream);
                let bytes = std::fs::read(&path).unwrap();
                // As often as the files of Parquet.
                found.push(("T.arrow", bytes.clone()));
                found.push(("T.arrow", bytes));
            }
        }
    }
    found
}

const QUERIES: [&str; 3] = [
    "T | count",
    "T",
    "T | where s == 'one' or s has 'text' | summarize count() by s",
];

fn over(path: &Path) -> Engine {
    let mut catalog = Catalog::new();
    catalog.add_file("T", None, path);
    let options = Options {
        now: Some(NOW),
        max_rows: Some(10_000),
        ..Options::default()
    };
    Engine::new(catalog, options)
}

static LOUD: AtomicUsize = AtomicUsize::new(0);

#[test]
fn damaged_files_are_rows_or_an_error_that_names_them() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic_is_caught() {
            LOUD.fetch_add(1, Ordering::Relaxed);
            usual(panic);
        }
    }));
    #[expect(clippy::disallowed_methods, reason = "how long the test may take")]
    let number = |name: &str, usual: u64| {
        std::env::var(name).map_or(usual, |number| number.parse().unwrap())
    };
    let (first, count) = (number("DAMAGED_FIRST", 0), number("DAMAGED_FILES", 120));
    let folder = tempfile::tempdir().unwrap();
    let sound = sound(folder.path());
    for (name, bytes) in &sound {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        for query in QUERIES {
            run_on(&over(&path), query).unwrap();
        }
    }
    let (mut read, mut refused) = (0, 0);
    for at in first..first + count {
        let mut dice = Dice(at << 20);
        let (name, bytes) = &sound[dice.below(sound.len())];
        let (_, other) = &sound[dice.below(sound.len())];
        let bytes = damaged(bytes, other, &mut dice);
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let engine = over(&path);
        for query in QUERIES {
            match run_on(&engine, query) {
                Ok(_) => read += 1,
                Err(error) => {
                    let error = error.to_string();
                    // A name of a column may be what was damaged.
                    let missing = error.contains("named 's'") || error.contains("not a string");
                    assert!(
                        error.contains(&path.display().to_string()) || missing,
                        "{at}: {query}: {error}"
                    );
                    refused += 1;
                }
            }
        }
    }
    assert_eq!(LOUD.load(Ordering::Relaxed), 0);
    assert!(refused > 0 && read > 0, "{read} answers, {refused} errors");
    eprintln!("{count} files: {read} answers, {refused} errors");
}

//! What survives in the file, whatever happens to the process.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use defender_core::DataEnvironment;
use defender_table::arrow::array::{Int64Array, RecordBatch};
use defender_table::arrow::datatypes::Schema;
use defender_table::{ColumnType, Timespan, ticks};

use super::*;

fn question() -> Question {
    Question {
        text: "DeviceEvents".to_owned(),
        environment: DataEnvironment::M365dGraph,
        range: "-7d/now".to_owned(),
        timespan: Timespan::new(ticks::UNIX_EPOCH, ticks::UNIX_EPOCH + ticks::PER_DAY).unwrap(),
        asked: SystemTime::UNIX_EPOCH + Duration::new(1_790_000_000, 123_456_700),
        tenants: vec!["Contoso".into(), "Fabrikam".into()],
        form: String::new(),
    }
}

fn rows(numbers: std::ops::Range<i64>) -> Table {
    let schema = Arc::new(Schema::new(vec![ColumnType::Long.field("Number")]));
    let array: Int64Array = numbers.map(Some).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(array)]).unwrap();
    let summary = Summary {
        rows: batch.num_rows(),
        warnings: vec![Warning::of_values(
            WarningKind::Range,
            "Number",
            2,
            "2 are out".into(),
        )],
        ..Summary::default()
    };
    Table::new(schema, vec![batch], summary).unwrap()
}

fn slices() -> Vec<Slice> {
    Slice::of(question().timespan).ranges(4)
}

#[test]
fn what_was_kept_is_there_in_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.resume");
    let slices = slices();
    let division: Vec<Counted> = (0..)
        .zip(&slices)
        .map(|(number, slice)| Counted {
            slice: *slice,
            rows: (number > 0).then_some(number),
        })
        .collect();
    {
        let file = ResumeFile::open(&path, &question()).unwrap();
        let store = file.store("Contoso");
        store
            .keep_division(&Slice::of(question().timespan), &division)
            .unwrap();
        assert_eq!(store.row_cap().unwrap(), None);
        store.keep_row_cap(70).unwrap();
        store.keep_row_cap(50).unwrap();
        store.keep_row_cap(60).unwrap();
        assert_eq!(store.row_cap().unwrap(), Some(50));
        store.keep_rows(&slices[0], &rows(0..10)).unwrap();
        store.keep_rows(&slices[1], &rows(0..0)).unwrap();
        file.store("Fabrikam")
            .keep_rows(&slices[0], &rows(10..12))
            .unwrap();
        assert_eq!(
            store.rows(&slices[0]).unwrap().unwrap().batches(),
            rows(0..10).batches()
        );
    }
    let begun = ResumeFile::begun(&path).unwrap().unwrap();
    assert_eq!(begun.timespan, question().timespan);
    assert_eq!(begun.asked, question().asked);
    let later = Question {
        timespan: Timespan::new(0, 1).unwrap(),
        asked: SystemTime::UNIX_EPOCH,
        tenants: question().tenants.into_iter().rev().collect(),
        ..question()
    };
    let file = ResumeFile::open(&path, &later).unwrap();
    assert_eq!(file.timespan(), question().timespan);
    assert_eq!(file.finished(), (3, 12));
    let store = file.store("Contoso");
    assert_eq!(
        store.division(&Slice::of(question().timespan)).unwrap(),
        Some(division)
    );
    assert_eq!(store.row_cap().unwrap(), Some(50));
    assert_eq!(file.store("Fabrikam").row_cap().unwrap(), None);
    let kept = store.rows(&slices[0]).unwrap().unwrap();
    assert_eq!(kept.batches(), rows(0..10).batches());
    assert_eq!(kept.warnings(), rows(0..10).warnings());
    assert_eq!(store.rows(&slices[1]).unwrap().unwrap().row_count(), 0);
    assert!(store.rows(&slices[2]).unwrap().is_none());
    assert_eq!(
        file.store("Fabrikam")
            .rows(&slices[0])
            .unwrap()
            .unwrap()
            .row_count(),
        2
    );
    file.remove().unwrap();
    assert!(!path.exists());
}

#[test]
fn a_file_cut_at_any_byte_keeps_every_whole_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.resume");
    let slices = slices();
    let mut ends = Vec::new();
    {
        let file = ResumeFile::open(&path, &question()).unwrap();
        ends.push(std::fs::metadata(&path).unwrap().len());
        for (number, slice) in (0..).zip(&slices) {
            file.store("").keep_rows(slice, &rows(0..number)).unwrap();
            ends.push(std::fs::metadata(&path).unwrap().len());
        }
    }
    let whole = std::fs::read(&path).unwrap();
    // Around each end, and some within.
    let near = |length: &usize| ends.iter().any(|end| end.abs_diff(*length as u64) < 2);
    for length in (0..=whole.len()).filter(|length| length % 97 == 5 || near(length)) {
        std::fs::write(&path, &whole[..length]).unwrap();
        let file = ResumeFile::open(&path, &question()).unwrap();
        let expected = ends.iter().filter(|end| **end <= length as u64).count();
        assert_eq!(
            file.finished().0,
            expected.saturating_sub(1),
            "cut at {length}"
        );
        // And it goes on from there.
        file.store("").keep_rows(&slices[3], &rows(0..7)).unwrap();
        drop(file);
        let file = ResumeFile::open(&path, &question()).unwrap();
        let last = file.store("").rows(&slices[3]).unwrap().unwrap();
        assert_eq!(last.row_count(), 7, "cut at {length}");
    }
}

#[test]
fn another_question_is_refused_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.resume");
    drop(ResumeFile::open(&path, &question()).unwrap());
    let before = std::fs::read(&path).unwrap();
    let others = [
        Question {
            text: "DeviceInfo".into(),
            ..question()
        },
        Question {
            text: format!("DeviceEvents {}", "| where a == 'b' ".repeat(9)),
            ..question()
        },
        Question {
            tenants: vec!["Fabrikam".into()],
            ..question()
        },
        Question {
            environment: DataEnvironment::Mde,
            ..question()
        },
        Question {
            range: "-8d/now".into(),
            ..question()
        },
        Question {
            form: "text".into(),
            ..question()
        },
        Question {
            form: " 1d".into(),
            ..question()
        },
    ];
    let told: Vec<String> = others
        .iter()
        .map(|other| {
            let error = ResumeFile::open(&path, other).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
            error
                .to_string()
                .replace(&path.display().to_string(), "FILE")
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    FILE belongs to an export with another query: 'DeviceEvents' in place of 'DeviceInfo'
    FILE belongs to an export with another query: '' in place of '| where a == 'b' | where a == 'b' | where a == 'b' | where a…'
    FILE belongs to an export with another tenant: 'Contoso, Fabrikam' in place of 'Fabrikam'
    FILE belongs to an export with another environment
    FILE belongs to an export with another range of time: '-7d/now' in place of '-8d/now'
    FILE belongs to an export with another form of the times in its rows
    FILE belongs to an export with another --split-by: '' in place of '1d'
    ");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_foreign_file_is_refused_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    for text in ["a,b\n1,2\n", "{}", "{\"rows\":1}\n", "x"] {
        std::fs::write(&path, text).unwrap();
        let error = ResumeFile::open(&path, &question()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn a_large_file_is_refused_by_its_first_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sparse.bin");
    let begun = br#"{"question":"#;
    for beginning in [&b""[..], b"PAR1", begun] {
        std::fs::write(&path, beginning).unwrap();
        let file = std::fs::OpenOptions::new().write(true).open(&path);
        let length = 4 << 30;
        file.unwrap().set_len(length).unwrap();
        let error = ResumeFile::open(&path, &question()).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("is not the file of an interrupted export")
        );
        if beginning != begun {
            assert_eq!(
                ResumeFile::begun(&path).unwrap_err().kind(),
                ErrorKind::Usage
            );
        }
        assert_eq!(std::fs::metadata(&path).unwrap().len(), length);
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_by_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for path in [&pipe, folder.path(), Path::new("/dev/null")] {
        let opened = ResumeFile::open(path, &question()).unwrap_err();
        let begun = ResumeFile::begun(path).unwrap_err();
        for error in [opened, begun] {
            assert_eq!(error.kind(), ErrorKind::Io);
            assert!(
                error.to_string().ends_with(": it must be a regular file"),
                "{error}"
            );
        }
    }
}

#[test]
fn a_query_is_told_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.resume");
    let of = |secret: &str, end: &str| Question {
        text: format!("DeviceEvents | where a == 'https://x.example/?st=1&sig={secret}' {end}"),
        ..question()
    };
    let [first, second] = [
        "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9v".repeat(2),
        "zY8xW6vU4tS2".repeat(2),
    ];
    drop(ResumeFile::open(&path, &of(&first, "")).unwrap());
    for other in [
        of(&second, ""),
        of(&second, "| take 1"),
        of(&first[..28], "| take 1"),
    ] {
        let error = ResumeFile::open(&path, &other).unwrap_err().to_string();
        assert!(error.contains("with another query"), "{error}");
        for piece in ["aB3dE5fG", "kL1mN3", "zY8xW6"] {
            assert!(!error.contains(piece), "{error}");
        }
    }
    let same = of(&first.to_lowercase(), "");
    let error = ResumeFile::open(&path, &same).unwrap_err().to_string();
    assert!(error.ends_with("with another query"), "{error}");
}

#[test]
fn one_run_at_a_time_has_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.resume");
    let first = ResumeFile::open(&path, &question()).unwrap();
    let error = ResumeFile::open(&path, &question()).unwrap_err();
    assert!(error.to_string().ends_with("is in use by another run"));
    drop(first);
    ResumeFile::open(&path, &question()).unwrap();
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_the_rows() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.resume");
    let _file = ResumeFile::open(&path, &question()).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn damaged_rows_are_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.resume");
    let slices = slices();
    let (start, end) = {
        let file = ResumeFile::open(&path, &question()).unwrap();
        let store = file.store("Contoso");
        store.keep_rows(&slices[0], &rows(0..500)).unwrap();
        let state = file.state();
        let kept = state.rows.values().next().unwrap();
        (kept.offset, kept.offset + kept.bytes)
    };
    let whole = std::fs::read(&path).unwrap();
    let mut refused = 0;
    for at in usize::try_from(start).unwrap()..usize::try_from(end).unwrap() {
        for mask in [0x01, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] ^= mask;
            std::fs::write(&path, damaged).unwrap();
            let file = ResumeFile::open(&path, &question()).unwrap();
            match file.store("Contoso").rows(&slices[0]) {
                Ok(found) => assert_eq!(found.unwrap().batches(), rows(0..500).batches()),
                Err(error) => {
                    refused += 1;
                    assert!(error.to_string().contains("export.resume"), "{error}");
                }
            }
        }
    }
    assert!(refused > 0);
}

#[test]
fn rows_that_are_too_large_unpacked_are_refused() {
    let body = zstd::encode_all(vec![0; 1 << 20].as_slice(), LEVEL).unwrap();
    assert!(body.len() < 1000);
    assert_eq!(unpacked(&body, 1 << 20).unwrap().len(), 1 << 20);
    let error = unpacked(&body, (1 << 20) - 1).unwrap_err();
    assert!(
        error.to_string().contains("unpacked they are more than"),
        "{error}"
    );
    let mut bounded = Bounded {
        inner: Vec::new(),
        left: 3,
    };
    bounded.write_all(b"abc").unwrap();
    assert!(bounded.write_all(b"d").is_err());
    assert_eq!(bounded.inner, b"abc");
}

#[test]
fn a_folder_that_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/export.resume");
    let error = ResumeFile::open(&path, &question()).unwrap_err();
    let hint = error.hint().unwrap();
    assert!(
        hint.contains("missing does not exist: create it with mkdir"),
        "{hint}"
    );
}

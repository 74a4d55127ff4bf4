//! Tables in folders that are named after values, and what of them is read.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use kql_engine::{Catalog, Engine, ScalarType};
use parquet::arrow::ArrowWriter;
use serde_json::json as rows;

use super::{engine, json, run_on};

fn batch(first: i64, count: i64) -> RecordBatch {
    RecordBatch::try_from_iter([
        (
            "N",
            Arc::new(Int64Array::from_iter_values(first..first + count)) as _,
        ),
        (
            "Name",
            Arc::new(StringArray::from_iter_values(
                (first..first + count).map(|row| format!("name {row}")),
            )) as _,
        ),
    ])
    .unwrap()
}

fn parquet(path: &Path, first: i64, count: i64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch = batch(first, count);
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn arrow(path: &Path, first: i64, count: i64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch = batch(first, count);
    let mut writer =
        arrow::ipc::writer::FileWriter::try_new(File::create(path).unwrap(), &batch.schema())
            .unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
}

fn text(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn over(folder: &Path) -> Engine {
    engine(Catalog::from_folder(folder, &|_| None).unwrap())
}

fn answer(engine: &Engine, query: &str) -> serde_json::Value {
    json(&run_on(engine, query).unwrap())
}

/// A dataset with a file of each format.
fn dataset(folder: &Path) {
    parquet(
        &folder.join("T/tenant=a%2Fb/day=2026-11-01/part-0.parquet"),
        0,
        2,
    );
    arrow(
        &folder.join("T/tenant=a%2Fb/day=2026-11-02/part-0.arrow"),
        2,
        1,
    );
    text(
        &folder.join("T/tenant=c/day=2026-11-01/part-0.ndjson"),
        "{\"N\":3,\"Name\":\"name 3\"}\n",
    );
    text(
        &folder.join("T/tenant=c/day=__HIVE_DEFAULT_PARTITION__/part-0.csv"),
        "N,Name\n4,name 4\n",
    );
    text(
        &folder.join("T/tenant=__HIVE_DEFAULT_PARTITION__/day=2026-11-01/part-0.csv"),
        "N,Name\n5,name 5\n",
    );
}

#[test]
fn folders_named_after_values_are_columns() {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path());
    let engine = over(folder.path());
    assert_eq!(
        engine.catalog().columns("T").unwrap(),
        [
            ("N", ScalarType::Long),
            ("Name", ScalarType::String),
            ("tenant", ScalarType::String),
            ("day", ScalarType::DateTime),
        ]
        .map(|(name, ty)| (name.to_owned(), ty))
    );
    let (first, second) = (
        "2026-11-01T00:00:00.0000000Z",
        "2026-11-02T00:00:00.0000000Z",
    );
    assert_eq!(
        answer(&engine, "T | sort by N asc"),
        rows!([
            [0, "name 0", "a/b", first],
            [1, "name 1", "a/b", first],
            [2, "name 2", "a/b", second],
            [3, "name 3", "c", first],
            [4, "name 4", "c", null],
            [5, "name 5", "", first]
        ])
    );
    for (query, expected) in [
        ("T | where tenant == 'c' | summarize sum(N)", 7),
        ("T | where day > datetime(2026-11-01) | summarize sum(N)", 2),
        ("T | where tenant has 'b' and N > 0 | summarize sum(N)", 3),
        ("T | where isnull(day) | summarize sum(N)", 4),
        ("T | where isempty(tenant) | summarize sum(N)", 5),
        ("T | where tenant == 'c' or N == 1 | summarize sum(N)", 8),
        (
            "T | where day == datetime(2026-11-01) and Name == 'name 1' | summarize sum(N)",
            1,
        ),
        ("T | summarize count() by tenant, day | count", 5),
    ] {
        assert_eq!(answer(&engine, query), rows!([[expected]]), "{query}");
    }
}

#[test]
fn a_dataset_may_be_the_folder_itself() {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path());
    let engine = over(&folder.path().join("T"));
    assert_eq!(engine.catalog().table_names(), ["T"]);
    assert_eq!(answer(&engine, "T | count"), rows!([[6]]));
    assert_eq!(
        answer(&engine, "T | where tenant == 'c' | count"),
        rows!([[2]])
    );
}

/// Overwrites what a file holds between its first and last bytes, so that whoever reads rows fails.
fn damage(path: &Path) {
    use parquet::file::reader::{FileReader, SerializedFileReader};

    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let mut bytes = fs::read(path).unwrap();
    for column in reader.metadata().row_group(0).columns() {
        let (start, length) = column.byte_range();
        let start = usize::try_from(start).unwrap();
        bytes[start..start + usize::try_from(length).unwrap()].fill(0xff);
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn files_that_a_filter_rules_out_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |day: u32| {
        folder
            .path()
            .join(format!("T/tenant=a/day=2026-11-0{day}/part-0.parquet"))
    };
    for day in 1..=3 {
        parquet(&path(day), i64::from(day) * 10, 10);
    }
    damage(&path(1));
    damage(&path(3));
    let engine = over(folder.path());
    assert!(
        run_on(&engine, "T | summarize sum(N)").is_err(),
        "the damage shows"
    );
    for condition in [
        "day == datetime(2026-11-02)",
        "day > datetime(2026-11-01) and day < datetime(2026-11-03)",
        "day in (datetime(2026-11-02), datetime(2026-11-08))",
        "dayofmonth(day) == 2",
        "tenant =~ 'A' and day between (datetime(2026-11-02) .. 1h)",
    ] {
        let query = format!("T | where {condition} | summarize sum(N)");
        assert_eq!(answer(&engine, &query), rows!([[245]]), "{condition}");
    }
    assert_eq!(
        answer(&engine, "T | where tenant == 'b' | count"),
        rows!([[0]])
    );
}

#[test]
fn many_rows_of_a_folder_are_tested_with_its_values() {
    let folder = tempfile::tempdir().unwrap();
    for part in 0..4 {
        let path = format!("T/k={part}/part-0.parquet");
        parquet(&folder.path().join(path), part * 20_000, 20_000);
    }
    let engine = over(folder.path());
    // After the first share few rows have passed, and others are read column by column.
    for (query, expected) in [
        ("T | where k * 20000 + 5 == N | summarize sum(k)", 6),
        ("T | where N % 20000 == 7 and k >= 1 | summarize sum(k)", 6),
        ("T | where N == 70000 | summarize sum(k)", 3),
    ] {
        assert_eq!(answer(&engine, query), rows!([[expected]]), "{query}");
    }
}

#[test]
fn hundreds_of_small_files_are_read_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    for part in 0..200_i64 {
        let path = folder
            .path()
            .join(format!("T/k={}/{part:03}.parquet", part % 3));
        parquet(&path, part * 10, 10);
    }
    // One among them is large, and one has its rows as text.
    parquet(&folder.path().join("T/k=1/100-a.parquet"), 10_000, 300_000);
    text(
        &folder.path().join("T/k=1/100-b.csv"),
        "N,Name\n5000,five\n",
    );
    let sequential = over(folder.path());
    let options = kql_engine::Options {
        threads: 4,
        ..Default::default()
    };
    for engine in [sequential.clone(), sequential.with_options(options)] {
        let query = "T | summarize n = count(), min(N), max(N) by k | sort by k asc";
        assert_eq!(
            answer(&engine, &format!("{query} | project k, n, min_N, max_N")),
            rows!([
                [0, 670, 0, 1989],
                [1, 300_671, 10, 309_999],
                [2, 660, 20, 1979]
            ])
        );
        let query = "T | where N in (15, 995, 1000, 5000, 10001) | project N, k";
        assert_eq!(
            answer(&engine, query),
            rows!([[995, 0], [15, 1], [10_001, 1], [5000, 1], [1000, 1]])
        );
    }
}

#[test]
fn a_files_own_column_counts_more() {
    let folder = tempfile::tempdir().unwrap();
    text(
        &folder.path().join("T/Name=folder/K=1/a.csv"),
        "Name,N\nown,1\n,2\n",
    );
    text(
        &folder.path().join("T/Name=folder/K=2/b.ndjson"),
        "{\"Name\":\"own\",\"N\":3}\n{\"N\":4}\n",
    );
    let query = "T | sort by N asc | project N, Name, K";
    assert_eq!(
        answer(&over(folder.path()), query),
        rows!([[1, "own", 1], [2, "", 1], [3, "own", 2], [4, "", 2]])
    );
    let declared = |_: &str| {
        Some(vec![
            ("Name".to_owned(), ScalarType::String),
            ("N".to_owned(), ScalarType::Int),
            ("K".to_owned(), ScalarType::Int),
        ])
    };
    let catalog = Catalog::from_folder(folder.path(), &declared).unwrap();
    // Rows of JSON do not tell beforehand which columns they have.
    assert_eq!(
        answer(&engine(catalog.clone()), query),
        rows!([[1, "own", 1], [2, "", 1], [3, "own", 2], [4, "folder", 2]])
    );
    assert_eq!(
        answer(
            &engine(catalog),
            "T | where Name == 'own' | summarize sum(N)"
        ),
        rows!([[4]])
    );
}

#[test]
fn a_value_that_its_folder_contradicts_is_told() {
    let columns = [
        ("DeviceName".to_owned(), ScalarType::String),
        ("When".to_owned(), ScalarType::DateTime),
        ("N".to_owned(), ScalarType::Int),
    ];
    let line = r#"{"DeviceName":"own","N":3}"#;
    let told = |folder: &str, own: &str| {
        format!(
            "column DeviceName has the value {own:?}, and the name of its folder says {folder:?}: \
             the value of the file counts"
        )
    };
    for is_declared in [true, false] {
        let declared = |_: &str| is_declared.then(|| columns.to_vec());
        for (file, content, expected) in [
            ("DeviceName=zz/a.csv", "DeviceName,N\nown,1\n", Some("zz")),
            ("DeviceName=zz/a.ndjson", line, Some("zz")),
            ("DeviceName=own/a.csv", "DeviceName,N\nown,1\n", None),
            ("DeviceName=own/a.ndjson", line, None),
            (
                "When=2026-11-01/a.csv",
                "When,DeviceName\n2026-11-01T10:00:00Z,own\n",
                None,
            ),
            (
                "DeviceName=__HIVE_DEFAULT_PARTITION__/a.csv",
                "DeviceName,N\nown,1\n",
                None,
            ),
            (
                "devicename=zz/a.csv",
                "DeviceName,N\nown,1\n",
                is_declared.then_some("zz"),
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            text(&folder.path().join("T").join(file), content);
            let engine = engine(Catalog::from_folder(folder.path(), &declared).unwrap());
            let found = answer(&engine, "T | project DeviceName");
            assert_eq!(found, rows!([["own"]]), "{file}");
            let losses = engine.catalog().losses([&"T".to_owned()]);
            let expected = expected.map(|one| {
                let path = folder.path().join("T").join(file);
                format!("in {}, {}", path.display(), told(one, "own"))
            });
            assert_eq!(losses, expected.into_iter().collect::<Vec<_>>(), "{file}");
        }
    }
    // A filter on the folder's value leaves out rows of which nobody would hear.
    let folder = tempfile::tempdir().unwrap();
    parquet(&folder.path().join("T/Name=zz/a.parquet"), 0, 2);
    parquet(&folder.path().join("T/Name=name 5/b.parquet"), 5, 1);
    let engine = over(folder.path());
    assert_eq!(answer(&engine, "T | where N < 9 | count"), rows!([[3]]));
    assert_eq!(engine.catalog().losses([&"T".to_owned()]), [""; 0]);
    assert_eq!(
        answer(&engine, "T | where Name == 'zz' | count"),
        rows!([[0]])
    );
    let losses = engine.catalog().losses([&"T".to_owned()]);
    assert_eq!(losses.len(), 1, "{losses:?}");
    assert!(
        losses[0].contains("a.parquet, column Name has the value \"name 0\""),
        "{losses:?}"
    );
}

#[test]
fn a_file_has_its_own_names_for_what_folders_tell() {
    let declared = |_: &str| {
        let columns = [("DeviceName", ScalarType::String), ("N", ScalarType::Int)];
        Some(columns.map(|(name, ty)| (name.to_owned(), ty)).to_vec())
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("T/DeviceName=zz/a.csv");
    text(&path, "devicename,N\nown,1\n,2\n");
    let engine = engine(Catalog::from_folder(folder.path(), &declared).unwrap());
    assert_eq!(
        answer(&engine, "T | project DeviceName, N"),
        rows!([["own", 1], ["zz", 2]])
    );
    assert_eq!(engine.catalog().losses([&"T".to_owned()]).len(), 1);
}

#[test]
fn a_folder_of_another_type_costs_the_queries_that_read_it() {
    let declared = |_: &str| {
        let columns = [("When", ScalarType::DateTime), ("N", ScalarType::Int)];
        Some(columns.map(|(name, ty)| (name.to_owned(), ty)).to_vec())
    };
    let folder = tempfile::tempdir().unwrap();
    text(&folder.path().join("T/When=never/a.csv"), "N\n1\n");
    parquet(&folder.path().join("T/When=never/b.parquet"), 2, 1);
    let engine = engine(Catalog::from_folder(folder.path(), &declared).unwrap());
    assert_eq!(
        answer(&engine, "T | project N | sort by N asc"),
        rows!([[1], [2]])
    );
    for query in ["T | project When", "T | where When > ago(1d) | project N"] {
        let error = run_on(&engine, query).unwrap_err().to_string();
        assert!(
            error.contains("its folder has \"never\" in column When"),
            "{error}"
        );
    }
}

#[test]
fn a_folder_is_called_as_a_column_of_the_table_in_any_case() {
    let folder = tempfile::tempdir().unwrap();
    for place in [
        "devicename=a",
        "DEVICENAME=b",
        "DeviceName_s=c",
        "DeviceName=d",
    ] {
        let path = folder
            .path()
            .join("DeviceInfo")
            .join(place)
            .join("part.csv");
        text(&path, &format!("DeviceId\n{place}\n"));
    }
    let engine = engine(Catalog::from_folder(folder.path(), &super::wrappers::schema).unwrap());
    assert_eq!(
        answer(
            &engine,
            "DeviceInfo | summarize make_list(DeviceId) by DeviceName | sort by DeviceName asc"
        ),
        rows!([
            ["a", ["devicename=a"]],
            ["b", ["DEVICENAME=b"]],
            ["c", ["DeviceName_s=c"]],
            ["d", ["DeviceName=d"]]
        ])
    );
    assert_eq!(
        answer(
            &engine,
            "DeviceInfo | where DeviceName == 'b' | project DeviceId"
        ),
        rows!([["DEVICENAME=b"]])
    );
}

#[test]
fn a_column_that_folders_have_twice_has_one_value() {
    let folder = tempfile::tempdir().unwrap();
    for (table, path) in [
        ("Same", "k=1/k=1"),
        ("Two", "k=1/k=2"),
        ("Three", "k=2/m=1/k=1/k=2"),
        ("Own", "N=1/N=2"),
    ] {
        let path = folder.path().join(table).join(path).join("part.csv");
        text(&path, "N,Name\n7,x\n");
    }
    let over_all = over(folder.path());
    assert_eq!(answer(&over_all, "Same | project k, N"), rows!([[1, 7]]));
    // The value of the file counts.
    assert_eq!(answer(&over_all, "Own | project N"), rows!([[7]]));
    for (table, values) in [("Two", "\"1\" and \"2\""), ("Three", "\"1\" and \"2\"")] {
        assert_eq!(
            answer(&over_all, &format!("{table} | project N")),
            rows!([[7]])
        );
        for query in [
            "project k",
            "where k == 2",
            "where k == 9 | count",
            "summarize by k",
        ] {
            let error = run_on(&over_all, &format!("{table} | {query}")).unwrap_err();
            let expected = format!("its folders have two values of column k, {values}");
            assert!(error.to_string().contains(&expected), "{query}: {error}");
        }
    }
    let known = |name: &str| {
        (name == "Known").then(|| {
            let columns = [("DeviceName", ScalarType::String), ("N", ScalarType::Long)];
            columns.map(|(name, ty)| (name.to_owned(), ty)).to_vec()
        })
    };
    let path = folder
        .path()
        .join("Known/devicename=a/DEVICENAME=b/part.csv");
    text(&path, "N\n7\n");
    let known = engine(Catalog::from_folder(folder.path(), &known).unwrap());
    let error = run_on(&known, "Known | project DeviceName").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("two values of column DeviceName"),
        "{error}"
    );
}

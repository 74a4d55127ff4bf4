//! Tables that cannot be read, whatever a query does with them, and tables by the names of files.

use std::fs;
use std::time::Duration;

use kql_engine::{Catalog, Engine, EngineError, Options, Place, ScalarType};
use serde_json::json as rows;

use super::{NOW, engine, json, run_on};

fn schema(name: &str) -> Option<Vec<(String, ScalarType)>> {
    matches!(name, "DeviceEvents").then(|| {
        vec![
            ("Timestamp".to_owned(), ScalarType::DateTime),
            ("DeviceName".to_owned(), ScalarType::String),
        ]
    })
}

const NAMES: &[&str] = &["DeviceEvents"];

fn over(places: &[Place]) -> Engine {
    engine(Catalog::from_places(places, &schema, NAMES).unwrap())
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn every_query_over_a_broken_file_names_it() {
    let folder = folder(&[
        ("broken.csv", "sha256,n\n\"abc,1\n"),
        ("torn.parquet", "PAR1 and no more"),
        ("empty.arrow", "ARROW1"),
        (
            "DeviceEvents.ndjson",
            "{\"DeviceName\":\"a\"}\n{\"DeviceName\":\n",
        ),
        ("sound.csv", "n\n1\n"),
    ]);
    let engine = over(&[Place::new(folder.path())]);
    for (table, file) in [
        ("broken", "broken.csv: line 2"),
        ("torn", "torn.parquet: "),
        ("empty", "empty.arrow: "),
        ("DeviceEvents", "DeviceEvents.ndjson: line 2"),
    ] {
        for query in [
            "{T}",
            "{T} | count",
            "{T} | where sha256 == \"abc\"",
            "{T} | getschema",
            "{T} | project-away nothing",
            "{T} | summarize count() by sha256, DeviceName",
            "sound | where n in ({T})",
            "sound | where n in ({T} | project n)",
            "union sound, {T}",
            "union isfuzzy=true sound, {T}",
            "union withsource=x *",
            "search \"abc\"",
            "search in ({T}) \"abc\"",
            "sound | join kind=inner {T} on n",
            "sound | lookup {T} on n",
            "let view = {T} | where n > 1; view | project n",
            "let kept = materialize({T}); kept | count",
            "let f = (x: string) { {T} | where sha256 == x }; f('abc')",
            "print toscalar({T} | count)",
            "table('{T}') | where sha256 == 'x'",
            "['{T}'] | evaluate pivot(sha256)",
            "{T} | invoke g()",
        ] {
            let query = query.replace("{T}", table);
            let error = run_on(&engine, &query).unwrap_err();
            let patterned = query.contains('*') || query.starts_with("search \"");
            assert!(
                matches!(error, EngineError::Data { .. }),
                "{query}: {error}"
            );
            assert!(
                error.to_string().contains(file) || patterned,
                "{query}: {error}"
            );
            if !patterned {
                let shown = error.render(&query);
                assert!(shown.contains("^^"), "{shown}");
            }
        }
    }
    assert_eq!(json(&run_on(&engine, "sound").unwrap()), rows!([[1]]));
}

#[test]
fn a_file_is_a_table_of_its_whole_name_unless_it_is_part_of_a_known_one() {
    let folder = folder(&[
        ("DeviceEvents.2024-01.csv", "DeviceName\na\n"),
        ("deviceevents.2024-02.csv", "DeviceName\nb\n"),
        ("DEVICEEVENTS/x.csv", "DeviceName\nc\n"),
        ("Hunting.CommandAndControl.beaconing.csv", "n\n1\n"),
        ("Hunting.other.csv.gz", "m\n2\n"),
        ("v1.2.json", "{\"k\":3}"),
    ]);
    let engine = over(&[Place::new(folder.path())]);
    assert_eq!(
        engine.catalog().table_names(),
        [
            "DeviceEvents",
            "Hunting.CommandAndControl.beaconing",
            "Hunting.other",
            "v1.2"
        ]
    );
    let answer = |query: &str| json(&run_on(&engine, query).unwrap());
    assert_eq!(answer("DeviceEvents | count"), rows!([[3]]));
    assert_eq!(
        answer("['Hunting.CommandAndControl.beaconing']"),
        rows!([[1]])
    );
    for query in [
        "Hunting.CommandAndControl.beaconing",
        "Hunting.CommandAndControl.beaconing | count",
    ] {
        let error = run_on(&engine, query).unwrap_err().to_string();
        assert!(
            error.contains("write ['Hunting.CommandAndControl.beaconing']"),
            "{error}"
        );
    }
}

#[test]
fn a_place_may_be_given_a_name_and_its_bytes_tell_the_format() {
    let folder = folder(&[
        ("one", "DeviceName;n\na;1\n"),
        ("two.txt", " \n[{\"DeviceName\":\"b\"}]"),
        ("more/x.csv", "DeviceName\nc\n"),
        ("more/y.csv", "DeviceName\nd\n"),
    ]);
    let place = |name: &str, path: &str| Place {
        table: Some(name.to_owned()),
        ..Place::new(folder.path().join(path))
    };
    let engine = over(
        &[
            place("deviceevents", "one"),
            place("DeviceEvents", "two.txt"),
            place("All", "more"),
            Place {
                shown: Some("standard input".to_owned()),
                ..place("bad", "none.csv")
            },
        ][..3],
    );
    let answer = |query: &str| json(&run_on(&engine, query).unwrap());
    assert_eq!(
        answer("DeviceEvents | project DeviceName"),
        rows!([["a"], ["b"]])
    );
    assert_eq!(answer("All"), rows!([["c"], ["d"]]));
    let found: Vec<Vec<&str>> = engine
        .catalog()
        .found()
        .iter()
        .map(|one| one.tables.iter().map(String::as_str).collect())
        .collect();
    assert_eq!(
        found,
        [vec!["DeviceEvents"], vec!["DeviceEvents"], vec!["All"]]
    );
    let missing = Catalog::from_places(&[Place::new("missing.csv")], &schema, NAMES);
    let missing = missing.unwrap_err().to_string();
    assert!(
        missing.starts_with("cannot read missing.csv: "),
        "{missing}"
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_among_the_files_is_not_waited_for() {
    let folder = folder(&[("sound.csv", "n\n1\n")]);
    let pipe = folder.path().join("pipe.ndjson");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let engine = over(&[Place::new(folder.path())]);
    assert_eq!(json(&run_on(&engine, "sound").unwrap()), rows!([[1]]));
    let error = run_on(&engine, "pipe | count").unwrap_err().to_string();
    assert!(error.ends_with("it is a named pipe, not a file"), "{error}");
    let named = Place {
        table: Some("N".to_owned()),
        ..Place::new(&pipe)
    };
    let error = run_on(&over(&[named]), "N | count").unwrap_err();
    assert!(matches!(error, EngineError::Data { .. }), "{error}");
}

#[test]
fn a_query_ends_when_its_time_is_over() {
    let options = Options {
        now: Some(NOW),
        time_limit: Some(Duration::from_millis(50)),
        ..Options::default()
    };
    let engine = Engine::new(Catalog::new(), options);
    let long = "range a from 1 to 20000000 step 1 | extend b = a % 1000 \
                | join kind=inner (range b from 1 to 20000000 step 1 | extend b = b % 1000) on b | count";
    let error = run_on(&engine, long).unwrap_err();
    assert_eq!(
        error,
        EngineError::OutOfTime {
            limit: Duration::from_millis(50)
        }
    );
    assert_eq!(error.to_string(), "the query was not done after 50ms");
    let error = futures::executor::block_on(async {
        let mut rows = match engine.stream(long).await {
            Ok(rows) => rows,
            Err(error) => return error,
        };
        loop {
            if let Err(error) = rows.next().await.unwrap() {
                return error;
            }
        }
    });
    assert!(matches!(error, EngineError::OutOfTime { .. }));
    assert!(run_on(&engine, "print 1").is_ok());
}

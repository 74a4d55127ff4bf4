//! Answers that come piece by piece.

use std::fmt::Write as _;

use futures::executor::block_on;
use kql_engine::{Catalog, Engine, EngineError, Options, ResultSet, RowStream, ScalarType, Value};

use super::{engine, run_on};

fn pieces(mut stream: RowStream) -> (Vec<ResultSet>, Option<EngineError>, bool) {
    let mut pieces = Vec::new();
    let error = block_on(async {
        loop {
            match stream.next().await? {
                Ok(piece) => pieces.push(piece),
                Err(error) => return Some(error),
            }
        }
    });
    assert!(
        block_on(stream.next()).is_none(),
        "nothing comes after the end"
    );
    (pieces, error, stream.is_truncated())
}

fn rows(pieces: &[ResultSet]) -> Vec<Vec<Value>> {
    pieces.iter().flat_map(ResultSet::rows).collect()
}

#[test]
fn the_pieces_are_the_answer() {
    let engine = engine(Catalog::new());
    for (query, most) in [
        (
            "range x from 1 to 100000 step 1 | where x % 3 == 0 | extend y = strcat('n', x)",
            usize::MAX,
        ),
        (
            "range x from 1 to 100000 step 1 | sort by x desc | render timechart",
            usize::MAX,
        ),
        ("range x from 1 to 100000 step 1 | count", 1),
        ("range x from 1 to 10 step 1 | where x > 10", 0),
    ] {
        let whole = run_on(&engine, query).unwrap();
        let stream = block_on(engine.stream(query)).unwrap();
        assert_eq!(stream.columns, whole.columns, "{query}");
        assert_eq!(stream.visualization, whole.visualization, "{query}");
        let (pieces, error, truncated) = pieces(stream);
        assert_eq!((error, truncated), (None, false), "{query}");
        assert!(rows(&pieces) == whole.rows().collect::<Vec<_>>(), "{query}");
        assert!(pieces.iter().all(|piece| !piece.is_empty()), "{query}");
        assert!(
            pieces.len() <= most && (most < usize::MAX || pieces.len() > 1),
            "{query}"
        );
    }
}

#[test]
fn no_more_rows_come_than_are_wanted() {
    for (rows_there, most, cut) in [
        (1_000, 10, true),
        (10, 10, false),
        (0, 10, false),
        (50_000, 20_000, true),
    ] {
        let options = Options {
            max_rows: Some(most),
            ..Options::default()
        };
        let engine = Engine::new(Catalog::new(), options);
        let query = format!("range x from 1 to {rows_there} step 1");
        let (pieces, error, truncated) = pieces(block_on(engine.stream(&query)).unwrap());
        assert_eq!((error, truncated), (None, cut), "{query}");
        let whole = run_on(&engine, &query).unwrap();
        assert_eq!(whole.truncated, cut, "{query}");
        assert!(rows(&pieces) == whole.rows().collect::<Vec<_>>(), "{query}");
    }
}

#[test]
fn what_is_wrong_with_the_query_is_known_before_there_are_rows() {
    let engine = engine(Catalog::new());
    for query in [
        "print x = ",
        "NoSuchTable",
        "print hash_combine(1, 2, 3, 4, 5)",
    ] {
        let error = block_on(engine.stream(query)).unwrap_err();
        assert_eq!(error, run_on(&engine, query).unwrap_err(), "{query}");
    }
}

#[test]
fn what_goes_wrong_after_rows_ends_them_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for number in 0..100_000 {
        let _ = writeln!(text, r#"{{"Number":{number}}}"#);
    }
    text.push_str("{\"Number\":\"none\"}\n");
    std::fs::write(folder.path().join("T.ndjson"), text).unwrap();
    let schema = |_: &str| Some(vec![("Number".to_owned(), ScalarType::Long)]);
    let engine = engine(Catalog::from_folder(folder.path(), &schema).unwrap());
    let (pieces, error, _) = pieces(block_on(engine.stream("T")).unwrap());
    let error = error.unwrap().to_string();
    assert!(
        error.contains("T.ndjson") && error.contains("100001"),
        "{error}"
    );
    let found = rows(&pieces);
    assert!(
        !found.is_empty() && found.len() <= 100_000,
        "{}",
        found.len()
    );
    assert!(run_on(&engine, "T").is_err());
}

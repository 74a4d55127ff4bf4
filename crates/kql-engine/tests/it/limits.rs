//! What is refused, cut or stopped.

use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::buffer::{Buffer, ScalarBuffer};
use bytes::Bytes;
use futures::FutureExt as _;
use kql_engine::{Catalog, Engine, EngineError, Options, ScalarType, Value};

use super::{engine, json, run, run_on};

#[test]
fn what_is_not_supported_says_so_and_where() {
    let query = "print x = 1\n| extend y = hash_combine(1, 2, 3, 4, 5)";
    let error = run(query).unwrap_err();
    assert!(
        matches!(&error, EngineError::Unsupported { span: Some(_), .. }),
        "{error}"
    );
    assert_eq!(
        error.render(query),
        "2:14: function hash_combine() is not supported by the local engine\n  \
         | extend y = hash_combine(1, 2, 3, 4, 5)\n               ^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
    );
}

#[test]
fn wrong_text_is_told_apart() {
    assert!(matches!(
        run("print x = ").unwrap_err(),
        EngineError::Syntax(_)
    ));
    assert!(matches!(
        run("NoSuchTable | take 1").unwrap_err(),
        EngineError::Semantic(_)
    ));
    assert!(matches!(
        run("print assert(1 == 2, 'no')").unwrap_err(),
        EngineError::Runtime { .. }
    ));
    assert!(matches!(
        run("print 'a' matches regex '('").unwrap_err(),
        EngineError::Argument { .. }
    ));
}

#[test]
fn a_limit_of_rows_is_told() {
    let limited = |most| {
        Engine::new(
            Catalog::new(),
            Options {
                max_rows: Some(most),
                ..Options::default()
            },
        )
    };
    let answer = run_on(&limited(3), "range x from 1 to 10 step 1").unwrap();
    assert_eq!((answer.len(), answer.truncated), (3, true));
    assert!(!answer.into_table().unwrap().is_complete());
    let answer = run_on(&limited(10), "range x from 1 to 10 step 1").unwrap();
    assert_eq!((answer.len(), answer.truncated), (10, false));
}

#[test]
fn too_little_memory_is_an_error() {
    let options = Options {
        memory_limit: Some(100_000),
        ..Options::default()
    };
    let engine = Engine::new(Catalog::new(), options);
    let query = "range x from 1 to 200000 step 1 | summarize count() by tostring(x) | count";
    let error = run_on(&engine, query).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the query needs more memory than its limit allows: filter rows, or drop columns, earlier"
    );
}

#[test]
fn what_fails_for_a_row_is_shown_where_it_is_written() {
    for (query, shown) in [
        (
            "range x from 1 to 3 step 1\n| extend y = 1 + toint(assert(x < 3, 'three'))",
            "assert(x < 3, 'three')",
        ),
        (
            "print a = 1 | extend b = 2, c = format_timespan(1h, 'w')",
            "format_timespan(1h, 'w')",
        ),
    ] {
        let error = run(query).unwrap_err();
        assert!(
            matches!(
                error,
                EngineError::Argument { .. } | EngineError::Runtime { .. }
            ),
            "{error:?}"
        );
        let text = error.render(query);
        let carets = text.lines().last().unwrap();
        let line = text.lines().nth(1).unwrap();
        assert_eq!(
            carets.trim_start(),
            "^".repeat(shown.chars().count()),
            "{text}"
        );
        assert!(
            line[carets.find('^').unwrap()..].starts_with(shown),
            "{text}"
        );
    }
}

#[test]
fn the_rows_of_an_answer_take_of_the_memory_there_is() {
    let limited = |most| {
        let options = Options {
            memory_limit: Some(most),
            ..Options::default()
        };
        Engine::new(Catalog::new(), options)
    };
    // Eight bytes each, and nothing of them is kept on the way.
    let query = "range x from 1 to 500000 step 1 | where x > 0";
    assert_eq!(run_on(&limited(6_000_000), query).unwrap().len(), 500_000);
    let error = run_on(&limited(3_000_000), query).unwrap_err();
    assert!(error.to_string().contains("more memory"), "{error}");
    let kept = format!("let r = materialize({query}); r | count");
    let error = run_on(&limited(3_000_000), &kept).unwrap_err();
    assert!(error.to_string().contains("more memory"), "{error}");
    let folded = format!("{query} | count");
    assert_eq!(run_on(&limited(3_000_000), &folded).unwrap().len(), 1);
}

#[test]
fn sketches_take_of_the_memory_there_is() {
    let options = Options {
        memory_limit: Some(4_000_000),
        ..Options::default()
    };
    let engine = Engine::new(Catalog::new(), options);
    for aggregate in ["hll(x)", "tdigest(x)"] {
        let query = format!("range x from 1 to 100000 step 1 | summarize {aggregate} | count");
        let error = run_on(&engine, &query).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the query needs more memory than its limit allows: filter rows, or drop columns, earlier"
        );
    }
}

#[test]
fn without_a_time_the_question_for_it_fails() {
    let engine = Engine::new(Catalog::new(), Options::default());
    assert!(run_on(&engine, "print now()").is_err());
    assert!(run_on(&engine, "print 1").is_ok());
}

#[test]
fn deep_and_wide_queries_run() {
    let deep = format!("print x = {}1{}", "(".repeat(60), ")".repeat(60));
    assert_eq!(json(&run(&deep).unwrap()), serde_json::json!([[1]]));
    let wide: Vec<String> = (0..1000).map(|at| format!("x == {at}")).collect();
    let wide = format!("print x = 999 | where {}", wide.join(" or "));
    assert_eq!(json(&run(&wide).unwrap()), serde_json::json!([[999]]));
    let long = format!("print x = 0{}", " | extend x = x + 1".repeat(100));
    assert_eq!(json(&run(&long).unwrap()), serde_json::json!([[100]]));
    let refused = format!("print x = {}1{}", "(".repeat(1000), ")".repeat(1000));
    assert!(run(&refused).is_err());
}

/// Memory that says when nobody holds it any more.
struct Held(Vec<u8>, Sender<()>);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.1.send(());
    }
}

#[test]
fn a_dropped_question_stops() {
    // 512 billion pairs of rows: this ends by being given up, or not at all.
    let pairs = "T | join kind=inner T on k | join kind=inner T on k | count";
    let (questioned, released) = one_value();
    assert!(questioned.run(pairs).now_or_never().is_none());
    drop(questioned);
    released
        .recv_timeout(Duration::from_mins(1))
        .expect("the thread goes on with a question that nobody waits for");

    let (streamed, released) = one_value();
    drop(futures::executor::block_on(streamed.stream(pairs)).unwrap());
    drop(streamed);
    released
        .recv_timeout(Duration::from_mins(1))
        .expect("the thread goes on with a stream that nobody reads");
}

/// An engine whose table `T` has 8,000 times the same value, and who is told when it is let go.
fn one_value() -> (Engine, mpsc::Receiver<()>) {
    let (sender, released) = mpsc::channel();
    let held = Bytes::from_owner(Held(vec![0; 8_000 * 8], sender));
    let values = ScalarBuffer::<i64>::from(Buffer::from(held));
    let column = Arc::new(Int64Array::new(values, None)) as ArrayRef;
    let mut catalog = Catalog::new();
    let batch = RecordBatch::try_from_iter([("k", column)]).unwrap();
    catalog.add_batches("T", vec![batch]);
    (engine(catalog), released)
}

#[test]
fn parameters_reach_the_query() {
    let mut options = Options::default();
    options
        .parameters
        .insert("who".to_owned(), Value::String("it's \"x\"".to_owned()));
    let engine = Engine::new(Catalog::new(), options);
    let answer = run_on(&engine, "declare query_parameters(who:string); print who").unwrap();
    assert_eq!(json(&answer), serde_json::json!([["it's \"x\""]]));
}

#[test]
fn an_answer_becomes_a_table() {
    let answer = run(
        "print a = 1, t = datetime(2024-01-01), s = 1h, d = dynamic({'a':[1]}), g = guid(null), r = real(nan), old = datetime(0001-01-01)",
    )
    .unwrap();
    let types: Vec<ScalarType> = answer.columns.iter().map(|column| column.ty).collect();
    assert_eq!(
        types[..4],
        [
            ScalarType::Long,
            ScalarType::DateTime,
            ScalarType::TimeSpan,
            ScalarType::Dynamic
        ]
    );
    let table = answer.into_table().unwrap();
    assert_eq!(table.row_count(), 1);
    assert_eq!(table.column_names(), ["a", "t", "s", "d", "g", "r", "old"]);
    assert_eq!(
        table.warnings().len(),
        1,
        "the year 1 is outside Arrow's timestamps"
    );
}

#[test]
fn the_smallest_long_is_written_in_tables_only() {
    let answer = run("datatable(v:long)[-9223372036854775808]").unwrap();
    assert_eq!(
        answer.rows().next(),
        Some(vec![kql_engine::Value::Long(i64::MIN)])
    );
    for query in [
        "print -9223372036854775808",
        "print 1 between (-9223372036854775808 .. 2)",
    ] {
        let error = run(query).unwrap_err();
        assert!(error.to_string().contains("does not fit a long"), "{error}");
    }
}

#[test]
fn values_that_grow_without_end_are_errors() {
    let doubled = |step: &str| format!("print a = 'abcdefgh' {}", step.repeat(40));
    let mut queries: Vec<String> = [
        "| extend a = strcat(a, a)",
        "| extend a = replace_string(a, 'a', 'aaaaaaaaaaaaaaaaa')",
        "| extend a = replace_regex(a, 'a', 'aaaaaaaaaaaaaaaaa')",
        "| extend a = strcat_delim(a, a, a)",
        "| extend a = strrep(a, 1024, a)",
        "| extend a = replace_strings(a, dynamic(['a']), dynamic(['aaaaaaaaaaaaaaaaa']))",
    ]
    .map(doubled)
    .to_vec();
    queries.push(format!(
        "print a = dynamic([1]) {}",
        "| extend a = pack_array(a, a)".repeat(40)
    ));
    queries.push("print repeat(strrep('abcdefgh', 1024), 1048576)".to_owned());
    for query in queries {
        let error = run(&query).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a value would have more than 128 MiB",
            "{query}"
        );
    }
}

#[test]
fn large_constants_are_made_where_they_are_used() {
    let calls: Vec<String> = (0..40)
        .map(|at| format!("x{at} = array_length(range(1, 200000 + {at}))"))
        .collect();
    let query = format!("print {} | project x0, x39", calls.join(", "));
    assert_eq!(
        json(&run(&query).unwrap()),
        serde_json::json!([[200_000, 200_039]])
    );
}

#[test]
fn rows_that_multiply_come_in_pieces() {
    let query = "range x from 1 to 3 step 1 | extend a = range(1, 300) \
                 | mv-expand b = a to typeof(long) | mv-expand c = a to typeof(long) | where b == c | count";
    assert_eq!(json(&run(query).unwrap()), serde_json::json!([[900]]));
    let wide = "range x from 1 to 5000 step 1 | extend a = range(1, x % 40) \
                | mv-expand b = a to typeof(long) | summarize sum(b), count()";
    let sum: i64 = (1..=5000).map(|x: i64| x % 40 * (x % 40 + 1) / 2).sum();
    let count: i64 = (1..=5000).map(|x: i64| x % 40).sum();
    assert_eq!(json(&run(wide).unwrap()), serde_json::json!([[sum, count]]));
}

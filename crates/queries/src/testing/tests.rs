//! Test files, mutants and reports.

use std::time::Duration;

use super::*;

#[test]
fn rows_repeat_and_change() {
    let tests = QueryTest::parse(
        "tests:\n- query: A.b\n  title: scans\n  environment: MDE\n  now: 2026-02-01\n  parameters: {n: 5, s: x, l: [a, 2], f: 1.5, t: true, none: null}\n  rows:\n    T:\n    - {IP: '10.0.0.#', Port: 445, repeat: 3}\n    - {IP: 1.1.1.1}\n  expect: [{IP: 10.0.0.1}]\n  misses:\n  - T: {Port: 80}\n",
    )
    .unwrap();
    let test = &tests[0];
    assert_eq!(test.name(), "A.b: scans");
    assert_eq!(test.environment, Some(DataEnvironment::Mde));
    let addresses = |rows: &[Row]| -> Vec<String> {
        rows.iter()
            .map(|row| row["IP"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        addresses(&test.rows["T"]),
        ["10.0.0.1", "10.0.0.2", "10.0.0.3", "1.1.1.1"]
    );
    let changed = test.missing(&test.misses[0]);
    assert!(changed["T"].iter().all(|row| row["Port"] == 80));
    assert_eq!(test.parameters.get("n"), Some(&Value::Int(5)));
    assert_eq!(test.parameters.get("f"), Some(&Value::Float(1.5)));
    assert_eq!(test.parameters.get("none"), None);
    assert_eq!(
        test.parameters.get("l"),
        Some(&Value::List(vec!["a".into(), 2.into()]))
    );
}

#[test]
fn a_test_that_says_nothing_is_refused() {
    for (text, expected) in [
        (
            "tests:\n- query: A.b\n",
            "line 2: the test of 'A.b' expects nothing",
        ),
        (
            "tests:\n- query: A.b\n  expect: [{a: 1}]\n  misses: [{T: {a: 1}}]\n",
            "line 2: the test of 'A.b' changes rows of T, which has none",
        ),
        (
            "tests:\n- query: A.b\n  expect: [{a: 1}]\n  rows: {T: [{repeat: -1}]}\n",
            "line 2: the test of 'A.b' repeats a row -1 times",
        ),
        ("tests:\n- {}\n", "this is not a file of query tests"),
        (
            "tests:\n- {query: a, expct: []}\n",
            "this is not a file of query tests",
        ),
    ] {
        assert_eq!(
            QueryTest::parse(text).unwrap_err().to_string(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn every_filter_is_left_out_once() {
    let text = "let a = T | where x > 1;\nT // | where no\n| where y in ((a | where z == '| where'))\n| mv-apply i on (where i > 2 | project i)\n| filter f(1, (2))";
    let removed: Vec<(u32, String)> = mutants(text)
        .into_iter()
        .map(|mutant| (mutant.line, mutant.removed))
        .collect();
    assert_eq!(
        removed,
        [
            (1, "where x > 1".to_owned()),
            (3, "where y in ((a | where z == '| where'))".to_owned()),
            (3, "where z == '| where'".to_owned()),
            (4, "where i > 2".to_owned()),
            (5, "filter f(1, (2))".to_owned()),
        ]
    );
    for mutant in mutants(text).iter().filter(|mutant| mutant.line != 4) {
        assert!(
            kql_syntax::parse(&mutant.text).diagnostics.is_empty(),
            "{}",
            mutant.text
        );
    }
}

#[test]
fn a_report_is_xml() {
    let case = |failures: Vec<String>| TestCase {
        class: "hunting.yaml".to_owned(),
        name: "A.b: <x> & \"y\"".to_owned(),
        duration: Duration::from_millis(1500),
        failures,
    };
    insta::assert_snapshot!(
        junit("queries", &[case(Vec::new()), case(vec!["lost\u{1}\nrow".to_owned(), "too".to_owned()])]),
        @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites>
      <testsuite name="queries" tests="2" failures="1" errors="0" time="3.000">
        <testcase classname="hunting.yaml" name="A.b: &lt;x&gt; &amp; &quot;y&quot;" time="1.500"/>
        <testcase classname="hunting.yaml" name="A.b: &lt;x&gt; &amp; &quot;y&quot;" time="1.500">
          <failure message="lost�">lost�&#10;row&#10;too</failure>
        </testcase>
      </testsuite>
    </testsuites>
    "#
    );
}

//! Every quirk of an answer, whole and in pieces, and random answers against `serde_json`.

use defender_table::{Cell, Format, Summary, Table, WriterOptions};

use super::*;
use crate::envelope::Next;

fn options() -> Options {
    Options {
        limits: Limits::default(),
        max_rows: None,
        datetimes: DatetimeMode::Timestamp,
        annotated: true,
        blocks: BlockOptions {
            at_once: 0,
            ..BlockOptions::of_this_machine(0)
        },
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.build().unwrap().block_on(future)
}

fn finish(decoder: Decoder) -> Result<Decoded> {
    block_on(decoder.finish())
}

/// Decodes in chunks of random sizes; rows are cut into blocks when `blocks` has a size.
fn decode_in_pieces(
    random: &mut Random,
    largest: usize,
    blocks: Option<usize>,
    body: &[u8],
) -> Result<Decoded> {
    let blocks = BlockOptions {
        after: 1,
        size: blocks.unwrap_or_default(),
        least: blocks.unwrap_or_default(),
        turn: 0,
        at_once: if blocks.is_some() { 3 } else { 0 },
    };
    let mut decoder = Decoder::new(Options {
        blocks,
        ..options()
    });
    block_on(async {
        let mut rest = body;
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at((1 + random.below(largest)).min(rest.len()));
            decoder.push(chunk)?;
            decoder.settle().await?;
            rest = after;
        }
        decoder.finish().await
    })
}

fn decode_with(options: Options, body: &[u8]) -> Result<Decoded> {
    let mut decoder = Decoder::new(options);
    decoder.push(body)?;
    finish(decoder)
}

fn decode(body: &str) -> Decoded {
    decode_with(options(), body.as_bytes()).unwrap()
}

fn table(decoded: Decoded) -> (Table, Vec<String>) {
    let warnings = decoded.warnings.iter().map(ToString::to_string).collect();
    let summary = Summary {
        rows: decoded.rows,
        ..Summary::default()
    };
    (
        Table::new(decoded.schema, decoded.batches, summary).unwrap(),
        warnings,
    )
}

/// Types, rows and warnings as text.
fn shown(decoded: Decoded) -> String {
    let rows = decoded.rows;
    let (table, warnings) = table(decoded);
    assert_eq!(table.row_count(), rows);
    let types: Vec<_> = table
        .column_types()
        .into_iter()
        .map(|(name, column_type)| format!("{name}: {column_type}"))
        .collect();
    let rows = table
        .to_text(Format::Ndjson, &WriterOptions::default())
        .unwrap();
    let warnings: Vec<_> = warnings
        .iter()
        .map(|warning| format!("! {warning}\n"))
        .collect();
    let warnings = warnings.concat();
    format!("{}\n{rows}{warnings}", types.join(", "))
}

const SCHEMA: &str = r#"[{"name":"B","type":"SByte"},{"name":"L","type":"Int64"},
    {"name":"R","type":"Double"},{"name":"T","type":"DateTime"},{"name":"S","type":"String"},
    {"name":"D","type":"Object"},{"name":"P","type":"TimeSpan"},{"name":"G","type":"Guid"},
    {"name":"M","type":"SqlDecimal"},{"name":"I","type":"Int32"}]"#;

#[test]
fn an_answer_of_graph() {
    let rows = r##"[
        {"B@odata.type":"#SByte","B":1,"L@odata.type":"#Int64","L":9223372036854775807,"R":10.0,
         "T":"2024-03-26T09:39:50.7688641Z","S":"","D":{"@odata.type":"#x","a":{"@odata.type":"#x",
         "b@odata.type":"#Collection(String)","b":["{\"c\":1}"]}},"P":"00.12:00:36",
         "G":"0f8fad5b-d9cb-469f-a165-70867728950e","M":"1.50","I":-5},
        {"B":{},"L":{},"R":{},"T":{},"S":"a\nb\u0000","D":{},"P":{},"G":{},"M":{},"I":{}},
        {"B":0,"L":"-7","R":"NaN","T":"2021-04-26T09:37:48Z","S":null,"D":"bare","P":null,
         "D@odata.type":"#String","G":null,"M":12.345678901234567890123,"I":"8"},
        {"I":9,"B":true},
        {"S":null}
    ]"##;
    let body = format!(r#"{{"@odata.context":"https://x/#y","schema":{SCHEMA},"results":{rows}}}"#);
    insta::assert_snapshot!(shown(decode(&body)));
}

#[test]
fn rows_before_their_schema_decode_the_same() {
    let rows = r#"[{"B":1,"L":2,"D":[1,{"x":null}]},{"L":3}]"#;
    let before = format!(r#"{{"Stats":{{"cpu":99}},"Schema":{SCHEMA},"Results":{rows}}}"#);
    let after =
        format!(r#"{{"Results":{rows},"Unknown":[{{}}],"Schema":{SCHEMA},"Stats":{{"cpu":99}}}}"#);
    let (before, after) = (decode(&before), decode(&after));
    assert_eq!(before.stats, Some(serde_json::json!({"cpu": 99})));
    assert_eq!(before.stats, after.stats);
    assert_eq!(shown(before), shown(after));
}

#[test]
fn without_a_schema_the_types_are_read_off_the_rows() {
    let body = r##"{"Results":[
        {"A":1,"B":"2024-01-01T00:00:00Z","C":null,"D":{},"E":{},"H":1},
        {"A":2.5,"B":"","F":true,"D":{"x":1},"E":5,"G@odata.type":"#x","G":[1],"H":"one"},
        {"A":18446744073709551615,"F":null,"B":"x","Nam\u0065":"last"}
    ]}"##;
    insta::assert_snapshot!(shown(decode(body)), @r#"
    A: dynamic, B: string, C: dynamic, D: dynamic, E: long, H: dynamic, F: bool, G: dynamic, Name: string
    {"A":1,"B":"2024-01-01T00:00:00Z","C":null,"D":{},"E":null,"H":1,"F":null,"G":null,"Name":null}
    {"A":2.5,"B":"","C":null,"D":{"x":1},"E":5,"H":"one","F":true,"G":[1],"Name":null}
    {"A":18446744073709551615,"B":"x","C":null,"D":null,"E":null,"H":null,"F":null,"G":null,"Name":"last"}
    ! the answer came without a schema: the types of its columns are read off the rows
    "#);
}

#[test]
fn an_empty_answer_keeps_its_columns() {
    for body in [
        format!(r#"{{"Schema":{SCHEMA},"Results":[]}}"#),
        format!(r#"{{"Results":[],"Schema":{SCHEMA}}}"#),
    ] {
        let decoded = decode(&body);
        assert_eq!((decoded.rows, decoded.schema.fields().len()), (0, 10));
        assert!(decoded.warnings.is_empty());
    }
    let (table, warnings) = table(decode(r#"{"schema":[],"results":[{"A":1}]}"#));
    assert_eq!((table.row_count(), warnings.len()), (1, 1));
    let decoded = decode(r#"{"schema":[],"results":[]}"#);
    assert_eq!((decoded.rows, decoded.schema.fields().len()), (0, 0));
    assert!(decoded.warnings.is_empty());
}

#[test]
fn odd_schemas_are_told() {
    let body = r#"{"Schema":[{"Name":"A","Type":"Geometry"},{"NAME":"A","type":"String"},{"Name":"C"}],
        "Results":[{"A":{"x":1},"C":"y","Q":1,"Z":2},{"Q":3,"A":1,"A":2}]}"#;
    insta::assert_snapshot!(shown(decode(body)), @r#"
    A: dynamic, C: dynamic
    {"A":{"x":1},"C":"y"}
    {"A":2,"C":null}
    ! column A has the unknown type 'Geometry' and is kept as dynamic
    ! the schema names column A twice: the second is left out
    ! column C has the unknown type '' and is kept as dynamic
    ! 1 value stood a second time in their row: the last one counts
    ! 3 values had no column in the schema and were left out: Q, Z
    "#);
}

#[test]
fn what_does_not_fit_is_null_and_counted() {
    let body = format!(
        r#"{{"Schema":{SCHEMA},"Results":[{{"B":2,"L":1.5,"R":"x","T":"soon","P":"1","M":"x","I":3000000000}},
        {{"T":"0001-01-01T00:00:00Z","L":9223372036854775808}}]}}"#
    );
    insta::assert_snapshot!(shown(decode(&body)), @r#"
    B: bool, L: long, R: real, T: datetime, S: string, D: dynamic, P: timespan, G: guid, M: decimal, I: int
    {"B":null,"L":null,"R":null,"T":null,"S":null,"D":null,"P":null,"G":null,"M":null,"I":null}
    {"B":null,"L":null,"R":null,"T":null,"S":null,"D":null,"P":null,"G":null,"M":null,"I":null}
    ! 1 value of column B was not bool and became null
    ! 2 values of column L were not long and became null
    ! 1 value of column R was not real and became null
    ! 1 value of column T was not datetime and became null
    ! 1 value of column T was outside the years 1677 to 2262 and became null
    ! 1 value of column P was not timespan and became null
    ! 1 value of column M was not decimal and became null
    ! 1 value of column I was not int and became null
    "#);
}

#[test]
fn an_annotation_is_data_where_the_api_has_none() {
    let body = r#"{"Schema":[{"Name":"D","Type":"Object"}],"Results":[{"D":{"@odata.type":"x"}}]}"#;
    let plain = Options {
        annotated: false,
        ..options()
    };
    let (table, _) = table(decode_with(plain, body.as_bytes()).unwrap());
    assert_eq!(
        table.cell(0, "D").unwrap().to_string(),
        r#"{"@odata.type":"x"}"#
    );
}

#[test]
fn broken_unicode_is_shown_and_counted() {
    let mut body = br#"{"Schema":[{"Name":"S","Type":"String"},{"Name":"D","Type":"Object"}],
        "Results":[{"S":"\ud800x","D":["\udc00"]},{"S":"ok "#
        .to_vec();
    body.extend_from_slice(b"\xff\xfe\",\"D\":[\"\xc3\"]},{\"S\":\"\xc3\xa9\",\"D\":1}]}");
    let (table, warnings) = table(decode_with(options(), &body).unwrap());
    assert_eq!(table.cell(0, "S").unwrap().to_string(), "\u{fffd}x");
    assert_eq!(table.cell(0, "D").unwrap().to_string(), r#"["\ufffd"]"#);
    assert_eq!(
        table.cell(1, "S").unwrap().to_string(),
        "ok \u{fffd}\u{fffd}"
    );
    assert_eq!(table.cell(1, "D").unwrap().to_string(), "[\"\u{fffd}\"]");
    assert_eq!(table.cell(2, "S").unwrap().to_string(), "é");
    assert_eq!(warnings, ["3 values held broken Unicode, shown as U+FFFD"]);
}

#[test]
fn nesting_is_kept_up_to_the_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let body = |depth| {
        let value = nested(depth);
        format!(
            r#"{{"x":{value},"Schema":[{{"Name":"D","Type":"Object"}}],"Results":[{{"D":{value}}}]}}"#
        )
    };
    for depth in [100, 10_000] {
        let (table, warnings) = table(decode(&body(depth)));
        assert_eq!(
            table.cell(0, "D").unwrap(),
            Cell::Json(nested(depth).into())
        );
        assert!(warnings.is_empty());
    }
    let (table, warnings) = table(decode(&body(100_000)));
    assert_eq!(table.cell(0, "D").unwrap(), Cell::Null);
    assert_eq!(
        warnings,
        ["1 value of column D nested deeper than 10000 levels and became null"]
    );
}

#[test]
fn a_cell_of_ten_megabytes_in_small_chunks() {
    let cell = "x\\n".repeat(5_000_000);
    let body =
        format!(r#"{{"Schema":[{{"Name":"S","Type":"String"}}],"Results":[{{"S":"{cell}"}}]}}"#);
    let mut decoder = Decoder::new(options());
    for chunk in body.as_bytes().chunks(16_384) {
        decoder.push(chunk).unwrap();
    }
    let (table, _) = table(finish(decoder).unwrap());
    assert_eq!(table.cell(0, "S").unwrap().to_string().len(), 10_000_000);
}

#[test]
fn a_cut_keeps_as_many_rows_as_asked() {
    let body = r#"{"Schema":[{"Name":"A","Type":"Int64"}],"Results":[{"A":1},{"A":2},{"A":3}]}"#;
    let late = r#"{"Results":[{"A":1},{"A":2},{"A":3}],"Schema":[{"Name":"A","Type":"Int64"}]}"#;
    for body in [body, late] {
        for (max_rows, rows, cut) in [(0, 0, true), (2, 2, true), (3, 3, false), (4, 3, false)] {
            let options = Options {
                max_rows: Some(max_rows),
                ..options()
            };
            let decoded = decode_with(options, body.as_bytes()).unwrap();
            assert_eq!((decoded.rows, decoded.cut), (rows, cut), "{max_rows}");
        }
    }
    let mut decoder = Decoder::new(Options {
        max_rows: Some(1),
        ..options()
    });
    decoder.push(&body.as_bytes()[..body.len() - 10]).unwrap();
    assert!(decoder.is_satisfied(), "the rest need not be downloaded");
    assert_eq!(finish(decoder).unwrap().rows, 1);
}

#[test]
fn limits_are_errors() {
    let body = r#"{"Schema":[{"Name":"A","Type":"Int64"}],"Results":[{"A":1},{"A":2},{"A":3}]}"#;
    for (limits, message) in [
        (
            Limits {
                body: 50,
                ..Limits::default()
            },
            "the answer is larger than 50 bytes",
        ),
        (
            Limits {
                rows: 2,
                ..Limits::default()
            },
            "the answer has more than 2 rows",
        ),
    ] {
        let error = decode_with(
            Options {
                limits,
                ..options()
            },
            body.as_bytes(),
        )
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Incomplete);
        assert_eq!(error.to_string(), message);
    }
    let limits = Limits {
        row: 100,
        ..Limits::default()
    };
    let mut decoder = Decoder::new(Options {
        limits,
        ..options()
    });
    decoder
        .push(br#"{"Schema":[{"Name":"A","Type":"String"}],"Results":["#)
        .unwrap();
    let error = decoder
        .push(format!(r#"{{"A":"{}"#, "x".repeat(200)).as_bytes())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "a row of the answer is larger than 100 bytes"
    );
}

#[test]
fn an_answer_cut_short_anywhere_is_a_broken_download() {
    let body = format!(
        r#" {{"Stats":{{"a":1}},"Schema":{SCHEMA},"Results":[{{"B":1,"D":{{"a":[1]}}}},{{"S":"é\u00e9"}}]}}"#
    );
    for end in 0..body.len() {
        let error = decode_with(options(), &body.as_bytes()[..end]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport, "{end}: {error}");
        assert!(error.is_transient());
    }
}

#[test]
fn what_is_no_answer() {
    for (body, message) in [
        (
            "<html><head><title>Sign in</title></head></html>",
            "the answer is no JSON: Sign in",
        ),
        ("[]", "the answer is a list where an object was expected"),
        ("7", "the answer is a number where an object was expected"),
        ("\"x\"", "the answer is text where an object was expected"),
        (
            "{\"Results\":[{}]} x",
            "the answer is broken JSON at byte 17: nothing was expected after the object",
        ),
        (
            "{\"Results\":[{\"a\":1}{}]}",
            "the answer is broken JSON at byte 19: a comma or a closing bracket was expected",
        ),
        (
            "{\"Results\":{}}",
            "the results of the answer are an object where a list was expected",
        ),
        (
            "{\"Results\":null,\"Schema\":[]}",
            "the results of the answer are null where a list was expected",
        ),
        (
            "{\"Results\":[],\"results\":[]}",
            "the answer holds 'results' twice",
        ),
        (
            "{\"Results\":[],\"r\\u0065sults\":[]}",
            "the answer holds 'results' twice",
        ),
        (
            "{\"Schema\":[],\"Results\":[],\"schema\":[]}",
            "the answer holds 'schema' twice",
        ),
        (
            "{\"Schema\":[{\"Name\":\"A\",\"Type\":\"Int64\"}],\"Results\":[{\"A\":1}],\"Results\":[]}",
            "the answer holds 'Results' twice",
        ),
        (
            "{\"x\":1,\"Results\":[],\"x\":1}",
            "the answer holds 'x' twice",
        ),
        (
            "{\"Schema\":[{\"Name\":\"A\",\"Type\":\"Int64\"}],\"Results\":[{\"A\":1},{\"error\":1}]}",
            "a row of the answer has none of the columns of its schema, but 'error'",
        ),
        (
            "{\"Schema\":[{\"Name\":\"A\",\"Type\":\"Int64\"}],\"Results\":[5]}",
            "the answer is broken JSON at byte 51: a row was expected",
        ),
        ("{\"Results\":[5]}", "a row of the answer is no object"),
        ("{\"Schema\":{},\"Results\":[]}", "the schema is no list"),
        (
            "{\"Schema\":[{}],\"Results\":[]}",
            "a column of the schema has no name",
        ),
        ("{}", "the answer holds no results"),
    ] {
        let error = decode_with(options(), body.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message, "{body}");
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(!error.is_transient());
    }
}

#[test]
fn another_page_is_noticed() {
    let body = r#"{"schema":[],"results":[],"@odata.nextLink":"https://graph.microsoft.com/x"}"#;
    assert!(decode(body).around.next != Next::End);
    assert!(
        decode(r#"{"schema":[],"results":[],"@odata.nextLink":null}"#)
            .around
            .next
            == Next::End
    );
    for member in [
        r#""@odata.nextLink":7"#,
        r#""@odata.nextLink":"""#,
        r#""results@odata.nextLink":"x""#,
        r#""@nextLink":{}"#,
        r#""nextLink":"x""#,
        r#""ODATA.NEXTLINK":[]"#,
    ] {
        for body in [
            format!(r#"{{{member},"schema":[],"results":[]}}"#),
            format!(r#"{{"schema":[],"results":[],{member}}}"#),
        ] {
            assert!(decode(&body).around.next != Next::End, "{body}");
        }
    }
}

#[test]
fn an_error_is_found_wherever_it_stands() {
    let rows = r#""results":[{"A":1}]"#;
    let schema = r#""schema":[{"name":"A","type":"Int64"}]"#;
    for name in [
        "error",
        "Error",
        "@odata.error",
        "OneApiErrors",
        "\\u0065rror",
    ] {
        for (value, reported) in [(r#"{"code":"x"}"#, true), ("\"x\"", true), ("null", false)] {
            let error = format!(r#""{name}":{value}"#);
            for body in [
                format!("{{{error},{schema},{rows}}}"),
                format!("{{{schema},{error},{rows}}}"),
                format!("{{{schema},{rows},{error}}}"),
                format!("{{{rows},{error},{schema}}}"),
            ] {
                let decoded = decode(&body);
                assert_eq!(decoded.rows, 1);
                let failure = decoded.around.failure.as_deref();
                assert_eq!(failure, reported.then_some(value.as_bytes()), "{body}");
            }
        }
    }
    for body in [
        r#"{"error":{"code":"x"}}"#,
        r#"{"error":{"code":"x"},"results":null}"#,
        r#"{"results":{},"error":{"code":"x"}}"#,
    ] {
        let decoded = decode(body);
        assert_eq!(
            decoded.around.failure.as_deref(),
            Some(&br#"{"code":"x"}"#[..])
        );
        assert_eq!(decoded.rows, 0);
    }
}

#[test]
fn very_many_columns_decode_as_few_do_and_have_a_limit() {
    let count = 1_500;
    let schema: Vec<String> = (0..count)
        .map(|column| format!(r#"{{"name":"c{column}","type":"Int64"}}"#))
        .collect();
    let schema = format!(r#""schema":[{}]"#, schema.join(","));
    let rows: Vec<String> = (0..count)
        .map(|row| match row % 5 {
            0 => format!(r#"{{"c{row}":{row},"c1":"x","c{row}":7}}"#),
            1 => r#"{"c1":null}"#.to_owned(),
            2 => format!(r#"{{"c0":null,"c{row}":"a\n","q":1}}"#),
            _ => format!(r#"{{"c{row}":{row}}}"#),
        })
        .collect();
    let rows = format!(r#""results":[{}]"#, rows.join(","));
    let expected = |row: usize, column: usize| match row % 5 {
        0 if row == column => "7".to_owned(),
        3 | 4 if row == column => row.to_string(),
        _ => String::new(),
    };
    let mut random = Random(5);
    for body in [
        format!("{{{schema},{rows}}}"),
        format!("{{{rows},{schema}}}"),
    ] {
        for blocks in [None, Some(2_000)] {
            let decoded = decode_in_pieces(&mut random, 900, blocks, body.as_bytes()).unwrap();
            let (table, warnings) = table(decoded);
            assert_eq!(table.row_count(), count);
            for row in 0..count {
                for column in [row, 0, 1, (row * 7) % count] {
                    let cell = table.cell(row, &format!("c{column}")).unwrap().to_string();
                    assert_eq!(cell, expected(row, column), "{row} {column}");
                }
            }
            assert!(warnings.contains(
                &"300 values stood a second time in their row: the last one counts".to_owned()
            ));
        }
    }
    let limited = |body: &str| {
        let limits = Limits {
            columns: 1_499,
            ..Limits::default()
        };
        let options = Options {
            limits,
            ..options()
        };
        decode_with(options, body.as_bytes())
            .unwrap_err()
            .to_string()
    };
    let message = "the answer has 1500 columns, more than the limit of 1499";
    assert_eq!(limited(&format!("{{{schema},{rows}}}")), message);
    let own: Vec<String> = (0..count).map(|row| format!(r#"{{"c{row}":1}}"#)).collect();
    let body = format!(r#"{{"results":[{}]}}"#, own.join(","));
    assert_eq!(limited(&body), message);
    let cells = Options {
        limits: Limits {
            cells: 900_000,
            ..Limits::default()
        },
        ..options()
    };
    let error = decode_with(cells, body.as_bytes()).unwrap_err().to_string();
    assert!(
        error.ends_with("cells, more than the limit of 900000"),
        "{error}"
    );
}

#[test]
fn what_is_held_before_its_meaning_is_known_has_a_limit() {
    let schema = r#""schema":[{"name":"A","type":"Int64"}]"#;
    let rows = vec![r#"{"A":1}"#; 1_000].join(",");
    let options = || Options {
        limits: Limits {
            held: 4_000,
            ..Limits::default()
        },
        ..options()
    };
    let push = |body: &str| {
        let mut decoder = Decoder::new(options());
        for chunk in body.as_bytes().chunks(500) {
            decoder.push(chunk)?;
        }
        finish(decoder)
    };
    let after = format!(r#"{{{schema},"results":[{rows}]}}"#);
    assert_eq!(push(&after).unwrap().rows, 1_000);
    let before = format!(r#"{{"results":[{rows}],{schema}}}"#);
    let error = push(&before).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert_eq!(
        error.to_string(),
        "what comes before the schema of the answer is larger than 4000 bytes"
    );
}

#[test]
fn a_row_without_any_of_its_columns_is_not_a_row_of_nulls() {
    let schema = r#""schema":[{"name":"A","type":"Int64"},{"name":"B","type":"String"}]"#;
    for (row, has) in [
        ("{}", "nothing at all"),
        ("{ }", "nothing at all"),
        (r##"{"A@odata.type":"#Int64"}"##, "nothing at all"),
        (r#"{"error":"x"}"#, "'error'"),
    ] {
        for rows in [row.to_owned(), format!(r#"{{"A":1}},{row}"#)] {
            for body in [
                format!(r#"{{{schema},"results":[{rows}]}}"#),
                format!(r#"{{"results":[{rows}],{schema}}}"#),
            ] {
                let mut decoder = Decoder::new(options());
                let error = decoder
                    .push(body.as_bytes())
                    .and_then(|()| finish(decoder))
                    .unwrap_err();
                assert_eq!(
                    error.to_string(),
                    format!("a row of the answer has none of the columns of its schema, but {has}")
                );
            }
        }
    }
    // One whose columns are null names them.
    let rows = r#"[{"A":null},{"B":{}}]"#;
    assert_eq!(decode(&format!(r#"{{{schema},"results":{rows}}}"#)).rows, 2);
}

#[test]
fn control_characters_stay_in_the_data() {
    let body = r#"{"Schema":[{"Name":"S","Type":"String"}],"Results":[{"S":"\u001b[31m\u202e"}]}"#;
    let (table, _) = table(decode(body));
    assert_eq!(
        table.cell(0, "S").unwrap(),
        Cell::Text("\u{1b}[31m\u{202e}".into())
    );
}

/// A linear congruential generator: the same answers every time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn value(&mut self, depth: usize) -> serde_json::Value {
        use serde_json::{Value, json};
        match self.below(if depth > 3 { 9 } else { 11 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(1000)),
            3 => json!(i64::MIN + i64::try_from(self.below(1000)).unwrap()),
            4 => json!(f64::from(u32::try_from(self.below(100_000)).unwrap()) / 64.0),
            5 => json!(""),
            6 => json!("a \"quoted\" \\ back\\slash \u{1f600}\n\t\u{1}"),
            7 => json!("plain text of some length that is longer than eight bytes"),
            8 => json!("2024-03-26T09:39:50.7688641Z"),
            9 => Value::Array((0..self.below(4)).map(|_| self.value(depth + 1)).collect()),
            _ => {
                let members = self.below(4);
                Value::Object(
                    (0..members)
                        .map(|n| (format!("k{n} \"é"), self.value(depth + 1)))
                        .collect(),
                )
            }
        }
    }

    /// JSON text with blanks where blanks may be and some characters escaped that need not be.
    fn text(&mut self, value: &serde_json::Value) -> String {
        let text = if self.below(2) == 0 {
            serde_json::to_string_pretty(value).unwrap()
        } else {
            value.to_string()
        };
        if self.below(3) == 0 {
            text.replace('é', "\\u00e9")
                .replace('\u{1f600}', "\\uD83D\\ude00")
        } else {
            text
        }
    }
}

#[test]
fn random_answers_decode_as_serde_json_reads_them_in_any_chunks() {
    let mut random = Random(7);
    let names = ["D", "S", "k \"é"];
    for round in 0..600 {
        let rows: Vec<serde_json::Value> = (0..random.below(if round % 3 == 0 { 60 } else { 6 }))
            .map(|_| {
                let mut row = serde_json::Map::new();
                let first = random.below(3);
                for offset in 0..=random.below(3) {
                    let name = names[(first + offset) % 3];
                    row.insert(name.to_owned(), random.value(0));
                }
                row.into()
            })
            .collect();
        let results = random.text(&rows.clone().into());
        let schema = random.text(&serde_json::json!([
            {"name": "D", "type": "Object"}, {"name": "S", "type": "String"},
            {"name": "k \"é", "type": "Object"}]));
        let body = if random.below(3) == 0 {
            format!(r#"{{"results" : {results}, "schema": {schema}}}"#)
        } else {
            format!(r#"{{"schema": {schema},"x":{results}, "results" : {results} }}"#)
        };
        let blocks = (round % 2 == 0).then(|| 1 + random.below(300));
        let decoded = decode_in_pieces(&mut random, 40, blocks, body.as_bytes()).unwrap();
        let (table, warnings) = table(decoded);
        assert!(warnings.is_empty(), "{warnings:?}");
        assert_eq!(table.row_count(), rows.len());
        for (index, row) in rows.iter().enumerate() {
            for name in names {
                let wanted = row.get(name).unwrap_or(&serde_json::Value::Null);
                compare(&table.cell(index, name).unwrap(), wanted, name == "S");
            }
        }
    }
}

fn compare(cell: &Cell<'_>, wanted: &serde_json::Value, string: bool) {
    use serde_json::Value;
    match (cell, wanted) {
        (Cell::Null, Value::Null) => {}
        (Cell::Null, Value::Object(object)) if string && object.is_empty() => {}
        (Cell::Text(text), Value::String(wanted)) => assert_eq!(text, wanted),
        (Cell::Text(text), wanted) if string => {
            assert_eq!(&serde_json::from_str::<Value>(text).unwrap(), wanted);
        }
        (Cell::Json(text), wanted) if !string => {
            assert_eq!(&serde_json::from_str::<Value>(text).unwrap(), wanted);
        }
        (cell, wanted) => panic!("{cell:?} is not {wanted}"),
    }
}

#[test]
fn random_damage_is_an_error_or_a_table_and_never_a_panic() {
    let mut random = Random(99);
    let whole = format!(
        r##"{{"Stats":{{"a":[1.5]}},"schema":{SCHEMA},"results":[{{"B@odata.type":"#x","B":1,"L":-5,"D":{{"@odata.type":"y","a":["\ud83d\ude00"]}}}},{{"S":"é\n","T":"2024-03-26T09:39:50Z"}}]}}"##
    );
    for round in 0..20_000 {
        let mut body = whole.clone().into_bytes();
        for _ in 0..=random.below(3) {
            let place = random.below(body.len());
            let byte = b"{}[]\",:\\u0-e. \xff\x00t"[random.below(17)];
            match random.below(3) {
                0 => body[place] = byte,
                1 => body.insert(place, byte),
                _ => drop(body.remove(place)),
            }
        }
        let largest = 1 + random.below(50);
        let blocks = (round % 2 == 0).then_some(40);
        let _ = decode_in_pieces(&mut random, largest, blocks, &body);
    }
}

/// Rows that hold what a border between rows looks like, as text and as members.
#[test]
fn blocks_that_are_cut_in_the_wrong_place_decode_the_same() {
    let mut random = Random(3);
    for round in 0..24 {
        let rows: Vec<String> = (0..200)
            .map(|row| match random.below(6) {
                0 => format!(r#"{{"A":{row},"S":"}},{{\"A\":"}}"#),
                1 => format!(
                    r#"{{"A":{row},"D":[{{"x":1}},{{"A":{row}}},{{"A":[{{}},{{"A":2}}]}}]}}"#
                ),
                2 => format!(
                    r#"{{"S":"{}","A":{row}}}"#,
                    "long ".repeat(random.below(200))
                ),
                3 => format!(r#"{{"A":{row},"A":{row},"Q":1}}"#),
                4 => format!(r#"{{"A":"no number","T":"1000-01-01T00:00:00Z","D":"{row}"}}"#),
                _ => format!(r#"{{"A":{row}}}"#),
            })
            .collect();
        let separator = [
            ",", ",
  ", " , ",
        ][round % 3];
        let body = format!(
            r#"{{"schema":[{{"name":"A","type":"Int64"}},{{"name":"S","type":"String"}},
            {{"name":"D","type":"Object"}},{{"name":"T","type":"DateTime"}}],
            "results":[{}],"x":[{{"A":1}},{{"A":2}},{{"A":3}}]}}"#,
            rows.join(separator)
        );
        let whole = shown(decode(&body));
        let size = 1 + random.below(2_000);
        let decoded = decode_in_pieces(&mut random, 700, Some(size), body.as_bytes()).unwrap();
        assert_eq!(shown(decoded), whole, "blocks of {size}");
        let broken = body.replacen(&rows[150], r#"{"A":1 "S":2}"#, 1);
        let message = decode_with(options(), broken.as_bytes())
            .unwrap_err()
            .to_string();
        let error = decode_in_pieces(&mut random, 700, Some(size), broken.as_bytes());
        assert_eq!(error.unwrap_err().to_string(), message, "blocks of {size}");
    }
}

#[test]
fn the_limit_of_rows_holds_for_blocks_too() {
    let rows = vec![r#"{"A":1}"#; 500].join(",");
    let body = format!(r#"{{"Schema":[{{"Name":"A","Type":"Int64"}}],"Results":[{rows}]}}"#);
    for (limit, fits) in [(499, false), (500, true)] {
        let mut decoder = Decoder::new(Options {
            limits: Limits {
                rows: limit,
                ..Limits::default()
            },
            blocks: BlockOptions {
                after: 1,
                size: 64,
                least: 64,
                turn: 0,
                at_once: 2,
            },
            ..options()
        });
        let outcome = body
            .as_bytes()
            .chunks(33)
            .try_for_each(|chunk| decoder.push(chunk))
            .and_then(|()| finish(decoder));
        assert_eq!(outcome.is_ok(), fits);
        if let Err(error) = outcome {
            assert_eq!(error.to_string(), "the answer has more than 499 rows");
        }
    }
}

/// It took minutes and gigabytes when each row cost all columns.
#[test]
fn two_hundred_thousand_columns_cost_what_they_hold() {
    let count = 200_000;
    let schema: Vec<String> = (0..count)
        .map(|column| format!(r#"{{"name":"c{column}","type":"Int64"}}"#))
        .collect();
    let row: Vec<String> = (0..count)
        .map(|column| format!(r#""c{column}":{column}"#))
        .collect();
    let body = format!(
        r#"{{"schema":[{}],"results":[{{{}}}]}}"#,
        schema.join(","),
        row.join(",")
    );
    let own: Vec<String> = (0..20_000)
        .map(|row| format!(r#"{{"key{row}":"x"}}"#))
        .collect();
    let own = format!(r#"{{"results":[{}]}}"#, own.join(","));
    for (body, columns, rows) in [(body, count, 1), (own, 20_000, 20_000)] {
        let limits = Limits {
            columns,
            ..Limits::default()
        };
        let options = Options {
            limits,
            ..options()
        };
        let decoded = decode_with(options, body.as_bytes()).unwrap();
        assert_eq!(
            (decoded.rows, decoded.schema.fields().len()),
            (rows, columns)
        );
    }
}

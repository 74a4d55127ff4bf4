//! Random responses: a right one, and up to three things that are wrong with it.

use super::strict::{Asked, SCHEMA};

/// A linear congruential generator: the same responses every time.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1));
        random.below(2);
        random
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    pub(super) fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }

    pub(super) fn of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }
}

/// A row that fits its columns, or nearly.
fn row(random: &mut Random, asked: Asked, number: usize) -> String {
    let mut members = Vec::new();
    let text = [
        "\"x\"",
        "null",
        "\"a \\\"b\\\" é\\n\"",
        "\"},{\\\"N\\\":1\"",
        "\"\"",
    ];
    match asked {
        Asked::List => {
            members.push(format!(r#""id":"{number}""#));
            for name in ["title", "severity", "extra"] {
                if !random.one_in(4) {
                    members.push(format!(r#""{name}":{}"#, random.of(&text)));
                }
            }
            if random.one_in(5) {
                members.push(r##""@odata.type":"#x","evidence":[{"a":{"b":[1]}}]"##.to_owned());
            }
        }
        Asked::Hunting => {
            members.push(match random.below(6) {
                0 => r#""N":null"#.to_owned(),
                1 => r#""N":"no number""#.to_owned(),
                2 => r#""N":"7""#.to_owned(),
                _ => format!(r#""N":{number}"#),
            });
            if !random.one_in(4) {
                members.push(format!(r#""S":{}"#, random.of(&text)));
            }
            if random.one_in(3) {
                let value = random.of(&["[1,{}]", "{\"a\":null}", "null", "7", "true"]);
                members.push(format!(r#""D@odata.type":"x","D":{value}"#));
            }
            if random.one_in(12) {
                members.push(r#""Unknown":1"#.to_owned());
            }
        }
    }
    if random.one_in(4) {
        let last = members.len() - 1;
        members.swap(0, last);
    }
    format!("{{{}}}", members.join(","))
}

/// A member that may stand around the rows.
fn odd_member(random: &mut Random) -> String {
    let name = random.of(&[
        "error",
        "Error",
        "@odata.error",
        "odata.error",
        "errors",
        "\\u0065rror",
        "@odata.nextLink",
        "@nextLink",
        "nextLink",
        "odata.nextLink",
        "@odata.nextlink",
        "@odata.count",
        "odata.count",
        "count",
        "totalCount",
        "isPartial",
        "hasMore",
        "@odata.hasNext",
        "truncated",
        "isComplete",
        "next",
        "links",
        "paging",
        "value",
        "Value",
        "results",
        "Results",
        "schema",
        "Schema",
        "Stats",
        "@odata.context",
        "other",
    ]);
    let value = random.of(&[
        "null",
        "null",
        "{}",
        "[]",
        "7",
        "2",
        "\"\"",
        "\"x\"",
        "true",
        "false",
        "true",
        "-1",
        "2.0",
        "1e2",
        "2.5",
        "99999999999999999999",
        "\"2\"",
        r#"{"next":"x"}"#,
        r#"{"next":null}"#,
        r#"{"code":"429","message":"busy"}"#,
        r#"{"code":"TooManyRequests"}"#,
        r#"{"code":"x","innerError":{"error":{}}}"#,
        r#"[{"id":"9","N":9}]"#,
        r#""https://elsewhere.example/x""#,
        r#"{"dataset_statistics":[{"table_row_count":2}]}"#,
        r#"{"dataset_statistics":[{"table_row_count":200}]}"#,
    ]);
    format!(r#""{name}":{value}"#)
}

/// The status and the bytes of a response.
pub(super) fn response(random: &mut Random, asked: Asked) -> (u16, Vec<u8>) {
    let most = [1, 3, 8, 70][random.below(4)];
    let count = random.below(most);
    let mut rows: Vec<String> = (0..count)
        .map(|number| row(random, asked, number))
        .collect();
    let mut members = vec![r#""@odata.context":"c""#.to_owned()];
    let mut wrong = match random.below(4) {
        0 => 0,
        more => more - 1,
    };
    let mut list_value = None;
    let mut after: &[u8] = b"";
    let mut before: &[u8] = b"";
    let (mut cut, mut flip) = (false, false);
    let mut status = 200;
    while wrong > 0 {
        wrong -= 1;
        match random.below(14) {
            0..=4 => members.push(odd_member(random)),
            5 => {
                list_value =
                    Some(random.of(&["null", "{}", "7", "\"x\"", "[1]", "[null]", "[[]]"]));
            }
            6 => rows.push(
                random
                    .of(&[
                        "{\"error\":{\"code\":\"x\"}}",
                        "{}",
                        "7",
                        "null",
                        "{\"q\":1}",
                    ])
                    .to_owned(),
            ),
            7 => after = [&b" "[..], b"x", b"{}", b"\n\n", b"]", b"\0"][random.below(6)],
            8 => before = [&b"\xef\xbb\xbf"[..], b" \n", b"x", b"{}", b"\xef\xbb"][random.below(5)],
            9 => cut = true,
            10 => flip = true,
            11 => status = [201, 204, 206, 400, 404, 429, 500, 503][random.below(8)],
            12 if !rows.is_empty() => {
                let place = random.below(rows.len());
                rows[place] = rows[place].replace("},{", "} {").replacen(':', ": ", 1);
            }
            _ => {
                let place = random.below(members.len());
                let again = members[place].clone();
                members.push(again);
            }
        }
    }
    let rows = format!("[{}]", rows.join(random.of(&[",", " ,\n "])));
    let rows = list_value.unwrap_or(&rows);
    let (name, schema) = match asked {
        Asked::List => ("value", None),
        Asked::Hunting => ("results", Some(format!(r#""schema":{SCHEMA}"#))),
    };
    members.push(format!(r#""{name}":{rows}"#));
    members.extend(schema.filter(|_| !random.one_in(25)));
    for last in (1..members.len()).rev() {
        members.swap(last, random.below(last + 1));
    }
    let mut body = before.to_vec();
    body.extend_from_slice(format!("{{{}}}", members.join(",")).as_bytes());
    body.extend_from_slice(after);
    if flip {
        let place = random.below(body.len());
        body[place] = b"{}[]\",:\\u0-e. \xffnt"[random.below(17)];
    }
    if cut {
        body.truncate(random.below(body.len()));
    }
    (status, body)
}

//! The properties over recorded queries, and with comments between its tokens.

use crate::corpus::cases;

use super::snapshots::QUERIES;
use super::{holds, holds_in};

#[test]
#[ignore = "needs ../shared"]
fn shared_queries_stay_what_they_are() {
    for file in ["cases-docs.jsonl", "cases-fuzz.jsonl", "cases-errors.jsonl"] {
        for case in cases(file) {
            let query = case["query"].as_str().unwrap();
            if kql_syntax::parse(query).diagnostics.is_empty() {
                holds(query);
            }
        }
    }
}

/// Comments to put between tokens: ending a line, between blank lines, from Windows.
const INSERTED: [&str; 3] = [" // why\n", "\n\n  // why \n\n", "\r\n//why\r\n"];

fn starts(text: &str) -> Vec<usize> {
    let tokens = kql_syntax::tokenize(text).0;
    tokens
        .iter()
        .map(|token| token.span.range().start)
        .collect()
}

/// `text` with `inserted` before each token in turn.
fn interspersed(text: &str, inserted: &str) -> Vec<String> {
    let insert = |start| format!("{}{inserted}{}", &text[..start], &text[start..]);
    starts(text).into_iter().map(insert).collect()
}

/// `text` with `inserted` before every token, each a little different.
fn littered(text: &str, inserted: &str) -> String {
    let mut result = String::new();
    let mut end = 0;
    for (index, start) in starts(text).into_iter().enumerate() {
        result.push_str(&text[end..start]);
        result.push_str(&inserted.replace("why", &format!("why {index}")));
        end = start;
    }
    result.push_str(&text[end..]);
    result
}

fn is_query(text: &str) -> bool {
    kql_syntax::parse(text).diagnostics.is_empty()
}

fn takes_comments_everywhere(query: &str) {
    for inserted in INSERTED {
        let text = littered(query, inserted);
        // Between the parts of `a*` there is no place for a comment.
        if is_query(&text) {
            holds_in(&text, &[30, 100]);
        }
    }
}

#[test]
fn comments_may_stand_everywhere() {
    for (_, query) in QUERIES {
        takes_comments_everywhere(query);
    }
}

#[test]
#[ignore = "needs ../shared"]
fn comments_may_stand_everywhere_in_shared_queries() {
    for file in ["cases-docs.jsonl", "cases-fuzz.jsonl"] {
        for case in cases(file) {
            takes_comments_everywhere(case["query"].as_str().unwrap());
        }
    }
}

#[test]
fn comments_may_stand_anywhere() {
    for (_, query) in QUERIES {
        for inserted in INSERTED {
            let texts = interspersed(query, inserted);
            let accepted = texts.iter().filter(|text| is_query(text));
            let count = accepted.inspect(|text| holds_in(text, &[100])).count();
            assert!(
                count * 10 > texts.len() * 9,
                "{count} of {}: {query}",
                texts.len()
            );
        }
    }
}

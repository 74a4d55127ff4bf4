//! What holds for every query of a grammar, and for text of any kind.

mod queries;

use kql_syntax::{FormatOptions, Lines, Node, format, parse, print, tokenize};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::{accepted, shape, survives_printing};

/// The same cases in every run; what fails is made small before it is shown.
fn check<S: Strategy>(cases: u32, strategy: &S, property: impl Fn(S::Value))
where
    S::Value: Clone,
{
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, random);
    let outcome = runner.run(strategy, |value| {
        property(value);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// Reads and prints a text of any kind; only that nothing panics and every place is inside counts.
fn endures(text: &str) {
    let (tokens, _) = tokenize(text);
    let mut end = 0;
    for token in &tokens {
        assert!(token.span.start >= end && token.span.end >= token.span.start);
        assert!(text.get(token.span.range()).is_some());
        end = token.span.end;
    }
    assert!(end as usize <= text.len());
    let parsed = parse(text);
    let lines = Lines::new(text);
    for found in &parsed.diagnostics {
        assert!(text.get(found.span.range()).is_some());
        assert!(lines.position(found.span.start).line >= 1);
        assert!(!found.message.is_empty());
    }
    for node in parsed.tree.nodes() {
        if let Node::Expression(expression) = node {
            assert!(text.get(expression.span.range()).is_some());
        }
    }
    let printed = print(&parsed.tree);
    if parsed.diagnostics.is_empty() {
        assert_eq!(shape(&parsed.tree), shape(&accepted(&printed)), "{text}");
    }
    let laid_out = format(text, &FormatOptions::default());
    assert_eq!(laid_out.is_ok(), parsed.diagnostics.is_empty(), "{text}");
}

#[test]
fn a_query_of_the_grammar_survives_printing() {
    check(400, &queries::query(), |text| survives_printing(&text));
}

#[test]
fn laying_out_keeps_the_tree_and_is_stable() {
    check(150, &queries::query(), |text| {
        let tree = shape(&accepted(&text));
        for width in [0, 40, 100] {
            let options = FormatOptions {
                width,
                ..FormatOptions::default()
            };
            let once = format(&text, &options).unwrap();
            assert_eq!(tree, shape(&accepted(&once)), "{text}\nbecame\n{once}");
            assert_eq!(once, format(&once, &options).unwrap(), "{text}");
        }
    });
}

#[test]
fn no_text_panics() {
    check(1500, &"\\PC{0,120}", |text| endures(&text));
    check(500, &any::<String>(), |text| endures(&text));
}

#[test]
fn no_bytes_panic() {
    let bytes = proptest::collection::vec(any::<u8>(), 0..200);
    check(1000, &bytes, |bytes| {
        endures(&String::from_utf8_lossy(&bytes));
    });
}

#[test]
fn no_soup_of_tokens_panics() {
    check(2000, &queries::soup(), |text| endures(&text));
}

#[test]
fn no_damaged_query_panics() {
    let damaged = (
        queries::query(),
        any::<prop::sample::Index>(),
        0_usize..12,
        "\\PC{0,4}",
    );
    check(1500, &damaged, |(text, place, length, put)| {
        let letters: Vec<char> = text.chars().collect();
        let start = place.index(letters.len());
        let end = (start + length).min(letters.len());
        let mut broken: String = letters[..start].iter().collect();
        broken.push_str(&put);
        broken.extend(&letters[end..]);
        endures(&broken);
    });
}

//! Whatever a value holds, it stays the one value that it was given as.

mod loaded;
mod typed;

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use defender_queries::{Library, Parameters, Value};
use kql_syntax::tree::{ExpressionKind, LiteralValue, Query};
use kql_syntax::{Node, TokenKind, parse, tokenize};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use regex::Regex;

use crate::{now, own};

/// Every place that a template has for a value; `X` becomes the parameter.
///
/// With how many literals of a tree, or of a text read as KQL, are the value itself.
const TEXTS: &[(&str, usize)] = &[
    ("T | where a == 'X' and b", 1),
    ("T | where a == \"X\" and b", 1),
    ("T | where a == @'X' and b", 1),
    ("T | where a == @\"X\" and b", 1),
    ("T | where a == h'X' and b", 1),
    ("T | where a == h@\"X\" and b", 1),
    ("T | where a == ```X``` and b", 1),
    ("T | where a == ~~~X~~~ and b", 1),
    ("T | where a == X and b", 1),
    ("T | where a in (X)", 1),
    ("T | where a in~ ('c', X, 'd')", 1),
    ("T | where a !in ('X', \"X\")", 2),
    ("T | where a has_any(X) or a has 'X'", 2),
    ("T | extend c = X, d = strcat(X, 'X')", 3),
    ("T | where f(a, X)\n| take 5", 1),
    ("T | where a in (dynamic(['X', \"X\"]))", 0),
    ("T | where a == 'pre X post' and b", 0),
    ("T | where a == @'C:\\X\\X' and b", 0),
    ("T | where a matches regex @'^X$' and b == 'X'", 1),
    ("T // it is 'X'\n| where a == 1", 0),
    ("T | where a == 'X' // X", 1),
    ("// X\nT\n\n| where a == X // \"X\n| take 5", 1),
    ("let x = X; T | where a == x", 1),
    ("T | parse a with 'X' b", 0),
    ("T | join (U | where c == 'X') on d | where a != X", 2),
];

/// The same for lists; `X` becomes the literals of all items.
const LISTS: &[&str] = &[
    "T | where a in (X)",
    "T | where a !in~ ('c', X)",
    "T | where a has_any (X) and b",
    "T | where a has_any (dynamic([X]))",
    "T | extend c = pack_array(X)",
    "let x = dynamic([X]); T | where a in (x) // X",
];

/// Numbers, moments and truths.
const OTHERS: &[(&str, &str)] = &[
    ("int", "T | where a == X and b"),
    ("int", "T | take 5 // X"),
    ("int", "T | extend c = b - X, d = f(X, -X)"),
    ("float", "T | where a > X"),
    ("float", "T | extend c = X * X"),
    ("bool", "T | where a == X"),
    ("datetime", "T | where a > datetime(X)"),
    ("datetime", "T | where a between (X .. X)"),
    ("datetime", "T | where a > todatetime('X') // X"),
    ("datetime", "T | where a > todatetime(@\"X\")"),
];

/// Literals that know no quotes, and what fits into them.
const BARE: &[(&str, &str)] = &[
    ("T | where a > datetime(X) and b", "2026-01-15"),
    ("T | where a > timespan(X) and b", "1.02:03:04"),
    (
        "T | where a == guid(X)",
        "74be27de-1e4e-49d9-b579-fe0b331d3642",
    ),
    ("T | where a == long(X) or b == real(X)", "5"),
    ("T | where a == bool(X)\n| take 5", "true"),
];

/// The made-up definitions, the built-in ones and those of the fixtures.
static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let mut text =
        "metadata: {data_families: [Made], data_environments: [M365D]}\nsources:\n".to_owned();
    let mut add = |name: String, ty: &str, query: &str| {
        let query = query
            .replace('{', "{{")
            .replace('}', "}}")
            .replace('X', "{x}");
        let query = serde_json::Value::from(query);
        let _ = write!(
            text,
            "  {name}:\n    description: d\n    args: {{query: {query}}}\n    \
             parameters: {{x: {{description: d, type: {ty}}}}}\n"
        );
    };
    for (index, (query, _)) in TEXTS.iter().enumerate() {
        add(format!("text_{index}"), "str", query);
    }
    for (index, query) in LISTS.iter().enumerate() {
        add(format!("list_{index}"), "list", query);
    }
    for (index, (ty, query)) in OTHERS.iter().enumerate() {
        add(format!("other_{index}"), ty, query);
    }
    for (index, (query, _)) in BARE.iter().enumerate() {
        add(format!("bare_{index}"), "str", query);
    }
    let (mut library, _) = own();
    for (_, text) in Library::built_in_files() {
        library.add_text(text, None);
    }
    let (count, findings) = library.add_text(&text, None);
    assert_eq!(
        count,
        TEXTS.len() + LISTS.len() + OTHERS.len() + BARE.len(),
        "{findings:?}"
    );
    library
});

/// What means something in KQL, in its literals, in a template or in a file of them.
const PIECES: &[&str] = &[
    "'",
    "'",
    "\"",
    "\"",
    "\\",
    "\\",
    "\n",
    "\r",
    "\r\n",
    "`",
    "```",
    "~~~",
    "//",
    "/*",
    "*/",
    "|",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ";",
    ",",
    "--",
    "#",
    "@'",
    "@\"",
    "h'",
    "''",
    "\"\"",
    "\\'",
    "\\\"",
    "\\u0027",
    "\\x27",
    "\\n",
    "\t",
    " ",
    "{x}",
    "{{",
    "$<m>$",
    ".show",
    "..",
    "==",
    "=>",
    "\0",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\u{202e}",
    "\u{feff}",
    "\u{301}",
    "\u{ff07}",
    "é",
    "😀",
    " or true ",
    " and ",
    "union ",
    "| take 1",
    "let x = 1; ",
    "datetime(",
    "dynamic([",
    "where ",
    "set notruncation",
    "#connect",
    "null",
    "a",
    "1",
];

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => select(PIECES).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

/// Moments that KQL has, in its ticks of 100 ns.
fn instant() -> impl Strategy<Value = SystemTime> {
    // The years 1 to 9999.
    (-62_135_596_800_i64..253_402_300_800, 0_u32..10_000_000).prop_map(|(seconds, ticks)| {
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let whole = match seconds {
            ..0 => SystemTime::UNIX_EPOCH - whole,
            _ => SystemTime::UNIX_EPOCH + whole,
        };
        whole + Duration::from_nanos(u64::from(ticks) * 100)
    })
}

/// The same cases in every run, others for another `seed`; what fails is made small.
fn check<S: Strategy>(cases: u32, seed: usize, strategy: &S, mut property: impl FnMut(S::Value))
where
    S::Value: Clone,
{
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&u64::try_from(seed).unwrap().to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let property = std::cell::RefCell::new(&mut property);
    let outcome = TestRunner::new_with_rng(config, random).run(strategy, |value| {
        (property.borrow_mut())(value);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

fn rendered(name: &str, parameters: &Parameters) -> Option<String> {
    let rendered = LIBRARY.render(name, None, parameters, now());
    rendered.ok().map(|rendered| rendered.text)
}

/// The query of a made-up definition, when its value is not refused.
fn made(name: &str, value: impl Into<Value>) -> Option<String> {
    rendered(&format!("Made.{name}"), &Parameters::from([("x", value)]))
}

fn accepted(text: &str) -> Query {
    let (_, complaints) = tokenize(text);
    assert!(complaints.is_empty(), "{complaints:?} in {text:?}");
    let parsed = parse(text);
    assert!(
        parsed.diagnostics.is_empty(),
        "{:?} in {text:?}",
        parsed.diagnostics
    );
    parsed.tree
}

/// The tree in words, without places and without how a literal was spelled.
fn shape(tree: &Query) -> String {
    static SPELLING: LazyLock<Regex> = LazyLock::new(|| {
        let string = r#""(?:[^"\\]|\\.)*""#;
        let span = r"\d+\.\.\d+";
        Regex::new(&format!(
            "(?s), text: {string}, span: {span}|({string})|{span}"
        ))
        .unwrap()
    });
    SPELLING
        .replace_all(&format!("{tree:?}"), "$1")
        .into_owned()
}

/// `text` between the quotes of a Rust string, as a [`shape`] has it.
fn inner(text: &str) -> String {
    let text = format!("{text:?}");
    text[1..text.len() - 1].to_owned()
}

/// The strings of the tree that are an expression each.
fn strings(tree: &Query) -> Vec<String> {
    let strings = tree.nodes().filter_map(|node| match node {
        Node::Expression(expression) => match &expression.kind {
            ExpressionKind::Literal(literal) => match &literal.value {
                LiteralValue::String { value, .. } => Some(value.clone()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    strings.collect()
}

/// A text that means nothing and that no query has.
fn marker(index: usize) -> String {
    format!("Zq{index}Zq")
}

/// A query with markers for values.
struct Harmless {
    shape: String,
    kinds: Vec<TokenKind>,
}

fn kinds(text: &str) -> Vec<TokenKind> {
    let (tokens, _) = tokenize(text);
    tokens.into_iter().map(|token| token.kind).collect()
}

impl Harmless {
    fn of(text: &str) -> Self {
        Self {
            shape: shape(&accepted(text)),
            kinds: kinds(text),
        }
    }

    /// That `text` is this query with these values in place of its markers.
    fn is(&self, text: &str, values: &[String]) {
        let mut expected = self.shape.clone();
        for (index, value) in values.iter().enumerate() {
            expected = expected.replace(&marker(index), &inner(value));
        }
        assert_eq!(shape(&accepted(text)), expected, "{values:?} in {text:?}");
        assert_eq!(kinds(text), self.kinds, "{values:?} in {text:?}");
    }
}

#[test]
fn a_text_is_one_literal_wherever_it_stands() {
    let mut written = 0;
    for (index, (_, count)) in TEXTS.iter().enumerate() {
        let name = format!("text_{index}");
        let harmless = made(&name, marker(0)).unwrap();
        let literals = strings(&accepted(&harmless));
        let exact = literals.iter().filter(|text| **text == marker(0)).count();
        assert_eq!(exact, *count, "{harmless}");
        let harmless = Harmless::of(&harmless);
        check(150, index, &hostile(), |value| {
            if let Some(text) = made(&name, value.as_str()) {
                harmless.is(&text, &[value]);
                written += 1;
            }
        });
    }
    assert!(written > 2500, "only {written}");
}

#[test]
fn every_item_of_a_list_is_one_literal() {
    let mut written = 0;
    for (index, _) in LISTS.iter().enumerate() {
        let name = format!("list_{index}");
        check(80, index, &vec(hostile(), 1..5), |items| {
            let markers: Vec<String> = (0..items.len()).map(marker).collect();
            let harmless = made(&name, markers).unwrap();
            let Some(text) = made(&name, items.clone()) else {
                return;
            };
            Harmless::of(&harmless).is(&text, &items);
            written += 1;
        });
    }
    assert!(written > 400, "only {written}");
}

/// A list may be given as text, whose commas and quotes say what the items are.
#[test]
fn a_list_in_one_text_is_nothing_but_literals() {
    let mut several = 0;
    check(400, 1, &hostile(), |value| {
        let Some(text) = made("list_0", value.as_str()) else {
            return;
        };
        if value.trim().is_empty() {
            return;
        }
        let items = strings(&accepted(&text));
        let markers: Vec<String> = (0..items.len()).map(marker).collect();
        Harmless::of(&made("list_0", markers).unwrap()).is(&text, &items);
        assert!(items.iter().all(|item| value.contains(item.as_str())));
        several += usize::from(items.len() > 1);
    });
    assert!(several > 20, "only {several}");
}

//! The whole front end on texts of many kinds.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod corpus;
mod depth;
mod elsewhere;
mod errors;
mod format;
mod grammar;
mod properties;
mod speed;
mod tree;

use kql_syntax::{Parse, parse, print};

/// The tree of a text that must parse.
fn accepted(text: &str) -> kql_syntax::tree::Query {
    let Parse { tree, diagnostics } = parse(text);
    assert!(diagnostics.is_empty(), "{text}\n{diagnostics:#?}");
    tree
}

/// The tree with its places left out, to compare what two texts mean.
fn shape(query: &kql_syntax::tree::Query) -> String {
    let text = format!("{query:?}");
    let mut shape = String::with_capacity(text.len());
    for (index, part) in text.split("..").enumerate() {
        let digit = |letter: char| letter.is_ascii_digit();
        let part = if index > 0 {
            part.trim_start_matches(digit)
        } else {
            part
        };
        shape.push_str(part.trim_end_matches(digit));
        shape.push_str("..");
    }
    shape
}

/// Printing must give a text with the same tree, and printing that must change nothing.
fn survives_printing(text: &str) {
    let tree = accepted(text);
    let printed = print(&tree);
    let again = accepted(&printed);
    assert_eq!(
        shape(&tree),
        shape(&again),
        "{text}\nwas printed as\n{printed}"
    );
    assert_eq!(print(&again), printed, "printing must be stable");
}

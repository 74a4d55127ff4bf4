//! Operators, conditions and paths over every pair of types.

use kql_semantics::ScalarType;

use super::expressions::{column, constant};

/// Operators between two values.
const BETWEEN: [&str; 39] = [
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "=~",
    "!~",
    "and",
    "or",
    "has",
    "!has",
    "has_cs",
    "!has_cs",
    "hasprefix",
    "hasprefix_cs",
    "!hasprefix",
    "hassuffix",
    "hassuffix_cs",
    "contains",
    "contains_cs",
    "!contains",
    "!contains_cs",
    "startswith",
    "startswith_cs",
    "!startswith",
    "endswith",
    "endswith_cs",
    "!endswith",
    "matches regex",
    "in~",
    "has_any",
    "has_all",
];

/// Every query, over columns and constants.
pub(super) fn all() -> Vec<String> {
    let mut queries = Vec::new();
    let types = ScalarType::ALL.map(ScalarType::name);
    for left in types {
        for sign in ["-", "+"] {
            queries.push(format!("T | extend {sign}{}", column(left)));
            queries.push(format!("T | extend {sign}({})", constant(left)));
        }
        queries.push(format!("T | where {}", column(left)));
        queries.push(format!("T | extend {}.name", column(left)));
        queries.push(format!("T | sort by {}", column(left)));
        queries.push(format!("T | take {}", constant(left)));
        queries.push(format!("T | mv-expand {}", column(left)));
        queries.push(format!("T | top 3 by {}", column(left)));
        queries.push(format!("T | distinct {}", column(left)));
        queries.push(format!("T | summarize by {}", column(left)));
        for right in types {
            let (one, other) = (column(left), column(right));
            let second = constant(right);
            for operator in BETWEEN {
                let list = matches!(operator, "in~" | "has_any" | "has_all");
                let side = |text: &str| {
                    if list {
                        format!("({text})")
                    } else {
                        text.to_owned()
                    }
                };
                queries.push(format!("T | extend {one} {operator} {}", side(&other)));
                queries.push(format!("T | extend {one} {operator} {}", side(second)));
            }
            for operator in ["in", "!in"] {
                queries.push(format!("T | extend {one} {operator} ({other})"));
                queries.push(format!("T | extend {one} {operator} ({second}, {second})"));
                queries.push(format!(
                    "T | extend {one} {operator} ((T | project {other}))"
                ));
            }
            queries.push(format!("T | extend {one} between ({other} .. {other})"));
            queries.push(format!("T | extend {one} between ({second} .. {second})"));
            queries.push(format!("T | extend {one} !between ({one} .. {other})"));
            queries.push(format!("T | extend {one}[{other}]"));
            queries.push(format!("T | extend {one}[{second}]"));
            queries.push(format!("T | join T on $left.{one} == $right.{other}"));
            queries.push(format!("T | lookup T on $left.{one} == $right.{other}"));
            queries.push(format!(
                "union (T | project a = {one}), (T | project a = {other})"
            ));
            queries.push(format!("T | mv-expand a = {one} to typeof({right})"));
        }
    }
    queries
}

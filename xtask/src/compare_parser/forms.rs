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

/// What no call and no pair of types would ask: operators of rows, and what a value decides.
const FURTHER: [&str; 56] = [
    "T | as X | union X",
    "T | count",
    "T | evaluate bag_unpack(c_dynamic)",
    "T | evaluate bag_unpack(c_dynamic) : (*, a: long)",
    "T | evaluate pivot(c_string)",
    "T | extend c_int = tolong(c_int) | union T",
    "T | extend datetime_diff('week', c_datetime, c_datetime)",
    "T | facet by c_string",
    "T | getschema",
    "T | join kind=fullouter T on c_string",
    "T | join kind=leftanti T on c_string",
    "T | join kind=rightsemi T on c_string",
    "T | lookup T on c_string",
    "T | make-graph c_string --> c_string with T on c_string | graph-match (a)-[e]->(b) project a.c_string, e.c_int",
    "T | make-series avg(c_decimal) on c_datetime step 1h by c_string",
    "T | make-series sum(c_int), a = count() on c_long step 1",
    "T | mv-apply c_dynamic on (summarize count())",
    "T | mv-apply x = c_dynamic to typeof(long) on (summarize sum(x))",
    "T | mv-expand c_dynamic to typeof(long)",
    "T | mv-expand with_itemindex=i c_dynamic",
    "T | parse c_string with c_string ' ' c_long",
    "T | parse kind=regex c_string with 'a' x:long 'b'",
    "T | parse-kv c_string as (a: long, b: string)",
    "T | partition by c_string (top 1 by c_long)",
    "T | project-away c_int, c_l*",
    "T | project-keep c_l*, c_int",
    "T | project-rename x = c_int",
    "T | project-reorder *, c_int",
    "T | project-reorder c_int, c_l* asc",
    "T | reduce by c_string",
    "T | sample 3",
    "T | sample-distinct 3 of c_string",
    "T | search 'x'",
    "T | serialize | scan declare (n: long = 0) with (step s: true => n = s.n + 1;)",
    "T | serialize x = row_number(), prev(c_long)",
    "T | summarize by c_long, startofmonth(c_datetime)",
    "T | summarize count() by c_long, startofmonth(c_datetime)",
    "T | top-hitters 3 of c_int",
    "T | top-hitters 3 of c_string by c_int",
    "T | top-nested 2 of c_string by count(), top-nested 1 of c_int by avg(c_int)",
    "T | union kind=inner (T | extend z = 1)",
    "T | union kind=outer (T | extend z = 1)",
    "T | union withsource=S (T)",
    "let f = (R: (*)) { R }; T | invoke f()",
    "let f = (R: (*)) { R | where c_int == 1 }; T | invoke f()",
    "let f = (R: (c_long: long)) { R | where c_int == 1 }; T | invoke f()",
    "let f = (R: (c_long: long)) { R | where c_long == 1 }; f(T)",
    "let f = (s: string) { strlen(s) }; T | extend f(c_string), g = f('x')",
    "print 1, 'a', x = 2, now(), dynamic(null), int(1)",
    "print strlen('a'), tostring(1), array_sort_asc(dynamic([1]), dynamic([2]))",
    "range x from 1 to 10 step 1",
    "range x from 1 to 10.5 step 1",
    "range x from 1h to 2h step 1m",
    "range x from datetime(2024-01-01) to datetime(2024-01-31) step 1d",
    "range x from decimal(1) to 10 step 1",
    "range x from int(1) to int(10) step int(1)",
];

/// Every query, over columns and constants.
pub(super) fn all() -> Vec<String> {
    let mut queries: Vec<String> = FURTHER.map(str::to_owned).into();
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

//! Queries that nobody writes by hand: each is long, deep or grows when it is bound.

/// A name and the text of a query over `T` (`Timestamp`, `Name`, `Number`, `Fields`).
pub(crate) struct Input {
    pub(crate) name: &'static str,
    pub(crate) text: String,
}

fn joined(count: usize, separator: &str, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(separator)
}

/// Every input, of at most 100 kB.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn all() -> Vec<Input> {
    let wide = |columns: usize| joined(columns, ", ", |at| format!("x{at} = {at}"));
    let nested_lets = |levels: usize| {
        let lets = joined(levels, "\n", |at| {
            format!("let v{} = union v{at}, v{at};", at + 1)
        });
        format!("let v0 = T | take 1;\n{lets}\nv{levels} | count")
    };
    let shared_lets = |levels: usize| {
        let lets = joined(levels, "\n", |at| {
            format!(
                "let v{} = v{at} | join kind=inner v{at} on Name | project Name;",
                at + 1
            )
        });
        format!("let v0 = T | project Name;\n{lets}\nv{levels} | count")
    };
    let functions = |levels: usize| {
        let lets = joined(levels, "\n", |at| {
            format!("let f{} = (n: long) {{ f{at}(n) + f{at}(n + 1) }};", at + 1)
        });
        format!("let f0 = (n: long) {{ n * 2 }};\n{lets}\nT | extend x = f{levels}(Number)")
    };
    let scalars = |levels: usize| {
        let lets = joined(levels, "\n", |at| {
            format!("let s{} = s{at} + s{at};", at + 1)
        });
        format!("let s0 = toscalar(T | count);\n{lets}\nprint s{levels}")
    };
    let texts = [
        (
            "or of 5,000 comparisons",
            format!(
                "T | where {}",
                joined(5_000, " or ", |at| format!("Number=={at}"))
            ),
        ),
        (
            "or of 4,000 has",
            format!(
                "T | where {}",
                joined(4_000, " or ", |at| format!("Name has 'a{at}'"))
            ),
        ),
        (
            "in of 10,000 numbers",
            format!(
                "T | where Number in ({})",
                joined(10_000, ",", |at| at.to_string())
            ),
        ),
        (
            "in of 9,000 texts",
            format!(
                "T | where Name in~ ({})",
                joined(9_000, ",", |at| format!("'a{at}'"))
            ),
        ),
        (
            "has_any of 9,000 terms",
            format!(
                "T | where Name has_any ({})",
                joined(9_000, ",", |at| format!("'a{at}'"))
            ),
        ),
        (
            "sum of 10,000 numbers",
            format!("print {}", joined(10_000, "+", |at| at.to_string())),
        ),
        (
            "sum of 10,000 columns",
            format!(
                "T | extend x = {}",
                joined(10_000, "+", |_| "Number".to_owned())
            ),
        ),
        (
            "1,000 wheres",
            format!(
                "T {}",
                joined(1_000, " ", |at| format!("| where Number != {at}"))
            ),
        ),
        (
            "2,000 extends",
            format!(
                "T {}",
                joined(2_000, " ", |at| format!("| extend x{at} = Number + {at}"))
            ),
        ),
        (
            "2,000 extends of one name",
            format!(
                "T {}",
                joined(2_000, " ", |_| "| extend Number = Number + 1".to_owned())
            ),
        ),
        (
            "one extend of 4,000",
            format!(
                "T | extend {}",
                joined(4_000, ", ", |at| format!("x{at} = Number + {at}"))
            ),
        ),
        (
            "1,000 projects",
            format!(
                "T {}",
                joined(1_000, " ", |_| "| project Name, Number".to_owned())
            ),
        ),
        (
            "1,000 summarizes",
            format!(
                "T {}",
                joined(1_000, " ", |_| "| summarize Number = count() by Name"
                    .to_owned())
            ),
        ),
        (
            "1,000 sorts",
            format!(
                "T {}",
                joined(1_000, " ", |_| "| order by Number asc".to_owned())
            ),
        ),
        (
            "union of 500",
            format!(
                "union {}",
                joined(500, ", ", |at| format!("(T | where Number == {at})"))
            ),
        ),
        (
            "union of 500 schemas",
            format!(
                "union {}",
                joined(500, ", ", |at| format!("(T | extend x{at} = {at})"))
            ),
        ),
        (
            "500 unions",
            format!("T {}", joined(500, " ", |_| "| union T".to_owned())),
        ),
        (
            "200 joins",
            format!(
                "T {}",
                joined(200, " ", |_| {
                    "| join kind=inner T on Name | project Name, Number".to_owned()
                })
            ),
        ),
        (
            "200 joins that keep columns",
            format!(
                "T {}",
                joined(200, " ", |_| "| join kind=inner T on Name".to_owned())
            ),
        ),
        ("lets used twice, 20 levels", nested_lets(20)),
        ("lets used twice, 100 levels", nested_lets(100)),
        ("lets joined with themselves, 12 levels", shared_lets(12)),
        ("lets joined with themselves, 100 levels", shared_lets(100)),
        ("functions used twice, 30 levels", functions(30)),
        ("scalars used twice, 60 levels", scalars(60)),
        (
            "dynamic of 90 kB",
            format!(
                "print dynamic([{}])",
                joined(15_000, ",", |at| at.to_string())
            ),
        ),
        ("lets of one name", "let a=1;".repeat(12_000) + "print a"),
        (
            "projects of unknown names",
            format!("T | project {}", vec!["nope"; 16_000].join(",")),
        ),
        (
            "deep dynamic",
            format!(
                "print dynamic({}{})",
                "[".repeat(20_000),
                "]".repeat(20_000)
            ),
        ),
        (
            "deep parentheses",
            format!("print {}1{}", "(".repeat(20_000), ")".repeat(20_000)),
        ),
        (
            "deep calls",
            format!("print {}1{}", "abs(".repeat(10_000), ")".repeat(10_000)),
        ),
        (
            "deep subqueries",
            format!("{}T{}", "union (".repeat(1_000), ")".repeat(1_000)),
        ),
        (
            "case of 3,000",
            format!(
                "T | extend x = case({}, 0)",
                joined(3_000, ", ", |at| format!("Number=={at}, {at}"))
            ),
        ),
        (
            "strcat of 8,000",
            format!(
                "T | extend x = strcat({})",
                joined(8_000, ", ", |_| "Name".to_owned())
            ),
        ),
        (
            "regex that grows",
            "T | where Name matches regex @'((a{0,200}){0,200}){0,200}'".to_owned(),
        ),
        (
            "large regex",
            format!(
                "T | where Name matches regex @'{}'",
                joined(9_000, "|", |at| format!("a{at}"))
            ),
        ),
        (
            "datatable of 5,000 rows",
            format!(
                "datatable(a:long, b:string)[{}]",
                joined(5_000, ", ", |at| format!("{at}, 'b{at}'"))
            ),
        ),
        (
            "range of 100 million",
            "range x from 1 to 100000000 step 1 | count".to_owned(),
        ),
        (
            "serialized windows",
            format!(
                "T | serialize {}",
                joined(1_000, ", ", |at| format!("x{at} = row_number({at})"))
            ),
        ),
        (
            "mv-expand 300 times",
            format!(
                "T {}",
                joined(300, " ", |_| "| mv-expand Fields".to_owned())
            ),
        ),
        (
            "1,500 extends of what was extended",
            format!(
                "T | extend x0 = Number {}",
                joined(1_500, " ", |at| format!("| extend x{} = x{at} + 1", at + 1))
            ),
        ),
        (
            "1,000 windows of windows",
            format!(
                "T | serialize x0 = Number {}",
                joined(1_000, " ", |at| format!(
                    "| extend x{} = prev(x{at})",
                    at + 1
                ))
            ),
        ),
        (
            "1,500 parses",
            format!(
                "T {}",
                joined(1_500, " ", |at| format!(
                    "| parse Name with * 'a' x{at}:long *"
                ))
            ),
        ),
        (
            "sort by 4,000 keys",
            format!(
                "T | sort by {}",
                joined(4_000, ", ", |at| format!("Number + {at}"))
            ),
        ),
        (
            "30 sorts of 3,000 columns",
            format!(
                "T | extend {} {}",
                wide(3_000),
                "| sort by x1 asc ".repeat(30)
            ),
        ),
        (
            "12 joins of 3,000 columns",
            format!(
                "let a = T | extend {}; a {}",
                wide(3_000),
                "| join kind=inner a on Name ".repeat(12)
            ),
        ),
        (
            "500 times 2,000 columns in order",
            format!(
                "T | extend {} {}",
                wide(2_000),
                "| project-reorder x1* asc ".repeat(500)
            ),
        ),
        (
            "3,000 joins that keep columns",
            format!("T {}", "| join T on Name ".repeat(3_000)),
        ),
        (
            "30 graphs of graphs",
            format!(
                "T {}",
                "| extend Next = Name | make-graph Name --> Next with_node_id=Id \
                 | graph-match (a)-[e]->(b) project Name = a.Id "
                    .repeat(30)
            ),
        ),
        (
            "300 mv-applies",
            format!("T {}", "| mv-apply Fields on (take 1) ".repeat(300)),
        ),
        (
            "search of 3,000 terms",
            format!("search {}", joined(3_000, " or ", |at| format!("'a{at}'"))),
        ),
        (
            "900 large regexes",
            format!(
                "T | where {}",
                joined(900, " or ", |at| format!(
                    "Name matches regex @'(\\w{{1,90}}){{1,9}}{at}'"
                ))
            ),
        ),
        (
            "1,500 regexes of some size",
            format!(
                "T | where {}",
                joined(1_500, " or ", |at| format!(
                    "isnotempty(extract(@'\\w{{1,20}}{at}', 0, Name))"
                ))
            ),
        ),
        (
            "and of 6,000 comparisons",
            format!(
                "T | where {}",
                joined(6_000, " and ", |at| format!("Number>{at}"))
            ),
        ),
        (
            "union of 45,000 tables",
            format!("union {}", joined(45_000, ",", |_| "T".to_owned())),
        ),
        (
            "union of 20,000 views",
            format!(
                "let f = view() {{ T }}; union {}",
                joined(20_000, ",", |_| "f()".to_owned())
            ),
        ),
        (
            "1,700 orders of 3,000 columns",
            format!(
                "T | extend {} {}",
                wide(3_000),
                "| project-reorder x1*, x2*, * asc ".repeat(1_700)
            ),
        ),
        ("search of everything", "search 'nothing'".to_owned()),
    ];
    texts
        .into_iter()
        .map(|(name, text)| Input { name, text })
        .collect()
}

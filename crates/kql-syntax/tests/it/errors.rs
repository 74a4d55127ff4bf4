//! What people are told about their mistakes.

use kql_syntax::{Lines, parse};

fn rendered(text: &str) -> String {
    let lines = Lines::new(text);
    let parts: Vec<String> = parse(text)
        .diagnostics
        .iter()
        .map(|diagnostic| lines.render(diagnostic))
        .collect();
    parts.join("\n\n")
}

#[test]
fn messages() {
    let texts = [
        "DeviceInfo | where | take 5",
        "DeviceInfo | where a = 'x'",
        "DeviceInfo | were a == 1",
        "DeviceInfo | select a",
        "DeviceInfo | where f(a b) | take | project c",
        "DeviceInfo | where (a == 1\n| take 5",
        "DeviceInfo | where a == 1) | take 5",
        "DeviceInfo\nwhere a == 1",
        "where a == 1",
        "T | where path == \"C:\\Windows\"",
        "T | where a == “x”",
        "T | where a == 'x\n| take 5",
        "T | summarize first = min(a)",
        "T | where a && b",
        "let x = ; let y = 5 let z = 6; print y",
        "T | extend x = toint(5), y = int(a)",
        "let f = (a) { a }; f(1)",
        "let f = (a: long) { T | where a == }; f(1)",
        "T | join (U) $left.a == $right.a",
        "print dynamic({a: 1})",
        "",
    ];
    let report: Vec<String> = texts
        .iter()
        .map(|text| format!("--- {text}\n{}", rendered(text)))
        .collect();
    insta::assert_snapshot!(report.join("\n\n"));
}

#[test]
fn every_operator_after_a_mistake_is_still_read() {
    let parse = parse("T | where ( | take 5 | summarize | where ) | count; U | tak 5; V | take 1");
    let operators: Vec<&str> = parse
        .tree
        .operators()
        .map(|operator| operator.keyword.text.as_str())
        .collect();
    assert_eq!(operators.last(), Some(&"take"));
    assert!(parse.diagnostics.len() >= 2, "{:?}", parse.diagnostics);
}

#[test]
fn no_prefix_of_a_query_panics() {
    let text = "let f = (t: (a: long), b: dynamic = dynamic({\"x\": [1, -2]})) { t | where a in~ ('é', @\"z\") };\n\
        T | mv-apply x = a to typeof(long) limit 5 on (where x between (1 .. 2d) | top 3 by x desc)\n\
        | make-graph a --> b with U on c | graph-match (p)-[q*1..3]->(r) where p.a == 1 project r\n\
        | scan declare (c: long = 0) with (step s: true => c = s.c + 1;) | render timechart with (title='t')";
    for end in 0..=text.len() {
        if let (Some(head), Some(tail)) = (text.get(..end), text.get(end..)) {
            for part in [head, tail] {
                let lines = Lines::new(part);
                for diagnostic in parse(part).diagnostics {
                    assert!(diagnostic.span.end as usize <= part.len(), "{part}");
                    lines.render(&diagnostic);
                }
            }
        }
    }
}

//! Queries as a grammar makes them: every operator and every kind of expression.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    select(words).prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        8 => "[a-dA-D_][a-d0-9_]{0,4}x",
        1 => "\\['[a-z $.]{1,6}'\\]",
        1 => one_of(&["['where']", "[\"a b\"]", "_x1", "['1st']", "first_x"]),
    ]
}

fn literal() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        4 => "[0-9]{1,5}",
        2 => "[0-9]{1,3}\\.[0-9]{1,3}",
        3 => "'[a-z \\.\\$/é日]{0,6}'",
        2 => "\"[a-z ']{0,6}\"",
        1 => "@'[a-z\\\\]{0,6}'",
        1 => "h'[a-z]{0,4}'",
        1 => "(1|2[0-9])(d|h|m|s|ms|tick)",
        3 => one_of(&[
            "true", "false", "int(5)", "long(null)", "real(-1.5)", "decimal(0.1)", "real(nan)", "guid(00000000-0000-0000-0000-000000000001)",
            "datetime(2024-01-31)", "datetime(2024-01-31T10:20:30.1234567Z)", "datetime(null)", "time(1.02:03:04.5)", "timespan(null)",
            "dynamic(null)", "dynamic([1, 'a', {\"b\": [null, true]}])", "dynamic({\"a\": {\"b\": -1.5e3}})", "0x1F", "1e10", "'a' 'b'", "bool(null)",
            "```several\nlines```", "h@'\\x'", "\"\\t\\u00e9\\\"\"",
        ]),
    ]
}

fn list(item: impl Strategy<Value = String>, most: usize) -> impl Strategy<Value = String> {
    vec(item, 1..=most).prop_map(|items| items.join(", "))
}

/// Expressions of values.
fn expression() -> impl Strategy<Value = String> + Clone {
    let leaf = prop_oneof![
        4 => name(),
        4 => literal(),
        1 => (name(), name()).prop_map(|(left, right)| format!("{left}.{right}")),
        1 => (name(), "[0-9]").prop_map(|(left, index)| format!("{left}[{index}]")),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            3 => (pair.clone(), one_of(&[
                "==", "!=", "<", "<=", ">", ">=", "=~", "!~", "has", "!has", "has_cs", "contains", "!contains", "contains_cs",
                "startswith", "!startswith_cs", "endswith", "hasprefix", "hassuffix_cs", "matches regex", "+", "-", "*", "/", "%",
            ])).prop_map(|((left, right), operator)| format!("({left}) {operator} ({right})")),
            2 => (pair.clone(), one_of(&["+", "-", "*", "/", "%"])).prop_map(|((left, right), operator)| format!("({left}) {operator} ({right}) {operator} 2")),
            2 => (vec(inner.clone(), 2..4), one_of(&[" and ", " or "])).prop_map(|(all, with)| all.join(&with)),
            2 => (name(), vec(inner.clone(), 0..4)).prop_map(|(name, all)| format!("{}({})", name.replace(['[', ']', '\'', '"', ' ', '$', '.'], "f"), all.join(", "))),
            1 => inner.clone().prop_map(|one| format!("-({one})")),
            1 => inner.clone().prop_map(|one| format!("({one})")),
            1 => inner.clone().prop_map(|one| format!("not({one})")),
            1 => (inner.clone(), one_of(&["in", "!in", "in~", "!in~", "has_any", "has_all"]), list(inner.clone(), 3))
                .prop_map(|(left, operator, list)| format!("({left}) {operator} ({list})")),
            1 => (inner.clone(), pair, any::<bool>())
                .prop_map(|(value, (low, high), not)| format!("({value}) {}between (({low}) .. ({high}))", if not { "!" } else { "" })),
            1 => inner.clone().prop_map(|one| format!("toscalar(print {one})")),
            1 => (inner.clone(), name()).prop_map(|(one, name)| format!("({one})[{name}]")),
        ]
    })
}

fn named() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        (name(), expression()).prop_map(|(name, value)| format!("{name} = {value}")),
        expression(),
    ]
}

fn operator(
    tables: impl Strategy<Value = String> + Clone + 'static,
) -> impl Strategy<Value = String> {
    let names = || list(name(), 3);
    let aggregates = || {
        list(
            prop_oneof![
                name().prop_map(|name| format!("count_{} = count()", name.len())),
                one_of(&[
                    "count()",
                    "dcount(ax)",
                    "arg_max(ax, *)",
                    "make_set(bx, 10)",
                    "sum(ax) / 2"
                ]),
            ],
            3,
        )
    };
    prop_oneof![
        expression().prop_map(|one| format!("where {one}")),
        list(named(), 3).prop_map(|all| format!("extend {all}")),
        list(named(), 3).prop_map(|all| format!("project {all}")),
        names().prop_map(|all| format!("project-away {all}, q*")),
        names().prop_map(|all| format!("project-keep *z, {all}")),
        (name(), name()).prop_map(|(new, old)| format!("project-rename {new} = {old}")),
        names().prop_map(|all| format!("project-reorder {all}, * asc")),
        list(named(), 2).prop_map(|all| format!("distinct {all}")),
        Just("distinct *".to_owned()),
        (aggregates(), list(named(), 2)).prop_map(|(all, by)| format!("summarize {all} by {by}")),
        aggregates().prop_map(|all| format!("summarize hint.strategy=shuffle {all}")),
        list(named(), 2).prop_map(|by| format!("summarize by {by}")),
        (
            names(),
            one_of(&["", " asc", " desc", " asc nulls first", " desc nulls last"])
        )
            .prop_map(|(by, order)| format!("sort by {by}{order}")),
        (expression(), name()).prop_map(|(count, by)| format!("top {count} by {by} desc")),
        one_of(&[
            "take 5",
            "limit 1",
            "count",
            "count as n",
            "getschema",
            "consume",
            "serialize",
            "as T1",
            "sample 3",
            "sample-distinct 3 of a",
            "top-hitters 3 of a by b",
            "render timechart with (title = 'x', kind = stacked)",
            "evaluate bag_unpack(b, 'p_')",
            "evaluate pivot(a, sum(b))",
            "invoke f(1)",
            "reduce by a with threshold = 0.2",
            "facet by a, b with (take 1)",
            "fork a = (take 1) (count)",
            "make-series n = count() default = 0 on t from ago(1d) to now() step 1h by a",
            "partition hint.strategy=native by a (top 1 by b)",
            "parse kind=regex flags=i a with * 'x' y:long 'z' *",
            "parse-where a with 'x' y",
            "parse-kv a as (b: long, c: string) with (pair_delimiter = ';')",
            "scan declare (s: long = 0) with (step one output = all: true => s = one.s + 1;)",
            "top-nested 2 of a with others = 'x' by count(), top-nested of b by sum(c)",
            "mv-expand bagexpansion=array with_itemindex=i a to typeof(long), b = c limit 5",
            "mv-apply x = a to typeof(string) on (where x has 'y' | take 1)",
            "make-graph a --> b with T1 on c",
            "graph-match (x)-[y*1..3]->(z) where x.k == 1 project x.k",
            "search kind=case_sensitive 'x' or a:'y'",
            "assert-schema (a: long)",
        ]),
        (
            one_of(&[
                "",
                "kind=inner ",
                "kind=leftanti ",
                "hint.remote=left kind=fullouter "
            ]),
            tables.clone(),
            names()
        )
            .prop_map(|(kind, table, on)| format!("join {kind}({table}) on {on}")),
        (tables.clone(), name(), name()).prop_map(|(table, left, right)| format!(
            "join kind=leftouter ({table}) on $left.{left} == $right.{right}"
        )),
        (tables.clone(), names())
            .prop_map(|(table, on)| format!("lookup kind=inner ({table}) on {on}")),
        (
            one_of(&["", "withsource=s ", "kind=inner isfuzzy=true "]),
            tables
        )
            .prop_map(|(options, table)| format!("union {options}({table}), T2")),
    ]
}

/// Expressions that give tables.
fn table() -> impl Strategy<Value = String> + Clone {
    let leaf = prop_oneof![
        4 => one_of(&["T1", "T2", "['My Table']", "database('d').T", "cluster('c').database('d').T"]),
        1 => list(named(), 2).prop_map(|all| format!("print {all}")),
        1 => Just("range x from 1 to 10 step 2".to_owned()),
        1 => Just("datatable(a: long, b: string) [1, 'x', 2, 'y']".to_owned()),
        1 => Just("externaldata(a: string) ['https://x/y.csv'] with (format = 'csv')".to_owned()),
        1 => Just("union kind=outer T1, (T2 | take 1), X*".to_owned()),
        1 => Just("search in (T1, T2) 'x' and a > 5".to_owned()),
        1 => Just("find in (T1, T2) where a == 1 project a, pack(*)".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        (inner.clone(), vec(operator(inner), 0..3)).prop_map(|(source, operators)| {
            let mut text = source;
            for operator in operators {
                text.push_str("\n| ");
                text.push_str(&operator);
            }
            text
        })
    })
}

fn statement() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        (name(), expression()).prop_map(|(name, value)| format!("let {name} = {value}")),
        (name(), table()).prop_map(|(name, table)| format!("let {name} = materialize({table})")),
        (name(), expression()).prop_map(|(name, value)| format!(
            "let {name} = (ax: long, bx: string = 'y') {{ {value} }}"
        )),
        (name(), table()).prop_map(|(name, table)| format!(
            "let {name} = (T: (ax: long), S: (*)) {{ {table} }}"
        )),
        (name(), table()).prop_map(|(name, table)| format!("let {name} = view () {{ {table} }}")),
        Just("set notruncation".to_owned()),
        Just("declare query_parameters(ax: long = 5, bx: string)".to_owned()),
        Just("alias database db = cluster('c').database('d')".to_owned()),
    ]
}

/// Whole queries that must parse.
pub(crate) fn query() -> impl Strategy<Value = String> + Clone {
    (vec(statement(), 0..3), table(), any::<bool>()).prop_map(|(statements, table, comment)| {
        let mut text = String::new();
        for statement in statements {
            text.push_str(&statement);
            text.push_str(";\n");
        }
        if comment {
            text.push_str("// what is asked\n");
        }
        text + &table
    })
}

/// Words and signs of the language in any order.
#[expect(clippy::too_many_lines, reason = "a list of words")]
pub(crate) fn soup() -> impl Strategy<Value = String> + Clone {
    let piece = prop_oneof![
        one_of(&[
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ",",
            ";",
            ":",
            "|",
            "=",
            "==",
            "=>",
            "=~",
            "!",
            "!in",
            "..",
            ".",
            "-",
            "+",
            "*",
            "/",
            "%",
            "<",
            "<|",
            "$left",
            "$",
            "-->",
            "]->",
            "-[",
            "//",
            "\n",
            "'",
            "\"",
            "@'",
            "```",
            "~",
            "#",
            "\\",
            "<>",
            "h'",
            "#connect x",
        ]),
        one_of(&[
            "let",
            "where",
            "project",
            "project-away",
            "summarize",
            "by",
            "join",
            "kind",
            "on",
            "union",
            "search",
            "find",
            "in",
            "between",
            "and",
            "or",
            "not",
            "extend",
            "take",
            "top",
            "of",
            "with",
            "mv-expand",
            "mv-apply",
            "parse",
            "parse-kv",
            "scan",
            "declare",
            "step",
            "output",
            "datatable",
            "externaldata",
            "dynamic",
            "datetime",
            "typeof",
            "to",
            "materialize",
            "toscalar",
            "view",
            "pattern",
            "restrict access to",
            "make-series",
            "from",
            "default",
            "evaluate",
            "render",
            "fork",
            "facet",
            "partition",
            "top-nested",
            "others",
            "make-graph",
            "graph-match",
            "graph-shortest-paths",
            "cycles",
            "macro-expand",
            "entity_group",
            "as",
            "set",
            "alias",
            "range",
            "print",
            "has_any",
            "matches regex",
            "nulls",
            "first",
            "invoke",
            "reduce",
            "sample-distinct",
            "consume",
            "getschema",
            "hint.strategy",
            "isfuzzy",
            "query_parameters",
        ]),
        name(),
        literal(),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.join(" "))
}

//! Slices of a query, put together, are its answer: for every query that is accepted for slicing.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use defender_drivers::{Slice, Splitting};
use defender_query::Timespan;
use defender_table::arrow;
use defender_table::ticks;
use futures::executor::block_on;
use kql_engine::{Catalog, Engine, Options, ScalarType, Value};

const ROWS: i64 = 60;
/// 2024-05-06T07:08:09Z.
const NOW: i64 = 638_505_760_890_000_000;

/// How a query may begin.
const BEGINNINGS: &[&str] = &[
    "Events",
    "Events",
    "Events",
    "union Events, Others",
    "let limit = 20; Events",
    "let rank = (x: datetime) { row_rank_dense(x) }; Events",
    "let twice = (x: long) { x * 2 }; Events",
    "let known = Others | distinct Host; Events",
];

/// Steps of every kind: what a row alone decides, and what needs others.
const STEPS: &[&str] = &[
    "where Count > 20",
    "where Host in ('a', 'b')",
    "where Host in (Others | project Host)",
    "where Count == toscalar(Others | summarize max(Count))",
    "where Timestamp > datetime(2024-05-06 02:00)",
    "filter Host has 'a'",
    "extend Twice = Count * 2",
    "extend Timestamp = bin(Timestamp, 1h)",
    "extend bin(Timestamp, 1h)",
    "extend Day = startofday(Timestamp), Text",
    "extend N = row_number()",
    "extend Before = prev(Host)",
    "extend After = next(Host, 1, 'none')",
    "extend Sum = row_cumsum(Count)",
    "extend R = row_rank_dense(Timestamp)",
    "extend R = row_rank_min(Timestamp)",
    "extend R = row_rank(Timestamp)",
    "extend S = row_window_session(Timestamp, 1h, 1h)",
    "extend R = rank(Timestamp)",
    "extend D = twice(Count)",
    "project Timestamp, Host, Count, Text, List, Bag",
    "project Host, Count, Text, List, Bag",
    "project Timestamp = now(), Host, Count, Text, List, Bag",
    "project-away Bag",
    "project-away T*",
    "project-keep Timestamp, Host, Count",
    "project-rename Machine = Host",
    "project-rename When = Timestamp",
    "project-reorder Count, Host",
    "parse Text with 'k=' Key:string ' ' *",
    "parse Text with 'k=' Timestamp:datetime ' ' *",
    "parse-where Text with 'k=v1' Rest",
    "parse-kv Text as (k: string, n: long) with (pair_delimiter=' ', kv_delimiter='=')",
    "mv-expand List",
    "mv-expand with_itemindex=Timestamp List",
    "mv-expand Item = List to typeof(long) limit 1",
    "mv-apply Item = List to typeof(long) on (summarize Items = sum(Item))",
    "mv-apply Item = List to typeof(long) on (top 1 by Item)",
    "mv-apply Item = List to typeof(long) on (where Item in (Others | project Count))",
    "search 'a'",
    "serialize",
    "serialize N = row_number()",
    "sort by Timestamp",
    "sort by Timestamp asc",
    "order by Count asc",
    "take 5",
    "top 5 by Count",
    "sample-distinct 3 of Host",
    "count",
    "distinct Host",
    "summarize count() by Host",
    "summarize arg_max(Timestamp, *) by Host",
    "make-series count() on Timestamp step 1h",
    "top-nested 2 of Host by count()",
    "top-hitters 2 of Host",
    "as Seen",
    "where Host in (Seen | take 1 | project Host)",
    "where Count == toscalar(Seen | summarize max(Count))",
    "join kind=inner Others on Host",
    "lookup Others on Host",
    "union Others",
    "partition by Host (top 1 by Count asc)",
    "scan declare (n: long = 0) with (step s: true => n = s.n + 1;)",
    "evaluate bag_unpack(Bag)",
    "getschema",
    "render table",
    "consume",
];

struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }
}

/// From where to where the rows of a table lie.
fn range() -> Timespan {
    Timespan::new(NOW - ROWS * ticks::PER_SECOND * 600, NOW).unwrap()
}

fn engine() -> Engine {
    let columns = [
        ("Timestamp", ScalarType::DateTime),
        ("Host", ScalarType::String),
        ("Count", ScalarType::Long),
        ("Text", ScalarType::String),
        ("List", ScalarType::Dynamic),
        ("Bag", ScalarType::Dynamic),
    ];
    let rows = |count: i64, shift: i64| {
        let text = |value: &dyn Fn(i64) -> String| -> ArrayRef {
            Arc::new(
                (0..count)
                    .map(|row| Some(value(row)))
                    .collect::<StringArray>(),
            )
        };
        RecordBatch::try_from_iter([
            (
                "Timestamp",
                text(&|row| {
                    let at =
                        range().start() + (row * ROWS / count * 600 + shift) * ticks::PER_SECOND;
                    ticks::format_datetime(at)
                }),
            ),
            (
                "Host",
                text(&|row| {
                    ["a", "b", "c", "ab"][usize::try_from(row * 7 % 4).unwrap()].to_owned()
                }),
            ),
            ("Count", text(&|row| (row * 37 % 50).to_string())),
            ("Text", text(&|row| format!("k=v{} n={row}", row % 3))),
            ("List", text(&|row| format!("[{row},{}]", row % 5))),
            ("Bag", text(&|row| format!("{{\"x\":{row}}}"))),
        ])
        .unwrap()
    };
    let columns: Vec<_> = columns.map(|(name, ty)| (name.to_owned(), ty)).into();
    let mut catalog = Catalog::new();
    catalog.add("Events", columns.clone(), vec![rows(ROWS, 0)]);
    catalog.add("Others", columns, vec![rows(6, 1)]);
    let now = Some(NOW);
    Engine::new(
        catalog,
        Options {
            now,
            ..Options::default()
        },
    )
}

/// The columns and rows of an answer; `None` where the engine does not run the query.
fn run(engine: &Engine, text: &str) -> Option<(Vec<String>, Vec<Vec<Value>>)> {
    let answer = block_on(engine.run(text)).ok()?;
    let names = answer.columns.iter().map(|column| column.name.clone());
    Some((names.collect(), answer.rows().collect()))
}

fn sorted(rows: &[Vec<Value>]) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    rows.sort_unstable();
    rows
}

/// The slices of the range at random cuts, some of them cut again by a hash.
fn slices(dice: &mut Dice, newest_first: bool) -> Vec<Slice> {
    let whole = Slice::of(range());
    let width = usize::try_from(whole.width() / ticks::PER_SECOND).unwrap();
    let mut cuts = vec![whole.from(), whole.to()];
    for _ in 0..=dice.below(3) {
        let second = i64::try_from(dice.below(width)).unwrap();
        cuts.push(whole.from() + second * ticks::PER_SECOND);
    }
    cuts.sort_unstable();
    cuts.dedup();
    let mut slices: Vec<Slice> = cuts
        .windows(2)
        .map(|cut| whole.during(cut[0], cut[1]))
        .collect();
    if newest_first {
        slices.reverse();
    }
    slices
}

/// `SLICES_CASES` sets how many queries are tried.
#[expect(clippy::disallowed_methods, reason = "how much to try is its caller's")]
#[test]
fn slices_put_together_are_the_whole_answer() {
    let cases: usize = std::env::var("SLICES_CASES").map_or(400, |text| text.parse().unwrap());
    let engine = engine();
    let mut dice = Dice(7);
    let (mut compared, mut differences) = (0, Vec::new());
    for _ in 0..cases {
        let mut text = dice.of(BEGINNINGS).to_owned();
        for _ in 0..=dice.below(4) {
            text = format!("{text}\n| {}", dice.of(STEPS));
        }
        let Ok(splitting) = Splitting::of(&text) else {
            continue;
        };
        let Some((names, whole)) = run(&engine, &text) else {
            continue;
        };
        compared += 1;
        let mut slices = slices(&mut dice, splitting.is_newest_first());
        if !splitting.is_sorted() && dice.below(2) == 0 {
            slices = slices
                .iter()
                .flat_map(|slice| slice.partitioned(2))
                .collect();
        }
        let mut together = Vec::new();
        for slice in slices {
            let part = splitting.text_of(&slice);
            let (own, rows) = run(&engine, &part).expect("a slice runs where the whole does");
            assert_eq!(own, names, "{part}");
            together.extend(rows);
        }
        let same = if splitting.is_sorted() {
            together == whole
        } else {
            sorted(&together) == sorted(&whole)
        };
        if !same {
            differences.push(text);
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    assert!(
        compared * 8 > cases,
        "only {compared} of {cases} were compared"
    );
}

//! Tables of different columns below one another.

use super::*;
use crate::{DatetimeMode, Format, JsonCell, TableBuilder, Warning, WarningKind, WriterOptions};

fn table(tenant: &str, columns: &[(&str, ColumnType)], rows: &[&[JsonCell<'_>]]) -> Table {
    let columns: Vec<_> = columns
        .iter()
        .map(|(name, column_type)| ((*name).to_owned(), *column_type))
        .collect();
    let mut builder = TableBuilder::new(&columns, DatetimeMode::Timestamp);
    for row in rows {
        builder.append_row(row.iter().copied()).unwrap();
    }
    let (schema, batches, warnings) = builder.finish().unwrap();
    let provenance = Provenance {
        tenant: Some(tenant.to_owned()),
        request_ids: vec![format!("request of {tenant}")],
        attempts: 1,
        ..Provenance::default()
    };
    let summary = Summary {
        rows: rows.len(),
        warnings,
        provenance,
        ..Summary::default()
    };
    Table::new(schema, batches, summary).unwrap()
}

#[test]
fn columns_are_united_and_rows_labelled() {
    let first = table(
        "one",
        &[("A", ColumnType::Long), ("B", ColumnType::String)],
        &[&[JsonCell::I64(1), JsonCell::Str("x")]],
    );
    let second = table(
        "two",
        &[
            ("B", ColumnType::String),
            ("A", ColumnType::String),
            ("C", ColumnType::Bool),
        ],
        &[&[
            JsonCell::Str("y"),
            JsonCell::Str("text"),
            JsonCell::Bool(true),
        ]],
    );
    let all = concat(vec![first, second], true).unwrap();
    insta::assert_snapshot!(all.to_text(Format::Csv, &WriterOptions::default()).unwrap(), @r#"
    Tenant,Instance,A,B,A_string,C
    one,,1,x,,
    two,,,y,text,true
    "#);
    assert_eq!(all.summary().rows, 2);
    assert_eq!(all.provenance().tenant, None);
    assert_eq!(
        all.provenance().request_ids,
        ["request of one", "request of two"]
    );
    assert_eq!(all.provenance().attempts, 2);
}

#[test]
fn one_incomplete_table_makes_the_whole_incomplete() {
    let (schema, batches, mut summary) = table("two", &[("A", ColumnType::Long)], &[]).into_parts();
    summary.completeness = Completeness::Incomplete {
        reason: "too many rows".to_owned(),
    };
    summary
        .warnings
        .push(Warning::new(WarningKind::Rows, "cut"));
    let second = Table::new(schema, batches, summary).unwrap();
    let first = table("one", &[("A", ColumnType::Long)], &[&[JsonCell::I64(1)]]);
    let all = concat(vec![first, second], false).unwrap();
    assert_eq!(all.column_names(), ["A"]);
    assert_eq!(
        all.summary().completeness,
        Completeness::Incomplete {
            reason: "two: too many rows".to_owned()
        }
    );
    assert_eq!(all.warnings()[0].message, "two: cut");
}

#[test]
fn what_is_said_of_several_is_said_once_with_their_number() {
    let summary = |tenant: &str, warnings: &[&str], reason: Option<&str>| {
        let warning = |text: &&str| Warning::new(WarningKind::Retirement, *text);
        Summary {
            warnings: warnings.iter().map(warning).collect(),
            completeness: match reason {
                Some(reason) => Completeness::Incomplete {
                    reason: reason.to_owned(),
                },
                None => Completeness::Complete,
            },
            provenance: Provenance {
                tenant: Some(tenant.to_owned()),
                ..Provenance::default()
            },
            ..Summary::default()
        }
    };
    let all = Summary::of_all(vec![
        summary("a", &["ends soon", "ends soon"], Some("cut")),
        summary("b", &["ends soon", "a null"], None),
        summary("c", &["ends soon", "other", "two"], Some("cut")),
        summary("d", &["ends soon", "two"], Some("late")),
    ]);
    let said: Vec<&str> = all
        .warnings
        .iter()
        .map(|one| one.message.as_str())
        .collect();
    assert_eq!(
        said,
        [
            "4 tenants: ends soon",
            "b: a null",
            "c: other",
            "2 of 4 tenants: two"
        ]
    );
    let reason = "2 of 4 tenants: cut; d: late".to_owned();
    assert_eq!(all.completeness, Completeness::Incomplete { reason });
}

#[test]
fn no_tables_are_an_empty_table() {
    let all = concat(Vec::new(), true).unwrap();
    assert_eq!(all.column_names(), ["Tenant", "Instance"]);
    assert_eq!(all.row_count(), 0);
}

#[test]
fn counts_are_added_and_other_statistics_left_out() {
    let sum = |stats: [Option<serde_json::Value>; 2]| {
        Summary::of_all(
            stats
                .map(|stats| Summary {
                    stats,
                    ..Summary::default()
                })
                .into(),
        )
        .stats
    };
    let count = |count: u64| Some(serde_json::json!({ "count": count }));
    assert_eq!(sum([count(2), count(3)]), count(5));
    assert_eq!(sum([count(2), None]), None);
    assert_eq!(sum([count(u64::MAX), count(1)]), None);
    let other = Some(serde_json::json!({"count": 1, "cpu": 2}));
    assert_eq!(sum([count(2), other]), None);
}

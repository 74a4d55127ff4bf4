//! Documents of random shapes under the name of a hunting table: rows with values, or an error.
//!
//! `PROPTEST_CASES` raises the number of documents.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kql_engine::{Catalog, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};

use super::wrappers::schema;
use super::{engine, run_on};

/// A document and how many rows it has, for whoever knows what it was made of.
#[derive(Debug, Clone)]
struct Shape {
    document: Json,
    rows: usize,
}

fn cased(key: &'static str) -> impl Strategy<Value = String> {
    (0..4_u8).prop_map(move |case| match case {
        0 => key.to_ascii_lowercase(),
        1 => key.to_ascii_uppercase(),
        _ => key.to_owned(),
    })
}

fn noise() -> impl Strategy<Value = Vec<(String, Json)>> {
    let key = select(vec![
        "PartitionId",
        "EventProcessedUtcTime",
        "Offset",
        "extra",
        "nested",
        "_id",
        "tenantId",
        "operationName",
    ]);
    let value = select(vec![
        json!(1),
        json!("x"),
        json!(null),
        json!({"a": [1]}),
        json!(["y"]),
        json!(1.25),
    ]);
    vec((key.prop_map(str::to_owned), value), 0..3)
}

fn object(members: impl IntoIterator<Item = (String, Json)>) -> Json {
    Json::Object(members.into_iter().collect())
}

/// A row; not every one has a column of the table.
fn row() -> impl Strategy<Value = Json> {
    let column = prop_oneof![
        (cased("DeviceName"), select(vec![json!("a"), json!("b")])),
        (
            cased("Timestamp"),
            select(vec![json!("2024-12-20T09:00:01Z")])
        ),
        (cased("OSBuild"), select(vec![json!(22631), json!("19045")])),
        (
            Just("TimeGenerated [UTC]".to_owned()),
            select(vec![json!("2024-12-20T09:00:01Z")])
        ),
        (
            Just("AdditionalFields".to_owned()),
            select(vec![json!({"k": 1}), json!("{\"k\":1}")])
        ),
        (Just("unknown".to_owned()), select(vec![json!(1)])),
    ];
    (vec(column, 1..4), noise())
        .prop_map(|(columns, noise)| object(noise.into_iter().chain(columns)))
}

fn texted(value: Json, form: u8) -> Json {
    match form {
        0 => Json::from(value.to_string()),
        1 => Json::from(STANDARD.encode(value.to_string())),
        _ => value,
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = row().prop_map(|document| Shape { document, rows: 1 });
    leaf.prop_recursive(4, 24, 4, |inner| {
        let record = (
            inner.clone(),
            cased("properties"),
            cased("category"),
            any::<bool>(),
            0..4_u8,
            noise(),
        )
            .prop_map(|(inner, properties, category, timed, form, noise)| {
                let mut members = noise;
                if timed {
                    members.push(("time".to_owned(), json!("2024-12-20T09:00:01Z")));
                }
                members.push((category, json!("AdvancedHunting-DeviceInfo")));
                let form = if form == 1 { 2 } else { form };
                members.push((properties, texted(inner.document, form)));
                Shape {
                    document: object(members),
                    rows: inner.rows,
                }
            });
        let list = (
            vec(inner.clone(), 0..4),
            prop_oneof![
                cased("Records"),
                cased("Value"),
                cased("Results"),
                cased("Events")
            ],
            noise(),
            any::<bool>(),
        )
            .prop_map(|(inner, key, noise, alone)| {
                let rows = inner.iter().map(|one| one.rows).sum();
                let list = Json::Array(inner.into_iter().map(|one| one.document).collect());
                let members = if alone { Vec::new() } else { noise };
                let document = object(members.into_iter().chain([(key, list)]));
                Shape { document, rows }
            });
        let body = (inner.clone(), cased("Body"), 0..4_u8, noise()).prop_map(
            |(inner, key, form, noise)| {
                let body = texted(inner.document, form);
                Shape {
                    document: object(noise.into_iter().chain([(key, body)])),
                    rows: inner.rows,
                }
            },
        );
        let array = vec(inner, 0..3).prop_map(|inner| Shape {
            rows: inner.iter().map(|one| one.rows).sum(),
            document: Json::Array(inner.into_iter().map(|one| one.document).collect()),
        });
        prop_oneof![record, list, body, array]
    })
}

/// The rows of a file, unless it is refused; none of them is without a value.
fn rows_of(name: &str, text: &[u8]) -> Result<Option<usize>, TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let catalog = Catalog::from_folder(folder.path(), &schema).unwrap();
    let engine = engine(catalog);
    let shown = String::from_utf8_lossy(text);
    let Ok(answer) = run_on(&engine, "DeviceInfo") else {
        return Ok(None);
    };
    for row in answer.rows() {
        let known = &row[..5];
        let is_nothing = |value: &Value| {
            let json = value.to_json();
            json.is_null() || json == ""
        };
        prop_assert!(!known.iter().all(is_nothing), "a row of nulls: {shown}");
    }
    Ok(Some(answer.rows().count()))
}

fn cases() -> ProptestConfig {
    // Each case is a file and a query: few of them, unless the environment says how many.
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: if default.cases == 256 {
            64
        } else {
            default.cases
        },
        failure_persistence: None,
        ..default
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn documents_are_rows_or_errors(shapes in vec(shape(), 1..4), pretty in any::<bool>(), array in any::<bool>()) {
        let expected: usize = shapes.iter().map(|one| one.rows).sum();
        let documents: Vec<Json> = shapes.into_iter().map(|one| one.document).collect();
        let text = if array {
            Json::Array(documents).to_string()
        } else if pretty {
            let lines: Vec<String> = documents.iter().map(|one| format!("{one:#}\n")).collect();
            lines.concat()
        } else {
            let lines: Vec<String> = documents.iter().map(|one| format!("{one}\n")).collect();
            lines.concat()
        };
        if let Some(rows) = rows_of("DeviceInfo.json", text.as_bytes())? {
            prop_assert_eq!(rows, expected, "{}", text);
        }
    }

    #[test]
    fn cut_and_changed_documents_are_rows_or_errors(shapes in vec(shape(), 1..3), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut text: Vec<u8> = shapes
            .iter()
            .flat_map(|one| format!("{}\n", one.document).into_bytes())
            .collect();
        let at = at.index(text.len());
        if cut {
            text.truncate(at);
        } else {
            text[at] = byte;
        }
        rows_of("DeviceInfo.json", &text)?;
    }

    #[test]
    fn separated_values_are_rows_or_errors(
        names in vec(prop_oneof![cased("DeviceName"), cased("Timestamp"), Just(String::new()), Just("x".to_owned()), Just("DeviceName,OSBuild".to_owned())], 1..5),
        lines in vec(vec(select(vec!["a", "\"b\"", "2024-12-20T09:00:01Z", "1", "x"]), 1..5), 0..5),
        separator in select(vec![",", ";", "\t"]),
        above in select(vec!["", "#TYPE X\r\n", "\n", "sep=;\n", "\u{feff}"]),
    ) {
        let mut text = format!("{above}{}\n", names.join(separator));
        for line in &lines {
            text.push_str(&line.join(separator));
            text.push('\n');
        }
        if let Some(rows) = rows_of("DeviceInfo.csv", text.as_bytes())? {
            prop_assert_eq!(rows, lines.len(), "{}", text);
        }
    }
}

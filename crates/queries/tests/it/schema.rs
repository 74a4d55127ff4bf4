//! The JSON Schema and the loader agree on the fixtures.

use std::path::Path;

use defender_queries::{Library, SCHEMA, Severity};
use serde_json::Value;

use crate::folder;

/// The part of JSON Schema that ours is written in; an unknown keyword is a failure.
fn violations(schema: &Value, root: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let mut fail = |what: String| found.push(format!("{path}: {what}"));
    let object = schema.as_object().unwrap();
    for (keyword, rule) in object {
        match keyword.as_str() {
            "type" => {
                let types: Vec<&str> = match rule {
                    Value::Array(types) => types.iter().map(|ty| ty.as_str().unwrap()).collect(),
                    ty => vec![ty.as_str().unwrap()],
                };
                let is = |ty: &str| match ty {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "number" => value.is_number(),
                    "null" => value.is_null(),
                    other => panic!("{other}"),
                };
                if !types.into_iter().any(is) {
                    fail(format!("is not {rule}"));
                }
            }
            "enum" if !rule.as_array().unwrap().contains(value) => {
                fail(format!("is not one of {rule}"));
            }
            "minLength" if value.as_str().is_some_and(str::is_empty) => fail("is empty".to_owned()),
            "minItems" if value.as_array().is_some_and(Vec::is_empty) => {
                fail("is empty".to_owned());
            }
            "minProperties" if value.as_object().is_some_and(serde_json::Map::is_empty) => {
                fail("is empty".to_owned());
            }
            "$schema"
            | "title"
            | "description"
            | "$defs"
            | "enum"
            | "minLength"
            | "minItems"
            | "minProperties"
            | "$ref"
            | "items"
            | "properties"
            | "additionalProperties" => {}
            "required" => {
                for name in rule.as_array().unwrap() {
                    let missing = value.is_object()
                        && value.get(name.as_str().unwrap()).is_none_or(Value::is_null);
                    if missing {
                        fail(format!("lacks {name}"));
                    }
                }
            }
            "anyOf" => {
                let fits = rule.as_array().unwrap().iter().any(|schema| {
                    let mut inner = Vec::new();
                    violations(schema, root, value, path, &mut inner);
                    inner.is_empty()
                });
                if !fits {
                    fail(format!("fits none of {rule}"));
                }
            }
            other => panic!("{other}"),
        }
    }
    children(object, root, value, path, found);
}

/// Checks what a schema says of the parts of a value.
fn children(
    schema: &serde_json::Map<String, Value>,
    root: &Value,
    value: &Value,
    path: &str,
    found: &mut Vec<String>,
) {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.strip_prefix("#/$defs/").unwrap();
        violations(&root["$defs"][name], root, value, path, found);
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(items) = schema.get("items") {
            violations(items, root, item, &format!("{path}[{index}]"), found);
        }
    }
    for (name, item) in value.as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let property = schema
            .get("properties")
            .and_then(|properties| properties.get(name));
        match property.or_else(|| schema.get("additionalProperties")) {
            Some(Value::Bool(false)) => found.push(format!("{path}: is not known")),
            Some(schema) => violations(schema, root, item, &path, found),
            None => {}
        }
    }
}

fn check(text: &str) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let value: Value = serde_saphyr::from_str(text).unwrap();
    let mut found = Vec::new();
    violations(&schema, &schema, &value, "", &mut found);
    found
}

fn texts(folder: &Path) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                texts.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    texts.sort();
    texts
}

#[test]
fn a_file_that_loads_without_complaint_fits_the_schema() {
    let texts = texts(&folder("own"));
    assert_eq!(texts.len(), 3);
    for (name, text) in texts {
        assert_eq!(check(&text), [""; 0], "{name}");
        let (_, findings) = Library::new().add_text(&text, None);
        let errors: Vec<_> = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn a_file_that_the_schema_refuses_is_reported_by_the_loader() {
    let mut refused = Vec::new();
    for (name, text) in texts(&folder("wrong")) {
        if name == "not_yaml.yaml" {
            continue;
        }
        let (_, findings) = Library::new().add_text(&text, None);
        assert!(!findings.is_empty(), "{name}");
        if !check(&text).is_empty() {
            refused.push(name);
        }
    }
    assert_eq!(
        refused,
        [
            "empty.yaml",
            "list.yaml",
            "no_environments.yaml",
            "no_families.yaml",
            "no_metadata.yaml",
            "no_sources.yaml",
            "sources.yaml"
        ]
    );
}

#[test]
fn the_schema_names_every_type_and_kind() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let parameter = &schema["$defs"]["parameter"]["properties"];
    let types: Vec<&str> = defender_queries::Type::ALL
        .iter()
        .map(|ty| ty.name())
        .collect();
    let kinds: Vec<&str> = defender_queries::Kind::ALL
        .iter()
        .map(|kind| kind.name())
        .collect();
    assert_eq!(parameter["type"]["enum"], Value::from(types));
    assert_eq!(parameter["kind"]["enum"], Value::from(kinds));
}

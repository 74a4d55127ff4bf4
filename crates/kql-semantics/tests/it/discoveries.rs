//! Columns that depend on data.

use kql_semantics::{
    BindOptions, Binding, ColumnSchema, DiagnosticKind, ScalarType, bind_or_discover,
};

use super::{bound, schema, tables};

fn text(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter()
        .map(|(name, ty)| ((*name).to_owned(), (*ty).to_owned()))
        .collect()
}

#[test]
fn an_unpacked_bag_is_bound_once_its_properties_are_known() {
    let query = "Events | project Pid, AdditionalFields | evaluate bag_unpack(AdditionalFields) | where Zone == 'a'";
    let parsed = kql_syntax::parse(query);
    let mut options = BindOptions::default();
    let Ok(Binding::NeedsSchema(discovery)) = bind_or_discover(&parsed.tree, &tables(), &options)
    else {
        panic!("the columns cannot be known yet");
    };
    let asked = discovery.query.schema();
    assert_eq!(
        asked,
        [
            ColumnSchema::new("name", ScalarType::String),
            ColumnSchema::new("type", ScalarType::String)
        ]
    );
    let found = text(&[
        ("Zone", "string"),
        ("Count", "long"),
        ("Count", "real"),
        ("Zone", "null"),
        ("Mixed", "long"),
        ("Mixed", "array"),
    ]);
    options.discovered.push(discovery.columns(found));
    let Ok(Binding::Complete(complete)) = bind_or_discover(&parsed.tree, &tables(), &options)
    else {
        panic!("the columns are known now");
    };
    assert_eq!(
        complete.schema(),
        [
            ColumnSchema::new("Pid", ScalarType::Int),
            ColumnSchema::new("Count", ScalarType::Real),
            ColumnSchema::new("Mixed", ScalarType::Dynamic),
            ColumnSchema::new("Zone", ScalarType::String),
        ]
    );
    let refused = bound(query).expect_err("without data there are no columns");
    assert_eq!(refused[0].kind, DiagnosticKind::DataDependent);
}

#[test]
fn declared_columns_need_no_data() {
    assert_eq!(
        schema(
            "Events | project Pid, AdditionalFields | evaluate bag_unpack(AdditionalFields) : (*, a: long, b: string)"
        ),
        "Pid:int a:long b:string"
    );
    assert_eq!(
        schema(
            "Events | project FileName, Remote | evaluate pivot(Remote) : (FileName: string, ['true']: long)"
        ),
        "FileName:string true:long"
    );
}

#[test]
fn a_pivot_has_a_column_per_value() {
    let parsed = kql_syntax::parse(
        "Events | project FileName, Pid, Remote | evaluate pivot(Remote, max(Pid))",
    );
    let mut options = BindOptions::default();
    let Ok(Binding::NeedsSchema(discovery)) = bind_or_discover(&parsed.tree, &tables(), &options)
    else {
        panic!("the columns cannot be known yet");
    };
    options
        .discovered
        .push(discovery.columns(text(&[("true", "string"), ("false", "string")])));
    let Ok(Binding::Complete(complete)) = bind_or_discover(&parsed.tree, &tables(), &options)
    else {
        panic!("the columns are known now");
    };
    let names: Vec<String> = complete
        .schema()
        .into_iter()
        .map(|column| format!("{}:{}", column.name, column.ty))
        .collect();
    assert_eq!(names, ["FileName:string", "false:int", "true:int"]);
}

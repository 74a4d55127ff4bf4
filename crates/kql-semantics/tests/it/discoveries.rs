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

#[test]
fn a_query_is_judged_without_its_data() {
    let judged = |query: &str| {
        let parsed = kql_syntax::parse(query);
        kql_semantics::bind_assuming(&parsed.tree, &tables(), &BindOptions::default())
    };
    let names = |query: &str| -> Vec<String> {
        judged(query)
            .expect("a query that can be meant")
            .schema()
            .into_iter()
            .map(|column| format!("{}:{}", column.name, column.ty))
            .collect()
    };
    let unpacked = "Events | evaluate bag_unpack(AdditionalFields)";
    assert_eq!(
        names(&format!("{unpacked} | summarize count() by Zone")),
        ["Zone:string", "count_:long"]
    );
    assert_eq!(
        names(&format!("{unpacked} | project Pid, Zone.part")),
        ["Pid:int", "Zone_part:dynamic"]
    );
    assert_eq!(
        names(&format!("{unpacked} | where Level > 5 | project Pid")),
        ["Pid:int"]
    );
    // The column may be one of the table that is not there.
    let fuzzy = "union isfuzzy=true Missing, Devices";
    assert_eq!(
        names(&format!(
            "{fuzzy} | where Zone has 'x' and Platform == 'y' | project Zone"
        )),
        ["Zone:string"]
    );
    // Of the operators that take names of columns, each takes one that only the data has.
    for right in [
        "project-reorder Zone, Pid",
        "project-away Zone",
        "project-keep Zone, Pid",
        "project-rename Area = Zone | where Area == 'x'",
    ] {
        assert!(judged(&format!("{unpacked} | {right}")).is_ok(), "{right}");
    }
    // What stands before the bag is opened, and every type that is known, is still checked.
    for wrong in [
        "Events | where Zone == 'x' | evaluate bag_unpack(AdditionalFields)".to_owned(),
        format!("{unpacked} | where Pid has 'x'"),
        format!("{unpacked} | extend a = tolowr(Zone)"),
    ] {
        assert!(judged(&wrong).is_err(), "{wrong}");
    }
}

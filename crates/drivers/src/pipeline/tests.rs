//! What explains a full answer, and where a line may be added.

use super::*;

#[test]
fn a_last_take_or_top_explains_its_number_of_rows() {
    for (text, limit) in [
        ("T | take 100000", Some(100_000)),
        ("T | limit 5 | project A", Some(5)),
        (
            "T | where A == 1 | top 10 by A desc | extend B = 1 | sort by B",
            Some(10),
        ),
        ("let x = 5; T | take (7)", Some(7)),
        ("T | take 5 | parse-kv A as (B: long)", Some(5)),
        ("T | take 5 | serialize N = row_number()", Some(5)),
        ("T | sample 5", Some(5)),
        ("T | sample-distinct 5 of A", Some(5)),
        ("T | take 5 | where A == 1", None),
        ("T | take 5 | mv-expand A", None),
        ("T | take 5 | join (U) on A", None),
        ("T | take x", None),
        ("T", None),
        ("T | where A == \"| take 5\"", None),
        ("T | take 5 |", None),
        ("T | nonsense | take 5", None),
        ("", None),
    ] {
        assert_eq!(own_limit(text), limit, "{text}");
    }
}

#[test]
fn a_line_is_added_after_the_one_table() {
    for (text, expected) in [
        ("DeviceInfo", "DeviceInfo\n| where X"),
        (
            "// comment\nDeviceInfo // all\n| where A has \"x\" and B in (\"a\", \"b\") | summarize count() by bin(Timestamp, 1h)\n| top 5 by count_ ;",
            "// comment\nDeviceInfo\n| where X // all\n| where A has \"x\" and B in (\"a\", \"b\") | summarize count() by bin(Timestamp, 1h)\n| top 5 by count_ ;",
        ),
        (
            "DeviceInfo | search 'a' | take 5",
            "DeviceInfo | search 'a'\n| where X | take 5",
        ),
        (
            "DeviceTvmInfoGathering | make-series count() on Timestamp step 1d",
            "DeviceTvmInfoGathering\n| where X | make-series count() on Timestamp step 1d",
        ),
        (
            "DeviceEvents | extend D = parse_json(AdditionalFields).a[0] | mv-expand D | take 5",
            "DeviceEvents\n| where X | extend D = parse_json(AdditionalFields).a[0] | mv-expand D | take 5",
        ),
    ] {
        assert_eq!(insert(text, "| where X").as_deref(), Some(expected));
    }
}

#[test]
fn no_line_is_added_where_it_could_change_the_question() {
    for text in [
        "let x = 5; DeviceInfo | take x",
        "DeviceInfo | join (DeviceEvents) on DeviceId",
        "union DeviceInfo, DeviceEvents",
        "DeviceInfo | union DeviceEvents",
        "DeviceInfo | where DeviceId in (DeviceEvents)",
        "DeviceInfo | where DeviceId in (DeviceEvents | project DeviceId)",
        "DeviceInfo | extend n = toscalar(DeviceEvents | count)",
        "DeviceInfo | where A == toscalar(DeviceEvents | count)",
        "(DeviceInfo) | count",
        "print 1",
        "search \"x\"",
        "DeviceInfo | invoke FileProfile(SHA1)",
        "DeviceTvmSoftwareInventory | take 5",
        "DeviceInfo | where",
        "DeviceInfo; DeviceEvents",
        "f() | count",
        "",
    ] {
        assert_eq!(insert(text, "| where X"), None, "{text}");
    }
}

#[test]
fn the_line_names_both_ends() {
    let timespan = defender_table::Timespan::new(0, defender_table::ticks::UNIX_EPOCH + 1).unwrap();
    assert_eq!(
        line(timespan),
        "| where Timestamp between (datetime(0001-01-01T00:00:00Z) .. datetime(1970-01-01T00:00:00.0000001Z))"
    );
}

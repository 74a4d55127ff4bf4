//! Dates at the edges, and every day of ten thousand years there and back.

use super::*;

#[test]
fn known_datetimes() {
    for (text, ticks) in [
        ("0001-01-01T00:00:00Z", 0),
        ("1970-01-01", UNIX_EPOCH),
        ("1970-01-01T00:00Z", UNIX_EPOCH),
        ("1970-01-01 00:00:01", UNIX_EPOCH + PER_SECOND),
        ("1970-01-01T02:00:00+02:00", UNIX_EPOCH),
        ("1969-12-31T19:00:00-0500", UNIX_EPOCH),
        ("1970-01-01T00:00:00.1Z", UNIX_EPOCH + 1_000_000),
        ("1970-01-01T00:00:00.000000199Z", UNIX_EPOCH + 1),
        ("9999-12-31T23:59:59.9999999Z", MAX),
        ("2000-02-29T00:00:00.Z", UNIX_EPOCH + 11_016 * PER_DAY),
    ] {
        assert_eq!(parse_datetime(text), Some(ticks), "{text}");
    }
}

#[test]
fn what_is_no_datetime() {
    for text in [
        "",
        "2020",
        "2020-13-01",
        "2021-02-29",
        "1900-02-29",
        "2020-00-10",
        "2020-01-32",
        "0000-01-01",
        "2020-01-01T24:00:00Z",
        "2020-01-01T00:60:00Z",
        "2020-01-01T00:00:60Z",
        "2020-01-01T00:00:00.1234567890Z",
        "2020-01-01T00:00:00Zx",
        "2020-01-01T",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2020-01-01T00:00:00+99:00",
        "２０２０-01-01",
        "-020-01-01",
    ] {
        assert_eq!(parse_datetime(text), None, "{text}");
    }
}

#[test]
fn every_day_there_and_back() {
    let (mut year, mut month, mut day) = (1, 1, 1);
    for days in 0..=MAX / PER_DAY {
        assert_eq!(civil_from_days(days), (year, month, day));
        assert_eq!(days_from_civil(year, month, day), Some(days));
        day += 1;
        if days_from_civil(year, month, day).is_none() {
            (month, day) = (month + 1, 1);
            if month == 13 {
                (year, month) = (year + 1, 1);
            }
        }
    }
    assert_eq!((year, month, day), (10_000, 1, 1));
}

#[test]
fn a_fraction_has_no_more_digits_than_it_needs() {
    for text in [
        "2020-08-30T06:38:35.7664356Z",
        "2020-08-30T06:38:35.5Z",
        "2020-08-30T06:38:35.0000001Z",
        "2020-08-30T06:38:30Z",
    ] {
        assert_eq!(format_datetime(parse_datetime(text).unwrap()), text);
    }
}

#[test]
fn arrow_ends_where_its_nanoseconds_end() {
    let last = i64::MAX / 100 + UNIX_EPOCH;
    let first = i64::MIN / 100 + UNIX_EPOCH;
    assert_eq!(format_datetime(last), "2262-04-11T23:47:16.8547758Z");
    assert_eq!(format_datetime(first), "1677-09-21T00:12:43.1452242Z");
    for (ticks, fits) in [
        (last, true),
        (last + 1, false),
        (first, true),
        (first - 1, false),
    ] {
        let nanoseconds = to_unix_nanoseconds(ticks);
        assert_eq!(nanoseconds.is_some(), fits);
        if let Some(nanoseconds) = nanoseconds {
            assert_eq!(from_unix_nanoseconds(nanoseconds), ticks);
        }
    }
    assert_eq!(to_unix_nanoseconds(0), None);
    assert_eq!(to_unix_nanoseconds(MAX), None);
}

#[test]
fn half_a_tick_before_the_epoch_belongs_to_the_tick_before() {
    assert_eq!(from_unix_nanoseconds(-1), UNIX_EPOCH - 1);
}

#[test]
fn known_timespans() {
    for (text, ticks, written) in [
        ("00:00:00", 0, "00:00:00"),
        ("00.12:00:36", 43_236 * PER_SECOND, "12:00:36"),
        (
            "1.02:03:04.0000005",
            93_784 * PER_SECOND + 5,
            "1.02:03:04.0000005",
        ),
        ("-00:00:00.5", -5_000_000, "-00:00:00.5000000"),
        ("30:00:00", 30 * 3600 * PER_SECOND, "1.06:00:00"),
        (
            "10675199.02:48:05.4775807",
            i64::MAX,
            "10675199.02:48:05.4775807",
        ),
        (
            "-10675199.02:48:05.4775808",
            i64::MIN,
            "-10675199.02:48:05.4775808",
        ),
    ] {
        assert_eq!(parse_timespan(text), Some(ticks), "{text}");
        assert_eq!(format_timespan(ticks), written);
    }
}

#[test]
fn what_is_no_timespan() {
    for text in [
        "",
        "-",
        "5",
        "1.5",
        "01:02",
        "00:60:00",
        "00:00:60",
        "1.24:00:00",
        "a:00:00",
        "10675199.02:48:05.4775808",
        "99999999999.00:00:00",
        "00:00:00x",
        "--00:00:01",
    ] {
        assert_eq!(parse_timespan(text), None, "{text}");
    }
}

#[test]
fn the_system_clock_in_ticks() {
    use std::time::{Duration, SystemTime};
    let epoch = SystemTime::UNIX_EPOCH;
    assert_eq!(from_system_time(epoch), Some(UNIX_EPOCH));
    assert_eq!(
        from_system_time(epoch + Duration::from_nanos(199)),
        Some(UNIX_EPOCH + 1)
    );
    assert_eq!(
        from_system_time(epoch - Duration::from_nanos(1)),
        Some(UNIX_EPOCH - 1)
    );
}

//! Functions of datetimes and timespans.

use super::notation::{
    ANY, DATE, DATETIME, DYNAMIC, FIXED_STR, INT, LIKE_FIRST, LONG, NUM, POSITION, SPAN, STR,
    STRING, TIMESPAN, scalar,
};
use super::{Function, Parameter};

/// The units of time that are counted as well as taken out of a datetime, and some more.
macro_rules! units {
    ($($more:literal),+) => {
        Parameter::OneOf(&[
            "year",
            "quarter",
            "month",
            "day",
            "hour",
            "minute",
            "second",
            "millisecond",
            "microsecond",
            "nanosecond",
            $($more),+
        ])
    };
}

/// What `datetime_add` and `datetime_diff` count.
const PERIOD: Parameter = units!("week");

/// What `datetime_part` takes out.
const PART: Parameter = units!("week_of_year", "dayofyear");

pub(super) static FUNCTIONS: &[Function] = &[
    scalar(
        "datetime_local_to_utc",
        &[],
        2,
        2,
        &[DATE, STR],
        DATETIME,
        POSITION,
    ),
    scalar(
        "datetime_utc_to_local",
        &[],
        2,
        2,
        &[DATE, STR],
        DATETIME,
        POSITION,
    ),
    scalar("datetime_list_timezones", &[], 0, 0, &[], DYNAMIC, POSITION),
    scalar("todatetime", &[], 1, 1, &[ANY], DATETIME, LIKE_FIRST),
    scalar(
        "totimespan",
        &["totime"],
        1,
        1,
        &[ANY],
        TIMESPAN,
        LIKE_FIRST,
    ),
    scalar(
        "format_datetime",
        &[],
        2,
        2,
        &[DATE, FIXED_STR],
        STRING,
        LIKE_FIRST,
    ),
    scalar(
        "format_timespan",
        &[],
        2,
        2,
        &[SPAN, FIXED_STR],
        STRING,
        LIKE_FIRST,
    ),
    scalar(
        "make_datetime",
        &[],
        1,
        6,
        &[ANY, NUM],
        DATETIME,
        LIKE_FIRST,
    ),
    scalar(
        "make_timespan",
        &[],
        1,
        4,
        &[ANY, NUM],
        TIMESPAN,
        LIKE_FIRST,
    ),
    scalar(
        "datetime_add",
        &[],
        3,
        3,
        &[PERIOD, INT, DATE],
        DATETIME,
        POSITION,
    ),
    scalar("datetime_diff", &[], 3, 3, &[PERIOD, DATE], LONG, POSITION),
    scalar("dayofweek", &[], 1, 1, &[DATE], TIMESPAN, POSITION),
    scalar("dayofmonth", &[], 1, 1, &[DATE], LONG, POSITION),
    scalar("dayofyear", &[], 1, 1, &[DATE], LONG, POSITION),
    scalar("hourofday", &[], 1, 1, &[DATE], LONG, POSITION),
    scalar(
        "week_of_year",
        &["weekofyear"],
        1,
        1,
        &[DATE],
        LONG,
        POSITION,
    ),
    scalar("startofday", &[], 1, 2, &[DATE, INT], DATETIME, LIKE_FIRST),
    scalar("startofweek", &[], 1, 2, &[DATE, INT], DATETIME, POSITION),
    scalar("startofmonth", &[], 1, 2, &[DATE, INT], DATETIME, POSITION),
    scalar("startofyear", &[], 1, 2, &[DATE, INT], DATETIME, POSITION),
    scalar("endofday", &[], 1, 2, &[DATE, INT], DATETIME, POSITION),
    scalar("endofweek", &[], 1, 2, &[DATE, INT], DATETIME, POSITION),
    scalar("endofmonth", &[], 1, 2, &[DATE, INT], DATETIME, POSITION),
    scalar("endofyear", &[], 1, 2, &[DATE, INT], DATETIME, POSITION),
    scalar("getyear", &[], 1, 1, &[DATE], LONG, POSITION),
    scalar("getmonth", &["monthofyear"], 1, 1, &[DATE], LONG, POSITION),
    scalar(
        "datetime_part",
        &["datepart"],
        2,
        2,
        &[PART, DATE],
        LONG,
        POSITION,
    ),
    scalar("now", &[], 0, 1, &[SPAN], DATETIME, POSITION),
    scalar("ago", &[], 1, 1, &[SPAN], DATETIME, POSITION),
    scalar(
        "unixtime_seconds_todatetime",
        &[],
        1,
        1,
        &[NUM],
        DATETIME,
        POSITION,
    ),
    scalar(
        "unixtime_milliseconds_todatetime",
        &[],
        1,
        1,
        &[NUM],
        DATETIME,
        POSITION,
    ),
    scalar(
        "unixtime_microseconds_todatetime",
        &[],
        1,
        1,
        &[NUM],
        DATETIME,
        POSITION,
    ),
    scalar(
        "unixtime_nanoseconds_todatetime",
        &[],
        1,
        1,
        &[NUM],
        DATETIME,
        POSITION,
    ),
];

//! Names that other languages have for what KQL calls otherwise.

/// What to write for a name that stands where a value does and that nothing bears.
pub(super) fn value(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    Some(match lower.as_str() {
        "null" | "nil" | "none" | "undefined" => {
            "write isnull(x) or isnotnull(x), for strings isempty(x) or isnotempty(x)"
        }
        "now" | "sysdate" | "current_timestamp" => "the time is now()",
        "count" => "rows are counted by count()",
        "select" => "a query in brackets begins with its table: (T | project Column)",
        _ if is_span(&lower) => {
            "the units of time are d, h, m, s, ms, microsecond and tick, as in 7d or 1.5h"
        }
        _ => return None,
    })
}

/// `1dd`: a number and letters.
fn is_span(name: &str) -> bool {
    let unit = name.trim_start_matches(|letter: char| letter.is_ascii_digit());
    unit.len() < name.len()
        && !unit.is_empty()
        && unit.bytes().all(|letter| letter.is_ascii_alphabetic())
}

/// The function that one of another language is here.
pub(super) fn function(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    Some(match lower.as_str() {
        "ceil" => "ceiling",
        "char_length" | "len" | "length" => "strlen",
        "charindex" | "instr" | "strpos" | "find" | "position" => "indexof",
        "concat" | "concat_ws" => "strcat",
        "count_distinct" | "dc" | "distinct_count" | "approx_count_distinct" => "dcount",
        "date_format" | "strftime" | "to_char" => "format_datetime",
        "date_trunc" | "trunc" => "bin",
        "dateadd" | "date_add" => "datetime_add",
        "datediff" | "date_diff" => "datetime_diff",
        "date" | "to_date" | "strptime" | "to_timestamp" => "todatetime",
        "getdate" | "getutcdate" | "sysdate" => "now",
        "group_concat" | "string_agg" | "list" | "array_agg" => "make_list",
        "if" => "iff",
        "ifnull" | "nvl" => "coalesce",
        "lcase" | "lower" | "to_lower" => "tolower",
        "mean" => "avg",
        "median" => "percentile",
        "mvcount" => "array_length",
        "regexp_extract" | "regexp_substr" | "rex" => "extract",
        "regexp_replace" => "replace_regex",
        "stddev" => "stdev",
        "str" | "to_string" => "tostring",
        "substr" | "mid" => "substring",
        "to_number" | "tonumber" => "todouble",
        "ucase" | "upper" | "to_upper" => "toupper",
        "values" => "make_set",
        _ => return None,
    })
}

/// What to write for a function that is something else here.
pub(super) fn instead(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    Some(match lower.as_str() {
        "exists" => "write x in (T | project Column), or isnotempty(x)",
        "cast" | "convert" => "each type has a function of its own: tostring(x), toint(x)",
        "inner" | "left" | "right" | "outer" | "full" | "leftouter" | "rightouter"
        | "fullouter" | "innerunique" | "leftanti" | "leftsemi" => {
            "the kind of a join is an option: join kind=inner (T) on Column"
        }
        "match" | "regexp_like" | "regexp_match" => "write x matches regex \"…\"",
        "like" => "write x contains \"…\", x startswith \"…\" or x endswith \"…\"",
        _ => return None,
    })
}

/// The kind of a join that another language calls so.
pub(super) fn join_kind(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    Some(match lower.as_str() {
        "left" | "left_outer" | "leftjoin" => "leftouter",
        "right" | "right_outer" => "rightouter",
        "full" | "outer" | "full_outer" => "fullouter",
        "semi" | "left_semi" => "leftsemi",
        "left_anti" => "leftanti",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{function, join_kind, value};
    use crate::functions::Function;

    #[test]
    fn what_is_said_exists() {
        for name in [
            "ceil",
            "len",
            "instr",
            "concat",
            "dc",
            "to_char",
            "trunc",
            "dateadd",
            "datediff",
            "date",
            "getdate",
            "list",
            "if",
            "nvl",
            "lower",
            "mean",
            "median",
            "mvcount",
            "rex",
            "regexp_replace",
            "stddev",
            "str",
            "substr",
            "tonumber",
            "upper",
            "values",
        ] {
            let here = function(name).unwrap();
            let known = Function::scalar(here).or_else(|| Function::aggregate(here));
            assert!(known.is_some(), "{name}: {here}");
            let own = Function::scalar(name).or_else(|| Function::aggregate(name));
            assert!(own.is_none(), "{name} is a function");
        }
        assert_eq!(join_kind("LEFT"), Some("leftouter"));
        assert!(value("1dd").is_some() && value("NULL").is_some());
        for name in ["1", "d1", "x", "1_d", ""] {
            assert_eq!(value(name), None, "{name}");
        }
    }
}

//! What stands around the rows of a response: errors, counts, and whether and where it goes on.
//!
//! Lists and hunting share these rules: whatever says that the rows are not all, or is not
//! understood, makes the result incomplete.

mod report;

use std::borrow::Cow;

use defender_core::Redaction;
use http::HeaderMap;
use http::header::LINK;
use serde_json::Value;

pub(crate) use report::{beside, reported};

/// The name of the continuation that lists are read on with.
pub(crate) const NEXT_LINK: &str = "@odata.nextLink";

/// What the members around the rows, and the headers, say about them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Around {
    /// The error that is reported, as JSON text.
    pub(crate) failure: Option<Vec<u8>>,
    /// Where the rows after these are.
    pub(crate) next: Next,
    /// How the response says that there are more rows, without saying where.
    more: Option<String>,
    /// How it says that its rows are not whole, wherever it goes on.
    lacking: Option<String>,
    /// How many rows there are in all, as the service counts: the largest number it gives.
    pub(crate) count: Option<u64>,
}

/// Where the rows after those of a response are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Next {
    /// There are none.
    #[default]
    End,
    /// At this address.
    At(String),
    /// The response says that there are, in a way that is not understood.
    Unclear(String),
}

/// The longest address of a next page.
const LONGEST_LINK: usize = 64 << 10;
/// How deep an object beside the rows is searched.
const DEEPEST: usize = 8;

impl Around {
    /// Takes in a member that stands beside the rows: `value` is its JSON text.
    pub(crate) fn member(&mut self, name: &str, value: &[u8]) {
        if is_error(name) {
            if reports(value) {
                self.failure.get_or_insert_with(|| value.to_vec());
            }
        } else if is_continuation(name) {
            self.goes_on(next(name, value));
        } else if is_count(name) {
            self.counts(name, value);
        } else {
            self.says(name, value);
            if value.starts_with(b"{") || value.starts_with(b"[") && plain(name) == "links" {
                match serde_json::from_slice(value) {
                    Ok(value) => self.within(name, &value, DEEPEST),
                    Err(_) => self.lacks(&format!("{name} cannot be read")),
                }
            }
        }
    }

    /// Takes in a member of a document that is itself one row, whose own members are data.
    pub(crate) fn member_of_row(&mut self, name: &str, value: &[u8]) {
        let lower = name.to_ascii_lowercase();
        let is_about_all = name.starts_with('@')
            || is_error(name) && lower.ends_with("error")
            || is_continuation(name) && lower.contains("odata.");
        if is_about_all {
            self.member(name, value);
        }
    }

    /// Takes in what the headers say of a next page.
    ///
    /// Source: <https://www.rfc-editor.org/rfc/rfc8288>
    pub(crate) fn headers(&mut self, headers: &HeaderMap) {
        let links = headers.get_all(LINK).into_iter();
        if links.filter_map(|link| link.to_str().ok()).any(leads_on) {
            let reason = "the response says that there are more rows in its header Link";
            self.more.get_or_insert_with(|| reason.to_owned());
        }
        let continuation = headers.keys().map(http::HeaderName::as_str);
        if let Some(name) = continuation.into_iter().find(|name| is_continuation(name)) {
            self.goes_on(Next::Unclear(format!("it has the header {name}")));
        }
    }

    /// Lets what the service wrote pass the gate before anybody reads it.
    pub(crate) fn redact(&mut self, gate: &Redaction) {
        let unclear = match &mut self.next {
            Next::Unclear(what) => Some(what),
            Next::End | Next::At(_) => None,
        };
        let reasons = [self.more.as_mut(), self.lacking.as_mut(), unclear];
        for reason in reasons.into_iter().flatten() {
            *reason = gate.apply(reason);
        }
    }

    /// Why the rows are not all, however it goes on.
    pub(crate) fn lacking(&self) -> Option<&str> {
        self.lacking.as_deref()
    }

    /// Why there are more rows, where no next page is named.
    pub(crate) fn more(&self) -> Option<&str> {
        self.more.as_deref()
    }

    /// Takes in how many rows a member, of the statistics for one, counts.
    pub(crate) fn counts(&mut self, name: &str, value: &[u8]) {
        if let Ok(found) = count(value) {
            self.count = self.count.max(found);
        } else {
            let shown = shown(value);
            let reason = "the response counts its rows in a way that is not understood";
            let reason = format!("{reason}: {name} is {shown}");
            self.lacking.get_or_insert(reason);
        }
    }

    /// Whatever says that there are more counts, in whichever order.
    fn goes_on(&mut self, found: Next) {
        match (&self.next, found) {
            (_, Next::End) | (Next::Unclear(_), _) => {}
            (_, found) => self.next = found,
        }
    }

    fn lacks(&mut self, what: &str) {
        self.lacking
            .get_or_insert_with(|| format!("the response says that it is not whole: {what}"));
    }

    /// Takes in a member that may say in words, or by a flag, that the rows are not all.
    fn says(&mut self, name: &str, value: &[u8]) {
        let plain = plain(name);
        let given = given(value);
        let has = |parts: &[&str]| parts.iter().any(|part| plain.contains(part));
        let what = || format!("{name} is {}", shown(value));
        let is_last = matches!(
            plain.as_str(),
            "islast" | "lastpage" | "islastpage" | "isfinal"
        );
        if plain == "more" || has(MORE) || is_last {
            let wanted = if is_last { Given::No } else { Given::Yes };
            if given == wanted {
                let reason = format!("the response says that there are more rows: {}", what());
                self.more.get_or_insert(reason);
            }
        } else if has(NOT_WHOLE) {
            if given == Given::Yes {
                self.lacks(&what());
            }
        } else if plain.ends_with("complete") || plain.ends_with("completed") {
            if given == Given::No {
                self.lacks(&what());
            }
        } else if TELLING.iter().any(|telling| plain.ends_with(telling)) {
            let text = String::from_utf8_lossy(value).to_ascii_lowercase();
            if ["partial", "truncat", "incomplete"]
                .iter()
                .any(|word| text.contains(word))
            {
                self.lacks(&what());
            }
        }
    }

    /// Takes in what stands deeper in a member beside the rows, such as `links` or `paging`.
    fn within(&mut self, outer: &str, value: &Value, deepest: usize) {
        let Some(deeper) = deepest.checked_sub(1) else {
            return;
        };
        match value {
            Value::Object(members) => {
                let is_next = members.iter().any(|(name, value)| {
                    plain(name) == "rel" && value.as_str().is_some_and(is_next_relation)
                });
                if is_next {
                    self.goes_on(Next::Unclear(format!("{outer} has a next link")));
                }
                for (name, value) in members {
                    let path = format!("{outer}.{name}");
                    let text = value.to_string();
                    if is_continuation(name) {
                        self.goes_on(next(&path, text.as_bytes()));
                    } else if is_count(name) && ABOUT_PAGES.contains(&plain(outer).as_str()) {
                        self.counts(&path, text.as_bytes());
                    } else {
                        self.says(&path, text.as_bytes());
                        self.within(&path, value, deeper);
                    }
                }
            }
            Value::Array(values) => {
                for value in values {
                    self.within(outer, value, deeper);
                }
            }
            _ => {}
        }
    }
}

/// Parts of the names of flags that say that rows come after these.
const MORE: &[&str] = &[
    "hasmore",
    "hasnext",
    "hasadditional",
    "moreavailable",
    "moredata",
    "moreitems",
    "morepages",
    "morerecords",
    "moreresults",
    "morerows",
];
/// Parts of the names of flags that say that the rows are not whole.
const NOT_WHOLE: &[&str] = &[
    "partial",
    "truncat",
    "incomplete",
    "limitexceeded",
    "limithit",
    "limitreached",
    "timedout",
];
/// Ends of the names of members that tell in words how it went.
const TELLING: &[&str] = &[
    "status", "state", "warning", "warnings", "message", "messages", "notice", "notices", "info",
];
/// Objects beside the rows whose counts are of the rows.
const ABOUT_PAGES: &[&str] = &[
    "links",
    "meta",
    "metadata",
    "page",
    "pageinfo",
    "paging",
    "pagination",
];

/// Whether a member of this name, in any spelling, reports an error: `error`, `Errors`,
/// `@odata.error`, or what Kusto puts behind the rows of a partial result.
///
/// Source: <https://learn.microsoft.com/kusto/api/rest/response>
pub(crate) fn is_error(name: &str) -> bool {
    let name = plain(name);
    matches!(
        name.as_str(),
        "error" | "errors" | "exception" | "exceptions" | "oneapierrors"
    )
}

/// Whether a member of this name, in any spelling, says where the response goes on.
///
/// Source: <https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html>
pub(crate) fn is_continuation(name: &str) -> bool {
    let name = plain(name);
    name.starts_with("next")
        || name.ends_with("nextlink")
        || name.contains("continuation")
        || name.ends_with("skiptoken")
}

/// Whether a member of this name, in any spelling, counts the rows.
fn is_count(name: &str) -> bool {
    let name = plain(name);
    let (total, rest) = match name.strip_prefix("total") {
        Some(rest) => (true, rest),
        None => (false, name.as_str()),
    };
    let (counts, what) = match rest.strip_suffix("count") {
        Some(what) => (true, what),
        None => (total, rest),
    };
    let (counts, what) = match what.strip_suffix("total") {
        Some(what) => (true, what),
        None => (counts, what),
    };
    let what = what.strip_suffix('s').unwrap_or(what);
    counts
        && matches!(
            what,
            "" | "row" | "result" | "record" | "item" | "hit" | "tablerow"
        )
}

/// `name` without case, the sign and prefix of an annotation, and what joins words; an annotation
/// of a member (`results@odata.nextLink`) counts as one of the whole.
fn plain(name: &str) -> String {
    let annotation = name.rsplit('@').next().unwrap_or(name);
    let lower = annotation.to_ascii_lowercase();
    let lower = lower.strip_prefix("odata.").unwrap_or(&lower);
    // Of a path the last name counts.
    let lower = lower.rsplit('.').next().unwrap_or(lower);
    lower.replace(['_', '-', '$', ' '], "")
}

/// Whether the value of an error, as JSON text, says that there is one: `null` and an empty list
/// do not.
fn reports(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let listed = value
        .strip_prefix(b"[")
        .and_then(|rest| rest.strip_suffix(b"]"));
    value != b"null" && !listed.is_some_and(|inside| inside.trim_ascii().is_empty())
}

/// What a flag says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Nothing,
    No,
    Yes,
}

/// What the value of a flag, as JSON text, says.
fn given(value: &[u8]) -> Given {
    let text = String::from_utf8_lossy(value.trim_ascii()).to_ascii_lowercase();
    match text.trim_matches('"').trim() {
        "null" | "" => Given::Nothing,
        "false" | "no" | "0" | "none" => Given::No,
        list if list.starts_with(['[', '{']) && list.len() > 2 => Given::Yes,
        list if list.starts_with(['[', '{']) => Given::Nothing,
        _ => Given::Yes,
    }
}

/// A count, which may be written as text or as a number with a fraction of nothing.
fn count(value: &[u8]) -> Result<Option<u64>, ()> {
    /// From here on a number with a fraction has lost digits.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let text = std::str::from_utf8(value).map_err(|_| ())?.trim();
    let text = text.trim_matches('"').trim();
    if text == "null" {
        return Ok(None);
    }
    if let Ok(count) = text.parse() {
        return Ok(Some(count));
    }
    let number: f64 = text.parse().map_err(|_| ())?;
    if number.fract() != 0.0 || !(0.0..EXACT).contains(&number) {
        return Err(());
    }
    format!("{number:.0}").parse().map(Some).map_err(|_| ())
}

/// Where a continuation of this name leads.
fn next(name: &str, value: &[u8]) -> Next {
    match serde_json::from_slice(value) {
        Ok(Value::Null) => Next::End,
        Ok(Value::String(link))
            if name == NEXT_LINK && !link.is_empty() && link.len() <= LONGEST_LINK =>
        {
            Next::At(link)
        }
        Ok(Value::String(link)) if link.is_empty() => Next::Unclear(format!("{name} is empty")),
        Ok(Value::String(_)) => Next::Unclear(format!("it has {name}")),
        Ok(value) => Next::Unclear(format!("{name} is {}", kind(&value))),
        Err(_) => Next::Unclear(format!("{name} cannot be read")),
    }
}

/// Whether a header `Link` leads to a next page.
fn leads_on(link: &str) -> bool {
    let parameters = link.split([';', ',']);
    parameters.into_iter().any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or_default();
        name.trim().eq_ignore_ascii_case("rel") && is_next_relation(value.trim().trim_matches('"'))
    })
}

fn is_next_relation(relations: &str) -> bool {
    let mut relations = relations.split_ascii_whitespace();
    relations.any(|relation| relation.eq_ignore_ascii_case("next"))
}

/// A value as it is shown in a reason.
fn shown(value: &[u8]) -> Cow<'_, str> {
    const LONGEST: usize = 60;
    let text = String::from_utf8_lossy(value.trim_ascii());
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text,
    }
}

/// A number of rows in words.
pub(crate) fn rows(count: u64) -> String {
    format!("{count} {}", if count == 1 { "row" } else { "rows" })
}

/// What a value of JSON is called.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_continuations_in_any_spelling() {
        for name in [
            "error",
            "ERROR",
            "Errors",
            "@odata.error",
            "odata.error",
            "@error",
        ] {
            assert!(is_error(name), "{name}");
        }
        for name in [
            "@odata.nextLink",
            "odata.nextLink",
            "@nextLink",
            "nextLink",
            "NEXTLINK",
            "next_link",
            "@odata_nextLink",
            "results@odata.nextLink",
            "$skiptoken",
            "continuationToken",
        ] {
            assert!(is_continuation(name), "{name}");
        }
        for name in [
            "value",
            "@odata.context",
            "@odata.deltaLink",
            "errorCode",
            "terror",
        ] {
            assert!(!is_error(name) && !is_continuation(name), "{name}");
        }
    }

    /// What a response with this member says of its two rows.
    fn around(name: &str, value: &str) -> Around {
        let mut around = Around::default();
        around.member(name, value.as_bytes());
        around
    }

    #[test]
    fn whatever_says_that_rows_are_missing_is_heard() {
        for (name, value) in [
            ("isPartial", "true"),
            ("Partial", "1"),
            ("partialResults", r#"{"count":1}"#),
            ("truncated", "true"),
            ("is_truncated", "\"yes\""),
            ("resultsTruncated", "3"),
            ("incomplete", "true"),
            ("isComplete", "false"),
            ("@odata.complete", "\"false\""),
            ("limitReached", "true"),
            ("status", "\"PartialSuccess\""),
            ("warnings", r#"["the results are truncated"]"#),
            ("paging", r#"{"truncated":true}"#),
            ("Stats", r#"{"a":[{"isPartial":true}]}"#),
            ("@odata.count", "-1"),
            ("count", "2.5"),
            ("odata.count", "99999999999999999999999"),
            ("totalCount", "\"many\""),
            ("@count", "true"),
            ("meta", r#"{"total":-1}"#),
        ] {
            let around = around(name, value);
            assert!(around.lacking().is_some(), "{name}: {value}");
        }
        for (name, value) in [
            ("hasMore", "true"),
            ("has_more_rows", "1"),
            ("@odata.hasNext", "true"),
            ("hasNextPage", "\"true\""),
            ("more", "true"),
            ("moreResultsAvailable", "true"),
            ("lastPage", "false"),
            ("pageInfo", r#"{"hasNextPage":true}"#),
        ] {
            let around = around(name, value);
            assert!(around.more().is_some(), "{name}: {value}");
        }
        for (name, value) in [
            ("next", "\"x\""),
            ("nextPage", "2"),
            ("next_url", "\"x\""),
            ("links", r#"{"self":"y","next":"x"}"#),
            ("_links", r#"{"next":{"href":"x"}}"#),
            ("links", r#"[{"rel":"self"},{"rel":"next","href":"x"}]"#),
            ("paging", r#"{"cursors":{"next":"x"}}"#),
        ] {
            let around = around(name, value);
            assert!(matches!(around.next, Next::Unclear(_)), "{name}: {value}");
        }
    }

    #[test]
    fn what_services_say_of_whole_results_is_no_reason() {
        for (name, value) in [
            (
                "@odata.context",
                "\"https://graph.microsoft.com/v1.0/$metadata#x\"",
            ),
            ("@odata.deltaLink", "\"x\""),
            (
                "@microsoft.graph.tips",
                "\"Use $select to choose only the properties\"",
            ),
            ("@odata.count", "2"),
            ("isPartial", "false"),
            ("hasMore", "\"false\""),
            ("truncated", "null"),
            ("isComplete", "true"),
            ("links", r#"{"self":"x","next":null}"#),
            ("status", "\"ok\""),
            (
                "Stats",
                r#"{"ExecutionTime":4.6,"resource_usage":{"cache":{"memory":{"hits":773461,
                "misses":4481,"total":777942}},"cpu":{"total cpu":"00:00:19"}},
                "dataset_statistics":[{"table_row_count":2,"table_size":102}]}"#,
            ),
        ] {
            let around = around(name, value);
            assert_eq!((around.lacking(), around.more()), (None, None), "{name}");
            assert_eq!(around.next, Next::End, "{name}");
        }
    }

    #[test]
    fn counts_in_any_spelling() {
        for (name, value, count) in [
            ("@odata.count", "10", Some(10)),
            ("@odata.count", "\"10\"", Some(10)),
            ("@odata.count", "10.0", Some(10)),
            ("odata.count", "1e1", Some(10)),
            ("$count", "null", None),
            ("total_rows", "10", Some(10)),
            ("recordsTotal", "10", Some(10)),
            ("paging", r#"{"total":10}"#, Some(10)),
            ("value@odata.count", "10", Some(10)),
            ("account", "10", None),
            ("Stats", r#"{"total":10,"count":10}"#, None),
        ] {
            let around = around(name, value);
            assert_eq!((around.count, around.lacking()), (count, None), "{name}");
        }
        let mut both = around("@odata.count", "2");
        both.member("totalCount", b"10");
        assert_eq!(both.count, Some(10));
    }

    #[test]
    fn a_header_may_lead_on() {
        for (link, more) in [
            (r#"<https://x/?p=2>; rel="next""#, true),
            ("<x>;rel=next", true),
            (r#"<y>; rel="prev", <x>; title="a"; REL="last NEXT""#, true),
            (r#"<https://x/>; rel="self""#, false),
            (r#"<https://x/next>; rel="nextafter""#, false),
        ] {
            let mut around = Around::default();
            around.headers(&HeaderMap::from_iter([(LINK, link.parse().unwrap())]));
            assert_eq!(around.more().is_some(), more, "{link}");
        }
        let mut around = Around::default();
        let name = http::HeaderName::from_static("x-ms-continuationtoken");
        around.headers(&HeaderMap::from_iter([(name, "x".parse().unwrap())]));
        assert!(matches!(around.next, Next::Unclear(_)));
    }

    #[test]
    fn null_and_an_empty_list_report_nothing() {
        for (value, reports) in [
            ("null", false),
            ("[]", false),
            ("[ \n]", false),
            ("{}", true),
            ("\"\"", true),
            ("false", true),
            ("[null]", true),
        ] {
            assert_eq!(super::reports(value.as_bytes()), reports, "{value}");
        }
    }
}

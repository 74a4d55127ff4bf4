//! What a member beside the rows can mean, by the words of its name and of its value.
//!
//! No list of names is whole: a gateway has its own. So what is documented is known to be harmless,
//! what has no value says nothing, and everything else is judged by the words in it.

use serde_json::Value;

/// What a member beside the rows says of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing that concerns them.
    Nothing,
    /// They are not whole, or something went wrong with them.
    NotWhole,
    /// There are more.
    More,
    /// It counts them.
    Count,
    /// Nobody knows.
    Unknown,
}

/// Words of names that tell of something that went wrong, or was left out.
const WRONG: &[&str] = &[
    "error",
    "fail",
    "exception",
    "fault",
    "partial",
    "truncat",
    "incomplete",
    "unsuccess",
    "warning",
    "warnings",
    "timeout",
    "timedout",
    "abort",
    "cancel",
    "throttl",
    "reject",
    "denied",
    "limit",
    "exceed",
    "dropped",
    "omitted",
    "missing",
    "skipped",
    "unavailable",
    "notice",
    "notices",
];
/// Words of names whose flag is set where all went well.
const GOOD: &[&str] = &[
    "success",
    "succeeded",
    "ok",
    "done",
    "complete",
    "completed",
    "finish",
    "finished",
    "final",
    "whole",
];
/// Words of names whose flag is set once nothing comes after.
const END: &[&str] = &[
    "last", "end", "eof", "ended", "exhaust", "drained", "terminat",
];
/// Words of names that say how much of the result is there, of a hundred or of one.
const SHARE: &[&str] = &["percent", "pct", "progress"];
/// Words of names that say in what state the result is.
const STATE: &[&str] = &["status", "state", "outcome", "phase", "progress", "code"];
/// Codes of a result that went well.
const ZERO: u64 = 0.0_f64.to_bits();
const HTTP_OK: u64 = 200.0_f64.to_bits();
/// All of a result.
const ONE: u64 = 1.0_f64.to_bits();
const HUNDRED: u64 = 100.0_f64.to_bits();
/// Words of names that tell something in words.
const MESSAGE: &[&str] = &["message", "messages", "msg", "reason", "detail", "details"];
/// Words of names that say that rows come after these, or from where.
const MORE: &[&str] = &[
    "more",
    "next",
    "hasmore",
    "hasnext",
    "moreavail",
    "moredata",
    "moreitem",
    "morepage",
    "morerecord",
    "moreresult",
    "morerow",
    "continu",
    "cursor",
    "token",
    "page",
    "pages",
    "offset",
    "skip",
    "scroll",
    "bookmark",
    "remaining",
    "additional",
    "pending",
    "evaluated",
];
/// Words of names that count.
const COUNT: &[&str] = &[
    "count", "counts", "total", "totals", "num", "number", "row", "rows", "record", "records",
    "item", "items", "hits",
];
/// Words that say that all went well, as a whole value.
const FINE: &[&str] = &[
    "ok",
    "success",
    "succeeded",
    "successful",
    "complete",
    "completed",
    "done",
    "finished",
    "final",
    "true",
    "yes",
    "none",
    "200",
    "normal",
    "healthy",
];
/// Parts of values that tell of something that went wrong, whatever their name.
const TOLD: &[&str] = &[
    "partial",
    "truncat",
    "incomplete",
    "exceed",
    "timed out",
    "timeout",
    "fail",
    "error",
    "running",
    "pending",
    "in progress",
    "inprogress",
    "cancel",
    "abort",
    "more results",
    "more rows",
    "not complete",
    "not all",
];
/// Words that end with a word of the above and mean something else.
const OTHERS: &[&str] = &["account", "discount", "statement", "terror", "default"];

/// What the member `name` says with `value`.
pub(super) fn of(name: &str, value: &Value) -> Meaning {
    let words = Words::of(name);
    let given = given(value);
    if given == Given::Nothing {
        return Meaning::Nothing;
    }
    let flag = |says: Given, meaning| {
        if given == says {
            meaning
        } else {
            Meaning::Nothing
        }
    };
    let is_false = value.as_bool() == Some(false)
        || value.as_str().is_some_and(|text| {
            let text = text.trim();
            text.eq_ignore_ascii_case("false") || text.eq_ignore_ascii_case("no")
        });
    if words.has(END) && is_false {
        return Meaning::More;
    }
    if words.has(END) && value.as_bool() == Some(true) {
        return Meaning::Nothing;
    }
    if words.are(&["is", "last"])
        || words.are(&["last", "page"])
        || words.are(&["is", "last", "page"])
    {
        return flag(Given::No, Meaning::More);
    }
    if words.has(WRONG) {
        return flag(Given::Yes, Meaning::NotWhole);
    }
    if let Some(share) = words.share(value) {
        return share;
    }
    if words.has(GOOD) && !words.has(&["count", "number", "total"]) {
        let turned = words.has(&["not", "un", "never"]);
        return match value {
            Value::String(text) if given == Given::Yes => told(text),
            Value::Array(_) | Value::Object(_) => Meaning::Unknown,
            _ if turned => flag(Given::Yes, Meaning::NotWhole),
            _ => flag(Given::No, Meaning::NotWhole),
        };
    }
    if words.has(MORE) {
        if value.is_object() && words.has(&["page"]) {
            // What is in it says more.
            return Meaning::Unknown;
        }
        return match number(value) {
            // The first page, or one of one, says nothing.
            Some(number) if words.has(&["page", "pages"]) && number <= 1.0 => Meaning::Nothing,
            _ => flag(Given::Yes, Meaning::More),
        };
    }
    if words.has(STATE) {
        return match value {
            Value::Bool(_) if words.has(&["progress"]) => flag(Given::Yes, Meaning::NotWhole),
            Value::Bool(true) => Meaning::Nothing,
            Value::String(text) => told(text),
            _ if number(value).is_some_and(|number| matches!(number.to_bits(), ZERO | HTTP_OK)) => {
                Meaning::Nothing
            }
            _ => Meaning::NotWhole,
        };
    }
    if words.has(MESSAGE) {
        return match value {
            Value::String(text) => told(text),
            _ => flag(Given::Yes, Meaning::NotWhole),
        };
    }
    if words.has(COUNT) {
        return match value {
            // Rows that stand elsewhere than in the list of the rows.
            Value::Array(_) => Meaning::NotWhole,
            Value::Object(_) => Meaning::Unknown,
            _ => Meaning::Count,
        };
    }
    if tells(value) {
        return Meaning::NotWhole;
    }
    // A flag that is not set may say as much as one that is: which, nobody knows.
    if is_false || given == Given::Yes {
        Meaning::Unknown
    } else {
        Meaning::Nothing
    }
}

/// What a header of this name says; most are about the request, the connection or the sender.
pub fn of_header(name: &str, value: &str) -> Meaning {
    /// Words of headers that are about something else than the rows.
    const ELSEWHERE: &[&str] = &[
        "access",
        "cache",
        "content",
        "cookie",
        "cost",
        "csrf",
        "last",
        "policy",
        "quota",
        "rate",
        "ratelimit",
        "report",
        "request",
        "resource",
        "retry",
        "security",
        "throttl",
        "timing",
        "xsrf",
    ];
    let words = Words::of(name);
    if words.has(ELSEWHERE) || words.has(STATE) && !words.has(WRONG) || words.has(MESSAGE) {
        return Meaning::Nothing;
    }
    match of(name, &Value::from(value)) {
        Meaning::Unknown => Meaning::Nothing,
        // Without its name it says nothing: many hold any text.
        Meaning::NotWhole if !words.has(WRONG) && !words.has(GOOD) => Meaning::Nothing,
        meaning => meaning,
    }
}

/// What a text says of the state that its name is about.
fn told(text: &str) -> Meaning {
    let text = text.trim().to_ascii_lowercase();
    let text = text
        .strip_prefix("http ")
        .unwrap_or(&text)
        .trim_end_matches(['.', '!']);
    if FINE.contains(&text) || text == "200 ok" {
        Meaning::Nothing
    } else {
        Meaning::NotWhole
    }
}

/// Whether a text in `value` tells of something that went wrong.
fn tells(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            let text = text.to_ascii_lowercase();
            TOLD.iter().any(|told| text.contains(told))
        }
        Value::Array(values) => values.iter().any(tells),
        _ => false,
    }
}

/// What a flag says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Nothing,
    No,
    Yes,
}

fn given(value: &Value) -> Given {
    match value {
        Value::Null => Given::Nothing,
        Value::Bool(false) => Given::No,
        Value::Number(number) if number.as_f64() == Some(0.0) => Given::No,
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "" | "null" => Given::Nothing,
            "false" | "no" | "0" | "none" => Given::No,
            _ => Given::Yes,
        },
        Value::Array(values) if values.iter().all(|one| given(one) == Given::Nothing) => {
            Given::Nothing
        }
        Value::Object(members) if members.is_empty() => Given::Nothing,
        Value::Bool(true) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Given::Yes,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The words of a name: `lastEvaluatedKey`, `x-total-count` and `has_more` have three, three and two.
struct Words {
    words: Vec<String>,
    /// All of it, for names that do not say where their words end.
    joined: String,
}

impl Words {
    fn of(name: &str) -> Self {
        // Of a path the last name counts, and an annotation is about the whole.
        let name = name.rsplit(['.', '@']).next().unwrap_or(name);
        let mut words = vec![String::new()];
        let mut before = ' ';
        for letter in name.chars() {
            let begins = letter.is_uppercase() && before.is_lowercase();
            if begins || !letter.is_alphanumeric() {
                words.push(String::new());
            }
            if letter.is_alphanumeric()
                && let Some(word) = words.last_mut()
            {
                word.extend(letter.to_lowercase());
            }
            before = letter;
        }
        words.retain(|word| !word.is_empty());
        Self {
            joined: words.concat(),
            words,
        }
    }

    /// What a name says with `value` that says how much of the result is there: `progress`,
    /// `percentComplete`, and any part of one beside a word for what is complete.
    fn share(&self, value: &Value) -> Option<Meaning> {
        let number = match value {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().trim_end_matches('%').trim().parse().ok()?,
            _ => return None,
        };
        let is_all = matches!(number.to_bits(), ONE | HUNDRED);
        let (is_share, is_good) = (self.has(SHARE), self.has(GOOD));
        let is_about_rows = is_good || self.has(&["progress"]) || self.words.len() == 1;
        if is_share && is_about_rows || is_good && number.fract() != 0.0 {
            let is_one_percent = number.to_bits() == ONE && self.has(&["percent", "pct"]);
            return Some(if is_all && !is_one_percent {
                Meaning::Nothing
            } else {
                Meaning::NotWhole
            });
        }
        None
    }

    fn are(&self, words: &[&str]) -> bool {
        self.joined == words.concat()
    }

    /// Whether one of `stems` is in it: short ones as a word, or where the name begins or ends;
    /// long ones anywhere.
    fn has(&self, stems: &[&str]) -> bool {
        /// A stem of so many letters stands in no other word but those listed.
        const LONG: usize = 5;
        stems.iter().any(|stem| {
            let is_word = |word: &String| word == stem || stem.len() >= 4 && word.starts_with(stem);
            let is_in = || match stem.len() {
                LONG.. => self.joined.contains(stem),
                4 => self.joined.starts_with(stem) || self.joined.ends_with(stem),
                _ => false,
            };
            self.words.iter().any(is_word)
                || is_in() && !OTHERS.iter().any(|other| self.joined.contains(other))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whatever_is_said_of_the_rows_is_heard_by_its_words() {
        for (name, value, meaning) in [
            ("status", json!("Running"), Meaning::NotWhole),
            ("queryStatus", json!("Failed"), Meaning::NotWhole),
            ("executionState", json!("Queued"), Meaning::NotWhole),
            ("statusCode", json!(206), Meaning::NotWhole),
            ("success", json!(false), Meaning::NotWhole),
            ("isSuccessful", json!("false"), Meaning::NotWhole),
            ("isError", json!(true), Meaning::NotWhole),
            ("hasErrors", json!(1), Meaning::NotWhole),
            ("errorMessage", json!("x"), Meaning::NotWhole),
            ("ERRORMESSAGE", json!("x"), Meaning::NotWhole),
            ("error_code", json!(7), Meaning::NotWhole),
            ("failedShards", json!(2), Meaning::NotWhole),
            (
                "warnings",
                json!(["the result exceeded the limit"]),
                Meaning::NotWhole,
            ),
            ("message", json!("the query was stopped"), Meaning::NotWhole),
            ("done", json!(false), Meaning::NotWhole),
            ("completed", json!("no"), Meaning::NotWhole),
            ("notCompleted", json!(true), Meaning::NotWhole),
            ("completeness", json!("partial"), Meaning::NotWhole),
            ("limitReached", json!(true), Meaning::NotWhole),
            ("rows", json!([{"a": 1}]), Meaning::NotWhole),
            ("x", json!("results are truncated"), Meaning::NotWhole),
            ("cursor", json!("abc"), Meaning::More),
            ("pageToken", json!("abc"), Meaning::More),
            ("pagetoken", json!("abc"), Meaning::More),
            ("totalPages", json!(5), Meaning::More),
            ("page_count", json!("5"), Meaning::More),
            ("LastEvaluatedKey", json!({"id": 1}), Meaning::More),
            ("isLast", json!(false), Meaning::More),
            ("lastPage", json!(false), Meaning::More),
            ("last", json!(false), Meaning::More),
            ("LAST", json!("False"), Meaning::More),
            ("eof", json!(false), Meaning::More),
            ("isEof", json!("no"), Meaning::More),
            ("end", json!(false), Meaning::More),
            ("atEnd", json!(false), Meaning::More),
            ("endOfStream", json!(false), Meaning::More),
            ("endReached", json!(false), Meaning::More),
            ("lastBatch", json!(false), Meaning::More),
            ("exhausted", json!(false), Meaning::More),
            ("percentComplete", json!(50), Meaning::NotWhole),
            ("percent_complete", json!("50 %"), Meaning::NotWhole),
            ("percentComplete", json!(0), Meaning::NotWhole),
            ("percentComplete", json!(1), Meaning::NotWhole),
            ("percentage", json!(99.5), Meaning::NotWhole),
            ("completed", json!(0.5), Meaning::NotWhole),
            ("progress", json!(0.5), Meaning::NotWhole),
            ("progress", json!(0), Meaning::NotWhole),
            ("cpuPercent", json!(50), Meaning::Unknown),
            ("remaining", json!(4), Meaning::More),
            ("hasmorerows", json!(true), Meaning::More),
            ("isFailed", json!(true), Meaning::NotWhole),
            ("pageInfo", json!({"hasNextPage": false}), Meaning::Unknown),
            ("numRows", json!(5), Meaning::Count),
            ("rows_total", json!("5"), Meaning::Count),
            ("alertCount", json!(5), Meaning::Count),
            ("foo", json!(1), Meaning::Unknown),
            ("elapsed", json!({"ms": 3}), Meaning::Unknown),
            ("account", json!("x"), Meaning::Unknown),
            ("drain", json!(false), Meaning::Unknown),
            ("first", json!(false), Meaning::Unknown),
            ("degraded", json!("no"), Meaning::Unknown),
        ] {
            assert_eq!(of(name, &value), meaning, "{name}: {value}");
        }
    }

    #[test]
    fn what_says_that_all_is_well_or_says_nothing_is_nothing() {
        for (name, value) in [
            ("status", json!("Succeeded")),
            ("status", json!("200 OK")),
            ("statusCode", json!(200)),
            ("success", json!(true)),
            ("isError", json!(false)),
            ("errorCount", json!(0)),
            ("errorMessage", json!("")),
            ("warnings", json!([])),
            ("warnings", json!([null, ""])),
            ("message", json!("OK.")),
            ("done", json!(true)),
            ("totalPages", json!(1)),
            ("page", json!("1")),
            ("offset", json!(0)),
            ("cursor", Value::Null),
            ("isLastPage", json!(true)),
            ("hasMore", json!("false")),
            ("last", json!(true)),
            ("eof", json!(true)),
            ("percentComplete", json!(100)),
            ("percentComplete", json!("100%")),
            ("progress", json!(1)),
            ("progress", json!(1.0)),
            ("foo", json!(0)),
            ("foo", json!({})),
        ] {
            assert_eq!(of(name, &value), Meaning::Nothing, "{name}: {value}");
        }
    }

    #[test]
    fn headers_are_heard_where_they_are_about_the_rows() {
        for (name, value, meaning) in [
            ("x-total-count", "5", Meaning::Count),
            ("x-pagination-total-pages", "5", Meaning::More),
            ("x-next-cursor", "x", Meaning::More),
            ("x-partial-result", "true", Meaning::NotWhole),
            ("x-ms-error-code", "Timeout", Meaning::NotWhole),
            ("x-complete", "false", Meaning::NotWhole),
        ] {
            assert_eq!(of_header(name, value), meaning, "{name}");
        }
        // What the services and what is before them send.
        for (name, value) in [
            ("cache-control", "no-cache, no-store"),
            ("client-request-id", "x"),
            ("content-type", "application/json; odata.metadata=minimal"),
            ("last-modified", "Tue, 01 Dec 2026 00:00:00 GMT"),
            (
                "nel",
                "{\"report_to\":\"network-errors\",\"success_fraction\":0.01}",
            ),
            ("ratelimit-limit", "45"),
            ("request-id", "x"),
            ("retry-after", "3"),
            ("server", "Microsoft-IIS/10.0"),
            ("status", "200 OK"),
            ("strict-transport-security", "max-age=31536000"),
            ("transfer-encoding", "chunked"),
            ("x-azure-ref", "20261201T000000Z"),
            ("x-cache", "TCP_MISS"),
            ("x-content-type-options", "nosniff"),
            (
                "x-ms-ags-diagnostic",
                "{\"ServerInfo\":{\"DataCenter\":\"West US\"}}",
            ),
            ("x-ms-resource-unit", "1"),
            ("x-ms-throttle-limit-percentage", "0.8"),
            ("x-rate-limit-remaining", "44"),
        ] {
            assert_eq!(of_header(name, value), Meaning::Nothing, "{name}");
        }
    }
}

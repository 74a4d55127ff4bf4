//! What stands around the rows of a response: errors, counts, and whether and where it goes on.
//!
//! Lists, hunting and saved responses share these rules: whatever says that the rows are not all,
//! or is not understood, makes the result incomplete.

mod telling;

use std::borrow::Cow;

use defender_core::Redaction;
use serde_json::Value;

pub use telling::{Meaning, of_header};

/// The name of the continuation that lists are read on with.
pub const NEXT_LINK: &str = "@odata.nextLink";

/// What the members around the rows, and the headers, say about them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// The error that is reported, as JSON text.
    pub failure: Option<Vec<u8>>,
    /// Where the rows after these are.
    pub next: Next,
    /// How the response says that there are more rows, without saying where.
    more: Option<String>,
    /// How it says that its rows are not whole, wherever it goes on.
    lacking: Option<String>,
    /// How many rows there are in all, as the service counts: the largest number it gives.
    pub count: Option<u64>,
    /// The members that nobody knows.
    unknown: Vec<String>,
}

/// Where the rows after those of a response are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Next {
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
    pub fn member(&mut self, name: &str, value: &[u8]) {
        if is_error(name) {
            if reports(value) {
                self.failure.get_or_insert_with(|| value.to_vec());
            }
        } else if is_continuation(name) {
            self.goes_on(next(name, value));
        } else if is_count(name) {
            self.counts(name, value);
        } else if !is_documented(name) {
            let depth = if is_statistics(name) {
                Depth::Statistics
            } else {
                Depth::Members
            };
            match serde_json::from_slice(value) {
                Ok(value) => self.says(name, &value, depth, DEEPEST),
                Err(_) => self.lacks(&format!("{name} cannot be read")),
            }
            self.unknown.truncate(MOST_UNKNOWN);
        }
    }

    /// Takes in a member of a row that has no column, and [`tells`] of an error or of more.
    pub fn member_without_column(&mut self, name: &str, value: &[u8]) {
        self.lacks(&format!("a row has {name}, which is {}", shown(value)));
    }

    /// Takes in a member of a document that is itself one row, whose own members are data.
    pub fn member_of_row(&mut self, name: &str, value: &[u8]) {
        let lower = name.to_ascii_lowercase();
        let is_about_all = name.starts_with('@')
            || is_error(name) && lower.ends_with("error")
            || is_continuation(name) && lower.contains("odata.");
        if is_about_all {
            self.member(name, value);
        }
    }

    /// Lets what the service wrote pass the gate before anybody reads it.
    pub fn redact(&mut self, gate: &Redaction) {
        let unclear = match &mut self.next {
            Next::Unclear(what) => Some(what),
            Next::End | Next::At(_) => None,
        };
        let reasons = [self.more.as_mut(), self.lacking.as_mut(), unclear];
        for reason in reasons.into_iter().flatten().chain(&mut self.unknown) {
            // Only what has passed the gate is cut.
            *reason = shortened(&gate.apply(reason));
        }
    }

    /// Why the rows are not all, however it goes on.
    pub fn lacking(&self) -> Option<&str> {
        self.lacking.as_deref()
    }

    /// Why there are more rows, where no next page is named.
    pub fn more(&self) -> Option<&str> {
        self.more.as_deref()
    }

    /// The members that nobody knows, in words.
    pub fn unknown(&self) -> Option<String> {
        let unknown = (!self.unknown.is_empty()).then(|| self.unknown.join(", "));
        unknown
            .map(|unknown| format!("beside its rows the response has what is not known: {unknown}"))
    }

    /// Takes in how many rows a member, of the statistics for one, counts.
    pub fn counts(&mut self, name: &str, value: &[u8]) {
        if let Ok(found) = count(value) {
            self.count = self.count.max(found);
        } else {
            let shown = shown(value);
            let reason = "the response counts its rows in a way that is not understood";
            let reason = format!("{reason}: {name} is {shown}");
            self.lacking.get_or_insert(reason);
        }
    }

    /// Takes in, once, how the response says that there are more rows without saying where.
    pub fn has_more(&mut self, reason: &str) {
        self.more.get_or_insert_with(|| reason.to_owned());
    }

    /// Whatever says that there are more counts, in whichever order.
    pub fn goes_on(&mut self, found: Next) {
        match (&self.next, found) {
            (_, Next::End) | (Next::Unclear(_), _) => {}
            (_, found) => self.next = found,
        }
    }

    /// Takes in what says that the rows are not whole.
    pub fn lacks(&mut self, what: &str) {
        self.lacking
            .get_or_insert_with(|| format!("the response says that it is not whole: {what}"));
    }

    /// Takes in what says that there are more rows.
    pub fn tells_of_more(&mut self, what: &str) {
        self.more
            .get_or_insert_with(|| format!("the response says that there are more rows: {what}"));
    }

    /// Takes in a member that may say in words, by a flag or by a number, that the rows are not all.
    fn says(&mut self, name: &str, value: &Value, depth: Depth, deepest: usize) {
        let text = || value.to_string();
        let what = || format!("{name} is {}", shown(text().as_bytes()));
        match telling::of(name, value) {
            Meaning::NotWhole => self.lacks(&what()),
            Meaning::More if depth == Depth::Statistics && value.is_number() => {}
            Meaning::More => self.tells_of_more(&what()),
            Meaning::Count if matches!(depth, Depth::Members | Depth::Pages) => {
                self.counts(name, text().as_bytes());
            }
            Meaning::Nothing | Meaning::Count => {}
            Meaning::Unknown => {
                if depth == Depth::Members {
                    self.unknown.push(what());
                }
                self.within(name, value, depth, deepest);
            }
        }
    }

    /// Takes in what stands deeper in a member beside the rows, such as `links` or `paging`.
    fn within(&mut self, outer: &str, value: &Value, depth: Depth, deepest: usize) {
        let Some(deeper) = deepest.checked_sub(1) else {
            return;
        };
        let depth = match depth {
            Depth::Statistics => Depth::Statistics,
            _ if ABOUT_PAGES.contains(&plain(outer).as_str()) => Depth::Pages,
            _ => Depth::Deeper,
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
                    } else if is_count(name)
                        && (depth == Depth::Pages
                            || is_statistics_of_rows(outer) && is_of_rows(name))
                    {
                        self.counts(&path, text.as_bytes());
                    } else {
                        self.says(&path, value, depth, deeper);
                    }
                }
            }
            Value::Array(values) => {
                for value in values {
                    self.within(outer, value, depth, deeper);
                }
            }
            _ => {}
        }
    }
}

/// Whether a member of a row that has no column says that the row is none: it reports an error,
/// or that there are more.
pub fn tells(name: &str, value: &[u8]) -> bool {
    let mut row = Around::default();
    row.member(name, value);
    row.failure.is_some() || row.next != Next::End || row.more.is_some() || row.lacking.is_some()
}

/// Where a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// Beside the rows.
    Members,
    /// In a member that does, and that is about pages.
    Pages,
    /// In any other.
    Deeper,
    /// In the documented statistics, which count many other things than rows.
    Statistics,
}

/// So many members that nobody knows are told.
const MOST_UNKNOWN: usize = 8;

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

/// Members that are documented and say nothing of whether the rows are all; those that do are
/// looked at before.
///
/// Sources: <https://learn.microsoft.com/graph/api/security-security-runhuntingquery>,
/// <https://learn.microsoft.com/defender-xdr/api-advanced-hunting>,
/// <https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html>
fn is_documented(name: &str) -> bool {
    let plain = plain(name);
    match plain.as_str() {
        "value" | "results" | "schema" => true,
        "context" | "deltalink" | "editlink" | "etag" | "id" | "metadata" | "metadataetag"
        | "readlink" | "tips" | "type" => name.contains('@') || name.starts_with("odata."),
        _ => false,
    }
}

/// Source: <https://learn.microsoft.com/defender-xdr/api-advanced-hunting>
fn is_statistics(name: &str) -> bool {
    plain(name) == "stats"
}

/// Whether an object beside the rows may count them, among other things that have totals too.
fn is_statistics_of_rows(name: &str) -> bool {
    matches!(
        plain(name).as_str(),
        "stats" | "statistics" | "summary" | "querystatistics" | "resultstatistics"
    )
}

/// Whether what a name counts is rows.
fn is_of_rows(name: &str) -> bool {
    let name = plain(name);
    ["row", "result", "record"]
        .iter()
        .any(|one| name.contains(one))
}

/// Whether a member of this name, in any spelling, reports an error: `error`, `Errors`,
/// `@odata.error`, or what Kusto puts behind the rows of a partial result.
///
/// Source: <https://learn.microsoft.com/kusto/api/rest/response>
pub fn is_error(name: &str) -> bool {
    let name = plain(name);
    matches!(
        name.as_str(),
        "error" | "errors" | "exception" | "exceptions" | "oneapierrors"
    )
}

/// Whether a member of this name, in any spelling, says where the response goes on.
///
/// Source: <https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html>
pub fn is_continuation(name: &str) -> bool {
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
pub fn plain(name: &str) -> String {
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

/// A count, which may be written as text or as a number with a fraction of nothing; `None` for null.
///
/// # Errors
///
/// The unit, when it is something else.
#[expect(clippy::result_unit_err, reason = "there is nothing else to say of it")]
pub fn count(value: &[u8]) -> Result<Option<u64>, ()> {
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

/// Whether one of the relations of a link, with blanks between them, is the next page.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc8288>
pub fn is_next_relation(relations: &str) -> bool {
    let mut relations = relations.split_ascii_whitespace();
    relations.any(|relation| relation.eq_ignore_ascii_case("next"))
}

/// A value as it stands in a reason until that has passed the gate.
pub fn shown(value: &[u8]) -> Cow<'_, str> {
    const MOST: usize = 4 << 10;
    let value = value.trim_ascii();
    String::from_utf8_lossy(&value[..value.len().min(MOST)])
}

/// A reason as a person reads it.
fn shortened(reason: &str) -> String {
    const LONGEST: usize = 300;
    match reason.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason.to_owned(),
    }
}

/// A number of rows in words.
pub fn rows(count: u64) -> String {
    format!("{count} {}", if count == 1 { "row" } else { "rows" })
}

/// What a value of JSON is called.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

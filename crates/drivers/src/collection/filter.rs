//! Filters of `OData` that are written as other languages have them.

const QUOTES: &str = "texts of a filter stand in single quotes: severity eq 'medium'";
const SIGNS: &str = "a filter compares with eq, ne, gt, ge, lt and le: severity eq 'medium'";
const LOGIC: &str = "conditions are joined by and, or and not, in lower case: severity eq 'high' and status eq 'new'";
const LOWER: &str =
    "the words of a filter are in lower case: severity eq 'high' and status eq 'new'";
const TIMES: &str = "a time is written out, without quotes: createdDateTime ge 2026-11-01T00:00:00Z; --start -7d \
     does the same";
const PIPE: &str = "a filter has conditions only: --max-rows ends the answer after a number of rows, and \
     --columns chooses columns";
const FUNCTIONS: &str = "texts are searched with functions, where the list allows it: contains(title, 'word'), \
     startswith(title, 'word'), endswith(title, 'word')";
const NULLS: &str = "a missing value is null: assignedTo eq null, assignedTo ne null";
const LISTS: &str = "a list of values stands in parentheses: severity in ('medium', 'high')";

/// Words of a filter, which are in lower case.
const WORDS: &[&str] = &[
    "eq", "ne", "gt", "ge", "lt", "le", "in", "null", "true", "false",
];

/// How `OData` writes what a filter has in the manner of other languages.
///
/// Source: <https://learn.microsoft.com/graph/filter-query-parameter>
pub(super) fn otherwise_written(filter: &str) -> Option<&'static str> {
    // What stands in quotes is a value, whatever is in it.
    let bare: String = filter
        .split('\'')
        .step_by(2)
        .collect::<Vec<_>>()
        .join(" '' ");
    if bare.contains("&&") || bare.contains("||") || bare.contains('!') && !bare.contains("!=") {
        return Some(LOGIC);
    }
    if bare.contains('|') {
        return Some(PIPE);
    }
    if bare.contains(['=', '<', '>']) {
        return Some(SIGNS);
    }
    let calls = ["ago(", "now(", "datetime("];
    let lower = bare.to_ascii_lowercase();
    if calls.iter().any(|call| lower.contains(call)) {
        return Some(TIMES);
    }
    if bare.contains('"') {
        return Some(QUOTES);
    }
    let words: Vec<&str> = bare.split_whitespace().collect();
    let lowered: Vec<&str> = lower.split_whitespace().collect();
    for (at, word) in words.iter().enumerate() {
        let (before, after) = (at.checked_sub(1).map(|at| words[at]), words.get(at + 1));
        match lowered[at] {
            // The name of a property stands before them, or a value.
            "and" | "or" | "not" if *word != lowered[at] => return Some(LOGIC),
            one if WORDS.contains(&one) && *word != one => return Some(LOWER),
            "is" if before.is_some() => return Some(NULLS),
            "like" | "has" | "contains" | "startswith" | "endswith" if after == Some(&"''") => {
                return Some(FUNCTIONS);
            }
            "in" if after.is_some_and(|after| !after.starts_with('(')) => return Some(LISTS),
            _ => {}
        }
    }
    let names_time = |name: &str| name.ends_with("DateTime");
    let quoted_time = words
        .windows(3)
        .any(|three| names_time(three[0]) && WORDS.contains(&three[1]) && three[2] == "''");
    if quoted_time {
        return Some(TIMES);
    }
    let mut words = words.into_iter();
    let compared = words.any(|word| matches!(word, "eq" | "ne"));
    let value = words.next()?;
    let is_word = value.starts_with(|first: char| first.is_ascii_alphabetic())
        && !matches!(value, "true" | "false" | "null");
    (compared && is_word).then_some(QUOTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_in_the_manner_of_another_language_is_told_how_odata_writes_it() {
        for (filter, hint) in [
            ("severity eq medium", Some(QUOTES)),
            ("severity eq \"medium\"", Some(QUOTES)),
            ("severity = 'medium'", Some(SIGNS)),
            ("severity == 'medium'", Some(SIGNS)),
            ("severity == \"medium\"", Some(SIGNS)),
            ("severity =~ 'medium'", Some(SIGNS)),
            ("severity != 'medium'", Some(SIGNS)),
            ("createdDateTime > 2026-01-01T00:00:00Z", Some(SIGNS)),
            ("severity EQ 'medium'", Some(LOWER)),
            ("severity eq 'high' AND status eq 'new'", Some(LOGIC)),
            ("severity eq 'high' Or status eq 'new'", Some(LOGIC)),
            ("NOT severity eq 'high'", Some(LOGIC)),
            ("severity eq 'high' && status eq 'new'", Some(LOGIC)),
            ("severity eq 'high' || status eq 'new'", Some(LOGIC)),
            ("!(severity eq 'high')", Some(LOGIC)),
            ("severity eq 'high' | take 5", Some(PIPE)),
            ("title has 'x'", Some(FUNCTIONS)),
            ("title contains 'x'", Some(FUNCTIONS)),
            ("title startswith 'x'", Some(FUNCTIONS)),
            ("title like '%x%'", Some(FUNCTIONS)),
            ("title LIKE '%x%'", Some(FUNCTIONS)),
            ("assignedTo is null", Some(NULLS)),
            ("assignedTo eq NULL", Some(LOWER)),
            ("severity in 'high'", Some(LISTS)),
            ("severity in ['high']", Some(LISTS)),
            ("createdDateTime gt ago(7d)", Some(TIMES)),
            ("createdDateTime gt datetime(2026-11-01)", Some(TIMES)),
            ("createdDateTime gt '2026-11-01'", Some(TIMES)),
            ("severity eq 'medium'", None),
            ("title eq 'a = \"b\"'", None),
            ("title eq 'A AND B | c'", None),
            ("title eq 'it''s'", None),
            ("isActive eq true and severity ne 'low'", None),
            ("contains(title, 'x')", None),
            ("severity in ('low', 'high')", None),
            ("createdDateTime ge 2026-01-01T00:00:00Z", None),
        ] {
            assert_eq!(otherwise_written(filter), hint, "{filter}");
        }
    }
}

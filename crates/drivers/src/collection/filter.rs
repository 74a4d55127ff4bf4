//! Filters of `OData` that are written as other languages have them.

/// How `OData` writes what a filter has in the manner of other languages.
///
/// Source: <https://learn.microsoft.com/graph/filter-query-parameter>
pub(super) fn otherwise_written(filter: &str) -> Option<&'static str> {
    // What stands in quotes is a value, whatever is in it.
    let bare: String = filter.split('\'').step_by(2).collect();
    if bare.contains('"') {
        return Some("texts of a filter stand in single quotes: severity eq 'medium'");
    }
    if bare.contains(['=', '<', '>']) {
        return Some("a filter compares with eq, ne, gt, ge, lt and le: severity eq 'medium'");
    }
    let mut words = bare.split_whitespace();
    let compared = words.any(|word| matches!(word, "eq" | "ne"));
    let value = words.next()?;
    let is_word = value.starts_with(|first: char| first.is_ascii_alphabetic())
        && !matches!(value, "true" | "false" | "null");
    (compared && is_word)
        .then_some("texts of a filter stand in single quotes: severity eq 'medium'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_in_the_manner_of_another_language_is_told_how_odata_writes_it() {
        let quotes = Some("texts of a filter stand in single quotes: severity eq 'medium'");
        let signs = Some("a filter compares with eq, ne, gt, ge, lt and le: severity eq 'medium'");
        for (filter, hint) in [
            ("severity eq medium", quotes),
            ("severity eq \"medium\"", quotes),
            ("severity = 'medium'", signs),
            ("severity == 'medium'", signs),
            ("createdDateTime > 2026-01-01T00:00:00Z", signs),
            ("severity eq 'medium'", None),
            ("title eq 'a = \"b\"'", None),
            ("isActive eq true and severity ne 'low'", None),
            ("contains(title, 'x')", None),
            ("createdDateTime ge 2026-01-01T00:00:00Z", None),
        ] {
            assert_eq!(otherwise_written(filter), hint, "{filter}");
        }
    }
}

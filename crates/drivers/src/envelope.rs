//! What stands around the rows of a response: errors, and where the response goes on.
//!
//! Lists and hunting share these rules: whatever is not understood makes the result incomplete.

mod report;

pub(crate) use report::{beside, reported};

/// The name of the continuation that lists are read on with.
pub(crate) const NEXT_LINK: &str = "@odata.nextLink";

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
    name.ends_with("nextlink")
        || matches!(
            name.as_str(),
            "nextpagelink" | "nextpagetoken" | "continuationtoken" | "skiptoken"
        )
}

/// `name` without case, the sign and prefix of an annotation, and what joins words; an annotation
/// of a member (`results@odata.nextLink`) counts as one of the whole.
fn plain(name: &str) -> String {
    let annotation = name.rsplit('@').next().unwrap_or(name);
    let lower = annotation.to_ascii_lowercase();
    let lower = lower.strip_prefix("odata.").unwrap_or(&lower);
    lower.replace(['_', '-', '$'], "")
}

/// Whether the value of an error, as JSON text, says that there is one: `null` and an empty list
/// do not.
pub(crate) fn reports(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let listed = value
        .strip_prefix(b"[")
        .and_then(|rest| rest.strip_suffix(b"]"));
    value != b"null" && !listed.is_some_and(|inside| inside.trim_ascii().is_empty())
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

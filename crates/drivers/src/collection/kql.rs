//! KQL where the path of a list is expected.

use defender_core::{DataEnvironment, Error, ErrorKind};

/// What a query begins with when it does not begin with a table.
const BEGINNINGS: &[&str] = &[
    "let",
    "print",
    "union",
    "search",
    "find",
    "range",
    "datatable",
    "externaldata",
    "declare",
    "set",
    "evaluate",
    "materialize",
    "view",
];

/// Whether `text` is KQL rather than a path below an API's version.
pub(super) fn is_kql(text: &str) -> bool {
    // Options of OData hold whatever a filter compares with.
    let path = text.split('?').next().unwrap_or_default().trim();
    let end = path
        .find(|letter: char| !letter.is_ascii_alphanumeric())
        .unwrap_or(path.len());
    let (first, after) = path.split_at(end);
    let begins = BEGINNINGS
        .iter()
        .any(|word| word.eq_ignore_ascii_case(first))
        && after.starts_with([' ', '\t', '(']);
    let is_table = || {
        defender_schema::tables()
            .iter()
            .any(|table| table.name.eq_ignore_ascii_case(path))
    };
    path.contains(['|', ';', '\n', '\r']) || begins || is_table()
}

/// The error that it is.
pub(super) fn refused(environment: DataEnvironment) -> Error {
    let (runs, path) = match environment {
        DataEnvironment::Mde => (DataEnvironment::Mde, "machines?$filter=riskScore eq 'High'"),
        _ => (
            DataEnvironment::M365dGraph,
            "security/alerts_v2?$filter=severity eq 'high'",
        ),
    };
    let message = format!("this is KQL, and the lists of {environment} are read by their path");
    Error::new(ErrorKind::Usage, message).with_hint(format!(
        "{runs} runs KQL: defender query --env {runs}; a path is {path}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kql_is_told_from_a_path() {
        for text in [
            "DeviceEvents",
            "deviceevents",
            "AlertInfo | take 5",
            "alerts | where severity == 'high'",
            "alerts_v2 | count",
            "DeviceEvents\n| where FileName == 'a?b'",
            "// all\nDeviceEvents",
            "let a = 1; print a",
            "let a = 1",
            "print x=1",
            "print(1)",
            "Union AlertInfo, AlertEvidence",
            "search \"what?\"",
            "find in (DeviceEvents) where FileName has 'x'",
            "datatable(a:long)[1]",
        ] {
            assert!(is_kql(text), "{text}");
        }
        for text in [
            "",
            "security/alerts_v2",
            "alerts_v2?$filter=title eq 'a | b; c'",
            "/v1.0/security/incidents/12",
            "security/alerts_v2?$filter=severity eq 'high'",
            "https://graph.microsoft.com/v1.0/security/incidents?$top=5",
            "machines/findbyip(ip='10.0.0.1',timestamp=2026-01-01T00:00:00Z)",
            "Machines",
            "users/print/alerts",
            "search",
        ] {
            assert!(!is_kql(text), "{text}");
        }
    }
}

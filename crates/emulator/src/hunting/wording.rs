//! The engine's complaints in the words of the Kusto service, as far as those are known.

use kql_engine::{Complaint, EngineError};

use super::fault::QueryFault;

/// What the service would say of `query`.
pub(super) fn fault(error: EngineError, query: &str) -> QueryFault {
    match error {
        EngineError::Syntax(complaints) => QueryFault::Syntax(syntax(complaints.first(), query)),
        EngineError::Semantic(complaints) => QueryFault::Semantic(
            complaints
                .first()
                .map(|complaint| semantic(complaint, query))
                .unwrap_or_default(),
        ),
        EngineError::Unsupported { what, .. } => QueryFault::Unsupported(what),
        EngineError::Argument { message, .. } => QueryFault::Semantic(message),
        EngineError::Runtime { message, .. } => QueryFault::Execution(message),
        other => QueryFault::Execution(other.to_string()),
    }
}

fn syntax(complaint: Option<&Complaint>, query: &str) -> String {
    let Some(complaint) = complaint else {
        return "Query could not be parsed".to_owned();
    };
    let (line, column) = place(query, complaint.span.start);
    let meant = query
        .get(complaint.span.clone())
        .filter(|text| !text.is_empty())
        .unwrap_or("<EOF>");
    format!(
        "Query could not be parsed at '{meant}' on line [{line},{column}]: {}",
        complaint.message
    )
}

/// A name that nothing bears is said in the service's words; clients look for these.
fn semantic(complaint: &Complaint, query: &str) -> String {
    let named = |start: &str| {
        complaint
            .message
            .strip_prefix(start)?
            .strip_prefix('\'')?
            .split('\'')
            .next()
    };
    let operator = |keyword: Option<&str>| {
        keyword.map_or_else(String::new, |keyword| format!("'{keyword}' operator: "))
    };
    if let Some(name) = named("no table named ") {
        let next = query
            .get(complaint.span.end..)
            .and_then(|after| keyword(after.trim_start().strip_prefix('|')?));
        return format!(
            "{}Failed to resolve table or column expression named '{name}'",
            operator(next)
        );
    }
    if let Some(name) = named("no column named ").or_else(|| named("nothing is named ")) {
        let own = query
            .get(..complaint.span.start)
            .and_then(|before| keyword(before.rsplit_once('|')?.1));
        return format!(
            "{}Failed to resolve column or scalar expression named '{name}'",
            operator(own)
        );
    }
    if let Some(name) = named("no function named ") {
        return format!("Unknown function: '{name}'");
    }
    complaint.message.clone()
}

/// The operator that a stage of a pipeline begins with.
fn keyword(stage: &str) -> Option<&str> {
    let stage = stage.trim_start();
    let end = stage
        .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-')
        .unwrap_or(stage.len());
    stage.get(..end).filter(|word| !word.is_empty())
}

/// Line and column, both from 1.
fn place(query: &str, offset: usize) -> (usize, usize) {
    let before = query.get(..offset).unwrap_or(query);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(query: &str, part: &str, message: &str) -> Complaint {
        let start = query.find(part).unwrap();
        Complaint {
            message: message.to_owned(),
            span: start..start + part.len(),
        }
    }

    #[test]
    fn names_are_missed_in_the_services_words() {
        let query = "EmailEvents | where Nome == 1 | extend x = f(2)";
        for (part, message, expected) in [
            (
                "EmailEvents",
                "no table named 'EmailEvents'",
                "'where' operator: Failed to resolve table or column expression named 'EmailEvents'",
            ),
            (
                "Nome",
                "no column named 'Nome'; did you mean 'Name'?",
                "'where' operator: Failed to resolve column or scalar expression named 'Nome'",
            ),
            ("f(2)", "no function named 'f'", "Unknown function: 'f'"),
            ("x", "'x' is odd", "'x' is odd"),
        ] {
            assert_eq!(semantic(&complaint(query, part, message), query), expected);
        }
        let alone = complaint("Foo", "Foo", "no table named 'Foo'");
        assert_eq!(
            semantic(&alone, "Foo"),
            "Failed to resolve table or column expression named 'Foo'"
        );
    }

    #[test]
    fn a_mistake_of_syntax_has_its_place() {
        let query = "T\n| wher x";
        assert_eq!(
            syntax(Some(&complaint(query, "wher", "not an operator")), query),
            "Query could not be parsed at 'wher' on line [2,3]: not an operator"
        );
        let end = Complaint {
            message: "an operator is missing".to_owned(),
            span: query.len()..query.len(),
        };
        assert!(syntax(Some(&end), query).starts_with("Query could not be parsed at '<EOF>'"));
    }
}

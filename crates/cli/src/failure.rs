//! An error as the user sees it: the text on standard error, and the exit code.

use std::error::Error as _;
use std::fmt::Write as _;

use defender_core::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::signals;

/// Met `--fail-on`.
pub(crate) const ALARM: u8 = 10;

/// The exit code for errors of this kind.
pub(crate) fn exit_code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Usage => 2,
        ErrorKind::Config => 3,
        ErrorKind::Credential => 4,
        ErrorKind::Permission => 5,
        ErrorKind::Throttled => 6,
        ErrorKind::Query => 7,
        ErrorKind::Service | ErrorKind::Transport | ErrorKind::Protocol => 8,
        ErrorKind::Incomplete => 9,
        ErrorKind::Interrupted => signals::exit_code(),
        // Io, and kinds that are yet to come.
        _ => 1,
    }
}

/// The error for a person: what happened, its causes, where, and what to do next.
pub(crate) fn text(error: &Error) -> String {
    let mut text = format!("error: {}", message(error));
    let mut cause = error.source();
    while let Some(source) = cause {
        let _ = write!(text, "\n  because {source}");
        cause = source.source();
    }
    if let Some(url) = error.url() {
        let _ = write!(text, "\n  at {url}");
    }
    let answer: Vec<String> = error
        .status()
        .map(|status| format!("status {status}"))
        .into_iter()
        .chain(error.code().map(|code| format!("code {code}")))
        .chain(error.request_id().map(|id| format!("request id {id}")))
        .chain(
            error
                .client_request_id()
                .map(|id| format!("client request id {id}")),
        )
        .collect();
    if !answer.is_empty() {
        let _ = write!(text, "\n  {}", answer.join(", "));
    }
    if let Some(hint) = error.hint() {
        let _ = write!(text, "\n  hint: {}", with_options(hint));
    }
    text
}

/// What happened. Entra ID explains at length: of its words the first line has the number and the
/// first sentence, and each other sentence a line of its own.
fn message(error: &Error) -> String {
    let message = error.to_string();
    if !error.code().is_some_and(|code| code.starts_with("AADSTS")) {
        return message;
    }
    sentences(&message).join("\n  ")
}

/// The sentences of `text`; what is in single quotes is somebody's name and ends none.
fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let (mut start, mut quoted) = (0, false);
    let mut before = ' ';
    for (place, character) in text.char_indices() {
        let mut after = text[place + character.len_utf8()..].chars();
        let next = after.next();
        match character {
            // An apostrophe stands between two letters.
            '\'' if before.is_alphanumeric() && next.is_some_and(char::is_alphanumeric) => {}
            '\'' => quoted = !quoted,
            '.' | '?' | '!'
                if !quoted && next == Some(' ') && after.next().is_some_and(char::is_uppercase) =>
            {
                sentences.push(&text[start..=place]);
                start = place + 2;
            }
            _ => {}
        }
        before = character;
    }
    sentences.push(&text[start..]);
    sentences
}

/// The error for a program: one JSON object.
pub(crate) fn json(error: &Error) -> Value {
    json!({ "error": object(error) })
}

/// The error of one tenant of several.
pub(crate) fn json_of(tenant: &str, error: &Error) -> Value {
    json!({ "tenant": tenant, "error": object(error) })
}

/// The hint with the options of the command beside the names that the libraries have for the same.
fn with_options(hint: &str) -> String {
    const PASSWORD: &str = "give the password with --private-key-secret-env, --private-key-secret-file, \
         --private-key-secret-stdin or --private-key-secret-prompt, or PrivateKeySecret in the \
         settings; beside AZURE_CLIENT_CERTIFICATE_PATH, AZURE_CLIENT_CERTIFICATE_PASSWORD";
    if hint == "give the password with the parameter private_key_secret" {
        return PASSWORD.to_owned();
    }
    if !hint.starts_with("give tenant_id") && !hint.starts_with("check ") {
        return hint.to_owned();
    }
    hint.split(' ')
        .map(|word| {
            let name = word.trim_end_matches([',', ':']);
            let option = match name {
                "tenant_id" => "--tenant-id",
                "client_id" => "--client-id",
                _ => return word.to_owned(),
            };
            format!("{name} ({option}){}", &word[name.len()..])
        })
        .collect::<Vec<_>>()
        .join(" ")
        .replace(") (", "; ")
}

fn object(error: &Error) -> Value {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(source) = cause {
        causes.push(source.to_string());
        cause = source.source();
    }
    json!({
            "kind": format!("{:?}", error.kind()),
            "exit_code": exit_code(error.kind()),
            "message": error.to_string(),
            "causes": causes,
            "code": error.code(),
            "status": error.status(),
            "url": error.url(),
            "request_id": error.request_id(),
            "client_request_id": error.client_request_id(),
            "retry_after_seconds": error.retry_after().map(|wait| wait.as_secs_f64()),
            "hint": error.hint().map(with_options),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cells of the page's tables.
    fn page() -> impl Iterator<Item = Vec<&'static str>> {
        include_str!("../../../docs/reference/errors.md")
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
    }

    #[test]
    fn the_page_lists_every_kind_with_its_code() {
        use ErrorKind as K;
        for kind in [
            K::Usage,
            K::Config,
            K::Credential,
            K::Permission,
            K::Throttled,
            K::Query,
            K::Service,
            K::Transport,
            K::Protocol,
            K::Incomplete,
            K::Io,
            K::Interrupted,
        ] {
            let (code, name) = (exit_code(kind).to_string(), format!("`{kind:?}`"));
            let listed = page().any(|cells| cells[0] == code && cells[1] == name);
            assert!(listed, "{code} {name}");
        }
        assert!(
            page().any(|cells| cells[0] == ALARM.to_string() && cells[2].contains("--fail-on"))
        );
    }

    #[test]
    fn the_page_lists_every_member_of_the_object() {
        let error = object(&Error::new(ErrorKind::Usage, "x"));
        let members: Vec<String> = error
            .as_object()
            .unwrap()
            .keys()
            .map(|name| format!("`{name}`"))
            .collect();
        let listed: Vec<&str> = page()
            .map(|cells| cells[0])
            .filter(|cell| cell.starts_with('`'))
            .collect();
        assert_eq!(listed, members);
    }

    #[test]
    fn a_hint_names_the_options() {
        for (hint, expected) in [
            ("give tenant_id", "give tenant_id (--tenant-id)"),
            (
                "check client_id, tenant_id and cloud: the application",
                "check client_id (--client-id), tenant_id (--tenant-id) and cloud: the application",
            ),
            (
                "give tenant_id: its own tenant only",
                "give tenant_id (--tenant-id): its own tenant only",
            ),
            (
                "check tenant_id (an id or a verified domain)",
                "check tenant_id (--tenant-id; an id or a verified domain)",
            ),
            ("write tenant_id='…'", "write tenant_id='…'"),
        ] {
            assert_eq!(with_options(hint), expected);
        }
        let hint = with_options("give the password with the parameter private_key_secret");
        assert!(
            hint.contains("--private-key-secret-env") && !hint.contains("parameter"),
            "{hint}"
        );
    }

    #[test]
    fn a_long_explanation_has_a_short_first_line() {
        for (said, shown) in [
            ("AADSTS50034: Unknown", "AADSTS50034: Unknown"),
            (
                "AADSTS700016: Application with identifier 'a' was not found in the directory \
                 'Fa. Brikam Inc. Ltd'. This can happen if it isn't installed. Don't ask 'x.y'.",
                "AADSTS700016: Application with identifier 'a' was not found in the directory \
                 'Fa. Brikam Inc. Ltd'.\n  This can happen if it isn't installed.\n  Don't ask \
                 'x.y'.",
            ),
            (
                "AADSTS50076: Is it you? Sign in at https://aka.ms/a.B or v1.2 of it! Ünd",
                "AADSTS50076: Is it you?\n  Sign in at https://aka.ms/a.B or v1.2 of it!\n  Ünd",
            ),
        ] {
            let error = Error::new(ErrorKind::Credential, said);
            assert_eq!(text(&error), format!("error: {said}"));
            let error = error.with_code("AADSTS1");
            assert_eq!(text(&error), format!("error: {shown}\n  code AADSTS1"));
            assert_eq!(object(&error)["message"], said);
        }
    }

    #[test]
    fn an_error_says_what_where_and_what_next() {
        let url = "https://graph.microsoft.com/v1.0/x?q=1".parse().unwrap();
        let error = Error::new(ErrorKind::Query, "the query was rejected")
            .with_source(Error::new(ErrorKind::Query, "no table \u{1b}[31mX"))
            .with_url(&url)
            .with_status(400)
            .with_code("BadRequest")
            .with_hint("check the name");
        insta::assert_snapshot!(crate::terminal::escape(&text(&error)), @r"
        error: the query was rejected
          because no table \u{1b}[31mX
          at https://graph.microsoft.com/v1.0/x
          status 400, code BadRequest
          hint: check the name
        ");
        let value = json(&error);
        assert_eq!(value["error"]["exit_code"], 7);
        assert_eq!(value["error"]["causes"][0], "no table \u{1b}[31mX");
    }
}

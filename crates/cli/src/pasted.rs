//! Arguments that may be a secret in the wrong place: no message repeats one.
//!
//! The library decides by type what a message may show. Here is what it never sees as anything but
//! a name, a path or a time: whatever somebody typed.

use std::path::Path;
use std::sync::OnceLock;

use defender_core::{WrittenName, is_plain_path, redact_shapes};

const REDACTED: &str = "REDACTED";

/// Shorter words are names, and so are longer ones without any mark of a password.
const SHORTEST: usize = 8;
const SHORTEST_WITHOUT_MARKS: usize = 16;

/// What ends as one of these is a file.
const FILES: [&str; 16] = [
    "arrow", "csv", "csl", "gz", "ipc", "json", "jsonl", "kql", "log", "md", "ndjson", "parquet",
    "tsv", "yaml", "yml", "zst",
];

static PASTED: OnceLock<Vec<String>> = OnceLock::new();

/// `text` without the arguments that may be secrets.
pub(crate) fn hidden(text: &str) -> String {
    let pasted = PASTED.get_or_init(|| {
        let words = std::env::args_os().skip(1);
        of(words.filter_map(|word| word.into_string().ok()))
    });
    without(pasted, text)
}

fn without(pasted: &[String], text: &str) -> String {
    pasted.iter().fold(text.to_owned(), |text, secret| {
        if text.contains(secret.as_str()) {
            text.replace(secret.as_str(), REDACTED)
        } else {
            text
        }
    })
}

/// What may be a secret among `words`, the longest first: one may hold another.
fn of(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut found = Vec::new();
    for word in words {
        let value = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => value,
            _ => word.as_str(),
        };
        found.extend(password(value));
        if may_be_secret(value) {
            found.push(value.to_owned());
        }
    }
    for form in found.clone() {
        // As it stands in JSON, in an address, and in a message that escapes it.
        let escaped = form.replace('\\', "\\\\").replace('"', "\\\"");
        found.extend([escaped, form.to_lowercase()]);
    }
    found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    found.dedup();
    found
}

/// The password of an address: `https://user:password@host/`.
fn password(word: &str) -> Option<String> {
    let (_, rest) = word.split_once("://")?;
    let (user, _) = rest.split('/').next()?.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    (password.len() > 2).then(|| password.to_owned())
}

fn may_be_secret(word: &str) -> bool {
    if word.len() < SHORTEST || word.contains(char::is_whitespace) || is_path(word) {
        return false;
    }
    if !matches!(redact_shapes(word), std::borrow::Cow::Borrowed(_)) {
        return true;
    }
    let has = |kind: fn(char) -> bool| word.chars().any(kind);
    let is_mixed = has(|c| c.is_ascii_digit())
        && has(|c| c.is_ascii_lowercase())
        && has(|c| c.is_ascii_uppercase());
    let is_phrase = is_phrase(word);
    let is_marked = has(|c| "~!$%^&*+?#".contains(c));
    is_mixed && !is_phrase && (is_marked || word.len() >= SHORTEST_WITHOUT_MARKS && !is_name(word))
}

/// Whether a usage error may quote `word`, which stands where something else was expected: it is a
/// word, a number, a path or a part of a query. Anything else may be a secret.
pub(crate) fn may_be_quoted(word: &str) -> bool {
    let word = word.trim_start_matches('-');
    word.contains(char::is_whitespace)
        || word.bytes().all(|byte| byte.is_ascii_digit())
        || is_phrase(word.trim_end_matches('='))
        || is_name(word)
        || is_path(word)
}

/// A query, a filter, an address, or a value for a parameter.
fn is_phrase(word: &str) -> bool {
    word.contains(|c| "|()[]{}<>,;:=@".contains(c))
}

fn is_name(word: &str) -> bool {
    WrittenName::of_words(word.replace('_', "-"))
        .shown()
        .is_some()
}

/// Whether a file, or the folder that it would be in, is there, or the name ends as files do.
fn is_path(word: &str) -> bool {
    let path = Path::new(word);
    let ending = path.extension().and_then(std::ffi::OsStr::to_str);
    let is_file = ending.is_some_and(|end| FILES.contains(&end.to_ascii_lowercase().as_str()));
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    is_file || is_plain_path(word) || path.exists() || folder.is_some_and(Path::exists)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "Qx8Q~Zk3secretVALUE.wrongPlace-77aaBB";

    fn found(words: &[&str]) -> Vec<String> {
        of(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn what_may_be_a_secret_is_not_repeated() {
        let address = format!("https://u:{SECRET}@host/");
        let inline = format!("--env={SECRET}");
        for words in [[SECRET].as_slice(), &["--config", &address], &[&inline]] {
            let text = format!("cannot open /data/{SECRET}, from https://u:{SECRET}@host/");
            let clean = without(&found(words), &text);
            assert!(!clean.contains("Zk3"), "{words:?}: {clean}");
        }
        assert_eq!(found(&["https://user:hunter2@proxy/"])[0], "hunter2");
    }

    #[test]
    fn what_is_no_choice_is_quoted_when_it_is_a_word() {
        for word in [
            "moon",
            "--formt",
            "client_secret",
            "M365DGrph",
            "7dd",
            "12345678901234567",
            "2026-13-01",
            "where",
            "Timestamp>ago(1d)",
            "hunt.kql",
            "",
        ] {
            assert!(may_be_quoted(word), "{word}");
        }
        for word in [
            SECRET,
            "Sup3rSecretPassw0rd",
            "Passw0rd!",
            "--Passw0rd",
            "aB3dE5fG7hJ9aa==",
        ] {
            assert!(!may_be_quoted(word), "{word}");
        }
    }

    #[test]
    fn names_paths_queries_and_ids_are_repeated() {
        for word in [
            "DeviceInfo|take(5)",
            "DeviceInfo | where Name == 'aB3dE5fG7hJ9~'",
            "Contoso2Prod",
            "M365D.ip_connections",
            "11111111-2222-3333-4444-555555555555",
            "2026-11-20T10:00:00Z",
            "Export-2026-01-15T10_20.csv",
            "/tmp/tmp.aB3dE5fG7h",
            "contoso.onmicrosoft.com",
            "ann.lee2@contoso.com",
            "--private-key-secret-stdin",
            "severity eq 'High'",
            "Sha256=9F86D081884C7d659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08",
        ] {
            assert_eq!(found(&[word]), Vec::<String>::new(), "{word}");
        }
    }
}

//! Takes secrets out of text that others wrote.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use defender_core::{ExposeSecret, SecretString};
use url::form_urlencoded;

/// Shorter secrets would take ordinary words with them.
const SHORTEST: usize = 4;

/// Knows secrets and takes them out of text, also where they are base64 or URL-encoded.
///
/// An authority does not repeat secrets, but what is in between may print the request.
pub(crate) struct Redaction<'a> {
    secrets: Vec<&'a SecretString>,
}

impl<'a> Redaction<'a> {
    pub(crate) fn of(secret: &'a SecretString) -> Self {
        Self::of_all([secret])
    }

    pub(crate) fn of_all(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let long = |secret: &&SecretString| secret.expose_secret().len() >= SHORTEST;
        Self {
            secrets: secrets.into_iter().filter(long).collect(),
        }
    }

    /// `text` with `REDACTED` in place of the secrets.
    pub(crate) fn apply(&self, text: &str) -> String {
        let without = |text: String, secret: &&SecretString| without(&text, secret.expose_secret());
        self.secrets.iter().fold(text.to_owned(), without)
    }
}

fn without(text: &str, secret: &str) -> String {
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let percent = form.replace('+', "%20");
    let lower = lower_digits(&percent);
    let forms = [
        // The padded forms go first: the others are their beginnings.
        STANDARD.encode(secret),
        URL_SAFE.encode(secret),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        lower_digits(&form),
        lower,
        percent,
        form,
        secret.to_owned(),
    ];
    forms
        .iter()
        .fold(text.to_owned(), |text, form| text.replace(form, "REDACTED"))
}

/// `%2F` as `%2f`.
fn lower_digits(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut lower = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        // An encoded byte is two ASCII digits, so this never cuts a character.
        let (digits, rest) = piece.split_at(piece.len().min(2));
        lower.push('%');
        lower.push_str(&digits.to_ascii_lowercase());
        lower.push_str(rest);
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_out_in_every_encoding() {
        let secret = SecretString::from("can/ary ~8Q+=?");
        let redaction = Redaction::of(&secret);
        for (form, expected) in [
            ("can/ary ~8Q+=?", "a REDACTED b"),
            ("can%2Fary+%7E8Q%2B%3D%3F", "a REDACTED b"),
            ("can%2Fary%20%7E8Q%2B%3D%3F", "a REDACTED b"),
            ("can%2fary%20%7e8Q%2b%3d%3f", "a REDACTED b"),
            ("Y2FuL2FyeSB+OFErPT8=", "a REDACTED b"),
            ("Y2FuL2FyeSB-OFErPT8", "a REDACTED b"),
            ("can", "a can b"),
        ] {
            assert_eq!(redaction.apply(&format!("a {form} b")), expected, "{form}");
        }
    }

    #[test]
    fn several_secrets_are_taken_out() {
        let (one, two) = (SecretString::from("canary"), SecretString::from("finch"));
        let redaction = Redaction::of_all([&one, &two]);
        assert_eq!(redaction.apply("canary, finch"), "REDACTED, REDACTED");
    }

    #[test]
    fn a_very_short_secret_leaves_the_text_readable() {
        let secret = SecretString::from("e");
        assert_eq!(Redaction::of(&secret).apply("Bearer"), "Bearer");
    }
}

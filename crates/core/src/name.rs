//! Names that people write where a secret is kept, and that may be the secret itself.

use std::borrow::Cow;
use std::fmt;

use secrecy::SecretString;

use crate::redact_shapes;

/// The name of a variable, of a vault and a secret in it, of a tenant or a cloud, as somebody wrote
/// it.
///
/// People paste the secret where the name of its place belongs. So a message shows a name only
/// when it is plainly one: `Display` and `Debug` decide, and whoever looks something up by the
/// name asks for it with [`get`](Self::get).
///
/// ```
/// # use defender_core::WrittenName;
/// let name = WrittenName::of_variable("CONTOSO_SECRET");
/// assert_eq!(name.to_string(), "CONTOSO_SECRET");
/// let pasted = WrittenName::of_variable("abc8Q~Zk3.x9");
/// assert_eq!(pasted.to_string(), "(not shown)");
/// assert_eq!(pasted.get(), "abc8Q~Zk3.x9");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WrittenName {
    text: String,
    is_plain: bool,
}

impl WrittenName {
    /// The name of an environment variable: shown when it is in capitals, as variables are.
    pub fn of_variable(text: impl Into<String>) -> Self {
        let text = text.into();
        let is_plain = is_plain_variable(&text);
        Self { text, is_plain }
    }

    /// Any other name, a host or an address: shown when it is made of words.
    pub fn of_words(text: impl Into<String>) -> Self {
        let text = text.into();
        let is_plain = is_plain_in_words(&text);
        Self { text, is_plain }
    }

    /// The name itself, to look something up by.
    pub fn get(&self) -> &str {
        &self.text
    }

    /// The name, when a message may show it.
    pub fn shown(&self) -> Option<&str> {
        self.is_plain.then_some(&self.text)
    }

    /// The name as a secret, when no message may show it.
    pub fn hidden(&self) -> Option<SecretString> {
        (!self.is_plain).then(|| self.text.clone().into())
    }

    /// `'name'`, or `otherwise` when no message may show it.
    pub fn quoted_or(&self, otherwise: &str) -> String {
        let shown = self.shown().map(|name| format!("'{name}'"));
        shown.unwrap_or_else(|| otherwise.to_owned())
    }

    /// The same name, spelt as `spell` spells it.
    #[must_use]
    pub fn respelt(&self, spell: impl FnOnce(&str) -> String) -> Self {
        Self {
            text: spell(&self.text),
            is_plain: self.is_plain,
        }
    }
}

impl fmt::Display for WrittenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown().unwrap_or("(not shown)"))
    }
}

impl fmt::Debug for WrittenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const LONGEST: usize = 64;

/// A longer word is none.
const LONGEST_WORD: usize = 20;

/// As long as the part that Azure makes unique names of.
const LONGEST_UNIQUE: usize = 13;

/// Longer numbers are parts of a key.
const MOST_DIGITS: usize = 4;

/// Capitals in words between `_`. What has small letters is a name now and then, and a password
/// more often.
fn is_plain_variable(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.len() <= LONGEST
        && text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && text.chars().all(allowed)
        && text.split('_').all(|word| word.is_empty() || is_word(word))
}

fn is_plain_in_words(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:/ ".contains(c);
    let mut words = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    text.len() <= 2 * LONGEST
        && text.chars().all(allowed)
        && !is_guid(text)
        && matches!(redact_shapes(text), Cow::Borrowed(_))
        && words.all(|word| is_word(word) || is_unique(word))
}

/// Letters that end in few digits or begin with one letter before them, as `M365Defender` does;
/// where letters of both cases are mixed, as words in a row are.
fn is_word(word: &str) -> bool {
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    if word.len() > LONGEST_WORD + MOST_DIGITS || word.len() - letters.len() > MOST_DIGITS {
        return false;
    }
    let letters = match letters.char_indices().nth(1) {
        Some((at, second)) if second.is_ascii_digit() => {
            let rest = letters[at..].trim_start_matches(|c: char| c.is_ascii_digit());
            if letters[at..].len() - rest.len() > MOST_DIGITS {
                return false;
            }
            rest
        }
        _ => letters,
    };
    let bytes = letters.as_bytes();
    let changes = bytes
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
        .count();
    bytes.len() <= LONGEST_WORD + LONGEST_WORD / 2
        && bytes.iter().all(u8::is_ascii_alphabetic)
        && changes * 4 <= bytes.len()
}

/// Small letters and digits, as in the unique end of a vault's name.
fn is_unique(word: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    word.len() <= LONGEST_UNIQUE && word.chars().all(allowed)
}

fn is_guid(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variables_name_is_shown_when_it_is_plainly_one() {
        for name in [
            "CONTOSO_SECRET",
            "AZURE_CLIENT_SECRET",
            "DEFENDER__DATAPROVIDERS__MICROSOFTDEFENDER__ARGS__CLOUD",
            "X",
            "_CERT2",
            "M365_SECRET_2024",
        ] {
            assert_eq!(WrittenName::of_variable(name).shown(), Some(name));
        }
        for pasted in [
            "",
            "abc8Q~Zk3x9yPq2WvL0mNt5RsU7iOe4gHjFaSdC1",
            "a.b",
            "hunter2",
            "correct_horse_battery",
            "PASSW0RD",
            "JBSWY3DPEHPK3PXP",
            "AKIAIOSFODNN7EXAMPLE",
            "0F8FAD5BD9CB469FA165",
            "MIIJqQIBAzCCCW8GCSqGSIb3DQEHAaCCCWAEgglc",
            "eyJhbGciOiJub25lIn0",
            "11111111-2222-3333-4444-555555555555",
            "-----BEGIN PRIVATE KEY-----",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF",
            &"A_".repeat(40),
        ] {
            let name = WrittenName::of_variable(pasted);
            assert_eq!(name.shown(), None, "{pasted}");
            assert_eq!(format!("{name} {name:?}"), "(not shown) (not shown)");
        }
    }

    #[test]
    fn any_other_name_is_shown_when_it_is_made_of_words() {
        for name in [
            "ClientSecret",
            "defender-secret",
            "DataProviders-MicrosoftDefender-Args-ClientSecret",
            "M365Defender",
            "kv-prod-weu-001",
            "kv-7hq2k5xv3m2ba",
            "https://contoso.vault.azure.net",
            "http://127.0.0.1:8200/vaults/contoso",
            "contoso.vault.azure.net",
            "key-password",
            "app2",
        ] {
            assert_eq!(WrittenName::of_words(name).shown(), Some(name));
        }
        for pasted in [
            "abc8Q~Zk3x9yPq2WvL0mNt5RsU7iOe4gHjFaSdC1",
            "abc8Q-Zk3x9yPq2WvL0mNt5RsU7iOe4gHjFaSdC1",
            "Passw0rd!",
            "aB3dE5fG7hJ9",
            "aBcDeFgHiJkL",
            "0f8fad5bd9cb469fa16570867728950e",
            "0f8fad5b-d9cb-469f-a165-70867728950e",
            "eyJhbGciOiJub25lIn0.eyJhdWQiOiJ4In0.",
            "MIIJqQIBAzCCCW8GCSqGSIb3DQEHAaCCCWAEgglc",
            "a+b=",
        ] {
            assert_eq!(WrittenName::of_words(pasted).shown(), None, "{pasted}");
        }
    }
}

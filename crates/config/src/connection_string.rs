//! Connection strings: `key=value` items between semicolons.

use defender_core::{Error, ErrorKind, Result};
use secrecy::SecretString;

use crate::{ConnectionArgs, ConnectionKey, Origin};

/// Longer strings are no connection strings.
const MAX_LENGTH: usize = 64 * 1024;

/// A connection string, read.
///
/// `;` separates items and the first `=` of each splits it. Single, double or typographic quotes
/// around a value protect a `;` and are removed; a doubled quote inside is one quote. Keys are
/// read in any case with their aliases. Quotes around the whole, and `connection_str=` before it,
/// are taken off: documents print the string so.
///
/// ```
/// # use defender_config::ConnectionString;
/// let args = ConnectionString::parse("TenantId='contoso.com'; client_secret=\"a;b\"")?.into_args();
/// assert_eq!(args.tenant_id().map(|tenant| tenant.get()), Some("contoso.com"));
/// # Ok::<(), defender_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConnectionString {
    args: ConnectionArgs,
}

impl ConnectionString {
    /// Reads `text`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming the item by its number or key; never a value, nor a key that
    /// might be the rest of one. [`ErrorKind::Usage`] when it gives both a user and a secret.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_LENGTH {
            return Err(wrong(
                format!("the connection string is longer than {MAX_LENGTH} bytes"),
                "it is key=value;key=value",
            ));
        }
        let mut args = ConnectionArgs::default();
        for (key, value) in items(bare(text)?)? {
            if args.has(key) {
                return Err(wrong(
                    format!("the connection string gives {key} twice"),
                    "leave one of them out",
                ));
            }
            args.set_secret(key, value, Origin::ConnectionString)?;
        }
        args.require_one_method()?;
        Ok(Self { args })
    }

    /// What the string says.
    pub fn args(&self) -> &ConnectionArgs {
        &self.args
    }

    /// What the string says.
    pub fn into_args(self) -> ConnectionArgs {
        self.args
    }
}

fn wrong(message: String, hint: &str) -> Error {
    Error::new(ErrorKind::Config, message).with_hint(hint.to_owned())
}

/// What MSTICPy and its documents call the parameter.
const NAMES: &[&str] = &["connection_str", "connection_string", "conn_str"];

/// The string itself, out of what a document prints around it.
fn bare(text: &str) -> Result<&str> {
    let mut text = text.trim();
    for name in NAMES {
        let front = text.get(..name.len());
        if front.is_some_and(|front| front.eq_ignore_ascii_case(name))
            && let Some(rest) = text[name.len()..].trim_start().strip_prefix('=')
        {
            text = rest.trim_start();
        }
    }
    // No key begins with a quote.
    while let Some(closing) = text.chars().next().and_then(closing) {
        let inner = text.trim_end_matches([',', ';', ' ']);
        let mut letters = inner.chars();
        letters.next();
        if !letters
            .next_back()
            .is_some_and(|last| closing.contains(&last))
        {
            return Err(wrong(
                "the connection string begins with a quote that is not closed".to_owned(),
                "leave out the quotes around the whole, or close them",
            ));
        }
        text = letters.as_str().trim();
    }
    Ok(text)
}

/// What closes a quote around the whole: a document mixes its hands, and Markdown has its own.
fn closing(quote: char) -> Option<&'static [char]> {
    match quote {
        '`' => Some(&['`']),
        '\'' | '\u{2018}'..='\u{201b}' => {
            Some(&['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'])
        }
        '"' | '\u{201c}'..='\u{201f}' => {
            Some(&['"', '\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}'])
        }
        '«' | '»' => Some(&['«', '»']),
        '‹' | '›' => Some(&['‹', '›']),
        _ => None,
    }
}

fn items(text: &str) -> Result<Vec<(ConnectionKey, SecretString)>> {
    let mut items = Vec::new();
    let mut rest = text;
    let mut number = 0;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(items);
        }
        if let Some(next) = rest.strip_prefix(';') {
            rest = next;
            continue;
        }
        number += 1;
        let end = rest.find([';', '=']).unwrap_or(rest.len());
        let name = rest[..end].trim();
        if !rest[end..].starts_with('=') {
            return Err(wrong(
                format!("item {number} of the connection string has no '='"),
                "an item is key=value; a value that holds ';' stands in quotes",
            ));
        }
        let key = ConnectionKey::find(name).ok_or_else(|| unknown(number, name))?;
        let (value, after) = value(key, &rest[end + 1..])?;
        items.push((key, value));
        rest = after;
    }
}

/// The value at the start of `text`, and what follows it.
fn value(key: ConnectionKey, text: &str) -> Result<(SecretString, &str)> {
    let text = text.trim_start();
    let Some(quotes) = text.chars().next().and_then(family) else {
        let end = text.find(';').unwrap_or(text.len());
        return Ok((text[..end].trim_end().to_owned().into(), &text[end..]));
    };
    let mut value = String::with_capacity(text.len());
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if !quotes.contains(&letter) {
            value.push(letter);
            continue;
        }
        if letters.next_if(|(_, next)| quotes.contains(next)).is_some() {
            value.push(letter);
            continue;
        }
        let after = text[at + letter.len_utf8()..].trim_start();
        if !after.is_empty() && !after.starts_with(';') {
            return Err(wrong(
                format!("text follows the closing quote of {key} in the connection string"),
                "a quote inside a quoted value is written twice",
            ));
        }
        return Ok((value.into(), after));
    }
    Err(wrong(
        format!("the value of {key} in the connection string opens a quote and does not close it"),
        "a value that begins with a quote stands in quotes, with the quote inside written twice",
    ))
}

/// The quotes that close what `quote` opens: documents print typographic ones, in either hand.
fn family(quote: char) -> Option<&'static [char]> {
    const SINGLE: &[char] = &['\''];
    const DOUBLE: &[char] = &['"'];
    const CURLY_SINGLE: &[char] = &['\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];
    const CURLY_DOUBLE: &[char] = &['\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}'];
    [SINGLE, DOUBLE, CURLY_SINGLE, CURLY_DOUBLE]
        .into_iter()
        .find(|family| family.contains(&quote))
}

/// A name that is close to a known one is shown; any other may be the rest of a cut secret.
fn unknown(number: usize, name: &str) -> Error {
    let known: Vec<_> = ConnectionKey::ALL.iter().map(|key| key.name()).collect();
    match ConnectionKey::suggest(name) {
        Some(key) => wrong(
            format!("unknown key '{name}' in the connection string"),
            &format!("did you mean {key}? known keys are {}", known.join(", ")),
        ),
        None => wrong(
            format!("item {number} of the connection string has an unknown key"),
            &format!(
                "known keys are {}; a value that holds ';' stands in quotes",
                known.join(", ")
            ),
        ),
    }
}

#[cfg(test)]
mod tests;

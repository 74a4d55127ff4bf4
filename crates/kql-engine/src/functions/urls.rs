//! Functions of URLs, paths and versions.

use std::collections::BTreeMap;

use super::Call;
use crate::EngineError;
use crate::datum::Datum;
use crate::decimal::Decimal;
use crate::dynamic;
use crate::expression::{Kernel, kernel};

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        "parse_url" => kernel(|values| Ok(parse_url(&values[0].display()))),
        "parse_urlquery" => kernel(|values| {
            let text = values[0].display();
            Ok(bag(&[("Query Parameters", query(&text))]))
        }),
        "url_decode" => kernel(|values| Ok(Datum::text(decode(&values[0].display())))),
        "url_encode" => {
            kernel(|values| Ok(Datum::text(encode(&values[0].display(), b"-_.!*()~", true))))
        }
        "url_encode_component" => {
            kernel(|values| Ok(Datum::text(encode(&values[0].display(), b"-_.~", false))))
        }
        "parse_path" => kernel(|values| Ok(parse_path(&values[0].display()))),
        "parse_version" => kernel(|values| {
            Ok(parse_version(&values[0].display()).map_or(Datum::Null, Datum::Decimal))
        }),
        _ => return Ok(None),
    }))
}

fn bag(entries: &[(&str, Vec<u8>)]) -> Datum<'static> {
    Datum::dynamic(dynamic::object(entries))
}

/// The parameters in the order of their names. One that is given more than once is an array, and one
/// without a name or a value is not there.
fn query(text: &str) -> Vec<u8> {
    let mut parameters: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for pair in text.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !key.is_empty() && !value.is_empty() {
            let value = dynamic::string(&decode(value));
            parameters.entry(decode(key)).or_default().push(value);
        }
    }
    let pairs: Vec<(String, Vec<u8>)> = parameters
        .into_iter()
        .map(|(key, mut values)| match values.len() {
            1 => (key, values.remove(0)),
            _ => (key, dynamic::array(&values)),
        })
        .collect();
    dynamic::object(&pairs)
}

fn parse_url(text: &str) -> Datum<'static> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        // `mailto:a@b.example` is absolute and has none of the parts.
        None if has_scheme(text) => ("", ""),
        None => ("", text),
    };
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = if scheme.is_empty() {
        ("", rest)
    } else {
        match rest.find('/') {
            Some(at) => (&rest[..at], &rest[at..]),
            None => (rest, ""),
        }
    };
    // A slash alone is no path, unless something follows it.
    let path = if path == "/" && !text.contains(['?', '#']) {
        ""
    } else {
        path
    };
    // A user without a password is read as a part of the host.
    let (name, password, host) = authority
        .rsplit_once('@')
        .and_then(|(user, host)| {
            let (name, password) = user.split_once(':')?;
            Some((name, password, host))
        })
        .unwrap_or(("", "", authority));
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (host, ""),
    };
    bag(&[
        ("Scheme", dynamic::string(scheme)),
        ("Host", dynamic::string(host)),
        ("Port", dynamic::string(port)),
        ("Path", dynamic::string(path)),
        ("Username", dynamic::string(name)),
        ("Password", dynamic::string(password)),
        ("Query Parameters", query(parameters)),
        ("Fragment", dynamic::string(fragment)),
    ])
}

/// Whether a text begins with a scheme and a colon.
fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}

pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .filter(|pair| pair.iter().all(u8::is_ascii_hexdigit))
            .and_then(|pair| std::str::from_utf8(pair).ok());
        match (
            bytes[at],
            hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()),
        ) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn encode(text: &str, kept: &[u8], plus: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            out.push(char::from(byte));
        } else if byte == b' ' && plus {
            out.push('+');
        } else {
            // In small letters, as the documentation of both functions shows.
            out.push_str(&format!("%{byte:02x}"));
        }
    }
    out
}

/// Windows and Unix paths and UNC names; the last part is the file.
fn parse_path(text: &str) -> Datum<'static> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None => ("", text),
    };
    let (rest, alternate) = match rest.rfind(':') {
        Some(at) if at > 1 && !rest[at..].contains(['/', '\\']) => (&rest[..at], &rest[at + 1..]),
        _ => (rest, ""),
    };
    let root = match rest.as_bytes() {
        [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic() => &rest[..3],
        [drive, b':', ..] if drive.is_ascii_alphabetic() => &rest[..2],
        _ => "",
    };
    let cut = rest.rfind(['/', '\\']);
    let (directory, file) = match cut {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => ("", rest),
    };
    let directory_name = directory.rsplit(['/', '\\']).next().unwrap_or_default();
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    bag(&[
        ("Scheme", dynamic::string(scheme)),
        ("RootPath", dynamic::string(root)),
        ("DirectoryPath", dynamic::string(directory)),
        ("DirectoryName", dynamic::string(directory_name)),
        ("Filename", dynamic::string(file)),
        ("Extension", dynamic::string(extension)),
        ("AlternateDataStreamName", dynamic::string(alternate)),
    ])
}

/// Up to four numbers of at most eight digits, as one decimal that compares like the version.
fn parse_version(text: &str) -> Option<Decimal> {
    let parts: Vec<&str> = text.split('.').collect();
    if parts.len() > 4 {
        return None;
    }
    let mut digits = String::new();
    for at in 0..4 {
        let part = parts.get(at).copied().unwrap_or("0");
        if part.is_empty() || part.len() > 8 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        digits.push_str(&format!("{part:0>8}"));
    }
    Decimal::parse(&digits)
}

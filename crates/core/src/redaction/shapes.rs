//! What tokens, keys and passwords look like, whoever they belong to.

use super::decoding::Text;

/// Names whose values are secrets, in lower case, without `_` and `-`.
const NAMES: [&str; 30] = [
    "accesstoken",
    "accountkey",
    "apikey",
    "assertion",
    "authorization",
    "azureclientcertificatepassword",
    "azureclientsecret",
    "clientassertion",
    "clientsecret",
    "codeverifier",
    "cookie",
    "devicecode",
    "idtoken",
    "ocpapimsubscriptionkey",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "privatekeysecret",
    "proxyauthorization",
    "pwd",
    "refreshtoken",
    "sastoken",
    "secret",
    "setcookie",
    "sharedaccesskey",
    "sig",
    "subscriptionkey",
    "xapikey",
    "xidentityheader",
];

/// Those that are headers: their values follow a colon without quotes.
const HEADERS: [&str; 8] = [
    "apikey",
    "authorization",
    "cookie",
    "ocpapimsubscriptionkey",
    "proxyauthorization",
    "setcookie",
    "xapikey",
    "xidentityheader",
];

/// A value without quotes is a word of the sentence when it is shorter.
const SHORTEST_VALUE: usize = 8;

/// One of letters and digits is no word, whatever its length.
const SHORTEST_ODD: usize = 6;

/// The places of `text` that look like a secret.
pub(super) fn find(text: &Text) -> Vec<(usize, usize)> {
    let bytes = text.bytes.as_slice();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let range = match bytes[at] {
            b'e' => web_token(bytes, at),
            b'b' | b'B' => scheme(bytes, at),
            b'0' | b'1' => opaque(bytes, at),
            b'M' => encoded_key(bytes, at),
            b'-' => private_key(bytes, at),
            b'~' => client_secret(bytes, at),
            b'=' | b':' => named(bytes, at),
            _ => None,
        };
        match range {
            Some((start, end)) if end > start => {
                found.push(text.place(start, end));
                at = end.max(at + 1);
            }
            _ => at += 1,
        }
    }
    found
}

fn run(bytes: &[u8], start: usize, allowed: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    start + rest.iter().take_while(|byte| allowed(**byte)).count()
}

fn is_url64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_token(byte: u8) -> bool {
    is_url64(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/')
}

/// A JSON web token, signed or encrypted, even if its end is missing.
fn web_token(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    if !bytes[start..].starts_with(b"eyJ") {
        return None;
    }
    let mut end = run(bytes, start, is_url64);
    if end - start < 10 || bytes.get(end) != Some(&b'.') {
        return None;
    }
    let second = run(bytes, end + 1, is_url64);
    let cut = second == bytes.len() || second - end > 4;
    if !cut {
        return None;
    }
    end = second;
    for _ in 0..3 {
        if bytes.get(end) != Some(&b'.') {
            break;
        }
        end = run(bytes, end + 1, is_url64);
    }
    Some((start, end))
}

/// What follows `Bearer` or `Basic`; the word itself stays.
fn scheme(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    if start > 0 && bytes[start - 1].is_ascii_alphanumeric() {
        return None;
    }
    let length = ["bearer", "basic"].into_iter().find_map(|word| {
        let found = bytes.get(start..start + word.len())?;
        found
            .eq_ignore_ascii_case(word.as_bytes())
            .then_some(word.len())
    })?;
    let blank = start + length;
    let begin = run(bytes, blank, |byte| {
        byte.is_ascii_whitespace() || byte == b'+'
    });
    if begin == blank {
        return None;
    }
    let end = run(bytes, begin, is_token);
    let end_of_padding = run(bytes, end, |byte| byte == b'=');
    let value = &bytes[begin..end];
    // `Bearer realm="…"`; a token in quotes may end like that, too.
    let is_parameter = end_of_padding == end + 1
        && bytes.get(end_of_padding) == Some(&b'"')
        && !value.iter().any(u8::is_ascii_uppercase);
    let digits = value.iter().any(u8::is_ascii_digit);
    let mixed = value.iter().any(u8::is_ascii_uppercase)
        && value.iter().any(u8::is_ascii_lowercase)
        && value.len() >= 20;
    let long = value.len() >= SHORTEST_VALUE && (digits || mixed);
    (long && !is_parameter).then_some((begin, end_of_padding))
}

/// Entra's own opaque tokens: refresh tokens and codes.
fn opaque(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    let begins = bytes[start..].starts_with(b"0.A") || bytes[start..].starts_with(b"1.A");
    if !begins || start > 0 && is_token(bytes[start - 1]) {
        return None;
    }
    let end = run(bytes, start, |byte| is_url64(byte) || byte == b'.');
    (end - start >= 40).then_some((start, end))
}

/// Base64 of DER: a PFX or a key, and a certificate looks the same. Personal accounts' tokens.
fn encoded_key(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    if start > 0 && is_token(bytes[start - 1]) {
        return None;
    }
    if bytes[start..].starts_with(b"MI") {
        let in_lines = |byte: u8| is_token(byte) || matches!(byte, b'=' | b'\r' | b'\n');
        let end = run(bytes, start, in_lines);
        return (end - start >= 200).then_some((start, end));
    }
    if bytes[start..].starts_with(b"M.C") || bytes[start..].starts_with(b"M.R") {
        let end = run(bytes, start, |byte| {
            is_token(byte) || matches!(byte, b'!' | b'*' | b'$')
        });
        return (end - start >= 24).then_some((start, end));
    }
    None
}

/// A private key in PEM, up to its end or the end of the text.
fn private_key(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    const FRAME: &[u8] = b"-----";
    let rest = &bytes[start..];
    let name = rest.strip_prefix(b"-----BEGIN ")?;
    let name = &name[..name.len().min(40)];
    let key = b"PRIVATE KEY";
    let is_key = name.windows(key.len()).any(|window| window == key);
    if !is_key {
        return None;
    }
    let position = |from: usize, what: &[u8]| {
        let rest = rest.get(from..)?;
        let found = rest.windows(what.len()).position(|window| window == what)?;
        Some(from + found + what.len())
    };
    let end = position(FRAME.len(), b"-----END ").and_then(|end| position(end, FRAME));
    Some((start, end.map_or(bytes.len(), |end| start + end)))
}

/// A client secret of Entra ID: three characters, `8Q~`, and some thirty more.
fn client_secret(bytes: &[u8], tilde: usize) -> Option<(usize, usize)> {
    let start = tilde.checked_sub(5)?;
    let marked = matches!(bytes[tilde - 2], b'7' | b'8') && bytes[tilde - 1] == b'Q';
    let allowed = |byte| is_url64(byte) || matches!(byte, b'.' | b'~');
    if !marked || !bytes[start..tilde].iter().all(|byte| allowed(*byte)) {
        return None;
    }
    let end = run(bytes, tilde, allowed);
    (end - start >= 30).then_some((start, end))
}

/// The value of a name that is a secret's: `client_secret=…`, `"client_secret": "…"`.
fn named(bytes: &[u8], sign: usize) -> Option<(usize, usize)> {
    let is_mark = |byte: u8| matches!(byte, b'"' | b'\'' | b'\\' | b' ');
    let mut end = sign;
    while end > 0 && is_mark(bytes[end - 1]) {
        end -= 1;
    }
    let mut start = end;
    while start > 0 && is_url64(bytes[start - 1]) && end - start < 40 {
        start -= 1;
    }
    let name: Vec<u8> = bytes[start..end]
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(u8::to_ascii_lowercase)
        .collect();
    let is = |names: &[&str]| names.iter().any(|known| known.as_bytes() == name);
    if !is(&NAMES) {
        return None;
    }
    let equals = bytes[sign] == b'=';
    // `"password=two words"`: the whole text is the value.
    let around = start
        .checked_sub(1)
        .filter(|_| equals && bytes[end..sign].iter().all(|byte| *byte == b' '))
        .filter(|mark| matches!(bytes[*mark], b'"' | b'\''));
    let mut begin = run(bytes, sign + 1, |byte| byte == b' ' || byte == b'\\');
    let quote = bytes
        .get(begin)
        .copied()
        .filter(|b| matches!(b, b'"' | b'\''));
    let finish = if let Some(quote) = quote {
        begin += 1;
        closing(bytes, begin, quote, begin - 1)
    } else if let Some(mark) = around {
        let end = closing(bytes, begin, bytes[mark], mark);
        begin
            + run(&bytes[begin..end], 0, |byte| {
                !matches!(byte, b'&' | b';' | b'\r' | b'\n')
            })
    } else {
        if !equals && !is(&HEADERS) || equals && begin > sign + 1 {
            return None;
        }
        let ends = |byte: u8| {
            byte.is_ascii_whitespace()
                || matches!(byte, b'&' | b'"' | b'\'' | b'<' | b'>' | b';' | b',' | b')')
        };
        run(bytes, begin, |byte| !ends(byte))
    };
    let value = &bytes[begin..finish];
    let placeholder = value.starts_with("…".as_bytes())
        || value.starts_with(b"...")
        // A challenge says with this name where somebody signs in.
        || name == b"authorization" && value.starts_with(b"http")
        || value.starts_with(super::REDACTED.as_bytes())
        || matches!(value.first(), None | Some(b'$' | b'{' | b'*'));
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    // What nobody takes for a word.
    let odd = value.len() >= SHORTEST_ODD
        && equals
        && value.iter().all(u8::is_ascii_alphanumeric)
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic);
    let long = quote.or(around.map(|_| b'"')).is_some() || value.len() >= SHORTEST_VALUE || odd;
    (long && !placeholder).then_some((begin, finish))
}

/// Where the text ends that the quotation mark at `opening` begins, of which `begin` is inside.
///
/// In a text within a text the mark is escaped at both ends; one with more escapes before it than
/// the first has is a letter of the text.
fn closing(bytes: &[u8], begin: usize, quote: u8, opening: usize) -> usize {
    let escapes = |mark: usize, first: usize| {
        let before = bytes[first..mark].iter().rev();
        before.take_while(|byte| **byte == b'\\').count()
    };
    let most = escapes(opening, 0);
    let mut at = begin;
    loop {
        at = run(bytes, at, |byte| byte != quote);
        if at == bytes.len() {
            return at;
        }
        let count = escapes(at, begin);
        if count <= most {
            return at - count;
        }
        at += 1;
    }
}

//! Punycode, the ASCII form of international names (RFC 3492).

use super::Call;
use crate::EngineError;
use crate::datum::Datum;
use crate::expression::{Kernel, kernel};

const BASE: u32 = 36;
const LEAST: u32 = 1;
const MOST: u32 = 26;
const FIRST: u32 = 128;
const BIAS: u32 = 72;

/// The mark of an encoded label of a domain.
const MARK: &str = "xn--";

fn threshold(at: u32, bias: u32) -> u32 {
    at.saturating_sub(bias).clamp(LEAST, MOST)
}

fn adapted(delta: u32, count: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / count;
    let mut steps = 0;
    while delta > (BASE - LEAST) * MOST / 2 {
        delta /= BASE - LEAST;
        steps += BASE;
    }
    steps + (BASE - LEAST + 1) * delta / (delta + 38)
}

fn digit(value: u32) -> char {
    let code = if value < 26 { 97 + value } else { 22 + value };
    char::from_u32(code).unwrap_or('?')
}

/// `None` where a number grows out of range, which only absurd lengths can cause.
pub(super) fn encode(text: &str) -> Option<String> {
    let mut out: String = text.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(out.len()).ok()?;
    let total = u32::try_from(text.chars().count()).ok()?;
    if basic > 0 {
        out.push('-');
    }
    let (mut next, mut delta, mut bias, mut done) = (FIRST, 0_u32, BIAS, basic);
    while done < total {
        let code = text
            .chars()
            .map(u32::from)
            .filter(|code| *code >= next)
            .min()?;
        delta = delta.checked_add((code - next).checked_mul(done + 1)?)?;
        next = code;
        for other in text.chars().map(u32::from) {
            if other < next {
                delta = delta.checked_add(1)?;
            }
            if other != next {
                continue;
            }
            let (mut rest, mut at) = (delta, BASE);
            loop {
                let bound = threshold(at, bias);
                if rest < bound {
                    break;
                }
                out.push(digit(bound + (rest - bound) % (BASE - bound)));
                rest = (rest - bound) / (BASE - bound);
                at += BASE;
            }
            out.push(digit(rest));
            bias = adapted(delta, done + 1, done == basic);
            delta = 0;
            done += 1;
        }
        delta = delta.checked_add(1)?;
        next += 1;
    }
    Some(out)
}

/// `None` for what is no punycode.
pub(super) fn decode(text: &str) -> Option<String> {
    if !text.is_ascii() {
        return None;
    }
    let (basic, extended) = match text.rfind('-') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => ("", text),
    };
    let mut out: Vec<char> = basic.chars().collect();
    let (mut next, mut place, mut bias) = (FIRST, 0_u32, BIAS);
    let mut digits = extended.bytes().peekable();
    while digits.peek().is_some() {
        let (before, mut weight, mut at) = (place, 1_u32, BASE);
        loop {
            let value = match digits.next()? {
                byte @ b'a'..=b'z' => u32::from(byte - b'a'),
                byte @ b'A'..=b'Z' => u32::from(byte - b'A'),
                byte @ b'0'..=b'9' => u32::from(byte - b'0') + 26,
                _ => return None,
            };
            place = place.checked_add(value.checked_mul(weight)?)?;
            let bound = threshold(at, bias);
            if value < bound {
                break;
            }
            weight = weight.checked_mul(BASE - bound)?;
            at += BASE;
        }
        let count = u32::try_from(out.len()).ok()?.checked_add(1)?;
        bias = adapted(place - before, count, before == 0);
        next = next.checked_add(place / count)?;
        place %= count;
        out.insert(usize::try_from(place).ok()?, char::from_u32(next)?);
        place += 1;
    }
    Some(out.into_iter().collect())
}

fn domain_decoded(domain: &str) -> Option<String> {
    let labels: Option<Vec<String>> = domain
        .split('.')
        .map(|label| match label.get(..MARK.len()) {
            Some(start) if start.eq_ignore_ascii_case(MARK) => decode(&label[MARK.len()..]),
            _ => Some(label.to_owned()),
        })
        .collect();
    Some(labels?.join("."))
}

fn domain_encoded(domain: &str) -> Option<String> {
    let labels: Option<Vec<String>> = domain
        .split(['.', '\u{3002}', '\u{FF0E}', '\u{FF61}'])
        .map(|label| {
            if label.is_ascii() {
                Some(label.to_owned())
            } else {
                Some(format!("{MARK}{}", encode(label)?))
            }
        })
        .collect();
    Some(labels?.join("."))
}

fn text(body: fn(&str) -> Option<String>) -> Kernel {
    kernel(move |values| Ok(Datum::text(body(&values[0].display()).unwrap_or_default())))
}

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        "punycode_from_string" => text(encode),
        "punycode_to_string" => text(decode),
        // The names are the service's: `from` reads the encoded form.
        "punycode_domain_from_string" => text(domain_decoded),
        "punycode_domain_to_string" => text(domain_encoded),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::{decode, domain_decoded, domain_encoded, encode};

    #[test]
    fn names_are_encoded_and_read_back() {
        for (plain, coded) in [
            ("académie-française", "acadmie-franaise-npb1a"),
            ("艺术", "cqv902d"),
            ("bücher", "bcher-kva"),
            ("plain", "plain-"),
            ("", ""),
        ] {
            assert_eq!(encode(plain).as_deref(), Some(coded), "{plain}");
            assert_eq!(decode(coded).as_deref(), Some(plain), "{coded}");
        }
        assert_eq!(decode("é"), None);
        assert_eq!(decode("a-!"), None);
        assert_eq!(decode("99999999999999"), None);
    }

    #[test]
    fn domains_are_encoded_label_by_label() {
        assert_eq!(
            domain_encoded("Riðill｡Skáldskaparmál｡org").as_deref(),
            Some("xn--Riill-jta.xn--Skldskaparml-dbbj.org")
        );
        assert_eq!(
            domain_decoded("xn--Lin-8na.Celtchair.org").as_deref(),
            Some("Lúin.Celtchair.org")
        );
    }
}

//! JSON documents, and what of their text they do not hold.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// What a document does not hold of its text, or may not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// How many members stood a second time in their object; the last one counts.
    pub repeated: u64,
    /// The first key of those.
    pub key: Option<String>,
    /// Whether a number is kept as a real, which may have fewer digits: see [`rounded`].
    pub real: bool,
}

/// Reads a JSON value and notes what it does not hold of its text.
///
/// A [`Value`] by itself is silent about keys that an object has twice, and about numbers beyond 64
/// bits.
#[derive(Debug)]
pub struct Noting<'n>(pub &'n mut Noted);

impl<'de> DeserializeSeed<'de> for Noting<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Noting<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        self.0.real = true;
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(Noting(self.0))? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(Noting(self.0))?;
            if members.contains_key(&key) {
                self.0.repeated += 1;
                self.0.key.get_or_insert_with(|| key.clone());
            }
            members.insert(key, value);
        }
        Ok(Value::Object(members))
    }
}

/// The numbers in a text of JSON that a long or a real does not hold as they are written.
///
/// The 17 digits that tell a real from its neighbours are held, whatever the decimal they stand
/// for.
pub fn rounded(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    at += 1;
                    while bytes.get(at).is_some_and(|byte| *byte != b'"') {
                        at += if bytes[at] == b'\\' { 2 } else { 1 };
                    }
                    at += 1;
                }
                b'-' | b'0'..=b'9' => {
                    let rest = &bytes[at..];
                    let length = rest.iter().position(|byte| !is_of_number(*byte));
                    let end = at + length.unwrap_or(rest.len());
                    let number = text.get(at..end);
                    at = end;
                    if let Some(number) = number.filter(|number| is_rounded(number)) {
                        return Some(number);
                    }
                }
                _ => at += 1,
            }
        }
        None
    })
}

/// The most digits that tell one real from all others.
const DIGITS: usize = 17;

fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')
}

fn is_rounded(number: &str) -> bool {
    if number.parse::<i64>().is_ok() {
        return false;
    }
    let Ok(value) = number.parse::<f64>() else {
        return false;
    };
    let written = digits(number);
    let is_whole = !number.contains(['.', 'e', 'E']);
    (is_whole || written.len() > DIGITS || value == 0.0) && written != digits(&format!("{value:e}"))
}

/// The digits of a number that matter, whatever its size.
fn digits(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeSeed as _;

    use super::{Noted, Noting, rounded};

    #[test]
    fn numbers_that_lose_digits_are_found() {
        for (text, expected) in [
            ("[9223372036854775807,-9223372036854775808,0.1]", &[][..]),
            ("[1.10,1e3,1.5e-7,-0,-0.0,0.00]", &[]),
            ("[10000000000000000000]", &[]),
            ("[0.10000000000000001,0.30000000000000004]", &[]),
            (r#"{"18446744073709551615":"18446744073709551615\""}"#, &[]),
            ("[1,18446744073709551615]", &["18446744073709551615"]),
            ("-9223372036854775809", &["-9223372036854775809"]),
            (
                r#"{"a\"":3.14159265358979323846,"b":1e-400}"#,
                &["3.14159265358979323846", "1e-400"],
            ),
        ] {
            let found: Vec<&str> = rounded(text).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_value_is_read_as_ever_and_what_it_lost_is_noted() {
        for (text, repeated, real) in [
            (r#"{"a":[1,null,true,"x",-2],"b":{"a":1}}"#, 0, false),
            (r#"[{"a":1,"\u0061":2,"a":{"b":1,"b":2}}]"#, 3, false),
            ("[18446744073709551615]", 0, false),
            ("[18446744073709551616,1.5]", 0, true),
        ] {
            let mut noted = Noted::default();
            let mut source = serde_json::Deserializer::from_str(text);
            let value = Noting(&mut noted).deserialize(&mut source).unwrap();
            let plain: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(value, plain, "{text}");
            assert_eq!((noted.repeated, noted.real), (repeated, real), "{text}");
            assert_eq!(noted.key.is_some(), repeated > 0, "{text}");
        }
    }
}

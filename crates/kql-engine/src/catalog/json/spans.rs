//! Where the parts of a document are, so that they can be read apart from it.

use std::ops::Range;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Deserializer as Json, Error};

/// A key of an object, and the bytes of its value.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) key: String,
    pub(super) value: Range<usize>,
}

/// The members of an object, which `bytes` are, white space around it aside.
pub(super) fn members(bytes: &[u8]) -> Result<Vec<Member>, Error> {
    let mut found = Vec::new();
    let mut walk = Walk { bytes, at: 0 };
    walk.sequence(b'{', b'}', |walk| {
        let key = walk.value::<String>()?.0;
        walk.punctuation(b':')?;
        let value = walk.value::<IgnoredAny>()?.1;
        found.push(Member { key, value });
        Ok(())
    })?;
    Ok(found)
}

/// The elements of an array, which `bytes` are, white space around it aside.
pub(super) fn elements(bytes: &[u8]) -> Result<Vec<Range<usize>>, Error> {
    let mut found = Vec::new();
    let mut walk = Walk { bytes, at: 0 };
    walk.sequence(b'[', b']', |walk| {
        found.push(walk.value::<IgnoredAny>()?.1);
        Ok(())
    })?;
    Ok(found)
}

/// The first byte that is no white space.
pub(super) fn first(bytes: &[u8]) -> Option<u8> {
    bytes
        .iter()
        .copied()
        .find(|byte| !byte.is_ascii_whitespace())
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn sequence(
        &mut self,
        open: u8,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.punctuation(open)?;
        if self.next() != Some(close) {
            loop {
                item(self)?;
                if self.next() != Some(b',') {
                    break;
                }
                self.at += 1;
            }
        }
        self.punctuation(close)?;
        match self.next() {
            None => Ok(()),
            Some(_) => Err(self.broken()),
        }
    }

    /// The next byte that is no white space.
    fn next(&mut self) -> Option<u8> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += rest
            .iter()
            .position(|byte| !byte.is_ascii_whitespace())
            .unwrap_or(rest.len());
        self.bytes.get(self.at).copied()
    }

    fn punctuation(&mut self, byte: u8) -> Result<(), Error> {
        if self.next() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(self.broken())
    }

    fn value<T: Deserialize<'a>>(&mut self) -> Result<(T, Range<usize>), Error> {
        self.next();
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let mut values = Json::from_slice(rest).into_iter::<T>();
        match values.next() {
            Some(Ok(value)) => {
                let start = self.at;
                self.at += values.byte_offset();
                Ok((value, start..self.at))
            }
            _ => Err(self.broken()),
        }
    }

    /// What is wrong with the document, in the words of whoever reads it whole.
    fn broken(&self) -> Error {
        match serde_json::from_slice::<IgnoredAny>(self.bytes) {
            Err(error) => error,
            Ok(_) => serde::de::Error::custom("it is not what it was taken for"),
        }
    }
}

/// A document whose numbers are handed over as they are written, where no integer holds them.
///
/// They come as bytes, which JSON has no values of.
pub(super) struct AsWritten<'a> {
    bytes: &'a [u8],
    members: Vec<Member>,
}

impl<'a> AsWritten<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        Ok(Self {
            bytes,
            members: members(bytes)?,
        })
    }

    pub(super) fn read<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error>
    where
        'a: 'de,
    {
        visitor.visit_map(Members {
            bytes: self.bytes,
            rest: self.members.into_iter(),
            value: 0..0,
        })
    }
}

struct Members<'a> {
    bytes: &'a [u8],
    rest: std::vec::IntoIter<Member>,
    value: Range<usize>,
}

impl<'de, 'a: 'de> MapAccess<'de> for Members<'a> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some(member) = self.rest.next() else {
            return Ok(None);
        };
        self.value = member.value;
        let key: serde::de::value::StringDeserializer<Error> =
            serde::de::IntoDeserializer::into_deserializer(member.key);
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let value = &self.bytes[self.value.clone()];
        let is_number = matches!(value.first(), Some(b'0'..=b'9' | b'-'));
        let text = std::str::from_utf8(value).ok().filter(|_| is_number);
        match text {
            // No real: nobody has a use for its sign.
            Some("-0") => seed.deserialize(&mut Json::from_slice(b"0")),
            Some(text) if text.parse::<i64>().is_err() => seed.deserialize(Number(text)),
            _ => seed.deserialize(&mut Json::from_slice(value)),
        }
    }
}

struct Number<'a>(&'a str);

impl<'de, 'a: 'de> Deserializer<'de> for Number<'a> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_bytes(self.0.as_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
    }
}

#[cfg(test)]
mod tests {
    use super::{elements, members};

    #[test]
    fn parts_are_where_they_are() {
        let text = br#" { "a" : 1 , "b\n":[ {"c":"}"} ], "d":"\"" } "#;
        let found: Vec<(String, &str)> = members(text)
            .unwrap()
            .into_iter()
            .map(|one| (one.key, std::str::from_utf8(&text[one.value]).unwrap()))
            .collect();
        let expected = [("a", "1"), ("b\n", r#"[ {"c":"}"} ]"#), ("d", r#""\"""#)];
        assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value)));
        assert!(elements(b"[ ]").unwrap().is_empty());
        assert_eq!(elements(b"[-1.5e3,{}]").unwrap(), [1..7, 8..10]);
        for broken in [
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{} x",
            "{\"a\":1,}",
            "[1,]",
            "[1",
            "1",
        ] {
            let bytes = broken.as_bytes();
            assert!(
                members(bytes).is_err() && elements(bytes).is_err(),
                "{broken}"
            );
        }
    }
}

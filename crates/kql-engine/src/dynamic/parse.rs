//! JSON text to the encoding, without a document or a buffer per value in between.
//!
//! Values are written one after the other; when a container is complete, its header is put before
//! what it holds. Numbers and keys that wait for that lie on stacks that every text uses again.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{ARRAY, FALSE, LONG, NULL, OBJECT, REAL, STRING, TRUE, object};

/// Larger stacks than this are not kept for the next text.
const KEPT: usize = 1 << 20;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Parses JSON text; text that is no JSON stays a string, as `parse_json` has it.
pub(crate) fn parse(text: &str) -> Vec<u8> {
    parse_noting(text, |bytes, _| bytes.to_vec())
}

/// What an encoding may not hold of its text, so that a closer look is worth its time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Doubt {
    /// A key is in one object twice; the last value is kept.
    pub(crate) twice: bool,
    /// A number is no long, and a real may have fewer digits.
    pub(crate) real: bool,
}

impl Doubt {
    /// Of a number that is no long.
    pub(crate) fn of_real() -> Self {
        Self {
            twice: false,
            real: true,
        }
    }
}

/// Parses JSON text and lends the encoding, with what it may not hold.
pub(crate) fn parse_noting<T>(text: &str, take: impl FnOnce(&[u8], Doubt) -> T) -> T {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.clear();
        let mut source = serde_json::Deserializer::from_str(text);
        let read = Encoder(scratch).deserialize(&mut source);
        if read.and_then(|()| source.end()).is_err() {
            scratch.clear();
            scratch.tagged(STRING, text.as_bytes());
        }
        let taken = take(&scratch.out, scratch.doubt);
        if scratch.out.capacity() > KEPT {
            *scratch = Scratch::default();
        }
        taken
    })
}

/// The encoding so far, and what is known of the containers that are not complete.
#[derive(Default)]
struct Scratch {
    out: Vec<u8>,
    /// Where values end, counted from the beginning of their container.
    ends: Vec<usize>,
    keys: Vec<u8>,
    key_ends: Vec<usize>,
    doubt: Doubt,
}

impl Scratch {
    fn clear(&mut self) {
        self.out.clear();
        self.ends.clear();
        self.keys.clear();
        self.key_ends.clear();
        self.doubt = Doubt::default();
    }

    fn tagged(&mut self, tag: u8, payload: &[u8]) {
        self.out.push(tag);
        self.out.extend_from_slice(payload);
    }

    fn array(&mut self, start: usize, first: usize) {
        let ends = &self.ends[first..];
        let count = ends.len();
        let header = before(&mut self.out, start, 5 + count * 4);
        header[0] = ARRAY;
        let numbers = std::iter::once(&count).chain(ends);
        for (place, number) in header[1..].chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&count_bytes(*number));
        }
        self.ends.truncate(first);
    }

    fn object(&mut self, start: usize, first: usize, first_key: usize, first_byte: usize) {
        let (ends, key_ends) = (&self.ends[first..], &self.key_ends[first_key..]);
        let keys = &self.keys[first_byte..];
        if has_twice(keys, key_ends) {
            self.doubt.twice = true;
            let values = self.out.split_off(start);
            let entries: Vec<(&str, &[u8])> = slices(keys, key_ends)
                .map(|key| std::str::from_utf8(key).unwrap_or_default())
                .zip(slices(&values, ends))
                .collect();
            self.out.extend(object(&entries));
        } else {
            let count = ends.len();
            let header = before(&mut self.out, start, 5 + count * 8 + keys.len());
            header[0] = OBJECT;
            let (numbers, rest) = header[1..].split_at_mut(4 + count * 8);
            let all = std::iter::once(&count).chain(key_ends).chain(ends);
            for (place, number) in numbers.chunks_exact_mut(4).zip(all) {
                place.copy_from_slice(&count_bytes(*number));
            }
            rest.copy_from_slice(keys);
        }
        self.ends.truncate(first);
        self.key_ends.truncate(first_key);
        self.keys.truncate(first_byte);
    }
}

/// Makes room for `header` bytes at `start` and gives them.
fn before(out: &mut Vec<u8>, start: usize, header: usize) -> &mut [u8] {
    let end = out.len();
    out.resize(end + header, 0);
    out.copy_within(start..end, start + header);
    &mut out[start..start + header]
}

fn count_bytes(count: usize) -> [u8; 4] {
    u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes()
}

fn slices<'a>(bytes: &'a [u8], ends: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).map(|(start, end)| &bytes[start..*end])
}

fn has_twice(keys: &[u8], ends: &[usize]) -> bool {
    if ends.len() > 8 {
        let mut seen = HashSet::with_capacity(ends.len());
        return !slices(keys, ends).all(|key| seen.insert(key));
    }
    slices(keys, ends)
        .enumerate()
        .any(|(at, key)| slices(keys, ends).take(at).any(|earlier| earlier == key))
}

/// Writes the value that comes.
struct Encoder<'s>(&'s mut Scratch);

impl<'de> DeserializeSeed<'de> for Encoder<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Encoder<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.out.push(NULL);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.0.out.push(if value { TRUE } else { FALSE });
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.0.tagged(LONG, &value.to_le_bytes());
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "what is no long is a real")]
    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(whole) => self.visit_i64(whole),
            Err(_) => self.visit_f64(value as f64),
        }
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.0.doubt.real = true;
        self.0.tagged(REAL, &value.to_bits().to_le_bytes());
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.0.tagged(STRING, value.as_bytes());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let scratch = self.0;
        let (start, first) = (scratch.out.len(), scratch.ends.len());
        while items.next_element_seed(Encoder(scratch))?.is_some() {
            scratch.ends.push(scratch.out.len() - start);
        }
        scratch.array(start, first);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let scratch = self.0;
        let (start, first) = (scratch.out.len(), scratch.ends.len());
        let (keys, first_key) = (scratch.keys.len(), scratch.key_ends.len());
        while entries.next_key_seed(Key(&mut scratch.keys))?.is_some() {
            scratch.key_ends.push(scratch.keys.len() - keys);
            entries.next_value_seed(Encoder(scratch))?;
            scratch.ends.push(scratch.out.len() - start);
        }
        scratch.object(start, first, first_key, keys);
        Ok(())
    }
}

/// Writes the key that comes.
struct Key<'s>(&'s mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.0.extend_from_slice(value.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Dynamic, array, from_json, long, string, view};
    use super::*;

    /// Numbers of every size, written with as many digits as they need, come back bit for bit.
    #[test]
    fn numbers_are_read_to_their_last_digit() {
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut tried = 0;
        while tried < 20_000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let number = f64::from_bits(seed);
            if !number.is_finite() {
                continue;
            }
            tried += 1;
            let text = format!("{number:e}");
            let Dynamic::Real(read) = view(&parse(&text)) else {
                panic!("{text} is no real");
            };
            assert_eq!(read.to_bits(), number.to_bits(), "{text}");
        }
    }

    #[test]
    fn text_and_document_are_encoded_alike() {
        for text in [
            "null",
            "[]",
            "{}",
            "[[],[[]],{\"a\":[]}]",
            r#"{"a":{"b":{"c":[1,2.5,true,null,"x"]},"d":"é\n"},"e":[{"f":1},{"g":[3]}],"":0}"#,
            "[18446744073709551615,-9223372036854775808,1e400]",
            r#"{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":{"a":1}}"#,
        ] {
            match serde_json::from_str::<serde_json::Value>(text) {
                Ok(document) => assert_eq!(parse(text), from_json(&document), "{text}"),
                Err(_) => assert_eq!(parse(text), string(text), "{text}"),
            }
        }
    }

    #[test]
    fn the_last_of_equal_keys_stays() {
        assert_eq!(
            parse(r#"{"a":1,"b":2,"a":[3]}"#),
            parse(r#"{"a":[3],"b":2}"#)
        );
        let long = r#"{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"a":9}"#;
        let last = r#"{"a":9,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8}"#;
        assert_eq!(parse(long), parse(last));
    }

    #[test]
    fn what_is_no_json_is_a_string_and_leaves_no_trace() {
        for text in ["{\"a\":[1,", "[1] 2", "nope", "{\"a\":{\"b\":1}"] {
            assert_eq!(parse(text), string(text));
            assert_eq!(parse("[1]"), array(&[long(1)]));
        }
    }
}

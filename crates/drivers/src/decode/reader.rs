//! A cursor over JSON text that may not be whole yet.
//!
//! `serde_json` cannot tell where in a slice it stopped, so it could only be given rows whose end
//! had been searched for first. This reads what is there once and says [`Fault::End`] when more
//! has to arrive. Nothing in it calls itself, whatever the nesting.

use std::borrow::Cow;
use std::ops::Range;

/// Why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The text ends here: more of it is needed.
    End,
    /// This is no JSON, or not what is expected here.
    Bad(&'static str),
}

/// A position in JSON text.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

/// A string between its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) range: Range<usize>,
    pub(crate) escaped: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], position: usize) -> Self {
        Self { bytes, position }
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The next byte that is no blank; it stays.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<u8, Fault> {
        loop {
            match self.bytes.get(self.position) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.position += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(Fault::End),
            }
        }
    }

    /// Steps over the byte that [`peek`](Self::peek) saw.
    #[inline]
    pub(crate) fn step(&mut self) {
        self.position += 1;
    }

    /// Takes the next byte that is no blank, which must be `wanted`.
    #[inline]
    pub(crate) fn expect(&mut self, wanted: u8, otherwise: &'static str) -> Result<(), Fault> {
        if self.peek()? != wanted {
            return Err(Fault::Bad(otherwise));
        }
        self.step();
        Ok(())
    }

    /// Takes `wanted` when it is what comes next, to the byte.
    #[inline]
    pub(crate) fn take(&mut self, wanted: &[u8]) -> bool {
        let found = self.bytes[self.position..].starts_with(wanted);
        if found {
            self.position += wanted.len();
        }
        found
    }

    /// Takes the rest of a string whose opening quote was taken.
    pub(crate) fn text(&mut self) -> Result<Text, Fault> {
        let start = self.position;
        let mut escaped = false;
        loop {
            self.position = plain_end(self.bytes, self.position);
            match self.bytes.get(self.position) {
                Some(b'"') => {
                    let range = start..self.position;
                    self.position += 1;
                    return Ok(Text { range, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(Fault::Bad("a control character in a string")),
                None => return Err(Fault::End),
            }
        }
    }

    /// What a string means, without its escapes.
    pub(crate) fn plain(&self, text: &Text) -> Cow<'a, [u8]> {
        let written = &self.bytes[text.range.clone()];
        if !text.escaped {
            return written.into();
        }
        let mut plain = Vec::new();
        super::value::unescape(written, &mut plain);
        plain.into()
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let rest = &self.bytes[self.position + 1..];
        let length = match rest.first() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => {
                let digits = &rest[1..rest.len().min(5)];
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(Fault::Bad("a broken escape in a string"));
                }
                if digits.len() < 4 {
                    return Err(Fault::End);
                }
                6
            }
            Some(_) => return Err(Fault::Bad("an unknown escape in a string")),
            None => return Err(Fault::End),
        };
        self.position += length;
        Ok(())
    }

    /// Takes a number.
    pub(crate) fn number(&mut self) -> Result<Range<usize>, Fault> {
        const BROKEN: Fault = Fault::Bad("a broken number");
        let start = self.position;
        self.take(b"-");
        match self.bytes.get(self.position) {
            Some(b'0') => self.position += 1,
            Some(b'1'..=b'9') => self.digits()?,
            Some(_) => return Err(BROKEN),
            None => return Err(Fault::End),
        }
        if self.take(b".") {
            self.some_digits(BROKEN)?;
        }
        if self.take(b"e") || self.take(b"E") {
            let _ = self.take(b"+") || self.take(b"-");
            self.some_digits(BROKEN)?;
        }
        match self.bytes.get(self.position) {
            // What stands at the very end may go on in the next chunk.
            None => Err(Fault::End),
            Some(b' ' | b'\n' | b'\r' | b'\t' | b',' | b']' | b'}') => Ok(start..self.position),
            Some(_) => Err(BROKEN),
        }
    }

    fn some_digits(&mut self, otherwise: Fault) -> Result<(), Fault> {
        match self.bytes.get(self.position) {
            Some(byte) if byte.is_ascii_digit() => self.digits(),
            Some(_) => Err(otherwise),
            None => Err(Fault::End),
        }
    }

    fn digits(&mut self) -> Result<(), Fault> {
        while let Some(byte) = self.bytes.get(self.position) {
            if !byte.is_ascii_digit() {
                return Ok(());
            }
            self.position += 1;
        }
        Err(Fault::End)
    }

    /// Takes `true`, `false` or `null`.
    pub(crate) fn word(&mut self) -> Result<Option<bool>, Fault> {
        let (word, value): (&[u8], _) = match self.bytes.get(self.position) {
            Some(b't') => (b"true", Some(true)),
            Some(b'f') => (b"false", Some(false)),
            Some(b'n') => (b"null", None),
            Some(_) => return Err(Fault::Bad("a value was expected")),
            None => return Err(Fault::End),
        };
        if self.take(word) {
            return Ok(value);
        }
        let rest = &self.bytes[self.position..];
        if word.starts_with(rest) {
            return Err(Fault::End);
        }
        Err(Fault::Bad("a value was expected"))
    }

    /// Takes any value, to its end.
    pub(crate) fn skip(&mut self) -> Result<(), Fault> {
        super::value::copy(self, &mut super::value::Nowhere).map(drop)
    }
}

/// Where a string stops being plain: at a quote, a backslash or a control character.
///
/// Eight bytes at a time: strings are most of an answer.
#[inline]
fn plain_end(bytes: &[u8], start: usize) -> usize {
    const fn splat(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    let mut position = start;
    while let Some(chunk) = bytes
        .get(position..position + 8)
        .and_then(|chunk| <[u8; 8]>::try_from(chunk).ok())
    {
        let word = u64::from_le_bytes(chunk);
        let zero_in = |word: u64| word.wrapping_sub(splat(1)) & !word;
        let control = word.wrapping_sub(splat(0x20)) & !word;
        let found =
            (control | zero_in(word ^ splat(b'"')) | zero_in(word ^ splat(b'\\'))) & splat(0x80);
        if found != 0 {
            // A borrow may mark a byte too many, but never before the first true one.
            return position + found.trailing_zeros() as usize / 8;
        }
        position += 8;
    }
    bytes[position.min(bytes.len())..]
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
        .map_or(bytes.len(), |offset| position + offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_ends_at_its_quote_wherever_that_is() {
        for length in 0..40 {
            for tail in ["\"", "\\n\"", "é\"", "\u{7f}\"", "\u{80}\u{ff}\""] {
                let text = format!("{}{tail}, \"next\"", "x".repeat(length));
                let mut reader = Reader::new(text.as_bytes(), 0);
                let found = reader.text().unwrap();
                assert_eq!(found.range, 0..length + tail.len() - 1, "{text}");
                assert_eq!(found.escaped, tail.starts_with('\\'));
            }
        }
    }

    #[test]
    fn a_control_character_is_no_part_of_a_string() {
        for length in 0..20 {
            let text = format!("{}\u{1}\"", "x".repeat(length));
            assert!(matches!(
                Reader::new(text.as_bytes(), 0).text(),
                Err(Fault::Bad(_))
            ));
        }
    }

    #[test]
    fn whatever_is_cut_short_needs_more() {
        let whole = r#"{"a":[1.5e+3,-0,true,false,null,"x\u00e9\n",{}],"b":{"c":[[]]}} "#;
        for end in 0..whole.len() - 1 {
            let mut reader = Reader::new(&whole.as_bytes()[..end], 0);
            assert_eq!(reader.skip(), Err(Fault::End), "{}", &whole[..end]);
        }
        let mut reader = Reader::new(whole.as_bytes(), 0);
        assert_eq!(reader.skip(), Ok(()));
        assert_eq!(reader.position(), whole.len() - 1);
    }

    #[test]
    fn what_is_no_json() {
        for text in [
            "{a:1} ",
            "{\"a\" 1} ",
            "{\"a\":1,} ",
            "[1,] ",
            "[1 2] ",
            "[1}",
            "{\"a\":1]",
            "01 ",
            "+1 ",
            "1.x ",
            "1e ",
            ".5 ",
            "- ",
            "nul} ",
            "tru ",
            "\"\\x\" ",
            "\"\\u12g4\" ",
            "} ",
            ", ",
            "[,1]",
            "{,}",
            "{\"a\":,}",
            "nan ",
        ] {
            let mut reader = Reader::new(text.as_bytes(), 0);
            assert!(
                matches!(reader.skip(), Err(Fault::Bad(_))),
                "{text}: {reader:?}"
            );
        }
    }
}

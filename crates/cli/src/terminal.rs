//! What a terminal may be shown, and how wide it is.

use std::fmt::Write as _;
use std::io::{self, Write};

use defender_core::{is_unseen, unseen};

/// `text` from outside as a person may see it: what a terminal would act on, or a reader would not
/// see, is spelt out; line breaks stay.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (character, is_unseen) in unseen(text) {
        Form::Text.push(&mut escaped, character, is_unseen);
    }
    escaped
}

/// JSON that says the same; such characters occur within its strings only.
pub(crate) fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for (character, is_unseen) in unseen(json) {
        Form::Json.push(&mut escaped, character, is_unseen);
    }
    escaped
}

/// How a character is spelt out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As `\u{202e}`.
    Text,
    /// As `\u202e`, and in pairs beyond the first plane, so that JSON stays what it is.
    Json,
}

impl Form {
    fn push(self, escaped: &mut String, character: char, is_unseen: bool) {
        match (self, character) {
            (_, '\n') => escaped.push('\n'),
            (Self::Text, '\t') => escaped.push(' '),
            (Self::Text, '\r') => {}
            _ if !is_unseen => escaped.push(character),
            (Self::Text, _) => {
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(character));
            }
            (Self::Json, _) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
}

/// Passes text on as a terminal may see it; what a file would hold is not its business.
pub(crate) struct Escaping<W> {
    inner: W,
    form: Form,
    /// The beginning of what is yet to come: of a character, or one whose neighbour decides.
    rest: Vec<u8>,
    before: Option<char>,
}

impl<W: Write> Escaping<W> {
    pub(crate) fn new(inner: W, form: Form) -> Self {
        Self {
            inner,
            form,
            rest: Vec::new(),
            before: None,
        }
    }

    /// Passes on what can be judged by now; at the end, all of it.
    fn pass(&mut self, at_end: bool) -> io::Result<()> {
        let whole = match std::str::from_utf8(&self.rest) {
            Err(error) if error.error_len().is_none() && !at_end => error.valid_up_to(),
            _ => self.rest.len(),
        };
        let mut kept = self.rest.split_off(whole);
        let text = String::from_utf8_lossy(&self.rest);
        let mut escaped = String::with_capacity(text.len());
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let after = characters.peek().copied();
            let is_unseen = is_unseen(self.before, character, after);
            if is_unseen && after.is_none() && !at_end && !character.is_control() {
                kept.splice(..0, character.to_string().into_bytes());
                break;
            }
            self.form.push(&mut escaped, character, is_unseen);
            self.before = Some(character);
        }
        self.rest = kept;
        self.inner.write_all(escaped.as_bytes())
    }
}

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        self.pass(false)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass(true)?;
        self.inner.flush()
    }
}

/// The terminal's width in columns, when standard output is one.
pub(crate) fn width() -> Option<u16> {
    use std::io::IsTerminal as _;
    if !std::io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(width, _)| width.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_in_two_pieces_is_one() {
        let mut seen = Vec::new();
        let mut escaping = Escaping::new(&mut seen, Form::Text);
        for piece in [
            "a\u{1b}[2J,\u{e9}\u{202e}\r\n".as_bytes(),
            &[0xc3],
            &[0xa9, b'\n'],
            "\u{645}\u{6cc}\u{200c}".as_bytes(),
            "\u{62e}a\u{200d}".as_bytes(),
        ] {
            escaping.write_all(piece).unwrap();
        }
        escaping.flush().unwrap();
        assert_eq!(
            String::from_utf8(seen).unwrap(),
            "a\\u{1b}[2J,\u{e9}\\u{202e}\n\u{e9}\n\u{645}\u{6cc}\u{200c}\u{62e}a\\u{200d}"
        );
    }

    #[test]
    fn a_terminal_is_not_steered_from_outside() {
        assert_eq!(
            escape("a\u{1b}[2Jb\u{202e}c\r\nd\te"),
            "a\\u{1b}[2Jb\\u{202e}c\nd e"
        );
    }

    #[test]
    fn json_says_the_same_when_it_is_escaped() {
        let value = serde_json::json!({ "a\u{202e}": "\u{9b}31m\u{7f}\n\u{1b}\u{e0041}" });
        let text = escape_json(&format!("{value:#}"));
        assert!(
            !text.contains(['\u{9b}', '\u{7f}', '\u{202e}', '\u{e0041}']),
            "{text}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }
    #[test]
    fn what_is_spelt_out_goes_by_unicodes_properties() {
        let rule = r"^[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]--\p{PCM}]$";
        let rule = regex::Regex::new(rule).unwrap();
        for character in '\0'..=char::MAX {
            let expected = rule.is_match(character.encode_utf8(&mut [0; 4]));
            let found = is_unseen(None, character, None);
            assert_eq!(found, expected, "U+{:04X}", u32::from(character));
        }
    }
}

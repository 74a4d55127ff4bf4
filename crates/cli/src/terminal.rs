//! What a terminal may be shown, and how wide it is.

use std::fmt::Write as _;
use std::io::{self, Write};

/// `text` without what a terminal would act on: control and bidirectional characters are spelt
/// out, line breaks stay.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => escaped.push('\n'),
            '\t' => escaped.push(' '),
            '\r' => {}
            character if character.is_control() || is_bidirectional(character) => {
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(character));
            }
            character => escaped.push(character),
        }
    }
    escaped
}

/// JSON that says the same without what a terminal would act on; such characters occur within
/// its strings only.
pub(crate) fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && (character.is_control() || is_bidirectional(character)) {
            let _ = write!(escaped, "\\u{:04x}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Passes text on as a terminal may see it; what a file would hold is not its business.
pub(crate) struct Escaping<W> {
    inner: W,
    /// The beginning of a character whose end is yet to come.
    rest: Vec<u8>,
}

impl<W: Write> Escaping<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self {
            inner,
            rest: Vec::new(),
        }
    }
}

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.rest) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.rest.len(),
        };
        let text = String::from_utf8_lossy(&self.rest[..whole]);
        self.inner.write_all(escape(&text).as_bytes())?;
        self.rest.drain(..whole);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn is_bidirectional(character: char) -> bool {
    matches!(character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
        let mut escaping = Escaping::new(&mut seen);
        for piece in [
            "a\u{1b}[2J,\u{e9}\u{202e}\r\n".as_bytes(),
            &[0xc3],
            &[0xa9, b'\n'],
        ] {
            escaping.write_all(piece).unwrap();
        }
        escaping.flush().unwrap();
        assert_eq!(
            String::from_utf8(seen).unwrap(),
            "a\\u{1b}[2J,\u{e9}\\u{202e}\n\u{e9}\n"
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
        let value = serde_json::json!({ "a\u{202e}": "\u{9b}31m\u{7f}\n\u{1b}" });
        let text = escape_json(&format!("{value:#}"));
        assert!(!text.contains(['\u{9b}', '\u{7f}', '\u{202e}']), "{text}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }
}

//! What a terminal may be shown, and how wide it is.

use std::fmt::Write as _;

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
    fn a_terminal_is_not_steered_from_outside() {
        assert_eq!(
            escape("a\u{1b}[2Jb\u{202e}c\r\nd\te"),
            "a\\u{1b}[2Jb\\u{202e}c\nd e"
        );
    }
}

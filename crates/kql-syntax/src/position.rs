//! Lines and columns of a text, and how a diagnostic looks under its line.

use std::fmt::Write as _;

use crate::diagnostic::Diagnostic;
use crate::span::Span;

/// Widest part of a line that is shown; longer lines are cut around the complaint.
const SHOWN: usize = 100;

/// Columns that a tab is shown as.
const TAB: &str = "    ";

/// A place in a text as people count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The character in its line, from 1.
    pub column: u32,
}

/// Where lines begin, so that many offsets are found fast.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Finds the lines of `text`, which end with `\n`, `\r\n` or `\r`.
    pub fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(index, byte)| {
            **byte == b'\n' || (**byte == b'\r' && bytes.get(index + 1) != Some(&b'\n'))
        });
        let starts = std::iter::once(0)
            .chain(ends.map(|(index, _)| index + 1))
            .collect();
        Self { text, starts }
    }

    /// The line and column of a byte offset; past the end it is the end.
    pub fn position(&self, offset: u32) -> Position {
        let offset = floor(self.text, offset as usize);
        let index = self.starts.partition_point(|start| *start <= offset) - 1;
        let column = self.text[self.starts[index]..offset].chars().count() + 1;
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Position {
            line: count(index + 1),
            column: count(column),
        }
    }

    fn line(&self, index: usize) -> &'a str {
        let start = self.starts[index];
        let end = self
            .starts
            .get(index + 1)
            .copied()
            .unwrap_or(self.text.len());
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }

    /// Shows `span` in its line with carets below.
    ///
    /// Tabs become four blanks, wide characters count two columns, and a long line is cut around
    /// the span.
    pub fn excerpt(&self, span: Span) -> String {
        let number = self.position(span.start).line.to_string();
        let margin = " ".repeat(number.len());
        let (line, carets) = self.marked(span);
        format!("{number} | {line}\n{margin} | {carets}")
    }

    /// The line of `span`, and the carets that go below it, as [`Lines::excerpt`] shows them.
    pub fn marked(&self, span: Span) -> (String, String) {
        let index = self.position(span.start).line as usize - 1;
        let line = self.line(index);
        let line_start = self.starts[index];
        let start = floor(line, (span.start as usize).saturating_sub(line_start));
        let end = floor(line, (span.end as usize).saturating_sub(line_start)).max(start);
        let (from, to) = window(line, start);
        let end = end.min(to);
        let before = shown(&line[from..start]);
        let marked = shown(&line[start..end]);
        let after = shown(&line[end..to]);
        let (dots, more) = (
            if from > 0 { "…" } else { "" },
            if to < line.len() { "…" } else { "" },
        );
        let indent = " ".repeat(width(&before) + width(dots));
        let carets = "^".repeat(width(&marked).max(1));
        (
            format!("{dots}{before}{marked}{after}{more}"),
            format!("{indent}{carets}"),
        )
    }

    /// Shows a diagnostic: where it is, what it says, its line, and its hint.
    pub fn render(&self, diagnostic: &Diagnostic) -> String {
        let position = self.position(diagnostic.span.start);
        let mut text = format!(
            "{}:{}: {}\n{}",
            position.line,
            position.column,
            diagnostic.message,
            self.excerpt(diagnostic.span)
        );
        if let Some(hint) = &diagnostic.hint {
            // Writing to a string cannot fail.
            let _ = write!(text, "\nhint: {hint}");
        }
        text
    }
}

fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// The part of a long line to show so that `start` is in it.
fn window(line: &str, start: usize) -> (usize, usize) {
    if line.len() <= SHOWN {
        return (0, line.len());
    }
    let from = floor(line, start.saturating_sub(SHOWN / 2));
    let to = floor(line, from + SHOWN).max(start);
    (from, to)
}

fn shown(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut shown, character| {
            match character {
                '\t' => shown.push_str(TAB),
                control if control.is_control() => shown.push('\u{fffd}'),
                other => shown.push(other),
            }
            shown
        })
}

fn width(text: &str) -> usize {
    text.chars().map(character_width).sum()
}

/// Terminal columns of a character: none for combining marks, two for East Asian wide and emoji.
fn character_width(character: char) -> usize {
    match u32::from(character) {
        0x0300..=0x036f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfeff => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x2_0000..=0x3_fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_all_line_ends() {
        let lines = Lines::new("a\r\nbé😀c\rd\ne");
        let at = |offset| lines.position(offset);
        assert_eq!(at(0), Position { line: 1, column: 1 });
        assert_eq!(at(3), Position { line: 2, column: 1 });
        assert_eq!(at(10), Position { line: 2, column: 4 });
        assert_eq!(at(12), Position { line: 3, column: 1 });
        assert_eq!(at(14), Position { line: 4, column: 1 });
        assert_eq!(at(999), Position { line: 4, column: 2 });
    }

    #[test]
    fn carets_stand_below_tabs_and_wide_characters() {
        let text = "\t日本 == x";
        let lines = Lines::new(text);
        let excerpt = lines.excerpt(Span::new(8, 10));
        assert_eq!(excerpt, "1 |     日本 == x\n  |          ^^");
    }

    #[test]
    fn long_lines_are_cut_around_the_complaint() {
        let text = format!("{}X{}", "a".repeat(5000), "b".repeat(5000));
        let excerpt = Lines::new(&text).excerpt(Span::new(5000, 5001));
        let (line, carets) = excerpt.split_once('\n').unwrap();
        assert_eq!(line, format!("1 | …{}X{}…", "a".repeat(50), "b".repeat(49)));
        assert_eq!(carets.len(), "  | ".len() + 1 + 50 + 1);
    }

    #[test]
    fn offsets_inside_a_character_do_no_harm() {
        let lines = Lines::new("é");
        assert_eq!(lines.position(1), Position { line: 1, column: 1 });
        assert_eq!(lines.excerpt(Span::new(1, 1)), "1 | é\n  | ^");
    }
}

//! Decides which places break, and writes the lines.
//!
//! A group breaks when it holds a comment or a hard break, or when it does not fit into the rest
//! of its line together with what follows up to the next place to break. Sums over the items
//! answer both at once for any group, so that the whole is linear.

use super::FormatOptions;
use super::layout::Item;

/// Writes `items` as lines.
pub(super) fn write(items: &[Item<'_>], options: &FormatOptions) -> String {
    let measures = Measures::of(items);
    let mut writer = Writer {
        options,
        text: String::new(),
        column: 0,
        level: 0,
        line_level: 0,
        line: Line::Empty,
        space: false,
        continued: false,
        blank: false,
    };
    // Whether the groups that are open break; outside of all groups every place does.
    let mut broken = vec![true];
    for (index, item) in items.iter().enumerate() {
        let breaks = broken.last().copied().unwrap_or(true);
        match item {
            Item::Text(text) => writer.token(text),
            Item::Comment { text, own_line } => writer.comment(text, *own_line),
            Item::Hard => writer.end_line(),
            Item::Line | Item::Soft if breaks || writer.line == Line::Commented => {
                writer.end_line();
            }
            Item::Space | Item::Line => writer.space = writer.line != Line::Empty,
            Item::Soft => {}
            Item::Blank => writer.blank = true,
            Item::Open { end } => {
                let fits = || measures.fits(index, *end, options.width, writer.reached());
                broken.push(breaks && !fits());
            }
            Item::Close => {
                broken.pop();
            }
            Item::Indent => writer.level += 1,
            Item::Dedent => writer.level -= 1,
        }
    }
    writer.finish()
}

/// Sums over the items, with one entry more than there are items.
struct Measures {
    /// Width of all items before this one in one line.
    before: Vec<usize>,
    /// How many items before this one must break.
    forced: Vec<usize>,
    /// Width from this item to the next place to break.
    rest: Vec<usize>,
}

impl Measures {
    fn of(items: &[Item<'_>]) -> Self {
        let mut before = Vec::with_capacity(items.len() + 1);
        let mut forced = Vec::with_capacity(items.len() + 1);
        let (mut width, mut breaks) = (0, 0);
        for item in items {
            before.push(width);
            forced.push(breaks);
            width += flat_width(item);
            breaks += usize::from(matches!(item, Item::Hard | Item::Comment { .. }));
        }
        before.push(width);
        forced.push(breaks);
        let mut rest = vec![0; items.len() + 1];
        for (index, item) in items.iter().enumerate().rev() {
            rest[index] = match item {
                Item::Line | Item::Soft | Item::Hard | Item::Comment { .. } => 0,
                Item::Text(text) if text.contains('\n') => flat_width(item),
                _ => flat_width(item) + rest[index + 1],
            };
        }
        Self {
            before,
            forced,
            rest,
        }
    }

    fn fits(&self, open: usize, close: usize, width: usize, reached: usize) -> bool {
        self.forced[open] == self.forced[close]
            && reached + (self.before[close] - self.before[open]) + self.rest[close] <= width
    }
}

/// The width of an item that does not break; of a text of several lines, that of its first.
fn flat_width(item: &Item<'_>) -> usize {
    match item {
        Item::Text(text) => text.lines().next().map_or(0, |line| line.chars().count()),
        Item::Space | Item::Line => 1,
        _ => 0,
    }
}

/// What stands in the line that is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Nothing yet, not even its indentation.
    Empty,
    /// Tokens.
    Begun,
    /// A comment, which ends it.
    Commented,
}

struct Writer<'a> {
    options: &'a FormatOptions,
    text: String,
    column: usize,
    level: usize,
    /// The level where the line began, or will begin.
    line_level: usize,
    line: Line,
    /// Whether a blank comes before the next token.
    space: bool,
    /// Whether a comment broke the line where there was no place to break.
    continued: bool,
    /// Whether a blank line comes before the next line.
    blank: bool,
}

impl Writer<'_> {
    fn indentation(&self, level: usize) -> usize {
        // Deeper than this the query would only move out of sight.
        let most = (self.options.width / 2).clamp(40, 200);
        level.saturating_mul(self.options.indent).min(most)
    }

    /// The column where the next token would stand.
    fn reached(&self) -> usize {
        match self.line {
            Line::Empty => self.indentation(self.line_level),
            Line::Commented => self.indentation(self.level),
            Line::Begun => self.column + usize::from(self.space),
        }
    }

    fn token(&mut self, token: &str) {
        if self.line == Line::Commented {
            self.break_line();
        }
        if self.line == Line::Empty {
            self.begin_line();
        } else if self.space || self.would_merge(token) {
            self.text.push(' ');
            self.column += 1;
        }
        self.text.push_str(token);
        match token.rfind('\n') {
            Some(end) => self.column = token[end + 1..].chars().count(),
            None => self.column += token.chars().count(),
        }
        (self.space, self.continued, self.blank) = (false, false, false);
    }

    /// Whether `token` would become part of the word before it.
    fn would_merge(&self, token: &str) -> bool {
        let in_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        self.text.ends_with(in_word) && token.starts_with(in_word)
    }

    fn comment(&mut self, comment: &str, own_line: bool) {
        if self.line == Line::Commented {
            self.break_line();
        } else if self.line != Line::Empty {
            self.continued = true;
            if own_line {
                self.break_line();
            }
        }
        if self.line == Line::Empty {
            self.begin_line();
        } else {
            self.text.push(' ');
        }
        self.text.push_str(comment);
        self.line = Line::Commented;
        (self.space, self.blank) = (false, false);
    }

    /// Goes to a new line, unless one has just begun.
    fn end_line(&mut self) {
        if self.line != Line::Empty {
            self.break_line();
        }
        self.line_level = self.level;
        self.continued = false;
    }

    fn break_line(&mut self) {
        self.text.push('\n');
        self.column = 0;
        self.line = Line::Empty;
        self.space = false;
    }

    fn begin_line(&mut self) {
        if self.blank && !self.text.is_empty() {
            self.text.push('\n');
        }
        self.column = self.indentation(self.line_level + usize::from(self.continued));
        self.text.extend(std::iter::repeat_n(' ', self.column));
        self.line = Line::Begun;
    }

    fn finish(mut self) -> String {
        if self.line != Line::Empty {
            self.text.push('\n');
        }
        self.text
    }
}

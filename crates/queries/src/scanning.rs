//! Where in a query text one is: in code, in a comment, or in which kind of literal.

/// Types whose literals hold free text in parentheses.
const TYPED: &[&str] = &[
    "datetime", "date", "timespan", "time", "guid", "bool", "int", "long", "real", "double",
    "decimal",
];

/// What surrounds a place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing: between tokens.
    Code,
    /// `// …` up to the line's end.
    Comment,
    /// A string literal in this quote; a verbatim one doubles the quote and knows no backslash.
    Text { quote: char, verbatim: bool },
    /// A string literal between three of these.
    Fence(char),
    /// `datetime(…)` and the like.
    Typed(&'static str),
}

/// Reads a text piece by piece and knows the place after each.
#[derive(Clone, Debug)]
pub(crate) struct Scanner {
    pub(crate) place: Place,
    /// Whether the text of an OData address is read, which has only quotes that are doubled.
    odata: bool,
    /// Whether a backslash was the last thing read, so that it would join with what follows.
    pub(crate) escaping: bool,
    /// Whether a string literal was left open at a line's end.
    pub(crate) broken: bool,
}

impl Scanner {
    pub(crate) fn new(odata: bool) -> Self {
        Self {
            place: Place::Code,
            odata,
            escaping: false,
            broken: false,
        }
    }

    pub(crate) fn read(&mut self, text: &str) {
        let mut rest = text;
        let mut before = "";
        while let Some(letter) = rest.chars().next() {
            let length = match self.place {
                Place::Code => self.code(letter, before, rest),
                Place::Comment => {
                    if letter == '\n' {
                        self.place = Place::Code;
                    }
                    letter.len_utf8()
                }
                Place::Text { quote, verbatim } => self.string(letter, quote, verbatim, rest),
                Place::Fence(fence) => {
                    let end = three(fence);
                    if rest.starts_with(&end) {
                        self.place = Place::Code;
                        end.len()
                    } else {
                        letter.len_utf8()
                    }
                }
                Place::Typed(_) => {
                    if matches!(letter, ')' | '\n') {
                        self.place = Place::Code;
                    }
                    letter.len_utf8()
                }
            };
            rest = &rest[length..];
            before = &text[..text.len() - rest.len()];
        }
    }

    /// Reads one thing between tokens and gives its length.
    fn code(&mut self, letter: char, before: &str, rest: &str) -> usize {
        match letter {
            '\'' | '"' => {
                self.place = Place::Text {
                    quote: letter,
                    verbatim: self.odata || before.ends_with('@'),
                };
            }
            '/' if !self.odata && rest.starts_with("//") => {
                self.place = Place::Comment;
                return 2;
            }
            '`' | '~' if !self.odata && rest.starts_with(&three(letter)) => {
                self.place = Place::Fence(letter);
                return 3;
            }
            '(' if !self.odata => {
                let quoted = rest[1..].trim_start().starts_with(['\'', '"']);
                if let Some(word) = TYPED.iter().find(|word| ends_with_word(before, word))
                    && !quoted
                {
                    self.place = Place::Typed(word);
                }
            }
            _ => {}
        }
        letter.len_utf8()
    }

    fn string(&mut self, letter: char, quote: char, verbatim: bool, rest: &str) -> usize {
        if self.escaping {
            self.escaping = false;
        } else if letter == '\n' && !self.odata {
            self.broken = true;
            self.place = Place::Code;
        } else if !verbatim && letter == '\\' {
            self.escaping = true;
        } else if letter == quote {
            if verbatim && rest[letter.len_utf8()..].starts_with(quote) {
                return 2 * letter.len_utf8();
            }
            self.place = Place::Code;
        }
        letter.len_utf8()
    }
}

fn three(letter: char) -> String {
    std::iter::repeat_n(letter, 3).collect()
}

fn ends_with_word(text: &str, word: &str) -> bool {
    text.trim_end_matches([' ', '\t'])
        .strip_suffix(word)
        .is_some_and(|before| {
            !before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_')
        })
}

/// `text` without its blank lines, as MSTICPy drops them; those in a string literal stay.
pub(crate) fn without_blank_lines(text: &str) -> String {
    let mut scanner = Scanner::new(false);
    let mut kept: Vec<&str> = Vec::new();
    for line in text.split('\n') {
        let inside = matches!(scanner.place, Place::Fence(_));
        if inside || !line.trim().is_empty() {
            kept.push(line);
        }
        scanner.read(line);
        scanner.read("\n");
    }
    kept.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> Place {
        let mut scanner = Scanner::new(false);
        scanner.read(text);
        scanner.place
    }

    #[test]
    fn every_literal_is_recognised() {
        let text = |quote, verbatim| Place::Text { quote, verbatim };
        assert_eq!(after("T | where a == 'x"), text('\'', false));
        assert_eq!(after("T | where a == \"x\\\""), text('"', false));
        assert_eq!(after("@\"C:\\"), text('"', true));
        assert_eq!(after("@'it''s"), text('\'', true));
        assert_eq!(after("h@'x"), text('\'', true));
        assert_eq!(after("```a'b"), Place::Fence('`'));
        assert_eq!(after("x // it's"), Place::Comment);
        assert_eq!(after("x // it's\n"), Place::Code);
        assert_eq!(after("x == 'http://"), text('\'', false));
        assert_eq!(after("datetime ("), Place::Typed("datetime"));
        assert_eq!(after("todatetime("), Place::Code);
        assert_eq!(after("datetime(2024) + '"), text('\'', false));
    }

    #[test]
    fn blank_lines_go_except_in_a_literal() {
        assert_eq!(without_blank_lines("T\n\n  \n| take 5\n"), "T\n| take 5");
        assert_eq!(without_blank_lines("```a\n\nb```\n\nc"), "```a\n\nb```\nc");
    }
}

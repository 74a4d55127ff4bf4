//! Cuts a query text into tokens; comments are tokens too, blanks are the gaps between them.

use crate::diagnostic::Diagnostic;
use crate::span::Span;

/// A piece of the text that the grammar treats as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of [`Token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A name or keyword, also the dashed ones (`mv-expand`) and the negated ones (`!has`, `!in~`).
    Word,
    /// A string in any of its quotes.
    String,
    /// A whole number, decimal or hexadecimal.
    Long,
    /// A number with a fraction or an exponent.
    Real,
    /// A number with a unit of time.
    TimeSpan,
    /// `true`, `false`.
    Bool,
    /// Eight-four-four-four-twelve hexadecimal digits.
    Guid,
    /// A type and free text in parentheses, such as `datetime(…)`.
    Typed,
    /// A line that begins with `#`.
    Directive,
    /// `// …` up to the line's end.
    Comment,
    /// `(`
    OpenParenthesis,
    /// `)`
    CloseParenthesis,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
    /// `{`
    OpenBrace,
    /// `}`
    CloseBrace,
    /// `|`
    Bar,
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// `:`
    Colon,
    /// `.`
    Dot,
    /// `..`
    DotDot,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Star,
    /// `/`
    Slash,
    /// `%`
    Percent,
    /// `=`
    Assign,
    /// `==`
    Equal,
    /// `!=` and `<>`
    NotEqual,
    /// `=~`
    EqualFold,
    /// `!~`
    NotEqualFold,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `=>`
    FatArrow,
    /// A character that is not part of the language; there is a diagnostic about it.
    Bad,
    /// The end of the text.
    End,
}

/// Cuts `text` into tokens, the last of which is [`TokenKind::End`].
///
/// Every byte is either in a token or blank; diagnostics tell of unclosed strings and strange
/// characters.
pub fn tokenize(text: &str) -> (Vec<Token>, Vec<Diagnostic>) {
    let mut lexer = Lexer {
        text,
        bytes: text.as_bytes(),
        position: 0,
        diagnostics: Vec::new(),
        tokens: Vec::with_capacity(text.len() / 4 + 8),
    };
    lexer.run();
    (lexer.tokens, lexer.diagnostics)
}

/// Words with a dash in them, which would otherwise be subtractions.
const DASHED: &[&str] = &[
    "assert-schema",
    "granny-asc",
    "granny-desc",
    "graph-mark-components",
    "graph-match",
    "graph-shortest-paths",
    "graph-to-table",
    "graph-where-edges",
    "graph-where-nodes",
    "macro-expand",
    "make-graph",
    "make-series",
    "mv-apply",
    "mv-expand",
    "parse-kv",
    "parse-where",
    "partitioned-by",
    "project-away",
    "project-by-names",
    "project-keep",
    "project-rename",
    "project-reorder",
    "project-smart",
    "sample-distinct",
    "top-hitters",
    "top-nested",
];

/// Words that follow an exclamation mark.
const NEGATED: &[&str] = &[
    "between",
    "contains",
    "contains_cs",
    "endswith",
    "endswith_cs",
    "has",
    "has_cs",
    "hasprefix",
    "hasprefix_cs",
    "hassuffix",
    "hassuffix_cs",
    "in",
    "in~",
    "startswith",
    "startswith_cs",
];

/// Units of time and how many ticks of 100 nanoseconds each has; nanoseconds are apart.
pub(crate) fn unit_ticks(unit: &str) -> Option<Unit> {
    let ticks = match unit {
        "d" | "day" | "days" => 864_000_000_000,
        "h" | "hr" | "hrs" | "hour" | "hours" => 36_000_000_000,
        "m" | "min" | "minute" | "minutes" => 600_000_000,
        "s" | "sec" | "second" | "seconds" => 10_000_000,
        "ms" | "milli" | "millis" | "millisec" | "millisecond" | "milliseconds" => 10_000,
        "micro" | "micros" | "microsec" | "microsecond" | "microseconds" => 10,
        "tick" | "ticks" => 1,
        "nano" | "nanos" | "nanosec" | "nanosecond" | "nanoseconds" => {
            return Some(Unit {
                ticks: 1,
                divisor: 100,
            });
        }
        _ => return None,
    };
    Some(Unit { ticks, divisor: 1 })
}

/// How long a unit of time is: `ticks / divisor`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    pub(crate) ticks: i128,
    pub(crate) divisor: i128,
}

/// Whether `word(` begins a literal whose text runs up to the next `)`.
pub(crate) fn is_typed(word: &str) -> bool {
    matches!(
        word,
        "bool"
            | "date"
            | "datetime"
            | "decimal"
            | "double"
            | "guid"
            | "int"
            | "int32"
            | "int64"
            | "long"
            | "real"
            | "time"
            | "timespan"
            | "uniqueid"
            | "uuid"
    )
}

pub(crate) fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '\u{feff}' | '\u{180e}' | '\u{200b}' | '\u{2060}')
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    position: usize,
    tokens: Vec<Token>,
    diagnostics: Vec<Diagnostic>,
}

impl Lexer<'_> {
    fn run(&mut self) {
        loop {
            self.skip_blanks();
            let start = self.position;
            let kind = self.token();
            self.tokens.push(Token {
                kind,
                span: span(start, self.position),
            });
            if kind == TokenKind::End {
                return;
            }
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.position + ahead).copied().unwrap_or(0)
    }

    fn skip_blanks(&mut self) {
        while let Some(&byte) = self.bytes.get(self.position) {
            if byte < 0x80 {
                if !byte.is_ascii_whitespace() && byte != 0x0b {
                    return;
                }
                self.position += 1;
            } else {
                match self.text[self.position..].chars().next() {
                    Some(character) if is_blank(character) => self.position += character.len_utf8(),
                    _ => return,
                }
            }
        }
    }

    fn token(&mut self) -> TokenKind {
        let Some(&byte) = self.bytes.get(self.position) else {
            return TokenKind::End;
        };
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' => self.word(),
            b'0'..=b'9' => self.number(),
            b'"' | b'\'' => self.string(self.position),
            b'`' if self.bytes[self.position..].starts_with(b"```") => self.string(self.position),
            b'~' if self.bytes[self.position..].starts_with(b"~~~") => self.string(self.position),
            b'@' if matches!(self.peek(1), b'"' | b'\'') => self.string(self.position),
            b'/' if self.peek(1) == b'/' => self.rest_of_line(TokenKind::Comment),
            b'#' => self.rest_of_line(TokenKind::Directive),
            b'!' if self.negated() => TokenKind::Word,
            _ => self.punctuation(byte),
        }
    }

    fn rest_of_line(&mut self, kind: TokenKind) -> TokenKind {
        let rest = &self.bytes[self.position..];
        let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        self.position += length.unwrap_or(rest.len());
        kind
    }

    fn punctuation(&mut self, byte: u8) -> TokenKind {
        let next = self.peek(1);
        let (kind, length) = match (byte, next) {
            (b'.', b'.') => (TokenKind::DotDot, 2),
            (b'=', b'=') => (TokenKind::Equal, 2),
            (b'=', b'~') => (TokenKind::EqualFold, 2),
            (b'=', b'>') => (TokenKind::FatArrow, 2),
            (b'!', b'=') | (b'<', b'>') => (TokenKind::NotEqual, 2),
            (b'!', b'~') => (TokenKind::NotEqualFold, 2),
            (b'<', b'=') => (TokenKind::LessOrEqual, 2),
            (b'>', b'=') => (TokenKind::GreaterOrEqual, 2),
            (b'(', _) => (TokenKind::OpenParenthesis, 1),
            (b')', _) => (TokenKind::CloseParenthesis, 1),
            (b'[', _) => (TokenKind::OpenBracket, 1),
            (b']', _) => (TokenKind::CloseBracket, 1),
            (b'{', _) => (TokenKind::OpenBrace, 1),
            (b'}', _) => (TokenKind::CloseBrace, 1),
            (b'|', _) => (TokenKind::Bar, 1),
            (b',', _) => (TokenKind::Comma, 1),
            (b';', _) => (TokenKind::Semicolon, 1),
            (b':', _) => (TokenKind::Colon, 1),
            (b'.', _) => (TokenKind::Dot, 1),
            (b'+', _) => (TokenKind::Plus, 1),
            (b'-', _) => (TokenKind::Minus, 1),
            (b'*', _) => (TokenKind::Star, 1),
            (b'/', _) => (TokenKind::Slash, 1),
            (b'%', _) => (TokenKind::Percent, 1),
            (b'=', _) => (TokenKind::Assign, 1),
            (b'<', _) => (TokenKind::Less, 1),
            (b'>', _) => (TokenKind::Greater, 1),
            _ => return self.bad(),
        };
        self.position += length;
        kind
    }

    fn bad(&mut self) -> TokenKind {
        let start = self.position;
        let character = self.text[start..].chars().next().unwrap_or(' ');
        self.position += character.len_utf8();
        // `&&` and `??` are one mistake.
        if matches!(character, '&' | '?') && self.text[self.position..].starts_with(character) {
            self.position += 1;
        }
        let shown = self.text[start..self.position].escape_debug();
        let complaint = Diagnostic::new(
            span(start, self.position),
            format!("`{shown}` is not part of the language"),
        );
        let hint = match character {
            '“' | '”' | '„' | '‘' | '’' | '«' | '»' | '`' => {
                Some("strings stand in plain quotes: \"…\" or '…'")
            }
            '–' | '—' | '−' => Some("minus is the plain hyphen -"),
            '&' => Some("write `and`; of bits, binary_and(a, b)"),
            '?' => Some("write iff(condition, value, other), or coalesce(a, b)"),
            '^' => Some("write pow(a, b); of bits, binary_xor(a, b)"),
            '~' => Some("write =~ to compare texts in any case, matches regex for a pattern"),
            '\\' => Some("a query may go on in the next line as it is"),
            '!' => Some("write not(…), or one of !=, !~, !in, !has, !contains and the like"),
            _ if character.is_alphabetic() => {
                Some("names with letters outside a-z stand in brackets: ['…']")
            }
            _ => None,
        };
        self.diagnostics.push(match hint {
            Some(hint) => complaint.with_hint(hint),
            None => complaint,
        });
        TokenKind::Bad
    }

    fn word_end(&self, from: usize) -> usize {
        let mut end = from;
        while self.bytes.get(end).copied().is_some_and(is_word_byte) {
            end += 1;
        }
        end
    }

    fn word(&mut self) -> TokenKind {
        let start = self.position;
        if let Some(end) = self.raw_guid(start) {
            self.position = end;
            return TokenKind::Guid;
        }
        let end = self.word_end(start + 1);
        let word = &self.text[start..end];
        let next = self.bytes.get(end).copied().unwrap_or(0);
        match next {
            b'"' | b'\'' | b'@' | b'`' | b'~' if matches!(word, "h" | "H") => {
                let rest = &self.bytes[end..];
                let opens = matches!(next, b'"' | b'\'')
                    || (next == b'@' && matches!(rest.get(1), Some(b'"' | b'\'')))
                    || rest.starts_with(b"```")
                    || rest.starts_with(b"~~~");
                if opens {
                    return self.string(end);
                }
            }
            b'(' if is_typed(word) => return self.typed(end),
            b'-' => {
                if let Some(end) = self.dashed(start) {
                    self.position = end;
                    return TokenKind::Word;
                }
            }
            b'~' if word == "in" => {
                self.position = end + 1;
                return TokenKind::Word;
            }
            _ => {}
        }
        self.position = end;
        match word {
            "true" | "false" | "True" | "False" | "TRUE" | "FALSE" => TokenKind::Bool,
            _ => TokenKind::Word,
        }
    }

    fn dashed(&self, start: usize) -> Option<usize> {
        let rest = &self.text[start..];
        DASHED
            .iter()
            .filter(|word| rest.starts_with(**word))
            .map(|word| start + word.len())
            .filter(|end| !self.bytes.get(*end).copied().is_some_and(is_word_byte))
            .max()
    }

    fn negated(&mut self) -> bool {
        let start = self.position + 1;
        let mut end = self.word_end(start);
        if &self.text[start..end] == "in" && self.bytes.get(end) == Some(&b'~') {
            end += 1;
        }
        let known = NEGATED.contains(&&self.text[start..end]);
        if known {
            self.position = end;
        }
        known
    }

    fn typed(&mut self, open: usize) -> TokenKind {
        let start = self.position;
        let rest = &self.bytes[open..];
        if let Some(close) = rest.iter().position(|byte| *byte == b')') {
            self.position = open + close + 1;
        } else {
            let line = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            self.position = open + line.unwrap_or(rest.len());
            let complaint =
                Diagnostic::new(span(start, self.position), "expected `)` after the literal");
            self.diagnostics.push(complaint);
        }
        TokenKind::Typed
    }

    fn raw_guid(&self, start: usize) -> Option<usize> {
        let bytes = self.bytes.get(start..start + 36)?;
        let matches = bytes.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
        matches.then_some(start + 36)
    }

    fn digits_end(&self, from: usize) -> usize {
        let mut end = from;
        while self.bytes.get(end).is_some_and(u8::is_ascii_digit) {
            end += 1;
        }
        end
    }

    fn number(&mut self) -> TokenKind {
        let start = self.position;
        if let Some(end) = self.raw_guid(start) {
            self.position = end;
            return TokenKind::Guid;
        }
        let at = |index: usize| self.bytes.get(index).copied().unwrap_or(0);
        let whole = self.digits_end(start);
        if whole == start + 1 && at(start) == b'0' && matches!(at(whole), b'x' | b'X') {
            let end = self.word_end(whole + 1);
            let digits = &self.bytes[whole + 1..end];
            if !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit) {
                self.position = end;
                return TokenKind::Long;
            }
        }
        let fraction = if at(whole) == b'.' {
            self.digits_end(whole + 1)
        } else {
            whole
        };
        // A unit makes it a timespan, unless the dot belongs to something else.
        for number in [fraction, whole] {
            let end = self.word_end(number);
            if end > number
                && (number == whole || number > whole + 1)
                && unit_ticks(&self.text[number..end]).is_some()
            {
                self.position = end;
                return TokenKind::TimeSpan;
            }
        }
        let dotted = at(whole) == b'.' && (at(whole + 1) != b'.' || at(whole + 2) == b'.');
        let number = if dotted { fraction } else { whole };
        let mut end = number;
        if matches!(at(end), b'e' | b'E') {
            let sign = usize::from(matches!(at(end + 1), b'+' | b'-'));
            let exponent = self.digits_end(end + 1 + sign);
            if exponent > end + 1 + sign {
                end = exponent;
            }
        }
        if (dotted || end > number) && !is_word_byte(at(end)) {
            self.position = end;
            return TokenKind::Real;
        }
        if !is_word_byte(at(whole)) {
            self.position = whole;
            return TokenKind::Long;
        }
        // A name may begin with digits: `3Dchart`.
        self.position = self.word_end(whole);
        TokenKind::Word
    }

    /// Reads a string whose quotes, or the `@` before them, begin at `open`.
    fn string(&mut self, open: usize) -> TokenKind {
        let start = self.position;
        let verbatim = self.bytes[open] == b'@';
        let quote_at = open + usize::from(verbatim);
        let quote = self.bytes[quote_at];
        if matches!(quote, b'`' | b'~') {
            let content = quote_at + 3;
            let fence = &self.text[quote_at..content];
            if let Some(length) = self.text[content..].find(fence) {
                self.position = content + length + 3;
            } else {
                self.position = self.bytes.len();
                let complaint = format!("this string is not closed with {fence}");
                self.diagnostics
                    .push(Diagnostic::new(span(start, content), complaint));
            }
            return TokenKind::String;
        }
        let mut index = quote_at + 1;
        loop {
            match self.bytes.get(index) {
                Some(byte) if *byte == quote => {
                    if verbatim && self.bytes.get(index + 1) == Some(&quote) {
                        index += 2;
                        continue;
                    }
                    self.position = index + 1;
                    return TokenKind::String;
                }
                Some(b'\\') if !verbatim => {
                    let length = crate::literals::escape_length(&self.bytes[index..]);
                    if length == 0 {
                        let end = (index + 2).min(self.bytes.len());
                        let end = (end..=self.bytes.len())
                            .find(|end| self.text.is_char_boundary(*end))
                            .unwrap_or(end);
                        self.diagnostics.push(
                            Diagnostic::new(
                                span(index, end),
                                format!("`{}` is not an escape", &self.text[index..end].trim_end()),
                            )
                            .with_hint("write \\\\ for a backslash, or a verbatim string @\"…\""),
                        );
                        index += 1;
                    } else {
                        index += length;
                    }
                }
                None | Some(b'\n' | b'\r') => {
                    self.position = index;
                    let complaint = format!("this string is not closed with {}", char::from(quote));
                    self.diagnostics.push(
                        Diagnostic::new(span(start, index), complaint)
                            .with_hint("a string ends in its line; ```…``` may span several"),
                    );
                    return TokenKind::String;
                }
                Some(_) => index += 1,
            }
        }
    }
}

fn span(start: usize, end: usize) -> Span {
    Span::new(
        u32::try_from(start).unwrap_or(u32::MAX),
        u32::try_from(end).unwrap_or(u32::MAX),
    )
}

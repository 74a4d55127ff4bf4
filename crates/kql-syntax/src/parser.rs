//! From tokens to the tree: the cursor, its complaints and how it goes on after one.
//!
//! Every function that reads a piece of grammar gives the piece, or [`Failed`] after it has left
//! a diagnostic. A failed operator is skipped up to the next pipe, a failed statement up to the
//! next semicolon, so that one text can give several diagnostics.

mod aggregating;
mod combining;
mod elsewhere;
mod expressions;
mod filtering;
mod graphs;
mod literals;
mod names;
mod operators;
mod scanning;
mod shaping;
mod sources;
mod statements;

use crate::diagnostic::Diagnostic;
use crate::lexer::{Token, TokenKind, tokenize};
use crate::span::Span;
use crate::tree::{Expression, ExpressionKind, Query};
use crate::walk;

/// How deep nodes of a tree may nest; deeper text gets a diagnostic instead of a tree.
///
/// Chains (`a or b or …`, `a + b + …`, pipes, paths, lists) are flat and do not count.
pub const MAX_DEPTH: usize = 128;

/// Longest text that spans can address.
const MAX_LENGTH: usize = u32::MAX as usize - 1;

/// Diagnostics after which the parser stops collecting.
const MAX_DIAGNOSTICS: usize = 100;

/// What [`parse`] gives: always a tree, and what is wrong with the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Parse {
    /// The tree; complete only when there are no diagnostics.
    pub tree: Query,
    /// What is wrong, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses a whole query text.
///
/// ```
/// let parse = kql_syntax::parse("DeviceInfo | where OSPlatform has 'Windows' | take 5");
/// assert!(parse.diagnostics.is_empty());
/// assert_eq!(parse.tree.statements.len(), 1);
///
/// let parse = kql_syntax::parse("DeviceInfo | where | take 5");
/// assert_eq!(parse.diagnostics[0].message, "expected an expression, found `|`");
/// ```
pub fn parse(text: &str) -> Parse {
    if text.len() > MAX_LENGTH {
        let complaint = Diagnostic::new(Span::at(0), "the query is longer than 4 GiB");
        return Parse {
            tree: Query::default(),
            diagnostics: vec![complaint],
        };
    }
    let (tokens, diagnostics) = tokenize(text);
    let mut parser = Parser::new(text, tokens, diagnostics);
    let tree = parser.query();
    let mut diagnostics = parser.diagnostics;
    let (tree, too_deep) = walk::bounded(tree, MAX_DEPTH);
    diagnostics.extend(too_deep.map(nests_too_deep));
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    Parse { tree, diagnostics }
}

fn nests_too_deep(span: Span) -> Diagnostic {
    Diagnostic::new(
        span,
        format!("the query nests deeper than {MAX_DEPTH} levels"),
    )
    .with_hint("name inner parts with let statements")
}

/// A diagnostic has been left; the caller goes on at a place it knows.
#[derive(Clone, Copy, Debug)]
struct Failed;

type Parsed<T> = Result<T, Failed>;

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    position: usize,
    depth: usize,
    /// Whether `column: "term"` is an expression here.
    in_search: bool,
    aborted: bool,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, mut tokens: Vec<Token>, diagnostics: Vec<Diagnostic>) -> Self {
        tokens.retain(|token| token.kind != TokenKind::Comment);
        Self {
            text,
            tokens,
            position: 0,
            depth: 0,
            in_search: false,
            aborted: false,
            diagnostics,
        }
    }

    fn token(&self) -> Token {
        self.ahead(0)
    }

    fn ahead(&self, count: usize) -> Token {
        let index = (self.position + count).min(self.tokens.len() - 1);
        self.tokens[index]
    }

    fn kind(&self) -> TokenKind {
        self.token().kind
    }

    fn kind_ahead(&self, count: usize) -> TokenKind {
        self.ahead(count).kind
    }

    fn span(&self) -> Span {
        self.token().span
    }

    /// The end of what has been read.
    fn end(&self) -> u32 {
        match self.position.checked_sub(1) {
            Some(before) => self.tokens[before].span.end,
            None => 0,
        }
    }

    fn since(&self, start: u32) -> Span {
        Span::new(start, self.end().max(start))
    }

    fn slice(&self, token: Token) -> &'a str {
        &self.text[token.span.range()]
    }

    /// The text of the token when it is a word, otherwise nothing.
    fn word(&self) -> &'a str {
        self.word_ahead(0)
    }

    fn word_ahead(&self, count: usize) -> &'a str {
        let token = self.ahead(count);
        if token.kind == TokenKind::Word {
            self.slice(token)
        } else {
            ""
        }
    }

    fn advance(&mut self) -> Token {
        let token = self.token();
        if token.kind != TokenKind::End {
            self.position += 1;
        }
        token
    }

    fn eat(&mut self, kind: TokenKind) -> bool {
        let eaten = self.kind() == kind;
        if eaten {
            self.advance();
        }
        eaten
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let eaten = self.word() == word;
        if eaten {
            self.advance();
        }
        eaten
    }

    /// Whether the two tokens from `count` on touch each other.
    fn touching(&self, count: usize) -> bool {
        self.ahead(count).span.end == self.ahead(count + 1).span.start
    }

    fn expect(&mut self, kind: TokenKind, shown: &str) -> Parsed<Token> {
        if self.kind() == kind {
            Ok(self.advance())
        } else {
            Err(self.expected(shown))
        }
    }

    fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.eat_word(word) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{word}`")))
        }
    }

    /// Expects the bracket that closes the one at `open`.
    fn expect_close(&mut self, open: Span, kind: TokenKind, shown: &str) -> Parsed<()> {
        if self.eat(kind) {
            return Ok(());
        }
        let line = 1 + self.text[..open.start as usize]
            .bytes()
            .filter(|byte| *byte == b'\n')
            .count();
        let opener = open.slice(self.text);
        let hint = format!("it closes the `{opener}` in line {line}");
        Err(self.complain(self.expectation(shown).or_hint(hint)))
    }

    fn expected(&mut self, what: &str) -> Failed {
        let diagnostic = self.expectation(what);
        self.complain(diagnostic)
    }

    fn expectation(&self, what: &str) -> Diagnostic {
        let token = self.token();
        let diagnostic = if token.kind == TokenKind::End {
            Diagnostic::new(
                Span::at(self.end()),
                format!("expected {what}, found the end of the query"),
            )
        } else {
            let shown: String = self.slice(token).chars().take(40).collect();
            let cut = if shown.len() < token.span.len() as usize {
                "…"
            } else {
                ""
            };
            let shown = shown
                .escape_debug()
                .to_string()
                .replace("\\'", "'")
                .replace("\\\"", "\"");
            // A part of a text may be a part of a secret, which nobody could recognize any more.
            let found = if !cut.is_empty() && token.kind == TokenKind::String {
                "a long string".to_owned()
            } else {
                format!("`{shown}{cut}`")
            };
            Diagnostic::new(token.span, format!("expected {what}, found {found}"))
        };
        match self.elsewhere() {
            Some(hint) => diagnostic.with_hint(hint),
            None => diagnostic,
        }
    }

    fn complain(&mut self, diagnostic: Diagnostic) -> Failed {
        // One complaint per place: what follows from the first would only repeat it.
        let known = self.diagnostics.iter().rev().take(8).any(|other| {
            other.span.start == diagnostic.span.start
                || (other.span.start <= diagnostic.span.start
                    && diagnostic.span.end <= other.span.end)
        });
        if !known && !self.aborted && self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(diagnostic);
        }
        Failed
    }

    /// Counts one level of nesting; past the limit the rest of the text is given up.
    fn enter(&mut self) -> Parsed<()> {
        if self.depth >= MAX_DEPTH {
            let failed = self.complain(nests_too_deep(self.span()));
            self.aborted = true;
            self.position = self.tokens.len() - 1;
            return Err(failed);
        }
        self.depth += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Skips to a token of `stops` outside of any bracket opened on the way, or to a bracket
    /// that closes an outer one.
    fn skip_to(&mut self, stops: &[TokenKind]) {
        let mut open = 0_usize;
        loop {
            let kind = self.kind();
            match kind {
                TokenKind::End => return,
                TokenKind::OpenParenthesis | TokenKind::OpenBracket | TokenKind::OpenBrace => {
                    open += 1;
                }
                TokenKind::CloseParenthesis | TokenKind::CloseBracket | TokenKind::CloseBrace => {
                    if open == 0 {
                        return;
                    }
                    open -= 1;
                }
                _ if open == 0 && stops.contains(&kind) => return,
                _ => {}
            }
            self.advance();
        }
    }

    /// One or more pieces with commas between them.
    fn list<T>(&mut self, mut piece: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut pieces = vec![piece(self)?];
        while self.eat(TokenKind::Comma) {
            pieces.push(piece(self)?);
        }
        Ok(pieces)
    }

    /// Any number of pieces with commas between them, then `close`; a last comma may be allowed.
    fn list_until<T>(
        &mut self,
        open: Span,
        close: (TokenKind, &str),
        trailing_comma: bool,
        mut piece: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        let mut pieces = Vec::new();
        if self.kind() != close.0 {
            loop {
                pieces.push(piece(self)?);
                if !self.eat(TokenKind::Comma) || (trailing_comma && self.kind() == close.0) {
                    break;
                }
            }
        }
        if self.kind() != close.0 && !self.at_boundary() {
            let what = format!("`,` or {}", close.1);
            return Err(self.expected(&what));
        }
        self.expect_close(open, close.0, close.1)?;
        Ok(pieces)
    }

    fn at_boundary(&self) -> bool {
        matches!(
            self.kind(),
            TokenKind::End
                | TokenKind::Semicolon
                | TokenKind::Bar
                | TokenKind::CloseParenthesis
                | TokenKind::CloseBracket
                | TokenKind::CloseBrace
        )
    }
}

const PARENTHESIS: (TokenKind, &str) = (TokenKind::CloseParenthesis, "`)`");
const BRACKET: (TokenKind, &str) = (TokenKind::CloseBracket, "`]`");
const BRACE: (TokenKind, &str) = (TokenKind::CloseBrace, "`}`");

fn expression(kind: ExpressionKind, span: Span) -> Expression {
    Expression { kind, span }
}

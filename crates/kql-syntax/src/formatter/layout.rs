//! The tokens of a query in their order, with the places between them where lines may break.

use std::borrow::Cow;

use crate::lexer::TokenKind;
use crate::span::Span;
use crate::tree::{Name, Query};

use super::pieces::{Piece, pieces};

/// What a laid out query consists of.
#[derive(Debug, PartialEq)]
pub(super) enum Item<'a> {
    /// A token, or a literal of several that keeps its looks.
    Text(Cow<'a, str>),
    /// A comment, after which the line always ends.
    Comment { text: &'a str, own_line: bool },
    /// A blank that never breaks.
    Space,
    /// A blank, or a line break when its group does not fit.
    Line,
    /// Nothing, or a line break when its group does not fit.
    Soft,
    /// A line break.
    Hard,
    /// A blank line, if a line begins here.
    Blank,
    /// Begins a group, whose own places all break or none does; `end` is the index of its end.
    Open { end: usize },
    /// Ends a group.
    Close,
    /// Lines that begin from here on are indented by one more level.
    Indent,
    /// Ends [`Item::Indent`].
    Dedent,
}

/// Which blank lines before comments stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blanks {
    None,
    All,
    /// All but the one before the first comment.
    Inner,
}

/// Goes over tree and tokens side by side and collects [`Item`]s.
pub(super) struct Layout<'a> {
    text: &'a str,
    pieces: Vec<Piece<'a>>,
    /// The piece that comes next.
    next: usize,
    /// How many comments of the next piece have been placed.
    placed: usize,
    items: Vec<Item<'a>>,
}

impl<'a> Layout<'a> {
    /// The items of `query`, which is the tree of `text`.
    pub(super) fn of(text: &'a str, query: &Query) -> Vec<Item<'a>> {
        let mut layout = Self {
            text,
            pieces: pieces(text),
            next: 0,
            placed: 0,
            items: Vec::new(),
        };
        layout.query(query);
        layout.items
    }

    /// The kind of the next token.
    pub(super) fn kind(&self) -> TokenKind {
        self.pieces
            .get(self.next)
            .map_or(TokenKind::End, |piece| piece.token.kind)
    }

    fn start(&self) -> u32 {
        self.pieces
            .get(self.next)
            .map_or(u32::MAX, |piece| piece.token.span.start)
    }

    /// Whether the next token stands before `end`.
    pub(super) fn starts_before(&self, end: u32) -> bool {
        self.start() < end && self.kind() != TokenKind::End
    }

    /// Whether `word` comes next.
    pub(super) fn at_word(&self, word: &str) -> bool {
        self.pieces
            .get(self.next)
            .is_some_and(|piece| piece.token.span.slice(self.text) == word)
    }

    /// Takes over the next token.
    pub(super) fn token(&mut self) {
        if let Some(piece) = self.pieces.get(self.next) {
            let text = piece.token.span.slice(self.text);
            self.text(Cow::Borrowed(text));
            self.pass();
        }
    }

    /// Takes over the next token in another spelling.
    pub(super) fn token_as(&mut self, text: &'static str) {
        self.text(Cow::Borrowed(text));
        self.pass();
    }

    /// Leaves the next token out; its comments go to the one after it.
    pub(super) fn leave_out(&mut self, kind: TokenKind) {
        if self.kind() == kind {
            self.pass();
        }
    }

    fn pass(&mut self) {
        if self.kind() != TokenKind::End {
            self.next += 1;
            self.placed = 0;
        }
    }

    fn text(&mut self, text: Cow<'a, str>) {
        self.comments(Blanks::None);
        self.items.push(Item::Text(text));
    }

    /// Takes over the tokens before `end` without blanks, but for those between strings.
    pub(super) fn tokens_to(&mut self, end: u32) {
        let mut before = TokenKind::End;
        while self.starts_before(end) {
            if before == TokenKind::String && self.kind() == TokenKind::String {
                self.space();
            }
            before = self.kind();
            self.token();
        }
    }

    /// Takes over the tokens before `start`, if a construct has left some, with a blank after each.
    pub(super) fn catch_up(&mut self, start: u32) {
        while self.starts_before(start) {
            self.token();
            self.space();
        }
    }

    /// Takes over what stands in `span` as it is, comments included.
    pub(super) fn verbatim(&mut self, span: Span) {
        let source = span.slice(self.text);
        self.comments(Blanks::None);
        if !source.contains('\r') {
            self.items.push(Item::Text(Cow::Borrowed(source)));
            while self.starts_before(span.end) {
                self.pass();
            }
            return;
        }
        // Line ends are made one, but not inside of strings, where they are part of the value.
        let mut text = String::with_capacity(source.len());
        let mut end = span.start;
        while self.start() < span.end
            && let Some(piece) = self.pieces.get(self.next)
        {
            let token = piece.token.span;
            let gap = Span::new(end, token.start).slice(self.text);
            text.push_str(&gap.replace("\r\n", "\n").replace('\r', "\n"));
            text.push_str(token.slice(self.text));
            end = token.end;
            self.pass();
        }
        self.items.push(Item::Text(Cow::Owned(text)));
    }

    pub(super) fn name(&mut self, name: &Name) {
        self.tokens_to(name.span.end);
    }

    pub(super) fn space(&mut self) {
        self.trailing_comment();
        self.items.push(Item::Space);
    }

    pub(super) fn line(&mut self) {
        self.breakable(Item::Line);
    }

    pub(super) fn soft(&mut self) {
        self.breakable(Item::Soft);
    }

    pub(super) fn hard(&mut self) {
        self.breakable(Item::Hard);
    }

    fn breakable(&mut self, item: Item<'a>) {
        self.trailing_comment();
        self.items.push(item);
        self.comments(Blanks::None);
    }

    /// A [`Layout::line`] that leaves the comments after it to be placed.
    pub(super) fn bare_line(&mut self) {
        self.trailing_comment();
        self.items.push(Item::Line);
    }

    /// A [`Layout::soft`] that leaves the comments after it to be placed.
    pub(super) fn bare_soft(&mut self) {
        self.trailing_comment();
        self.items.push(Item::Soft);
    }

    /// The break between two statements, where a blank line may stay.
    pub(super) fn statement_break(&mut self) {
        self.trailing_comment();
        self.items.push(Item::Hard);
        self.comments(Blanks::All);
        self.blank_line();
    }

    /// Before the first of some statements: a blank line stays only after comments.
    pub(super) fn first_statement(&mut self) {
        let commented = self.placed < self.comment_count();
        self.comments(Blanks::Inner);
        if commented {
            self.blank_line();
        }
    }

    fn blank_line(&mut self) {
        let blank = self
            .pieces
            .get(self.next)
            .is_some_and(|piece| piece.blank_before);
        if blank && self.kind() != TokenKind::End {
            self.items.push(Item::Blank);
        }
    }

    fn comment_count(&self) -> usize {
        self.pieces
            .get(self.next)
            .map_or(0, |piece| piece.comments.len())
    }

    /// Places the comment that ends the line of the token before.
    ///
    /// This waits until something follows that token, so that the groups it ends have ended:
    /// a comment after an operand is no reason to break the operand.
    pub(super) fn trailing_comment(&mut self) {
        if self.placed == 0
            && let Some(piece) = self.pieces.get(self.next)
            && let Some(comment) = piece.comments.first()
            && !comment.own_line
        {
            self.items.push(Item::Comment {
                text: comment.text,
                own_line: false,
            });
            self.placed = 1;
        }
    }

    /// Places the comments before the next token that have no place yet.
    pub(super) fn comments(&mut self, blanks: Blanks) {
        self.trailing_comment();
        let Some(piece) = self.pieces.get(self.next) else {
            return;
        };
        for (index, comment) in piece.comments.iter().enumerate().skip(self.placed) {
            let kept = match blanks {
                Blanks::None => false,
                Blanks::All => true,
                Blanks::Inner => index > 0,
            };
            if kept && comment.blank_before {
                self.items.push(Item::Blank);
            }
            self.items.push(Item::Comment {
                text: comment.text,
                own_line: true,
            });
        }
        self.placed = piece.comments.len();
    }

    /// Places the comments before a closing bracket, where what it encloses stands.
    pub(super) fn closing_comments(&mut self, blanks: Blanks) {
        self.trailing_comment();
        if self.placed < self.comment_count() {
            self.items.push(Item::Hard);
            self.comments(blanks);
        }
    }

    pub(super) fn group(&mut self, inside: impl FnOnce(&mut Self)) {
        self.trailing_comment();
        let open = self.items.len();
        self.items.push(Item::Open { end: open });
        inside(self);
        self.items[open] = Item::Open {
            end: self.items.len(),
        };
        self.items.push(Item::Close);
    }

    pub(super) fn indent(&mut self, inside: impl FnOnce(&mut Self)) {
        self.items.push(Item::Indent);
        inside(self);
        self.items.push(Item::Dedent);
    }

    /// A bracket, what is inside, and the bracket that closes it: in a line, or indented between.
    pub(super) fn enclosed(&mut self, inside: impl FnOnce(&mut Self)) {
        self.enclosed_by(Self::soft, inside);
    }

    /// The same with `edge` as the breaks after the opening and before the closing bracket.
    pub(super) fn enclosed_by(&mut self, edge: fn(&mut Self), inside: impl FnOnce(&mut Self)) {
        self.group(|layout| {
            layout.token();
            layout.indent(|layout| {
                edge(layout);
                inside(layout);
                layout.closing_comments(Blanks::None);
            });
            edge(layout);
            layout.token();
        });
    }

    /// Pieces with commas between them, each in a line of its own when the group breaks.
    pub(super) fn list<T>(&mut self, pieces: &[T], mut each: impl FnMut(&mut Self, &T)) {
        for (index, piece) in pieces.iter().enumerate() {
            if index > 0 {
                self.token();
                self.line();
            }
            each(self, piece);
        }
    }

    /// The list after a keyword: in its line, or indented below it, one piece a line.
    pub(super) fn block<T>(&mut self, pieces: &[T], mut each: impl FnMut(&mut Self, &T)) {
        match pieces {
            [] => {}
            [piece] => {
                self.space();
                each(self, piece);
            }
            _ => self.group(|layout| {
                layout.indent(|layout| {
                    layout.line();
                    layout.list(pieces, each);
                });
            }),
        }
    }

    /// A keyword that may begin a line, after it a blank.
    pub(super) fn clause(&mut self) {
        self.line();
        self.token();
        self.space();
    }
}

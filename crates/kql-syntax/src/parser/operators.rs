//! Which operator a keyword begins, and pipes of them.

use super::{PARENTHESIS, Parsed, Parser, elsewhere};
use crate::diagnostic::Diagnostic;
use crate::keywords::{Freedom, freedom};
use crate::lexer::TokenKind;
use crate::span::Span;
use crate::tree::{Name, Operator, OperatorKind, Setting};

/// An operator's options and what it does.
pub(super) type Read = (Vec<Setting>, OperatorKind);

/// The operators people write, for suggestions.
pub(super) const KNOWN: &[&str] = &[
    "as",
    "assert-schema",
    "consume",
    "count",
    "distinct",
    "evaluate",
    "extend",
    "facet",
    "filter",
    "find",
    "fork",
    "getschema",
    "graph-mark-components",
    "graph-match",
    "graph-shortest-paths",
    "graph-to-table",
    "graph-where-edges",
    "graph-where-nodes",
    "invoke",
    "join",
    "limit",
    "lookup",
    "macro-expand",
    "make-graph",
    "make-series",
    "mv-apply",
    "mv-expand",
    "order",
    "parse",
    "parse-kv",
    "parse-where",
    "partition",
    "print",
    "project",
    "project-away",
    "project-by-names",
    "project-keep",
    "project-rename",
    "project-reorder",
    "range",
    "reduce",
    "render",
    "sample",
    "sample-distinct",
    "scan",
    "search",
    "serialize",
    "sort",
    "summarize",
    "take",
    "top",
    "top-hitters",
    "top-nested",
    "union",
    "where",
];

impl Parser<'_> {
    /// Whether an operator stands here that gives rows of its own.
    pub(super) fn at_source_operator(&self) -> bool {
        match self.word() {
            "find" | "macro-expand" | "print" | "search" | "union" => true,
            "evaluate" => {
                self.name_length(1, Freedom::Anywhere) > 0 || self.word_ahead(1) == "hint"
            }
            "range" => {
                let length = self.name_length(1, Freedom::Anywhere);
                length > 0 && self.word_ahead(1 + length) == "from"
            }
            _ => false,
        }
    }

    pub(super) fn refuse_operator_as_source(&mut self) -> Parsed<()> {
        let word = self.word();
        let misplaced = freedom(word) < Freedom::Anywhere
            && KNOWN.contains(&word)
            && !matches!(
                self.kind_ahead(1),
                TokenKind::OpenParenthesis | TokenKind::Assign
            );
        if misplaced {
            let message = format!("expected a table or a value, found the operator `{word}`");
            let hint = format!("a query begins with a table: T | {word} …");
            return Err(self.complain(Diagnostic::new(self.span(), message).with_hint(hint)));
        }
        Ok(())
    }

    /// The operators after pipes; a failed one is left as [`OperatorKind::Error`].
    pub(super) fn piped(&mut self) -> Vec<Operator> {
        let mut operators = Vec::new();
        while self.eat(TokenKind::Bar) {
            let first = self.position;
            operators.push(self.operator_or_skip(first));
        }
        operators
    }

    fn operator_or_skip(&mut self, first: usize) -> Operator {
        match self.operator() {
            Ok(operator) if self.at_boundary() => operator,
            Ok(operator) => {
                self.unexpected_after_operator(&operator.keyword);
                self.skip_from(first, &[TokenKind::Bar, TokenKind::Semicolon]);
                operator
            }
            Err(_) => {
                let start = self.tokens[first.min(self.tokens.len() - 1)].span.start;
                // The second half of `||` begins no operator of its own.
                if self.position == first && self.kind() == TokenKind::Bar {
                    self.advance();
                }
                self.skip_from(first, &[TokenKind::Bar, TokenKind::Semicolon]);
                let keyword = Name {
                    text: String::new(),
                    bracketed: false,
                    span: Span::at(start),
                };
                Operator {
                    kind: OperatorKind::Error,
                    options: Vec::new(),
                    keyword,
                    span: self.since(start),
                }
            }
        }
    }

    fn unexpected_after_operator(&mut self, keyword: &Name) {
        let diagnostic = if KNOWN.contains(&self.word()) {
            let hint = "each operator stands after a pipe of its own";
            self.expectation("`|`").or_hint(hint)
        } else {
            let diagnostic = self.expectation(&format!("`|`, `;` or more of `{}`", keyword.text));
            match self.missing_before(keyword) {
                Some(hint) => diagnostic.or_hint(hint),
                None => diagnostic,
            }
        };
        self.complain(diagnostic);
    }

    /// What was probably forgotten between an operator's expression and the next one.
    fn missing_before(&self, keyword: &Name) -> Option<&'static str> {
        let begins_a_value = matches!(
            self.kind(),
            TokenKind::Word
                | TokenKind::String
                | TokenKind::Long
                | TokenKind::Typed
                | TokenKind::OpenParenthesis
        );
        match keyword.text.as_str() {
            _ if !begins_a_value => None,
            "where" | "filter" => Some("is `and`, `or` or a comparison missing before it?"),
            "extend" | "project" | "summarize" | "print" => {
                Some("is `,` or `=` missing before it?")
            }
            "distinct" | "sort" | "order" | "top" | "project-away" | "project-keep"
            | "project-reorder" => Some("is `,` missing before it?"),
            _ => None,
        }
    }

    /// Like [`Parser::skip_to`], but leaves the brackets opened since `first` as well.
    pub(super) fn skip_from(&mut self, first: usize, stops: &[TokenKind]) {
        let mut open = 0_usize;
        for token in &self.tokens[first.min(self.position)..self.position] {
            match token.kind {
                TokenKind::OpenParenthesis | TokenKind::OpenBracket | TokenKind::OpenBrace => {
                    open += 1;
                }
                TokenKind::CloseParenthesis | TokenKind::CloseBracket | TokenKind::CloseBrace => {
                    open = open.saturating_sub(1);
                }
                _ => {}
            }
        }
        loop {
            self.skip_to(stops);
            let closes = matches!(
                self.kind(),
                TokenKind::CloseParenthesis | TokenKind::CloseBracket | TokenKind::CloseBrace
            );
            if !closes || open == 0 {
                return;
            }
            open -= 1;
            self.advance();
        }
    }

    /// `operator | operator …` between parentheses.
    pub(super) fn subquery(&mut self) -> Parsed<Vec<Operator>> {
        let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
        let first = self.position;
        let mut operators = vec![self.operator_or_skip(first)];
        operators.extend(self.piped());
        self.expect_close(open.span, PARENTHESIS.0, "`|` or `)`")?;
        Ok(operators)
    }

    /// One operator, from its keyword on.
    pub(super) fn operator(&mut self) -> Parsed<Operator> {
        self.enter()?;
        let result = self.any_operator();
        self.leave();
        result
    }

    fn any_operator(&mut self) -> Parsed<Operator> {
        let token = self.token();
        let Some(read) = reader(self.word()) else {
            return Err(self.unknown_operator());
        };
        self.advance();
        let keyword = self.name_of(token);
        let (options, kind) = read(self)?;
        Ok(Operator {
            kind,
            options,
            keyword,
            span: self.since(token.span.start),
        })
    }

    fn unknown_operator(&mut self) -> super::Failed {
        let diagnostic = self.expectation("an operator");
        let word = self.word().to_owned();
        let diagnostic = match (elsewhere::operator(&word), nearest(&word)) {
            (Some(hint), _) => diagnostic.with_hint(hint),
            (None, Some(known)) => diagnostic.with_hint(format!("did you mean `{known}`?")),
            (None, None) => diagnostic,
        };
        self.complain(diagnostic)
    }
}

fn reader<'a>(word: &str) -> Option<fn(&mut Parser<'a>) -> Parsed<Read>> {
    Some(match word {
        "as" => Parser::as_operator,
        "assert-schema" => Parser::assert_schema,
        "consume" => Parser::consume,
        "count" => Parser::count,
        "distinct" => Parser::distinct,
        "evaluate" => Parser::evaluate,
        "__executeAndCache" => Parser::execute_and_cache,
        "extend" => Parser::extend,
        "facet" => Parser::facet,
        "find" => Parser::find,
        "fork" => Parser::fork,
        "getschema" => Parser::get_schema,
        "graph-mark-components" => Parser::graph_mark_components,
        "graph-match" => Parser::graph_match,
        "graph-shortest-paths" => Parser::graph_shortest_paths,
        "graph-to-table" => Parser::graph_to_table,
        "graph-where-edges" => Parser::graph_where_edges,
        "graph-where-nodes" => Parser::graph_where_nodes,
        "invoke" => Parser::invoke,
        "join" => Parser::join,
        "lookup" => Parser::lookup,
        "macro-expand" => Parser::macro_expand,
        "make-graph" => Parser::make_graph,
        "make-series" => Parser::make_series,
        "mv-apply" | "mvapply" => Parser::mv_apply,
        "mv-expand" | "mvexpand" => Parser::mv_expand,
        "parse" => Parser::parse_operator,
        "parse-kv" => Parser::parse_kv,
        "parse-where" => Parser::parse_where,
        "partition" => Parser::partition,
        "print" => Parser::print,
        "project" => Parser::project,
        "project-away" => Parser::project_away,
        "project-by-names" => Parser::project_by_names,
        "project-keep" => Parser::project_keep,
        "project-rename" => Parser::project_rename,
        "project-reorder" => Parser::project_reorder,
        "range" => Parser::range,
        "reduce" => Parser::reduce,
        "render" => Parser::render,
        "sample" => Parser::sample,
        "sample-distinct" => Parser::sample_distinct,
        "scan" => Parser::scan,
        "search" => Parser::search,
        "serialize" => Parser::serialize,
        "sort" | "order" => Parser::sort,
        "summarize" => Parser::summarize,
        "take" | "limit" => Parser::take,
        "top" => Parser::top,
        "top-hitters" => Parser::top_hitters,
        "top-nested" => Parser::top_nested,
        "union" => Parser::union,
        "where" | "filter" => Parser::filter,
        _ => return None,
    })
}

/// The operator that `word` was probably meant to be.
fn nearest(word: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase().replace('_', "-");
    if lower.len() < 3 || lower.len() > 24 {
        return None;
    }
    let alias = match lower.as_str() {
        "select" => Some("project"),
        "orderby" => Some("order"),
        "group" | "groupby" => Some("summarize"),
        "head" => Some("take"),
        _ => None,
    };
    alias.or_else(|| crate::nearest(&lower, KNOWN.iter().copied()))
}

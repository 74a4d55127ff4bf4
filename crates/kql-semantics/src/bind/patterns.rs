//! `declare pattern`: tables by the values of their arguments.
//!
//! Source: <https://learn.microsoft.com/kusto/query/pattern-statement>

use kql_syntax::Span;
use kql_syntax::tree::{self, Segment};

use super::calls::text_argument;
use super::comparisons::string_literal;
use super::rows::Rows;
use super::scope::{Entity, Scope};
use super::{Binder, Outcome};
use crate::diagnostic::DiagnosticKind;

impl<'a> Binder<'a> {
    /// Whether a call, maybe with a path behind it, is one of a declared pattern.
    pub(super) fn is_pattern(&self, call: &tree::Call, scope: Scope) -> bool {
        matches!(
            self.lookup(scope, &call.function.text),
            Some(Entity::Pattern { .. })
        )
    }

    /// The rows of the case that a call of a pattern means.
    pub(super) fn pattern(
        &mut self,
        call: &'a tree::Call,
        segments: &'a [Segment],
        scope: Scope,
        span: Span,
    ) -> Outcome<Rows> {
        let name = call.function.text.as_str();
        let Some(Entity::Pattern { pattern, scope }) = self.lookup(scope, name).cloned() else {
            return self.unsupported(span, format!("'{name}'"));
        };
        let path = match segments {
            [] => None,
            [Segment::Member(name)] => Some(name.text.as_str()),
            [Segment::Index(index)] => string_literal(index),
            _ => {
                return self.refuse(
                    DiagnosticKind::Meaning,
                    span,
                    format!("the pattern '{name}' takes a path of one name"),
                );
            }
        };
        let fits = |case: &&tree::PatternCase| {
            case.path.as_ref().and_then(text) == path
                && case.arguments.len() == call.arguments.len()
                && (0..call.arguments.len())
                    .all(|at| text(&case.arguments[at]) == text_argument(call, at))
        };
        let Some(case) = pattern.cases.iter().find(fits) else {
            return self.refuse(
                DiagnosticKind::Name,
                span,
                format!("the pattern '{name}' declares nothing for these values"),
            );
        };
        self.deeper(case.body.span, |binder| {
            let (inner, answers) = binder.statements(&case.body.statements, scope)?;
            match answers.last() {
                Some(answer) => binder.tabular(answer, inner),
                None => binder.refuse(
                    DiagnosticKind::Meaning,
                    case.body.span,
                    "the body has no result",
                ),
            }
        })
    }
}

fn text(literal: &tree::Literal) -> Option<&str> {
    match &literal.value {
        tree::LiteralValue::String { value, .. } => Some(value),
        _ => None,
    }
}

//! The number of rows that a query of the library keeps where nobody said how many.

use defender_core::Result;
use defender_query::queries::{Language, Origin, Rendered, Value};
use defender_query::{Answer, Event};
use defender_table::{Warning, WarningKind};
use futures::StreamExt as _;
use kql_syntax::tree::{
    Expression, ExpressionKind, LiteralValue, OperatorKind, Rows, StatementKind,
};

/// A `take` at the end of a query whose number is the default of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DefaultLimit {
    rows: usize,
    parameter: String,
}

impl DefaultLimit {
    /// The limit of a query, where it has one and the caller did not set it.
    pub(crate) fn of(rendered: &Rendered) -> Option<Self> {
        if rendered.language != Language::Kql {
            return None;
        }
        let rows = kept(&rendered.text)?;
        let written = rows.to_string();
        let is_default = |value: &Value, origin: Origin| {
            origin != Origin::Call
                && match value {
                    Value::Int(number) => number.to_string() == written,
                    Value::Text(text) => text.trim() == written,
                    _ => false,
                }
        };
        let mut of_it = rendered.used.iter();
        let (parameter, _) = of_it.find(|(_, used)| is_default(&used.value, used.origin))?;
        Some(Self {
            rows,
            parameter: parameter.clone(),
        })
    }

    /// The answer, which says at its end where it has as many rows as are kept.
    pub(crate) fn told(self, answer: Answer) -> Answer {
        let mut rows = 0;
        let events = answer
            .events
            .map(move |event: Result<Event>| -> Result<Event> {
                let mut event = event?;
                match &mut event {
                    Event::Batch(batch) => rows += batch.num_rows(),
                    Event::Summary(summary) if rows >= self.rows && !summary.is_cut() => {
                        summary.warnings.push(self.warning());
                    }
                    Event::Summary(_) => {}
                }
                Ok(event)
            });
        Answer::new(answer.schema, events)
    }

    fn warning(&self) -> Warning {
        let Self { rows, parameter } = self;
        Warning::new(
            WarningKind::Rows,
            format!(
                "the query keeps at most {rows} rows, and has found as many: there may be more; \
                 -p {parameter}=N sets how many it keeps"
            ),
        )
    }
}

/// How many rows the last step of a query keeps that leaves any out.
fn kept(text: &str) -> Option<usize> {
    let parsed = kql_syntax::parse(text);
    let StatementKind::Expression(expression) = &parsed.tree.statements.last()?.kind else {
        return None;
    };
    let ExpressionKind::Pipe(pipe) = &expression.kind else {
        return None;
    };
    // What comes behind it may order the rows, or add columns to them.
    let mut operators = pipe.operators.iter().rev();
    let last = operators.find(|operator| operator.effect().rows != Rows::Same)?;
    match &last.kind {
        OperatorKind::Take(count) => number(count),
        OperatorKind::Top(top) => number(&top.count),
        _ => None,
    }
}

fn number(count: &Expression) -> Option<usize> {
    let ExpressionKind::Literal(literal) = &count.kind else {
        return None;
    };
    match literal.value {
        LiteralValue::Int(Some(count)) => usize::try_from(count).ok(),
        LiteralValue::Long(Some(count)) => usize::try_from(count).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_that_leaves_rows_out_is_the_limit() {
        for (text, expected) in [
            ("T | take 1000", Some(1000)),
            ("T | where x == 1 | top 5 by y", Some(5)),
            (
                "let n = 1; T | limit int(7) | extend z = 1 | sort by z",
                Some(7),
            ),
            ("T | take 1000 | where x == 1", None),
            ("T | take 1000 | summarize count()", None),
            ("T | take n", None),
            ("T | count", None),
            ("T", None),
            ("let x = 1;", None),
        ] {
            assert_eq!(kept(text), expected, "{text}");
        }
    }
}

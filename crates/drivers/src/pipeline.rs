//! What the text of a query says about its own rows: how many at most, and from which table.

use kql_syntax::tree::{
    Expression, ExpressionKind, LiteralValue, Operator, OperatorKind, Rows, StatementKind,
};

/// The number of rows that the query itself ends at, by a last `take`, `top` or `sample`.
///
/// `None` also when the text cannot be understood: then nothing explains a full answer.
pub(crate) fn own_limit(text: &str) -> Option<usize> {
    let parse = kql_syntax::parse(text);
    if !parse.diagnostics.is_empty() {
        return None;
    }
    let StatementKind::Expression(answer) = &parse.tree.statements.last()?.kind else {
        return None;
    };
    let ExpressionKind::Pipe(pipe) = &answer.kind else {
        return None;
    };
    for operator in pipe.operators.iter().rev() {
        match &operator.kind {
            OperatorKind::Take(count) => return number(count),
            OperatorKind::Top(top) => return number(&top.count),
            OperatorKind::Sample(count) | OperatorKind::SampleDistinct { count, .. } => {
                return number(count);
            }
            _ if operator.effect().rows == Rows::Same => {}
            _ => return None,
        }
    }
    None
}

fn number(expression: &Expression) -> Option<usize> {
    match &expression.kind {
        ExpressionKind::Literal(literal) => match literal.value {
            LiteralValue::Long(Some(count)) => usize::try_from(count).ok(),
            LiteralValue::Int(Some(count)) => usize::try_from(count).ok(),
            _ => None,
        },
        ExpressionKind::Parenthesized(inner) => number(inner),
        _ => None,
    }
}

/// The line that looks at a range of time only.
pub(crate) fn line(timespan: defender_table::Timespan) -> String {
    use defender_table::ticks::format_datetime;
    format!(
        "| where Timestamp between (datetime({}) .. datetime({}))",
        format_datetime(timespan.start()),
        format_datetime(timespan.end())
    )
}

/// The query with `line` right after its table, or `None` where that could miss rows or change
/// what is asked.
///
/// It is safe in one pipeline over one table that is named where it begins and that has a
/// `Timestamp`, with nothing in it that could read another table.
pub(crate) fn insert(text: &str, line: &str) -> Option<String> {
    let parse = kql_syntax::parse(text);
    let [statement] = parse.tree.statements.as_slice() else {
        return None;
    };
    if !parse.diagnostics.is_empty() || !parse.tree.directives.is_empty() {
        return None;
    }
    let StatementKind::Expression(answer) = &statement.kind else {
        return None;
    };
    let (source, operators) = match &answer.kind {
        ExpressionKind::Pipe(pipe) => (&*pipe.source, pipe.operators.as_slice()),
        _ => (answer, [].as_slice()),
    };
    let ExpressionKind::Name(table) = &source.kind else {
        return None;
    };
    if !has_timestamp(&table.text) || operators.iter().any(Operator::may_read_tables) {
        return None;
    }
    let end = filter_place(source, operators);
    Some(format!("{}\n{line}{}", text.get(..end)?, text.get(end..)?))
}

/// Where a filter of rows changes nothing else: behind the source, and behind a `search` that comes
/// first, since that calls the rows after their table as long as no operator stands between.
pub(crate) fn filter_place(source: &Expression, operators: &[Operator]) -> usize {
    let search = operators.first();
    let search = search.filter(|first| matches!(first.kind, OperatorKind::Search(_)));
    search.map_or(source.span, |search| search.span).range().end
}

/// Whether a table has a `Timestamp`; one that the schema does not know is taken to have one.
pub(crate) fn has_timestamp(table: &str) -> bool {
    defender_schema::table(table).is_none_or(|table| table.column("Timestamp").is_some())
}

#[cfg(test)]
mod tests;

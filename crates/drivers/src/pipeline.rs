//! What the text of a query says about its own rows: how many at most, and from which table.

use kql_syntax::tree::{
    Expression, ExpressionKind, LiteralValue, NamedExpression, Operator, OperatorKind, Ordered,
    Segment, StatementKind,
};

/// The number of rows that the query itself ends at, by a last `take`, `limit` or `top`.
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
            // As many rows come out as go in.
            OperatorKind::Project(_)
            | OperatorKind::ProjectAway(_)
            | OperatorKind::ProjectKeep(_)
            | OperatorKind::ProjectRename(_)
            | OperatorKind::ProjectReorder(_)
            | OperatorKind::Extend(_)
            | OperatorKind::Sort(_)
            | OperatorKind::Serialize(_)
            | OperatorKind::As(_)
            | OperatorKind::Parse(_)
            | OperatorKind::Render(_) => {}
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
    if !has_timestamp(&table.text) || !operators.iter().all(reads_its_input_only) {
        return None;
    }
    let end = source.span.range().end;
    Some(format!("{}\n{line}{}", text.get(..end)?, text.get(end..)?))
}

/// Tables of states rather than events have no `Timestamp`.
///
/// Source: <https://learn.microsoft.com/defender-xdr/advanced-hunting-schema-tables>
pub(crate) fn has_timestamp(table: &str) -> bool {
    !["DeviceTvm", "DeviceBaseline", "ExposureGraph"]
        .iter()
        .any(|family| table.starts_with(family))
}

fn reads_its_input_only(operator: &Operator) -> bool {
    let all = |expressions: &[Expression]| expressions.iter().all(is_plain);
    let named = |expressions: &[NamedExpression]| {
        expressions.iter().all(|named| is_plain(&named.expression))
    };
    let ordered = |columns: &[Ordered]| {
        columns
            .iter()
            .all(|column| is_plain(&column.column.expression))
    };
    match &operator.kind {
        OperatorKind::Where(expression)
        | OperatorKind::Take(expression)
        | OperatorKind::Sample(expression) => is_plain(expression),
        OperatorKind::SampleDistinct { count, of } => is_plain(count) && is_plain(of),
        OperatorKind::Count(_) | OperatorKind::GetSchema | OperatorKind::As(_) => true,
        OperatorKind::ProjectAway(expressions) | OperatorKind::ProjectKeep(expressions) => {
            all(expressions)
        }
        OperatorKind::Distinct(expressions)
        | OperatorKind::Extend(expressions)
        | OperatorKind::Project(expressions)
        | OperatorKind::ProjectRename(expressions)
        | OperatorKind::Serialize(expressions) => named(expressions),
        OperatorKind::ProjectReorder(columns) | OperatorKind::Sort(columns) => ordered(columns),
        OperatorKind::Top(top) => is_plain(&top.count) && ordered(&top.by),
        OperatorKind::Summarize(summarize) => {
            named(&summarize.aggregates)
                && named(summarize.by.as_deref().unwrap_or_default())
                && summarize.bin.as_ref().is_none_or(is_plain)
        }
        OperatorKind::Parse(parse) | OperatorKind::ParseWhere(parse) => is_plain(&parse.source),
        OperatorKind::MvExpand(expand) => expand
            .columns
            .iter()
            .all(|column| is_plain(&column.column.expression)),
        _ => false,
    }
}

/// Whether an expression holds no query of its own. The tree is no deeper than the parser allows.
fn is_plain(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Name(_)
        | ExpressionKind::Wildcard(_)
        | ExpressionKind::Literal(_)
        | ExpressionKind::TypeOf(_) => true,
        ExpressionKind::Parenthesized(inner) => is_plain(inner),
        ExpressionKind::Unary(unary) => is_plain(&unary.operand),
        ExpressionKind::Logical(logical) => logical.operands.iter().all(is_plain),
        ExpressionKind::Arithmetic(arithmetic) => {
            is_plain(&arithmetic.first) && arithmetic.rest.iter().all(|(_, term)| is_plain(term))
        }
        ExpressionKind::Comparison(comparison) => {
            is_plain(&comparison.left) && is_plain(&comparison.right)
        }
        // A name alone between the parentheses may be a table.
        ExpressionKind::In(lookup) => {
            is_plain(&lookup.left)
                && lookup
                    .right
                    .iter()
                    .all(|value| is_plain(value) && !matches!(value.kind, ExpressionKind::Name(_)))
        }
        ExpressionKind::Between(between) => {
            is_plain(&between.operand) && is_plain(&between.low) && is_plain(&between.high)
        }
        ExpressionKind::Path(path) => {
            is_plain(&path.base)
                && path.segments.iter().all(|segment| match segment {
                    Segment::Member(_) => true,
                    Segment::Index(index) => is_plain(index),
                    Segment::Wildcard { .. } | Segment::Call(_) => false,
                })
        }
        ExpressionKind::Call(call) => call
            .arguments
            .iter()
            .all(|argument| is_plain(&argument.value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;

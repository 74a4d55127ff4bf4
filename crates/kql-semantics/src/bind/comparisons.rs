//! Comparisons, string operators, sets and ranges.

use kql_syntax::Span;
use kql_syntax::tree::{self, ComparisonOperator, ExpressionKind, InOperator};

use super::arithmetic::wider;
use super::rows::Rows;
use super::{Binder, Context, Outcome};
use crate::bound::{
    Assignment, CompareOp, Expr, ExprKind, Operator, SetOp, SetOperand, TextOp, Value,
};
use crate::diagnostic::DiagnosticKind;
use crate::types::ScalarType::{
    self, Bool, DateTime, Dynamic, Guid, Long, String as Text, TimeSpan,
};

/// What a written comparison is.
pub(super) enum Comparison {
    Values(CompareOp),
    Texts(TextOp, bool),
}

pub(super) const fn comparison(operator: ComparisonOperator) -> Comparison {
    use Comparison::{Texts, Values};
    use ComparisonOperator as Written;
    match operator {
        Written::Equal => Values(CompareOp::Equal),
        Written::NotEqual => Values(CompareOp::NotEqual),
        Written::Less => Values(CompareOp::Less),
        Written::LessOrEqual => Values(CompareOp::LessOrEqual),
        Written::Greater => Values(CompareOp::Greater),
        Written::GreaterOrEqual => Values(CompareOp::GreaterOrEqual),
        Written::EqualFold => Values(CompareOp::EqualIgnoreCase),
        Written::NotEqualFold => Values(CompareOp::NotEqualIgnoreCase),
        Written::Has | Written::SearchMatch => Texts(TextOp::Has, false),
        Written::NotHas => Texts(TextOp::Has, true),
        Written::HasCs => Texts(TextOp::HasCs, false),
        Written::NotHasCs => Texts(TextOp::HasCs, true),
        Written::HasPrefix => Texts(TextOp::HasPrefix, false),
        Written::NotHasPrefix => Texts(TextOp::HasPrefix, true),
        Written::HasPrefixCs => Texts(TextOp::HasPrefixCs, false),
        Written::NotHasPrefixCs => Texts(TextOp::HasPrefixCs, true),
        Written::HasSuffix => Texts(TextOp::HasSuffix, false),
        Written::NotHasSuffix => Texts(TextOp::HasSuffix, true),
        Written::HasSuffixCs => Texts(TextOp::HasSuffixCs, false),
        Written::NotHasSuffixCs => Texts(TextOp::HasSuffixCs, true),
        Written::Contains => Texts(TextOp::Contains, false),
        Written::NotContains => Texts(TextOp::Contains, true),
        Written::ContainsCs => Texts(TextOp::ContainsCs, false),
        Written::NotContainsCs => Texts(TextOp::ContainsCs, true),
        Written::StartsWith => Texts(TextOp::StartsWith, false),
        Written::NotStartsWith => Texts(TextOp::StartsWith, true),
        Written::StartsWithCs => Texts(TextOp::StartsWithCs, false),
        Written::NotStartsWithCs => Texts(TextOp::StartsWithCs, true),
        Written::EndsWith => Texts(TextOp::EndsWith, false),
        Written::NotEndsWith => Texts(TextOp::EndsWith, true),
        Written::EndsWithCs => Texts(TextOp::EndsWithCs, false),
        Written::NotEndsWithCs => Texts(TextOp::EndsWithCs, true),
        Written::MatchesRegex => Texts(TextOp::MatchesRegex, false),
        Written::Like => Texts(TextOp::Like, false),
        Written::NotLike => Texts(TextOp::Like, true),
        Written::LikeCs => Texts(TextOp::LikeCs, false),
        Written::NotLikeCs => Texts(TextOp::LikeCs, true),
    }
}

impl<'a> Binder<'a> {
    pub(super) fn comparison(
        &mut self,
        written: &'a tree::Comparison,
        span: Span,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        if matches!(&written.left.kind, ExpressionKind::Wildcard(text) if text == "*") {
            let columns = context.columns.to_vec();
            return self.any_column(written, &columns, None, span);
        }
        let left = self.expression(&written.left, context);
        let right = self.expression(&written.right, context);
        let (left, right) = (left?, right?);
        match comparison(written.operator) {
            Comparison::Values(op) => self.compare(op, left, right, written.operator.text(), span),
            Comparison::Texts(op, negated) => {
                for side in [&left, &right] {
                    if !matches!(side.ty, Text | Dynamic) {
                        let (ty, span) = (side.ty, side.span);
                        return self.refuse(
                            DiagnosticKind::Type,
                            span,
                            format!(
                                "'{}' needs strings, and this is a {ty}; use tostring()",
                                written.operator.text()
                            ),
                        );
                    }
                }
                let word = matches!(
                    op,
                    TextOp::Has
                        | TextOp::HasCs
                        | TextOp::HasPrefix
                        | TextOp::HasPrefixCs
                        | TextOp::HasSuffix
                        | TextOp::HasSuffixCs
                );
                if word && right.ty == Dynamic {
                    let span = right.span;
                    return self.refuse(
                        DiagnosticKind::Type,
                        span,
                        format!(
                            "'{}' looks for a string; for several use 'has_any', and for one tostring()",
                            written.operator.text()
                        ),
                    );
                }
                let kind = ExprKind::Text {
                    op,
                    negated,
                    value: Box::new(left),
                    pattern: Box::new(right),
                };
                Ok(Expr {
                    kind,
                    ty: Bool,
                    span,
                })
            }
        }
    }

    pub(super) fn compare(
        &mut self,
        op: CompareOp,
        left: Expr,
        right: Expr,
        operator: &str,
        span: Span,
    ) -> Outcome<Expr> {
        let ordered = matches!(
            op,
            CompareOp::Less
                | CompareOp::LessOrEqual
                | CompareOp::Greater
                | CompareOp::GreaterOrEqual
        );
        let folded = matches!(
            op,
            CompareOp::EqualIgnoreCase | CompareOp::NotEqualIgnoreCase
        );
        let comparable = |ty: ScalarType| {
            if folded {
                matches!(ty, Text | Dynamic)
            } else if ordered {
                !matches!(ty, Text | Guid)
            } else {
                true
            }
        };
        let fits = comparable(left.ty)
            && comparable(right.ty)
            && !(ordered && left.ty == Dynamic && !(right.ty.is_numeric() || right.ty == Dynamic))
            && !(ordered && right.ty == Dynamic && !(left.ty.is_numeric() || left.ty == Dynamic));
        let (left, right) = if fits && !ordered {
            self.read_constant(left, right)
        } else {
            (left, right)
        };
        // What stands in the query itself for a time, as other languages write one.
        let is_for_time = [(&left, &right), (&right, &left)]
            .iter()
            .any(|(time, other)| {
                time.ty == DateTime
                    && other.is_constant()
                    && (other.ty == Text || other.ty.is_numeric())
            });
        let agreed = if fits {
            agree(left, right)
        } else {
            Err((left.ty, right.ty))
        };
        match agreed {
            Ok((left, right)) => Ok(Expr {
                kind: ExprKind::Compare(op, Box::new(left), Box::new(right)),
                ty: Bool,
                span,
            }),
            Err((left, right)) => {
                let advice = if is_for_time {
                    "a time is written datetime(2026-11-01), or ago(7d)"
                } else {
                    "convert one of them"
                };
                self.refuse(
                    DiagnosticKind::Type,
                    span,
                    format!("'{operator}' cannot compare {left} with {right}; {advice}"),
                )
            }
        }
    }

    /// Reads a constant string as the type of the value it is compared with, or a constant number
    /// as a string: the service takes `RemotePort == "443"` and `ResultType == 0`.
    fn read_constant(&mut self, left: Expr, right: Expr) -> (Expr, Expr) {
        let differ = (left.ty == Text) != (right.ty == Text)
            && ![left.ty, right.ty]
                .iter()
                .any(|ty| matches!(ty, Dynamic | Guid));
        if !differ {
            return (left, right);
        }
        if right.is_constant() {
            let ty = left.ty;
            (left, self.read_as(right, ty))
        } else if left.is_constant() {
            let ty = right.ty;
            (self.read_as(left, ty), right)
        } else {
            (left, right)
        }
    }

    fn read_as(&mut self, value: Expr, ty: ScalarType) -> Expr {
        self.note(
            value.span,
            format!(
                "this {} is read as a {ty}, like what it is compared with",
                value.ty
            ),
        );
        value.converted(ty)
    }

    pub(super) fn membership(
        &mut self,
        written: &'a tree::In,
        span: Span,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        let value = self.expression(&written.left, context)?;
        let (op, negated) = match written.operator {
            InOperator::In => (SetOp::In, false),
            InOperator::NotIn => (SetOp::In, true),
            InOperator::InFold => (SetOp::InIgnoreCase, false),
            InOperator::NotInFold => (SetOp::InIgnoreCase, true),
            InOperator::HasAny => (SetOp::HasAny, false),
            InOperator::HasAll => (SetOp::HasAll, false),
        };
        let texts = op != SetOp::In;
        if texts && !matches!(value.ty, Text | Dynamic) {
            return self.refuse(
                DiagnosticKind::Type,
                value.span,
                format!(
                    "'{}' needs a string, and this is a {}; use tostring()",
                    written.operator.text(),
                    value.ty
                ),
            );
        }
        // A column comes before a table of its name.
        let is_column = |one: &tree::Expression| matches!(&one.kind, ExpressionKind::Name(name) if context.find(&name.text).is_some());
        if let [only] = written.right.as_slice()
            && !is_column(only)
            && self.is_tabular(only, context.scope)
        {
            let set = self.single_column(only, context)?;
            let (value, set) = self.fit_query(value, set, only.span);
            let set = SetOperand::Query(Box::new(set.into_pipeline()));
            return Ok(Expr {
                kind: ExprKind::Set {
                    op,
                    negated,
                    value: Box::new(value),
                    set,
                },
                ty: Bool,
                span,
            });
        }
        let mut list = Vec::with_capacity(written.right.len());
        let mut ty = value.ty;
        for element in &written.right {
            let element = self.expression(element, context)?;
            if matches!(op, SetOp::In | SetOp::InIgnoreCase) && !element.is_constant() {
                return self.refuse(
                    DiagnosticKind::Constant,
                    element.span,
                    format!(
                        "'{}' looks among constants, and this is another value for each row; use '==' or set_has_element()",
                        written.operator.text()
                    ),
                );
            }
            // Numbers and the like are looked for as they are written.
            if matches!(op, SetOp::HasAny | SetOp::HasAll) && element.ty != Dynamic {
                list.push(element.converted(Text));
                continue;
            }
            let element = if texts && element.ty != Dynamic && element.is_constant() {
                element.converted(Text)
            } else {
                element
            };
            if texts && !matches!(element.ty, Text | Dynamic) {
                return self.refuse(
                    DiagnosticKind::Type,
                    element.span,
                    format!(
                        "'{}' needs strings, and this is a {}",
                        written.operator.text(),
                        element.ty
                    ),
                );
            }
            if let Some(widest) = wider(ty, element.ty) {
                ty = widest;
            }
            list.push(element);
        }
        let value = if ty.is_numeric() {
            value.converted(ty)
        } else {
            value
        };
        let agreed = self.agreed(&value, list, written.operator)?;
        let set = SetOperand::List(agreed);
        Ok(Expr {
            kind: ExprKind::Set {
                op,
                negated,
                value: Box::new(value),
                set,
            },
            ty: Bool,
            span,
        })
    }

    /// The elements of a list as the type of the value that is looked for among them.
    fn agreed(
        &mut self,
        value: &Expr,
        list: Vec<Expr>,
        operator: InOperator,
    ) -> Outcome<Vec<Expr>> {
        // Stands for the value, which may be large, beside every element of a list, which may be long.
        let probe = Expr {
            kind: ExprKind::Column(crate::types::ColumnId(u32::MAX)),
            ty: value.ty,
            span: value.span,
        };
        let mut agreed = Vec::with_capacity(list.len());
        for element in list {
            if value.ty == Dynamic || element.ty == Dynamic {
                agreed.push(element);
                continue;
            }
            let element_span = element.span;
            let (_, element) = self.read_constant(probe.clone(), element);
            match agree(probe.clone(), element) {
                Ok((_, element)) => agreed.push(element),
                Err((left, right)) => {
                    return self.refuse(
                        DiagnosticKind::Type,
                        element_span,
                        format!(
                            "'{}' cannot compare {left} with {right}; convert one of them",
                            operator.text()
                        ),
                    );
                }
            }
        }
        Ok(agreed)
    }

    /// A pipeline for the right side of `in`: its first column.
    fn single_column(
        &mut self,
        expression: &'a tree::Expression,
        context: &Context<'_>,
    ) -> Outcome<Rows> {
        let scope = context.scope;
        let mut rows = self.uncorrelated(|binder| binder.tabular(expression, scope))?;
        let Some(first) = rows.columns.first().cloned() else {
            return self.refuse(
                DiagnosticKind::Meaning,
                expression.span,
                "the sub-query has no columns",
            );
        };
        if rows.columns.len() > 1 {
            // The service takes the first column and says nothing.
            self.note(
                expression.span,
                format!("only the first column, '{}', is looked at", first.name),
            );
            rows.then(
                Operator::Compute {
                    assignments: Vec::new(),
                },
                vec![first],
                expression.span,
            );
        }
        Ok(rows)
    }

    /// A value and the rows it is looked for among, in types that compare. The service takes a
    /// column of any type there: its values are read as the type of what is looked for.
    fn fit_query(&mut self, value: Expr, mut set: Rows, span: Span) -> (Expr, Rows) {
        let Some(column) = set.columns.first().cloned() else {
            return (value, set);
        };
        if value.ty == column.ty || value.ty == Dynamic || column.ty == Dynamic {
            return (value, set);
        }
        if wider(value.ty, column.ty) == Some(column.ty) {
            return (value.converted(column.ty), set);
        }
        if value.ty.is_numeric() && column.ty.is_numeric() {
            return (value, set);
        }
        let ty = value.ty;
        self.note(
            span,
            format!(
                "'{}' is read as a {ty}, like what is looked for in it",
                column.name
            ),
        );
        let read = self.column(column.name.clone(), ty);
        let assignment = Assignment {
            column: read.id,
            value: super::expressions::column_value(&column, span).converted(ty),
        };
        let assignments = vec![assignment];
        set.then(Operator::Compute { assignments }, vec![read], span);
        (value, set)
    }

    pub(super) fn between(
        &mut self,
        written: &'a tree::Between,
        span: Span,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        let value = self.expression(&written.operand, context);
        let low = self.expression(&written.low, context);
        let high = self.expression(&written.high, context);
        let (mut value, mut low, mut high) = (value?, low?, high?);
        if value.ty == DateTime && low.ty == DateTime && high.ty == TimeSpan {
            // A timespan as the upper bound counts from the lower one.
            high = Expr {
                span: high.span,
                ty: DateTime,
                kind: ExprKind::Arithmetic(
                    crate::bound::ArithmeticOp::Add,
                    Box::new(low.clone()),
                    Box::new(high),
                ),
            };
        }
        if (low.ty == Dynamic) != (high.ty == Dynamic) {
            return self.refuse(
                DiagnosticKind::Type,
                low.span.to(high.span),
                format!(
                    "the bounds of 'between' are a {} and a {}; convert one of them",
                    low.ty, high.ty
                ),
            );
        }
        let mut ty = value.ty;
        for bound in [&low, &high] {
            ty = match (ty, bound.ty) {
                (Dynamic, other) if other.is_numeric() => other,
                (one, Dynamic) if one.is_numeric() => one,
                (one, other)
                    if one == other
                        && (one.is_numeric() || matches!(one, Bool | DateTime | TimeSpan)) =>
                {
                    one
                }
                (one, other) => match wider(one, other) {
                    Some(widest) => widest,
                    None => {
                        return self.refuse(
                            DiagnosticKind::Type,
                            bound.span,
                            format!("'between' cannot compare {one} with {other}"),
                        );
                    }
                },
            };
        }
        value = value.converted(ty);
        low = low.converted(ty);
        high = high.converted(ty);
        let kind = ExprKind::Between {
            negated: written.negated,
            value: Box::new(value),
            low: Box::new(low),
            high: Box::new(high),
        };
        Ok(Expr {
            kind,
            ty: Bool,
            span,
        })
    }

    pub(super) fn logical(
        &mut self,
        written: &'a tree::Logical,
        span: Span,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        let mut operands = Vec::with_capacity(written.operands.len());
        let mut failed = false;
        for operand in &written.operands {
            match self
                .expression(operand, context)
                .and_then(|operand| self.condition(operand, written.operator.text()))
            {
                Ok(operand) => operands.push(operand),
                Err(super::Refused) => failed = true,
            }
        }
        if failed {
            return Err(super::Refused);
        }
        let kind = match written.operator {
            tree::LogicalOperator::And => ExprKind::And(operands),
            tree::LogicalOperator::Or => ExprKind::Or(operands),
        };
        Ok(Expr {
            kind,
            ty: Bool,
            span,
        })
    }

    /// An operand of `and` and `or`.
    pub(super) fn condition(&mut self, operand: Expr, operator: &str) -> Outcome<Expr> {
        match operand.ty {
            Bool => Ok(operand),
            Dynamic => Ok(operand.converted(Bool)),
            other => self.refuse(
                DiagnosticKind::Type,
                operand.span,
                format!("'{operator}' needs a bool, and this is a {other}"),
            ),
        }
    }
}

/// Brings both sides of a comparison to types that compare.
fn agree(left: Expr, right: Expr) -> Result<(Expr, Expr), (ScalarType, ScalarType)> {
    let (one, other) = (left.ty, right.ty);
    if one == other {
        // The service refuses to compare two dynamics, except with null.
        let null = |side: &Expr| matches!(side.literal(), Some(Value::Null));
        if one == Dynamic && !null(&left) && !null(&right) {
            return Err((one, other));
        }
        return Ok((left, right));
    }
    if one == Dynamic || other == Dynamic {
        return Ok((left, right));
    }
    if let Some(widest) = wider(one, other) {
        return Ok((left.converted(widest), right.converted(widest)));
    }
    match (one, other) {
        (Bool, number) | (number, Bool) if number.is_numeric() => {
            let wide = if number.is_integer() { Long } else { number };
            Ok((left.converted(wide), right.converted(wide)))
        }
        (Guid, Text) => Ok((left, right.converted(Guid))),
        (Text, Guid) => Ok((left.converted(Guid), right)),
        _ => Err((one, other)),
    }
}

/// Whether an expression is a string literal.
pub(super) fn string_literal(expression: &tree::Expression) -> Option<&str> {
    match &expression.kind {
        ExpressionKind::Literal(literal) => match &literal.value {
            tree::LiteralValue::String { value, .. } => Some(value),
            _ => None,
        },
        ExpressionKind::Parenthesized(inner) => string_literal(inner),
        _ => None,
    }
}

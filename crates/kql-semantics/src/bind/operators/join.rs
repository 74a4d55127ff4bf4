//! `join` and `lookup`.

use kql_syntax::Span;
use kql_syntax::tree::{self, ComparisonOperator, Condition, ExpressionKind, LogicalOperator};

use super::super::arithmetic::common;
use super::super::expressions::column_value;
use super::super::rows::{Names, Rows};
use super::super::scope::Scope;
use super::super::{Binder, Column, Context, Outcome, Refused, elsewhere};
use crate::bound::{Expr, ExprKind, Join, JoinKey, JoinKind, Operator};
use crate::diagnostic::{Diagnostic, DiagnosticKind, nearest};
use crate::types::{ColumnId, ScalarType};

/// The kinds of a join, those of a lookup first.
const KINDS: &[&str] = &[
    "inner",
    "leftouter",
    "innerunique",
    "rightouter",
    "fullouter",
    "leftanti",
    "rightanti",
    "leftsemi",
    "rightsemi",
];

impl<'a> Binder<'a> {
    pub(super) fn join(
        &mut self,
        rows: &mut Rows,
        join: &'a tree::Join,
        operator: &'a tree::Operator,
        scope: Scope,
        is_lookup: bool,
    ) -> Outcome<()> {
        let kind = match (Self::option(operator, "kind"), is_lookup) {
            (None | Some("innerunique"), false) => JoinKind::InnerUnique,
            (None, true) | (Some("leftouter"), _) => JoinKind::LeftOuter,
            (Some("inner"), _) => JoinKind::Inner,
            (Some("rightouter"), false) => JoinKind::RightOuter,
            (Some("fullouter"), false) => JoinKind::FullOuter,
            (Some("leftanti" | "anti" | "leftantisemi"), false) => JoinKind::LeftAnti,
            (Some("rightanti" | "rightantisemi"), false) => JoinKind::RightAnti,
            (Some("leftsemi"), false) => JoinKind::LeftSemi,
            (Some("rightsemi"), false) => JoinKind::RightSemi,
            (Some(other), _) => {
                let message = format!("no kind of {} is called '{other}'", operator.keyword.text);
                let known = if is_lookup { &KINDS[..2] } else { KINDS };
                let suggestion = elsewhere::join_kind(other)
                    .filter(|kind| known.contains(kind))
                    .map(str::to_owned)
                    .or_else(|| nearest(other, known.iter().copied()));
                let message = match suggestion {
                    Some(_) => message,
                    None => format!("{message}; the kinds are {}", known.join(", ")),
                };
                let finding = Diagnostic::new(DiagnosticKind::Name, operator.span, message);
                self.errors.push(finding.with_suggestion(suggestion));
                return Err(Refused);
            }
        };
        if is_lookup && Self::option(operator, "hint.shufflekey").is_some() {
            return self.refuse(
                DiagnosticKind::Name,
                operator.span,
                "'lookup' has no 'hint.shufflekey'",
            );
        }
        let right = self.tabular(&join.right, scope)?;
        let conditions = match &join.condition {
            Some(Condition::On(conditions)) => conditions,
            Some(Condition::Where(condition)) => {
                return self.unsupported(condition.span, "a join with 'where'");
            }
            None => {
                return self.refuse(
                    DiagnosticKind::Meaning,
                    operator.span,
                    "a join needs 'on' and what to meet on",
                );
            }
        };
        let mut on = Vec::new();
        let mut common_columns: Vec<ColumnId> = Vec::new();
        for condition in conditions {
            self.join_keys(
                condition,
                &rows.columns,
                &right.columns,
                scope,
                &mut on,
                &mut common_columns,
            )?;
        }
        self.weigh(rows.columns.len() + right.columns.len());
        let columns = join_columns(kind, is_lookup, &rows.columns, &right.columns, &on);
        let bound = Join {
            kind,
            right: right.into_pipeline(),
            on,
            is_lookup,
        };
        rows.then(Operator::Join(Box::new(bound)), columns, operator.span);
        rows.ordered = false;
        Ok(())
    }

    fn join_keys(
        &mut self,
        condition: &'a tree::Expression,
        left: &[Column],
        right: &[Column],
        scope: Scope,
        on: &mut Vec<JoinKey>,
        common_columns: &mut Vec<ColumnId>,
    ) -> Outcome<()> {
        match &condition.kind {
            ExpressionKind::Parenthesized(inner) => self.deeper(inner.span, |binder| {
                binder.join_keys(inner, left, right, scope, on, common_columns)
            }),
            ExpressionKind::Name(name) => {
                let seen = |columns| {
                    let column = Context::over(scope, columns).find(&name.text);
                    column
                        .filter(|column| !self.hidden.contains(&column.id))
                        .cloned()
                };
                let (ours, theirs) = (seen(left), seen(right));
                let (Some(ours), Some(theirs)) = (&ours, &theirs) else {
                    let side = if ours.is_none() { left } else { right };
                    return self.unknown_column(name, &Context::over(scope, side));
                };
                self.found(name, ours);
                self.found(name, theirs);
                common_columns.push(theirs.id);
                let key = self.join_key(
                    column_value(ours, name.span),
                    column_value(theirs, name.span),
                    condition.span,
                )?;
                on.push(key);
                Ok(())
            }
            ExpressionKind::Logical(logical) if logical.operator == LogicalOperator::And => {
                for operand in &logical.operands {
                    self.join_keys(operand, left, right, scope, on, common_columns)?;
                }
                Ok(())
            }
            ExpressionKind::Comparison(comparison)
                if comparison.operator == ComparisonOperator::Equal =>
            {
                let mut context = Context::over(scope, &[]);
                context.sides = Some((left, right));
                let one = self.expression(&comparison.left, &mut context)?;
                let other = self.expression(&comparison.right, &mut context)?;
                let side = |expression: &Expr| sides(expression, left, right);
                let (ours, theirs) = match (side(&one), side(&other)) {
                    ((true, false), (false, true)) => (one, other),
                    ((false, true), (true, false)) => (other, one),
                    _ => {
                        return self.refuse(
                            DiagnosticKind::Meaning,
                            condition.span,
                            "one side has to be of $left and the other of $right",
                        );
                    }
                };
                let key = self.join_key(ours, theirs, condition.span)?;
                on.push(key);
                Ok(())
            }
            _ => self.refuse(
                DiagnosticKind::Meaning,
                condition.span,
                "a join meets on a column's name or on '$left.a == $right.b'",
            ),
        }
    }

    fn join_key(&mut self, left: Expr, right: Expr, span: Span) -> Outcome<JoinKey> {
        let (one, other) = (left.ty, right.ty);
        if one == ScalarType::Dynamic || other == ScalarType::Dynamic {
            return self.refuse(
                DiagnosticKind::Type,
                span,
                "a dynamic cannot be a join key; convert it with tostring()",
            );
        }
        let meet = one == other || (one.is_integer() && other.is_integer());
        match common(one, other).filter(|_| meet) {
            Some(ty) => Ok(JoinKey {
                left: left.converted(ty),
                right: right.converted(ty),
            }),
            None => self.refuse(
                DiagnosticKind::Type,
                span,
                format!("the join keys are {one} on the left and {other} on the right"),
            ),
        }
    }
}

/// Whether an expression has columns of the left and of the right.
fn sides(expression: &Expr, left: &[Column], right: &[Column]) -> (bool, bool) {
    let mut found = (false, false);
    let mut open = vec![expression];
    while let Some(next) = open.pop() {
        if let ExprKind::Column(id) = next.kind {
            found.0 |= left.iter().any(|column| column.id == id);
            found.1 |= right.iter().any(|column| column.id == id);
        }
        open.extend(next.parts());
    }
    found
}

fn join_columns(
    kind: JoinKind,
    is_lookup: bool,
    left: &[Column],
    right: &[Column],
    on: &[JoinKey],
) -> Vec<Column> {
    match kind {
        JoinKind::LeftAnti | JoinKind::LeftSemi => return left.to_vec(),
        JoinKind::RightAnti | JoinKind::RightSemi => return right.to_vec(),
        _ => {}
    }
    let kept: Vec<&Column> = right
        .iter()
        .filter(|column| {
            !is_lookup
                || !on
                    .iter()
                    .any(|key| base_column(&key.right) == Some(column.id))
        })
        .collect();
    // Names that nothing contests are taken first, so that numbers go around them.
    let mut names = Names::of(left);
    let free: Vec<bool> = kept.iter().map(|column| names.take(&column.name)).collect();
    let mut columns = left.to_vec();
    for (column, free) in kept.into_iter().zip(free) {
        let name = if free {
            column.name.clone()
        } else {
            names.unique(&column.name)
        };
        columns.push(Column {
            id: column.id,
            name,
            ty: column.ty,
        });
    }
    columns
}

/// The column that a key is, conversions aside.
fn base_column(expression: &Expr) -> Option<ColumnId> {
    match &expression.kind {
        ExprKind::Column(id) => Some(*id),
        ExprKind::Convert(inner) => base_column(inner),
        _ => None,
    }
}

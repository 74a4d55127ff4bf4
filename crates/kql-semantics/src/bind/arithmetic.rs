//! Types of arithmetic, and what converts to what.

use kql_syntax::Span;
use kql_syntax::tree::{self, ArithmeticOperator, UnaryOperator};

use super::{Binder, Context, Outcome};
use crate::bound::{ArithmeticOp, Expr, ExprKind, Value};
use crate::diagnostic::DiagnosticKind;
use crate::types::ScalarType::{self, DateTime, Decimal, Dynamic, Int, Long, Real, TimeSpan};

/// The wider of two numeric types.
pub(super) fn wider(left: ScalarType, right: ScalarType) -> Option<ScalarType> {
    const WIDTHS: [ScalarType; 4] = [Int, Long, Real, Decimal];
    let width = |ty| WIDTHS.iter().position(|candidate| *candidate == ty);
    Some(WIDTHS[width(left)?.max(width(right)?)])
}

/// The type that values of both types can have together.
pub(super) fn common(left: ScalarType, right: ScalarType) -> Option<ScalarType> {
    if left == right {
        Some(left)
    } else {
        wider(left, right)
    }
}

/// Whether one expression may give values of both types, as the branches of `iff` do: they have to be
/// of one type there, while `int` becomes `long` and a `dynamic` goes with everything.
pub(super) fn alike(left: ScalarType, right: ScalarType) -> bool {
    left == right
        || (left.is_integer() && right.is_integer())
        || left == Dynamic
        || right == Dynamic
}

impl<'a> Binder<'a> {
    pub(super) fn arithmetic(
        &mut self,
        chain: &'a tree::Arithmetic,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        if chain.rest.len() > super::MAX_DEPTH / 2 {
            return self.refuse(
                DiagnosticKind::TooLarge,
                chain.first.span,
                "the chain of operators is too long",
            );
        }
        let mut left = self.expression(&chain.first, context)?;
        for (operator, right) in &chain.rest {
            let right = self.expression(right, context)?;
            left = self.arithmetic_pair(*operator, left, right)?;
        }
        Ok(left)
    }

    fn arithmetic_pair(
        &mut self,
        operator: ArithmeticOperator,
        left: Expr,
        right: Expr,
    ) -> Outcome<Expr> {
        use ArithmeticOp::{Add, Divide, Modulo, Multiply, Subtract};

        let span = left.span.to(right.span);
        let op = match operator {
            ArithmeticOperator::Add => ArithmeticOp::Add,
            ArithmeticOperator::Subtract => ArithmeticOp::Subtract,
            ArithmeticOperator::Multiply => ArithmeticOp::Multiply,
            ArithmeticOperator::Divide => ArithmeticOp::Divide,
            ArithmeticOperator::Modulo => ArithmeticOp::Modulo,
        };
        // A dynamic takes the type of the other side.
        let (left, right) = match (left.ty, right.ty) {
            (Dynamic, Dynamic) => return self.no_arithmetic(operator, Dynamic, Dynamic, span),
            (Dynamic, ty) if ty.is_numeric() || (ty == TimeSpan && additive(op)) => {
                let wanted = if ty == Int { Long } else { ty };
                (left.converted(wanted), right)
            }
            (Dynamic, DateTime) if op == ArithmeticOp::Subtract => {
                (left.converted(DateTime), right)
            }
            (ty, Dynamic) if ty.is_numeric() || (ty == TimeSpan && additive(op)) => {
                let wanted = if ty == Int { Long } else { ty };
                (left, right.converted(wanted))
            }
            (DateTime, Dynamic) if op == ArithmeticOp::Subtract => {
                (left, right.converted(DateTime))
            }
            _ => (left, right),
        };
        if let Some(widest) = wider(left.ty, right.ty) {
            // The language has no arithmetic of 32 bits.
            let ty = if widest == Int { Long } else { widest };
            return Ok(pair(op, left.converted(ty), right.converted(ty), ty, span));
        }
        let ty = match (left.ty, op, right.ty) {
            (DateTime, Add | Subtract, TimeSpan) | (TimeSpan, Add, DateTime) => DateTime,
            (DateTime, Subtract, DateTime)
            | (TimeSpan, Add | Subtract | Modulo, TimeSpan)
            | (DateTime, Modulo, TimeSpan | DateTime) => TimeSpan,
            (TimeSpan | DateTime, Divide, TimeSpan) | (DateTime, Divide, DateTime) => Real,
            (TimeSpan, Multiply | Divide | Modulo, number) if number.is_numeric() => TimeSpan,
            (number, Multiply, TimeSpan) if number.is_numeric() => TimeSpan,
            (left, _, right) => return self.no_arithmetic(operator, left, right, span),
        };
        Ok(pair(op, left, right, ty, span))
    }

    fn no_arithmetic(
        &mut self,
        operator: ArithmeticOperator,
        left: ScalarType,
        right: ScalarType,
        span: Span,
    ) -> Outcome<Expr> {
        let cast = if left == Dynamic || right == Dynamic {
            "; convert with tolong(), todouble() and the like"
        } else {
            ""
        };
        self.refuse(
            DiagnosticKind::Type,
            span,
            format!(
                "the operator '{}' does not apply to {left} and {right}{cast}",
                operator.text()
            ),
        )
    }

    pub(super) fn unary(
        &mut self,
        unary: &'a tree::Unary,
        span: Span,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        let operand = self.expression(&unary.operand, context)?;
        if !(operand.ty.is_numeric() || operand.ty == TimeSpan || operand.ty == Dynamic) {
            return self.refuse(
                DiagnosticKind::Type,
                span,
                format!(
                    "the sign '{}' does not apply to {}",
                    unary.operator.text(),
                    operand.ty
                ),
            );
        }
        // The language has no arithmetic of 32 bits.
        let ty = if operand.ty == Int { Long } else { operand.ty };
        let operand = operand.converted(ty);
        if unary.operator == UnaryOperator::Plus {
            return Ok(Expr { span, ..operand });
        }
        let literal = match operand.literal() {
            Some(Value::Long(number)) => number.checked_neg().map(Value::Long),
            Some(Value::Real(number)) => Some(Value::Real(-number)),
            Some(Value::TimeSpan(ticks)) => ticks.checked_neg().map(Value::TimeSpan),
            _ => None,
        };
        let kind = match literal {
            Some(value) => ExprKind::Literal(value),
            None => ExprKind::Negate(Box::new(operand)),
        };
        Ok(Expr { kind, ty, span })
    }

    /// The expression as a `long` constant, for `take` and the like.
    pub(super) fn count(
        &mut self,
        expression: &'a tree::Expression,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        let value = self.expression(expression, context)?;
        if !value.ty.is_integer() {
            return self.refuse(
                DiagnosticKind::Type,
                value.span,
                format!("a whole number is needed here, not a {}", value.ty),
            );
        }
        if !value.is_constant() {
            return self.refuse(
                DiagnosticKind::Constant,
                value.span,
                "a constant is needed here",
            );
        }
        Ok(value.converted(Long))
    }
}

const fn additive(op: ArithmeticOp) -> bool {
    matches!(op, ArithmeticOp::Add | ArithmeticOp::Subtract)
}

fn pair(op: ArithmeticOp, left: Expr, right: Expr, ty: ScalarType, span: Span) -> Expr {
    Expr {
        kind: ExprKind::Arithmetic(op, Box::new(left), Box::new(right)),
        ty,
        span,
    }
}

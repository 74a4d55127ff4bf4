//! Scalar expressions.

use kql_syntax::Span;
use kql_syntax::tree::{self, ExpressionKind, Segment};

use super::scope::{Entity, Scope};
use super::{Binder, Context, Outcome, elsewhere};
use crate::bound::{Column, Expr, ExprKind, Pipeline, Source, Value};
use crate::diagnostic::{Diagnostic, DiagnosticKind, nearest};
use crate::types::ScalarType;

/// The smallest long as it is written.
const SMALLEST: &str = "-9223372036854775808";

impl<'a> Binder<'a> {
    pub(super) fn expression(
        &mut self,
        expression: &'a tree::Expression,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        self.deeper(expression.span, |binder| {
            binder.expression_kind(expression, context)
        })
    }

    fn expression_kind(
        &mut self,
        expression: &'a tree::Expression,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        let span = expression.span;
        match &expression.kind {
            ExpressionKind::Name(name) => self.name(name, context),
            // Only a cell of a datatable is read with its sign; elsewhere the number comes first.
            ExpressionKind::Literal(literal) if literal.text == SMALLEST => self.refuse(
                DiagnosticKind::Constant,
                literal.span,
                format!(
                    "{} does not fit a long; only its negative does",
                    &SMALLEST[1..]
                ),
            ),
            ExpressionKind::Literal(literal) => self.literal(literal),
            ExpressionKind::Parenthesized(inner) => self.expression(inner, context),
            ExpressionKind::Unary(unary) => self.unary(unary, span, context),
            ExpressionKind::Logical(logical) => self.logical(logical, span, context),
            ExpressionKind::Arithmetic(chain) => self.arithmetic(chain, context),
            ExpressionKind::Comparison(comparison) => self.comparison(comparison, span, context),
            ExpressionKind::In(membership) => self.membership(membership, span, context),
            ExpressionKind::Between(between) => self.between(between, span, context),
            ExpressionKind::Path(path) => self.path(path, span, context),
            ExpressionKind::Call(call) => self.call(call, context),
            ExpressionKind::ToScalar(query) => {
                if self.is_tabular(&query.query, context.scope) {
                    let scope = context.scope;
                    let (rows, needs) = self.apart(|binder| {
                        binder.uncorrelated(|binder| binder.tabular(&query.query, scope))
                    })?;
                    self.scalar_query(rows.into_pipeline(), needs, span)
                } else {
                    self.single_value(&query.query, context.scope, span)
                }
            }
            ExpressionKind::Wildcard(_) => {
                self.refuse(DiagnosticKind::Meaning, span, "'*' cannot stand here")
            }
            ExpressionKind::TypeOf(_) => {
                self.refuse(DiagnosticKind::Meaning, span, "a type cannot stand here")
            }
            ExpressionKind::Error => {
                self.refuse(DiagnosticKind::Meaning, span, "an expression is missing")
            }
            ExpressionKind::Function(_) | ExpressionKind::Body(_) => self.refuse(
                DiagnosticKind::Meaning,
                span,
                "a function cannot stand here; declare it with 'let'",
            ),
            ExpressionKind::EntityGroup(_) => self.unsupported(span, "an entity group"),
            ExpressionKind::ToTable(_)
            | ExpressionKind::Materialize(_)
            | ExpressionKind::Pipe(_)
            | ExpressionKind::Operator(_)
            | ExpressionKind::DataTable(_)
            | ExpressionKind::ExternalData(_)
            | ExpressionKind::ContextualDataTable { .. } => self.refuse(
                DiagnosticKind::Type,
                span,
                "a value is needed here, and this is a table; use toscalar()",
            ),
        }
    }

    /// `toscalar` of a value: one for the whole query, also where it would be another each time.
    fn single_value(
        &mut self,
        expression: &'a tree::Expression,
        scope: Scope,
        span: Span,
    ) -> Outcome<Expr> {
        let (value, needs) =
            self.apart(|binder| binder.expression(expression, &mut Context::constant(scope)))?;
        // A function's argument may be a column.
        if !value.is_volatile() || value.mentions(&|_| true) {
            self.used.extend(needs);
            return Ok(value);
        }
        let column = self.column("Value", value.ty);
        let columns = vec![column];
        let pipeline = Pipeline {
            source: Source::Rows {
                columns: columns.clone(),
                rows: vec![vec![value]],
            },
            steps: Vec::new(),
            columns,
        };
        self.scalar_query(pipeline, needs, span)
    }

    fn name(&mut self, name: &'a tree::Name, context: &Context<'_>) -> Outcome<Expr> {
        if let Some(value) = self.graph_element(name) {
            return value;
        }
        // A function's text stands where it is called: a column that its table has, though it does
        // not declare it, comes before a value of that name.
        let seen = |column: &&Column| {
            !self.hidden.contains(&column.id)
                || matches!(
                    self.lookup(context.scope, &name.text),
                    Some(Entity::Scalar { .. })
                )
        };
        if let Some(column) = context.find(&name.text).filter(seen) {
            let column = column.clone();
            self.found(name, &column);
            if context.aggregates.is_some() && !context.in_aggregate {
                return self.refuse(
                    DiagnosticKind::Meaning,
                    name.span,
                    format!("the column '{}' stands outside of an aggregate", name.text),
                );
            }
            return Ok(column_value(&column, name.span));
        }
        if let Some(value) = self.use_scalar(&name.text, context.scope, name.span) {
            return value;
        }
        match self.options.assumed.filter(|_| self.open) {
            Some(ty) => Ok(Expr {
                kind: ExprKind::Literal(match ty {
                    ScalarType::String => Value::String(String::new()),
                    _ => Value::Null,
                }),
                ty,
                span: name.span,
            }),
            None => self.unknown_column(name, context),
        }
    }

    pub(super) fn unknown_column<T>(
        &mut self,
        name: &tree::Name,
        context: &Context<'_>,
    ) -> Outcome<T> {
        // Of a join's sides, each name says which it is of.
        if context.sides.is_some() {
            return self.refuse(
                DiagnosticKind::Name,
                name.span,
                format!(
                    "nothing is named '{}' here; of a join's columns, write $left.a == $right.b",
                    name.text
                ),
            );
        }
        if self.tables.table(&name.text).is_some() {
            return self.refuse(
                DiagnosticKind::Type,
                name.span,
                format!(
                    "'{}' is a table, and a value is needed here; use toscalar()",
                    name.text
                ),
            );
        }
        let declared = self.declared_names(context.scope);
        let candidates = context
            .columns
            .iter()
            .filter(|column| !self.hidden.contains(&column.id))
            .map(|column| &*column.name)
            .chain(declared.iter().map(std::string::String::as_str));
        let suggestion = in_days(&name.text).or_else(|| nearest(&name.text, candidates));
        let message = if let Some(operator) = self.gone.get(name.text.as_str()) {
            format!(
                "no column named '{}' any more: '{operator}' before this did not keep it",
                name.text
            )
        } else if context.columns.is_empty() {
            format!("nothing is named '{}' here", name.text)
        } else if context.find(&name.text).is_some() {
            format!(
                "no column named '{}' is declared for the function's table",
                name.text
            )
        } else {
            format!("no column named '{}'", name.text)
        };
        let message = match elsewhere::value(&name.text).filter(|_| suggestion.is_none()) {
            Some(here) => format!("{message}; {here}"),
            None => message,
        };
        self.errors.push(
            Diagnostic::new(DiagnosticKind::Name, name.span, message).with_suggestion(suggestion),
        );
        Err(super::Refused)
    }

    fn path(
        &mut self,
        path: &'a tree::Path,
        span: Span,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        let mut segments = path.segments.iter();
        let mut value = match self.path_root(path, context)? {
            Some(root) => {
                segments.next();
                root
            }
            None => self.expression(&path.base, context)?,
        };
        if path.segments.len() > super::MAX_DEPTH / 2 {
            return self.refuse(DiagnosticKind::TooLarge, span, "the path is too long");
        }
        for segment in segments {
            value = self.segment(value, segment, context)?;
        }
        Ok(Expr { span, ..value })
    }

    /// `$left.name`, `$right.name`, and `step.name` inside a scan.
    fn path_root(&mut self, path: &'a tree::Path, context: &Context<'_>) -> Outcome<Option<Expr>> {
        let ExpressionKind::Name(base) = &path.base.kind else {
            return Ok(None);
        };
        let Some(Segment::Member(member)) = path.segments.first() else {
            return Ok(None);
        };
        if context.find(&base.text).is_none()
            && let Some(value) = self.graph_property(base, member)
        {
            return value.map(Some);
        }
        let span = base.span.to(member.span);
        if let Some((left, right)) = context.sides
            && matches!(base.text.as_str(), "$left" | "$right")
        {
            let columns = if base.text == "$left" { left } else { right };
            let side = Context::over(context.scope, columns);
            let column = side.find(&member.text);
            return match column.filter(|column| !self.hidden.contains(&column.id)) {
                Some(column) => {
                    self.found(member, column);
                    Ok(Some(column_value(column, span)))
                }
                None => self.unknown_column(member, &side),
            };
        }
        if base.text.starts_with('$') && context.find(&base.text).is_none() {
            return self.refuse(
                DiagnosticKind::Meaning,
                span,
                format!("'{}' has a meaning only after 'on' of a join", base.text),
            );
        }
        if context.find(&base.text).is_none()
            && let Some(step) = context.steps.iter().position(|step| *step == base.text)
        {
            return match context.find(&member.text) {
                Some(column) => Ok(Some(Expr {
                    kind: ExprKind::StepState {
                        step,
                        column: column.id,
                    },
                    ty: column.ty,
                    span,
                })),
                None => self.unknown_column(member, context),
            };
        }
        Ok(None)
    }

    fn segment(
        &mut self,
        value: Expr,
        segment: &'a Segment,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        if value.ty != ScalarType::Dynamic {
            let hint = if value.ty == ScalarType::String {
                "; use parse_json()"
            } else {
                ""
            };
            let (ty, span) = (value.ty, value.span);
            return self.refuse(
                DiagnosticKind::Type,
                span,
                format!("only a dynamic has parts, and this is a {ty}{hint}"),
            );
        }
        match segment {
            Segment::Member(name) => {
                let span = value.span.to(name.span);
                let kind = ExprKind::Member(Box::new(value), name.text.as_str().into());
                Ok(Expr {
                    kind,
                    ty: ScalarType::Dynamic,
                    span,
                })
            }
            Segment::Index(index) => {
                let index = self.expression(index, context)?;
                let index = match index.ty {
                    ScalarType::Int => index.converted(ScalarType::Long),
                    ScalarType::Long | ScalarType::String | ScalarType::Dynamic => index,
                    other => {
                        return self.refuse(
                            DiagnosticKind::Type,
                            index.span,
                            format!(
                                "an index is a whole number or a string, and this is a {other}"
                            ),
                        );
                    }
                };
                let span = value.span.to(index.span);
                let kind = ExprKind::Index(Box::new(value), Box::new(index));
                Ok(Expr {
                    kind,
                    ty: ScalarType::Dynamic,
                    span,
                })
            }
            Segment::Wildcard { span, .. } => self.refuse(
                DiagnosticKind::Meaning,
                *span,
                "a wildcard cannot stand here",
            ),
            Segment::Call(call) => self.refuse(
                DiagnosticKind::Meaning,
                call.span,
                "a value has no functions of its own",
            ),
        }
    }

    /// A condition of a `where`: a `bool`.
    pub(super) fn predicate(
        &mut self,
        expression: &'a tree::Expression,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        let value = self.expression(expression, context)?;
        if value.ty == ScalarType::Bool {
            return Ok(value);
        }
        let hint = if value.ty == ScalarType::Dynamic {
            "; use tobool()"
        } else {
            ""
        };
        self.refuse(
            DiagnosticKind::Type,
            value.span,
            format!("a condition is a bool, and this is a {}{hint}", value.ty),
        )
    }

    /// The scalar function or table that a name may have been meant for.
    pub(super) fn is_function(&self, name: &str, context: &Context<'_>) -> bool {
        matches!(
            self.lookup(context.scope, name),
            Some(Entity::Function { .. })
        )
    }
}

pub(super) fn column_value(column: &Column, span: Span) -> Expr {
    Expr {
        kind: ExprKind::Column(column.id),
        ty: column.ty,
        span,
    }
}

/// The timespan that is meant by one in weeks, months or years, which KQL does not count in.
fn in_days(name: &str) -> Option<String> {
    let unit = name.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let number: u32 = name.strip_suffix(unit)?.parse().ok()?;
    let days = match unit.to_ascii_lowercase().as_str() {
        "w" | "wk" | "week" | "weeks" => 7,
        "mo" | "mon" | "month" | "months" => 30,
        "y" | "yr" | "year" | "years" => 365,
        // Units are written in small letters.
        "d" | "day" | "days" => 1,
        "h" | "hour" | "hours" => return Some(format!("{number}h")),
        "m" | "min" | "minute" | "minutes" => return Some(format!("{number}m")),
        "s" | "sec" | "second" | "seconds" => return Some(format!("{number}s")),
        _ => return None,
    };
    Some(format!("{}d", number.checked_mul(days)?))
}

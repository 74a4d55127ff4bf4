//! `search`: a predicate over every column.

use kql_syntax::Span;
use kql_syntax::tree::{self, ComparisonOperator, ExpressionKind};

use super::super::comparisons::string_literal;
use super::super::expressions::column_value;
use super::super::rows::Rows;
use super::super::scope::Scope;
use super::super::{Binder, Column, Context, Outcome, Refused};
use super::literal;
use crate::bound::{Assignment, Expr, ExprKind, Operator, TextOp, Value};
use crate::diagnostic::DiagnosticKind;
use crate::functions::Function;
use crate::types::ScalarType::{self, Bool, String as Text};

impl<'a> Binder<'a> {
    pub(in crate::bind) fn search(
        &mut self,
        left: Option<Rows>,
        search: &'a tree::Search,
        operator: &'a tree::Operator,
        scope: Scope,
    ) -> Outcome<Rows> {
        let span = operator.span;
        let case_sensitive = match Self::option(operator, "kind") {
            None | Some("default" | "case_insensitive") => false,
            Some("case_sensitive") => true,
            Some(other) => {
                return self.refuse(
                    DiagnosticKind::Name,
                    span,
                    format!("no kind of search is called '{other}'"),
                );
            }
        };
        let mut rows = if let Some(mut rows) = left {
            if let Some(table) = search.tables.first() {
                return self.refuse(
                    DiagnosticKind::Meaning,
                    table.span,
                    "'search' after a pipe searches those rows, and names no tables",
                );
            }
            let name = rows.name.as_deref().unwrap_or("search_arg0").to_owned();
            let column = self.column("$table", Text);
            let value = literal(Value::String(name), Text, span);
            let mut columns = vec![column.clone()];
            columns.extend(rows.columns.iter().cloned());
            rows.then(
                Operator::Compute {
                    assignments: vec![Assignment {
                        column: column.id,
                        value,
                    }],
                },
                columns,
                span,
            );
            rows
        } else {
            let all = self.searched_tables(&search.tables, scope, span)?;
            self.united(all, Some("$table".into()), false, "search_arg")
        };
        let searched: Vec<Column> = rows.columns.iter().skip(1).cloned().collect();
        let predicate =
            self.search_predicate(&search.predicate, &searched, case_sensitive, scope)?;
        rows.pass(Operator::Filter { predicate }, span);
        rows.ordered = false;
        Ok(rows)
    }

    fn searched_tables(
        &mut self,
        tables: &'a [tree::Expression],
        scope: Scope,
        span: Span,
    ) -> Outcome<Vec<Rows>> {
        let mut all = Vec::new();
        if tables.is_empty() {
            all = self.fitting_tables("*", scope, span)?;
        }
        for table in tables {
            match &table.kind {
                ExpressionKind::Wildcard(pattern) => {
                    let fitting = self.fitting_tables(pattern, scope, span)?;
                    if fitting.is_empty() {
                        let message = format!("no table fits '{pattern}'");
                        return self.refuse(DiagnosticKind::Name, table.span, message);
                    }
                    all.extend(fitting);
                }
                _ => all.push(self.tabular(table, scope)?),
            }
        }
        if all.is_empty() {
            return self.refuse(DiagnosticKind::Name, span, "there is no table to search");
        }
        Ok(all)
    }

    fn search_predicate(
        &mut self,
        predicate: &'a tree::Expression,
        columns: &[Column],
        case_sensitive: bool,
        scope: Scope,
    ) -> Outcome<Expr> {
        let span = predicate.span;
        if let Some(term) = string_literal(predicate) {
            self.charge(columns.len(), span)?;
            let tests = columns
                .iter()
                .map(|column| term_test(column_value(column, span), term, case_sensitive, span))
                .collect();
            return Ok(any_of(tests, span));
        }
        match &predicate.kind {
            ExpressionKind::Wildcard(text) if text == "*" => {
                Ok(literal(Value::Bool(true), Bool, span))
            }
            ExpressionKind::Parenthesized(inner) => self.deeper(span, |binder| {
                binder.search_predicate(inner, columns, case_sensitive, scope)
            }),
            ExpressionKind::Logical(logical) => {
                let mut operands = Vec::with_capacity(logical.operands.len());
                for operand in &logical.operands {
                    operands.push(self.deeper(span, |binder| {
                        binder.search_predicate(operand, columns, case_sensitive, scope)
                    })?);
                }
                let kind = match logical.operator {
                    tree::LogicalOperator::And => ExprKind::And(operands),
                    tree::LogicalOperator::Or => ExprKind::Or(operands),
                };
                Ok(Expr {
                    kind,
                    ty: Bool,
                    span,
                })
            }
            ExpressionKind::Call(call)
                if call.function.text == "not" && call.arguments.len() == 1 =>
            {
                let inner = self.deeper(span, |binder| {
                    binder.search_predicate(
                        &call.arguments[0].value,
                        columns,
                        case_sensitive,
                        scope,
                    )
                })?;
                let Some(function) = Function::scalar("not") else {
                    return Err(Refused);
                };
                Ok(Expr {
                    kind: ExprKind::Call {
                        function,
                        arguments: vec![inner],
                    },
                    ty: Bool,
                    span,
                })
            }
            ExpressionKind::Comparison(comparison) if matches!(&comparison.left.kind, ExpressionKind::Wildcard(text) if text == "*") => {
                self.any_column(comparison, columns, Some(case_sensitive), span)
            }
            ExpressionKind::Comparison(comparison)
                if comparison.operator == ComparisonOperator::SearchMatch =>
            {
                let value =
                    self.expression(&comparison.left, &mut Context::over(scope, columns))?;
                if let Some(term) = string_literal(&comparison.right) {
                    Ok(term_test(value, term, case_sensitive, span))
                } else {
                    let other =
                        self.expression(&comparison.right, &mut Context::over(scope, columns))?;
                    self.compare(crate::bound::CompareOp::Equal, value, other, ":", span)
                }
            }
            _ => self.predicate(predicate, &mut Context::over(scope, columns)),
        }
    }

    /// `* has "x"`, `* == "x"`: any of the columns.
    pub(in crate::bind) fn any_column(
        &mut self,
        comparison: &'a tree::Comparison,
        columns: &[Column],
        term: Option<bool>,
        span: Span,
    ) -> Outcome<Expr> {
        self.charge(columns.len(), span)?;
        let words = term;
        let Some(term) = string_literal(&comparison.right) else {
            return self.unsupported(
                span,
                "a search of every column for a value that is no string",
            );
        };
        if let Some(case_sensitive) = words
            && matches!(
                comparison.operator,
                ComparisonOperator::SearchMatch | ComparisonOperator::Has
            )
        {
            let tests = columns
                .iter()
                .map(|column| term_test(column_value(column, span), term, case_sensitive, span))
                .collect();
            return Ok(any_of(tests, span));
        }
        if matches!(
            comparison.operator,
            ComparisonOperator::Equal | ComparisonOperator::EqualFold
        ) {
            let op = if comparison.operator == ComparisonOperator::Equal {
                crate::bound::CompareOp::Equal
            } else {
                crate::bound::CompareOp::EqualIgnoreCase
            };
            let mut tests = Vec::with_capacity(columns.len());
            for column in columns {
                let value = column_value(column, span).converted(Text);
                let wanted = literal(Value::String(term.to_owned()), Text, span);
                tests.push(self.compare(op, value, wanted, comparison.operator.text(), span)?);
            }
            return Ok(any_of(tests, span));
        }
        let super::super::comparisons::Comparison::Texts(op, negated) =
            super::super::comparisons::comparison(comparison.operator)
        else {
            return self.unsupported(
                comparison.operator_span,
                format!("'{}' on every column", comparison.operator.text()),
            );
        };
        let tests = columns
            .iter()
            .map(|column| text_test(column_value(column, span), op, term, span))
            .collect();
        let any = any_of(tests, span);
        if !negated {
            return Ok(any);
        }
        let function = self.known("not", span)?;
        Ok(Expr {
            kind: ExprKind::Call {
                function,
                arguments: vec![any],
            },
            ty: Bool,
            span,
        })
    }
}

fn any_of(mut tests: Vec<Expr>, span: Span) -> Expr {
    match tests.len() {
        0 => literal(Value::Bool(false), Bool, span),
        1 => tests.remove(0),
        _ => Expr {
            kind: ExprKind::Or(tests),
            ty: Bool,
            span,
        },
    }
}

fn text_test(value: Expr, op: TextOp, term: &str, span: Span) -> Expr {
    let pattern = literal(Value::String(term.to_owned()), Text, span);
    let value = value.converted(Text);
    let kind = ExprKind::Text {
        op,
        negated: false,
        value: Box::new(value),
        pattern: Box::new(pattern),
    };
    Expr {
        kind,
        ty: ScalarType::Bool,
        span,
    }
}

/// Whether a value has a term; stars at the ends of the term widen it.
fn term_test(value: Expr, term: &str, case_sensitive: bool, span: Span) -> Expr {
    let (open_start, open_end) = (term.starts_with('*'), term.len() > 1 && term.ends_with('*'));
    let bare = term.trim_matches('*');
    if bare.is_empty() {
        return literal(Value::Bool(true), Bool, span);
    }
    if bare.contains('*') {
        let flags = if case_sensitive { "" } else { "(?i)" };
        let parts: Vec<String> = bare.split('*').map(escape).collect();
        return text_test(
            value,
            TextOp::MatchesRegex,
            &format!("{flags}{}", parts.join(".*")),
            span,
        );
    }
    let op = match (open_start, open_end, case_sensitive) {
        (false, false, false) => TextOp::Has,
        (false, false, true) => TextOp::HasCs,
        (false, true, false) => TextOp::HasPrefix,
        (false, true, true) => TextOp::HasPrefixCs,
        (true, false, false) => TextOp::HasSuffix,
        (true, false, true) => TextOp::HasSuffixCs,
        (true, true, false) => TextOp::Contains,
        (true, true, true) => TextOp::ContainsCs,
    };
    text_test(value, op, bare, span)
}

/// A text as a regular expression that matches just it.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

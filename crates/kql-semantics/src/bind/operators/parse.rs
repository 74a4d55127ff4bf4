//! `parse`, `parse-where`, `parse-kv`, `reduce`.

use std::collections::HashSet;

use kql_syntax::Span;
use kql_syntax::tree::{self, LiteralValue, ParsePart as Written};

use super::super::rows::Rows;
use super::super::scope::Scope;
use super::super::{Binder, Context, Outcome};
use super::project::replace_or_push;
use crate::bound::{Operator, Parse, ParseKv, ParseMode, ParsePart};
use crate::diagnostic::DiagnosticKind;
use crate::types::ScalarType;

/// What `parse-kv` is told of keys and values.
const PROPERTIES: &[&str] = &[
    "pair_delimiter",
    "kv_delimiter",
    "regex",
    "quote",
    "escape",
    "greedy",
];

impl<'a> Binder<'a> {
    /// How the pattern of a `parse` is read.
    fn parse_mode(&mut self, operator: &tree::Operator, matched_only: bool) -> Outcome<ParseMode> {
        let flags = Self::option(operator, "flags");
        Ok(match Self::option(operator, "kind") {
            Some("relaxed") if matched_only => {
                return self.refuse(
                    DiagnosticKind::Meaning,
                    operator.span,
                    "'parse-where' has no kind 'relaxed'; use 'parse'",
                );
            }
            None | Some("simple" | "relaxed") if flags.is_some() => {
                return self.refuse(
                    DiagnosticKind::Meaning,
                    operator.span,
                    "'flags' are those of a regular expression; write 'kind=regex' too",
                );
            }
            None | Some("simple") => ParseMode::Simple,
            Some("relaxed") => ParseMode::Relaxed,
            Some("regex") => ParseMode::Regex(flags.unwrap_or_default().to_owned()),
            Some(other) => {
                return self.refuse(
                    DiagnosticKind::Name,
                    operator.span,
                    format!("no kind of parse is called '{other}'"),
                );
            }
        })
    }

    pub(super) fn parse(
        &mut self,
        rows: &mut Rows,
        parse: &'a tree::Parse,
        operator: &'a tree::Operator,
        scope: Scope,
        matched_only: bool,
    ) -> Outcome<()> {
        let input = self.over(rows, scope, operator.span, |binder, context| {
            binder.expression(&parse.source, context)
        })?;
        let input = input.converted(ScalarType::String);
        let mode = self.parse_mode(operator, matched_only)?;
        let mut pattern = Vec::with_capacity(parse.pattern.len());
        let mut columns = rows.columns.clone();
        let mut given = HashSet::new();
        for part in &parse.pattern {
            match part {
                Written::Star(star) => {
                    let text = matches!(
                        pattern.last(),
                        Some(ParsePart::Capture { ty, .. }) if *ty == ScalarType::String
                    );
                    if text && !matches!(mode, ParseMode::Regex(_)) {
                        return self.refuse(
                            DiagnosticKind::Meaning,
                            *star,
                            "'*' right after a column of strings is ambiguous; write a string between them",
                        );
                    }
                    pattern.push(ParsePart::Star);
                }
                Written::Text(literal) => match &literal.value {
                    LiteralValue::String { value, .. } if value.is_empty() => {
                        return self.refuse(
                            DiagnosticKind::Meaning,
                            literal.span,
                            "a string of the pattern cannot be empty",
                        );
                    }
                    LiteralValue::String { value, .. } => {
                        pattern.push(ParsePart::Text(value.clone()));
                    }
                    _ => {
                        return self.refuse(
                            DiagnosticKind::Type,
                            literal.span,
                            "a string is needed in the pattern",
                        );
                    }
                },
                Written::Column { name, ty } => {
                    if matches!(pattern.last(), Some(ParsePart::Capture { .. })) {
                        return self.refuse(
                            DiagnosticKind::Meaning,
                            name.span,
                            "a string has to stand between two columns of the pattern",
                        );
                    }
                    let ty = match ty {
                        Some(ty) => self.type_name(ty)?,
                        None => ScalarType::String,
                    };
                    if !given.insert(name.text.as_str()) {
                        return self.name_taken(&name.text, name.span);
                    }
                    let column = self.column(name.text.as_str(), ty);
                    pattern.push(ParsePart::Capture {
                        column: column.id,
                        ty,
                    });
                    replace_or_push(&mut columns, column);
                }
            }
        }
        if let ParseMode::Regex(flags) = &mode
            && let Some(open) = open_time(&pattern, flags)
            && let Some(Written::Column { name, .. }) = parse.pattern.get(open)
        {
            return self.unsupported(
                name.span,
                "a time at the end of a pattern of 'kind=regex', or with the flag 'U'",
            );
        }
        let bound = Parse {
            input,
            mode,
            pattern,
            matched_only,
        };
        rows.then(Operator::Parse(Box::new(bound)), columns, operator.span);
        Ok(())
    }

    pub(super) fn parse_kv(
        &mut self,
        rows: &mut Rows,
        parse: &'a tree::ParseKv,
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let input = self.over(rows, scope, span, |binder, context| {
            binder.expression(&parse.source, context)
        })?;
        let input = input.converted(ScalarType::String);
        let mut keys = Vec::with_capacity(parse.columns.len());
        let mut columns = rows.columns.clone();
        for declared in self.declared_columns(&parse.columns)? {
            keys.push((declared.name.to_string(), declared.id, declared.ty));
            replace_or_push(&mut columns, declared);
        }
        let mut options = Vec::with_capacity(parse.properties.len());
        for property in &parse.properties {
            self.known_name(&property.name, PROPERTIES, "parse-kv")?;
            if let Some(value) = property.values.first() {
                let value = self.expression(value, &mut Context::constant(scope))?;
                options.push((property.name.text.clone(), value));
            }
        }
        rows.then(
            Operator::ParseKv(Box::new(ParseKv {
                input,
                keys,
                options,
            })),
            columns,
            span,
        );
        Ok(())
    }

    pub(super) fn reduce(
        &mut self,
        rows: &mut Rows,
        reduce: &'a tree::Reduce,
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let input = self.expression(
            &reduce.by.expression,
            &mut Context::over(scope, &rows.columns),
        )?;
        if input.ty != ScalarType::String {
            return self.refuse(
                DiagnosticKind::Type,
                input.span,
                format!("a string is needed here, and this is a {}", input.ty),
            );
        }
        let mut threshold = None;
        let mut characters = None;
        for property in &reduce.properties {
            let Some(value) = property.values.first() else {
                continue;
            };
            let value = self.expression(value, &mut Context::constant(scope))?;
            match property.name.text.as_str() {
                "threshold" => threshold = Some(value),
                "characters" => characters = Some(value),
                other => {
                    return self.refuse(
                        DiagnosticKind::Name,
                        property.span,
                        format!("'reduce' has no '{other}'"),
                    );
                }
            }
        }
        let columns = vec![
            self.column("Pattern", ScalarType::String),
            self.column("Count", ScalarType::Long),
            self.column("Representative", ScalarType::String),
        ];
        let outputs = [columns[0].id, columns[1].id, columns[2].id];
        rows.then(
            Operator::Reduce {
                input,
                threshold,
                characters,
                outputs,
            },
            columns,
            span,
        );
        rows.ordered = false;
        Ok(())
    }
}

/// A time that nothing ends. Of what follows the service there takes other characters than of what
/// a regular expression matches, and nothing tells which.
fn open_time(pattern: &[ParsePart], flags: &str) -> Option<usize> {
    pattern.iter().enumerate().position(|(at, part)| {
        let time = matches!(
            part,
            ParsePart::Capture {
                ty: ScalarType::DateTime | ScalarType::TimeSpan,
                ..
            }
        );
        let mut rest = pattern[at + 1..].iter();
        time && (flags.contains('U') || rest.all(|part| matches!(part, ParsePart::Star)))
    })
}

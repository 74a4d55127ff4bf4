//! Constants.

use std::fmt::Write as _;

use kql_syntax::Span;
use kql_syntax::ticks;
use kql_syntax::tree::{Dynamic, DynamicKind, Literal, LiteralValue};

use super::{Binder, Outcome};
use crate::bound::{Expr, ExprKind, Value};
use crate::diagnostic::DiagnosticKind;
use crate::types::ScalarType;

impl Binder<'_> {
    pub(super) fn literal(&mut self, literal: &Literal) -> Outcome<Expr> {
        let (ty, value) = match &literal.value {
            LiteralValue::Bool(value) => (ScalarType::Bool, value.map(Value::Bool)),
            LiteralValue::Int(value) => (ScalarType::Int, value.map(Value::Int)),
            LiteralValue::Long(value) => (ScalarType::Long, value.map(Value::Long)),
            LiteralValue::Real(value) => (ScalarType::Real, value.map(Value::Real)),
            LiteralValue::Decimal(value) => {
                (ScalarType::Decimal, value.clone().map(Value::Decimal))
            }
            LiteralValue::DateTime(None) => (ScalarType::DateTime, None),
            LiteralValue::DateTime(Some(text)) => {
                if text.is_empty() || text.eq_ignore_ascii_case("now") {
                    return self.now(literal.span);
                }
                let Some(moment) = datetime(text) else {
                    return self.refuse(
                        DiagnosticKind::Constant,
                        literal.span,
                        format!("'{text}' is not a datetime; write it like 2024-01-31T13:30:00Z"),
                    );
                };
                (ScalarType::DateTime, Some(Value::DateTime(moment)))
            }
            LiteralValue::TimeSpan(value) => (ScalarType::TimeSpan, value.map(Value::TimeSpan)),
            LiteralValue::Guid(None) => (ScalarType::Guid, None),
            LiteralValue::Guid(Some(text)) => match kql_syntax::guid(text) {
                Some(text) => (ScalarType::Guid, Some(Value::Guid(text))),
                None => {
                    return self.refuse(
                        DiagnosticKind::Constant,
                        literal.span,
                        format!("'{text}' is not a guid"),
                    );
                }
            },
            LiteralValue::String { value, .. } => {
                (ScalarType::String, Some(Value::String(value.clone())))
            }
            LiteralValue::Dynamic(value) => {
                if let Some(stranger) = no_json(value) {
                    return self.refuse(
                        DiagnosticKind::Constant,
                        stranger.span,
                        format!("'{}' cannot stand inside of a dynamic", stranger.text),
                    );
                }
                let mut text = String::new();
                write_json(value, &mut text);
                (
                    ScalarType::Dynamic,
                    Some(if text == "null" {
                        Value::Null
                    } else {
                        Value::Dynamic(text)
                    }),
                )
            }
        };
        Ok(Expr {
            kind: ExprKind::Literal(value.unwrap_or(Value::Null)),
            ty,
            span: literal.span,
        })
    }

    /// `datetime(now)` and `datetime()`, which are the time of the query.
    fn now(&mut self, span: Span) -> Outcome<Expr> {
        Ok(Expr {
            kind: ExprKind::Call {
                function: self.known("now", span)?,
                arguments: Vec::new(),
            },
            ty: ScalarType::DateTime,
            span,
        })
    }
}

/// The text of a `datetime(…)` literal, which also has words for the ends of the calendar.
fn datetime(text: &str) -> Option<i64> {
    match text.to_ascii_lowercase().as_str() {
        "min" => Some(0),
        "max" => Some(ticks::LAST),
        _ => ticks::datetime(text),
    }
}

/// The first part of a dynamic literal that the service does not take in one: a datetime of null, or a
/// bool that is written with its type. What `dynamic(…)` holds beside arrays and bags is taken.
fn no_json(value: &Dynamic) -> Option<&Literal> {
    match &value.kind {
        DynamicKind::Array(elements) => elements.iter().find_map(no_json_inside),
        DynamicKind::Object(properties) => properties
            .iter()
            .find_map(|(_, property)| no_json_inside(property)),
        DynamicKind::Null | DynamicKind::Literal(_) => None,
    }
}

fn no_json_inside(value: &Dynamic) -> Option<&Literal> {
    let DynamicKind::Literal(literal) = &value.kind else {
        return no_json(value);
    };
    match &literal.value {
        LiteralValue::DateTime(None) => Some(literal),
        LiteralValue::Bool(_) if literal.text.contains('(') => Some(literal),
        LiteralValue::Dynamic(inner) => no_json(inner),
        _ => None,
    }
}

/// Writes a dynamic literal as JSON. The tree limits how deep it nests.
fn write_json(value: &Dynamic, text: &mut String) {
    match &value.kind {
        DynamicKind::Null => text.push_str("null"),
        DynamicKind::Literal(literal) => write_json_literal(&literal.value, text),
        DynamicKind::Array(elements) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_json(element, text);
            }
            text.push(']');
        }
        DynamicKind::Object(properties) => {
            text.push('{');
            for (index, (name, property)) in properties.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_json_string(&name.text, text);
                text.push(':');
                write_json(property, text);
            }
            text.push('}');
        }
    }
}

fn write_json_literal(value: &LiteralValue, text: &mut String) {
    match value {
        LiteralValue::Bool(Some(value)) => text.push_str(if *value { "true" } else { "false" }),
        LiteralValue::Int(Some(value)) => text.push_str(&value.to_string()),
        LiteralValue::Long(Some(value)) => text.push_str(&value.to_string()),
        LiteralValue::Real(Some(value)) => write_json_number(*value, text),
        LiteralValue::DateTime(Some(written)) => match datetime(written) {
            Some(moment) => write_json_string(&ticks::datetime_text(moment), text),
            None => text.push_str("null"),
        },
        // JSON has a text for a moment, and the ticks for a length of time.
        LiteralValue::TimeSpan(Some(length)) => text.push_str(&length.to_string()),
        LiteralValue::Guid(Some(written)) => {
            write_json_string(
                &kql_syntax::guid(written).unwrap_or_else(|| written.clone()),
                text,
            );
        }
        LiteralValue::Decimal(Some(value)) | LiteralValue::String { value, .. } => {
            write_json_string(value, text);
        }
        LiteralValue::Dynamic(inner) => write_json(inner, text),
        _ => text.push_str("null"),
    }
}

fn write_json_number(value: f64, text: &mut String) {
    if value.is_nan() {
        text.push_str("\"NaN\"");
    } else if value.is_infinite() {
        text.push_str(if value > 0.0 {
            "\"Infinity\""
        } else {
            "\"-Infinity\""
        });
    } else {
        // `{:?}` keeps the point of 1.0, so that it stays a real.
        let _ = write!(text, "{value:?}");
    }
}

pub(super) fn write_json_string(value: &str, text: &mut String) {
    text.push('"');
    for letter in value.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            control if control < ' ' => {
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

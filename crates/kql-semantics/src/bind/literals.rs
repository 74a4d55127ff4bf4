//! Constants.

use std::fmt::Write as _;

use kql_syntax::tree::{Dynamic, DynamicKind, Literal, LiteralValue};

use super::{Binder, Outcome};
use crate::bound::{Expr, ExprKind, Value};
use crate::diagnostic::DiagnosticKind;
use crate::ticks;
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
                let Some(ticks) = ticks::datetime(text) else {
                    return self.refuse(
                        DiagnosticKind::Constant,
                        literal.span,
                        format!("'{text}' is no datetime; write it like 2024-01-31T13:30:00Z"),
                    );
                };
                (ScalarType::DateTime, Some(Value::DateTime(ticks)))
            }
            LiteralValue::TimeSpan(value) => (ScalarType::TimeSpan, value.map(Value::TimeSpan)),
            LiteralValue::Guid(None) => (ScalarType::Guid, None),
            LiteralValue::Guid(Some(text)) => match guid(text) {
                Some(text) => (ScalarType::Guid, Some(Value::Guid(text))),
                None => {
                    return self.refuse(
                        DiagnosticKind::Constant,
                        literal.span,
                        format!("'{text}' is no guid"),
                    );
                }
            },
            LiteralValue::String { value, .. } => {
                (ScalarType::String, Some(Value::String(value.clone())))
            }
            LiteralValue::Dynamic(value) => {
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
}

/// A guid in its canonical form.
fn guid(text: &str) -> Option<String> {
    let digits: String = text
        .trim()
        .trim_matches(['{', '}', '"', '\''])
        .chars()
        .filter(|letter| *letter != '-')
        .collect();
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let digits = digits.to_ascii_lowercase();
    Some(
        [
            &digits[..8],
            &digits[8..12],
            &digits[12..16],
            &digits[16..20],
            &digits[20..],
        ]
        .join("-"),
    )
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
        LiteralValue::DateTime(Some(written)) => match ticks::datetime(written) {
            Some(ticks) => write_json_string(&ticks::datetime_text(ticks), text),
            None => text.push_str("null"),
        },
        LiteralValue::TimeSpan(Some(ticks)) => {
            write_json_string(&ticks::timespan_text(*ticks), text);
        }
        LiteralValue::Guid(Some(written)) => {
            write_json_string(&guid(written).unwrap_or_else(|| written.clone()), text);
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

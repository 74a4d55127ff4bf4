//! What a column is called that nobody named.

use kql_syntax::tree::{self, ExpressionKind, LiteralValue, Segment, UnaryOperator};

use super::Binder;
use super::scope::{Entity, Scope};
use crate::functions::{Function, Naming};

impl Binder<'_> {
    /// The name that an expression lends to a column made of it.
    pub(super) fn lent_name(&self, expression: &tree::Expression, scope: Scope) -> Option<String> {
        match &expression.kind {
            ExpressionKind::Name(name) => Some(name.text.clone()),
            ExpressionKind::Parenthesized(inner) => self.lent_name(inner, scope),
            ExpressionKind::Path(path) => self.path_name(path, scope),
            ExpressionKind::Call(call) => self.call_name(call, scope),
            _ => None,
        }
    }

    fn path_name(&self, path: &tree::Path, scope: Scope) -> Option<String> {
        let side = |name: &tree::Name| name.text == "$left" || name.text == "$right";
        let mut parts: Vec<String> = match &path.base.kind {
            ExpressionKind::Name(name) if side(name) => Vec::new(),
            _ => self.lent_name(&path.base, scope).into_iter().collect(),
        };
        for segment in &path.segments {
            parts.push(match segment {
                Segment::Member(name) => name.text.clone(),
                Segment::Index(index) => match &index.kind {
                    ExpressionKind::Literal(literal) => match &literal.value {
                        LiteralValue::String { value, .. } => value.clone(),
                        LiteralValue::Long(Some(number)) if *number >= 0 => number.to_string(),
                        LiteralValue::Int(Some(number)) if *number >= 0 => number.to_string(),
                        _ => String::new(),
                    },
                    ExpressionKind::Unary(unary) if unary.operator == UnaryOperator::Minus => {
                        String::new()
                    }
                    _ => String::new(),
                },
                Segment::Wildcard { .. } | Segment::Call(_) => return None,
            });
        }
        Some(parts.join("_"))
    }

    fn call_name(&self, call: &tree::Call, scope: Scope) -> Option<String> {
        let name = call.function.text.as_str();
        if matches!(self.lookup(scope, name), Some(Entity::Function { .. })) {
            return None;
        }
        let function = Function::aggregate(name).or_else(|| Function::scalar(name))?;
        let first = call.arguments.first().map(|argument| &argument.value);
        if matches!(function.name, "column_ifexists") {
            return match first.map(|value| &value.kind) {
                Some(ExpressionKind::Literal(literal)) => match &literal.value {
                    LiteralValue::String { value, .. } => Some(value.clone()),
                    _ => None,
                },
                _ => None,
            };
        }
        if matches!(function.name, "array_sort_asc" | "array_sort_desc") {
            return Some(format!("{}_sorted", self.lent_name(first?, scope)?));
        }
        match function.naming {
            Naming::Position => None,
            Naming::Fixed(name) => Some(name.to_owned()),
            Naming::FirstArgument => match call.arguments.first()?.name.as_ref() {
                Some(given) => Some(given.text.clone()),
                None => self.lent_name(first?, scope),
            },
            Naming::Prefix(prefix) => {
                let mut name = format!("{prefix}_");
                let count = if prefix.starts_with("covariance") {
                    2
                } else {
                    1
                };
                let named: Vec<String> = call
                    .arguments
                    .iter()
                    .take(count)
                    .filter_map(|argument| self.lent_name(&argument.value, scope))
                    .collect();
                name.push_str(&named.join("_"));
                Some(name)
            }
        }
    }
}

//! What a column is called that nobody named.

use kql_syntax::tree::{self, ExpressionKind, LiteralValue, Segment, UnaryOperator};

use super::Binder;
use super::scope::{Entity, Scope};
use crate::functions::{Function, FunctionKind, Naming};

/// The prefix of a function under an old name, where it is not that of the new one.
pub(super) fn old_prefix(name: &str) -> Option<&'static str> {
    (name == "make_dictionary").then_some("dictionary")
}

impl Binder<'_> {
    /// The name that an expression lends to a column made of it.
    pub(super) fn lent_name(&self, expression: &tree::Expression, scope: Scope) -> Option<String> {
        match &expression.kind {
            ExpressionKind::Name(_)
                if (self.graph.as_ref()).is_some_and(|graph| graph.is_nameless(expression)) =>
            {
                None
            }
            ExpressionKind::Name(name) => Some(name.text.clone()),
            ExpressionKind::Parenthesized(inner) => self.part_name(inner, scope),
            ExpressionKind::Path(path) => self.path_name(path, scope),
            ExpressionKind::Call(call) => self.call_name(call, scope),
            _ => None,
        }
    }

    /// The name that a part of an expression lends to it. Calls that may be several columns, or a
    /// column under its own name, are called so only where they stand alone.
    pub(super) fn part_name(&self, expression: &tree::Expression, scope: Scope) -> Option<String> {
        // A property of a graph's node or edge lends its name to no function.
        if (self.graph.as_ref()).is_some_and(|graph| graph.is_property(expression)) {
            return None;
        }
        if let ExpressionKind::Call(call) = &expression.kind
            && let Some(function) = Function::scalar(&call.function.text)
            && matches!(
                function.name,
                "array_sort_asc" | "array_sort_desc" | "column_ifexists"
            )
        {
            return None;
        }
        self.lent_name(expression, scope)
    }

    fn path_name(&self, path: &tree::Path, scope: Scope) -> Option<String> {
        let side = |name: &tree::Name| name.text == "$left" || name.text == "$right";
        let mut parts: Vec<String> = match &path.base.kind {
            ExpressionKind::Name(name) if side(name) => Vec::new(),
            _ => self.part_name(&path.base, scope).into_iter().collect(),
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
        if let Some(graph) = &self.graph
            && let Some(name) = super::operators::graph_call_name(call, graph)
        {
            return Some(name);
        }
        if matches!(self.lookup(scope, name), Some(Entity::Function { .. })) {
            return None;
        }
        // Some names are a function of one argument in groups and of several in a row.
        let scalar = Function::scalar(name);
        let function = match Function::aggregate(name) {
            Some(aggregate) if scalar.is_none() || call.arguments.len() <= 1 => aggregate,
            _ => scalar?,
        };
        let first = call.arguments.first().map(|argument| &argument.value);
        if matches!(function.name, "column_ifexists") {
            let found = self.existing.get(&call.span).cloned();
            return found.or_else(|| self.part_name(&call.arguments.get(1)?.value, scope));
        }
        if matches!(function.name, "array_sort_asc" | "array_sort_desc") {
            return Some(self.sorted_name(first?, 0, scope));
        }
        // Of several parts none lends its name.
        if matches!(function.name, "make_datetime" | "make_timespan") && call.arguments.len() > 1 {
            return None;
        }
        if matches!(
            function.name,
            "percentile" | "percentiles" | "percentilew" | "percentilesw"
        ) && function.kind == FunctionKind::Aggregate
        {
            let rank = call
                .arguments
                .get(if function.name.ends_with('w') { 2 } else { 1 })?;
            let of = self.part_name(first?, scope).unwrap_or_default();
            return Some(format!("percentile_{of}_{}", rank_name(&rank.value)));
        }
        match function.naming {
            Naming::Position => None,
            Naming::Fixed(name) => Some(name.to_owned()),
            Naming::FirstArgument => match call.arguments.first()?.name.as_ref() {
                Some(given) => Some(given.text.clone()),
                None => self.part_name(first?, scope),
            },
            Naming::Prefix(prefix) => {
                let prefix = old_prefix(name).unwrap_or(prefix);
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
                    .filter_map(|argument| self.part_name(&argument.value, scope))
                    .collect();
                name.push_str(&named.join("_"));
                Some(name)
            }
        }
    }

    /// What the array at that place of `array_sort_asc` is called once it is sorted.
    pub(super) fn sorted_name(
        &self,
        array: &tree::Expression,
        index: usize,
        scope: Scope,
    ) -> String {
        match self.part_name(array, scope) {
            Some(name) => format!("{name}_sorted"),
            None => format!("array{index}_sorted"),
        }
    }
}

/// How a constant rank is written in the name of a percentile.
fn rank_name(rank: &tree::Expression) -> String {
    match &rank.kind {
        ExpressionKind::Parenthesized(inner) => rank_name(inner),
        ExpressionKind::Literal(literal) => match &literal.value {
            LiteralValue::Int(Some(number)) => number.to_string(),
            LiteralValue::Long(Some(number)) => number.to_string(),
            LiteralValue::Real(Some(number)) => number.to_string().replace('.', "_"),
            LiteralValue::Decimal(Some(number)) => number.replace('.', "_"),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

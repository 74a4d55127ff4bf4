//! Calls of aggregates.

use std::sync::Arc;

use kql_syntax::Span;
use kql_syntax::tree::{self, ExpressionKind};

use super::expressions::column_value;
use super::operators::literal;
use super::rows::Names;
use super::{Binder, Column, Context, Outcome};
use crate::bound::{Aggregate, Expr, ExprKind, Value};
use crate::diagnostic::DiagnosticKind;
use crate::functions::{Function, ReturnRule};
use crate::types::ScalarType::{self, Bool, Dynamic};

/// An aggregate that is bound, with a name for each of its outputs.
pub(super) struct Bundle {
    pub(super) aggregate: Aggregate,
    pub(super) names: Vec<Option<String>>,
}

/// The canonical function of a conditional one, and where its condition stands.
fn without_condition(name: &str, given: usize) -> Option<(&'static str, usize)> {
    Some(match name {
        "count" if given == 1 => ("count", 0),
        "countif" => ("count", 0),
        "dcountif" => ("dcount", 1),
        "sumif" => ("sum", 1),
        "avgif" => ("avg", 1),
        "minif" => ("min", 1),
        "maxif" => ("max", 1),
        "stdevif" => ("stdev", 1),
        "varianceif" => ("variance", 1),
        "variancepif" => ("variancep", 1),
        "covarianceif" => ("covariance", 2),
        "covariancepif" => ("covariancep", 2),
        "make_list_if" => ("make_list", 1),
        "make_set_if" => ("make_set", 1),
        "make_bag_if" => ("make_bag", 1),
        "hll_if" => ("hll", 1),
        "take_anyif" | "anyif" => ("take_any", 1),
        "count_distinctif" => ("count_distinct", 1),
        _ => return None,
    })
}

/// How many values an aggregate collects under its old name.
///
/// Source: <https://learn.microsoft.com/kusto/query/make-set-aggregation-function>
fn old_size(name: &str) -> Option<i64> {
    matches!(name, "makeset" | "makelist" | "make_dictionary").then_some(128)
}

impl<'a> Binder<'a> {
    /// An aggregate as a part of an expression: its first output.
    pub(super) fn aggregate_value(
        &mut self,
        function: &'static Function,
        call: &'a tree::Call,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        let bundle = self.bundle(function, call, context, &[])?;
        let (column, ty) = bundle.aggregate.outputs[0];
        if let Some(aggregates) = &mut context.aggregates {
            aggregates.push(bundle.aggregate);
        }
        Ok(Expr {
            kind: ExprKind::Column(column),
            ty,
            span: call.span,
        })
    }

    /// The aggregate call that an expression is, if it is nothing else.
    pub(super) fn sole_aggregate(
        &self,
        expression: &'a tree::Expression,
        context: &Context<'_>,
    ) -> Option<(&'static Function, &'a tree::Call)> {
        match &expression.kind {
            ExpressionKind::Parenthesized(inner) => self.sole_aggregate(inner, context),
            ExpressionKind::Call(call) if !self.is_function(&call.function.text, context) => {
                Some((Function::aggregate(&call.function.text)?, call))
            }
            _ => None,
        }
    }

    /// Binds an aggregate call. `keys` are columns that `*` leaves out.
    pub(super) fn bundle(
        &mut self,
        function: &'static Function,
        call: &'a tree::Call,
        context: &mut Context<'_>,
        keys: &[Column],
    ) -> Outcome<Bundle> {
        context.in_aggregate = true;
        let bundle = self.bundle_inside(function, call, context, keys);
        context.in_aggregate = false;
        bundle
    }

    fn bundle_inside(
        &mut self,
        function: &'static Function,
        call: &'a tree::Call,
        context: &mut Context<'_>,
        keys: &[Column],
    ) -> Outcome<Bundle> {
        let span = call.span;
        let (mut arguments, mut named) = self.aggregate_arguments(call, context, keys)?;
        let star = call
            .arguments
            .iter()
            .any(|argument| matches!(argument.value.kind, ExpressionKind::Wildcard(_)));
        // The old name of `take_any` takes all columns or some, and not both.
        let mixed = function.name == "any" && call.arguments.len() > 1;
        let takes = matches!(function.name, "arg_max" | "arg_min" | "take_any" | "any");
        if star && (!takes || mixed) {
            let beside = match function.name {
                _ if mixed => " beside other columns",
                "count" => "; write count()",
                _ => "",
            };
            return self.refuse(
                DiagnosticKind::Meaning,
                span,
                format!("'{}' does not take '*'{beside}", function.name),
            );
        }
        self.check_arity(function, arguments.len(), span)?;
        // Under an old name it collects fewer values, unless it says how many.
        if let Some(most) = old_size(&call.function.text)
            && arguments.len() == 1
        {
            arguments.push(literal(Value::Long(most), ScalarType::Long, span));
        }
        let mut canonical = function;
        let mut filter = None;
        let arguments_of_call = arguments.len();
        // `count` of what is no condition counts every row, nulls too.
        let counts_all = function.name == "count" && arguments.iter().any(|one| one.ty != Bool);
        if counts_all {
            arguments.clear();
        } else if let Some((plain, condition)) = without_condition(function.name, arguments_of_call)
        {
            let value = arguments.remove(condition);
            named.remove(condition);
            if value.ty != Bool {
                let (ty, span) = (value.ty, value.span);
                return self.refuse(
                    DiagnosticKind::Type,
                    span,
                    format!("'{}' needs a bool here, and this is a {ty}", function.name),
                );
            }
            filter = Some(value);
            let alone = Function::aggregate(plain);
            if let Some(plain) = alone {
                canonical = plain;
            }
        } else if function.name == "any" {
            canonical = self.known_aggregate("take_any", span)?;
        }
        let arguments = self.checked(canonical, arguments)?;
        self.outputs(
            function, canonical, call, arguments, &named, filter, context,
        )
    }

    fn known_aggregate(&mut self, name: &str, span: Span) -> Outcome<&'static Function> {
        match Function::aggregate(name) {
            Some(function) => Ok(function),
            None => self.unsupported(span, format!("'{name}'")),
        }
    }

    /// Arguments with the names they lend; `*` is spelled out.
    fn aggregate_arguments(
        &mut self,
        call: &'a tree::Call,
        context: &mut Context<'_>,
        keys: &[Column],
    ) -> Outcome<(Vec<Expr>, Vec<Option<String>>)> {
        let mut arguments: Vec<Expr> = Vec::with_capacity(call.arguments.len());
        let mut named = Vec::with_capacity(call.arguments.len());
        let mut failed = false;
        for argument in &call.arguments {
            if matches!(&argument.value.kind, ExpressionKind::Wildcard(text) if text == "*") {
                for column in context.columns {
                    let known = keys.iter().any(|key| key.id == column.id)
                        || arguments.iter().any(
                            |other| matches!(other.kind, ExprKind::Column(id) if id == column.id),
                        );
                    if !known {
                        arguments.push(column_value(column, argument.value.span));
                        named.push(Some(column.name.to_string()));
                    }
                }
                continue;
            }
            match self.expression(&argument.value, context) {
                Ok(value) => {
                    arguments.push(value);
                    let given = argument.name.as_ref().map(|name| name.text.clone());
                    named.push(given.or_else(|| self.part_name(&argument.value, context.scope)));
                }
                Err(super::Refused) => failed = true,
            }
        }
        if failed {
            Err(super::Refused)
        } else {
            Ok((arguments, named))
        }
    }

    #[expect(
        clippy::too_many_arguments,
        clippy::too_many_lines,
        reason = "one place decides about the columns of every aggregate"
    )]
    fn outputs(
        &mut self,
        function: &'static Function,
        canonical: &'static Function,
        call: &'a tree::Call,
        arguments: Vec<Expr>,
        lends: &[Option<String>],
        filter: Option<Expr>,
        context: &Context<'_>,
    ) -> Outcome<Bundle> {
        let lent = |index: usize| lends.get(index).cloned().flatten();
        let first_ty = arguments.first().map_or(Dynamic, |argument| argument.ty);
        let mut arguments = arguments;
        let (types, names): (Vec<ScalarType>, Vec<Option<String>>) = match canonical.name {
            "arg_max" | "arg_min" => {
                let old = call.function.text.starts_with("argm");
                let extreme = canonical.name.trim_start_matches("arg_");
                let first = match lent(0) {
                    Some(name) if old => Some(format!("{extreme}_{name}")),
                    Some(name) => Some(name),
                    None => Some(format!("{extreme}_")),
                };
                let rest = |index: usize| {
                    if old && index > 0 {
                        let of = lent(index).unwrap_or_else(|| format!("arg{index}"));
                        first.as_ref().map(|first| format!("{first}_{of}"))
                    } else if index == 0 {
                        first.clone()
                    } else {
                        lent(index).or_else(|| {
                            let of = lent(0).unwrap_or_default();
                            Some(format!("{extreme}_{of}_arg{index}"))
                        })
                    }
                };
                (
                    arguments.iter().map(|argument| argument.ty).collect(),
                    (0..arguments.len()).map(rest).collect(),
                )
            }
            "take_any" => {
                let old = matches!(function.name, "any" | "anyif");
                let several = function.max == usize::MAX;
                let name = |index: usize| match lent(index) {
                    Some(name) if old => Some(format!("{}_{name}", function.name)),
                    Some(name) => Some(name),
                    None if old && arguments.len() == 1 => Some(format!("{}_", function.name)),
                    None => several.then(|| format!("any_arg{index}")),
                };
                (
                    arguments.iter().map(|argument| argument.ty).collect(),
                    (0..arguments.len()).map(name).collect(),
                )
            }
            "percentile" | "percentiles" | "percentilew" | "percentilesw" => {
                let ranks_from = if canonical.name.ends_with('w') { 2 } else { 1 };
                let mut types = Vec::new();
                let mut names = Vec::new();
                let ty = match first_ty {
                    ScalarType::Int => ScalarType::Long,
                    ScalarType::Decimal => ScalarType::Real,
                    other => other,
                };
                for rank in &arguments[ranks_from..] {
                    let text = match rank.literal() {
                        Some(Value::Int(number)) => number.to_string(),
                        Some(Value::Long(number)) => number.to_string(),
                        Some(Value::Real(number)) => number.to_string().replace('.', "_"),
                        Some(Value::Decimal(number)) => number.replace('.', "_"),
                        _ => String::new(),
                    };
                    types.push(ty);
                    names.push(Some(format!(
                        "percentile_{}_{text}",
                        lent(0).unwrap_or_default()
                    )));
                }
                for rank in &arguments[ranks_from..] {
                    if !rank.is_constant() {
                        let span = rank.span;
                        return self.refuse(
                            DiagnosticKind::Constant,
                            span,
                            "a percentile is a constant",
                        );
                    }
                }
                arguments = arguments
                    .into_iter()
                    .enumerate()
                    .map(|(index, argument)| {
                        if index >= ranks_from {
                            argument.converted(ScalarType::Real)
                        } else if index == 0 {
                            argument.converted(ty)
                        } else {
                            argument
                        }
                    })
                    .collect();
                (types, names)
            }
            "percentiles_array" | "percentilesw_array" => (
                vec![Dynamic],
                vec![Some(format!("percentiles_{}", lent(0).unwrap_or_default()))],
            ),
            _ => {
                let (ty, converted) = self.aggregate_type(canonical, arguments, call.span)?;
                arguments = converted;
                let name = self.lent_call_name(call, context);
                (vec![ty], vec![name])
            }
        };
        let outputs = types.into_iter().map(|ty| (self.fresh(), ty)).collect();
        let aggregate = Aggregate {
            function: canonical,
            arguments,
            filter,
            outputs,
            span: call.span,
        };
        Ok(Bundle { aggregate, names })
    }

    fn aggregate_type(
        &mut self,
        canonical: &'static Function,
        arguments: Vec<Expr>,
        span: Span,
    ) -> Outcome<(ScalarType, Vec<Expr>)> {
        if matches!(
            canonical.name,
            "make_list" | "make_set" | "make_bag" | "dcount"
        ) && let Some(size) = arguments.get(1)
            && !size.is_constant()
        {
            let span = size.span;
            return self.refuse(DiagnosticKind::Constant, span, "a constant is needed here");
        }
        if canonical.name == "dcount"
            && let Some(accuracy) = arguments.get(1)
            && let Some(Value::Long(number)) = accuracy.literal()
            && !(0..=4).contains(number)
        {
            let span = accuracy.span;
            return self.refuse(
                DiagnosticKind::Meaning,
                span,
                "the accuracy of a distinct count is a number from 0 to 4",
            );
        }
        let ty = arguments.first().map_or(Dynamic, |argument| argument.ty);
        let result = match canonical.returns {
            ReturnRule::Type(ty) => ty,
            ReturnRule::Sum if ty == ScalarType::Int => ScalarType::Long,
            ReturnRule::Average if ty.is_integer() => ScalarType::Real,
            ReturnRule::Argument(_) | ReturnRule::Sum | ReturnRule::Average => ty,
            ReturnRule::Common | ReturnRule::Special => {
                return self.unsupported(span, format!("'{}'", canonical.name));
            }
        };
        Ok((result, arguments))
    }

    fn lent_call_name(&self, call: &'a tree::Call, context: &Context<'_>) -> Option<String> {
        let function = Function::aggregate(&call.function.text)?;
        let first = call
            .arguments
            .first()
            .and_then(|argument| self.part_name(&argument.value, context.scope));
        match function.naming {
            crate::functions::Naming::Prefix(prefix) => {
                let prefix = super::naming::old_prefix(&call.function.text).unwrap_or(prefix);
                let second = prefix
                    .starts_with("covariance")
                    .then(|| call.arguments.get(1))
                    .flatten()
                    .and_then(|argument| self.part_name(&argument.value, context.scope));
                let names: Vec<String> = first.into_iter().chain(second).collect();
                Some(format!("{prefix}_{}", names.join("_")))
            }
            crate::functions::Naming::FirstArgument => first,
            crate::functions::Naming::Fixed(name) => Some(name.to_owned()),
            crate::functions::Naming::Position => None,
        }
    }

    /// Names the outputs of a bundle: as written, then as lent, and never twice the same.
    pub(super) fn named_outputs(
        &mut self,
        bundle: &Bundle,
        written: &[tree::Name],
        names: &mut Names,
        span: Span,
    ) -> Outcome<Vec<Column>> {
        let mut columns = Vec::with_capacity(bundle.names.len());
        if written.len() > bundle.names.len() {
            return self.refuse(
                DiagnosticKind::Arity,
                span,
                format!(
                    "{} names are given, and there are {} columns",
                    written.len(),
                    bundle.names.len()
                ),
            );
        }
        for (index, (lent, (id, ty))) in bundle
            .names
            .iter()
            .zip(&bundle.aggregate.outputs)
            .enumerate()
        {
            let name: Arc<str> = match (written.get(index), lent) {
                (Some(name), _) => self.declared_name(names, &name.text, name.span)?,
                (None, Some(lent)) => names.unique(lent),
                (None, None) => names.position(),
            };
            columns.push(Column {
                id: *id,
                name,
                ty: *ty,
            });
        }
        Ok(columns)
    }
}

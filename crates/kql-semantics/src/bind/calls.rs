//! Calls of scalar functions.

mod special;

use kql_syntax::Span;
use kql_syntax::tree;

use super::arithmetic::{alike, common, wider};
use super::comparisons::string_literal;
use super::{Binder, Context, Outcome, Refused, elsewhere};
use crate::bound::{Expr, ExprKind, Value, WindowCall};
use crate::diagnostic::{Diagnostic, DiagnosticKind, nearest};
use crate::functions::{Function, FunctionKind, Parameter, ReturnRule};
use crate::types::ScalarType::{
    self, Bool, DateTime, Dynamic, Guid, Int, Long, Real, String as Text, TimeSpan,
};

impl<'a> Binder<'a> {
    pub(super) fn call(
        &mut self,
        call: &'a tree::Call,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        let name = call.function.text.as_str();
        if let Some(value) = self.graph_call(call, context.scope) {
            return value;
        }
        if self.is_function(name, context) {
            return self.user_function(call, context);
        }
        if let Some(aggregate) = Function::aggregate(name) {
            let scalar = Function::scalar(name);
            if context.aggregates.is_some() && !context.in_aggregate {
                if scalar.is_none_or(|_| call.arguments.len() <= 1) {
                    return self.aggregate_value(aggregate, call, context);
                }
            } else if scalar.is_none() {
                return self.refuse(
                    DiagnosticKind::Meaning,
                    call.span,
                    format!("the aggregate '{name}' cannot stand here; use it in 'summarize'"),
                );
            }
        }
        let Some(function) = Function::scalar(name) else {
            return self.unknown_function(call, context);
        };
        if let Some(value) = self.special_call(function, call, context) {
            return value;
        }
        // The service lets any name stand before an argument and goes by the place.
        if let Some(named) = call
            .arguments
            .iter()
            .find_map(|argument| argument.name.as_ref())
        {
            self.note(
                named.span,
                format!("'{name}' does not look at the names of its arguments"),
            );
        }
        let arguments = self.arguments(call, context)?;
        self.apply(function, call, arguments, context)
    }

    /// Binds the arguments as they are written, all of them even when one is wrong.
    pub(super) fn arguments(
        &mut self,
        call: &'a tree::Call,
        context: &mut Context<'_>,
    ) -> Outcome<Vec<Expr>> {
        let mut arguments = Vec::with_capacity(call.arguments.len());
        let mut failed = false;
        for argument in &call.arguments {
            match self.expression(&argument.value, context) {
                Ok(value) => arguments.push(value),
                Err(Refused) => failed = true,
            }
        }
        if failed { Err(Refused) } else { Ok(arguments) }
    }

    pub(super) fn unknown_function<T>(
        &mut self,
        call: &tree::Call,
        context: &Context<'_>,
    ) -> Outcome<T> {
        let name = call.function.text.as_str();
        let declared = self.declared_names(context.scope);
        let known: Vec<&str> = Function::all()
            .flat_map(|function| {
                std::iter::once(function.name).chain(function.aliases.iter().copied())
            })
            .chain(declared.iter().map(std::string::String::as_str))
            .collect();
        let meant = elsewhere::function(name).map(str::to_owned);
        let instead = elsewhere::instead(name);
        let suggestion = match instead {
            Some(_) => None,
            None => meant.or_else(|| nearest(name, known)),
        };
        let message = match instead {
            Some(here) => format!("no function named '{name}'; {here}"),
            None => format!("no function named '{name}'"),
        };
        self.errors.push(
            Diagnostic::new(DiagnosticKind::Name, call.function.span, message)
                .with_suggestion(suggestion),
        );
        Err(Refused)
    }

    pub(super) fn check_arity(
        &mut self,
        function: &Function,
        given: usize,
        span: Span,
    ) -> Outcome<()> {
        if (function.min..=function.max).contains(&given) {
            return Ok(());
        }
        let wanted = match (function.min, function.max) {
            (min, max) if min == max => format!("{min}"),
            (min, usize::MAX) => format!("at least {min}"),
            (min, max) => format!("{min} to {max}"),
        };
        let plural = if wanted == "1" || wanted == "at least 1" {
            ""
        } else {
            "s"
        };
        self.refuse(
            DiagnosticKind::Arity,
            span,
            format!(
                "'{}' takes {wanted} argument{plural}, and {given} are given",
                function.name
            ),
        )
    }

    fn apply(
        &mut self,
        function: &'static Function,
        call: &'a tree::Call,
        arguments: Vec<Expr>,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        self.check_arity(function, arguments.len(), call.span)?;
        if function.name == "make_datetime" && arguments.len() == 2 {
            return self.refuse(
                DiagnosticKind::Arity,
                call.span,
                "'make_datetime' takes a value, or at least year, month and day",
            );
        }
        let arguments = self.checked(function, arguments)?;
        let (ty, arguments) = self.result(function, arguments, call.span)?;
        if function.kind == FunctionKind::Window {
            return self.window(function, arguments, ty, call.span, context);
        }
        Ok(Expr {
            kind: ExprKind::Call {
                function,
                arguments,
            },
            ty,
            span: call.span,
        })
    }

    /// Checks and converts arguments to what the function's parameters want.
    pub(super) fn checked(
        &mut self,
        function: &'static Function,
        arguments: Vec<Expr>,
    ) -> Outcome<Vec<Expr>> {
        let given = arguments.len();
        let mut checked = Vec::with_capacity(given);
        let mut failed = false;
        for (index, argument) in arguments.into_iter().enumerate() {
            let parameter = match (function.name, index) {
                // The parameters of these repeat in pairs or end differently.
                ("case", _) => Parameter::Any,
                ("bag_pack", index) if index % 2 == 0 => Parameter::Of(Text),
                // Several numbers, or one array of them.
                ("percentiles_array" | "percentiles_array_tdigest", 1)
                | ("percentilesw_array", 2)
                    if argument.ty == Dynamic && index + 1 == given =>
                {
                    Parameter::Dynamic
                }
                // What is left out is a number of any type, unless percentiles follow.
                ("series_outliers", 2) if given > 3 => Parameter::Real,
                ("make_datetime", 0) if given > 1 => Parameter::Number,
                // The last of several parts is the seconds, and they may be broken.
                ("make_timespan", index) if given > 1 && (index < 2 || index + 1 < given) => {
                    Parameter::Integer
                }
                // Further arrays, and at the end maybe where nulls go.
                ("array_sort_asc" | "array_sort_desc", _) if argument.ty == Dynamic => {
                    Parameter::Dynamic
                }
                // Groups stand between the pattern and the text.
                ("extract_all", 1) if given == 3 => Parameter::Dynamic,
                ("extract_all", 1) => Parameter::Of(Text),
                // One number or an array of them.
                ("array_split", 1) | ("unicode_codepoints_to_string", _)
                    if argument.ty != Dynamic =>
                {
                    Parameter::Integer
                }
                _ => function.parameter(index),
            };
            match self.fit(parameter, argument, function) {
                Ok(argument) => checked.push(argument),
                Err(Refused) => failed = true,
            }
        }
        if failed {
            return Err(Refused);
        }
        let numbers = checked.iter().all(|argument| argument.ty.is_numeric());
        if numbers
            && function.parameters == [Parameter::Series]
            && let Some(last) = checked.last()
        {
            let span = last.span;
            return self.refuse(
                DiagnosticKind::Type,
                span,
                format!("'{}' needs an array on one side", function.name),
            );
        }
        Ok(checked)
    }

    fn fit(&mut self, parameter: Parameter, argument: Expr, function: &Function) -> Outcome<Expr> {
        let ty = argument.ty;
        let parameter = match parameter {
            Parameter::Constant(inner) => {
                self.needs_constant(&argument, function)?;
                *inner
            }
            Parameter::OneOf(words) => {
                self.needs_constant(&argument, function)?;
                self.one_of(words, &argument, function)?;
                Parameter::Of(Text)
            }
            other => other,
        };
        let null = ty == Dynamic && matches!(argument.literal(), Some(Value::Null));
        let fits = match parameter {
            Parameter::Any | Parameter::Text | Parameter::Constant(_) | Parameter::OneOf(_) => true,
            Parameter::Of(Text) => ty == Text || (ty == Dynamic && !is_written_dynamic(&argument)),
            Parameter::Of(wanted) => ty == wanted || null,
            Parameter::TextAlone => ty == Text,
            Parameter::Number => ty.is_numeric(),
            Parameter::Real => matches!(ty, Int | Long | Real),
            Parameter::NumberOrBool => ty.is_numeric() || ty == Bool,
            Parameter::Series => ty.is_numeric() || ty == Dynamic,
            Parameter::NotRealOrBool => !matches!(ty, Real | Bool),
            Parameter::Integer | Parameter::Bits => ty.is_integer(),
            Parameter::Summable => ty.is_numeric() || matches!(ty, DateTime | TimeSpan),
            Parameter::Orderable => !matches!(ty, Dynamic | Guid),
            Parameter::NotDynamic => ty != Dynamic,
            Parameter::Dynamic => ty == Dynamic,
            Parameter::Json | Parameter::StringOrDynamic => matches!(ty, Text | Dynamic),
            Parameter::TypeName => false,
        };
        if !fits {
            let wanted = match parameter {
                Parameter::Of(wanted) => format!("a {wanted}"),
                Parameter::TextAlone => "a string".to_owned(),
                Parameter::Number => "a number".to_owned(),
                Parameter::Real => "a number that is not decimal".to_owned(),
                Parameter::NumberOrBool => "a number or bool".to_owned(),
                Parameter::Series => "an array or a number".to_owned(),
                Parameter::NotRealOrBool => "a value that is neither real nor bool".to_owned(),
                Parameter::Integer | Parameter::Bits => "a whole number".to_owned(),
                Parameter::Summable => "a number, datetime or timespan".to_owned(),
                Parameter::Orderable => "a value with an order".to_owned(),
                Parameter::NotDynamic => "a value that is not dynamic".to_owned(),
                Parameter::Dynamic => "a dynamic".to_owned(),
                Parameter::Json | Parameter::StringOrDynamic => "a string or dynamic".to_owned(),
                Parameter::TypeName => "typeof()".to_owned(),
                Parameter::Any | Parameter::Text | Parameter::Constant(_) | Parameter::OneOf(_) => {
                    "a value".to_owned()
                }
            };
            let hint = match (parameter, argument.literal()) {
                (Parameter::TextAlone, _) => "; use tostring()".to_owned(),
                (Parameter::Of(TimeSpan), Some(Value::String(text)))
                    if kql_syntax::ticks::timespan(text).is_some() =>
                {
                    format!("; a timespan is written without quotes: {}", text.trim())
                }
                _ => String::new(),
            };
            return self.refuse(
                DiagnosticKind::Type,
                argument.span,
                format!(
                    "'{}' needs {wanted} here, and this is a {ty}{hint}",
                    function.name
                ),
            );
        }
        Ok(match parameter {
            Parameter::Of(wanted) => argument.converted(wanted),
            Parameter::Text | Parameter::StringOrDynamic => argument.converted(Text),
            Parameter::Integer => argument.converted(Long),
            Parameter::Real => argument.converted(Real),
            Parameter::Number if function.returns == ReturnRule::Type(Real) => {
                argument.converted(Real)
            }
            _ => argument,
        })
    }

    fn needs_constant(&mut self, argument: &Expr, function: &Function) -> Outcome<()> {
        if argument.is_constant() {
            return Ok(());
        }
        self.refuse(
            DiagnosticKind::Constant,
            argument.span,
            format!(
                "'{}' needs a constant here, and this is another value for each row",
                function.name
            ),
        )
    }

    fn one_of(&mut self, words: &[&str], argument: &Expr, function: &Function) -> Outcome<()> {
        let Some(Value::String(text)) = argument.literal() else {
            return Ok(());
        };
        if words.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            return Ok(());
        }
        let suggestion = nearest(&text.to_lowercase(), words.iter().copied());
        self.errors.push(
            Diagnostic::new(
                DiagnosticKind::Name,
                argument.span,
                format!("'{}' knows no '{text}'", function.name),
            )
            .with_suggestion(suggestion),
        );
        Err(Refused)
    }

    /// The type of a call, and its arguments converted where the type depends on all of them.
    fn result(
        &mut self,
        function: &'static Function,
        arguments: Vec<Expr>,
        span: Span,
    ) -> Outcome<(ScalarType, Vec<Expr>)> {
        match function.returns {
            ReturnRule::Type(ty) => {
                // Weeks are the one difference that the service gives as a real.
                let weeks = function.name == "datetime_diff"
                    && matches!(arguments.first().and_then(Expr::literal), Some(Value::String(part)) if part.eq_ignore_ascii_case("week"));
                let ty = if weeks { Real } else { ty };
                let arguments = if function.name == "make_datetime" && arguments.len() > 1 {
                    arguments
                        .into_iter()
                        .enumerate()
                        .map(|(index, argument)| {
                            argument.converted(if index == 5 { Real } else { Long })
                        })
                        .collect()
                } else {
                    arguments
                };
                Ok((ty, arguments))
            }
            ReturnRule::Argument(index) => Ok((
                arguments.get(index).map_or(Dynamic, |argument| argument.ty),
                arguments,
            )),
            ReturnRule::Sum => {
                let ty = arguments.first().map_or(Long, |argument| argument.ty);
                Ok((if ty == Int { Long } else { ty }, arguments))
            }
            ReturnRule::Average => {
                let ty = arguments.first().map_or(Real, |argument| argument.ty);
                Ok((if ty.is_integer() { Real } else { ty }, arguments))
            }
            ReturnRule::Common => {
                let mut ty = None;
                for argument in &arguments {
                    ty = match ty {
                        None => Some(argument.ty),
                        Some(so_far)
                            if function.name == "coalesce" && !alike(so_far, argument.ty) =>
                        {
                            return self.not_alike(function, so_far, argument);
                        }
                        // A dynamic goes with every type, and is read as that.
                        Some(Dynamic) if function.name == "coalesce" => Some(argument.ty),
                        Some(so_far) if function.name == "coalesce" && argument.ty == Dynamic => {
                            Some(so_far)
                        }
                        Some(so_far) => {
                            if let Some(both) = common(so_far, argument.ty) {
                                Some(both)
                            } else {
                                let (other, span) = (argument.ty, argument.span);
                                return self.refuse(
                                DiagnosticKind::Type,
                                span,
                                format!("the arguments of '{}' need one type, and {so_far} and {other} have none", function.name),
                            );
                            }
                        }
                    };
                }
                let ty = ty.unwrap_or(Dynamic);
                Ok((
                    ty,
                    arguments
                        .into_iter()
                        .map(|argument| argument.converted(ty))
                        .collect(),
                ))
            }
            ReturnRule::Special => self.special_result(function, arguments, span),
        }
    }

    /// Numbers of two types where values of one are needed.
    fn not_alike<T>(
        &mut self,
        function: &Function,
        so_far: ScalarType,
        argument: &Expr,
    ) -> Outcome<T> {
        self.refuse(
            DiagnosticKind::Type,
            argument.span,
            format!(
                "the values of '{}' need one type, and {so_far} and {} are two; convert one of them",
                function.name, argument.ty
            ),
        )
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one arm per function with a rule of its own"
    )]
    fn special_result(
        &mut self,
        function: &'static Function,
        arguments: Vec<Expr>,
        span: Span,
    ) -> Outcome<(ScalarType, Vec<Expr>)> {
        match function.name {
            "iff" | "case" => {
                let last = arguments.len() - 1;
                let is_value = |index: usize| {
                    if function.name == "iff" {
                        index > 0
                    } else {
                        index % 2 == 1 || index == last
                    }
                };
                if function.name == "case" && arguments.len().is_multiple_of(2) {
                    return self.refuse(
                        DiagnosticKind::Arity,
                        span,
                        "'case' takes pairs of condition and value, and one last value",
                    );
                }
                let mut ty: Option<ScalarType> = None;
                for (index, argument) in arguments.iter().enumerate() {
                    if !is_value(index) {
                        if argument.ty != Bool {
                            let (other, span) = (argument.ty, argument.span);
                            return self.refuse(
                                DiagnosticKind::Type,
                                span,
                                format!(
                                    "'{}' needs a bool here, and this is a {other}",
                                    function.name
                                ),
                            );
                        }
                        continue;
                    }
                    if let Some(so_far) = ty
                        && !alike(so_far, argument.ty)
                    {
                        return self.not_alike(function, so_far, argument);
                    }
                    ty = Some(match (ty, argument.ty) {
                        (None | Some(Dynamic), other) => other,
                        (Some(so_far), Dynamic) => so_far,
                        (Some(so_far), other) => common(so_far, other).unwrap_or(so_far),
                    });
                }
                let ty = ty.unwrap_or(Dynamic);
                let arguments = arguments
                    .into_iter()
                    .enumerate()
                    .map(|(index, argument)| {
                        if is_value(index) {
                            argument.converted(ty)
                        } else {
                            argument
                        }
                    })
                    .collect();
                Ok((ty, arguments))
            }
            "bin" | "bin_at" => {
                let (value, step) = (arguments[0].ty, arguments[1].ty);
                let fixed = arguments.get(2).map_or(value, |fixed| fixed.ty);
                let ty = match (value, step) {
                    (TimeSpan, TimeSpan) => TimeSpan,
                    (DateTime, TimeSpan | DateTime) => DateTime,
                    _ => match wider(value, step).map(|ty| wider(ty, fixed).unwrap_or(ty)) {
                        // The language has no arithmetic of 32 bits.
                        Some(Int) => Long,
                        Some(both) => both,
                        None => {
                            return self.refuse(
                                DiagnosticKind::Type,
                                span,
                                format!("'{}' cannot round a {value} to a {step}", function.name),
                            );
                        }
                    },
                };
                if let Some(fixed) = arguments.get(2)
                    && fixed.ty != ty
                    && !(fixed.ty.is_numeric() && ty.is_numeric())
                {
                    let (other, span) = (fixed.ty, fixed.span);
                    return self.refuse(
                        DiagnosticKind::Type,
                        span,
                        format!("the fixed point is a {other}, and the value is a {ty}"),
                    );
                }
                let arguments = if ty.is_numeric() {
                    arguments
                        .into_iter()
                        .map(|argument| argument.converted(ty))
                        .collect()
                } else {
                    arguments
                };
                Ok((ty, arguments))
            }
            "abs" => {
                let ty = arguments[0].ty;
                let ty = if ty == Int { Long } else { ty };
                if ty == DateTime {
                    return self.refuse(
                        DiagnosticKind::Type,
                        span,
                        "'abs' needs a number or timespan",
                    );
                }
                Ok((
                    ty,
                    arguments
                        .into_iter()
                        .map(|argument| argument.converted(ty))
                        .collect(),
                ))
            }
            _ => Ok((Dynamic, arguments)),
        }
    }

    fn window(
        &mut self,
        function: &'static Function,
        arguments: Vec<Expr>,
        mut ty: ScalarType,
        span: Span,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        let mut arguments = arguments;
        if matches!(function.name, "prev" | "next") {
            if let Some(first) = arguments.first()
                && !matches!(first.kind, ExprKind::Column(_))
            {
                let span = first.span;
                return self.refuse(DiagnosticKind::Meaning, span, "a column is needed here");
            }
            for argument in arguments.iter().skip(1) {
                if !argument.is_constant() {
                    let span = argument.span;
                    return self.refuse(
                        DiagnosticKind::Constant,
                        span,
                        "a constant is needed here",
                    );
                }
            }
            if let Some(offset) = arguments.get(1)
                && matches!(offset.literal(), Some(Value::Int(..=0) | Value::Long(..=0)))
            {
                let span = offset.span;
                return self.refuse(
                    DiagnosticKind::Constant,
                    span,
                    format!("'{}' counts rows from 1 on", function.name),
                );
            }
            if arguments.len() == 3 {
                // A default is read as the type of the column, however wide it is.
                let default = arguments.remove(2);
                arguments.push(default.converted(ty));
            }
        }
        // The sum is as wide as what is summed, and counted with 64 bits.
        let narrow = function.name == "row_cumsum" && ty == Int;
        if narrow {
            ty = Long;
            let value = arguments.remove(0).converted(ty);
            arguments.insert(0, value);
        }
        let column = self.fresh();
        let Some(windows) = &mut context.windows else {
            return self.refuse(
                DiagnosticKind::Meaning,
                span,
                format!(
                    "'{}' needs rows in order; put 'sort by' or 'serialize' before",
                    function.name
                ),
            );
        };
        windows.push(WindowCall {
            column,
            function,
            arguments,
            ty,
        });
        let value = Expr {
            kind: ExprKind::Column(column),
            ty,
            span,
        };
        Ok(if narrow { value.converted(Int) } else { value })
    }

    pub(super) fn known(&mut self, name: &str, span: Span) -> Outcome<&'static Function> {
        match Function::scalar(name).or_else(|| Function::aggregate(name)) {
            Some(function) => Ok(function),
            None => self.unsupported(span, format!("'{name}'")),
        }
    }
}

/// Whether it is a dynamic that is written out; the service does not read one as a string.
fn is_written_dynamic(argument: &Expr) -> bool {
    matches!(argument.literal(), Some(Value::Dynamic(_)))
}

/// The text of a string literal argument.
pub(super) fn text_argument(call: &tree::Call, index: usize) -> Option<&str> {
    string_literal(&call.arguments.get(index)?.value)
}

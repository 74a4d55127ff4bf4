//! Calls of functions that the query declares.

use kql_syntax::Span;
use kql_syntax::tree;

use super::scope::{Entity, Scope};
use super::{Binder, Context, Outcome};
use crate::bound::{Expr, SharedId, Value};
use crate::diagnostic::DiagnosticKind;
use crate::types::ScalarType::{self, Dynamic};

impl<'a> Binder<'a> {
    pub(super) fn user_function(
        &mut self,
        call: &'a tree::Call,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        let seen = self.hidden.clone();
        let (body, scope) = self.enter(call, context, None)?;
        if self.is_tabular(body, scope) {
            return self.refuse(
                DiagnosticKind::Type,
                call.span,
                format!(
                    "'{}' gives a table, and a value is needed here; use toscalar()",
                    call.function.text
                ),
            );
        }
        let value = self.expression(body, &mut Context::constant(scope))?;
        self.hidden = seen;
        Ok(Expr {
            span: call.span,
            ..value
        })
    }

    /// The value of a function without parameters that is named without parentheses.
    pub(super) fn view_value(
        &mut self,
        name: &str,
        function: &'a tree::Function,
        scope: Scope,
        span: Span,
    ) -> Outcome<Expr> {
        let (scope, answers) = self.deeper(span, |binder| {
            binder.statements(&function.body.statements, scope)
        })?;
        match answers.last() {
            Some(answer) if !self.is_tabular(answer, scope) => {
                let value = self.expression(answer, &mut Context::constant(scope))?;
                Ok(Expr { span, ..value })
            }
            Some(_) => self.refuse(
                DiagnosticKind::Type,
                span,
                format!("'{name}' gives a table, and a value is needed here; use toscalar()"),
            ),
            None => self.refuse(
                DiagnosticKind::Meaning,
                function.body.span,
                format!("'{name}' has no result"),
            ),
        }
    }

    /// Refuses a table behind a value, and a parameter without a default behind one that has it.
    pub(super) fn parameters_in_order(&mut self, parameters: &[tree::Parameter]) -> Outcome<()> {
        for (before, parameter) in parameters.iter().zip(parameters.iter().skip(1)) {
            let is_value = matches!(parameter.ty, tree::ParameterType::Scalar(_));
            let problem = match (&before.ty, &before.default) {
                (tree::ParameterType::Scalar(_), _) if !is_value => {
                    "is a table, and tables come before values"
                }
                (_, Some(_)) if parameter.default.is_none() => {
                    "has no default, and comes after a parameter that has one"
                }
                _ => continue,
            };
            return self.refuse(
                DiagnosticKind::Meaning,
                parameter.span,
                format!("the parameter '{}' {problem}", parameter.name.text),
            );
        }
        Ok(())
    }

    /// Declares a function's parameters; gives its last expression and the scope to bind it in.
    pub(super) fn enter(
        &mut self,
        call: &'a tree::Call,
        context: &mut Context<'_>,
        piped: Option<SharedId>,
    ) -> Outcome<(&'a tree::Expression, Scope)> {
        let name = call.function.text.as_str();
        let Some(Entity::Function { function, scope }) = self.lookup(context.scope, name).cloned()
        else {
            return self.unknown_function(call, context);
        };
        let mut piped = piped;
        let mut inner = scope;
        let mut given = vec![None; function.parameters.len()];
        let first = usize::from(piped.is_some());
        for (position, argument) in call.arguments.iter().enumerate() {
            let index = match &argument.name {
                Some(named) => function
                    .parameters
                    .iter()
                    .position(|parameter| parameter.name.text == named.text),
                None => (position + first < function.parameters.len()).then_some(position + first),
            };
            let Some(index) = index else {
                return self.refuse(
                    DiagnosticKind::Arity,
                    argument.value.span,
                    format!("'{name}' has no parameter for this argument"),
                );
            };
            given[index] = Some(&argument.value);
        }
        for (parameter, argument) in function.parameters.iter().zip(given) {
            let entity = match (&parameter.ty, argument, &parameter.default) {
                (tree::ParameterType::Scalar(ty), Some(argument), _) => {
                    let ty = self.type_name(ty)?;
                    let value = self.expression(argument, context)?;
                    let value = self.argument_of_type(value, ty)?;
                    self.scalar_entity(value, Vec::new())?
                }
                (tree::ParameterType::Scalar(ty), None, Some(default)) => {
                    let ty = self.type_name(ty)?;
                    let value = self.expression(default, &mut Context::constant(scope))?;
                    let value = self.argument_of_type(value, ty)?;
                    self.scalar_entity(value, Vec::new())?
                }
                (tree::ParameterType::Table(_) | tree::ParameterType::AnyTable, argument, _) => {
                    let id = match (argument, piped.take()) {
                        (None, Some(id)) => id,
                        (Some(argument), _) => {
                            self.share_expression(argument, context.scope, false)?
                        }
                        (None, None) => {
                            return self.refuse(
                                DiagnosticKind::Arity,
                                call.span,
                                format!("'{name}' needs a value for '{}'", parameter.name.text),
                            );
                        }
                    };
                    if let tree::ParameterType::Table(columns) = &parameter.ty {
                        self.check_table(id, columns, call.span)?;
                    }
                    Entity::Argument(id, &parameter.ty)
                }
                (tree::ParameterType::Scalar(_), None, None) => {
                    return self.refuse(
                        DiagnosticKind::Arity,
                        call.span,
                        format!("'{name}' needs a value for '{}'", parameter.name.text),
                    );
                }
            };
            inner = self.declare(inner, &parameter.name.text, entity);
        }
        if piped.is_some() {
            return self.refuse(
                DiagnosticKind::Type,
                call.span,
                format!("'{name}' takes no table"),
            );
        }
        let (inner, answers) = self.deeper(call.span, |binder| {
            binder.statements(&function.body.statements, inner)
        })?;
        match answers.last() {
            Some(body) => Ok((body, inner)),
            None => self.refuse(
                DiagnosticKind::Meaning,
                function.body.span,
                format!("'{name}' has no result"),
            ),
        }
    }

    fn check_table(
        &mut self,
        id: SharedId,
        columns: &[tree::ColumnDeclaration],
        span: Span,
    ) -> Outcome<()> {
        for declared in columns {
            let ty = self.type_name(&declared.ty)?;
            let found = self.shared[id.0]
                .shared
                .pipeline
                .columns
                .iter()
                .find(|column| *column.name == declared.name.text)
                .map(|column| column.ty);
            if found != Some(ty) {
                return self.refuse(
                    DiagnosticKind::Type,
                    span,
                    format!(
                        "the table needs a column '{}' of type {ty}",
                        declared.name.text
                    ),
                );
            }
        }
        Ok(())
    }

    /// A value for a parameter of that type.
    pub(super) fn argument_of_type(&mut self, value: Expr, ty: ScalarType) -> Outcome<Expr> {
        let fits = value.ty == ty
            || (value.ty.is_numeric() && ty.is_numeric())
            || ty == Dynamic
            || matches!(value.literal(), Some(Value::Null))
            || value.ty == Dynamic;
        if fits {
            return Ok(value.converted(ty));
        }
        self.refuse(
            DiagnosticKind::Type,
            value.span,
            format!("a {ty} is needed here, and this is a {}", value.ty),
        )
    }
}

//! Names that `let`, parameters and `as` declare.

use kql_syntax::Span;
use kql_syntax::tree::{self, ExpressionKind, ParameterType};

use super::{Binder, Context, Outcome, Refused, restricted};
use crate::bound::{Dependency, Expr, ExprKind, SharedId};
use crate::diagnostic::{DiagnosticKind, nearest};
use crate::types::ScalarType;

/// The declaration that a scope ends with; earlier ones follow from it.
pub(crate) type Scope = Option<usize>;

/// One declaration.
pub(crate) struct Bound<'a> {
    name: String,
    entity: Entity<'a>,
    previous: Scope,
}

/// What a name stands for.
#[derive(Clone)]
pub(crate) enum Entity<'a> {
    /// A value.
    Scalar {
        value: Box<Expr>,
        needs: Vec<Dependency>,
        nodes: usize,
    },
    /// A table.
    Table(SharedId),
    /// A table that a function was given, of which it sees what its parameter declares.
    Argument(SharedId, &'a ParameterType),
    /// A function, with the scope it was declared in.
    Function {
        function: &'a tree::Function,
        scope: Scope,
    },
    /// A pattern, with the scope it was declared in.
    Pattern {
        pattern: &'a tree::DeclarePattern,
        scope: Scope,
    },
    /// What can be seen of all that is declared before.
    Restriction(&'a [tree::Expression]),
    /// Its declaration is wrong; that has been said.
    Unusable,
}

/// What a restriction is declared as: no name of a query.
const RESTRICTION: &str = "";

impl<'a> Binder<'a> {
    #[expect(
        clippy::unnecessary_wraps,
        reason = "a scope is what look-ups begin with"
    )]
    pub(super) fn declare(&mut self, scope: Scope, name: &str, entity: Entity<'a>) -> Scope {
        self.bindings.push(Bound {
            name: name.to_owned(),
            entity,
            previous: scope,
        });
        Some(self.bindings.len() - 1)
    }

    pub(super) fn lookup(&self, scope: Scope, name: &str) -> Option<&Entity<'a>> {
        let mut restrictions = Vec::new();
        let mut next = scope;
        while let Some(index) = next {
            let bound = &self.bindings[index];
            if let Entity::Restriction(entities) = bound.entity {
                restrictions.push(entities);
            } else if bound.name == name {
                let visible = restrictions.iter().all(|entities| {
                    restricted::lets_through(entities, name, &bound.entity, |function, scope| {
                        self.gives_table(function, scope)
                    })
                });
                return visible.then_some(&bound.entity);
            }
            next = bound.previous;
        }
        None
    }

    /// Hides what is declared before, and the tables, except for these.
    pub(super) fn restrict(&mut self, scope: Scope, entities: &'a [tree::Expression]) -> Scope {
        self.declare(scope, RESTRICTION, Entity::Restriction(entities))
    }

    pub(super) fn restrictions(
        &self,
        scope: Scope,
    ) -> impl Iterator<Item = &'a [tree::Expression]> {
        std::iter::successors(scope, |index| self.bindings[*index].previous).filter_map(|index| {
            match self.bindings[index].entity {
                Entity::Restriction(entities) => Some(entities),
                _ => None,
            }
        })
    }

    pub(super) fn declared_names(&self, scope: Scope) -> Vec<String> {
        let mut names = Vec::new();
        let mut next = scope;
        while let Some(index) = next {
            names.push(self.bindings[index].name.clone());
            next = self.bindings[index].previous;
        }
        names.retain(|name| name != RESTRICTION);
        names
    }

    pub(super) fn declaration(
        &mut self,
        declaration: &'a tree::Let,
        scope: Scope,
    ) -> Outcome<Entity<'a>> {
        let mut value = &declaration.value;
        while let ExpressionKind::Parenthesized(inner) = &value.kind {
            value = inner;
        }
        match &value.kind {
            ExpressionKind::Function(function) => {
                self.parameters_in_order(&function.parameters)?;
                return Ok(Entity::Function { function, scope });
            }
            ExpressionKind::EntityGroup(_) => {
                return self.unsupported(value.span, "an entity group");
            }
            _ => {}
        }
        if self.is_tabular(value, scope) {
            let materialized = matches!(value.kind, ExpressionKind::Materialize(_));
            let id = self.share_expression(value, scope, materialized)?;
            return Ok(Entity::Table(id));
        }
        let (value, needs) =
            self.apart(|binder| binder.expression(value, &mut Context::constant(scope)))?;
        self.scalar_entity(value, needs)
    }

    pub(super) fn scalar_entity(
        &mut self,
        value: Expr,
        needs: Vec<Dependency>,
    ) -> Outcome<Entity<'a>> {
        let (nodes, depth) = value.size();
        if depth > super::MAX_DEPTH {
            return self.refuse(
                DiagnosticKind::TooLarge,
                value.span,
                "the value nests too deeply once declarations are put in",
            );
        }
        Ok(Entity::Scalar {
            value: Box::new(value),
            needs,
            nodes,
        })
    }

    pub(super) fn query_parameter(
        &mut self,
        parameter: &'a tree::Parameter,
        scope: Scope,
    ) -> Outcome<Entity<'a>> {
        let ParameterType::Scalar(ty) = &parameter.ty else {
            return self.unsupported(parameter.span, "a query parameter that is a table");
        };
        let ty = self.type_name(ty)?;
        let value = match (
            self.options.parameters.get(&parameter.name.text),
            &parameter.default,
        ) {
            (Some(value), _) => {
                if let Some(actual) = value.scalar_type()
                    && actual != ty
                    && !(actual.is_numeric() && ty.is_numeric())
                {
                    return self.refuse(
                        DiagnosticKind::Type,
                        parameter.span,
                        format!(
                            "parameter '{}' is a {ty}, and the value given is a {actual}",
                            parameter.name.text
                        ),
                    );
                }
                let actual = value.scalar_type().unwrap_or(ty);
                let literal = Expr {
                    kind: ExprKind::Literal(value.clone()),
                    ty: actual,
                    span: parameter.span,
                };
                literal.converted(ty)
            }
            (None, Some(default)) => {
                let value = self.expression(default, &mut Context::constant(scope))?;
                self.argument_of_type(value, ty)?
            }
            (None, None) => {
                return self.refuse(
                    DiagnosticKind::Constant,
                    parameter.span,
                    format!("parameter '{}' has no value", parameter.name.text),
                );
            }
        };
        self.scalar_entity(value, Vec::new())
    }

    /// The value of a declared name, put in at this place.
    pub(super) fn use_scalar(
        &mut self,
        name: &str,
        scope: Scope,
        span: Span,
    ) -> Option<Outcome<Expr>> {
        let (value, needs, nodes) = match self.lookup(scope, name)? {
            Entity::Scalar {
                value,
                needs,
                nodes,
            } => ((**value).clone(), needs.clone(), *nodes),
            Entity::Unusable => return Some(Err(Refused)),
            Entity::Restriction(_) => return None,
            Entity::Table(_) | Entity::Argument(..) | Entity::Pattern { .. } => {
                return Some(self.refuse(
                    DiagnosticKind::Type,
                    span,
                    format!("'{name}' is a table, and a value is needed here; use toscalar()"),
                ));
            }
            Entity::Function { function, scope } if function.parameters.is_empty() => {
                let (function, inner) = (*function, *scope);
                return Some(self.view_value(name, function, inner, span));
            }
            Entity::Function { .. } => {
                return Some(self.refuse(
                    DiagnosticKind::Meaning,
                    span,
                    format!("'{name}' is a function; call it with parentheses"),
                ));
            }
        };
        let floor = self.floor;
        if floor > 0 && value.mentions(&|id| id.0 < floor) {
            return Some(self.refuse(
                DiagnosticKind::Meaning,
                span,
                format!(
                    "'{name}' is another value for every row, and a sub-query is run once for all rows"
                ),
            ));
        }
        self.used.extend(needs);
        Some(self.charge(nodes, span).map(|()| Expr { span, ..value }))
    }

    pub(super) fn type_name(&mut self, name: &tree::Name) -> Outcome<ScalarType> {
        if let Ok(ty) = name.text.parse() {
            Ok(ty)
        } else {
            let suggestion = nearest(&name.text, ScalarType::ALL.iter().map(|ty| ty.name()));
            self.errors.push(
                super::Diagnostic::new(
                    DiagnosticKind::Name,
                    name.span,
                    format!("no scalar type named '{}'", name.text),
                )
                .with_suggestion(suggestion),
            );
            Err(Refused)
        }
    }
}

//! `restrict access to (…)`: tables that the rest of a query does not see.
//!
//! Source: <https://learn.microsoft.com/kusto/query/restrict-statement>

use kql_syntax::tree::{self, ExpressionKind, Segment, fits_pattern};

use super::Binder;
use super::scope::{Entity, Scope};

/// What a name that is looked for stands for, if it is found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A table of the schema.
    Table,
    /// What the query declares.
    Declared,
}

impl Binder<'_> {
    /// Whether a table of the schema can be seen from here.
    pub(super) fn sees(&self, scope: Scope, table: &str) -> bool {
        self.restrictions(scope)
            .all(|entities| allows(entities, table, Kind::Table))
    }

    /// The names of the schema's tables that can be seen from here.
    pub(super) fn seen_tables(&self, scope: Scope) -> Vec<String> {
        let mut names = self.tables.names();
        names.retain(|name| self.sees(scope, name));
        names
    }
}

/// Whether what a query declares can be seen behind a restriction; values can always.
pub(super) fn lets_through(
    entities: &[tree::Expression],
    name: &str,
    entity: &Entity<'_>,
    is_tabular: impl FnOnce(&tree::Function, Scope) -> bool,
) -> bool {
    let tabular = match entity {
        Entity::Table(_) | Entity::Argument(..) | Entity::Pattern { .. } => true,
        Entity::Function { function, scope } => is_tabular(function, *scope),
        Entity::Scalar { .. } | Entity::Restriction(_) | Entity::Unusable => false,
    };
    !tabular || allows(entities, name, Kind::Declared)
}

fn allows(entities: &[tree::Expression], name: &str, kind: Kind) -> bool {
    entities.iter().any(|entity| allowed_by(entity, name, kind))
}

fn allowed_by(entity: &tree::Expression, name: &str, kind: Kind) -> bool {
    match &entity.kind {
        ExpressionKind::Parenthesized(inner) => allowed_by(inner, name, kind),
        ExpressionKind::Name(own) => own.text == name,
        // Without a database, a pattern means what the query declares.
        ExpressionKind::Wildcard(pattern) => kind == Kind::Declared && fits_pattern(name, pattern),
        ExpressionKind::Call(call) => kind == Kind::Declared && call.function.text == name,
        ExpressionKind::Path(path) if kind == Kind::Table && is_here(&path.base) => {
            match path.segments.as_slice() {
                [Segment::Member(own)] => own.text == name,
                [Segment::Wildcard { pattern, .. }] => fits_pattern(name, pattern),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether an expression is `database()`, the database of the query.
pub(super) fn is_here(expression: &tree::Expression) -> bool {
    matches!(
        &expression.kind,
        ExpressionKind::Call(call) if call.function.text == "database" && call.arguments.is_empty()
    )
}

//! What gives rows: tables, declared tables, functions, literals.

use std::collections::HashSet;
use std::sync::Arc;

use kql_syntax::Span;
use kql_syntax::tree::{self, ExpressionKind, OperatorKind, ParameterType, Segment, StatementKind};

use super::expressions::column_value;
use super::restricted::is_here;
use super::rows::Rows;
use super::scope::{Entity, Scope};
use super::{Binder, Column, Context, Outcome, Refused, elsewhere};
use crate::bound::{Assignment, Operator, SharedId, Source, Value};
use crate::diagnostic::{Diagnostic, DiagnosticKind, nearest};
use crate::types::ScalarType;

/// How far a look at the syntax goes to tell a table from a value.
const LOOK: usize = 64;

impl<'a> Binder<'a> {
    /// Whether an expression gives a table.
    pub(super) fn is_tabular(&self, expression: &tree::Expression, scope: Scope) -> bool {
        self.looks_tabular(expression, scope, LOOK)
    }

    fn looks_tabular(&self, expression: &tree::Expression, scope: Scope, left: usize) -> bool {
        let Some(left) = left.checked_sub(1) else {
            return false;
        };
        match &expression.kind {
            ExpressionKind::Pipe(_)
            | ExpressionKind::Operator(_)
            | ExpressionKind::DataTable(_)
            | ExpressionKind::ExternalData(_)
            | ExpressionKind::ContextualDataTable { .. }
            | ExpressionKind::Materialize(_)
            | ExpressionKind::ToTable(_) => true,
            ExpressionKind::Name(name) => match self.lookup(scope, &name.text) {
                Some(Entity::Table(_) | Entity::Argument(..) | Entity::Unusable) => true,
                Some(Entity::Function { function, scope }) if function.parameters.is_empty() => {
                    self.body_looks_tabular(&function.body, &[], *scope, left)
                }
                Some(
                    Entity::Scalar { .. }
                    | Entity::Function { .. }
                    | Entity::Pattern { .. }
                    | Entity::Restriction(_),
                ) => false,
                None => self.tables.table(&name.text).is_some(),
            },
            ExpressionKind::Parenthesized(inner) => self.looks_tabular(inner, scope, left),
            ExpressionKind::Path(path) => {
                matches!(&path.base.kind, ExpressionKind::Call(call)
                    if is_place(&call.function.text) || self.is_pattern(call, scope))
            }
            ExpressionKind::Call(call) => match self.lookup(scope, &call.function.text) {
                Some(Entity::Function { function, scope }) => {
                    self.body_looks_tabular(&function.body, &function.parameters, *scope, left)
                }
                Some(Entity::Pattern { .. }) => true,
                Some(_) => false,
                None => is_place(&call.function.text) || is_service_table(&call.function.text),
            },
            ExpressionKind::Body(body) => self.body_looks_tabular(body, &[], scope, left),
            _ => false,
        }
    }

    /// Whether a declared function gives a table.
    pub(super) fn gives_table(&self, function: &tree::Function, scope: Scope) -> bool {
        self.body_looks_tabular(&function.body, &function.parameters, scope, LOOK)
    }

    fn body_looks_tabular(
        &self,
        body: &tree::Body,
        parameters: &[tree::Parameter],
        scope: Scope,
        left: usize,
    ) -> bool {
        let mut answer = body
            .statements
            .iter()
            .rev()
            .find_map(|statement| match &statement.kind {
                StatementKind::Expression(expression) => Some(expression),
                _ => None,
            });
        // Names of the body's own are followed by hand: they are not declared yet.
        for _ in 0..left {
            let Some(expression) = answer else {
                return false;
            };
            let mut inner = expression;
            while let ExpressionKind::Parenthesized(next) = &inner.kind {
                inner = next;
            }
            let name = match &inner.kind {
                ExpressionKind::Name(name) => name,
                ExpressionKind::Call(call) => &call.function,
                _ => return self.looks_tabular(inner, scope, left),
            };
            let own = body
                .statements
                .iter()
                .rev()
                .find_map(|statement| match &statement.kind {
                    StatementKind::Let(declaration) if declaration.name.text == name.text => {
                        Some(&declaration.value)
                    }
                    _ => None,
                });
            if let Some(own) = own {
                if let ExpressionKind::Function(function) = &own.kind {
                    return self.body_looks_tabular(
                        &function.body,
                        &function.parameters,
                        scope,
                        left.saturating_sub(1),
                    );
                }
                answer = Some(own);
                continue;
            }
            return match parameters
                .iter()
                .find(|parameter| parameter.name.text == name.text)
            {
                Some(parameter) => !matches!(parameter.ty, ParameterType::Scalar(_)),
                None => self.looks_tabular(inner, scope, left),
            };
        }
        false
    }

    /// Binds a tabular expression apart and makes it readable from several places.
    pub(super) fn share_expression(
        &mut self,
        expression: &'a tree::Expression,
        scope: Scope,
        materialized: bool,
    ) -> Outcome<SharedId> {
        let mut inner = expression;
        while let ExpressionKind::Parenthesized(next) = &inner.kind {
            inner = next;
        }
        if let ExpressionKind::Name(named) = &inner.kind
            && let Some(Entity::Table(id)) = self.lookup(scope, &named.text)
        {
            return Ok(*id);
        }
        let query = match &inner.kind {
            ExpressionKind::Materialize(query) if materialized => &query.query,
            _ => expression,
        };
        let (rows, needs) = self.apart(|binder| binder.tabular(query, scope))?;
        Ok(self.share(rows, needs, materialized))
    }

    /// Binds an expression that gives a table.
    pub(super) fn tabular(
        &mut self,
        expression: &'a tree::Expression,
        scope: Scope,
    ) -> Outcome<Rows> {
        self.deeper(expression.span, |binder| {
            binder.tabular_kind(expression, scope)
        })
    }

    fn tabular_kind(&mut self, expression: &'a tree::Expression, scope: Scope) -> Outcome<Rows> {
        let span = expression.span;
        match &expression.kind {
            ExpressionKind::Name(name) => self.table(name, scope),
            ExpressionKind::Parenthesized(inner) => self.tabular(inner, scope),
            ExpressionKind::Pipe(pipe) => {
                let rows = self.tabular(&pipe.source, scope)?;
                self.pipe(rows, &pipe.operators, scope)
            }
            ExpressionKind::Operator(operator) => self.source_operator(operator, scope),
            ExpressionKind::DataTable(table) => self.data_table(table, scope, span),
            ExpressionKind::ExternalData(external) => self.external(external, scope, span),
            ExpressionKind::Materialize(query) => {
                let (rows, needs) = self.apart(|binder| binder.tabular(&query.query, scope))?;
                let id = self.share(rows, needs, true);
                self.read_shared(id, span)
            }
            ExpressionKind::ToTable(query) => self.tabular(&query.query, scope),
            ExpressionKind::Call(call) => self.tabular_call(call, scope),
            ExpressionKind::Path(path) => self.place(path, scope, span),
            ExpressionKind::ContextualDataTable { .. } => {
                self.unsupported(span, "'__contextual_datatable'")
            }
            ExpressionKind::Body(body) => {
                let (inner, answers) = self.statements(&body.statements, scope)?;
                match answers.last() {
                    Some(answer) => self.tabular(answer, inner),
                    None => self.refuse(DiagnosticKind::Meaning, span, "the body has no result"),
                }
            }
            ExpressionKind::Error => {
                self.refuse(DiagnosticKind::Meaning, span, "a table is missing")
            }
            _ => self.refuse(
                DiagnosticKind::Type,
                span,
                "a table is needed here, and this is a value",
            ),
        }
    }

    fn table(&mut self, name: &'a tree::Name, scope: Scope) -> Outcome<Rows> {
        match self.lookup(scope, &name.text) {
            Some(Entity::Table(id)) => {
                let id = *id;
                return self.read_shared(id, name.span);
            }
            Some(Entity::Argument(id, declared)) => {
                let (id, declared) = (*id, *declared);
                return self.argument(id, declared, name.span);
            }
            Some(Entity::Unusable) => return Err(Refused),
            Some(Entity::Function { function, .. }) if function.parameters.is_empty() => {
                let call_scope = scope;
                return self.view(name, call_scope);
            }
            Some(_) => {
                return self.refuse(
                    DiagnosticKind::Type,
                    name.span,
                    format!("a table is needed here, and '{}' is none", name.text),
                );
            }
            None => {}
        }
        if self.sees(scope, &name.text)
            && let Some(rows) = self.schema_table(&name.text, name.span)
        {
            return Ok(rows);
        }
        let declared = self.declared_names(scope);
        let known = self.seen_tables(scope);
        let suggestion = nearest(
            &name.text,
            known
                .iter()
                .chain(&declared)
                .map(std::string::String::as_str),
        );
        self.errors.push(
            Diagnostic::new(
                DiagnosticKind::Name,
                name.span,
                format!("no table named '{}'", name.text),
            )
            .with_suggestion(suggestion),
        );
        Err(Refused)
    }

    /// A view that is named without parentheses.
    fn view(&mut self, name: &'a tree::Name, scope: Scope) -> Outcome<Rows> {
        let Some(Entity::Function {
            function,
            scope: inner,
        }) = self.lookup(scope, &name.text).cloned()
        else {
            return Err(Refused);
        };
        self.view_rows(&name.text, function, inner)
    }

    /// A table of the schema.
    pub(super) fn schema_table(&mut self, name: &str, span: Span) -> Option<Rows> {
        let schema = self.tables.table(name)?;
        let columns: Vec<Column> = schema
            .columns
            .iter()
            .map(|column| self.column(column.name.as_str(), column.ty))
            .collect();
        self.weigh(columns.len());
        let name: Arc<str> = name.into();
        let source = Source::Table {
            name: name.clone(),
            columns: columns.clone(),
            span,
        };
        let mut rows = Rows::new(source, columns);
        rows.name = Some(name);
        Some(rows)
    }

    fn tabular_call(&mut self, call: &'a tree::Call, scope: Scope) -> Outcome<Rows> {
        let name = call.function.text.as_str();
        if matches!(self.lookup(scope, name), Some(Entity::Function { .. })) {
            return self.tabular_function(call, scope, None);
        }
        if self.is_pattern(call, scope) {
            return self.pattern(call, &[], scope, call.span);
        }
        match name {
            "table" => {
                let table = match call.arguments.first() {
                    Some(given) => self.expression(&given.value, &mut Context::constant(scope))?,
                    None => {
                        return self.refuse(
                            DiagnosticKind::Arity,
                            call.span,
                            "'table' takes a name as a string",
                        );
                    }
                };
                let Some(Value::String(table)) = table.literal() else {
                    return self.refuse(
                        DiagnosticKind::Constant,
                        call.span,
                        "'table' takes a name as a string",
                    );
                };
                let table = table.as_str();
                let found = Some(table).filter(|table| self.sees(scope, table));
                if let Some(rows) = found.and_then(|table| self.schema_table(table, call.span)) {
                    Ok(rows)
                } else {
                    let known = self.seen_tables(scope);
                    let suggestion = nearest(table, known.iter().map(std::string::String::as_str));
                    self.errors.push(
                        Diagnostic::new(
                            DiagnosticKind::Name,
                            call.span,
                            format!("no table named '{table}'"),
                        )
                        .with_suggestion(suggestion),
                    );
                    Err(Refused)
                }
            }
            // A watchlist may be given as a table that is called like the call.
            "_GetWatchlist" if self.watchlist(call).is_some() => {
                let name = self.watchlist(call).unwrap_or_default();
                match self.schema_table(&name, call.span) {
                    Some(rows) => Ok(rows),
                    None => Err(Refused),
                }
            }
            "_GetWatchlist" => {
                let alias = super::calls::text_argument(call, 0).unwrap_or("name");
                self.unsupported(
                    call.span,
                    format!("'{name}' without a table named _GetWatchlist('{alias}')"),
                )
            }
            "_GetWatchlistAlias" => self.unsupported(
                call.span,
                format!("'{name}', whose columns only the workspace knows,"),
            ),
            _ if is_place(name) => {
                self.unsupported(call.span, format!("'{name}()', a table of another place,"))
            }
            _ => {
                let declared = self.declared_names(scope);
                let suggestion = nearest(name, declared.iter().map(std::string::String::as_str));
                let message = match elsewhere::instead(name) {
                    Some(here) => format!("no function named '{name}' that gives a table; {here}"),
                    None => format!("no function named '{name}' that gives a table"),
                };
                self.errors.push(
                    Diagnostic::new(DiagnosticKind::Name, call.function.span, message)
                        .with_suggestion(suggestion),
                );
                Err(Refused)
            }
        }
    }

    /// The name under which a watchlist is in the schema, if it is.
    fn watchlist(&self, call: &tree::Call) -> Option<String> {
        let alias = super::calls::text_argument(call, 0)?;
        let name = format!("_GetWatchlist('{alias}')");
        self.tables.table(&name).map(|_| name)
    }

    /// A declared function that gives a table.
    pub(super) fn tabular_function(
        &mut self,
        call: &'a tree::Call,
        scope: Scope,
        piped: Option<SharedId>,
    ) -> Outcome<Rows> {
        let mut context = Context::constant(scope);
        let seen = self.hidden.clone();
        let (body, inner) = self.enter(call, &mut context, piped)?;
        if !self.is_tabular(body, inner) {
            return self.refuse(
                DiagnosticKind::Type,
                call.span,
                format!(
                    "a table is needed here, and '{}' gives a value",
                    call.function.text
                ),
            );
        }
        let mut rows = self.tabular(body, inner)?;
        self.hidden = seen;
        if matches!(self.lookup(scope, &call.function.text), Some(Entity::Function { function, .. }) if function.view)
        {
            rows.name = Some(call.function.text.as_str().into());
        }
        Ok(rows)
    }

    /// The rows of a function's argument. What its parameter does not declare goes through the
    /// function and has no name in it; `(*)` declares nothing.
    fn argument(
        &mut self,
        id: SharedId,
        declared: &'a tree::ParameterType,
        span: Span,
    ) -> Outcome<Rows> {
        let rows = self.read_shared(id, span)?;
        let names: &[tree::ColumnDeclaration] = match declared {
            tree::ParameterType::Table(columns) => columns,
            _ => &[],
        };
        let hidden = rows.columns.iter().filter(|column| {
            let same = |one: &tree::ColumnDeclaration| *column.name == one.name.text;
            !names.iter().any(same)
        });
        self.hidden.extend(hidden.map(|column| column.id));
        Ok(rows)
    }

    /// Every view that is declared without parameters, latest first.
    pub(super) fn views(&self, scope: Scope) -> Vec<(String, &'a tree::Function, Scope)> {
        let mut views: Vec<(String, &'a tree::Function, Scope)> = Vec::new();
        for name in self.declared_names(scope) {
            if let Some(Entity::Function { function, scope }) = self.lookup(scope, &name)
                && function.view
                && function.parameters.is_empty()
                && !views.iter().any(|(known, ..)| *known == name)
            {
                views.push((name, function, *scope));
            }
        }
        views
    }

    /// The rows of a view.
    pub(super) fn view_rows(
        &mut self,
        name: &str,
        function: &'a tree::Function,
        scope: Scope,
    ) -> Outcome<Rows> {
        self.deeper(function.body.span, |binder| {
            let (inner, answers) = binder.statements(&function.body.statements, scope)?;
            let Some(answer) = answers.last() else {
                return binder.refuse(
                    DiagnosticKind::Meaning,
                    function.body.span,
                    format!("'{name}' has no result"),
                );
            };
            let mut rows = binder.tabular(answer, inner)?;
            rows.name = Some(name.into());
            Ok(rows)
        })
    }

    fn place(&mut self, path: &'a tree::Path, scope: Scope, span: Span) -> Outcome<Rows> {
        if let ExpressionKind::Call(call) = &path.base.kind
            && self.is_pattern(call, scope)
        {
            return self.pattern(call, &path.segments, scope, span);
        }
        if let [Segment::Member(name)] = path.segments.as_slice()
            && is_here(&path.base)
            && self.sees(scope, &name.text)
            && let Some(rows) = self.schema_table(&name.text, span)
        {
            return Ok(rows);
        }
        let last = path.segments.last();
        let what = match (&path.base.kind, last) {
            (
                ExpressionKind::Call(call),
                Some(Segment::Member(_) | Segment::Call(_) | Segment::Wildcard { .. }),
            ) => {
                format!("'{}()', a table of another place,", call.function.text)
            }
            _ => "a table of another place".to_owned(),
        };
        self.unsupported(span, what)
    }

    pub(super) fn declared_columns(
        &mut self,
        declared: &[tree::ColumnDeclaration],
    ) -> Outcome<Vec<Column>> {
        let mut columns: Vec<Column> = Vec::with_capacity(declared.len());
        for declaration in declared {
            let ty = self.type_name(&declaration.ty)?;
            if columns
                .iter()
                .any(|column| *column.name == declaration.name.text)
            {
                return self.refuse(
                    DiagnosticKind::Name,
                    declaration.name.span,
                    format!(
                        "a column named '{}' is there already",
                        declaration.name.text
                    ),
                );
            }
            columns.push(self.column(declaration.name.text.as_str(), ty));
        }
        Ok(columns)
    }

    fn data_table(
        &mut self,
        table: &'a tree::DataTable,
        scope: Scope,
        span: Span,
    ) -> Outcome<Rows> {
        let columns = self.declared_columns(&table.columns)?;
        if columns.is_empty() || !table.values.len().is_multiple_of(columns.len()) {
            return self.refuse(
                DiagnosticKind::Arity,
                span,
                format!(
                    "{} values do not fill rows of {} columns",
                    table.values.len(),
                    columns.len()
                ),
            );
        }
        let mut rows = Vec::with_capacity(table.values.len() / columns.len());
        let mut row = Vec::with_capacity(columns.len());
        self.charge(table.values.len(), span)?;
        for (value, column) in table.values.iter().zip(columns.iter().cycle()) {
            let value = match &value.kind {
                ExpressionKind::Literal(literal) => self.literal(literal),
                _ => self.expression(value, &mut Context::constant(scope)),
            }?;
            row.push(value.converted(column.ty));
            if row.len() == columns.len() {
                rows.push(std::mem::take(&mut row));
            }
        }
        Ok(Rows::new(
            Source::Rows {
                columns: columns.clone(),
                rows,
            },
            columns,
        ))
    }

    fn external(
        &mut self,
        external: &'a tree::ExternalData,
        scope: Scope,
        span: Span,
    ) -> Outcome<Rows> {
        let columns = self.declared_columns(&external.columns)?;
        let mut uris = Vec::with_capacity(external.sources.len());
        for uri in &external.sources {
            uris.push(self.expression(uri, &mut Context::constant(scope))?);
        }
        let mut properties = Vec::new();
        for property in &external.properties {
            if let Some(value) = property.values.first() {
                let value = match &value.kind {
                    ExpressionKind::Name(name) => crate::bound::Expr {
                        kind: crate::bound::ExprKind::Literal(crate::bound::Value::String(
                            name.text.clone(),
                        )),
                        ty: ScalarType::String,
                        span: name.span,
                    },
                    _ => self.expression(value, &mut Context::constant(scope))?,
                };
                properties.push((property.name.text.to_lowercase(), value));
            }
        }
        let source = Source::External {
            columns: columns.clone(),
            uris,
            properties,
            span,
        };
        Ok(Rows::new(source, columns))
    }

    /// Operators that begin a query.
    fn source_operator(&mut self, operator: &'a tree::Operator, scope: Scope) -> Outcome<Rows> {
        self.check_options(operator)?;
        match &operator.kind {
            OperatorKind::Print(items) => self.print(items, scope, operator.span),
            OperatorKind::Range(range) => self.range(range, scope, operator.span),
            OperatorKind::Union(inputs) => self.union(None, inputs, operator, scope),
            OperatorKind::Search(search) => self.search(None, search, operator, scope),
            OperatorKind::Find(_) => self.unsupported(operator.span, "'find'"),
            _ => self.unsupported(
                operator.span,
                format!("'{}' at the beginning of a query", operator.keyword.text),
            ),
        }
    }

    fn print(
        &mut self,
        items: &'a [tree::NamedExpression],
        scope: Scope,
        span: Span,
    ) -> Outcome<Rows> {
        let mut rows = Rows::new(
            Source::Rows {
                columns: Vec::new(),
                rows: vec![Vec::new()],
            },
            Vec::new(),
        );
        self.print_items(&mut rows, items, scope, span)?;
        Ok(rows)
    }

    fn range(&mut self, range: &'a tree::Range, scope: Scope, span: Span) -> Outcome<Rows> {
        let from = self.expression(&range.from, &mut Context::constant(scope));
        let to = self.expression(&range.to, &mut Context::constant(scope));
        let step = self.expression(&range.step, &mut Context::constant(scope));
        let (from, to, step) = (from?, to?, step?);
        let ty = match (from.ty, to.ty, step.ty) {
            (ScalarType::DateTime, ScalarType::DateTime, ScalarType::TimeSpan) => {
                ScalarType::DateTime
            }
            (ScalarType::TimeSpan, ScalarType::TimeSpan, ScalarType::TimeSpan) => {
                ScalarType::TimeSpan
            }
            (first, last, step) => {
                let wide = super::arithmetic::wider(first, last)
                    .and_then(|both| super::arithmetic::wider(both, step));
                match wide {
                    Some(ty) => ty,
                    None => {
                        return self.refuse(
                            DiagnosticKind::Type,
                            span,
                            format!("a range cannot go from a {first} to a {last} by a {step}"),
                        );
                    }
                }
            }
        };
        // What lies between two numbers of 32 bits has as many, and is counted with 64.
        let narrow = ty == ScalarType::Int;
        let ty = if narrow { ScalarType::Long } else { ty };
        let column = self.column(range.column.text.as_str(), ty);
        let (from, to) = (from.converted(ty), to.converted(ty));
        let step = if ty.is_numeric() {
            step.converted(ty)
        } else {
            step
        };
        let source = Source::Range {
            column: column.clone(),
            from,
            to,
            step,
        };
        let mut rows = Rows::new(source, vec![column.clone()]);
        if narrow {
            let value = column_value(&column, span).converted(ScalarType::Int);
            let column = self.column(range.column.text.as_str(), ScalarType::Int);
            let assignments = vec![Assignment {
                column: column.id,
                value,
            }];
            rows.then(Operator::Compute { assignments }, vec![column], span);
        }
        rows.ordered = true;
        Ok(rows)
    }

    /// The operators of a pipe, in order. `as` declares names for those that follow.
    pub(super) fn pipe(
        &mut self,
        mut rows: Rows,
        operators: &'a [tree::Operator],
        mut scope: Scope,
    ) -> Outcome<Rows> {
        let mut left = operators;
        while let Some((operator, rest)) = left.split_first() {
            self.charge(1 + rows.columns.len() / 8, operator.span)?;
            if matches!(operator.kind, OperatorKind::MakeGraph(_)) {
                let used = self.graph(&mut rows, left, scope)?;
                left = &left[used..];
                continue;
            }
            left = rest;
            if let OperatorKind::As(name) = &operator.kind {
                rows.name = Some(name.text.as_str().into());
                let id = self.share_rows(rows);
                scope = self.declare(scope, &name.text, Entity::Table(id));
                rows = self.read_shared(id, operator.span)?;
                continue;
            }
            let before = operator
                .effect()
                .names_columns
                .then(|| rows.columns.clone());
            self.operator(&mut rows, operator, scope)?;
            rows.name = None;
            if let Some(before) = before {
                let kept: HashSet<&str> = rows.columns.iter().map(|one| &*one.name).collect();
                let lost = before.iter().filter(|one| !kept.contains(&*one.name));
                let keyword = operator.keyword.text.as_str();
                self.gone
                    .extend(lost.map(|one| (one.name.clone(), keyword)));
            }
        }
        Ok(rows)
    }

    /// Puts the rows behind a name of their own, and reads them from there.
    pub(super) fn share_rows(&mut self, rows: Rows) -> SharedId {
        let needs = std::mem::take(&mut self.used);
        self.used.clone_from(&needs);
        self.share(rows, needs, false)
    }

    pub(super) fn choose(rows: &mut Rows, columns: Vec<Column>, span: Span) {
        rows.then(
            Operator::Compute {
                assignments: Vec::new(),
            },
            columns,
            span,
        );
    }
}

/// Functions that name a table elsewhere.
fn is_place(name: &str) -> bool {
    matches!(
        name,
        "database"
            | "cluster"
            | "workspace"
            | "app"
            | "resource"
            | "adx"
            | "arg"
            | "table"
            | "external_table"
            | "materialized_view"
    )
}

fn is_service_table(name: &str) -> bool {
    matches!(name, "_GetWatchlist" | "_GetWatchlistAlias")
}

//! From a parsed query to a bound one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use kql_syntax::Span;
use kql_syntax::tree::{self, StatementKind};

use crate::bound::{
    Apart, BoundQuery, Column, Dependency, Expr, ExprKind, Pipeline, Render, ScalarId, ScalarQuery,
    SharedId, SharedPipeline, Source, Step, Value,
};
use crate::diagnostic::{Diagnostic, DiagnosticKind};
use crate::discovery::Discovery;
use crate::types::{ColumnId, ColumnSchema, ScalarType, Tables};

mod aggregates;
mod arithmetic;
mod assuming;
mod calls;
mod comparisons;
mod context;
mod declared;
mod elsewhere;
mod expressions;
mod literals;
mod naming;
mod operators;
mod patterns;
mod restricted;
mod rows;
mod scope;
mod sources;

pub use assuming::bind_assuming;

use context::Context;
use rows::Rows;
use scope::{Entity, Scope};

/// What a query is bound with besides the tables.
#[derive(Debug, Clone, Default)]
pub struct BindOptions {
    /// Values for `declare query_parameters`, by name.
    pub parameters: BTreeMap<String, Value>,
    /// Answers to earlier [`Discovery`]s of the same query, in order.
    pub discovered: Vec<Vec<ColumnSchema>>,
    /// The type to give to names that only data could explain, such as a property that
    /// `bag_unpack` made a column of, or a column of a table that a fuzzy union left out. With a
    /// type, nothing has to be discovered and the query can be judged without data; such a name is
    /// null, so do not run what is bound this way.
    pub assumed: Option<ScalarType>,
    /// Find fault with `TimeGenerated` where the column is called `Timestamp`, and with `Timestamp`
    /// where it is called `TimeGenerated`. Either is taken for the other all the same, so that the
    /// rest of the query is judged too; in a query that can be bound, the findings (of
    /// [`DiagnosticKind::Name`]) are among the notes.
    pub exact_time: bool,
}

/// What binding comes to.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "the large variant is the usual one"
)]
pub enum Binding {
    /// The query is bound.
    Complete(BoundQuery),
    /// Its columns depend on data: run the discovery's query, add its columns to
    /// [`BindOptions::discovered`], and bind again.
    NeedsSchema(Box<Discovery>),
}

/// Binds a query whose columns do not depend on data.
///
/// # Errors
///
/// Every finding that keeps the query from running. [`DiagnosticKind::Unsupported`] is what this
/// library cannot do, [`DiagnosticKind::DataDependent`] what [`bind_or_discover`] can.
pub fn bind(
    query: &tree::Query,
    tables: &dyn Tables,
    options: &BindOptions,
) -> Result<BoundQuery, Vec<Diagnostic>> {
    match bind_or_discover(query, tables, options)? {
        Binding::Complete(bound) => Ok(bound),
        Binding::NeedsSchema(discovery) => Err(vec![Diagnostic::new(
            DiagnosticKind::DataDependent,
            discovery.span,
            format!(
                "the columns of '{}' depend on data; declare them after a colon",
                discovery.plugin
            ),
        )]),
    }
}

/// Binds a query, or says what has to be run first to know its columns.
///
/// # Errors
///
/// Every finding that keeps the query from running.
pub fn bind_or_discover(
    query: &tree::Query,
    tables: &dyn Tables,
    options: &BindOptions,
) -> Result<Binding, Vec<Diagnostic>> {
    attempt(query, tables, options).0
}

/// What binding comes to, and whether columns may be there that nobody here knows.
fn attempt(
    query: &tree::Query,
    tables: &dyn Tables,
    options: &BindOptions,
) -> (Result<Binding, Vec<Diagnostic>>, bool) {
    let mut binder = Binder::new(tables, options);
    let outcome = binder.query(query);
    if let Some(discovery) = binder.discovery.take() {
        return (Ok(Binding::NeedsSchema(discovery)), binder.open);
    }
    let binding = match outcome {
        Ok(root) if binder.errors.is_empty() => {
            binder.notes.append(&mut binder.times);
            Ok(Binding::Complete(binder.finish(root)))
        }
        _ if binder.errors.is_empty() => Err(vec![Diagnostic::new(
            DiagnosticKind::Meaning,
            query.span,
            "the query cannot be understood",
        )]),
        _ => {
            binder.errors.append(&mut binder.times);
            Err(std::mem::take(&mut binder.errors))
        }
    };
    (binding, binder.open)
}

/// The finding is in [`Binder::errors`] already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused;

pub(crate) type Outcome<T> = Result<T, Refused>;

/// How deep expressions, functions and sub-queries may nest together.
const MAX_DEPTH: usize = 384;
/// How many nodes a bound query may have, shared pipelines counted at each place.
const MAX_NODES: usize = 400_000;
/// After how many findings the rest of a query is not looked at.
const MAX_ERRORS: usize = 100;

/// Everything that binding one query needs to remember.
pub(crate) struct Binder<'a> {
    tables: &'a dyn Tables,
    options: &'a BindOptions,
    bindings: Vec<scope::Bound<'a>>,
    next_column: u32,
    shared: Vec<SharedEntry>,
    scalars: Vec<(ScalarQuery, Vec<Dependency>)>,
    order: Vec<Dependency>,
    used: Vec<Dependency>,
    errors: Vec<Diagnostic>,
    notes: Vec<Diagnostic>,
    /// Times by the other of their two names.
    times: Vec<Diagnostic>,
    render: Option<Render>,
    discovery: Option<Box<Discovery>>,
    discovered: usize,
    /// Whether columns may be there that only data knows, or a table that a fuzzy union left out.
    open: bool,
    /// Columns that an operator did not keep, and that operator.
    gone: HashMap<Arc<str>, &'a str>,
    /// The columns that calls of `column_ifexists` found.
    existing: HashMap<Span, String>,
    /// Columns of a function's argument that its parameter does not declare.
    hidden: HashSet<ColumnId>,
    depth: usize,
    nodes: usize,
    /// Columns below this one belong to rows outside of the sub-query that is bound.
    floor: u32,
    bins: Bins<'a>,
    /// The names of the graph pattern that expressions are bound over.
    graph: Option<operators::GraphScope>,
    /// The first of several answers, where there are several.
    earlier: Option<Span>,
    /// The bodies around what is bound, and whether each has to run for each part by itself.
    bodies: Vec<bool>,
}

/// What `set` says about `bin_auto`.
#[derive(Default, Clone, Copy)]
struct Bins<'a> {
    size: Option<&'a tree::Expression>,
    at: Option<&'a tree::Expression>,
}

struct SharedEntry {
    shared: SharedPipeline,
    /// Those of its columns that have no name where it is shared.
    hidden: HashSet<ColumnId>,
    needs: Vec<Dependency>,
    nodes: usize,
    ordered: bool,
}

impl<'a> Binder<'a> {
    fn new(tables: &'a dyn Tables, options: &'a BindOptions) -> Self {
        Self {
            tables,
            options,
            bindings: Vec::new(),
            next_column: 0,
            shared: Vec::new(),
            scalars: Vec::new(),
            order: Vec::new(),
            used: Vec::new(),
            errors: Vec::new(),
            notes: Vec::new(),
            times: Vec::new(),
            render: None,
            discovery: None,
            discovered: 0,
            open: false,
            gone: HashMap::new(),
            existing: HashMap::new(),
            hidden: HashSet::new(),
            depth: 0,
            nodes: 0,
            floor: 0,
            bins: Bins::default(),
            graph: None,
            earlier: None,
            bodies: Vec::new(),
        }
    }

    fn query(&mut self, query: &'a tree::Query) -> Outcome<Pipeline> {
        let (scope, answers) = self.statements(&query.statements, None)?;
        let Some((answer, earlier)) = answers.split_last() else {
            // The service takes such a text, and its answer has neither columns nor rows.
            self.note(query.span, "the query only declares, and so has no answer");
            let none = Source::Rows {
                columns: Vec::new(),
                rows: Vec::new(),
            };
            return Ok(Rows::new(none, Vec::new()).into_pipeline());
        };
        self.earlier = earlier.first().map(|statement| statement.span);
        // A bare name that means nothing is a misspelt table, not a value.
        let names_nothing = matches!(
            &answer.kind,
            tree::ExpressionKind::Name(name) if self.lookup(scope, &name.text).is_none()
        );
        if names_nothing || self.is_tabular(answer, scope) {
            return Ok(self.tabular(answer, scope)?.into_pipeline());
        }
        self.refuse(
            DiagnosticKind::Meaning,
            answer.span,
            "a query gives a table, and this is a value; put 'print' before it",
        )
    }

    /// Binds declarations in order; gives the scope after them and the expressions among them.
    fn statements(
        &mut self,
        statements: &'a [tree::Statement],
        mut scope: Scope,
    ) -> Outcome<(Scope, Vec<&'a tree::Expression>)> {
        let mut answers = Vec::new();
        let mut declared = HashSet::new();
        let mut failed = false;
        for statement in statements {
            match &statement.kind {
                StatementKind::Expression(expression) => answers.push(expression),
                StatementKind::Let(declaration) => {
                    if !declared.insert(declaration.name.text.as_str()) {
                        let _: Outcome<()> = self.refuse(
                            DiagnosticKind::Name,
                            declaration.name.span,
                            format!("'{}' is declared already", declaration.name.text),
                        );
                        failed = true;
                    }
                    let entity = self
                        .declaration(declaration, scope)
                        .unwrap_or_else(|Refused| {
                            failed = true;
                            Entity::Unusable
                        });
                    scope = self.declare(scope, &declaration.name.text, entity);
                }
                StatementKind::QueryParameters(parameters) => {
                    for parameter in parameters {
                        let entity =
                            self.query_parameter(parameter, scope)
                                .unwrap_or_else(|Refused| {
                                    failed = true;
                                    Entity::Unusable
                                });
                        scope = self.declare(scope, &parameter.name.text, entity);
                    }
                }
                StatementKind::Set(set) => {
                    let value = set.value.as_ref();
                    match set.name.text.as_str() {
                        "query_bin_auto_size" => self.bins.size = value,
                        "query_bin_auto_at" => self.bins.at = value,
                        _ => self.note(
                            statement.span,
                            format!("'set {}' changes nothing here", set.name.text),
                        ),
                    }
                }
                // Who asks for a table of another database is told so there.
                StatementKind::Alias { .. } => {}
                StatementKind::Pattern(pattern) => {
                    let entity = Entity::Pattern { pattern, scope };
                    scope = self.declare(scope, &pattern.name.text, entity);
                }
                StatementKind::Restrict { entities, .. } => {
                    scope = self.restrict(scope, entities);
                }
            }
        }
        if failed {
            Err(Refused)
        } else {
            Ok((scope, answers))
        }
    }

    fn finish(&mut self, root: Pipeline) -> BoundQuery {
        let needed = self.needed(&self.used);
        self.assemble(root, &needed)
    }

    fn assemble(&self, root: Pipeline, needed: &[Dependency]) -> BoundQuery {
        BoundQuery {
            root,
            shared: self
                .shared
                .iter()
                .map(|entry| entry.shared.clone())
                .collect(),
            scalars: self
                .scalars
                .iter()
                .map(|(scalar, _)| scalar.clone())
                .collect(),
            order: self
                .order
                .iter()
                .filter(|entry| needed.contains(entry))
                .copied()
                .collect(),
            render: self.render.clone(),
            earlier: self.earlier,
            notes: self.notes.clone(),
            next_column: self.next_column,
        }
    }

    /// What is needed by these, directly or not.
    fn needed(&self, from: &[Dependency]) -> Vec<Dependency> {
        let mut found: Vec<Dependency> = Vec::new();
        let mut open = from.to_vec();
        while let Some(next) = open.pop() {
            if found.contains(&next) {
                continue;
            }
            found.push(next);
            open.extend(match next {
                Dependency::Shared(id) => &self.shared[id.0].needs,
                Dependency::Scalar(id) => &self.scalars[id.0].1,
            });
        }
        found
    }

    // Findings.

    fn refuse<T>(
        &mut self,
        kind: DiagnosticKind,
        span: Span,
        message: impl Into<String>,
    ) -> Outcome<T> {
        self.errors.push(Diagnostic::new(kind, span, message));
        Err(Refused)
    }

    fn unsupported<T>(&mut self, span: Span, what: impl Into<String>) -> Outcome<T> {
        self.refuse(DiagnosticKind::Unsupported, span, what)
    }

    fn note(&mut self, span: Span, message: impl Into<String>) {
        self.notes
            .push(Diagnostic::new(DiagnosticKind::Note, span, message));
    }

    /// Remembers that a column was meant by the other name of its time.
    fn found(&mut self, name: &tree::Name, column: &Column) {
        // Where columns may be there that only data knows, one of that name may be.
        if self.options.exact_time && !self.open && *column.name != *name.text {
            let finding = Diagnostic::new(
                DiagnosticKind::Name,
                name.span,
                format!("no column named '{}'", name.text),
            );
            let finding = finding.with_suggestion(Some(column.name.to_string()));
            // A function's body is bound at each of its calls.
            if self.times.len() < MAX_ERRORS && !self.times.contains(&finding) {
                self.times.push(finding);
            }
        }
    }

    // Limits.

    fn charge(&mut self, nodes: usize, span: Span) -> Outcome<()> {
        if self.errors.len() >= MAX_ERRORS {
            return Err(Refused);
        }
        let told = self.nodes > MAX_NODES;
        self.nodes = self.nodes.saturating_add(nodes);
        if told {
            return Err(Refused);
        }
        if self.nodes > MAX_NODES {
            return self.refuse(
                DiagnosticKind::TooLarge,
                span,
                "the query is too large once its declarations are put in",
            );
        }
        Ok(())
    }

    /// Counts columns that something carries along; a column is lighter than an expression.
    fn weigh(&mut self, columns: usize) {
        let more = 1 + columns / 4;
        // The next charge is to be the one that finds the limit passed, and says so.
        self.nodes = self.nodes.saturating_add(more).min(MAX_NODES);
    }

    fn deeper<T>(&mut self, span: Span, work: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        if self.depth >= MAX_DEPTH {
            return self.refuse(DiagnosticKind::TooLarge, span, "the query nests too deeply");
        }
        self.charge(1, span)?;
        self.depth += 1;
        let outcome = work(self);
        self.depth -= 1;
        outcome
    }

    // Columns and shared parts.

    fn fresh(&mut self) -> ColumnId {
        let id = ColumnId(self.next_column);
        self.next_column += 1;
        id
    }

    fn column(&mut self, name: impl Into<Arc<str>>, ty: ScalarType) -> Column {
        Column {
            id: self.fresh(),
            name: name.into(),
            ty,
        }
    }

    /// Binds something apart, and gives what it needs.
    fn apart<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Outcome<T>,
    ) -> Outcome<(T, Vec<Dependency>)> {
        let outside = std::mem::take(&mut self.used);
        let outcome = work(self);
        let needs = std::mem::replace(&mut self.used, outside);
        Ok((outcome?, needs))
    }

    /// Binds a sub-query whose rows are the same for every row outside.
    fn uncorrelated<T>(&mut self, work: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        let outside = std::mem::replace(&mut self.floor, self.next_column);
        let outcome = work(self);
        self.floor = outside;
        outcome
    }

    /// Binds what runs over each part of some rows; gives what is found anew for each part, too.
    fn body(
        &mut self,
        span: Span,
        work: impl FnOnce(&mut Self) -> Outcome<Rows>,
    ) -> Outcome<(Rows, Option<Apart>)> {
        self.bodies.push(false);
        let body = self.bodies.len();
        let outcome = self.apart(|binder| binder.deeper(span, work));
        let apart = self.bodies.pop().unwrap_or_default();
        let (rows, needs) = outcome?;
        let needs = self.needed(&needs);
        let (own, outer): (Vec<_>, Vec<_>) =
            (needs.into_iter()).partition(|one| self.body_of(one) >= body);
        self.used.extend(outer);
        let order = self.order.iter().filter(|one| own.contains(one));
        let order = order.copied().collect();
        Ok((rows, apart.then_some(Apart { body, order })))
    }

    /// The body whose rows something reads: the innermost of those that it needs.
    fn body_of(&self, one: &Dependency) -> usize {
        match one {
            Dependency::Shared(id) => self.shared[id.0].shared.body,
            Dependency::Scalar(id) => self.scalars[id.0].0.body,
        }
    }

    /// The body that a pipeline with these needs reads; that body runs for each part by itself.
    fn body_read(&mut self, source: &Source, needs: &[Dependency]) -> usize {
        let own = if reads_part(source) {
            self.bodies.len()
        } else {
            0
        };
        let needed = needs.iter().map(|one| self.body_of(one)).max();
        let body = own.max(needed.unwrap_or_default());
        self.run_apart(body);
        body
    }

    /// Lets the first bodies around what is bound run for each part by themselves.
    fn run_apart(&mut self, bodies: usize) {
        self.bodies
            .iter_mut()
            .take(bodies)
            .for_each(|one| *one = true);
    }

    fn share(&mut self, rows: Rows, needs: Vec<Dependency>, materialized: bool) -> SharedId {
        let (name, ordered) = (rows.name.clone(), rows.ordered);
        let body = self.body_read(&rows.source, &needs);
        let pipeline = rows.into_pipeline();
        let id = SharedId(self.shared.len());
        let mut nodes = pipeline.steps.len() + pipeline.columns.len() + 1;
        for need in &needs {
            if let Dependency::Shared(other) = need {
                nodes = nodes.saturating_add(self.shared[other.0].nodes);
            }
        }
        let ids = pipeline.columns.iter().map(|column| column.id);
        let hidden = ids.filter(|id| self.hidden.contains(id)).collect();
        self.shared.push(SharedEntry {
            shared: SharedPipeline {
                pipeline,
                materialized,
                name,
                body,
            },
            hidden,
            needs,
            nodes,
            ordered,
        });
        self.order.push(Dependency::Shared(id));
        id
    }

    /// The rows of a shared pipeline under fresh ids.
    fn read_shared(&mut self, id: SharedId, span: Span) -> Outcome<Rows> {
        let nodes = self.shared[id.0].nodes;
        self.charge(nodes, span)?;
        self.used.push(Dependency::Shared(id));
        let inner = self.shared[id.0].shared.pipeline.columns.clone();
        let name = self.shared[id.0].shared.name.clone();
        let mut columns = Vec::with_capacity(inner.len());
        for column in inner {
            let fresh = self.fresh();
            if self.shared[id.0].hidden.contains(&column.id) {
                self.hidden.insert(fresh);
            }
            columns.push((
                Column {
                    id: fresh,
                    name: column.name,
                    ty: column.ty,
                },
                column.id,
            ));
        }
        let visible = columns.iter().map(|(column, _)| column.clone()).collect();
        let mut rows = Rows::new(Source::Shared { id, columns }, visible);
        rows.name = name;
        rows.ordered = self.shared[id.0].ordered;
        Ok(rows)
    }

    fn scalar_query(
        &mut self,
        pipeline: Pipeline,
        needs: Vec<Dependency>,
        span: Span,
    ) -> Outcome<Expr> {
        let Some(first) = pipeline.columns.first() else {
            return self.refuse(
                DiagnosticKind::Meaning,
                span,
                "the sub-query has no column to take a value from",
            );
        };
        let (column, ty) = (first.id, first.ty);
        let body = self.body_read(&pipeline.source, &needs);
        let id = ScalarId(self.scalars.len());
        self.scalars.push((
            ScalarQuery {
                pipeline,
                column,
                ty,
                body,
            },
            needs,
        ));
        self.order.push(Dependency::Scalar(id));
        self.used.push(Dependency::Scalar(id));
        Ok(Expr {
            kind: ExprKind::ScalarQuery(id),
            ty,
            span,
        })
    }
}

/// Whether rows are those that an enclosing step hands to its body.
fn reads_part(source: &Source) -> bool {
    let mut open = vec![source];
    while let Some(next) = open.pop() {
        match next {
            Source::Context { .. } => return true,
            Source::Union { inputs, .. } => open.extend(inputs.iter().map(|input| &input.source)),
            _ => {}
        }
    }
    false
}

//! Tabular operators.

use super::{
    Call, Expression, GraphMatch, GraphShortestPaths, GraphTable, Literal, MakeGraph, Name,
    NamedExpression, Statement, TypeOf,
};
use crate::span::Span;

/// An operator and where it stands, without its pipe.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// What it is.
    pub kind: OperatorKind,
    /// `name=value` between the keyword and the rest: kinds, hints and switches.
    pub options: Vec<Setting>,
    /// The keyword as written, such as `filter` for `where`.
    pub keyword: Name,
    /// From the keyword to the end.
    pub span: Span,
}

/// `name=value` of an operator; hints are named `hint.strategy`.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The name, dots included.
    pub name: Name,
    /// The value: a name, a literal, or for lists (`ycolumns=a, b`) several.
    pub values: Vec<Expression>,
    /// From name to value.
    pub span: Span,
}

/// The kinds of [`Operator`].
#[derive(Clone, Debug, PartialEq)]
pub enum OperatorKind {
    /// `as name`
    As(Name),
    /// `assert-schema (a: long)`
    AssertSchema(Vec<ColumnDeclaration>),
    /// `consume`
    Consume,
    /// `count`, with the name in `count as name`
    Count(Option<Name>),
    /// `distinct a, b = tolower(c)`
    Distinct(Vec<NamedExpression>),
    /// `evaluate plugin(…)`
    Evaluate(Evaluate),
    /// `execute_and_cache`
    ExecuteAndCache,
    /// `extend a = 1`
    Extend(Vec<NamedExpression>),
    /// `facet by a with (…)`
    Facet(Facet),
    /// `find in (A, B) where …`
    Find(Find),
    /// `fork (…) (…)`
    Fork(Vec<ForkBranch>),
    /// `getschema`
    GetSchema,
    /// `graph-mark-components`
    GraphMarkComponents,
    /// `graph-match (a)-[b]->(c)`
    GraphMatch(GraphMatch),
    /// `graph-shortest-paths …`
    GraphShortestPaths(GraphShortestPaths),
    /// `graph-to-table nodes, edges`
    GraphToTable(Vec<GraphTable>),
    /// `graph-where-edges predicate`
    GraphWhereEdges(Expression),
    /// `graph-where-nodes predicate`
    GraphWhereNodes(Expression),
    /// `invoke f(…)`; a [`super::ExpressionKind::Call`] or a path that ends in one
    Invoke(Expression),
    /// `join kind=inner (T) on a`
    Join(Join),
    /// `lookup (T) on a`
    Lookup(Join),
    /// `macro-expand group as x (…)`
    MacroExpand(MacroExpand),
    /// `make-graph a --> b with T on id`
    MakeGraph(MakeGraph),
    /// `make-series avg(x) on t step 1d`
    MakeSeries(MakeSeries),
    /// `mv-apply a on (…)`
    MvApply(MvApply),
    /// `mv-expand a`
    MvExpand(Expand),
    /// `parse a with …`
    Parse(Parse),
    /// `parse-kv a as (…)`
    ParseKv(ParseKv),
    /// `parse-where a with …`
    ParseWhere(Parse),
    /// `partition by a (…)`
    Partition(Partition),
    /// `print a = 1`
    Print(Vec<NamedExpression>),
    /// `project a, b = c`
    Project(Vec<NamedExpression>),
    /// `project-away a, b*`
    ProjectAway(Vec<Expression>),
    /// `project-by-names …`
    ProjectByNames(Vec<Expression>),
    /// `project-keep a, b*`
    ProjectKeep(Vec<Expression>),
    /// `project-rename a = b`
    ProjectRename(Vec<NamedExpression>),
    /// `project-reorder a, b* asc`
    ProjectReorder(Vec<Ordered>),
    /// `range a from 1 to 5 step 1`
    Range(Range),
    /// `reduce by a`
    Reduce(Reduce),
    /// `render timechart`
    Render(Render),
    /// `sample 5`
    Sample(Expression),
    /// `sample-distinct 5 of a`
    SampleDistinct {
        /// How many.
        count: Expression,
        /// Of what.
        of: Expression,
    },
    /// `scan with (…)`
    Scan(Scan),
    /// `search "x"`
    Search(Search),
    /// `serialize a = row_number()`
    Serialize(Vec<NamedExpression>),
    /// `sort by a desc`, `order by a`
    Sort(Vec<Ordered>),
    /// `summarize count() by a`
    Summarize(Summarize),
    /// `take 5`, `limit 5`
    Take(Expression),
    /// `top 5 by a`
    Top(Top),
    /// `top-hitters 5 of a by b`
    TopHitters(TopHitters),
    /// `top-nested 2 of a by count(), …`
    TopNested(Vec<TopNestedLevel>),
    /// `union A, B*`
    Union(Vec<Expression>),
    /// `where predicate`, `filter predicate`
    Where(Expression),
    /// No operator of this name; there is a diagnostic about it.
    Error,
}

/// `name: type`.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDeclaration {
    /// The column.
    pub name: Name,
    /// The type as written.
    pub ty: Name,
}

/// An expression and how to order by it.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordered {
    /// What to order by; the name in `top-nested … by x = sum(y)` and the like.
    pub column: NamedExpression,
    /// The direction word; `None` when not written.
    pub direction: Option<Direction>,
    /// `nulls first`, `nulls last`; `None` when not written.
    pub nulls: Option<Nulls>,
    /// From the expression to the end.
    pub span: Span,
}

/// Directions of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// `asc`
    Ascending,
    /// `desc`
    Descending,
    /// `granny-asc`: numbers inside names count as numbers
    GrannyAscending,
    /// `granny-desc`
    GrannyDescending,
}

/// Where nulls go in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nulls {
    /// `nulls first`
    First,
    /// `nulls last`
    Last,
}

/// `evaluate plugin(…) : (a: long, *)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluate {
    /// The plugin and its arguments.
    pub call: Call,
    /// The columns promised after the colon.
    pub schema: Option<EvaluateSchema>,
}

/// The columns an `evaluate` promises.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluateSchema {
    /// Whether the input's columns come first (`*`).
    pub star: bool,
    /// The declared columns.
    pub columns: Vec<ColumnDeclaration>,
}

/// `facet by a, b with (…)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Facet {
    /// The columns.
    pub by: Vec<Expression>,
    /// What the input is piped through for the last result.
    pub with: Option<Vec<Operator>>,
}

/// `find … in (A, B) where predicate project a, b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Find {
    /// The tables; empty means all.
    pub tables: Vec<Expression>,
    /// What rows must satisfy.
    pub predicate: Option<Expression>,
    /// Which columns come out.
    pub output: Option<FindOutput>,
}

/// Which columns a [`Find`] gives.
#[derive(Clone, Debug, PartialEq)]
pub enum FindOutput {
    /// `project a, b: string, pack(*)`
    Project(Vec<FindColumn>),
    /// `project-smart`
    ProjectSmart,
    /// `project-away a, b`
    ProjectAway(Vec<FindColumn>),
}

/// One column of a [`FindOutput`].
#[derive(Clone, Debug, PartialEq)]
pub struct FindColumn {
    /// A name, a wildcard or `pack(*)`.
    pub column: Expression,
    /// The type after the colon.
    pub ty: Option<Name>,
}

/// One sub-query of a `fork`.
#[derive(Clone, Debug, PartialEq)]
pub struct ForkBranch {
    /// The name of its result.
    pub name: Option<Name>,
    /// What the input is piped through.
    pub operators: Vec<Operator>,
    /// From name to closing parenthesis.
    pub span: Span,
}

/// `join` and `lookup`.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// The right side.
    pub right: Expression,
    /// How rows meet; absent only where the grammar allows it.
    pub condition: Option<Condition>,
}

/// How the two sides of a [`Join`] meet.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// `on a, $left.b == $right.c`
    On(Vec<Expression>),
    /// `where predicate`
    Where(Expression),
}

/// `macro-expand group as scope (…)`.
#[derive(Clone, Debug, PartialEq)]
pub struct MacroExpand {
    /// The group: a name, an inline `entity_group […]` or a path.
    pub group: Expression,
    /// What each member is called in the body; after `as`.
    pub scope: Option<Name>,
    /// The body.
    pub statements: Vec<Statement>,
}

/// `make-series a = avg(x) default = 0 on t from … to … step … by c`.
#[derive(Clone, Debug, PartialEq)]
pub struct MakeSeries {
    /// The series.
    pub aggregates: Vec<SeriesAggregate>,
    /// The axis.
    pub on: NamedExpression,
    /// Its range.
    pub range: SeriesRange,
    /// The groups.
    pub by: Vec<NamedExpression>,
}

/// One series of a [`MakeSeries`].
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesAggregate {
    /// The aggregation.
    pub aggregate: NamedExpression,
    /// What empty bins hold.
    pub default: Option<Expression>,
}

/// The range of a [`MakeSeries`].
#[derive(Clone, Debug, PartialEq)]
pub enum SeriesRange {
    /// `from a to b step c`; `from` and `to` may be left out.
    FromToStep {
        /// The first bin.
        from: Option<Box<Expression>>,
        /// The end.
        to: Option<Box<Expression>>,
        /// The bin's size.
        step: Box<Expression>,
    },
    /// `in range(a, b, c)`
    InRange {
        /// The arguments as written.
        arguments: Vec<Expression>,
    },
}

/// `mv-expand a = b to typeof(long), c limit 5`.
#[derive(Clone, Debug, PartialEq)]
pub struct Expand {
    /// What is expanded.
    pub columns: Vec<ExpandColumn>,
    /// How many elements at most.
    pub limit: Option<Expression>,
}

/// One column of an [`Expand`] or [`MvApply`].
#[derive(Clone, Debug, PartialEq)]
pub struct ExpandColumn {
    /// The array or bag, perhaps renamed.
    pub column: NamedExpression,
    /// The element type.
    pub to: Option<TypeOf>,
}

/// `mv-apply a on (…)`.
#[derive(Clone, Debug, PartialEq)]
pub struct MvApply {
    /// What is expanded.
    pub columns: Vec<ExpandColumn>,
    /// How many elements at most.
    pub limit: Option<Expression>,
    /// The context id, written by tools.
    pub id: Option<Literal>,
    /// What each array is piped through.
    pub operators: Vec<Operator>,
}

/// `parse a with * "text" b: long *`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parse {
    /// What is parsed.
    pub source: Expression,
    /// The pattern from left to right.
    pub pattern: Vec<ParsePart>,
}

/// One part of the pattern of a [`Parse`].
#[derive(Clone, Debug, PartialEq)]
pub enum ParsePart {
    /// `*`
    Star(Span),
    /// Text to find.
    Text(Literal),
    /// A column to fill.
    Column {
        /// The column.
        name: Name,
        /// Its type; a string when absent.
        ty: Option<Name>,
    },
}

/// `parse-kv a as (b: long) with (pair_delimiter=",")`.
#[derive(Clone, Debug, PartialEq)]
pub struct ParseKv {
    /// What is parsed.
    pub source: Expression,
    /// The keys and their types.
    pub columns: Vec<ColumnDeclaration>,
    /// The properties after `with`.
    pub properties: Vec<Setting>,
}

/// `partition by a (…)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Partition {
    /// The column.
    pub by: Expression,
    /// The values of the parts, after `in`.
    pub scope: Option<Expression>,
    /// What is done with each part.
    pub body: PartitionBody,
}

/// What a [`Partition`] does with each part.
#[derive(Clone, Debug, PartialEq)]
pub enum PartitionBody {
    /// `(where … | top …)`: the part is piped through.
    Operators(Vec<Operator>),
    /// `{ T | where … }`: a query of its own.
    Query(Expression),
}

/// `range a from 1 to 5 step 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// The column.
    pub column: Name,
    /// The first value.
    pub from: Expression,
    /// The last value.
    pub to: Expression,
    /// The difference.
    pub step: Expression,
}

/// `reduce by a with threshold=0.1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduce {
    /// What is reduced.
    pub by: NamedExpression,
    /// The properties after `with`.
    pub properties: Vec<Setting>,
}

/// `render timechart with (title="…")`.
#[derive(Clone, Debug, PartialEq)]
pub struct Render {
    /// The chart.
    pub chart: Name,
    /// Its properties.
    pub properties: Vec<Setting>,
    /// Whether they stood in `with (…)`, not in the old bare form.
    pub with: bool,
}

/// `scan order by a partition by b declare (c: long = 0) with (step s: … => d = e;)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// The order.
    pub order_by: Vec<Ordered>,
    /// The partitions.
    pub partition_by: Vec<Expression>,
    /// The declared columns.
    pub declare: Vec<ScanDeclaration>,
    /// The steps.
    pub steps: Vec<ScanStep>,
}

/// A column declared by a [`Scan`].
#[derive(Clone, Debug, PartialEq)]
pub struct ScanDeclaration {
    /// The column and its type.
    pub column: ColumnDeclaration,
    /// What it begins with.
    pub default: Option<Expression>,
}

/// One step of a [`Scan`].
#[derive(Clone, Debug, PartialEq)]
pub struct ScanStep {
    /// The step.
    pub name: Name,
    /// Whether it is `optional`.
    pub optional: bool,
    /// `output=all`, `last` or `none`.
    pub output: Option<Name>,
    /// What a row must satisfy.
    pub condition: Expression,
    /// What is assigned then.
    pub assignments: Vec<ScanAssignment>,
    /// From `step` to the end.
    pub span: Span,
}

/// `column = value` of a [`ScanStep`].
#[derive(Clone, Debug, PartialEq)]
pub struct ScanAssignment {
    /// The column.
    pub name: Name,
    /// Its value.
    pub value: Expression,
}

/// `search in (A, B) "x" and c: "y"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The tables; empty means all.
    pub tables: Vec<Expression>,
    /// What rows must satisfy; a bare string is looked for in every column.
    pub predicate: Expression,
}

/// `summarize a = count() by b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Summarize {
    /// The aggregations.
    pub aggregates: Vec<NamedExpression>,
    /// The groups; `None` without `by`.
    pub by: Option<Vec<NamedExpression>>,
    /// The value of `bin=` after the groups.
    pub bin: Option<Expression>,
}

/// `top 5 by a desc`.
#[derive(Clone, Debug, PartialEq)]
pub struct Top {
    /// How many.
    pub count: Expression,
    /// By what; the grammar allows one.
    pub by: Vec<Ordered>,
}

/// `top-hitters 5 of a by b`.
#[derive(Clone, Debug, PartialEq)]
pub struct TopHitters {
    /// How many.
    pub count: Expression,
    /// Of what.
    pub of: Expression,
    /// What weighs.
    pub by: Option<Expression>,
}

/// One level of a `top-nested`.
#[derive(Clone, Debug, PartialEq)]
pub struct TopNestedLevel {
    /// How many; all when absent.
    pub count: Option<Expression>,
    /// Of what.
    pub of: NamedExpression,
    /// The label in `with others = "…"`.
    pub others: Option<Expression>,
    /// By what.
    pub by: Ordered,
    /// From the keyword to the end.
    pub span: Span,
}

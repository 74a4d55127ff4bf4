//! The bound tree: what a query means, with every name resolved and every expression typed.
//!
//! A [`Pipeline`] is a source and a list of steps. Every column has a [`ColumnId`] that is unique in
//! the whole [`BoundQuery`]; expressions refer to ids only. A step lists the columns that are visible
//! after it; ids that are not listed are never referred to again. The names in [`Column`] exist for
//! people, for name resolution and for the last projection.
//!
//! Many operators of the language are spelled with few here: `project`, `extend`, `project-away` and
//! their kin are [`Operator::Compute`]; `distinct` and `count` are [`Operator::Aggregate`]; `top` is a
//! sort and a take; `lookup` is a join; `countif(p)` is `count()` with a filter.

use std::sync::Arc;

use kql_syntax::Span;

use crate::diagnostic::Diagnostic;
use crate::functions::Function;
use crate::types::{ColumnId, ColumnSchema, ScalarType};

mod expression;
mod graph;

pub use expression::{ArithmeticOp, CompareOp, Expr, ExprKind, SetOp, SetOperand, TextOp, Value};
pub use graph::{
    Cycles, Graph, GraphAnswer, GraphMatch, GraphNodes, ListKind, MatchEdge, MatchLink, MatchList,
    MatchNode, Shortest, Told,
};

/// A query whose names and types are known.
#[derive(Debug, Clone)]
pub struct BoundQuery {
    /// The pipeline whose rows are the answer.
    pub root: Pipeline,
    /// Pipelines that are read by name, each perhaps from several places (`let`, `as`, `materialize`).
    /// An entry refers only to entries of smaller index.
    pub shared: Vec<SharedPipeline>,
    /// Pipelines that give one value: the first column of the first row, null without rows (`toscalar`).
    /// They never depend on a row of another pipeline, unless they stand in a body.
    pub scalars: Vec<ScalarQuery>,
    /// The entries of `shared` and `scalars` that the query needs, in an order in which each needs only
    /// earlier ones. What is neither here nor in an [`Apart`] is never read.
    pub order: Vec<Dependency>,
    /// `render` at the end of the query; it changes nothing of the rows.
    pub render: Option<Render>,
    /// Where the first of several answers stands; `root` is the last of them.
    pub earlier: Option<Span>,
    /// What the reader should know although the query can run.
    pub notes: Vec<Diagnostic>,
    /// One more than the largest [`ColumnId`] in use.
    pub next_column: u32,
}

impl BoundQuery {
    /// Names and types of the answer, known without running the query.
    #[must_use]
    pub fn schema(&self) -> Vec<ColumnSchema> {
        self.root
            .columns
            .iter()
            .map(|column| ColumnSchema::new(&*column.name, column.ty))
            .collect()
    }
}

/// One entry of [`BoundQuery::order`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dependency {
    /// An index into [`BoundQuery::shared`].
    Shared(SharedId),
    /// An index into [`BoundQuery::scalars`].
    Scalar(ScalarId),
}

/// Index into [`BoundQuery::shared`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SharedId(pub usize);

/// Index into [`BoundQuery::scalars`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScalarId(pub usize);

/// A pipeline that is read by name.
#[derive(Debug, Clone)]
pub struct SharedPipeline {
    /// The rows.
    pub pipeline: Pipeline,
    /// True for `materialize`: run once, keep the rows. Otherwise it is a view that may be planned
    /// anew at each place that reads it.
    pub materialized: bool,
    /// What `withsource` calls its rows, if not by number.
    pub name: Option<Arc<str>>,
    /// The body whose rows it reads, as [`Apart::body`] counts; 0 is none.
    pub body: usize,
}

/// A pipeline read for one value.
#[derive(Debug, Clone)]
pub struct ScalarQuery {
    /// Where the value comes from.
    pub pipeline: Pipeline,
    /// The column to read.
    pub column: ColumnId,
    /// The value's type.
    pub ty: ScalarType,
    /// The body whose rows it reads, as [`Apart::body`] counts; 0 is none.
    pub body: usize,
}

/// A body that has to run for each part by itself: it names its rows and reads them again, or reads
/// the key of its part.
#[derive(Debug, Clone)]
pub struct Apart {
    /// In how many bodies this one stands, itself counted.
    pub body: usize,
    /// What depends on the rows of a part, in an order in which each needs only earlier ones.
    pub order: Vec<Dependency>,
}

/// A source of rows and what happens to them, in order.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Where rows come from.
    pub source: Source,
    /// What happens to them.
    pub steps: Vec<Step>,
    /// The columns that come out: those of the last step, or of the source if there is none.
    pub columns: Vec<Column>,
}

/// A column at one place of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its identity.
    pub id: ColumnId,
    /// What the language calls it here.
    pub name: Arc<str>,
    /// Its type.
    pub ty: ScalarType,
}

/// One operator and the columns visible after it.
#[derive(Debug, Clone)]
pub struct Step {
    /// What happens.
    pub operator: Operator,
    /// The visible columns afterwards, in order. Only these are referred to from here on.
    pub columns: Vec<Column>,
    /// The text that this step comes from.
    pub span: Span,
}

/// Where a pipeline's rows come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A table of the schema.
    Table {
        /// The table's name.
        name: Arc<str>,
        /// Its columns; here the names are the table's own.
        columns: Vec<Column>,
        /// Where it is named.
        span: Span,
    },
    /// Rows written in the query (`datatable`, `print`, `getschema`). `print` is one row of no columns.
    Rows {
        /// The columns.
        columns: Vec<Column>,
        /// One expression without columns per column and row, already of the column's type.
        rows: Vec<Vec<Expr>>,
    },
    /// `range`: the values from `from` to `to`, both included, `step` apart.
    Range {
        /// The only column; `long`, `int`, `real`, `decimal`, `datetime` or `timespan`.
        column: Column,
        /// First value.
        from: Expr,
        /// Bound of the last value.
        to: Expr,
        /// Distance; a `timespan` for datetimes.
        step: Expr,
    },
    /// All rows of all inputs.
    Union {
        /// The inputs.
        inputs: Vec<Pipeline>,
        /// The columns that come out.
        columns: Vec<UnionColumn>,
        /// `withsource`: a column with the input's name.
        source_column: Option<Column>,
        /// The name of each input for `source_column`.
        source_names: Vec<Arc<str>>,
    },
    /// The rows of a shared pipeline, under fresh ids.
    Shared {
        /// Which one.
        id: SharedId,
        /// The fresh columns, each with the shared pipeline's own id.
        columns: Vec<(Column, ColumnId)>,
    },
    /// The rows that the enclosing step hands to its body (`mv-apply`, `partition`).
    Context {
        /// The columns handed in; same ids as outside.
        columns: Vec<Column>,
    },
    /// `externaldata`: a document at an address.
    External {
        /// The declared columns.
        columns: Vec<Column>,
        /// The addresses.
        uris: Vec<Expr>,
        /// `with (format=…)`, names in lower case.
        properties: Vec<(String, Expr)>,
        /// Where it is written.
        span: Span,
    },
    /// A tabular function of the service that this project does not define, such as `_GetWatchlist`.
    Function {
        /// Its name.
        name: Arc<str>,
        /// Its arguments.
        arguments: Vec<Expr>,
        /// The columns it returns.
        columns: Vec<Column>,
        /// Where it is called.
        span: Span,
    },
}

/// A column of a union and where each input has it.
#[derive(Debug, Clone)]
pub struct UnionColumn {
    /// The column that comes out.
    pub column: Column,
    /// Per input, the input's column of the same type; none gives null (`""` for strings).
    pub inputs: Vec<Option<ColumnId>>,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Operator {
    /// Keeps the rows for which the predicate (`bool`) is true.
    Filter {
        /// The predicate.
        predicate: Expr,
    },
    /// Adds columns; all values see the columns before the step. The step's column list says which
    /// columns stay, so that this is `extend`, `project`, `project-away`, `project-rename` and more.
    /// With no assignments it only chooses and renames.
    Compute {
        /// The new columns.
        assignments: Vec<Assignment>,
    },
    /// Adds columns whose value depends on the rows around, in the order of the rows:
    /// `row_number`, `row_cumsum`, `row_rank_dense`, `row_rank_min`, `row_window_session`, `prev`, `next`.
    Window {
        /// The new columns; every call's function is of kind window.
        calls: Vec<WindowCall>,
    },
    /// Groups and aggregates. Without keys there is always exactly one row out.
    Aggregate {
        /// Group keys; none of them means one group of all rows.
        keys: Vec<Assignment>,
        /// Aggregates over each group; none of them is `distinct`.
        aggregates: Vec<Aggregate>,
    },
    /// Sorts; stable order of equal rows is not promised.
    Sort {
        /// Most significant key first.
        keys: Vec<SortKey>,
    },
    /// Keeps the first rows (any rows, if the input has no order).
    Take {
        /// How many: a `long` without columns; usually a literal.
        count: Expr,
    },
    /// `sample`: that many rows at random.
    Sample {
        /// How many: a `long` without columns.
        count: Expr,
    },
    /// `serialize`: declares the rows' order as it is; rows do not change.
    Serialize,
    /// Joins the rows so far (left) with another pipeline (right).
    Join(Box<Join>),
    /// One row per element of arrays or bags.
    MvExpand(Box<MvExpand>),
    /// Runs a body over the elements of arrays of each row.
    MvApply(Box<MvApply>),
    /// Reads columns out of a string.
    Parse(Box<Parse>),
    /// Reads key and value pairs out of a string.
    ParseKv(Box<ParseKv>),
    /// Series of aggregates over a regular axis.
    MakeSeries(Box<MakeSeries>),
    /// The best values of each of nested levels.
    TopNested {
        /// Outermost level first.
        levels: Vec<TopNestedLevel>,
    },
    /// Runs a body once per value of a column and puts the results together.
    Partition {
        /// The column whose values divide the rows.
        by: ColumnId,
        /// How many values there may be.
        most: Option<usize>,
        /// What runs over each part; its source is [`Source::Context`], or rows from elsewhere.
        body: Box<Pipeline>,
        /// Whether the body runs for each part by itself.
        apart: Option<Apart>,
    },
    /// Finds sequences of rows.
    Scan(Box<Scan>),
    /// Rows as the edges of a graph, and what comes out of it.
    Graph(Box<Graph>),
    /// `reduce by`: patterns of similar strings.
    Reduce {
        /// The text.
        input: Expr,
        /// `threshold`, 0 to 1.
        threshold: Option<Expr>,
        /// `characters`.
        characters: Option<Expr>,
        /// Columns `Pattern`, `Count`, `Representative`.
        outputs: [ColumnId; 3],
    },
    /// `evaluate` of a plugin that is not spelled with other operators.
    Plugin {
        /// The plugin's name.
        name: &'static str,
        /// Its arguments.
        arguments: Vec<PluginArgument>,
        /// The columns it gives, in its own order; the step's columns may hold input columns as well.
        outputs: Vec<Column>,
    },
    /// `invoke` of a service function that adds columns to each row, such as `FileProfile`.
    Enrich {
        /// The function.
        name: &'static str,
        /// Its arguments over the row's columns.
        arguments: Vec<Expr>,
        /// The columns it adds, in its own order.
        outputs: Vec<Column>,
    },
}

/// A new column and its value.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The column that comes to be.
    pub column: ColumnId,
    /// Its value.
    pub value: Expr,
}

/// A new column that looks at the rows around.
#[derive(Debug, Clone)]
pub struct WindowCall {
    /// The column that comes to be.
    pub column: ColumnId,
    /// The function, of kind window.
    pub function: &'static Function,
    /// Its arguments, evaluated on the row (`prev` and `next`: first the value, then offset, then default).
    pub arguments: Vec<Expr>,
    /// The column's type.
    pub ty: ScalarType,
}

/// One aggregate of a summarize.
#[derive(Debug, Clone)]
pub struct Aggregate {
    /// The canonical function (`sum`, never `sumif`: see `filter`).
    pub function: &'static Function,
    /// Its arguments; constants such as `make_set`'s size or percentile ranks included.
    pub arguments: Vec<Expr>,
    /// Only rows for which this is true take part (`sumif`, `make_set_if`, …).
    pub filter: Option<Expr>,
    /// The columns it gives with their types. One, except for: `arg_max`/`arg_min` (the extreme, then one per further
    /// argument, `*` already spelled out), `take_any` of several (one per argument), `percentiles`
    /// (one per rank).
    pub outputs: Vec<(ColumnId, ScalarType)>,
    /// Where it is written.
    pub span: Span,
}

/// One key of a sort.
#[derive(Debug, Clone)]
pub struct SortKey {
    /// The value to sort by.
    pub value: Expr,
    /// Largest first.
    pub descending: bool,
    /// Where nulls go; already decided (first when ascending, last when descending, unless written).
    pub nulls_first: bool,
}

/// The kinds of joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// One left row per key, then inner.
    InnerUnique,
    /// Every pair.
    Inner,
    /// Every pair and unmatched left rows.
    LeftOuter,
    /// Every pair and unmatched right rows.
    RightOuter,
    /// Every pair and unmatched rows of both sides.
    FullOuter,
    /// Left rows without match; left columns only.
    LeftAnti,
    /// Right rows without match; right columns only.
    RightAnti,
    /// Left rows with match; left columns only.
    LeftSemi,
    /// Right rows with match; right columns only.
    RightSemi,
}

/// A join. A null key meets null keys, and NaN meets NaN.
#[derive(Debug, Clone)]
pub struct Join {
    /// Which rows come out.
    pub kind: JoinKind,
    /// The other side; its ids are disjoint from the left ones.
    pub right: Pipeline,
    /// Pairs of keys, left value and right value, of equal type.
    pub on: Vec<JoinKey>,
    /// `lookup`, a hint that the right side is small.
    pub is_lookup: bool,
}

/// A pair of join keys.
#[derive(Debug, Clone)]
pub struct JoinKey {
    /// Over the left columns.
    pub left: Expr,
    /// Over the right columns; same type as `left`.
    pub right: Expr,
}

/// How bags are expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BagExpansion {
    /// A property becomes a bag with that property only.
    Bag,
    /// A property becomes `[name, value]`.
    Array,
}

/// One expanded value.
#[derive(Debug, Clone)]
pub struct MvItem {
    /// The column of the elements.
    pub column: ColumnId,
    /// The array or bag, `dynamic`.
    pub value: Expr,
    /// The column's type: `dynamic`, or what `to typeof(…)` says (converted as `to…()` does).
    pub ty: ScalarType,
}

/// `mv-expand`. Several items run in parallel; shorter ones are filled with null.
#[derive(Debug, Clone)]
pub struct MvExpand {
    /// What is expanded.
    pub items: Vec<MvItem>,
    /// How bags are expanded.
    pub bags: BagExpansion,
    /// `with_itemindex`: the element's number from 0, `long`.
    pub index: Option<ColumnId>,
    /// `limit`: largest number of rows per input row; a `long` without columns.
    pub limit: Option<Expr>,
}

/// `mv-apply`. The body runs once per input row, over one row per element.
#[derive(Debug, Clone)]
pub struct MvApply {
    /// What is expanded, as `mv-expand` does: null is one row of nulls, an empty array is none.
    pub items: Vec<MvItem>,
    /// `with_itemindex`: the element's number from 0, `long`.
    pub index: Option<ColumnId>,
    /// `limit`: largest number of elements; a `long` without columns.
    pub limit: Option<Expr>,
    /// The body. Its [`Source::Context`] has the input's columns, the items and the index.
    /// The step's columns are input columns (repeated for every row of the body) and body columns.
    pub body: Pipeline,
    /// Whether the body runs for each row by itself.
    pub apart: Option<Apart>,
}

/// How `parse` matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParseMode {
    /// Texts are literal, and a value that does not convert fails the match.
    Simple,
    /// Texts are literal, and a value that does not convert is null.
    Relaxed,
    /// Texts are regular expressions; with these flags.
    Regex(String),
}

/// `parse` and `parse-where`.
#[derive(Debug, Clone)]
pub struct Parse {
    /// The string.
    pub input: Expr,
    /// How it is matched.
    pub mode: ParseMode,
    /// The pattern, from left to right.
    pub pattern: Vec<ParsePart>,
    /// `parse-where`: drop rows that do not match, instead of giving nulls.
    pub matched_only: bool,
}

/// A part of a parse pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParsePart {
    /// This text (in regex mode: this expression).
    Text(String),
    /// Anything, not kept.
    Star,
    /// A value, kept.
    Capture {
        /// The new column.
        column: ColumnId,
        /// Its type; text is converted.
        ty: ScalarType,
    },
}

/// `parse-kv`.
#[derive(Debug, Clone)]
pub struct ParseKv {
    /// The string.
    pub input: Expr,
    /// The keys to look for, each with its new column and type.
    pub keys: Vec<(String, ColumnId, ScalarType)>,
    /// `pair_delimiter`, `kv_delimiter`, `quote`, `escape`, `regex`, `greedy`: constants.
    pub options: Vec<(String, Expr)>,
}

/// `make-series`.
#[derive(Debug, Clone)]
pub struct MakeSeries {
    /// The series.
    pub series: Vec<Series>,
    /// The value on the axis: number, `datetime` or `timespan`.
    pub axis: Expr,
    /// The axis as an array, `dynamic`.
    pub axis_column: ColumnId,
    /// First point; none means the smallest value.
    pub from: Option<Expr>,
    /// Bound of the last point; none means the largest value.
    pub to: Option<Expr>,
    /// Whether `to` itself is a point (`in range(…)`), or only a bound (`from … to … step`).
    pub to_included: bool,
    /// Distance of points.
    pub step: Expr,
    /// Group keys.
    pub by: Vec<Assignment>,
    /// Whether no rows and no groups still give a series (`kind=nonempty`).
    pub nonempty: bool,
}

/// One series of a `make-series`.
#[derive(Debug, Clone)]
pub struct Series {
    /// The aggregate of each bin (its first output's id is this series before it is an array).
    pub aggregate: Aggregate,
    /// The column of arrays, `dynamic`.
    pub column: ColumnId,
    /// Value of empty bins.
    pub default: Option<Expr>,
}

/// A level of `top-nested`.
#[derive(Debug, Clone)]
pub struct TopNestedLevel {
    /// How many values are kept; none keeps all.
    pub count: Option<Expr>,
    /// The value of the level, and its column.
    pub value: Assignment,
    /// The aggregate that ranks.
    pub aggregate: Aggregate,
    /// The column of the aggregate.
    pub aggregate_column: ColumnId,
    /// `with others = …`: one more row for all others, with this as the value.
    pub others: Option<Expr>,
    /// Smallest first.
    pub ascending: bool,
}

/// `scan`.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Columns that the operator adds, with their initial values.
    pub declared: Vec<(Column, Option<Expr>)>,
    /// `with_match_id`, `long`.
    pub match_id: Option<ColumnId>,
    /// The steps in order.
    pub steps: Vec<ScanStep>,
}

/// A step of `scan`. In its expressions [`ExprKind::StepState`] reads another step's last row.
#[derive(Debug, Clone)]
pub struct ScanStep {
    /// The step's name.
    pub name: String,
    /// `optional`.
    pub optional: bool,
    /// Which of the matching rows come out.
    pub output: ScanOutput,
    /// When a row matches.
    pub condition: Expr,
    /// What a match assigns to declared columns.
    pub assignments: Vec<(ColumnId, Expr)>,
}

/// Which matching rows of a scan step come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanOutput {
    /// Every one.
    All,
    /// The last.
    Last,
    /// None.
    None,
}

/// An argument of a plugin.
#[derive(Debug, Clone)]
pub enum PluginArgument {
    /// A value over the row, or a constant.
    Value(Expr),
    /// A whole pipeline, such as the table of `ipv4_lookup`.
    Table(Pipeline),
}

/// `render`, kept for whoever draws.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Render {
    /// The kind of chart.
    pub chart: String,
}

//! Whether a query means the same over parts of its table, and its text over one of them.

mod neighbours;

use std::fmt::Write as _;

use defender_core::{Error, ErrorKind, Result};
use defender_table::ticks::format_timespan;
use kql_syntax::tree::{
    Direction, Expression, ExpressionKind, Fate, Operator, OperatorKind, Rows, StatementKind,
};
use kql_syntax::{Lines, Node};

use super::slice::{Slice, TIME};
use crate::pipeline::{self, filter_place, has_timestamp};
use crate::{Description, Query};

/// The column of an estimate that holds the beginning of each range.
pub(super) const RANGE: &str = "range_start";
/// The column of an estimate that holds the number of rows.
pub(super) const ROWS: &str = "row_count";

/// The columns that a `project` makes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Projected {
    /// Those whose names the text tells.
    names: Vec<String>,
    /// Whether there are others.
    more: bool,
}

/// A query that may be asked slice by slice.
///
/// ```
/// use defender_drivers::Splitting;
///
/// assert!(Splitting::of("DeviceEvents | where ActionType == 'x' | project DeviceName").is_ok());
/// let error = Splitting::of("DeviceEvents | summarize count()").unwrap_err();
/// assert!(error.to_string().contains("summarize"));
/// ```
#[expect(
    clippy::struct_excessive_bools,
    reason = "answers to four questions that do not exclude one another"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splitting {
    text: String,
    /// Where the answer's pipeline begins.
    start: usize,
    /// Where its table is named, and the first operator may be put.
    end: usize,
    /// Where the operators end that can be asked about numbers of rows.
    countable: usize,
    /// Whether the operators after that make as many rows as they get.
    exact: bool,
    timed: bool,
    /// Whether a `Timestamp` in the answer is the table's.
    told: bool,
    /// Whether the answer has the table's `Timestamp`.
    kept: bool,
    /// What the query's own `project` calls the columns of the answer, where it has the last word.
    columns: Option<Projected>,
    /// Whether the answer has every column of the table as it is.
    whole: bool,
    sort: Option<Direction>,
}

impl Splitting {
    /// Judges a query.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Query`] when the text has an error of syntax, [`ErrorKind::Usage`] when it
    /// cannot be split: the message says what stands against it, the hint what to write instead.
    pub fn of(text: &str) -> Result<Self> {
        let parse = kql_syntax::parse(text);
        let lines = Lines::new(text);
        if let Some(diagnostic) = parse.diagnostics.first() {
            let position = lines.position(diagnostic.span.start);
            return Err(Error::new(
                ErrorKind::Query,
                format!(
                    "the query cannot be split: line {}, column {}: {}",
                    position.line, position.column, diagnostic.message
                ),
            ));
        }
        if !parse.tree.directives.is_empty() {
            return Err(refusal(
                "it begins with a directive",
                "leave the lines that begin with # out",
            ));
        }
        let Some((last, before)) = parse.tree.statements.split_last() else {
            return Err(refusal("it is empty", "write a query"));
        };
        let mut names = Vec::new();
        for statement in before {
            match &statement.kind {
                StatementKind::Let(variable) => names.push(variable.name.text.as_str()),
                StatementKind::Set(_) => {}
                _ => {
                    return Err(refusal(
                        "it has more than one answer",
                        "ask one query at a time, with nothing but let before it",
                    ));
                }
            }
        }
        let StatementKind::Expression(answer) = &last.kind else {
            return Err(refusal(
                "it has no answer",
                "end it with a query over a table",
            ));
        };
        let (source, operators) = match &answer.kind {
            ExpressionKind::Pipe(pipe) => (&*pipe.source, pipe.operators.as_slice()),
            _ => (answer, [].as_slice()),
        };
        let timed = tables(source, &names)?;
        for operator in operators {
            judge(operator, operators, timed)?;
        }
        neighbours::check(&parse.tree, answer)?;
        let end = filter_place(source, operators);
        let countable = operators
            .iter()
            .take_while(|operator| keeps_time(operator))
            .last()
            .map_or(end, |operator| operator.span.range().end);
        let exact = operators
            .iter()
            .filter(|operator| operator.span.range().start >= countable)
            .all(|operator| operator.effect().rows == Rows::Same);
        Ok(Self {
            exact,
            text: text.to_owned(),
            start: source.span.range().start,
            end,
            countable,
            timed,
            told: timed
                && operators
                    .iter()
                    .all(|operator| operator.fate(TIME) != Fate::Other),
            kept: timed
                && operators
                    .iter()
                    .all(|operator| operator.fate(TIME) == Fate::Kept),
            columns: projected(operators),
            whole: operators.iter().all(|operator| {
                matches!(
                    operator.kind,
                    OperatorKind::Where(_)
                        | OperatorKind::Sort(_)
                        | OperatorKind::As(_)
                        | OperatorKind::Render(_)
                )
            }),
            sort: operators.iter().rev().find_map(by_time),
        })
    }

    /// Whether slices of `query` can be cut out of its range of time in the API of `description`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when the API takes no range beside the text and the text names more
    /// tables than the one that is cut: the others would be asked for all time.
    pub fn check_range(&self, query: &Query, description: &Description) -> Result<()> {
        match query.timespan {
            Some(timespan)
                if !description.takes_timespan
                    && self.timed
                    && pipeline::insert(&query.text, &pipeline::line(timespan)).is_none() =>
            {
                Err(description.no_range().with_hint(
                    "filter each table of the query by Timestamp, and leave the range out",
                ))
            }
            _ => Ok(()),
        }
    }

    /// Whether the table has a `Timestamp`, and can be cut into ranges of time.
    pub fn is_timed(&self) -> bool {
        self.timed
    }

    /// Whether a `Timestamp` in the answer is the table's, so that it must lie in the slice.
    pub(super) fn tells_time(&self) -> bool {
        self.told
    }

    /// What is wrong with the `columns` of an answer: the time that slices are told by is not
    /// among them, or they are others than the query's own `project` makes.
    pub(super) fn misses(&self, columns: &[&str]) -> Option<String> {
        let has = |name: &str| columns.iter().any(|own| own.eq_ignore_ascii_case(name));
        let wanted = self.columns.iter().flat_map(|columns| &columns.names);
        let time = self.kept.then_some(TIME);
        let mut wanted = wanted.map(String::as_str).chain(time);
        if let Some(missing) = wanted.find(|name| !has(name)) {
            return Some(format!("without the column {missing}"));
        }
        let projected = self.columns.as_ref().filter(|columns| !columns.more)?;
        let is_known = |own: &str| {
            let mut names = projected.names.iter();
            names.any(|name| name.eq_ignore_ascii_case(own))
        };
        let other = columns.iter().find(|own| !is_known(own))?;
        Some(format!(
            "with the column {other}, which the query does not have"
        ))
    }

    /// Whether the answer has the rows of the table as they are, of which no two partitions by
    /// a hash of the row have the same.
    pub(super) fn keeps_whole_rows(&self) -> bool {
        self.whole
    }

    /// Whether an estimate counts the rows of the answer and not more.
    pub(super) fn counts_exactly(&self) -> bool {
        self.exact
    }

    /// Whether the query sorts the newest rows first, so that the last slice comes first.
    pub fn is_newest_first(&self) -> bool {
        use Direction::{Descending, GrannyDescending};
        matches!(self.sort, Some(Descending | GrannyDescending))
    }

    /// Whether the query sorts by time.
    pub fn is_sorted(&self) -> bool {
        self.sort.is_some()
    }

    /// The query over one slice of its table.
    pub fn text_of(&self, slice: &Slice) -> String {
        let (head, tail) = self.text.split_at(self.end);
        format!("{head}{}{tail}", slice.lines(self.timed))
    }

    /// The query for how many rows each range of `width` ticks holds, at most.
    pub(super) fn estimate(&self, slice: &Slice, width: i64) -> String {
        let (head, tail) = self.text.split_at(self.end);
        let mut text = format!(
            "{head}{}{}",
            slice.lines(self.timed),
            &tail[..self.countable - self.end]
        );
        let _ = if self.timed {
            write!(
                text,
                "\n| summarize {ROWS} = count() by {RANGE} = bin({TIME}, timespan({}))",
                format_timespan(width)
            )
        } else {
            write!(text, "\n| summarize {ROWS} = count()")
        };
        text
    }
}

fn refusal(why: &str, instead: &str) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!("the query cannot be split: {why}"),
    )
    .with_hint(instead)
}

/// Whether the tables of a source all have a `Timestamp`; a refusal where they are no tables.
fn tables(source: &Expression, variables: &[&str]) -> Result<bool> {
    let named = |expression: &Expression| match &expression.kind {
        ExpressionKind::Name(name) if variables.contains(&name.text.as_str()) => Err(refusal(
            &format!("'{}' is a variable and not a table", name.text),
            "write the table where the query begins, and the variable's steps after it",
        )),
        ExpressionKind::Name(name) => Ok(has_timestamp(&name.text)),
        _ => Err(refusal(
            "it does not begin with the name of a table",
            "begin it with a table, or with a union of tables by name",
        )),
    };
    let ExpressionKind::Operator(operator) = &source.kind else {
        return named(source);
    };
    let OperatorKind::Union(members) = &operator.kind else {
        return named(source);
    };
    let timed: Vec<bool> = members.iter().map(named).collect::<Result<_>>()?;
    if timed.iter().any(|own| *own != timed[0]) {
        return Err(refusal(
            "some of its tables have no Timestamp",
            "ask those tables in a query of their own",
        ));
    }
    Ok(timed.first().copied().unwrap_or(false))
}

fn judge(operator: &Operator, all: &[Operator], timed: bool) -> Result<()> {
    let keyword = &operator.keyword.text;
    let effect = operator.effect();
    match (&operator.kind, effect.rows) {
        (OperatorKind::Sort(_), _) => judge_sort(operator, all, timed),
        (OperatorKind::As(name), _) => match all.iter().find(|other| mentions(other, &name.text)) {
            Some(other) => Err(refusal(
                &format!(
                    "{} reads '{}' again, of which a slice has a part",
                    other.keyword.text, name.text
                ),
                "write the table again in its place, with its own filters",
            )),
            None => Ok(()),
        },
        (_, Rows::Same | Rows::Fewer | Rows::More)
            if !effect.needs_all_rows && !effect.reads_tables =>
        {
            Ok(())
        }
        (_, Rows::Fewer) if effect.needs_all_rows => Err(refusal(
            &format!("{keyword} chooses among all rows"),
            "leave it out; --max-rows ends the answer after a number of rows",
        )),
        (_, Rows::Grouped) => Err(refusal(
            &format!("{keyword} counts over all rows at once"),
            "ask it unsplit, its answer is small; or export the rows and count in the file \
             with --data",
        )),
        (OperatorKind::Join(_) | OperatorKind::Lookup(_), _) => Err(refusal(
            &format!("{keyword} matches rows across the whole range"),
            "filter with `in` over a let, or export both tables and join the files with --data",
        )),
        (_, Rows::Same | Rows::Fewer | Rows::More | Rows::Combined | Rows::Other) => Err(refusal(
            &format!("{keyword} may need all rows at once"),
            "leave it out, and do that step on the file with --data",
        )),
    }
}

fn judge_sort(sort: &Operator, all: &[Operator], timed: bool) -> Result<()> {
    if by_time(sort).is_none() || !timed {
        return Err(refusal(
            "sort needs all rows at once",
            "sort by Timestamp alone, or leave the order to whoever reads the file",
        ));
    }
    let mut before = all.iter().take_while(|other| !std::ptr::eq(*other, sort));
    if before.all(keeps_time) {
        Ok(())
    } else {
        Err(refusal(
            "it sorts by a Timestamp that may not be its table's",
            "put the sort before the steps that make or rename columns",
        ))
    }
}

/// Whether an operator names `name`, as it would to read rows called so.
fn mentions(operator: &Operator, name: &str) -> bool {
    let mut pending = vec![Node::Operator(operator)];
    while let Some(node) = pending.pop() {
        if let Node::Expression(expression) = node
            && let ExpressionKind::Name(own) = &expression.kind
            && own.text == name
        {
            return true;
        }
        pending.extend(node.children());
    }
    false
}

/// The direction of a sort by `Timestamp` alone.
fn by_time(operator: &Operator) -> Option<Direction> {
    let OperatorKind::Sort(columns) = &operator.kind else {
        return None;
    };
    let [only] = columns.as_slice() else {
        return None;
    };
    match &only.column.expression.kind {
        ExpressionKind::Name(name) if name.text == TIME && only.column.names.is_empty() => {
            Some(only.direction.unwrap_or(Direction::Descending))
        }
        _ => None,
    }
}

/// The columns of the last `project`, where nothing after it makes, renames or leaves out any.
fn projected(operators: &[Operator]) -> Option<Projected> {
    let last = operators.iter().rev().find(|operator| {
        !matches!(
            operator.kind,
            OperatorKind::Where(_)
                | OperatorKind::Sort(_)
                | OperatorKind::As(_)
                | OperatorKind::Render(_)
        )
    })?;
    let OperatorKind::Project(columns) = &last.kind else {
        return None;
    };
    let mut projected = Projected {
        names: Vec::new(),
        more: false,
    };
    for column in columns {
        match (column.names.as_slice(), &column.expression.kind) {
            ([], ExpressionKind::Name(name)) => projected.names.push(name.text.clone()),
            ([name], _) if !column.names_in_parentheses => projected.names.push(name.text.clone()),
            _ => projected.more = true,
        }
    }
    Some(projected)
}

/// Whether `Timestamp` is still the table's after an operator, and rows were at most left out.
fn keeps_time(operator: &Operator) -> bool {
    matches!(operator.effect().rows, Rows::Same | Rows::Fewer) && operator.fate(TIME) == Fate::Kept
}

#[cfg(test)]
mod tests;

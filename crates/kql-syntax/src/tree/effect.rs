//! What an operator does to the rows that go in: their number, their order, their columns.
//!
//! Who slices a query, lints it or plans it asks here. No function has an arm for the rest, so that
//! a new operator does not compile until somebody has said what it does.

use super::{
    Expression, ExpressionKind, NamedExpression, Operator, OperatorKind, ParsePart, Segment,
    Setting,
};
use crate::walk::Node;

/// What an operator does to the rows that go in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Which rows come out.
    pub rows: Rows,
    /// Whether what becomes of a row depends on other rows, or on their order.
    pub needs_all_rows: bool,
    /// Whether it reads tables besides the rows that go in, or names them.
    pub reads_tables: bool,
    /// Whether only columns that it names come out.
    pub names_columns: bool,
}

/// Which rows come out of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rows {
    /// Each row that went in, once.
    Same,
    /// Some of the rows that went in.
    Fewer,
    /// For each row that went in any number of rows.
    More,
    /// One for each group of rows.
    Grouped,
    /// Rows put together with those of other tables.
    Combined,
    /// Rows that no row that went in became: those of a source, of a graph, of a plugin.
    Other,
}

/// What becomes of a column in an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Each row that comes out has the value that it went in with.
    Kept,
    /// No column of this name comes out.
    Gone,
    /// What comes out by this name may be another value.
    Other,
}

const EACH_ROW: Effect = Effect {
    rows: Rows::Same,
    needs_all_rows: false,
    reads_tables: false,
    names_columns: false,
};

const ORDERED: Effect = Effect {
    needs_all_rows: true,
    ..EACH_ROW
};

const CHOSEN: Effect = Effect {
    rows: Rows::Fewer,
    ..ORDERED
};

const GROUPED: Effect = Effect {
    rows: Rows::Grouped,
    names_columns: true,
    ..ORDERED
};

const COMBINED: Effect = Effect {
    rows: Rows::Combined,
    reads_tables: true,
    ..ORDERED
};

const OTHER: Effect = Effect {
    rows: Rows::Other,
    ..ORDERED
};

const OTHER_TABLES: Effect = Effect {
    reads_tables: true,
    ..OTHER
};

impl OperatorKind {
    /// What the operator does to the rows that go in.
    ///
    /// ```
    /// use kql_syntax::tree::{OperatorKind, Rows};
    ///
    /// let effect = OperatorKind::GetSchema.effect();
    /// assert_eq!(effect.rows, Rows::Other);
    /// assert!(effect.needs_all_rows);
    /// ```
    pub fn effect(&self) -> Effect {
        match self {
            Self::As(_)
            | Self::AssertSchema(_)
            | Self::Extend(_)
            | Self::Parse(_)
            | Self::ParseKv(_)
            | Self::ProjectAway(_)
            | Self::ProjectRename(_)
            | Self::ProjectReorder(_)
            | Self::Render(_) => EACH_ROW,
            Self::Project(_) | Self::ProjectKeep(_) | Self::ProjectByNames(_) => Effect {
                names_columns: true,
                ..EACH_ROW
            },
            Self::Where(_) | Self::ParseWhere(_) => Effect {
                rows: Rows::Fewer,
                ..EACH_ROW
            },
            Self::MvExpand(_) | Self::MvApply(_) => Effect {
                rows: Rows::More,
                ..EACH_ROW
            },
            Self::Search(search) => Effect {
                rows: Rows::Fewer,
                reads_tables: !search.tables.is_empty(),
                ..EACH_ROW
            },
            Self::Serialize(_) | Self::Sort(_) => ORDERED,
            Self::Sample(_) | Self::Take(_) | Self::Top(_) => CHOSEN,
            Self::Count(_)
            | Self::Distinct(_)
            | Self::MakeSeries(_)
            | Self::Reduce(_)
            | Self::SampleDistinct { .. }
            | Self::Summarize(_)
            | Self::TopHitters(_)
            | Self::TopNested(_) => GROUPED,
            Self::Find(_) | Self::Join(_) | Self::Lookup(_) | Self::Union(_) => COMBINED,
            Self::Consume
            | Self::ExecuteAndCache
            | Self::Facet(_)
            | Self::Fork(_)
            | Self::GetSchema
            | Self::GraphMarkComponents
            | Self::GraphMatch(_)
            | Self::GraphShortestPaths(_)
            | Self::GraphToTable(_)
            | Self::GraphWhereEdges(_)
            | Self::GraphWhereNodes(_)
            | Self::Partition(_)
            | Self::Print(_)
            | Self::Range(_)
            | Self::Scan(_)
            | Self::Error => OTHER,
            Self::Evaluate(_) | Self::Invoke(_) | Self::MacroExpand(_) | Self::MakeGraph(_) => {
                OTHER_TABLES
            }
        }
    }
}

impl Operator {
    /// What the operator does to the rows that go in.
    pub fn effect(&self) -> Effect {
        self.kind.effect()
    }

    /// What becomes of the column `name`, as far as the text alone tells.
    ///
    /// ```
    /// use kql_syntax::tree::Fate;
    ///
    /// let query = kql_syntax::parse("T | extend Hour = bin(Timestamp, 1h)").tree;
    /// let extend = query.operators().next().expect("one operator");
    /// assert_eq!(extend.fate("Timestamp"), Fate::Kept);
    /// assert_eq!(extend.fate("Hour"), Fate::Other);
    /// ```
    pub fn fate(&self, name: &str) -> Fate {
        if options_name(&self.options, name) {
            return Fate::Other;
        }
        let other_if = |made: bool| if made { Fate::Other } else { Fate::Kept };
        match &self.kind {
            OperatorKind::As(_)
            | OperatorKind::AssertSchema(_)
            | OperatorKind::ParseWhere(_)
            | OperatorKind::Parse(_)
            | OperatorKind::ParseKv(_)
            | OperatorKind::ProjectReorder(_)
            | OperatorKind::Render(_)
            | OperatorKind::Sample(_)
            | OperatorKind::Sort(_)
            | OperatorKind::Take(_)
            | OperatorKind::Where(_) => other_if(self.fills(name)),
            OperatorKind::Top(top) => other_if(top.by.iter().any(|by| makes(&by.column, name))),
            OperatorKind::Extend(columns) | OperatorKind::Serialize(columns) => {
                other_if(columns.iter().any(|column| makes(column, name)))
            }
            OperatorKind::MvExpand(expand) => other_if(expand.columns.iter().any(|expanded| {
                is(&expanded.column.expression, name) || makes(&expanded.column, name)
            })),
            OperatorKind::Project(columns) | OperatorKind::Distinct(columns) => {
                listed(columns, name)
            }
            OperatorKind::Summarize(summarize) => {
                if summarize
                    .aggregates
                    .iter()
                    .any(|column| makes(column, name))
                {
                    return Fate::Other;
                }
                listed(summarize.by.as_deref().unwrap_or_default(), name)
            }
            OperatorKind::ProjectAway(columns) => match named_by(columns, name) {
                Some(true) => Fate::Gone,
                Some(false) => Fate::Kept,
                None => Fate::Other,
            },
            OperatorKind::ProjectKeep(columns) => match named_by(columns, name) {
                Some(true) => Fate::Kept,
                Some(false) => Fate::Gone,
                None => Fate::Other,
            },
            OperatorKind::ProjectRename(columns) => {
                if columns.iter().any(|column| names(column, name)) {
                    Fate::Other
                } else if columns.iter().any(|column| is(&column.expression, name)) {
                    Fate::Gone
                } else {
                    Fate::Kept
                }
            }
            OperatorKind::Consume
            | OperatorKind::Count(_)
            | OperatorKind::Evaluate(_)
            | OperatorKind::ExecuteAndCache
            | OperatorKind::Facet(_)
            | OperatorKind::Find(_)
            | OperatorKind::Fork(_)
            | OperatorKind::GetSchema
            | OperatorKind::GraphMarkComponents
            | OperatorKind::GraphMatch(_)
            | OperatorKind::GraphShortestPaths(_)
            | OperatorKind::GraphToTable(_)
            | OperatorKind::GraphWhereEdges(_)
            | OperatorKind::GraphWhereNodes(_)
            | OperatorKind::Invoke(_)
            | OperatorKind::Join(_)
            | OperatorKind::Lookup(_)
            | OperatorKind::MacroExpand(_)
            | OperatorKind::MakeGraph(_)
            | OperatorKind::MakeSeries(_)
            | OperatorKind::MvApply(_)
            | OperatorKind::Partition(_)
            | OperatorKind::Print(_)
            | OperatorKind::ProjectByNames(_)
            | OperatorKind::Range(_)
            | OperatorKind::Reduce(_)
            | OperatorKind::SampleDistinct { .. }
            | OperatorKind::Scan(_)
            | OperatorKind::Search(_)
            | OperatorKind::TopHitters(_)
            | OperatorKind::TopNested(_)
            | OperatorKind::Union(_)
            | OperatorKind::Error => Fate::Other,
        }
    }

    /// Whether a pattern of `parse` or a key of `parse-kv` fills the column `name`.
    fn fills(&self, name: &str) -> bool {
        match &self.kind {
            OperatorKind::Parse(parse) | OperatorKind::ParseWhere(parse) => {
                parse.pattern.iter().any(
                    |part| matches!(part, ParsePart::Column { name: own, .. } if own.text == name),
                )
            }
            OperatorKind::ParseKv(parse) => {
                parse.columns.iter().any(|column| column.name.text == name)
            }
            _ => false,
        }
    }

    /// Whether it could read another table than the one whose rows go in.
    ///
    /// A name between the parentheses of `in` may be a table, and so may whatever a call of no
    /// known shape returns.
    pub fn may_read_tables(&self) -> bool {
        if self.effect().reads_tables {
            return true;
        }
        let mut pending = Node::Operator(self).children();
        while let Some(node) = pending.pop() {
            match node {
                Node::Statement(_) => return true,
                Node::Operator(operator) => {
                    if operator.effect().reads_tables {
                        return true;
                    }
                }
                Node::Expression(expression) => {
                    if is_tabular(expression) {
                        return true;
                    }
                }
            }
            pending.extend(node.children());
        }
        false
    }
}

/// Whether `expression` is a table, or has a place where a name may be one.
fn is_tabular(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Pipe(_)
        | ExpressionKind::Operator(_)
        | ExpressionKind::ToScalar(_)
        | ExpressionKind::ToTable(_)
        | ExpressionKind::Materialize(_)
        | ExpressionKind::DataTable(_)
        | ExpressionKind::ExternalData(_)
        | ExpressionKind::ContextualDataTable { .. }
        | ExpressionKind::Function(_)
        | ExpressionKind::Body(_)
        | ExpressionKind::EntityGroup(_)
        | ExpressionKind::Error => true,
        ExpressionKind::In(found) => found
            .right
            .iter()
            .any(|value| matches!(value.kind, ExpressionKind::Name(_))),
        ExpressionKind::Path(path) => path
            .segments
            .iter()
            .any(|segment| matches!(segment, Segment::Wildcard { .. } | Segment::Call(_))),
        ExpressionKind::Name(_)
        | ExpressionKind::Wildcard(_)
        | ExpressionKind::Literal(_)
        | ExpressionKind::TypeOf(_)
        | ExpressionKind::Parenthesized(_)
        | ExpressionKind::Unary(_)
        | ExpressionKind::Logical(_)
        | ExpressionKind::Arithmetic(_)
        | ExpressionKind::Comparison(_)
        | ExpressionKind::Between(_)
        | ExpressionKind::Call(_) => false,
    }
}

/// Whether a name fits a pattern with `*`; case counts.
///
/// ```
/// assert!(kql_syntax::tree::fits_pattern("DeviceName", "Device*"));
/// assert!(!kql_syntax::tree::fits_pattern("DeviceName", "device*"));
/// ```
pub fn fits_pattern(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

fn is(expression: &Expression, name: &str) -> bool {
    match &expression.kind {
        ExpressionKind::Name(own) => own.text == name,
        ExpressionKind::Parenthesized(inner) => is(inner, name),
        _ => false,
    }
}

fn names(column: &NamedExpression, name: &str) -> bool {
    column.names.iter().any(|own| own.text == name)
}

/// Whether the column `name` may come of `column` with a value of its own.
fn makes(column: &NamedExpression, name: &str) -> bool {
    if is(&column.expression, name) && column.names.iter().all(|own| own.text == name) {
        return false;
    }
    if !column.names.is_empty() {
        return names(column, name);
    }
    // Without a name of its own it may be called after what it is made of.
    let mut pending = vec![Node::Expression(&column.expression)];
    while let Some(node) = pending.pop() {
        if let Node::Expression(expression) = node
            && is(expression, name)
        {
            return !is(&column.expression, name);
        }
        pending.extend(node.children());
    }
    false
}

/// What becomes of `name` where only the `columns` come out.
fn listed(columns: &[NamedExpression], name: &str) -> Fate {
    if columns.iter().any(|column| makes(column, name)) {
        return Fate::Other;
    }
    let kept = columns.iter().any(|column| match &column.expression.kind {
        ExpressionKind::Wildcard(pattern) => fits_pattern(name, pattern),
        _ => is(&column.expression, name) && column.names.iter().all(|own| own.text == name),
    });
    if kept { Fate::Kept } else { Fate::Gone }
}

/// Whether one of `columns`, names and patterns, is `name`; `None` where that cannot be told.
fn named_by(columns: &[Expression], name: &str) -> Option<bool> {
    let mut found = false;
    for column in columns {
        found |= match &column.kind {
            ExpressionKind::Name(own) => own.text == name,
            ExpressionKind::Wildcard(pattern) => fits_pattern(name, pattern),
            _ => return None,
        };
    }
    Some(found)
}

/// Whether an option makes a column `name`, as `with_itemindex=name` does.
fn options_name(options: &[Setting], name: &str) -> bool {
    options
        .iter()
        .any(|option| option.values.iter().any(|value| is(value, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_from_end_to_end() {
        assert!(fits_pattern("DeviceName", "Device*"));
        assert!(fits_pattern("DeviceName", "*Name"));
        assert!(fits_pattern("DeviceName", "*"));
        assert!(fits_pattern("DeviceName", "D*v*e"));
        assert!(!fits_pattern("DeviceName", "device*"));
        assert!(!fits_pattern("Name", "Name*me"));
    }

    #[test]
    fn a_column_is_kept_gone_or_another() {
        use Fate::{Gone, Kept, Other};
        for (operator, fate) in [
            ("where x == 1", Kept),
            ("sort by Timestamp asc", Kept),
            ("extend Timestamp", Kept),
            ("extend Timestamp = Timestamp", Kept),
            ("extend t = Timestamp", Kept),
            ("extend Timestamp = now()", Other),
            ("extend bin(Timestamp, 1h)", Other),
            ("extend tolower(x)", Kept),
            ("project Timestamp, x", Kept),
            ("project Timestamp = x", Other),
            ("project t = Timestamp", Gone),
            ("project x", Gone),
            ("project-away x", Kept),
            ("project-away T*", Gone),
            ("project-away X*", Kept),
            ("project-keep T*", Kept),
            ("project-keep x", Gone),
            ("project-rename Timestamp = x", Other),
            ("project-rename t = Timestamp", Gone),
            ("project-rename t = x", Kept),
            ("project-reorder x", Kept),
            ("parse x with * 'a' Timestamp: datetime", Other),
            ("parse x with * 'a' b", Kept),
            ("parse-where x with * 'a' b", Kept),
            ("parse-kv x as (Timestamp: datetime)", Other),
            ("mv-expand x", Kept),
            ("mv-expand Timestamp", Other),
            ("mv-expand Timestamp = x", Other),
            ("mv-expand with_itemindex=Timestamp x", Other),
            ("distinct Timestamp", Kept),
            ("distinct *", Kept),
            ("distinct x", Gone),
            ("summarize count() by Timestamp", Kept),
            ("summarize count() by bin(Timestamp, 1h)", Other),
            ("summarize Timestamp = max(Timestamp) by x", Other),
            ("summarize max(Timestamp) by x", Other),
            ("summarize count() by x", Gone),
            ("top 5 by Timestamp", Kept),
            ("serialize n = 1", Kept),
            ("join U on x", Other),
            ("union U", Other),
        ] {
            let text = format!("T | {operator}");
            let parse = crate::parse(&text);
            assert!(parse.diagnostics.is_empty(), "{text}");
            let first = parse.tree.operators().next().unwrap();
            assert_eq!(first.fate("Timestamp"), fate, "{operator}");
        }
    }

    #[test]
    fn what_may_read_another_table() {
        for (operator, reads) in [
            ("where x in ('a', 'b')", false),
            ("where x in (y)", true),
            ("where x in ((U | project x))", true),
            ("where x == toscalar(U | count)", true),
            ("summarize count() by bin(x, 1h)", false),
            ("make-series count() on x step 1d", false),
            ("mv-apply y on (where y in (z))", true),
            ("mv-apply y on (where y == 1)", false),
            ("partition by x (top 1 by y)", false),
            ("search 'x'", false),
            ("search in (U) 'x'", true),
            ("evaluate ipv4_lookup(U, a, b)", true),
            ("invoke f()", true),
            ("lookup U on x", true),
        ] {
            let text = format!("T | {operator}");
            let parse = crate::parse(&text);
            assert!(parse.diagnostics.is_empty(), "{text}");
            let first = parse.tree.operators().next().unwrap();
            assert_eq!(first.may_read_tables(), reads, "{operator}");
        }
    }
}

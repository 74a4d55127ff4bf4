//! What is there only where a Microsoft Sentinel workspace is connected in the Defender portal:
//! its tables, its columns of hunting tables, its functions.
//!
//! Source: <https://learn.microsoft.com/defender-xdr/advanced-hunting-microsoft-defender>

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use defender_schema::workspace_table;
use kql_semantics::{BindOptions, Diagnostic, DiagnosticKind, ScalarType, TableSchema};
use kql_syntax::Span;
use kql_syntax::tree::Query;

use super::Finding;
use super::rules::{MISSING_TABLES, NEEDS_SENTINEL, UNCHECKED};
use super::schema::Schema;

/// Columns that hunting tables have in a workspace besides their own.
///
/// Source: <https://learn.microsoft.com/azure/azure-monitor/logs/log-standard-columns>
const COLUMNS: [(&str, ScalarType); 10] = [
    ("TimeGenerated", ScalarType::DateTime),
    ("SourceSystem", ScalarType::String),
    ("TenantId", ScalarType::String),
    ("Type", ScalarType::String),
    ("_BilledSize", ScalarType::Real),
    ("_IsBillable", ScalarType::String),
    ("_ItemId", ScalarType::String),
    ("_ResourceId", ScalarType::String),
    ("_SubscriptionId", ScalarType::String),
    ("_TimeReceived", ScalarType::DateTime),
];

/// Functions that lead to other data, from a workspace alone.
const PLACES: [&str; 5] = ["adx", "app", "arg", "resource", "workspace"];

/// How functions of a workspace begin: watchlists, and the parsers of ASIM.
const FUNCTIONS: [&str; 6] = [
    "_GetWatchlist",
    "_Sentinel",
    "_Im_",
    "_ASim_",
    "ASim",
    "vim",
];

/// What the name of a table of one's own ends with.
const OWN: &str = "_CL";

/// Where there is such a workspace.
const WHERE: &str =
    "--sentinel allows it, for a tenant whose workspace is connected in the Defender portal";

/// The hunting tables with the columns that a workspace adds.
pub(super) fn connect(tables: &mut BTreeMap<String, TableSchema>, except: &BTreeSet<String>) {
    for (_, table) in tables
        .iter_mut()
        .filter(|(name, _)| !except.contains(*name))
    {
        for (name, ty) in COLUMNS {
            if !table.columns.iter().any(|column| column.name == name) {
                let column = kql_semantics::ColumnSchema::new(name, ty);
                table.columns.push(column);
            }
        }
    }
}

/// A query, and what it comes to with a workspace.
pub(super) struct Connected<'a> {
    query: &'a str,
    tree: &'a Query,
    schema: &'a Schema,
    /// What is wrong with it then.
    wrong: OnceCell<Vec<Span>>,
}

impl<'a> Connected<'a> {
    pub(super) fn new(query: &'a str, tree: &'a Query, schema: &'a Schema) -> Self {
        Self {
            query,
            tree,
            schema,
            wrong: OnceCell::new(),
        }
    }

    /// What there is to say of something that only a workspace has; `None` when the finding is
    /// about something else.
    pub(super) fn finding(&self, found: &Diagnostic) -> Option<Finding> {
        let text = self.query.get(found.span.range())?;
        let is_of = |what: &str| found.message.starts_with(what);
        match found.kind {
            DiagnosticKind::Unsupported => {
                let name = text.split('(').next().unwrap_or_default().trim();
                let needs = PLACES.contains(&name) || is_function(name);
                (needs && !self.schema.sentinel).then(|| function(name, found.span))
            }
            DiagnosticKind::Name if is_of("no table named") => {
                // In `table('SigninLogs')` the name is a part of what is meant.
                let name = found.message.split('\'').nth(1).unwrap_or(text);
                let known = workspace_table(name);
                let needs = known.is_some() || name.ends_with(OWN) || is_function(name);
                let nearest = known.map_or(&[][..], |table| &table.nearest);
                needs.then(|| self.table(name, nearest, found.span))
            }
            DiagnosticKind::Name if is_of("no table fits") && self.schema.sentinel => {
                Some(self.table(text, &[], found.span))
            }
            DiagnosticKind::Name if is_of("the union has no table") => Some(self.union(found.span)),
            DiagnosticKind::Name if is_of("no function named") => {
                if !is_function(text) {
                    return None;
                }
                if self.schema.sentinel {
                    let message =
                        format!("{text}(), a function of a workspace, cannot be checked here");
                    return Some(Finding::new(&UNCHECKED, found.span, message));
                }
                Some(function(text, found.span))
            }
            DiagnosticKind::Name => {
                let needs = COLUMNS.iter().any(|(column, _)| *column == text);
                (needs && !self.schema.sentinel && self.resolves(found.span))
                    .then(|| column(text, found))
            }
            _ => None,
        }
    }

    fn table(&self, name: &str, nearest: &[&str], span: Span) -> Finding {
        if self.schema.sentinel {
            let message =
                format!("the columns of '{name}', a table of a workspace, cannot be checked here");
            return Finding::new(&UNCHECKED, span, message).hint("--schema FILE describes them");
        }
        let message =
            format!("the table '{name}' is there only with a Microsoft Sentinel workspace");
        let nearest = match nearest {
            [] => String::new(),
            [one] => format!("{one} is the nearest table of advanced hunting; "),
            more => format!(
                "{} are the nearest tables of advanced hunting; ",
                more.join(", ")
            ),
        };
        let hint = format!("{nearest}{WHERE}; --schema FILE describes its columns");
        Finding::new(&NEEDS_SENTINEL, span, message).hint(hint)
    }

    /// A fuzzy union that has nothing to unite.
    fn union(&self, span: Span) -> Finding {
        if self.schema.sentinel {
            let message = "the columns of tables of a workspace cannot be checked here";
            return Finding::new(&UNCHECKED, span, message).hint("--schema FILE describes them");
        }
        let message = "none of the tables of this union exists in advanced hunting";
        Finding::new(&MISSING_TABLES, span, message).hint(
            "name a table that exists; --sentinel is for a tenant whose workspace has one of them",
        )
    }

    /// Whether the name there means something with a workspace.
    fn resolves(&self, span: Span) -> bool {
        let wrong = self.wrong.get_or_init(|| {
            let schema = self.schema.clone().with_sentinel();
            let options = BindOptions {
                exact_time: true,
                ..BindOptions::default()
            };
            let found = kql_semantics::bind_assuming(self.tree, &schema.tables, &options)
                .map_or_else(|found| found, |bound| bound.notes);
            found.into_iter().map(|one| one.span).collect()
        });
        !wrong.contains(&span)
    }
}

fn is_function(name: &str) -> bool {
    // `imDns`, as parsers are called that one has put into a workspace.
    let of_own = name
        .strip_prefix("im")
        .is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_uppercase()));
    of_own || FUNCTIONS.iter().any(|start| name.starts_with(start))
}

fn function(name: &str, span: Span) -> Finding {
    let message = format!("{name}() is there only with a Microsoft Sentinel workspace");
    Finding::new(&NEEDS_SENTINEL, span, message).hint(WHERE)
}

fn column(name: &str, found: &Diagnostic) -> Finding {
    let message = format!("the column '{name}' is there only with a Microsoft Sentinel workspace");
    let instead = match (name, &found.suggestion) {
        ("TimeGenerated", Some(time)) => format!("write {time}; "),
        _ => String::new(),
    };
    Finding::new(&NEEDS_SENTINEL, found.span, message).hint(format!("{instead}{WHERE}"))
}

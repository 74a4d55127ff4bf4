//! The rules: what each is called, how bad a finding is, and why it matters.

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing.
    Note,
    /// The query runs, though perhaps not as meant, or not for long.
    Warning,
    /// The query cannot be right.
    Error,
}

impl Level {
    /// Its name, also in SARIF.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A rule of the linter.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it is called: on the command line, in reports, and in a comment that allows it.
    pub id: &'static str,
    /// How bad a finding is.
    pub level: Level,
    /// What it finds, as one sentence.
    pub summary: &'static str,
    /// Why that matters, and what to write instead.
    pub explanation: &'static str,
}

macro_rules! rules {
    ($($name:ident = $id:literal, $level:ident, $summary:literal, $explanation:literal;)*) => {
        $(pub(super) static $name: Rule = Rule {
            id: $id,
            level: Level::$level,
            summary: $summary,
            explanation: $explanation,
        };)*

        /// Every rule, in the order of the documentation.
        pub fn rules() -> &'static [&'static Rule] {
            static RULES: &[&Rule] = &[$(&$name),*];
            RULES
        }
    };
}

rules! {
    SYNTAX = "syntax", Error,
        "The text is not KQL.",
        "The service refuses it. What else is wrong is found when the text can be read.";
    UNKNOWN_NAME = "unknown-name", Error,
        "A table, column or function of this name does not exist.",
        "Names are checked against the hunting schema of Microsoft Defender, in which upper and lower case differ.";
    NEEDS_SENTINEL = "needs-sentinel", Error,
        "A column, table or function that is there only with a Microsoft Sentinel workspace.",
        "Advanced hunting calls the time of an event `Timestamp`; `TimeGenerated`, tables such as SigninLogs, watchlists, the parsers of ASIM, `arg()`, `adx()` and `workspace()` come with a workspace that is connected in the Defender portal. For a tenant that has one, `--sentinel` (`Schema::with_sentinel` in the library) allows all of them; `--schema FILE` describes the columns of its tables.";
    MISSING_TABLES = "missing-tables", Warning,
        "A fuzzy union has no table that exists.",
        "`isfuzzy=true` leaves out what is not there, and the service refuses a union of which nothing is left. What comes after it is not checked.";
    MISUSE = "misuse", Error,
        "A value of another type, another number of arguments, or words that mean nothing together.",
        "The service refuses the query, or compares what is never equal.";
    UNCHECKED = "unchecked", Note,
        "A part of the query cannot be checked here.",
        "The language has more than this linter knows; such a part may be right or wrong.";
    UNKNOWN_RULE = "unknown-rule", Warning,
        "A comment allows a rule that there is not.",
        "It allows nothing then. The rules are those of this page, spelt as here.";
    QUERY_FILE = "query-file", Error,
        "A file of query definitions, or one of its queries, is left out or doubtful.",
        "A query that is left out cannot be run, and one that is doubtful may ask something else than its writer meant.";
    UNREADABLE = "unreadable", Error,
        "A file or folder cannot be read.",
        "It is missing, closed to this user, or not text in UTF-8 or UTF-16. What is in it is not checked; all others are.";
    MISSING_TIME_FILTER = "missing-time-filter", Warning,
        "A table of events is read without a filter on its time.",
        "The service then reads all 30 days that it keeps, which costs quota and time and may end in a timeout. Filter on Timestamp first: `| where Timestamp > ago(1d)`. Tables that hold a state and no events need none.";
    CONTAINS_FOR_HAS = "contains-for-has", Warning,
        "`contains` looks for a whole word.",
        "`has` finds whole words in an index, while `contains` reads every text. Write `has`, unless the word may be a part of a longer one.";
    JOINED_STRINGS = "joined-strings", Warning,
        "Two strings touch, as where a quote is doubled.",
        "KQL puts them together, and the quote is in neither: `'it''s'` is the text `its`. Inside of a string its quote is written `\\'` or `\\\"`; in a verbatim string, `@'it''s'`, it is doubled.";
    GONE_TABLE = "gone-table", Error,
        "A table is gone, or was only ever in the API of Defender for Endpoint.",
        "The portal renamed it in queries that are saved there; a query that comes over an API fails. The APIs of Defender for Endpoint (MDE) and Microsoft 365 Defender (M365D) end on 1 February 2027, and Microsoft Graph has the tables of today alone.";
    RENAMED_COLUMN = "renamed-column", Error,
        "A column has another name today.",
        "The portal renamed it in queries that are saved there; a query that comes over an API fails.";
    RENAMED_VALUE = "renamed-value", Warning,
        "A column is compared with a value that is called otherwise today.",
        "The query runs and finds nothing new, since rows have the value of today.";
    RETIRED_API = "retired-api", Warning,
        "A query is only for the APIs that end on 1 February 2027.",
        "Microsoft Graph (M365DGraph) answers the same queries; add it to data_environments.";
    UNBOUNDED_JOIN = "unbounded-join", Warning,
        "A join or lookup takes a whole table.",
        "The service reads all of it and may run out of memory. Filter the side, take its columns with project, or summarize it first.";
    UNBOUNDED_UNION = "unbounded-union", Warning,
        "A union, search or find reads tables that it does not name.",
        "Every table that matches is read, also those that appear later. Name the tables.";
    NOT_ON_GRAPH = "not-on-graph", Warning,
        "The hunting APIs do not take this, or leave it out of the answer.",
        "An answer over an API is one table. Charts, further results, other clusters, databases and workspaces, parameters of a query and commands are for Azure Data Explorer and the portals.";
}

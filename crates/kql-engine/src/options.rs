//! What a run may use: the time it believes in, limits, parameters.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::Value;

/// Settings of an [`Engine`](crate::Engine); every run of that engine uses them.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The instant `now()` and `ago()` mean, in ticks (100 ns since 0001-01-01); `None` is an
    /// error at the first query that asks for the time.
    pub now: Option<i64>,
    /// Keeps only rows of tables with a `Timestamp` column that lie in `[start, end]` (ticks).
    pub time_range: Option<(i64, i64)>,
    /// The most rows an answer has; the rest is cut off and [`ResultSet::truncated`](crate::ResultSet::truncated) says so.
    pub max_rows: Option<usize>,
    /// The most bytes a query may hold in memory; more is an error, never a shorter answer. `None`
    /// is what the service allows a query by default: 5 GiB.
    pub memory_limit: Option<usize>,
    /// How long a query may take until its last row is there; `None` is as long as it takes.
    pub time_limit: Option<Duration>,
    /// How many threads a query may work with; an answer does not depend on it. 0 is one.
    pub threads: usize,
    /// Values of `declare query_parameters`, by name.
    pub parameters: BTreeMap<String, Value>,
    /// The folders that `externaldata` may read: `https://host/path/file.csv` is the file
    /// `host/path/file.csv` of the first that has it, an address without scheme a path in them.
    /// Nothing outside of them is read, nothing is ever fetched; without any, the operator is
    /// refused.
    pub external_data: Vec<PathBuf>,
}

//! Names, types and result schemas of Kusto queries.
//!
//! [`bind`] takes a parsed query and the tables it may name, and gives a [`BoundQuery`]: every name
//! resolved, every expression typed, the result's columns known, nothing run. What is wrong comes back
//! as [`Diagnostic`]s with the exact place and, for a misspelled name, the name that was probably meant.
//!
//! ```
//! use kql_semantics::{BindOptions, ScalarType, TableSchema, bind};
//! use std::collections::BTreeMap;
//!
//! let events = TableSchema::new([("Timestamp", ScalarType::DateTime), ("FileName", ScalarType::String)]);
//! let tables = BTreeMap::from([("DeviceFileEvents".to_owned(), events)]);
//! let parsed = kql_syntax::parse("DeviceFileEvents | summarize count() by FileName, bin(Timestamp, 1d)");
//! let bound = bind(&parsed.tree, &tables, &BindOptions::default()).map_err(|found| found[0].to_string())?;
//! let names: Vec<String> = bound.schema().into_iter().map(|column| column.name).collect();
//! assert_eq!(names, ["FileName", "Timestamp", "count_"]);
//! # Ok::<(), String>(())
//! ```

mod bind;
pub mod bound;
mod diagnostic;
mod discovery;
mod functions;
mod types;

pub use bind::{BindOptions, Binding, bind, bind_assuming, bind_or_discover};
pub use bound::{BoundQuery, Value};
pub use diagnostic::{Diagnostic, DiagnosticKind};
pub use discovery::Discovery;
pub use functions::{Function, FunctionKind, Naming, Parameter, ReturnRule};
pub use types::{ColumnId, ColumnSchema, NoTables, ScalarType, TableSchema, Tables, UnknownType};

//! Names, types and result schemas of Kusto queries.
//!
//! `bind` takes a parsed query and the tables it may name, and gives a [`BoundQuery`]: every name
//! resolved, every expression typed, the result's columns known, nothing run. What is wrong comes back
//! as [`Diagnostic`]s with the exact place and, for a misspelled name, the name that was probably meant.

pub mod bound;
mod diagnostic;
mod functions;
mod types;

pub use bound::BoundQuery;
pub use diagnostic::{Diagnostic, DiagnosticKind};
pub use functions::{Function, FunctionKind, Naming, Parameter, ReturnRule};
pub use types::{ColumnId, ColumnSchema, NoTables, ScalarType, TableSchema, Tables, UnknownType};

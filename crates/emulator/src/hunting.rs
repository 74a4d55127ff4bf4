//! The hunting APIs: what is asked of a backend, and what it answers.

mod backend;
mod encode;
mod endpoint;
#[cfg(feature = "hunting")]
mod engine;
mod fault;
mod graph;
mod json;
mod plain;
mod quota;
mod request;
mod run;
mod script;
#[cfg(feature = "hunting")]
mod tables;
mod timespan;
mod value;
#[cfg(feature = "hunting")]
mod wording;

pub use backend::{HuntingBackend, Question, TimeRange};
pub use fault::QueryFault;
pub use script::Script;
pub use value::{Column, ColumnType, Rows, Value};

pub(crate) use endpoint::Endpoint;
pub(crate) use run::Hunting;

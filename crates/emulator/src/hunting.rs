//! The hunting APIs: what is asked of a backend, and what it answers.

mod backend;
mod fault;
mod script;
mod value;

pub use backend::{HuntingBackend, Question, TimeRange};
pub use fault::QueryFault;
pub use script::Script;
pub use value::{Column, ColumnType, Rows, Value};


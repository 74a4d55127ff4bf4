//! Runs Kusto queries on Apache DataFusion.
//!
//! ```
//! # fn main() -> Result<(), kql_engine::EngineError> {
//! use kql_engine::{Catalog, Engine, Options, Value};
//!
//! let engine = Engine::new(Catalog::new(), Options::default());
//! let answer = futures::executor::block_on(engine.run("print total = 40 + 2"))?;
//! assert_eq!(answer.columns[0].name, "total");
//! assert_eq!(answer.rows().next(), Some(vec![Value::Long(42)]));
//! # Ok(())
//! # }
//! ```
//!
//! A query is parsed (`kql-syntax`), bound (`kql-semantics`), planned and run with Kusto's meaning:
//! what is not supported is an error with its place, never another answer.
#![expect(
    clippy::too_many_lines,
    reason = "a family of functions is one table, and cutting a table scatters one idea"
)]
#![expect(
    clippy::format_push_string,
    reason = "texts of a few characters; writing to a string cannot fail but says it could"
)]
#![expect(
    clippy::similar_names,
    reason = "plan and plans, value and values: the pairs are meant"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "a step consumes the rows before it, whether it takes the plan apart or runs it"
)]
#![expect(
    clippy::match_same_arms,
    reason = "tables of cases: one line per case of the language"
)]
#![expect(clippy::float_cmp, reason = "the language compares reals exactly")]

mod catalog;
mod deadline;
mod engine;
mod error;
mod options;
mod result;
mod rows;
mod value;

mod column;
mod convert;
mod datum;
mod decimal;
mod dynamic;
mod text;

mod aggregates;
mod allowance;
mod expression;
mod functions;
mod plan;
mod run;

/// The Arrow that tables are handed over in and answers come in.
pub use arrow;
pub use catalog::{
    Catalog, Contents, DateOrder, Found, Place, Reading, SchemaLookup, panic_is_caught,
};
pub use engine::Engine;
pub use error::{Complaint, EngineError};
pub use kql_semantics::ScalarType;
pub use options::Options;
pub use result::{ResultColumn, ResultSet, TableRows};
pub use rows::{Missed, RowStream};
pub use value::Value;

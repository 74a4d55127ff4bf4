//! The hunting APIs: what is asked of a backend, and what it answers.

mod backend;
mod encode;
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

use std::sync::Arc;

pub use backend::{HuntingBackend, Question, TimeRange};
pub use fault::QueryFault;
pub use script::Script;
pub use value::{Column, ColumnType, Rows, Value};

pub(crate) use quota::Ledger;
pub(crate) use request::query_of;
pub(crate) use run::hunt;

use crate::error::Result;
use crate::options::{Data, Options};

/// Whatever answers the queries of an emulator with these options.
///
/// # Errors
///
/// [`Error::Data`](crate::Error::Data): folders that cannot be read.
#[cfg_attr(
    not(feature = "hunting"),
    expect(
        clippy::unnecessary_wraps,
        reason = "folders, which may be unreadable, come with the feature `hunting`"
    )
)]
pub(crate) fn backend(options: &Options) -> Result<Arc<dyn HuntingBackend>> {
    match &options.data {
        Data::Backend(backend) => Ok(Arc::clone(backend)),
        #[cfg(feature = "hunting")]
        data => Ok(Arc::new(engine::Local::new(data, options)?)),
    }
}

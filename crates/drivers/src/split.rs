//! Every row of a question whose answer is larger than the service returns.
//!
//! A query over one table that treats each row by itself means the same over parts of the table:
//! over ranges of time, and over partitions by a hash of the row. [`Splitting`] judges on the
//! syntax tree whether a query is of that kind, [`Slice`] is one part, and [`AllRows`] is a
//! [`Driver`](crate::Driver) that asks another one for the parts, splits those that are still too
//! large, and hands out their rows in order, each once.

mod all_rows;
mod division;
mod judgement;
mod merged;
mod plan;
mod rows;
mod run;
mod shortage;
mod size;
mod slice;
mod store;

pub use all_rows::{AllRows, Progress, SplitOptions, Unseen};
pub use judgement::Splitting;
pub use slice::{Counted, Slice};
pub use store::{NoStore, SliceStore};

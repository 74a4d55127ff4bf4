//! Arrow tables with provenance, and writers for them.
//!
//! An [`Answer`] is a stream of Arrow batches that ends in a [`Summary`]; a [`Table`] is the same
//! at rest. A [`TableBuilder`] makes batches of what JSON gives, a [`Format`] writes them.
//!
//! ```
//! use defender_table::{ColumnType, DatetimeMode, Format, JsonCell, Summary, Table, TableBuilder};
//!
//! let columns = [("FileName".to_owned(), ColumnType::String), ("Count".to_owned(), ColumnType::Long)];
//! let mut builder = TableBuilder::new(&columns, DatetimeMode::Timestamp);
//! builder.append_row([JsonCell::Str("cmd.exe"), JsonCell::I64(3)])?;
//! let (schema, batches, warnings) = builder.finish()?;
//! let table = Table::new(schema, batches, Summary { warnings, ..Summary::default() })?;
//! assert_eq!(table.cell(0, "Count").unwrap().to_string(), "3");
//! # Ok::<(), defender_core::Error>(())
//! ```

mod answer;
pub mod around;
mod builder;
mod cell;
mod column;
mod concat;
mod flatten;
mod format;
mod json_text;
mod json_value;
mod no_row;
mod partition;
mod summary;
mod table;
pub mod ticks;
mod write;

pub use answer::{Answer, Event};
pub use builder::{ColumnBuilder, JsonCell, TableBuilder};
pub use cell::{Cell, Column};
pub use column::{ColumnType, DatetimeMode, KQL_TYPE};
pub use concat::{concat, fit};
pub use flatten::flatten;
#[cfg(feature = "parquet")]
pub use format::ParquetTimes;
pub use format::{CsvOptions, Format, Writer, WriterOptions};
pub use json_value::{Noted, Noting, rounded};
pub use no_row::{NoRow, is_plain};
pub use partition::{OpenPart, Partitioned};
pub use summary::{Completeness, Provenance, Summary, Timespan, Warning, WarningKind};
pub use table::Table;

/// The Arrow that the tables are made of.
pub use arrow;

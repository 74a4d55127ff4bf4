//! The advanced hunting tables and columns as data.
//!
//! Names and types are the ones that Microsoft's schema reference prints, written in one
//! text file and read once. Names are case-sensitive, as they are in KQL.
//!
//! ```
//! let table = defender_schema::table("DeviceProcessEvents").expect("a hunting table");
//! let column = table.column("ProcessId").expect("one of its columns");
//! assert_eq!(column.ty, defender_schema::Type::Long);
//! ```
//!
//! Source: <https://learn.microsoft.com/defender-xdr/advanced-hunting-schema-tables>

mod gone;
mod table;
mod text;
mod workspace;

pub use gone::{Gone, gone, gone_table};
pub use table::{Column, Family, Table, Type, table, tables};
pub use workspace::{WorkspaceTable, workspace_table, workspace_tables};

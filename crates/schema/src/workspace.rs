//! Tables of a Microsoft Sentinel workspace, and what advanced hunting has instead.

use crate::text;

/// A table that is there only where a Microsoft Sentinel workspace is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceTable {
    /// The name, case-sensitive.
    pub name: &'static str,
    /// The hunting tables that hold the most alike, if there are any.
    pub nearest: Vec<&'static str>,
}

/// The tables of Microsoft Sentinel that hunting queries name most; a workspace may have many more.
///
/// Source: <https://learn.microsoft.com/azure/azure-monitor/reference/tables-index>
pub fn workspace_tables() -> &'static [WorkspaceTable] {
    &text::schema().workspace
}

/// The table of a workspace with exactly this name.
pub fn workspace_table(name: &str) -> Option<&'static WorkspaceTable> {
    workspace_tables().iter().find(|table| table.name == name)
}

//! The tables that queries are checked against.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use defender_core::{Error, ErrorKind, Result};
use kql_semantics::{ScalarType, TableSchema};
use serde_json::Value;

use super::sentinel;
use crate::local::hunting_tables;

/// The tables of advanced hunting, and those that are added: of a workspace, or of one's own.
#[derive(Clone, Debug)]
pub struct Schema {
    pub(super) tables: BTreeMap<String, TableSchema>,
    /// The names of those that were added.
    pub(super) added: BTreeSet<String>,
    /// Whether a Microsoft Sentinel workspace is connected.
    pub(super) sentinel: bool,
}

/// The tables of advanced hunting alone.
pub(super) static HUNTING: LazyLock<Schema> = LazyLock::new(Schema::default);

impl Default for Schema {
    fn default() -> Self {
        let tables = hunting_tables()
            .map(|(name, columns)| (name.to_owned(), TableSchema::new(columns)))
            .collect();
        Self {
            tables,
            added: BTreeSet::new(),
            sentinel: false,
        }
    }
}

impl Schema {
    /// The same for a tenant whose Microsoft Sentinel workspace is connected in the Defender portal.
    ///
    /// Hunting tables have `TimeGenerated` beside `Timestamp` then, and `needs-sentinel` finds
    /// nothing. Tables of the workspace that were not [added](Self::add) are not checked.
    ///
    /// ```
    /// let query = "DeviceEvents | where TimeGenerated > ago(1d)";
    /// let schema = defender_query::lint::Schema::default();
    /// assert_eq!(schema.check(query)[0].rule.id, "needs-sentinel");
    /// assert_eq!(schema.with_sentinel().check(query), []);
    /// ```
    #[must_use]
    pub fn with_sentinel(mut self) -> Self {
        self.sentinel = true;
        sentinel::connect(&mut self.tables, &self.added);
        self
    }

    /// Adds the tables that a JSON text describes, and returns how many they are.
    ///
    /// The text is a list of tables, or one table, as `defender schema --json` prints them:
    /// `{"name": "T", "columns": [{"name": "a", "type": "string"}]}`. An object whose members are
    /// tables will do as well, and so will one whose members are columns:
    /// `{"T": {"a": "string"}}`. A table that is known already is replaced.
    ///
    /// ```
    /// let mut schema = defender_query::lint::Schema::default();
    /// schema.add(r#"{"SigninLogs": {"TimeGenerated": "datetime", "ResultType": "string"}}"#)?;
    /// assert_eq!(schema.check("SigninLogs | where ResultType == '0'"), []);
    /// # Ok::<(), defender_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the text is not JSON, or no description of tables.
    pub fn add(&mut self, text: &str) -> Result<usize> {
        let text = text.trim_start_matches('\u{feff}');
        let value: Value = serde_json::from_str(text).map_err(|error| {
            Error::new(
                ErrorKind::Config,
                format!("the schema is not JSON: {error}"),
            )
        })?;
        let found = tables(&value)?;
        if found.is_empty() {
            return Err(wrong("it has no tables"));
        }
        let count = found.len();
        self.added
            .extend(found.iter().map(|(name, _)| name.clone()));
        self.tables.extend(found);
        Ok(count)
    }
}

fn tables(value: &Value) -> Result<Vec<(String, TableSchema)>> {
    match value {
        Value::Array(tables) => tables.iter().map(named).collect(),
        Value::Object(members) if members.contains_key("columns") => Ok(vec![named(value)?]),
        Value::Object(members) => members
            .iter()
            .map(|(name, table)| {
                let columns = table.get("columns").unwrap_or(table);
                Ok((name.clone(), columns_of(name, columns)?))
            })
            .collect(),
        _ => Err(wrong("it is neither a list nor an object")),
    }
}

fn named(value: &Value) -> Result<(String, TableSchema)> {
    let name = value["name"]
        .as_str()
        .ok_or_else(|| wrong("a table has no name"))?;
    Ok((name.to_owned(), columns_of(name, &value["columns"])?))
}

fn columns_of(table: &str, value: &Value) -> Result<TableSchema> {
    let of_type = |name: &str, ty: &Value| {
        let ty = ty.as_str().and_then(|ty| ty.parse::<ScalarType>().ok());
        let ty = ty.ok_or_else(|| {
            let (table, name) = (table.escape_debug(), name.escape_debug());
            wrong(&format!(
                "the column '{name}' of '{table}' has no type of KQL"
            ))
        })?;
        Ok((name.to_owned(), ty))
    };
    let columns: Vec<(String, ScalarType)> = match value {
        Value::Array(columns) => columns
            .iter()
            .map(|column| match column["name"].as_str() {
                Some(name) => of_type(name, &column["type"]),
                None => Err(wrong(&format!(
                    "a column of '{}' has no name",
                    table.escape_debug()
                ))),
            })
            .collect::<Result<_>>()?,
        Value::Object(columns) => columns
            .iter()
            .map(|(name, ty)| of_type(name, ty))
            .collect::<Result<_>>()?,
        _ => {
            let table = table.escape_debug();
            return Err(wrong(&format!("the table '{table}' has no columns")));
        }
    };
    Ok(TableSchema::new(columns))
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::Config, format!("the schema describes no tables: {what}")).with_hint(
        "it is JSON: {\"SigninLogs\": {\"TimeGenerated\": \"datetime\", \"UserPrincipalName\": \"string\"}}",
    )
}

//! A table of the schema, its columns, and how to find one.

use std::fmt;

use crate::text;

/// The type of a column, as KQL names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `bool`
    Bool,
    /// `int`, 32 bits
    Int,
    /// `long`, 64 bits
    Long,
    /// `real`
    Real,
    /// `datetime`
    DateTime,
    /// `guid`
    Guid,
    /// `string`
    String,
    /// `dynamic`
    Dynamic,
}

impl Type {
    /// The name KQL has for the type, such as `datetime`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Long => "long",
            Self::Real => "real",
            Self::DateTime => "datetime",
            Self::Guid => "guid",
            Self::String => "string",
            Self::Dynamic => "dynamic",
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What a table is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Alerts, behaviours and responses.
    Alert,
    /// Events and inventory of devices.
    Device,
    /// Software, vulnerabilities and configuration of devices.
    Vulnerability,
    /// Accounts, sign-ins and directory events.
    Identity,
    /// Mail and links.
    Email,
    /// Teams messages.
    Collaboration,
    /// Activities in cloud apps.
    CloudApp,
    /// Cloud infrastructure.
    Cloud,
    /// Microsoft Purview.
    DataSecurity,
    /// The exposure graph.
    Exposure,
    /// AI agents.
    Agent,
}

impl Family {
    /// A short name, such as `cloud-app`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Device => "device",
            Self::Vulnerability => "vulnerability",
            Self::Identity => "identity",
            Self::Email => "email",
            Self::Collaboration => "collaboration",
            Self::CloudApp => "cloud-app",
            Self::Cloud => "cloud",
            Self::DataSecurity => "data-security",
            Self::Exposure => "exposure",
            Self::Agent => "agent",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name, case-sensitive.
    pub name: &'static str,
    /// The type of its values.
    pub ty: Type,
}

/// A table of advanced hunting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The name, case-sensitive.
    pub name: &'static str,
    /// What a row is, in one phrase.
    pub description: &'static str,
    /// What the table is about.
    pub family: Family,
    /// The columns in the order of the schema reference.
    pub columns: Vec<Column>,
}

impl Table {
    /// The column with exactly this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether Defender for Endpoint has the table; its own hunting API knows no other.
    ///
    /// Of the alert tables it has the two that took the place of `DeviceAlertEvents`.
    ///
    /// Source: <https://learn.microsoft.com/defender-xdr/advanced-hunting-migrate-from-mde>
    pub fn is_in_endpoint(&self) -> bool {
        matches!(self.family, Family::Device | Family::Vulnerability)
            || ["AlertInfo", "AlertEvidence"].contains(&self.name)
    }
}

/// Every table, in the order of the families.
pub fn tables() -> &'static [Table] {
    &text::schema().tables
}

/// The table with exactly this name.
pub fn table(name: &str) -> Option<&'static Table> {
    let schema = text::schema();
    let place = schema
        .by_name
        .binary_search_by_key(&name, |&index| schema.tables[index].name);
    place
        .ok()
        .map(|place| &schema.tables[schema.by_name[place]])
}

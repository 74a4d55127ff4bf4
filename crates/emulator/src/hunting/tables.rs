//! Which tables an API knows.

use kql_engine::ScalarType;

use crate::hosts::Api;

/// Whether a query of `api` may name `table`; a table of the caller's own is everybody's.
pub(super) fn visible(api: Api, table: &str) -> bool {
    match api {
        Api::Graph | Api::M365d => true,
        Api::Mde => {
            defender_schema::table(table).is_none_or(defender_schema::Table::is_in_endpoint)
        }
    }
}

/// The columns that the documentation gives a table.
pub(super) fn columns(table: &str) -> Option<Vec<(String, ScalarType)>> {
    use defender_schema::Type;

    let table = defender_schema::table(table)?;
    let columns = table.columns.iter().map(|column| {
        let ty = match column.ty {
            Type::Bool => ScalarType::Bool,
            Type::Int => ScalarType::Int,
            Type::Long => ScalarType::Long,
            Type::Real => ScalarType::Real,
            Type::DateTime => ScalarType::DateTime,
            Type::Guid => ScalarType::Guid,
            Type::String => ScalarType::String,
            Type::Dynamic => ScalarType::Dynamic,
        };
        (column.name.to_owned(), ty)
    });
    Some(columns.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defender_for_endpoint_knows_its_own_tables_only() {
        for known in [
            "DeviceProcessEvents",
            "DeviceTvmSoftwareInventory",
            "AlertInfo",
            "MyTable",
        ] {
            assert!(visible(Api::Mde, known), "{known}");
        }
        for foreign in ["EmailEvents", "IdentityInfo", "CloudAppEvents"] {
            assert!(!visible(Api::Mde, foreign), "{foreign}");
            assert!(visible(Api::Graph, foreign) && visible(Api::M365d, foreign));
        }
    }
}

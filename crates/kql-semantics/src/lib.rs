//! Names, types and result schemas of Kusto queries.

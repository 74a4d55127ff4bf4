//! Runs Kusto queries on Apache DataFusion.

//! The JSON Schema of definition files.

/// A JSON Schema (draft 2020-12) of definition files, for editors.
///
/// It describes the files that load without a finding; MSTICPy's own extras are allowed under
/// `metadata`.
pub const SCHEMA: &str = include_str!("schema.json");

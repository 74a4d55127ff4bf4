//! Arrow tables with provenance, and writers for them.

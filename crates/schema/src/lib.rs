//! The advanced hunting tables and columns as data.

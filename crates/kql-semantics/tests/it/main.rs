//! Binding whole queries.

mod measured;

//! Tests of assertion.

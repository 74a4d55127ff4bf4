//! Tests of environment.

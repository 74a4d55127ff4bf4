//! Tests of azure cli.

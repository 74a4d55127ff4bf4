//! Tests of managed identity.

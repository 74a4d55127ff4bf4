//! Whole settings files, and the recorded behaviour of MSTICPy.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod files;
mod instances;
mod shown;
mod vectors;

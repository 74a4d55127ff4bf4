//! Whole settings files, and the recorded behaviour of MSTICPy.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says why it did not run"
)]

mod files;
mod instances;
mod shown;
mod vectors;

//! Definition files from folder to query text.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod built_in;
mod hostile;
mod library;
mod nearest;
mod page;
mod rendering;
mod schema;
mod vectors;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use defender_queries::{Finding, Library};

/// A folder of definition files of this crate's tests.
fn folder(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/queries")).join(name)
}

/// The queries of `own`.
fn own() -> (Library, Vec<Finding>) {
    Library::load(&[folder("own")])
}

/// 2026-11-20T23:21:55Z
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_216_915)
}

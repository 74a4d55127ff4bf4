//! Writes what the engine answers into the files of KQL cases.

use crate::command;

/// Rewrites the expected part of every case that differs; the reader of the diff decides.
pub(crate) fn run() -> Result<(), String> {
    command::run(
        "cargo",
        &[
            "test",
            "-p",
            "kql-engine",
            "--locked",
            "--test",
            "it",
            "kql::",
        ],
        &[("BLESS", "1")],
    )
}

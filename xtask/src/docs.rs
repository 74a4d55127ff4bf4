//! The documentation as a reader sees it: rustdoc of every crate, and the book of `docs/`.

use crate::command;

/// The version of mdBook that the book is written for.
const MDBOOK: &str = "0.5.4";

/// Builds both below the target folder.
pub(crate) fn run() -> Result<(), String> {
    command::run(
        "cargo",
        &["doc", "--workspace", "--no-deps", "--locked"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )?;
    if !command::exists("mdbook") {
        command::run(
            "cargo",
            &[
                "install",
                "--locked",
                "--debug",
                &format!("mdbook@{MDBOOK}"),
            ],
            &[],
        )?;
    }
    command::run("mdbook", &["build"], &[])
}

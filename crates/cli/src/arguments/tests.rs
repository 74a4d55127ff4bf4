//! The command line is what the reference page says it is.

use std::fmt::Write as _;

use clap::CommandFactory as _;

use super::Arguments;

const PAGE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/reference/command.md"
);

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn what_names_a_tenant_contradicts_files_and_the_demo() {
    for tenant in [
        "--instance=a",
        "--all-instances",
        "--tenant-id=t",
        "--cloud=us",
        "--client-id=c",
        "--client-secret-env=V",
        "--client-secret-file=f",
        "--client-secret-stdin",
        "--certificate=f",
        "--connection-string=s",
        "--connection-string-env=V",
        "--connection-string-file=f",
        "--authority=https://h",
        "--api-root=https://h",
        "--username=u",
        "--auth-type=device",
        "--delegated-auth",
    ] {
        for local in ["--data=d", "--demo"] {
            let arguments = ["defender", "query", "print 1", local, tenant];
            let error = Arguments::command()
                .try_get_matches_from(arguments)
                .unwrap_err();
            assert_eq!(
                error.kind(),
                clap::error::ErrorKind::ArgumentConflict,
                "{local} {tenant}"
            );
        }
    }
}

/// `UPDATE_DOCS=1 cargo test -p defender-cli` writes the help texts into the page.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of the one who runs the test"
)]
fn the_reference_shows_every_help_text() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let mut command = Arguments::command();
    command.build();
    let mut texts = Vec::new();
    help_texts(&command, &[], &mut texts);
    let mut expected = page.clone();
    for (name, help) in texts {
        expected = with_block(&expected, &name, &help);
    }
    if std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(PAGE, expected).unwrap();
        return;
    }
    let differs = page
        .lines()
        .zip(expected.lines())
        .find(|(is, should)| is != should);
    assert!(
        page == expected,
        "docs/reference/command.md is not what --help says, first at {differs:?}; \
         UPDATE_DOCS=1 cargo test -p defender-cli writes it"
    );
}

/// What `--help` prints for the command and for all below it, each with its full name.
fn help_texts(command: &clap::Command, above: &[&str], texts: &mut Vec<(String, String)>) {
    let name = [above, &[command.get_name()]].concat();
    let words = name.iter().copied().chain(["--help"]);
    let help = Arguments::command()
        .try_get_matches_from(words)
        .unwrap_err()
        .to_string();
    let help: String = help
        .trim_end()
        .lines()
        .fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{}", line.trim_end());
            text
        });
    texts.push((name.join(" "), help));
    for below in command.get_subcommands() {
        if below.get_name() != "help" {
            help_texts(below, &name, texts);
        }
    }
}

/// `page` with `help` in the first text block below the heading of `name`; without such a
/// heading, the section is added at the end.
fn with_block(page: &str, name: &str, help: &str) -> String {
    const OPEN: &str = "```text\n";
    let found = ["## ", "### "].iter().find_map(|level| {
        let heading = format!("\n{level}{name}\n");
        let section = page.find(&heading)? + heading.len();
        let start = section + page[section..].find(OPEN)? + OPEN.len();
        let end = start + page[start..].find("```")?;
        Some((start, end))
    });
    match found {
        Some((start, end)) => format!("{}{help}{}", &page[..start], &page[end..]),
        None => format!("{page}\n## {name}\n\n{OPEN}{help}```\n"),
    }
}

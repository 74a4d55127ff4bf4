//! What to write in place of an option that other tools have, and this one has under another name.

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::arguments::Arguments;
use crate::pasted;

/// Properties that lists can be filtered by; each is asked for as an option of its own somewhere.
const PROPERTIES: &[(&str, &str)] = &[
    ("severity", "severity"),
    ("status", "status"),
    ("classification", "classification"),
    ("determination", "determination"),
    ("category", "category"),
    ("assigned-to", "assignedTo"),
    ("service-source", "serviceSource"),
    ("risk-score", "riskScore"),
    ("health-status", "healthStatus"),
    ("os-platform", "osPlatform"),
];

/// Options of other tools, and what does the same here.
const OPTIONS: &[(&str, &str)] = &[
    ("last", "--start -7d"),
    ("since", "--start -7d"),
    ("from", "--start 2026-11-20"),
    ("days", "--start -7d"),
    ("timespan", "--start -7d and --end"),
    ("until", "--end 2026-11-20"),
    ("to", "--end 2026-11-20"),
    ("limit", "--max-rows 100"),
    ("take", "--max-rows 100"),
    ("json", "--format json"),
    ("csv", "--format csv"),
    ("tenant", "--tenant-id"),
    (
        "client-secret",
        "--client-secret-env, --client-secret-file or --client-secret-prompt",
    ),
    (
        "secret",
        "--client-secret-env, --client-secret-file or --client-secret-prompt",
    ),
    ("access-token", "--access-token-env or --access-token-file"),
    ("token", "--access-token-env or --access-token-file"),
    ("environment", "--env"),
    ("query", "the query itself, or -f FILE"),
];

/// Commands that take files as they are, where `query` takes `-f FILE`.
const FILES_ALONE: &[&str] = &["lint", "fmt"];

/// What stands in place of a value that no message repeats.
const NOT_SHOWN: &str = "(not shown)";

/// `text`, which says `error`, without what was given where something else was expected, unless it
/// may be quoted: in the words of a reader of values as well, which are no part of what clap knows.
pub(crate) fn without_values(error: &clap::Error, text: &str) -> String {
    let places = [
        ContextKind::InvalidValue,
        ContextKind::InvalidArg,
        ContextKind::InvalidSubcommand,
    ];
    let given = places
        .into_iter()
        .filter_map(|place| match error.get(place) {
            Some(ContextValue::String(given)) => Some(given.as_str()),
            _ => None,
        });
    let mut text = text.to_owned();
    for given in given.filter(|given| !pasted::may_be_quoted(given)) {
        for quoted in [&format!("'{given}'"), given] {
            text = text.replace(quoted, NOT_SHOWN);
        }
    }
    text
}

/// `error` with a tip where one of these options was given, and with the usage of its command.
pub(crate) fn with_tip(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    hide_secret(&mut error, arguments);
    correct_usage(&mut error, arguments);
    if error.kind() == ErrorKind::InvalidSubcommand
        && error.get(ContextKind::SuggestedSubcommand).is_none()
    {
        let tip = ContextValue::StyledStrs(vec![what_exists(arguments).into()]);
        error.insert(ContextKind::Suggested, tip);
    }
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let Some(tip) = tip(given, arguments) else {
        return error;
    };
    // What clap guesses from the spelling would be a second, and a worse one.
    error.remove(ContextKind::SuggestedArg);
    error.insert(
        ContextKind::Suggested,
        ContextValue::StyledStrs(vec![tip.into()]),
    );
    error
}

/// Shows how the command is used. What clap shows has the options that were given, or that are
/// spelt like them, as if they belonged together.
fn correct_usage(error: &mut clap::Error, arguments: &[OsString]) {
    if error.get(ContextKind::Usage).is_none() {
        return;
    }
    let mut root = Arguments::command();
    root.build();
    let names = subcommands(&root, arguments);
    let command = names
        .iter()
        .try_fold(&mut root, |command, name| command.find_subcommand_mut(name));
    if let Some(command) = command {
        let usage = ContextValue::StyledStr(command.render_usage());
        error.insert(ContextKind::Usage, usage);
    }
}

/// The subcommands that a command line names, from the outermost on.
fn subcommands(root: &clap::Command, arguments: &[OsString]) -> Vec<String> {
    let (mut command, mut names) = (root, Vec::new());
    for word in arguments.iter().skip(1).filter_map(|word| word.to_str()) {
        if let Some(found) = command.find_subcommand(word) {
            command = found;
            names.push(found.get_name().to_owned());
        }
    }
    names
}

/// What was given to a switch of a secret is taken for the secret.
fn hide_secret(error: &mut clap::Error, arguments: &[OsString]) {
    let place = match error.kind() {
        // Every option that takes no value.
        ErrorKind::TooManyValues => ContextKind::InvalidValue,
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => return,
    };
    let Some(ContextValue::String(given)) = error.get(place) else {
        return;
    };
    let is_switch = |word: &OsString| {
        word.to_str().is_some_and(|word| {
            word.starts_with("--") && (word.ends_with("-prompt") || word.ends_with("-stdin"))
        })
    };
    let follows_switch = arguments
        .windows(2)
        .any(|pair| is_switch(&pair[0]) && pair[1] == **given);
    if place == ContextKind::InvalidValue || follows_switch {
        error.insert(place, ContextValue::String(NOT_SHOWN.to_owned()));
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::SuggestedSubcommand);
        error.remove(ContextKind::Suggested);
    }
}

/// Lists that a row of can be asked for by its id, and where.
const LISTS: &[(&str, &str)] = &[
    ("alerts", "security/alerts_v2/ID"),
    ("incidents", "security/incidents/ID"),
    ("machines", "machines/ID --env MDE"),
];

/// The subcommands that there are where one was given that is none.
fn what_exists(arguments: &[OsString]) -> String {
    let root = Arguments::command();
    let (mut command, mut path) = (&root, "defender".to_owned());
    for name in subcommands(&root, arguments) {
        if let Some(found) = command.find_subcommand(&name) {
            command = found;
            path = format!("{path} {name}");
        }
    }
    let names = command
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let names: Vec<&str> = names.map(clap::Command::get_name).collect();
    let mut tip = match names.split_last() {
        Some((last, [])) => format!("the command is {path} {last}"),
        Some((last, others)) => {
            format!(
                "the commands of {path} are {} and {last}",
                others.join(", ")
            )
        }
        None => format!("{path} has no commands"),
    };
    if let Some((_, one)) = LISTS.iter().find(|(list, _)| *list == command.get_name()) {
        tip = format!("{tip}; to get one by its id, write defender api get {one}");
    }
    tip
}

fn tip(given: &str, arguments: &[OsString]) -> Option<String> {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    let command = words.iter().find(|word| FILES_ALONE.contains(word));
    if let (Some(command), "-f" | "--file") = (command, given) {
        return Some(format!(
            "files need no option here: defender {command} FILE"
        ));
    }
    let name = given.strip_prefix("--")?;
    let name = name.split('=').next().unwrap_or(name).trim();
    let lists = words
        .windows(2)
        .any(|pair| ["alerts", "incidents", "machines"].contains(&pair[0]) && pair[1] == "list");
    if lists && let Some((_, property)) = PROPERTIES.iter().find(|(option, _)| *option == name) {
        let value = value(given, &words).unwrap_or("VALUE");
        return Some(format!("filter with --filter \"{property} eq '{value}'\""));
    }
    let (_, here) = OPTIONS.iter().find(|(option, _)| *option == name)?;
    Some(format!("here it is {here}"))
}

/// What was given for the option, when it is a plain word.
fn value<'a>(given: &str, words: &[&'a str]) -> Option<&'a str> {
    let name = given.split('=').next()?;
    let value = words.iter().enumerate().find_map(|(index, word)| {
        let rest = word.strip_prefix(name)?;
        match rest.strip_prefix('=') {
            Some(value) => Some(value),
            None if rest.is_empty() => words.get(index + 1).copied(),
            None => None,
        }
    })?;
    let is_word = |text: &str| {
        !text.is_empty()
            && !text.starts_with('-')
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || " @.-_".contains(c))
    };
    is_word(value).then_some(value)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    /// What is said of a command line that is wrong.
    fn said(line: &str) -> String {
        let arguments: Vec<OsString> = std::iter::once("defender")
            .chain(line.split(' '))
            .map(Into::into)
            .collect();
        let error = Arguments::try_parse_from(&arguments).unwrap_err();
        let error = with_tip(error, &arguments);
        without_values(&error, &error.to_string())
    }

    /// Command lines, and the tip that each gets.
    fn check_tips(cases: &[(&str, &str)]) {
        for (line, expected) in cases {
            let text = said(line);
            let tip = format!("tip: {expected}\n");
            assert!(text.contains(&tip), "{line}: {text}");
        }
    }

    #[test]
    fn a_subcommand_that_is_none_is_told_what_exists() {
        check_tips(&[
            (
                "alerts get x",
                "the command is defender alerts list; to get one by its id, write defender api get \
                 security/alerts_v2/ID",
            ),
            (
                "-v machines show",
                "the command is defender machines list; to get one by its id, write defender api get \
                 machines/ID --env MDE",
            ),
            ("api zzz", "the command is defender api get"),
            (
                "queries zzz",
                "the commands of defender queries are list, search, show, validate and test",
            ),
        ]);
    }

    #[test]
    fn an_option_of_another_tool_is_told_its_name_here() {
        check_tips(&[
            (
                "alerts list --severity high",
                "filter with --filter \"severity eq 'high'\"",
            ),
            (
                "alerts list --demo --severity=medium",
                "filter with --filter \"severity eq 'medium'\"",
            ),
            (
                "incidents list --status",
                "filter with --filter \"status eq 'VALUE'\"",
            ),
            (
                "machines list --risk-score High",
                "filter with --filter \"riskScore eq 'High'\"",
            ),
            ("query --last 7d T", "here it is --start -7d"),
            ("query T --limit 5", "here it is --max-rows 100"),
            ("query T --json", "here it is --format json"),
            (
                "lint -f a.kql",
                "files need no option here: defender lint FILE",
            ),
            (
                "fmt --file a.kql",
                "files need no option here: defender fmt FILE",
            ),
        ]);
    }

    #[test]
    fn the_usage_is_that_of_the_command() {
        for (line, expected) in [
            ("query --last 7d T", "defender query [OPTIONS] [KQL]"),
            ("query --qiet T", "defender query [OPTIONS] [KQL]"),
            ("-q run --formt csv x", "defender run [OPTIONS] <NAME>"),
            ("query T --demo --data x", "defender query [OPTIONS] [KQL]"),
            ("query T --overwrite", "defender query [OPTIONS] [KQL]"),
            ("run", "defender run [OPTIONS] <NAME>"),
            (
                "queries search --tabl x",
                "defender queries search [OPTIONS] [REGEX]...",
            ),
            (
                "queries validate",
                "defender queries validate [OPTIONS] [PATH]...",
            ),
            (
                "alerts list --severity high",
                "defender alerts list [OPTIONS]",
            ),
            (
                "config set --stdn A",
                "defender config set [OPTIONS] <PATH> [VALUE]",
            ),
            (
                "emulator --fault x",
                "defender emulator [OPTIONS] [-- <COMMAND>...]",
            ),
            ("alerts get", "defender alerts [OPTIONS] <COMMAND>"),
            ("ask", "defender [OPTIONS] <COMMAND>"),
        ] {
            let text = said(line);
            let usage = text.lines().find_map(|line| line.strip_prefix("Usage: "));
            assert_eq!(usage, Some(expected), "{line}: {text}");
        }
    }

    #[test]
    fn a_value_that_is_no_choice_is_quoted_when_it_is_a_word() {
        for line in [
            "query --auth-type @ T",
            "query --env @ T",
            "query --timeout @ T",
            "query --format @ T",
            "query --retries @ T",
            "query --date-order @ T",
            "token --for @",
            "token @",
            "query --@ T",
            "config @",
            "completions @",
            "@",
        ] {
            let text = said(&line.replace('@', "Sup3rSecretPassw0rd"));
            assert!(!text.contains("Passw0rd"), "{line}: {text}");
            assert!(text.contains("(not shown)"), "{line}: {text}");
            let text = said(&line.replace('@', "moon"));
            assert!(text.contains("moon'"), "{line}: {text}");
        }
    }

    #[test]
    fn a_secret_is_not_repeated() {
        let arguments: Vec<OsString> = ["defender", "query", "T", "--client-secret=canary"]
            .map(Into::into)
            .to_vec();
        let error = Arguments::try_parse_from(&arguments).unwrap_err();
        let text = with_tip(error, &arguments).to_string();
        assert!(!text.contains("canary"), "{text}");
        assert!(text.contains("--client-secret-env"), "{text}");
    }
}

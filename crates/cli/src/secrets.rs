//! Secrets from where they do not show: a variable, a file, standard input, a person.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use defender_core::{
    Error, ErrorKind, Result, SecretString, WrittenName, is_plain_path, read_text_bounded,
};

use crate::context::Context;
use crate::{messages, person};

/// The most bytes of a file whose first line is a secret.
const LONGEST: u64 = 1 << 20;

/// A secret, and the option that gave it.
pub(crate) type Given = (&'static str, SecretString);

/// The options by which one secret may be given; the command line lets one of them be used.
pub(crate) struct Ways<'a> {
    pub(crate) variable: (&'static str, Option<&'a str>),
    pub(crate) file: (&'static str, Option<&'a Path>),
    pub(crate) stdin: (&'static str, bool),
    pub(crate) prompt: (&'static str, bool),
    /// What a prompt calls it.
    pub(crate) what: &'static str,
}

impl Ways<'_> {
    /// The secret, when one of the options is used.
    pub(crate) fn read(&self, context: &Context) -> Result<Option<Given>> {
        Ok(Some(match self {
            Self {
                variable: (option, Some(variable)),
                ..
            } => (
                *option,
                from_environment(option, variable, &context.environment)?,
            ),
            Self {
                file: (option, Some(path)),
                ..
            } => (*option, from_file(option, path)?),
            Self {
                stdin: (option, true),
                ..
            } => (*option, from_stdin(option)?),
            Self {
                prompt: (option, true),
                what,
                ..
            } => (*option, person::ask(what, option)?),
            _ => return Ok(None),
        }))
    }
}

/// The secret in the environment variable `variable`, which `option` named.
pub(crate) fn from_environment(
    option: &str,
    variable: &str,
    environment: &BTreeMap<String, String>,
) -> Result<SecretString> {
    match environment.get(variable).map(String::as_str) {
        None | Some("") => Err(match WrittenName::of_variable(variable).shown() {
            Some(name) => Error::new(
                ErrorKind::Config,
                format!("the environment variable {name}, named by {option}, is not set"),
            )
            .with_hint(format!("set {name}, or use another way to give the secret")),
            None => Error::new(
                ErrorKind::Config,
                format!("the environment variable that {option} names is not set"),
            )
            .with_hint(
                "give the name of a variable, such as CONTOSO_SECRET, without $, and not the secret \
                 itself",
            ),
        }),
        Some(secret) => Ok(secret.to_owned().into()),
    }
}

/// The first line of `path`, which `option` named.
pub(crate) fn from_file(option: &str, path: &Path) -> Result<SecretString> {
    // The secret itself may stand where the name of its file belongs.
    let file = if path.exists() || is_plain_path(&path.to_string_lossy()) {
        format!("{}, named by {option},", path.display())
    } else {
        format!("the file that {option} names")
    };
    let text = read_text_bounded(path, LONGEST).map_err(|error| {
        Error::new(
            ErrorKind::Io,
            format!("cannot read {}", file.trim_end_matches(',')),
        )
        .with_source(error)
        .with_hint(format!(
            "{option} takes the name of a file, and not the secret itself"
        ))
    })?;
    first_line(&text).ok_or_else(|| Error::new(ErrorKind::Config, format!("{file} is empty")))
}

/// The first line of standard input, which `option` named.
pub(crate) fn from_stdin(option: &str) -> Result<SecretString> {
    line_of_stdin()?.ok_or_else(|| {
        Error::new(
            ErrorKind::Config,
            format!("standard input, named by {option}, is empty"),
        )
    })
}

/// The first line of standard input, which no option named and no terminal is behind.
pub(crate) fn piped() -> Result<SecretString> {
    line_of_stdin()?.ok_or_else(|| {
        Error::new(
            ErrorKind::Usage,
            "there is no value, and standard input is empty",
        )
        .with_hint("pipe the value into the command, or let --prompt ask for it at a terminal")
    })
}

fn line_of_stdin() -> Result<Option<SecretString>> {
    messages::say_awaited("the value (it shows as it is typed)");
    let mut text = String::new();
    // A secret is a line; whoever pipes more has picked the wrong option.
    std::io::stdin()
        .take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|error| {
            Error::new(ErrorKind::Io, "cannot read the secret from standard input")
                .with_source(error)
        })?;
    Ok(first_line(&text))
}

fn first_line(text: &str) -> Option<SecretString> {
    let line = text
        .strip_prefix('\u{feff}')
        .unwrap_or(text)
        .lines()
        .next()?
        .trim_end();
    (!line.is_empty()).then(|| line.to_owned().into())
}

#[cfg(test)]
mod tests {
    use defender_core::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_file_holds_the_secret_in_its_first_line() {
        assert_eq!(
            first_line("\u{feff}se cret=\r\nmore")
                .unwrap()
                .expose_secret(),
            "se cret="
        );
        assert!(first_line("").is_none());
        assert!(first_line("\n").is_none());
    }

    #[test]
    fn an_unset_variable_is_named() {
        let error = from_environment("--client-secret-env", "NAME", &BTreeMap::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment variable NAME, named by --client-secret-env, is not set"
        );
    }
}

//! `defender queries test`: rows in, query, rows out.

use std::fmt::Write as _;
use std::path::PathBuf;

use defender_core::{Clock as _, Error, ErrorKind, Result};
use defender_http::SystemClock;
use defender_query::queries::{Library, QueryTest, TestCase, junit};
use defender_query::{test_query, unnoticed_filters};

use crate::arguments::TestOptions;
use crate::context::Context;
use crate::listing;
use crate::sink::cannot_write;

/// Runs the tests, prints those that fail, and fails when there are any.
pub(crate) async fn run(options: &TestOptions, context: &Context) -> Result<()> {
    let library = super::library(&options.library, options.config.as_ref(), context)?;
    let (mut tests, broken) = tests(options)?;
    if let Some(only) = &options.only {
        let only = only.to_lowercase();
        tests.retain(|(_, test)| test.query.to_lowercase().contains(&only));
    }
    if tests.is_empty() {
        let none = || Error::new(ErrorKind::Usage, "there is no such test");
        return Err(broken.into_iter().next().unwrap_or_else(none));
    }
    let mut cases = Vec::new();
    for (class, test) in &tests {
        let name = test.name();
        cases.push(timed(
            class,
            name,
            test_query(&library, test).await,
            &SystemClock.now(),
        ));
    }
    if options.mutate {
        cases.extend(mutations(&library, &tests).await);
    }
    if let Some(path) = &options.junit {
        std::fs::write(path, junit("defender queries test", &cases))
            .map_err(|error| cannot_write(path, error))?;
    }
    let failed: Vec<&TestCase> = cases
        .iter()
        .filter(|case| !case.failures.is_empty())
        .collect();
    let mut text = String::new();
    for (at, case) in cases.iter().enumerate() {
        // The cases behind those of the tests are of queries, which have no line here.
        let line = tests.get(at).and_then(|(_, test)| test.line);
        let line = line.map_or_else(String::new, |line| format!(":{line}"));
        for failure in &case.failures {
            let _ = writeln!(text, "{}{line}: {}: {failure}", case.class, case.name);
        }
    }
    for error in &broken {
        let _ = writeln!(text, "{}", told(error));
    }
    if !text.is_empty() {
        listing::print_words(&text)?;
    }
    context.note(&format!(
        "{} of {} passed",
        cases.len() - failed.len(),
        cases.len()
    ));
    let counted = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {many}")),
    };
    let failed = counted(failed.len(), "test failed", "tests failed");
    let kind = match (&failed, broken.first()) {
        (None, Some(error)) => error.kind(),
        _ => ErrorKind::Query,
    };
    let broken = counted(
        broken.len(),
        "file of tests cannot be read",
        "files of tests cannot be read",
    );
    match (failed, broken) {
        (None, None) => Ok(()),
        (Some(one), None) | (None, Some(one)) => Err(Error::new(kind, one)),
        (Some(failed), Some(broken)) => Err(Error::new(kind, format!("{failed}, {broken}"))),
    }
}

/// An error with what it came of at last, in one line.
fn told(error: &Error) -> String {
    let first = std::error::Error::source(error);
    let mut sources = std::iter::successors(first, |source| source.source());
    let text = match sources.by_ref().last() {
        Some(source) => {
            let source = source.to_string();
            format!("{error}: {}", source.lines().next().unwrap_or_default())
        }
        None => error.to_string(),
    };
    match error.hint() {
        Some(hint) => format!("{text} ({hint})"),
        None => text,
    }
}

/// The file that a test is of, and the test.
type Filed = (String, QueryTest);

/// The tests, and what is wrong with the files that cannot be read.
fn tests(options: &TestOptions) -> Result<(Vec<Filed>, Vec<Error>)> {
    if options.files.is_empty() {
        let tests = Library::built_in_tests()?.into_iter();
        let tests = tests.map(|(name, test)| (name.to_owned(), test)).collect();
        return Ok((tests, Vec::new()));
    }
    let (mut tests, mut broken) = (Vec::new(), Vec::new());
    for file in files(&options.files)? {
        let class = file.display().to_string();
        match QueryTest::load(&file) {
            Ok(read) => tests.extend(read.into_iter().map(|test| (class.clone(), test))),
            Err(error) => broken.push(error),
        }
    }
    Ok((tests, broken))
}

/// The files that are named, and the YAML files in the folders that are, each once.
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        let mut folders = vec![path.clone()];
        while let Some(folder) = folders.pop() {
            let unreadable = |source| {
                let message = format!("cannot read {}", folder.display());
                Error::new(ErrorKind::Io, message).with_source(source)
            };
            for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                let is_yaml = path.extension().is_some_and(|ending| {
                    ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml")
                });
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                } else if is_yaml {
                    files.push(path);
                }
            }
        }
        if files.len() == before {
            let message = format!("there is no YAML file in {}", path.display());
            return Err(Error::new(ErrorKind::Usage, message));
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// A case for each query: whether its tests notice when a filter is missing.
async fn mutations(library: &Library, tests: &[(String, QueryTest)]) -> Vec<TestCase> {
    let mut cases: Vec<TestCase> = Vec::new();
    let mut done = Vec::new();
    for (class, test) in tests {
        let key = (&test.query, test.environment);
        if done.contains(&key) {
            continue;
        }
        done.push(key);
        let of_query: Vec<&QueryTest> = tests
            .iter()
            .map(|(_, other)| other)
            .filter(|other| (&other.query, other.environment) == key)
            .collect();
        let began = SystemClock.now();
        let unnoticed = unnoticed_filters(library, &of_query)
            .await
            .map(|unnoticed| {
                unnoticed
                    .into_iter()
                    .map(|mutant| {
                        format!("no test needs '{}' of line {}", mutant.removed, mutant.line)
                    })
                    .collect()
            });
        cases.push(timed(
            class,
            format!("{}: every filter", test.query),
            unnoticed,
            &began,
        ));
    }
    cases
}

fn timed(
    class: &str,
    name: String,
    result: Result<Vec<String>>,
    began: &std::time::SystemTime,
) -> TestCase {
    let failures = result.unwrap_or_else(|error| {
        let hint = error.hint().map(|hint| format!(" ({hint})"));
        vec![format!("{error}{}", hint.unwrap_or_default())]
    });
    TestCase {
        class: class.to_owned(),
        name,
        duration: SystemClock.now().duration_since(*began).unwrap_or_default(),
        failures,
    }
}

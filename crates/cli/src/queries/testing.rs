//! `defender queries test`: rows in, query, rows out.

use std::fmt::Write as _;

use defender_core::{Clock as _, Error, ErrorKind, Result};
use defender_http::SystemClock;
use defender_query::queries::{Library, QueryTest, TestCase, junit};
use defender_query::{test_query, unnoticed_filters};

use crate::arguments::TestOptions;
use crate::context::Context;
use crate::listing;

/// Runs the tests, prints those that fail, and fails when there are any.
pub(crate) async fn run(options: &TestOptions, context: &Context) -> Result<()> {
    let library = super::library(&options.library, options.config.as_ref(), context)?;
    let mut tests = tests(options)?;
    if let Some(only) = &options.only {
        let only = only.to_lowercase();
        tests.retain(|(_, test)| test.query.to_lowercase().contains(&only));
    }
    if tests.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "there is no such test"));
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
        std::fs::write(path, junit("defender queries test", &cases)).map_err(|source| {
            Error::new(ErrorKind::Io, format!("cannot write {}", path.display()))
                .with_source(source)
        })?;
    }
    let failed: Vec<&TestCase> = cases
        .iter()
        .filter(|case| !case.failures.is_empty())
        .collect();
    let mut text = String::new();
    for case in &failed {
        for failure in &case.failures {
            let _ = writeln!(text, "{}: {}: {failure}", case.class, case.name);
        }
    }
    if !text.is_empty() {
        listing::print_words(&text)?;
    }
    context.note(&format!(
        "{} of {} passed",
        cases.len() - failed.len(),
        cases.len()
    ));
    if failed.is_empty() {
        return Ok(());
    }
    let noun = if failed.len() == 1 { "test" } else { "tests" };
    Err(Error::new(
        ErrorKind::Query,
        format!("{} {noun} failed", failed.len()),
    ))
}

fn tests(options: &TestOptions) -> Result<Vec<(String, QueryTest)>> {
    if options.files.is_empty() {
        let tests = Library::built_in_tests()?;
        return Ok(tests
            .into_iter()
            .map(|(name, test)| (name.to_owned(), test))
            .collect());
    }
    let mut tests = Vec::new();
    for file in &options.files {
        let class = file.display().to_string();
        let read = QueryTest::load(file)?;
        tests.extend(read.into_iter().map(|test| (class.clone(), test)));
    }
    Ok(tests)
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

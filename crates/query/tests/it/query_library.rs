//! The built-in library: every test holds, every filter is held by a test, and every query fits
//! the schema.

use defender_query::queries::{Definition, Filter, Language, Library, QueryTest};
use defender_query::{test_query, unnoticed_filters};
use futures::executor::block_on;
use kql_engine::{Catalog, Engine, Options};

fn tests_of(file: &str) -> (Library, Vec<QueryTest>) {
    let tests = Library::built_in_tests().unwrap();
    let tests = tests
        .into_iter()
        .filter(|(name, _)| *name == file)
        .map(|(_, test)| test)
        .collect();
    (Library::built_in(), tests)
}

/// Runs the tests of one file, and each query without each of its filters.
fn check(file: &str) {
    let (library, tests) = tests_of(file);
    assert!(!tests.is_empty(), "{file} has no tests");
    let mut wrong = Vec::new();
    for test in &tests {
        match block_on(test_query(&library, test)) {
            Ok(failures) => {
                wrong.extend(
                    failures
                        .into_iter()
                        .map(|what| format!("{}: {what}", test.name())),
                );
            }
            Err(error) => wrong.push(format!("{}: {error} [{:?}]", test.name(), error.hint())),
        }
    }
    let mut done: Vec<*const Definition> = Vec::new();
    for test in &tests {
        let query = library.get_query(&test.query, test.environment).unwrap();
        if done.contains(&std::ptr::from_ref(query)) {
            continue;
        }
        done.push(query);
        let of_query: Vec<&QueryTest> = tests
            .iter()
            .filter(|other| other.query == test.query && other.environment == test.environment)
            .collect();
        match block_on(unnoticed_filters(&library, &of_query)) {
            Ok(unnoticed) => wrong.extend(
                unnoticed
                    .into_iter()
                    .map(|mutant| format!("{}: no test needs '{}'", test.query, mutant.removed)),
            ),
            Err(error) => wrong.push(format!("{}: {error}", test.query)),
        }
    }
    assert!(wrong.is_empty(), "{file}:\n{}", wrong.join("\n"));
}

macro_rules! files {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        #[test]
        fn every_file_is_checked() {
            let names: Vec<&str> = Library::built_in_files().map(|(name, _)| name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

files![
    devices,
    alerts,
    identity_on_prem,
    defender_hunting,
    security_graph,
    initial_access,
    execution,
    persistence,
    privilege_escalation,
    defense_evasion,
    credential_access,
    discovery,
    lateral_movement,
    collection,
    command_and_control,
    exfiltration,
    impact,
    investigation,
    exposure,
];

/// Every built-in query of KQL, rendered with the parameters of its first test.
fn rendered() -> Vec<(String, String)> {
    let library = Library::built_in();
    let tests = Library::built_in_tests().unwrap();
    let mut found = Vec::new();
    for (name, query) in library.queries(&Filter::default()) {
        if query.language != Language::Kql {
            continue;
        }
        let test = tests.iter().map(|(_, test)| test).find(|test| {
            std::ptr::eq(
                library.get_query(&test.query, test.environment).unwrap(),
                query,
            )
        });
        let test = test.unwrap();
        let rendered = library.render(name, None, &test.parameters, test.now);
        found.push((name.to_owned(), rendered.unwrap().text));
    }
    assert!(found.len() > 140, "{}", found.len());
    found
}

#[test]
fn every_query_fits_the_schema() {
    let mut catalog = Catalog::new();
    for (name, columns) in defender_query::hunting_tables() {
        catalog.add(name, columns, Vec::new());
    }
    let engine = Engine::new(catalog, Options::default());
    let mut wrong = Vec::new();
    for (name, text) in rendered() {
        if let Err(error) = block_on(engine.schema(&text)) {
            wrong.push(format!("{name}: {}", error.render(&text)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

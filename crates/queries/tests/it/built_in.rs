//! The built-in library as data: it loads without complaint, and says of each query what it must.

use std::collections::BTreeSet;

use defender_queries::{Definition, Filter, Library};

fn queries(library: &Library) -> Vec<(&str, &Definition)> {
    library.queries(&Filter::default())
}

#[test]
fn every_file_loads_without_a_finding() {
    let mut library = Library::new();
    for (name, text) in Library::built_in_files() {
        let (count, findings) = library.add_text(text, None);
        assert!(count > 0, "{name}");
        let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "{name}: {findings:?}");
    }
    assert_eq!(library.len(), Library::built_in().len());
}

/// MSTICPy's names for Defender and Graph, and the parameters that a call gives them.
const NAMES: &str = include_str!("built_in_names.txt");

#[test]
fn every_name_and_parameter_of_msticpy_is_there() {
    let library = Library::built_in();
    let mut count = 0;
    for line in NAMES.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap();
        let query = library.get_query(name, None).unwrap();
        for parameter in words {
            assert!(
                query.parameter(parameter).is_some(),
                "{name} has no parameter {parameter}"
            );
        }
        count += 1;
    }
    assert_eq!(count, 106);
}

#[test]
fn every_hunting_query_says_what_an_analyst_needs() {
    let library = Library::built_in();
    let mut hunting = 0;
    for (name, query) in queries(&library) {
        assert!(!query.description.is_empty(), "{name}");
        if !name.contains("Hunting.") {
            continue;
        }
        hunting += 1;
        let texts = |key: &str| {
            query
                .metadata
                .get(key)
                .map(ToString::to_string)
                .unwrap_or_default()
        };
        for key in [
            "title",
            "false_positives",
            "severity",
            "techniques",
            "references",
        ] {
            assert!(texts(key).len() > 4, "{name} lacks {key}");
        }
        for technique in query.techniques() {
            let path = technique.replace('.', "/");
            assert!(
                texts("references").contains(&format!("attack.mitre.org/techniques/{path}/")),
                "{name}: {technique}"
            );
        }
        assert!(!query.techniques().is_empty(), "{name}");
        for parameter in ["start", "end", "limit"] {
            assert!(query.uses(parameter), "{name} has no {parameter}");
        }
    }
    assert!(hunting >= 80, "{hunting}");
}

#[test]
fn no_two_hunting_queries_have_the_same_technique_and_tables() {
    let library = Library::built_in();
    let mut seen = BTreeSet::new();
    for (name, query) in queries(&library) {
        if name.starts_with("Hunting.") {
            let text = query.text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(seen.insert(text), "{name}");
        }
    }
}

#[test]
fn every_query_has_a_test() {
    let library = Library::built_in();
    let tests = Library::built_in_tests().unwrap();
    let tested: BTreeSet<*const Definition> = tests
        .iter()
        .map(|(_, test)| {
            std::ptr::from_ref(library.get_query(&test.query, test.environment).unwrap())
        })
        .collect();
    for (name, query) in queries(&library) {
        assert!(
            tested.contains(&std::ptr::from_ref(query)),
            "{name} has no test"
        );
    }
}

//! The built-in library as data: it loads without complaint, and says of each query what it must.

use std::collections::BTreeSet;

use defender_core::DataEnvironment;
use defender_queries::{Definition, Filter, Library, Search};

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

fn in_environment(environment: DataEnvironment) -> Filter {
    Filter {
        environment: Some(environment),
        ..Filter::default()
    }
}

#[test]
fn a_list_by_environment_is_what_it_can_run() {
    let library = Library::built_in();
    for environment in DataEnvironment::ALL {
        let filter = in_environment(environment);
        let listed = library.queries(&filter);
        assert!(!listed.is_empty(), "{environment}");
        for (name, query) in &listed {
            assert!(
                query.runs_in().contains(&environment),
                "{name}: {environment}"
            );
            for table in query.tables() {
                let known = defender_schema::table(table);
                let is_there = environment != DataEnvironment::Mde
                    || known.is_some_and(defender_schema::Table::is_in_endpoint);
                assert!(is_there, "{name} reads {table} in {environment}");
            }
        }
        let all = queries(&library).len();
        let left_out = queries(&library)
            .iter()
            .filter(|(_, query)| !query.runs_in().contains(&environment))
            .count();
        assert_eq!(listed.len() + left_out, all, "{environment}");
    }
    let endpoint = library.list_queries(&in_environment(DataEnvironment::Mde));
    assert!(endpoint.contains(&"Hunting.Execution.encoded_powershell"));
    assert!(endpoint.contains(&"M365D.host_alerts"));
    assert!(!endpoint.contains(&"Hunting.InitialAccess.impossible_travel"));
    assert!(!endpoint.contains(&"IdentityOnPrem.logons_for_account"));
    let security = library.list_queries(&in_environment(DataEnvironment::SecurityGraph));
    assert_eq!(
        security,
        [
            "SecurityGraphAlert.get_alert",
            "SecurityGraphAlert.list_alerts"
        ]
    );
}

#[test]
fn a_query_over_tables_that_an_environment_lacks_can_still_be_asked_for() {
    let library = Library::built_in();
    let name = "Hunting.InitialAccess.impossible_travel";
    let query = library.get_query(name, Some(DataEnvironment::Mde)).unwrap();
    assert_eq!(
        query.tables_missing_in(DataEnvironment::Mde),
        ["EntraIdSignInEvents"]
    );
}

#[test]
fn a_former_name_is_the_query_and_the_present_name_is_told() {
    let library = Library::built_in();
    let mut former = 0;
    for (path, query) in queries(&library) {
        let family = path.strip_suffix(&query.name).unwrap();
        for name in query.former_names() {
            former += 1;
            for asked in [name.to_owned(), format!("{family}{name}")] {
                let found = library.get_query(&asked, None).unwrap();
                assert!(std::ptr::eq(found, query), "{asked}");
                assert_eq!(library.renamed(&asked, None).unwrap(), Some(path));
            }
        }
        assert_eq!(library.renamed(path, None).unwrap(), None);
    }
    assert!(former > 60, "{former}");
}

#[test]
fn the_words_of_hunters_find_queries() {
    let library = Library::built_in();
    for (words, expected) in [
        ("beacon", "Hunting.CommandAndControl.beaconing"),
        ("patch", "Exposure.missing_patches"),
        ("travel", "Hunting.InitialAccess.impossible_travel"),
        ("timeline", "Investigation.device_timeline"),
        ("tree", "Investigation.process_tree"),
        ("vulnerab", "Exposure.vulnerable_devices"),
        ("lsass", "Hunting.CredentialAccess.lsass_dump"),
        ("ransomware", "Hunting.Impact.ransomware_encryption"),
        ("phishing", "Hunting.InitialAccess.phishing_link_clicked"),
        ("persistence", "Hunting.Persistence.run_key"),
        ("dns tunnel", "Hunting.CommandAndControl.dns_tunnelling"),
        (
            "lateral movement smb",
            "Hunting.LateralMovement.admin_share_copy",
        ),
        ("kerberoast", "Hunting.CredentialAccess.kerberoasting"),
        (
            "pass the hash",
            "Hunting.LateralMovement.ntlm_to_many_devices",
        ),
        ("webshell", "Hunting.InitialAccess.webshell_execution"),
        ("byovd", "Hunting.PrivilegeEscalation.vulnerable_driver"),
        ("memory_of_lsass", "Hunting.CredentialAccess.lsass_access"),
        ("ioc hash", "Investigation.hashes_seen"),
    ] {
        let search = Search {
            text: words.split(' ').map(str::to_owned).collect(),
            ..Search::default()
        };
        let found = library.search(&search, &Filter::default()).unwrap();
        assert!(found.contains(&expected), "{words}: {found:?}");
        assert!(found.len() < 40, "{words} finds {}", found.len());
    }
}

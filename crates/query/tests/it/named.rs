//! Queries by name, from a provider that is not connected to one that is.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use defender_query::arrow::datatypes::Schema;
use defender_query::queries::{CustomQuery, Language, Parameter, Parameters, Search, Type};
use defender_query::{
    Answer, DataEnvironment, Driver, ErrorKind, Query, QueryProvider, Result, Summary,
};

/// Answers with nothing, and remembers what was asked.
#[derive(Debug, Default)]
struct Remembering(std::sync::Mutex<Vec<String>>);

#[async_trait]
impl Driver for Remembering {
    fn environment(&self) -> DataEnvironment {
        DataEnvironment::M365dGraph
    }

    async fn query(&self, query: &Query) -> Result<Answer> {
        self.0.lock().unwrap().push(query.text.clone());
        let schema = Arc::new(Schema::empty());
        Ok(Answer::from_batches(schema, Vec::new(), Summary::default()))
    }
}

fn custom(name: &str) -> CustomQuery {
    CustomQuery {
        name: name.to_owned(),
        families: vec!["Mine".to_owned()],
        text: "DeviceInfo | where DeviceName == {host} | take {count}".to_owned(),
        parameters: vec![
            Parameter {
                name: "host".to_owned(),
                ..Parameter::default()
            },
            Parameter {
                name: "count".to_owned(),
                ty: Type::Int,
                default: Some(5.into()),
                ..Parameter::default()
            },
        ],
        ..CustomQuery::default()
    }
}

#[test]
fn a_provider_finds_and_explains_queries_of_its_environment() {
    let provider = QueryProvider::new(DataEnvironment::M365dGraph);
    let all = provider.list_queries(None);
    assert!(all.len() > 150, "{}", all.len());
    for name in all {
        assert_eq!(provider.get_query(name).unwrap().language, Language::Kql);
    }
    assert_eq!(
        provider.list_queries(Some("COPIES_")),
        ["Hunting.Impact.shadow_copies_deleted"]
    );
    let search = Search {
        text: vec!["vssadmin.*shadowstorage".to_owned()],
        ..Search::default()
    };
    assert_eq!(
        provider.search(&search).unwrap(),
        ["Hunting.Impact.shadow_copies_deleted"]
    );
    let help = provider.query_help("shadow_copies_deleted").unwrap();
    assert!(help.contains("limit: int (optional)"), "{help}");
    let query = provider.get_query("shadow_copies_deleted").unwrap();
    assert_eq!(query.techniques(), ["T1490"]);
    let error = provider.get_query("shadow_copies_deletd").unwrap_err();
    assert_eq!(error.hint(), Some("did you mean 'shadow_copies_deleted'?"));
    let graph = QueryProvider::new(DataEnvironment::SecurityGraph);
    assert!(
        graph
            .list_queries(None)
            .iter()
            .any(|name| name.starts_with("SecurityGraphAlert."))
    );
}

#[test]
fn queries_are_added_in_code_and_from_files() {
    let mut provider = QueryProvider::new(DataEnvironment::M365dGraph);
    assert_eq!(provider.add_custom_query(custom("hosts")).unwrap(), []);
    let parameters = Parameters::from([("host", "srv\" or true //")]);
    assert_eq!(
        provider.render("hosts", &parameters).unwrap().text,
        r#"DeviceInfo | where DeviceName == "srv\" or true //" | take 5"#
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ours.yaml");
    std::fs::write(
        &file,
        "metadata: {data_environments: [M365DGraph], data_families: [Ours]}\n\
         sources: {recent: {description: D, args: {query: DeviceEvents | take 1}}}",
    )
    .unwrap();
    assert_eq!(provider.import_query_file(&file).unwrap(), (1, Vec::new()));
    assert_eq!(provider.list_queries(Some("ours.")), ["Ours.recent"]);
    let findings = provider.import_query_paths(&[Path::new("absent")]);
    assert_eq!(findings.len(), 1);
    // Another provider does not know them.
    let other = QueryProvider::new(DataEnvironment::M365dGraph);
    assert_eq!(other.list_queries(Some("ours.")), [""; 0]);
}

#[tokio::test]
async fn a_connected_provider_runs_queries_by_name() {
    let driver = Arc::new(Remembering::default());
    let provider = QueryProvider::with_driver(Arc::clone(&driver) as Arc<dyn Driver>);
    let parameters = Parameters::from([
        ("ip_address", "203.0.113.7"),
        ("start", "2026-01-01"),
        ("end", "2026-01-02"),
    ]);
    provider
        .run_query("M365D.ip_connections", &parameters)
        .await
        .unwrap();
    let asked = driver.0.lock().unwrap().clone();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].contains("\"203.0.113.7\""), "{}", asked[0]);
    // What cannot be rendered is not sent.
    let error = provider
        .run_query("M365D.ip_connections", &Parameters::new())
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Usage);
    assert_eq!(driver.0.lock().unwrap().len(), 1);
}

//! The library over the sample data, and the words of the subcommands.

use defender_core::{Clock as _, DataEnvironment};
use defender_http::SystemClock;
use defender_query::QueryProvider;
use defender_query::queries::{Language, Parameters};

use super::*;

/// Every built-in query of KQL, rendered for ten rows of the last thirty days.
fn rendered() -> Vec<(String, String)> {
    let library = Library::built_in();
    let mut found = Vec::new();
    for (name, query) in library.queries(&Filter::default()) {
        if query.language != Language::Kql {
            continue;
        }
        let mut parameters = Parameters::new();
        // Whether it runs shows in the first rows; all connections of a month are too many.
        parameters.set("add_query_items", "| take 10");
        for parameter in query.required() {
            let value = match parameter.name.as_str() {
                "start" => "-30d",
                "end" => "now",
                "timestamp" => "2026-01-15",
                "protocol" => "445",
                "process_id" => "4",
                _ => "contoso",
            };
            parameters.set(&parameter.name, value);
        }
        let rendered = library.render(name, None, &parameters, SystemClock.now());
        found.push((name.to_owned(), rendered.unwrap().text));
    }
    found
}

#[tokio::test]
async fn every_query_runs_on_the_sample_data() {
    let (_running, target) = crate::target::demo().await.unwrap();
    let provider = QueryProvider::new(DataEnvironment::M365dGraph);
    let connected = provider.connect(target.connection).await.unwrap();
    let (mut wrong, mut with_rows) = (Vec::new(), 0);
    for (name, text) in rendered() {
        match connected.exec_query(&text).await {
            Ok(table) => with_rows += usize::from(table.row_count() > 0),
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(with_rows > 20, "only {with_rows} found anything");
}

#[test]
fn parameters_are_names_and_values() {
    assert_eq!(
        parameter("url=https://a.test/?x=1").unwrap(),
        ("url".to_owned(), "https://a.test/?x=1".to_owned())
    );
    assert!(parameter("=1").is_err());
    assert!(parameter("x").is_err());
}

#[test]
fn a_word_of_a_shell_is_quoted_when_it_has_to_be() {
    assert_eq!(quoted("ip_address=10.0.0.1"), "ip_address=10.0.0.1");
    assert_eq!(quoted("account_name=o'neil"), r"'account_name=o'\''neil'");
}

#[test]
fn a_query_is_shown_with_what_an_analyst_needs() {
    let library = Library::built_in();
    let name = "Hunting.Impact.shadow_copies_deleted";
    let query = library.get_query(name, None).unwrap();
    insta::assert_snapshot!(shown(&library, name, query, None).unwrap());
}

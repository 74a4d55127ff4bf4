//! `Debug` of whatever asks, and of what it has sent, holds no secret.

use std::fmt::Debug;
use std::sync::Arc;

use defender_core::{Credential, Redaction, Scope, SecretString, TokenRequest};
use defender_drivers::{
    AllRows, CollectionRequest, Connection, Driver, M365D_GRAPH, Query, SECURITY_GRAPH,
};
use defender_http::{Answer, ScriptedTransport};

use crate::support::{Tokens, bench, collections};

/// What the tokens of the tests begin with.
const CANARY: &str = "canary-1";

fn check(shown: &dyn Debug) {
    let known = Redaction::of([&SecretString::from(CANARY)]);
    for text in [format!("{shown:?}"), format!("{shown:#?}")] {
        assert!(!text.contains("canary") && !known.is_in(&text), "{text}");
    }
}

#[tokio::test]
async fn no_debug_of_a_driver_or_of_its_requests_holds_a_token() {
    let hunting = bench(
        M365D_GRAPH,
        [Answer::json(200, r#"{"schema":[],"results":[]}"#)],
    );
    hunting.driver.query(&Query::new("T")).await.unwrap();
    let lists = collections(SECURITY_GRAPH, [Answer::json(200, r#"{"value":[]}"#)]);
    let request = CollectionRequest::new("security/alerts_v2");
    lists.driver.list(&request).await.unwrap();
    // Both have sent their token.
    for transport in [&hunting.transport, &lists.transport] {
        let sent = transport.requests();
        let sent_tokens = sent.iter().map(|request| request.header("authorization"));
        let tokens: Vec<&str> = sent_tokens.collect();
        assert_eq!(tokens, [format!("Bearer {CANARY}")]);
        check(transport);
        check(&sent);
    }

    let tokens: Arc<dyn Credential> = Arc::new(Tokens::default());
    let token = tokens
        .token(&TokenRequest::new(Scope::default_of("https://a.example")))
        .await
        .unwrap();
    let mut connection = Connection::new(
        "https://api.example/v1.0/run".parse().unwrap(),
        Scope::default_of("https://audience.example"),
        Arc::new(ScriptedTransport::new([])),
        tokens,
    );
    connection.hidden = Redaction::of([&SecretString::from(CANARY)]);
    connection.tenant = Some(CANARY.to_owned());
    let consent = format!("https://login.example/{CANARY}").parse().unwrap();
    connection.consent = Some(consent);
    let driver = Arc::new(hunting.driver);
    let all_rows = AllRows::new(driver.clone(), M365D_GRAPH, hunting.clock.clone());
    let values: [&dyn Debug; 7] = [
        &token,
        &connection,
        &driver,
        &lists.driver,
        &all_rows,
        &hunting.tokens,
        &Query::new("T"),
    ];
    for value in values {
        check(value);
    }
}

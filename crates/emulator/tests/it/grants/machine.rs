//! Managed identities: the metadata service and App Service's endpoint.

use std::collections::BTreeMap;

use defender_emulator::{
    Application, Emulator, IdentityEndpoint, ManagedIdentity, Options, Running, SignIn, Tenant,
};
use http_body_util::Full;
use serde_json::json;
use tokio::net::TcpStream;

use super::{claims, encoded, plain, stage};
use crate::client::{Answer, CLIENT, RUN, address, direct, hunt, options, send};

const MACHINE: &str = "11111111-1111-1111-1111-bbbbbbbbbbbb";
const GRAPH: &str = "https://graph.microsoft.com";
const METADATA: (&str, &str) = ("metadata", "true");

async fn imds(running: &Running, headers: &[(&str, &str)], changes: &[(&str, &str)]) -> Answer {
    let usual = [("api-version", "2018-02-01"), ("resource", GRAPH)];
    let query = encoded(&super::with(&usual, changes));
    let path = format!("/metadata/identity/oauth2/token?{query}");
    direct(running, "GET", &path, headers, "").await.unwrap()
}

#[tokio::test]
async fn a_machine_has_an_identity() {
    let stage = plain().await;
    let answer = imds(&stage.running, &[METADATA], &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(
        (&body["expires_in"], &body["refresh_token"]),
        (&json!("3599"), &json!(""))
    );
    assert_eq!(body["resource"], GRAPH);
    let access = claims(&body["access_token"]);
    assert_eq!(
        (&access["appid"], &access["idtyp"]),
        (&json!(MACHINE), &json!("app"))
    );
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(
        hunt(&stage.running, RUN[0], token, "Nothing").await.status,
        200
    );
    let own = imds(&stage.running, &[METADATA], &[("client_id", MACHINE)]).await;
    assert_eq!(own.status, 200);
}

#[tokio::test]
async fn the_metadata_service_refuses_what_it_should() {
    let stage = plain().await;
    let error = |answer: &Answer| {
        assert_eq!(answer.status, 400, "{}", answer.text());
        answer.json()["error"].as_str().unwrap().to_owned()
    };
    let running = &stage.running;
    assert_eq!(error(&imds(running, &[], &[]).await), "bad_request_102");
    assert_eq!(
        error(&imds(running, &[("metadata", "True")], &[]).await),
        "bad_request_102"
    );
    let forwarded = [METADATA, ("x-forwarded-for", "192.0.2.1")];
    assert_eq!(
        error(&imds(running, &forwarded, &[]).await),
        "bad_request_102"
    );
    for version in ["", "2017-01-01"] {
        let answer = imds(running, &[METADATA], &[("api-version", version)]).await;
        assert!(error(&answer).starts_with("Bad request. api-version"));
    }
    for (changes, expected) in [
        (("resource", ""), "invalid_request"),
        (("resource", "https://nowhere.example"), "invalid_resource"),
        (("client_id", CLIENT), "invalid_request"),
        (("object_id", MACHINE), "invalid_request"),
        (("msi_res_id", "/nowhere"), "invalid_request"),
    ] {
        let answer = imds(running, &[METADATA], &[changes]).await;
        assert_eq!(error(&answer), expected, "{changes:?}");
    }
}

#[tokio::test]
async fn several_identities_are_told_apart() {
    let user = |client_id: &str, resource_id: &str| {
        let resource_id = resource_id.to_owned();
        Application::machine(client_id, ManagedIdentity::User { resource_id })
    };
    let tenant = |applications| Tenant {
        applications,
        ..Tenant::demo()
    };
    let both = tenant(vec![user("one", "/one"), user("two", "/two")]);
    let stage = stage(vec![both], SignIn::default()).await;
    let answer = imds(&stage.running, &[METADATA], &[]).await;
    assert!(
        answer.text().contains("Multiple user assigned"),
        "{}",
        answer.text()
    );
    for (name, value) in [
        ("client_id", "two"),
        ("msi_res_id", "/TWO"),
        ("mi_res_id", "/two"),
    ] {
        let answer = imds(&stage.running, &[METADATA], &[(name, value)]).await;
        let body = answer.json();
        assert_eq!(claims(&body["access_token"])["appid"], "two", "{name}");
        let principal = claims(&body["access_token"])["oid"].clone();
        let changes = [("object_id", principal.as_str().unwrap())];
        let answer = imds(&stage.running, &[METADATA], &changes).await;
        assert_eq!(claims(&answer.json()["access_token"])["appid"], "two");
    }
    let one = super::stage(vec![tenant(vec![user("one", "/one")])], SignIn::default()).await;
    assert_eq!(imds(&one.running, &[METADATA], &[]).await.status, 200);
    let none = super::stage(vec![tenant(Vec::new())], SignIn::default()).await;
    let answer = imds(&none.running, &[METADATA], &[]).await;
    assert_eq!(answer.json()["error_description"], "Identity not found");
}

#[tokio::test]
async fn the_metadata_address_is_reached_through_the_proxy_without_tls() {
    let stage = plain().await;
    let proxy = address(&stage.running.proxy_url().unwrap());
    let ask = async |uri: &str| {
        let request = http::Request::get(uri)
            .header("host", "169.254.169.254")
            .header(METADATA.0, METADATA.1)
            .body(Full::default())
            .unwrap();
        send(TcpStream::connect(proxy).await.unwrap(), request)
            .await
            .unwrap()
    };
    let query = encoded(&[("api-version", "2018-02-01"), ("resource", GRAPH)]);
    let path = format!("/metadata/identity/oauth2/token?{query}");
    let answer = ask(&format!("http://169.254.169.254{path}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        stage.running.requests().pop().unwrap().host,
        "169.254.169.254"
    );
    // It serves nothing else, and no other address is reached so.
    assert_eq!(
        ask("http://169.254.169.254/emulator/requests").await.status,
        404
    );
    assert_eq!(
        ask(&format!("http://169.254.169.253{path}")).await.status,
        403
    );
    assert_eq!(
        ask(&format!("http://169.254.169.254:8080{path}"))
            .await
            .status,
        403
    );
}

async fn named(endpoint: IdentityEndpoint) -> (Running, BTreeMap<String, String>) {
    let running = Emulator::start(Options {
        identity_endpoint: Some(endpoint),
        ..options()
    })
    .await
    .unwrap();
    let environment = running.environment().iter().cloned().collect();
    (running, environment)
}

#[tokio::test]
async fn app_service_wants_its_header() {
    let (running, environment) = named(IdentityEndpoint::AppService).await;
    let header = environment["IDENTITY_HEADER"].clone();
    let endpoint = environment["IDENTITY_ENDPOINT"].clone();
    let path = endpoint
        .strip_prefix(&running.http_url())
        .unwrap()
        .to_owned();
    let ask = async |header: &str, changes: &[(&str, &str)]| {
        let usual = [("api-version", "2019-08-01"), ("resource", GRAPH)];
        let query = encoded(&super::with(&usual, changes));
        let headers = [("x-identity-header", header)];
        direct(&running, "GET", &format!("{path}?{query}"), &headers, "")
            .await
            .unwrap()
    };
    let answer = ask(&header, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["client_id"], MACHINE);
    assert!(body["expires_on"].is_string());
    assert_eq!(claims(&body["access_token"])["aud"], GRAPH);
    assert_eq!(ask("wrong", &[]).await.status, 401);
    for changes in [
        ("api-version", "2017-09-01"),
        ("resource", ""),
        ("client_id", "unknown"),
    ] {
        let answer = ask(&header, &[changes]).await;
        assert_eq!(answer.status, 400, "{changes:?}");
        assert_eq!(answer.json()["statusCode"], 400);
    }
    let log = serde_json::to_string(&running.requests()).unwrap();
    assert!(!log.contains(&header), "{log}");
}

#[tokio::test]
async fn clients_are_told_of_the_metadata_service_when_that_is_wanted() {
    let (running, environment) = named(IdentityEndpoint::Imds).await;
    assert_eq!(
        environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"],
        running.http_url()
    );
    assert!(!environment.contains_key("IDENTITY_ENDPOINT"));
}

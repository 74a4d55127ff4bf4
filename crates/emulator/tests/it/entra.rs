//! Tokens, and every way to be refused one.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use defender_emulator::{Application, Cloud, Emulator, Options, Running, Secret, Tenant};
use serde_json::{Value as Json, json};

use crate::client::{
    Answer, CLIENT, FORM, GRAPH, JSON, MDE, SECRET, TENANT, direct, form, noon, options, proxied,
    start, token, token_at,
};

const CORRELATION: (&str, &str) = ("client-request-id", "99999999-9999-4999-8999-999999999999");

async fn ask(running: &Running, path: &str, body: String) -> Answer {
    direct(running, "POST", path, &[FORM, CORRELATION], body)
        .await
        .unwrap()
}

fn v2() -> String {
    format!("/{TENANT}/oauth2/v2.0/token")
}

fn claims(token: &str) -> Json {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_secret_gets_a_token() {
    let running = start().await;
    let answer = ask(&running, &v2(), form(CLIENT, SECRET, GRAPH)).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    insta::assert_json_snapshot!("token_v2", answer.exchange(&running));
    insta::assert_json_snapshot!("token_claims", claims(&token));
    insta::assert_json_snapshot!("token_request", running.requests());
}

#[tokio::test]
async fn version_one_writes_numbers_as_text() {
    let running = start().await;
    let body = format!(
        "grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}\
         &resource=https%3A%2F%2Fapi.securitycenter.microsoft.com"
    );
    let answer = ask(&running, "/demo.example/oauth2/token", body).await;
    insta::assert_json_snapshot!("token_v1", answer.exchange(&running));
}

#[tokio::test]
async fn refusals_are_whole() {
    let application = |client_id: &str, secret: &str, expires| Application {
        secrets: vec![Secret {
            value: secret.into(),
            expires,
        }],
        ..Application::new(client_id, "")
    };
    let mut tenant = Tenant::demo();
    tenant.applications.push(application(
        "expired",
        "old",
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1)),
    ));
    let running = Emulator::start(Options {
        tenants: vec![tenant],
        ..options()
    })
    .await
    .unwrap();
    let v2 = v2();
    let cases = [
        (
            "tenant",
            "/00000000-0000-0000-0000-000000000000/oauth2/v2.0/token",
            form(CLIENT, SECRET, GRAPH),
        ),
        (
            "tenant_name",
            "/nowhere/oauth2/v2.0/token",
            form(CLIENT, SECRET, GRAPH),
        ),
        (
            "tenant_common",
            "/common/oauth2/v2.0/token",
            form(CLIENT, SECRET, GRAPH),
        ),
        ("application", &v2, form("unknown", SECRET, GRAPH)),
        ("secret", &v2, form(CLIENT, "canary-7c1d", GRAPH)),
        ("secret_expired", &v2, form("expired", "old", GRAPH)),
        ("secret_missing", &v2, form(CLIENT, "", GRAPH)),
        (
            "scope",
            &v2,
            form(
                CLIENT,
                SECRET,
                "https://a.example/.default https://b.example/.default",
            ),
        ),
        (
            "scope_without_default",
            &v2,
            form(CLIENT, SECRET, "https://graph.microsoft.com/User.Read"),
        ),
        ("scope_missing", &v2, form(CLIENT, SECRET, "")),
        (
            "resource",
            &v2,
            form(CLIENT, SECRET, "https://foo.microsoft.com/.default"),
        ),
        (
            "resource_of_another_cloud",
            &v2,
            form(CLIENT, SECRET, "https://graph.microsoft.us/.default"),
        ),
        (
            "grant_type",
            &v2,
            form(CLIENT, SECRET, GRAPH).replace("client_credentials", "telepathy"),
        ),
        ("grant_type_missing", &v2, format!("client_id={CLIENT}")),
    ];
    for (name, path, body) in cases {
        let answer = ask(&running, path, body).await;
        assert!(!answer.text().contains("canary-7c1d"));
        insta::assert_json_snapshot!(format!("refused_{name}"), answer.exchange(&running));
    }
    let log = format!("{:?}", running.requests());
    assert!(
        !log.contains("canary-7c1d") && !log.contains(SECRET),
        "{log}"
    );
}

#[tokio::test]
async fn a_body_that_is_no_form_has_no_parameters() {
    let running = start().await;
    let body = json!({"grant_type": "client_credentials"}).to_string();
    let answer = direct(&running, "POST", &v2(), &[JSON], body)
        .await
        .unwrap();
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error_codes"], json!([900_144]));
    // Whatever else is wrong.
    for body in [
        "grant_type=client_credentials",
        "grant_type=client_credentials&scope=User.Read",
    ] {
        let answer = ask(&running, &v2(), body.to_owned()).await;
        assert_eq!(answer.json()["error_codes"], json!([900_144]), "{body}");
        assert!(answer.text().contains("'client_id'"), "{body}");
    }
    let answer = direct(&running, "GET", &v2(), &[], "").await.unwrap();
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
}

#[tokio::test]
async fn a_body_without_a_type_is_a_form() {
    let running = start().await;
    let body = form(CLIENT, SECRET, GRAPH);
    let answer = direct(&running, "POST", &v2(), &[], body).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn an_application_may_put_its_secret_into_a_header() {
    let running = start().await;
    let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{SECRET}")));
    let body = format!("grant_type=client_credentials&scope={GRAPH}");
    let answer = direct(
        &running,
        "POST",
        &v2(),
        &[FORM, ("authorization", &basic)],
        body,
    )
    .await
    .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn a_secret_is_good_until_it_expires() {
    let secret = |value: &str, expires| Secret {
        value: value.into(),
        expires: Some(expires),
    };
    let mut tenant = Tenant::demo();
    tenant.applications[0].secrets = vec![
        secret("old", noon()),
        secret("new", noon() + Duration::from_secs(1)),
    ];
    let running = Emulator::start(Options {
        tenants: vec![tenant],
        ..options()
    })
    .await
    .unwrap();
    let codes = |answer: Answer| answer.json()["error_codes"].clone();
    let old = ask(&running, &v2(), form(CLIENT, "old", GRAPH)).await;
    assert_eq!(codes(old), json!([7_000_222]));
    let new = ask(&running, &v2(), form(CLIENT, "new", GRAPH)).await;
    assert_eq!(new.status, 200);
}

#[tokio::test]
async fn clouds_do_not_know_each_others_tenants() {
    let running = start().await;
    let us = "login.microsoftonline.us";
    let answer = token_at(&running, us, 1, "https://graph.microsoft.us/.default").await;
    insta::assert_json_snapshot!("refused_cross_cloud", answer.exchange(&running));
    let path = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
    let answer = proxied(&running, us, "GET", &path, &[], "").await;
    assert_eq!(answer.json()["error_codes"], json!([90038]));

    let answer = token_at(&running, us, 3, "https://graph.microsoft.us/.default").await;
    assert_eq!(answer.status, 200);
    let answer = token_at(&running, us, 3, GRAPH).await;
    assert_eq!(answer.json()["error_codes"], json!([500_011]));
}

#[tokio::test]
async fn every_cloud_has_its_authority() {
    let clouds = [
        (
            Cloud::Global,
            ["login.microsoftonline.com", "login.windows.net"],
            "https://graph.microsoft.com",
        ),
        (
            Cloud::UsGovernment,
            ["login.microsoftonline.us", "login.usgovcloudapi.net"],
            "https://dod-graph.microsoft.us",
        ),
        (
            Cloud::China,
            ["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
            "https://microsoftgraph.chinacloudapi.cn",
        ),
    ];
    for (cloud, logins, resource) in clouds {
        let running = Emulator::start(Options {
            tenants: vec![Tenant {
                cloud,
                ..Tenant::demo()
            }],
            ..options()
        })
        .await
        .unwrap();
        for login in logins {
            let answer = token_at(&running, login, 1, &format!("{resource}/.default")).await;
            assert_eq!(answer.status, 200, "{login}: {}", answer.text());
            let token = answer.json()["access_token"].as_str().unwrap().to_owned();
            assert_eq!(claims(&token)["aud"], resource);
        }
    }
}

#[tokio::test]
async fn documents_are_published() {
    let running = start().await;
    let get = async |path: &str| direct(&running, "GET", path, &[], "").await.unwrap();
    let path = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
    insta::assert_json_snapshot!("openid_direct", get(&path).await.exchange(&running));
    let login = "login.microsoftonline.com";
    let answer = proxied(&running, login, "GET", &path, &[], "").await;
    insta::assert_json_snapshot!("openid_host", answer.exchange(&running));
    let path = "/common/discovery/instance?api-version=1.1&authorization_endpoint=\
                https%3A%2F%2Flogin.microsoftonline.us%2Fcommon%2Foauth2%2Fv2.0%2Fauthorize";
    let answer = proxied(&running, login, "GET", path, &[], "").await;
    insta::assert_json_snapshot!("instance_discovery", answer.exchange(&running));
    let known = "/common/discovery/instance?authorization_endpoint=\
                 https%3A%2F%2Flogin.microsoftonline.com%2Fcommon";
    for version in ["", "&api-version=2.0"] {
        let answer = get(&format!("{known}{version}")).await;
        assert_eq!(answer.json()["error_codes"], json!([90100]), "{version}");
    }
    let path =
        "/common/discovery/instance?authorization_endpoint=https%3A%2F%2Fevil.example%2Fcommon";
    let answer = get(path).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"], "invalid_instance");
}

#[tokio::test]
async fn a_published_key_verifies_a_token() {
    use openssl::bn::BigNum;
    use openssl::hash::MessageDigest;
    use openssl::pkey::PKey;
    use openssl::rsa::Rsa;
    use openssl::sign::Verifier;

    let running = start().await;
    let token = token(&running, MDE).await;
    let answer = direct(&running, "GET", "/common/discovery/v2.0/keys", &[], "")
        .await
        .unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let header: Json = serde_json::from_slice(&decode(message.split_once('.').unwrap().0)).unwrap();
    let keys = answer.json();
    let key = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == header["kid"])
        .unwrap();
    let number = |name: &str| BigNum::from_slice(&decode(key[name].as_str().unwrap())).unwrap();
    let key = PKey::from_rsa(Rsa::from_public_components(number("n"), number("e")).unwrap());
    let key = key.unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
    verifier.update(message.as_bytes()).unwrap();
    assert!(verifier.verify(&decode(signature)).unwrap());
}

#[tokio::test]
async fn tokens_live_as_long_as_they_are_told_to() {
    let running = Emulator::start(Options {
        token_lifetime: Duration::from_secs(86_399),
        clock: Arc::new(noon),
        ..options()
    })
    .await
    .unwrap();
    let answer = ask(&running, &v2(), form(CLIENT, SECRET, GRAPH)).await;
    assert_eq!(answer.json()["expires_in"], 86_399);
    let claims = claims(answer.json()["access_token"].as_str().unwrap());
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        86_399
    );
}

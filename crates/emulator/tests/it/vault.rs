//! Key Vault: challenges, permissions, versions, and vaults under their true names.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use defender_emulator::{
    Emulator, Error, Fault, FaultAnswer, Faults, Options, Running, Tenant, Vault, VaultAccess,
    VaultCertificate, VaultSecret,
};
use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::X509;
use serde_json::json;

use crate::client::{
    Answer, CLIENT, GRAPH, TENANT, connect, direct, options, proxied, send, tls, token, token_at,
};

const HOST: &str = "contoso.vault.azure.net";
const VAULT: &str = "https://vault.azure.net/.default";
const SECRET: &str = "/secrets/Some-Secret?api-version=7.4";

/// The demo tenant with a vault that its application may read and three that it may not.
fn tenants() -> Vec<Tenant> {
    let second = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    let mut demo = Tenant::demo();
    let mut contoso = Vault::new("contoso");
    contoso.readers = vec![CLIENT.to_owned()];
    contoso.secrets = vec![
        VaultSecret {
            version: "00000000000000000000000000000001".to_owned(),
            ..VaultSecret::new("Some-Secret", "canary-old")
        },
        VaultSecret {
            content_type: Some("text/plain".to_owned()),
            not_before: second(1_000_000_000),
            ..VaultSecret::new("Some-Secret", "canary-new")
        },
        VaultSecret {
            enabled: false,
            ..VaultSecret::new("Disabled", "canary-disabled")
        },
        VaultSecret {
            expires: second(1_000_000_000),
            ..VaultSecret::new("Expired", "canary-expired")
        },
    ];
    let closed = Vault {
        closed: true,
        ..Vault {
            name: "closed".to_owned(),
            ..contoso.clone()
        }
    };
    let policies = Vault {
        access: VaultAccess::Policies,
        ..Vault::new("policies")
    };
    demo.vaults = vec![contoso, closed, policies, Vault::new("roles")];
    vec![demo, Tenant::second(), Tenant::government()]
}

async fn start() -> Running {
    let options = Options {
        tenants: tenants(),
        ..options()
    };
    Emulator::start(options).await.unwrap()
}

async fn bearer(running: &Running, login: &str, digit: u8, scope: &str) -> String {
    let answer = token_at(running, login, digit, scope).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    format!("Bearer {}", answer.json()["access_token"].as_str().unwrap())
}

async fn ask(running: &Running, host: &str, path: &str, bearer: Option<&str>) -> Answer {
    let headers: Vec<_> = bearer
        .map(|bearer| ("authorization", bearer))
        .into_iter()
        .collect();
    proxied(running, host, "GET", path, &headers, "").await
}

#[tokio::test]
async fn a_secret_is_got_with_a_token_and_challenged_for_without() {
    let running = start().await;
    let answer = ask(&running, HOST, SECRET, None).await;
    insta::assert_json_snapshot!("vault_challenge", answer.exchange(&running));

    let login = "login.microsoftonline.com";
    let bearer = bearer(&running, login, 1, VAULT).await;
    let answer = ask(&running, HOST, SECRET, Some(&bearer)).await;
    let mut exchange = answer.exchange(&running);
    assert_eq!(exchange["body"]["value"], "canary-new");
    exchange["body"]["value"] = json!("[secret]");
    insta::assert_json_snapshot!("vault_secret", exchange);
    let old = "/secrets/some-secret/00000000000000000000000000000001?api-version=2025-07-01";
    let answer = ask(&running, HOST, old, Some(&bearer)).await;
    assert_eq!(answer.json()["value"], "canary-old");
    let expired = "/secrets/Expired/?api-version=7.6-preview.1";
    let answer = ask(&running, HOST, expired, Some(&bearer)).await;
    assert_eq!(answer.json()["value"], "canary-expired");
    assert_eq!(answer.json()["attributes"]["exp"], 1_000_000_000);

    let log = serde_json::to_string(&running.requests()).unwrap();
    assert!(!log.contains("canary"), "{log}");
    insta::assert_json_snapshot!("vault_request", running.requests().pop().unwrap());
}

#[tokio::test]
async fn who_may_list_gets_names_page_by_page_and_no_values() {
    let mut tenants = tenants();
    for tenant in &mut tenants {
        for vault in &mut tenant.vaults {
            vault.listers = vault.readers.clone();
        }
    }
    let running = Emulator::start(Options {
        tenants,
        ..options()
    })
    .await
    .unwrap();
    let bearer = bearer(&running, "login.microsoftonline.com", 1, VAULT).await;
    let mut path = "/secrets?api-version=2026-04-01&maxresults=2".to_owned();
    let mut names = Vec::new();
    loop {
        let answer = ask(&running, HOST, &path, Some(&bearer)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(!answer.text().contains("canary"), "{}", answer.text());
        let page = answer.json();
        let entries = page["value"].as_array().unwrap();
        assert!(entries.len() <= 2);
        names.extend(entries.iter().map(|entry| {
            assert!(entry["attributes"]["enabled"].is_boolean(), "{entry}");
            entry["id"].as_str().unwrap().to_owned()
        }));
        let Some(next) = page["nextLink"].as_str() else {
            break;
        };
        path = next
            .strip_prefix("https://")
            .unwrap()
            .strip_prefix(HOST)
            .unwrap()
            .to_owned();
    }
    insta::assert_json_snapshot!("vault_list", names);
    let versions = "/secrets/some-secret/versions?api-version=7.4";
    let answer = ask(&running, HOST, versions, Some(&bearer)).await;
    insta::assert_json_snapshot!("vault_versions", answer.json());
    for wrong in [
        "maxresults=0",
        "maxresults=26",
        "maxresults=x",
        "$skiptoken=x",
    ] {
        let path = format!("/secrets?api-version=7.4&{wrong}");
        let answer = ask(&running, HOST, &path, Some(&bearer)).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn refusals_are_whole() {
    let running = start().await;
    let bearer = bearer(&running, "login.microsoftonline.com", 1, VAULT).await;
    for (name, host, path) in [
        ("missing", HOST, "/secrets/Nowhere?api-version=7.4"),
        ("version", HOST, "/secrets/Some-Secret/0a?api-version=7.4"),
        ("disabled", HOST, "/secrets/Disabled?api-version=7.4"),
        ("name", HOST, "/secrets/Some_Secret?api-version=7.4"),
        ("api_version_missing", HOST, "/secrets/Some-Secret"),
        (
            "api_version_unknown",
            HOST,
            "/secrets/Some-Secret?api-version=9",
        ),
        ("operation", HOST, "/nowhere?api-version=7.4"),
        ("list", HOST, "/secrets?api-version=7.4"),
        ("firewall", "closed.vault.azure.net", SECRET),
        ("policy", "policies.vault.azure.net", SECRET),
        ("role", "roles.vault.azure.net", SECRET),
    ] {
        let answer = ask(&running, host, path, Some(&bearer)).await;
        assert!(!answer.text().contains("canary"), "{name}");
        insta::assert_json_snapshot!(format!("vault_refusal_{name}"), answer.json());
        let expected = match name {
            "missing" | "version" => 404,
            "disabled" | "list" | "firewall" | "policy" | "role" => 403,
            _ => 400,
        };
        assert_eq!(answer.status, expected, "{name}");
    }
    let answer = proxied(
        &running,
        HOST,
        "PUT",
        SECRET,
        &[("authorization", &bearer)],
        "{}",
    )
    .await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn only_a_token_for_key_vault_from_the_vaults_tenant_opens_it() {
    let running = start().await;
    let login = "login.microsoftonline.com";
    let mut seen = Vec::new();
    for (digit, scope) in [(1, GRAPH), (2, VAULT)] {
        let bearer = bearer(&running, login, digit, scope).await;
        let answer = ask(&running, HOST, SECRET, Some(&bearer)).await;
        assert_eq!(answer.status, 401);
        assert!(answer.header("www-authenticate").unwrap().contains(TENANT));
        seen.push(answer.json()["error"]["message"].clone());
    }
    for wrong in ["Bearer x.y.z", "Bearer ", "Basic eDp5"] {
        let answer = ask(&running, HOST, SECRET, Some(wrong)).await;
        assert_eq!(answer.status, 401);
        seen.push(answer.json()["error"]["message"].clone());
    }
    insta::assert_json_snapshot!("vault_tokens_refused", seen);

    let by_id = "cfa8b339-82a2-471a-a3c9-0fa0be7a4093/.default";
    let bearer = bearer(&running, login, 1, by_id).await;
    assert_eq!(ask(&running, HOST, SECRET, Some(&bearer)).await.status, 200);
}

#[tokio::test]
async fn every_cloud_has_its_own_vaults() {
    let running = start().await;
    let scope = "https://vault.usgovcloudapi.net/.default";
    let us = bearer(&running, "login.microsoftonline.us", 3, scope).await;
    let path = "/secrets/DataProviders-MicrosoftDefender-Args-ClientSecret?api-version=7.4";
    let host = "government-vault.vault.usgovcloudapi.net";
    let answer = ask(&running, host, path, Some(&us)).await;
    assert_eq!(answer.json()["value"], "government-secret-made-up");
    assert_eq!(ask(&running, HOST, SECRET, Some(&us)).await.status, 401);

    let answer = token_at(&running, "login.microsoftonline.us", 3, VAULT).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("AADSTS500011"), "{}", answer.text());

    // A vault that does not exist has no name in the world.
    for host in [
        "nowhere.vault.azure.net",
        "contoso.vault.usgovcloudapi.net",
        "contoso.vault.azure.cn",
        "vault.azure.net",
    ] {
        let (answer, _) = connect(&running, &format!("{host}:443"), "").await;
        assert!(answer.starts_with("HTTP/1.1 502"), "{host}: {answer}");
        assert!(answer.contains(host), "{answer}");
    }
}

#[tokio::test]
async fn at_the_plain_address_a_prefix_or_the_host_header_says_which_vault() {
    let running = start().await;
    let path = format!("/vaults/contoso{SECRET}");
    let answer = direct(&running, "GET", &path, &[], "").await.unwrap();
    insta::assert_json_snapshot!("vault_challenge_direct", answer.exchange(&running));
    let own = token(&running, &format!("{}/.default", running.http_url())).await;
    for token in [own, token(&running, VAULT).await] {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let answer = direct(&running, "GET", &path, &headers, "").await.unwrap();
        assert_eq!(answer.json()["value"], "canary-new");
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        assert!(id.contains("/vaults/contoso/secrets/Some-Secret/"), "{id}");
    }
    let path = format!("/vaults/nowhere{SECRET}");
    let answer = direct(&running, "GET", &path, &[], "").await.unwrap();
    assert_eq!(answer.text(), "the emulator has no vault nowhere\n");

    for url in [running.http_url(), running.https_url().unwrap()] {
        let stream = tokio::net::TcpStream::connect(crate::client::address(&url))
            .await
            .unwrap();
        let asked = crate::client::request("GET", HOST, SECRET, &[], "");
        let answer = if url.starts_with("https") {
            let stream = tls(&running, stream, HOST).await.unwrap();
            send(stream, asked).await.unwrap()
        } else {
            send(stream, asked).await.unwrap()
        };
        assert_eq!(answer.status, 401);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(
            challenge.ends_with("resource=\"https://vault.azure.net\""),
            "{challenge}"
        );
    }
}

#[tokio::test]
async fn faults_speak_as_a_vault_does() {
    let fault = |status, request| Fault {
        host: Some("*.vault.azure.net".to_owned()),
        requests: vec![request],
        answer: Some(FaultAnswer {
            retry_after: Some(2),
            ..FaultAnswer::status(status)
        }),
        ..Fault::default()
    };
    let running = Emulator::start(Options {
        tenants: tenants(),
        faults: Faults::new().with(fault(429, 1)).with(fault(503, 2)),
        ..options()
    })
    .await
    .unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let answer = ask(&running, HOST, SECRET, None).await;
        assert_eq!(answer.header("retry-after"), Some("2"));
        seen.push(json!([answer.status, answer.json()]));
    }
    insta::assert_json_snapshot!("vault_outage", seen);
}

#[tokio::test]
async fn vaults_that_cannot_be_are_refused() {
    for names in [vec!["ab"], vec!["under_score"], vec!["contoso", "CONTOSO"]] {
        let mut tenant = Tenant::demo();
        tenant.vaults = names.into_iter().map(Vault::new).collect();
        let started = Emulator::start(Options {
            tenants: vec![tenant],
            ..options()
        });
        assert!(matches!(started.await, Err(Error::Options(_))));
    }
}

/// A vault whose application may set secrets, with one that was deleted.
async fn writable() -> Running {
    let mut tenants = tenants();
    let contoso = &mut tenants[0].vaults[0];
    contoso.writers = vec![CLIENT.to_owned()];
    contoso.secrets.push(VaultSecret {
        deleted: true,
        ..VaultSecret::new("Deleted", "canary-deleted")
    });
    Emulator::start(Options {
        tenants,
        ..options()
    })
    .await
    .unwrap()
}

async fn put(running: &Running, path: &str, bearer: &str, body: &str) -> Answer {
    let headers = [crate::client::JSON, ("authorization", bearer)];
    proxied(running, HOST, "PUT", path, &headers, body.to_owned()).await
}

#[tokio::test]
async fn a_secret_is_set_and_the_old_version_stays() {
    let running = writable().await;
    let bearer = bearer(&running, "login.microsoftonline.com", 1, VAULT).await;
    let body = json!({"value": "canary-set", "contentType": "text/plain", "attributes": {"exp": 2_000_000_000}});
    let answer = put(&running, SECRET, &bearer, &body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let set = answer.json();
    assert_eq!(
        (&set["value"], &set["attributes"]["exp"]),
        (&json!("canary-set"), &json!(2_000_000_000))
    );
    let answer = ask(&running, HOST, SECRET, Some(&bearer)).await;
    assert_eq!(answer.json()["id"], set["id"]);
    assert_eq!(answer.json()["value"], "canary-set");
    let old = "/secrets/some-secret/00000000000000000000000000000001?api-version=7.4";
    let answer = ask(&running, HOST, old, Some(&bearer)).await;
    assert_eq!(answer.json()["value"], "canary-old");
    let fresh = "/secrets/Fresh?api-version=7.4";
    assert_eq!(
        put(&running, fresh, &bearer, r#"{"value": "canary-a"}"#)
            .await
            .status,
        200
    );
    assert_eq!(
        ask(&running, HOST, fresh, Some(&bearer)).await.json()["value"],
        "canary-a"
    );

    let log = serde_json::to_string(&running.requests()).unwrap();
    assert!(!log.contains("canary"), "{log}");
}

#[tokio::test]
async fn what_cannot_be_set_is_refused() {
    let running = writable().await;
    let bearer = bearer(&running, "login.microsoftonline.com", 1, VAULT).await;
    let large = json!({"value": "x".repeat(25_601)}).to_string();
    for (path, body, status, code) in [
        (SECRET, "{", 400, "BadParameter"),
        (SECRET, "{}", 400, "BadParameter"),
        (SECRET, large.as_str(), 400, "BadParameter"),
        (
            "/secrets/Some_Secret?api-version=7.4",
            "{}",
            400,
            "BadParameter",
        ),
        (
            "/secrets/Some-Secret",
            r#"{"value": "a"}"#,
            400,
            "BadParameter",
        ),
        (
            "/secrets/Deleted?api-version=7.4",
            r#"{"value": "a"}"#,
            409,
            "Conflict",
        ),
    ] {
        let answer = put(&running, path, &bearer, body).await;
        assert_eq!(answer.status, status, "{path} {}", answer.text());
        assert_eq!(answer.json()["error"]["code"], code);
    }
    let answer = ask(
        &running,
        HOST,
        "/secrets/Deleted?api-version=7.4",
        Some(&bearer),
    )
    .await;
    assert_eq!(answer.json()["error"]["code"], "SecretNotFound");
    let answer = put(&running, SECRET, "Bearer none", "{}").await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").is_some());
    // Certificates and versions are not set.
    for path in [
        "/certificates/a?api-version=7.4",
        "/secrets/a/b?api-version=7.4",
    ] {
        assert_eq!(put(&running, path, &bearer, "{}").await.status, 405);
    }
}

#[tokio::test]
async fn a_reader_is_not_a_writer() {
    let running = start().await;
    let bearer = bearer(&running, "login.microsoftonline.com", 1, VAULT).await;
    let answer = put(&running, SECRET, &bearer, r#"{"value": "a"}"#).await;
    assert_eq!(answer.status, 403);
    let text = answer.text();
    assert!(text.contains("secrets/setSecret/action"), "{text}");
}

#[tokio::test]
async fn a_challenge_may_name_another_domain() {
    let mut tenants = tenants();
    tenants[0].vaults[0].challenge_resource = Some("https://vault.evil.example".to_owned());
    let running = Emulator::start(Options {
        tenants,
        ..options()
    })
    .await
    .unwrap();
    let answer = ask(&running, HOST, SECRET, None).await;
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(
        challenge.ends_with("resource=\"https://vault.evil.example\""),
        "{challenge}"
    );
}

/// A key and a certificate of it.
fn certificate() -> (PKey<Private>, X509) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_pubkey(&key).unwrap();
    let day = |days| openssl::asn1::Asn1Time::days_from_now(days).unwrap();
    builder.set_not_before(&day(0)).unwrap();
    builder.set_not_after(&day(1)).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (key, builder.build())
}

#[tokio::test]
async fn a_certificate_is_a_secret_and_a_key_too() {
    let (key, certificate) = certificate();
    let mut pem = key.private_key_to_pem_pkcs8().unwrap();
    pem.extend(certificate.to_pem().unwrap());
    let mut tenants = tenants();
    let vault = &mut tenants[0].vaults[0];
    vault.certificates = vec![
        VaultCertificate::new("Signer", &pem).unwrap(),
        VaultCertificate::new("Signer-Pem", &pem).unwrap().as_pem(),
    ];
    assert!(!format!("{vault:?}").contains("PRIVATE"));
    assert!(VaultCertificate::new("x", &certificate.to_pem().unwrap()).is_err());
    let running = Emulator::start(Options {
        tenants,
        ..options()
    })
    .await
    .unwrap();
    let bearer = bearer(&running, "login.microsoftonline.com", 1, VAULT).await;
    let get = async |path: &str| {
        let answer = ask(
            &running,
            HOST,
            &format!("{path}?api-version=7.4"),
            Some(&bearer),
        )
        .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let bundle = get("/certificates/signer").await;
    let der = STANDARD.decode(bundle["cer"].as_str().unwrap()).unwrap();
    assert_eq!(der, certificate.to_der().unwrap());
    assert!(
        bundle["sid"]
            .as_str()
            .unwrap()
            .starts_with("https://contoso.vault.azure.net/secrets/Signer/")
    );
    let path = bundle["sid"]
        .as_str()
        .unwrap()
        .strip_prefix("https://contoso.vault.azure.net")
        .unwrap();
    let secret = get(path).await;
    assert_eq!(secret["contentType"], "application/x-pkcs12");
    let pfx = STANDARD.decode(secret["value"].as_str().unwrap()).unwrap();
    let parsed = Pkcs12::from_der(&pfx).unwrap().parse2("").unwrap();
    assert!(parsed.pkey.unwrap().public_eq(&key));
    let secret = get("/secrets/Signer-Pem").await;
    assert_eq!(secret["contentType"], "application/x-pem-file");
    let text = secret["value"].as_str().unwrap();
    assert!(
        PKey::private_key_from_pem(text.as_bytes())
            .unwrap()
            .public_eq(&key)
    );
    let public = get("/keys/Signer").await;
    assert_eq!(
        (&public["key"]["kty"], &public["key"]["e"]),
        (&json!("RSA"), &json!("AQAB"))
    );
    assert!(public["key"].get("d").is_none());

    for (path, code) in [
        ("/certificates/nowhere", "CertificateNotFound"),
        ("/keys/nowhere", "KeyNotFound"),
    ] {
        let answer = ask(
            &running,
            HOST,
            &format!("{path}?api-version=7.4"),
            Some(&bearer),
        )
        .await;
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].clone()),
            (404, json!(code))
        );
    }
    let answer = ask(
        &running,
        "roles.vault.azure.net",
        "/certificates/a?api-version=7.4",
        Some(&bearer),
    )
    .await;
    assert!(
        answer.text().contains("vaults/certificates/read"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_user_reads_a_vault_under_their_own_name() {
    let mut tenants = tenants();
    tenants[0].vaults[0].readers = vec!["analyst@demo.example".to_owned()];
    for user in &mut tenants[0].users {
        user.password = Some("canary-password".into());
    }
    let running = Emulator::start(Options {
        tenants,
        ..options()
    })
    .await
    .unwrap();
    let sign_in = async |user: &str| {
        let form = format!(
            "grant_type=password&client_id={CLIENT}&scope={VAULT}&username={user}&password=canary-password"
        );
        let path = format!("/{TENANT}/oauth2/v2.0/token");
        let answer = proxied(
            &running,
            "login.microsoftonline.com",
            "POST",
            &path,
            &[crate::client::FORM],
            form,
        )
        .await;
        format!("Bearer {}", answer.json()["access_token"].as_str().unwrap())
    };
    let analyst = sign_in("analyst@demo.example").await;
    assert_eq!(
        ask(&running, HOST, SECRET, Some(&analyst)).await.status,
        200
    );
    let admin = sign_in("admin@demo.example").await;
    let answer = ask(&running, HOST, SECRET, Some(&admin)).await;
    assert_eq!(answer.status, 403);
    assert!(
        answer.text().contains("name=admin@demo.example"),
        "{}",
        answer.text()
    );
    // The application by itself is somebody else.
    let own = bearer(&running, "login.microsoftonline.com", 1, VAULT).await;
    assert_eq!(ask(&running, HOST, SECRET, Some(&own)).await.status, 403);
}

async fn officer() -> (Running, String) {
    let (key, certificate) = certificate();
    let mut pem = key.private_key_to_pem_pkcs8().unwrap();
    pem.extend(certificate.to_pem().unwrap());
    let mut tenants = tenants();
    let vault = &mut tenants[0].vaults[0];
    vault.writers = vec![CLIENT.to_owned()];
    vault.listers = vec![CLIENT.to_owned()];
    vault.certificates = vec![
        VaultCertificate::new("Signing", &pem).unwrap(),
        VaultCertificate::new("Other", &pem).unwrap(),
    ];
    vault.secrets.push(VaultSecret {
        deleted: true,
        ..VaultSecret::new("Gone", "canary-gone")
    });
    let running = Emulator::start(Options {
        tenants,
        ..options()
    })
    .await
    .unwrap();
    let bearer = bearer(&running, "login.microsoftonline.com", 1, VAULT).await;
    (running, bearer)
}

async fn do_it(running: &Running, bearer: &str, method: &str, path: &str, body: &str) -> Answer {
    let headers = [
        ("authorization", bearer),
        ("content-type", "application/json"),
    ];
    let path = format!("{path}?api-version=7.6");
    proxied(running, HOST, method, &path, &headers, body.to_owned()).await
}

fn last_parts(body: &serde_json::Value, name: &str) -> Vec<String> {
    let entries = body["value"].as_array().unwrap().iter();
    entries
        .map(|entry| {
            entry[name]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect()
}

/// Source: <https://learn.microsoft.com/rest/api/keyvault/secrets/operation-groups>
#[tokio::test]
async fn a_secret_is_changed_deleted_recovered_and_purged() {
    let (running, bearer) = officer().await;
    let ask = async |method: &str, path: &str, body: &str| {
        do_it(&running, &bearer, method, path, body).await
    };
    let change =
        r#"{"attributes":{"enabled":false,"exp":2000000000},"tags":{"a":"b"},"contentType":"x"}"#;
    let old = "/secrets/Some-Secret/00000000000000000000000000000001";
    let changed = ask("PATCH", old, change).await.json();
    assert_eq!(changed["attributes"]["enabled"], false);
    assert_eq!(changed["attributes"]["exp"], 2_000_000_000);
    assert_eq!(
        (&changed["tags"], &changed["contentType"]),
        (&json!({"a": "b"}), &json!("x"))
    );
    assert_eq!(changed["value"], serde_json::Value::Null);
    assert_eq!(ask("GET", old, "").await.status, 403);
    assert_eq!(
        ask("GET", "/secrets/Some-Secret", "").await.json()["value"],
        "canary-new"
    );

    let deleted = ask("DELETE", "/Secrets/some-secret/", "").await;
    assert_eq!(deleted.status, 200, "{}", deleted.text());
    let body = deleted.json();
    assert_eq!(
        body["recoveryId"],
        format!("https://{HOST}/deletedsecrets/some-secret")
    );
    let (gone, purged) = (
        body["deletedDate"].as_i64(),
        body["scheduledPurgeDate"].as_i64(),
    );
    assert_eq!(purged.unwrap() - gone.unwrap(), 90 * 86_400);
    assert_eq!(ask("GET", "/secrets/Some-Secret", "").await.status, 404);
    assert_eq!(
        ask("PUT", "/secrets/Some-Secret", r#"{"value":"v"}"#)
            .await
            .status,
        409
    );
    assert_eq!(ask("DELETE", "/secrets/Some-Secret", "").await.status, 404);
    let list = ask("GET", "/deletedsecrets", "").await.json();
    assert_eq!(last_parts(&list, "id"), ["Gone", "Some-Secret"]);
    assert_eq!(
        ask("GET", "/deletedsecrets/Some-Secret", "").await.status,
        200
    );

    let back = ask("POST", "/deletedsecrets/Some-Secret/recover", "").await;
    assert_eq!(back.status, 200, "{}", back.text());
    assert_eq!(
        ask("GET", "/secrets/Some-Secret", "").await.json()["value"],
        "canary-new"
    );
    let answer = ask("GET", "/deletedsecrets/Some-Secret", "").await;
    assert_eq!(
        (answer.status, &answer.json()["error"]["message"]),
        (404, &json!("Deleted Secret not found: Some-Secret"))
    );

    assert_eq!(ask("DELETE", "/deletedsecrets/Gone", "").await.status, 204);
    assert_eq!(ask("DELETE", "/deletedsecrets/Gone", "").await.status, 404);
    assert_eq!(
        ask("PUT", "/secrets/Gone", r#"{"value":"v"}"#).await.status,
        200
    );
    // A certificate's own goes with the certificate.
    assert_eq!(ask("DELETE", "/secrets/Signing", "").await.status, 403);
    // However the path is written, its value is in no log.
    let odd = ask("PUT", "//SECRETS/%4Fdd", r#"{"value":"canary-odd"}"#).await;
    assert_eq!(odd.json()["value"], "canary-odd");
    let log = serde_json::to_string(&running.requests()).unwrap();
    assert!(!log.contains("canary"), "{log}");
}

/// Source: <https://learn.microsoft.com/rest/api/keyvault/certificates/operation-groups>
#[tokio::test]
async fn certificates_are_listed_changed_deleted_and_recovered() {
    let (running, bearer) = officer().await;
    let ask = async |method: &str, path: &str, body: &str| {
        do_it(&running, &bearer, method, path, body).await
    };
    for (path, name, expected) in [
        ("/certificates", "id", &["Other", "Signing"][..]),
        ("/keys", "kid", &["Other", "Signing"]),
    ] {
        let list = ask("GET", path, "").await.json();
        assert_eq!(last_parts(&list, name), expected, "{path}");
    }
    let versions = ask("GET", "/certificates/signing/versions", "")
        .await
        .json();
    let version = last_parts(&versions, "id").remove(0);
    assert_eq!(version.len(), 32);
    assert!(versions["value"][0]["x5t"].is_string(), "{versions}");
    let keys = ask("GET", "/keys/Signing/versions", "").await.json();
    assert_eq!(last_parts(&keys, "kid"), std::slice::from_ref(&version));
    assert_eq!(
        ask("GET", "/certificates/None/versions", "").await.status,
        404
    );

    let policy = ask("GET", "/certificates/Signing/policy", "").await.json();
    assert_eq!(policy["key_props"]["kty"], "RSA");
    let change = r#"{"issuer":{"name":"Self"}}"#;
    let changed = ask("PATCH", "/certificates/Signing/policy", change)
        .await
        .json();
    assert_eq!(changed["issuer"]["name"], "Self");
    assert_eq!(changed["key_props"], policy["key_props"]);

    let path = format!("/certificates/Signing/{version}");
    let change = r#"{"attributes":{"enabled":false},"tags":{"owner":"hunting"}}"#;
    let changed = ask("PATCH", &path, change).await.json();
    assert_eq!(changed["attributes"]["enabled"], false);
    assert_eq!(changed["tags"], json!({"owner": "hunting"}));
    assert_eq!(ask("GET", "/secrets/Signing", "").await.status, 403);

    let deleted = ask("DELETE", "/certificates/Signing", "").await.json();
    assert_eq!(
        deleted["recoveryId"],
        format!("https://{HOST}/deletedcertificates/Signing")
    );
    for path in ["/certificates/Signing", "/keys/Signing", "/secrets/Signing"] {
        assert_eq!(ask("GET", path, "").await.status, 404, "{path}");
    }
    let list = ask("GET", "/deletedcertificates", "").await.json();
    assert_eq!(last_parts(&list, "id"), ["Signing"]);
    let back = ask("POST", "/deletedcertificates/Signing/recover", "").await;
    assert_eq!(back.json()["x5t"], deleted["x5t"]);
    assert_eq!(ask("GET", "/certificates/Signing", "").await.status, 200);
    ask("DELETE", "/certificates/Other", "").await;
    assert_eq!(
        ask("DELETE", "/deletedcertificates/Other", "").await.status,
        204
    );
    assert_eq!(
        ask("GET", "/deletedcertificates/Other", "").await.status,
        404
    );
}

#[tokio::test]
async fn each_operation_has_its_own_permission() {
    let running = start().await;
    let reader = bearer(&running, "login.microsoftonline.com", 1, VAULT).await;
    let mut told = std::collections::BTreeMap::new();
    for (method, path) in [
        ("GET", "/certificates"),
        ("GET", "/keys"),
        ("GET", "/deletedsecrets"),
        ("PATCH", "/secrets/Some-Secret"),
        ("DELETE", "/secrets/Some-Secret"),
        ("DELETE", "/deletedsecrets/Some-Secret"),
        ("POST", "/deletedcertificates/Some/recover"),
        ("PATCH", "/certificates/Some/policy"),
    ] {
        let answer = do_it(&running, &reader, method, path, "{}").await;
        let body = answer.json();
        let message = body["error"]["message"].as_str().unwrap();
        let action = message
            .lines()
            .find(|line| line.starts_with("Action"))
            .unwrap();
        told.insert(
            format!("{method} {path}"),
            format!("{} {action}", answer.status),
        );
    }
    insta::assert_yaml_snapshot!("vault_permissions", told);
}

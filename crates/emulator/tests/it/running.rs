//! Starting, what clients are given, stopping.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[cfg(feature = "hunting")]
use defender_emulator::Data;
use defender_emulator::{
    Description, DeviceScript, Emulator, Error, Faults, Limits, Options, Quotas, SignIn, Tenant,
};
use tokio::net::TcpStream;

use crate::client::{
    CLIENT, FORM, GRAPH, RUN, SECRET, TENANT, address, direct, form, hunt, options, start, token,
};

#[tokio::test]
async fn addresses_that_others_could_reach_are_refused() {
    let open = "0.0.0.0:0".parse().unwrap();
    for options in [
        Options {
            listen: open,
            ..options()
        },
        Options {
            https: Some(open),
            ..options()
        },
        Options {
            proxy: Some("192.0.2.1:8080".parse().unwrap()),
            ..options()
        },
    ] {
        let error = Emulator::start(options).await.unwrap_err();
        assert!(matches!(error, Error::NotLoopback(_)), "{error}");
    }
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let running = start().await;
    let taken = address(&running.http_url());
    let error = Emulator::start(Options {
        listen: taken,
        ..options()
    })
    .await
    .unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {taken}"));
}

#[tokio::test]
async fn two_tenants_cannot_have_one_identifier() {
    let error = Emulator::start(Options {
        tenants: vec![Tenant::demo(), Tenant::demo()],
        ..options()
    })
    .await
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("two tenants have the identifier {TENANT}")
    );
}

#[tokio::test]
async fn clients_are_given_what_they_need() {
    let running = start().await;
    insta::assert_snapshot!("settings", running.settings_yaml());
    let environment: BTreeMap<_, _> = running.environment().iter().cloned().collect();
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] {
        assert_eq!(environment[name], running.proxy_url().unwrap(), "{name}");
    }
    assert_eq!(environment["AZURE_CLIENT_SECRET"], SECRET);
    for name in [
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "GIT_SSL_CAINFO",
        "PIP_CERT",
        "DENO_CERT",
    ] {
        let pem = std::fs::read_to_string(&environment[name]).unwrap();
        assert_eq!(pem, running.ca_pem());
    }
    let wget = std::fs::read_to_string(&environment["WGETRC"]).unwrap();
    assert_eq!(
        wget,
        format!("ca_certificate = {}\n", environment["SSL_CERT_FILE"])
    );
    let java = &environment["JAVA_TOOL_OPTIONS"];
    let port = address(&running.proxy_url().unwrap()).port();
    assert!(
        java.contains(&format!("-Dhttps.proxyPort={port}")),
        "{java}"
    );
    let store = java
        .split(' ')
        .find_map(|option| option.strip_prefix("-Djavax.net.ssl.trustStore="));
    assert!(
        std::fs::read(store.unwrap())
            .unwrap()
            .starts_with(&[0xfe, 0xed, 0xfe, 0xed])
    );
    let users: Vec<&str> = running.users()[0].1.iter().map(String::as_str).collect();
    assert_eq!(users, ["analyst@demo.example", "admin@demo.example"]);
    let settings = std::fs::read_to_string(&environment["MSTICPYCONFIG"]).unwrap();
    assert_eq!(settings, running.settings_yaml());
    let names: Vec<_> = environment.keys().collect();
    insta::assert_json_snapshot!("environment", names);

    let folder = running.folder().to_owned();
    assert!(folder.exists());
    drop(running);
    assert!(!folder.exists());
}

#[tokio::test]
async fn without_a_proxy_none_is_named() {
    let running = Emulator::start(Options {
        proxy: None,
        https: None,
        ..options()
    })
    .await
    .unwrap();
    assert_eq!((running.proxy_url(), running.https_url()), (None, None));
    assert!(
        !running
            .environment()
            .iter()
            .any(|(name, _)| name == "HTTPS_PROXY")
    );
}

#[tokio::test]
async fn nothing_listens_after_the_end() {
    let running = start().await;
    let addresses = [
        running.http_url(),
        running.https_url().unwrap(),
        running.proxy_url().unwrap(),
    ]
    .map(|url| address(&url));
    let idle = TcpStream::connect(addresses[0]).await.unwrap();
    running.shutdown().await;
    drop(idle);
    for address in addresses {
        assert!(TcpStream::connect(address).await.is_err(), "{address}");
    }
}

#[tokio::test]
async fn an_observer_sees_every_request() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let running = Emulator::start(Options {
        observer: Some(Arc::new(move |request| {
            sink.lock()
                .unwrap()
                .push((request.path.clone(), request.status));
        })),
        ..options()
    })
    .await
    .unwrap();
    direct(&running, "GET", "/a", &[], "").await.unwrap();
    direct(&running, "GET", "/b", &[], "").await.unwrap();
    assert_eq!(
        *seen.lock().unwrap(),
        [("/a".to_owned(), 404), ("/b".to_owned(), 404)]
    );
}

#[tokio::test]
async fn an_unmodified_client_needs_nothing_but_the_environment() {
    let running = start().await;
    let environment = running.environment().to_vec();
    let curl = move |arguments: Vec<String>| {
        let environment = environment.clone();
        tokio::task::spawn_blocking(move || {
            std::process::Command::new("curl")
                .args(["--silent", "--show-error", "--max-time", "20"])
                .args(arguments)
                .envs(environment)
                .output()
        })
    };
    let token_url = format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token");
    let asked = vec!["--data".to_owned(), form(CLIENT, SECRET, GRAPH), token_url];
    let output = match curl(asked).await.unwrap() {
        Ok(output) => output,
        Err(error) => {
            println!("no curl ({error}); the client of these tests stands in for it");
            return;
        }
    };
    let problem = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{problem}");
    let body: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let token = body["access_token"].as_str().unwrap();
    let asked = [
        "--header",
        &format!("Authorization: Bearer {token}"),
        "--json",
        r#"{"Query": "Nothing"}"#,
        "https://graph.microsoft.com/v1.0/security/runHuntingQuery",
    ];
    let output = curl(asked.map(str::to_owned).to_vec())
        .await
        .unwrap()
        .unwrap();
    let body: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(body["schema"].as_array().unwrap().len(), 10, "{body}");

    let output = curl(vec!["https://evil.example/".to_owned()])
        .await
        .unwrap()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(problem.contains("502"), "{problem}");
}

#[tokio::test]
async fn what_was_asked_can_be_fetched_from_outside_without_secrets() {
    let running = start().await;
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    let body = form(CLIENT, SECRET, GRAPH);
    direct(&running, "POST", &path, &[crate::client::FORM], body)
        .await
        .unwrap();
    let answer = direct(&running, "GET", "/emulator/requests", &[], "")
        .await
        .unwrap();
    let requests = answer.json();
    assert_eq!(requests[0]["path"], path);
    assert_eq!(requests[0]["body"]["form"]["client_secret"], "REDACTED");
    assert_eq!(requests[0]["status"], 200);
    // No host under its true name has such a path.
    for host in ["login.microsoftonline.com", "graph.microsoft.com"] {
        let answer =
            crate::client::proxied(&running, host, "GET", "/emulator/requests", &[], "").await;
        assert_eq!(answer.status, 404);
    }
}

#[test]
fn the_examples_of_the_guide_are_read() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/emulator.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let blocks: Vec<_> = guide
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(blocks.len() >= 4, "{}", blocks.len());
    for block in blocks {
        if block.contains("tenants:") {
            assert!(!Description::parse(block).unwrap().tenants.is_empty());
        } else {
            assert!(Faults::parse(block).unwrap().iter().count() > 0);
        }
    }
}

#[tokio::test]
async fn no_limit_is_too_large_or_too_small() {
    for (time, number) in [(Duration::ZERO, 0), (Duration::MAX, usize::MAX)] {
        let running = Emulator::start(Options {
            retention: Some(time),
            token_lifetime: time,
            quotas: Some(Quotas {
                per_minute: number,
                per_hour: number,
            }),
            limits: Limits {
                rows: number,
                answer_bytes: number,
                request_bytes: number,
            },
            sign_in: SignIn {
                code_lifetime: time,
                refresh_lifetime: time,
                device: DeviceScript {
                    interval: time,
                    lifetime: time,
                    pending: u32::MAX,
                    ..DeviceScript::default()
                },
                ..SignIn::default()
            },
            ..options()
        })
        .await
        .unwrap();
        let body = form(CLIENT, SECRET, GRAPH);
        let path = format!("/{TENANT}/oauth2/v2.0/token");
        let answer = direct(&running, "POST", &path, &[FORM], body)
            .await
            .unwrap();
        let device = format!("client_id={CLIENT}&scope={GRAPH}");
        let path = format!("/{TENANT}/oauth2/v2.0/devicecode");
        let asked = direct(&running, "POST", &path, &[FORM], device)
            .await
            .unwrap();
        // Without a byte for a request there is no token either.
        if number == 0 {
            assert_eq!([answer.status, asked.status], [413, 413]);
            continue;
        }
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(asked.status, 200, "{}", asked.text());
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        let answer = hunt(&running, RUN[0], &token, "Many").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[cfg(feature = "hunting")]
#[tokio::test]
async fn what_is_kept_for_ever_is_seen() {
    use crate::client::noon;

    for (retention, seen) in [
        (Duration::ZERO, 0),
        (Duration::MAX, 1),
        (Duration::from_hours(2), 1),
    ] {
        let batch = {
            use arrow::array::{RecordBatch, TimestampSecondArray};
            let hour_ago = noon() - Duration::from_hours(1);
            let seconds = hour_ago
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap()
                .as_secs();
            let times = TimestampSecondArray::from(vec![i64::try_from(seconds).unwrap()]);
            let times = times.with_timezone("UTC");
            RecordBatch::try_from_iter([("Timestamp", Arc::new(times) as _)]).unwrap()
        };
        let running = Emulator::start(Options {
            data: Data::Batches(BTreeMap::from([("Mine".to_owned(), vec![batch])])),
            retention: Some(retention),
            ..options()
        })
        .await
        .unwrap();
        let token = token(&running, GRAPH).await;
        let answer = hunt(&running, RUN[0], &token, "Mine | count").await;
        assert_eq!(
            answer.json()["results"][0]["Count"],
            seen,
            "{retention:?}: {}",
            answer.text()
        );
    }
}

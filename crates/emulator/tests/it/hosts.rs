//! The proxy and HTTPS: hosts under their true names, and nothing else.

use defender_emulator::{Emulator, Options, ProxyCredentials};
use serde_json::json;
use tokio::net::TcpStream;

use crate::client::{
    Answer, GRAPH, JSON, MDE, RUN, TENANT, XDR, address, connect, options, proxied, request, send,
    start, tls, token_at,
};

async fn bearer(
    running: &defender_emulator::Running,
    login: &str,
    digit: u8,
    scope: &str,
) -> String {
    let answer = token_at(running, login, digit, scope).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    format!("Bearer {}", answer.json()["access_token"].as_str().unwrap())
}

async fn hunt(
    running: &defender_emulator::Running,
    host: &str,
    path: &str,
    bearer: &str,
) -> Answer {
    let headers = [JSON, ("authorization", bearer)];
    let body = json!({"Query": "Nothing"}).to_string();
    proxied(running, host, "POST", path, &headers, body).await
}

#[tokio::test]
async fn hosts_answer_under_their_true_names() {
    let running = start().await;
    let global = "login.microsoftonline.com";
    let us = "login.microsoftonline.us";
    let own = |host: &str| format!("https://{host}/.default");
    let cases = [
        ("graph.microsoft.com", RUN[0], global, 1, GRAPH.to_owned()),
        (
            "api.securitycenter.microsoft.com",
            RUN[1],
            global,
            1,
            MDE.to_owned(),
        ),
        (
            "api.security.microsoft.com",
            RUN[1],
            global,
            1,
            MDE.to_owned(),
        ),
        (
            "swa.api.security.microsoft.com",
            RUN[1],
            global,
            1,
            MDE.to_owned(),
        ),
        (
            "api-uk.securitycenter.microsoft.com",
            RUN[1],
            global,
            1,
            own("api-uk.securitycenter.microsoft.com"),
        ),
        (
            "api.security.microsoft.com",
            RUN[2],
            global,
            1,
            XDR.to_owned(),
        ),
        (
            "api-eu.security.microsoft.com",
            RUN[2],
            global,
            1,
            XDR.to_owned(),
        ),
        (
            "api-gcc.securitycenter.microsoft.us",
            RUN[1],
            global,
            1,
            own("api-gcc.securitycenter.microsoft.us"),
        ),
        (
            "graph.microsoft.us",
            RUN[0],
            us,
            3,
            own("graph.microsoft.us"),
        ),
        (
            "dod-graph.microsoft.us",
            RUN[0],
            us,
            3,
            own("dod-graph.microsoft.us"),
        ),
        (
            "api-gov.securitycenter.microsoft.us",
            RUN[1],
            us,
            3,
            own("api-gov.securitycenter.microsoft.us"),
        ),
        (
            "api-gov.security.microsoft.us",
            RUN[2],
            us,
            3,
            own("api-gov.security.microsoft.us"),
        ),
    ];
    for (host, path, login, digit, scope) in cases {
        let bearer = bearer(&running, login, digit, &scope).await;
        let answer = hunt(&running, host, path, &bearer).await;
        assert_eq!(answer.status, 200, "{host}{path}: {}", answer.text());
        let last = running.requests().pop().unwrap();
        assert_eq!((last.host.as_str(), last.path.as_str()), (host, path));
        if path == RUN[0] {
            let context = format!(
                "https://{host}/v1.0/$metadata#microsoft.graph.security.huntingQueryResults"
            );
            assert_eq!(answer.json()["@odata.context"], context);
        }
    }
}

#[tokio::test]
async fn a_token_of_one_cloud_is_nothing_in_another() {
    let running = start().await;
    let us = bearer(
        &running,
        "login.microsoftonline.us",
        3,
        "00000003-0000-0000-c000-000000000000/.default",
    )
    .await;
    // The audience would fit both; the signature does not.
    assert_eq!(
        hunt(&running, "graph.microsoft.us", RUN[0], &us)
            .await
            .status,
        200
    );
    let answer = hunt(&running, "graph.microsoft.com", RUN[0], &us).await;
    assert_eq!(answer.status, 401);
    let dod = bearer(
        &running,
        "login.microsoftonline.us",
        3,
        "https://dod-graph.microsoft.us/.default",
    )
    .await;
    let answer = hunt(&running, "graph.microsoft.us", RUN[0], &dod).await;
    insta::assert_json_snapshot!("wrong_audience", answer.exchange(&running));
    // Elsewhere the signature says it, before the audience could.
    let answer = hunt(&running, "graph.microsoft.com", RUN[0], &dod).await;
    assert!(
        answer.text().contains("Invalid signature"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_host_has_no_paths_of_another() {
    let running = start().await;
    let bearer = bearer(&running, "login.microsoftonline.com", 1, GRAPH).await;
    for (host, path) in [
        ("graph.microsoft.com", RUN[1]),
        (
            "graph.microsoft.com",
            "/11111111-1111-1111-1111-111111111111/oauth2/v2.0/token",
        ),
        ("api.securitycenter.microsoft.com", RUN[2]),
        ("login.microsoftonline.com", RUN[0]),
        ("microsoftgraph.chinacloudapi.cn", RUN[0]),
    ] {
        let answer = hunt(&running, host, path, &bearer).await;
        assert_eq!(answer.status, 404, "{host}{path}");
    }
}

#[tokio::test]
async fn the_proxy_refuses_every_other_host_by_name() {
    let running = start().await;
    let (answer, _) = connect(&running, "evil.example:443", "").await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    assert!(
        answer.contains("does not serve evil.example:443"),
        "{answer}"
    );
    let (answer, _) = connect(&running, "graph.microsoft.com:80", "").await;
    assert!(
        answer.contains("does not serve graph.microsoft.com:80"),
        "{answer}"
    );

    for (url, said) in [
        (
            "http://graph.microsoft.com/",
            "serves graph.microsoft.com over HTTPS only",
        ),
        (
            "http://evil.example/a",
            "does not serve evil.example:80, and connects to nothing outside",
        ),
        (
            "http://169.254.169.254:8080/metadata",
            "does not serve 169.254.169.254:8080",
        ),
    ] {
        let stream = TcpStream::connect(address(&running.proxy_url().unwrap()))
            .await
            .unwrap();
        let answer = send(stream, request("GET", "host", url, &[], "")).await;
        let answer = answer.unwrap();
        assert_eq!(answer.status, 403);
        assert!(answer.text().contains(said), "{}", answer.text());
    }

    let refused: Vec<_> = running
        .requests()
        .into_iter()
        .map(|request| (request.method, request.host, request.status))
        .collect();
    assert_eq!(
        refused,
        [
            ("CONNECT".to_owned(), "evil.example".to_owned(), 502),
            ("CONNECT".to_owned(), "graph.microsoft.com".to_owned(), 502),
            ("GET".to_owned(), "graph.microsoft.com".to_owned(), 403),
            ("GET".to_owned(), "evil.example".to_owned(), 403),
            ("GET".to_owned(), "169.254.169.254".to_owned(), 403),
        ]
    );
}

#[tokio::test]
async fn the_proxy_may_ask_for_credentials() {
    let running = Emulator::start(Options {
        proxy_credentials: Some(ProxyCredentials {
            user: "me".to_owned(),
            password: "p@ss:w".into(),
        }),
        ..options()
    })
    .await
    .unwrap();
    let url = running.proxy_url().unwrap();
    assert!(url.starts_with("http://me:p%40ss%3Aw@127.0.0.1:"), "{url}");
    let target = "graph.microsoft.com:443";
    let (answer, _) = connect(&running, target, "").await;
    assert!(answer.starts_with("HTTP/1.1 407"), "{answer}");
    assert!(answer.contains("proxy-authenticate: Basic"), "{answer}");
    let (answer, _) = connect(
        &running,
        target,
        "Proxy-Authorization: Basic bWU6d3Jvbmc=\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 407"), "{answer}");
    // "me:p@ss:w"
    let (answer, _) = connect(
        &running,
        target,
        "Proxy-Authorization: basic bWU6cEBzczp3\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn https_has_a_certificate_for_the_address_and_for_the_true_names() {
    let running = start().await;
    let url = running.https_url().unwrap();
    let connect = async || TcpStream::connect(address(&url)).await.unwrap();

    let stream = tls(&running, connect().await, "127.0.0.1").await.unwrap();
    let asked = request("GET", "127.0.0.1", "/nowhere", &[], "");
    let answer = send(stream, asked).await.unwrap();
    assert_eq!(answer.text(), "the emulator serves nothing at /nowhere\n");

    let stream = tls(&running, connect().await, "graph.microsoft.com")
        .await
        .unwrap();
    let asked = request("POST", "graph.microsoft.com", RUN[1], &[], "");
    assert_eq!(send(stream, asked).await.unwrap().status, 404);

    assert!(
        tls(&running, connect().await, "evil.example")
            .await
            .is_err()
    );
}

/// Where MSAL asks for an application's token when it is told its region.
#[tokio::test]
async fn an_authority_has_regions() {
    let running = start().await;
    for host in [
        "westeurope.login.microsoft.com",
        "WestUS2.login.microsoft.com",
        "westeurope.r.login.microsoftonline.com",
    ] {
        let answer = token_at(&running, host, 1, GRAPH).await;
        assert_eq!(answer.status, 200, "{host}: {}", answer.text());
        let path = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
        let document = proxied(&running, host, "GET", &path, &[], "").await.json();
        let host = host.to_lowercase();
        assert_eq!(
            document["token_endpoint"],
            format!("https://{host}/{TENANT}/oauth2/v2.0/token")
        );
    }
    let government = "https://graph.microsoft.us/.default";
    let answer = token_at(
        &running,
        "usgovvirginia.login.microsoftonline.us",
        3,
        government,
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (head, _) = connect(&running, "a.b.login.microsoft.com:443", "").await;
    assert!(head.starts_with("HTTP/1.1 502"), "{head}");
}

//! Every cloud and environment at Microsoft's own host names, through the emulator's proxy.

use std::sync::Mutex;

use defender_emulator::{Cloud, Options, RecordedBody, Running, Tenant};

use crate::command::{Folder, Ran};
use crate::service;

/// Cloud, environment, host of the API, audience of the token.
///
/// Source: <https://learn.microsoft.com/defender-endpoint/gov>,
/// <https://learn.microsoft.com/graph/deployments>
const HOSTS: &str = "
    global   M365DGraph graph.microsoft.com                 https://graph.microsoft.com
    us       M365DGraph graph.microsoft.com                 https://graph.microsoft.com
    eu       M365DGraph graph.microsoft.com                 https://graph.microsoft.com
    uk       M365DGraph graph.microsoft.com                 https://graph.microsoft.com
    au       M365DGraph graph.microsoft.com                 https://graph.microsoft.com
    swa      M365DGraph graph.microsoft.com                 https://graph.microsoft.com
    ina      M365DGraph graph.microsoft.com                 https://graph.microsoft.com
    aea      M365DGraph graph.microsoft.com                 https://graph.microsoft.com
    gcc      M365DGraph graph.microsoft.com                 https://graph.microsoft.com
    gcc-high M365DGraph graph.microsoft.us                  https://graph.microsoft.us
    dod      M365DGraph dod-graph.microsoft.us              https://dod-graph.microsoft.us
    cn       M365DGraph -                                   -
    global   MDE        api.securitycenter.microsoft.com    https://api.securitycenter.microsoft.com
    us       MDE        api-us.securitycenter.microsoft.com https://api.securitycenter.microsoft.com
    eu       MDATP      api-eu.securitycenter.microsoft.com https://api.securitycenter.microsoft.com
    uk       MDE        api-uk.securitycenter.microsoft.com https://api.securitycenter.microsoft.com
    au       MDE        au.api.security.microsoft.com       https://api.securitycenter.microsoft.com
    swa      MDE        swa.api.security.microsoft.com      https://api.securitycenter.microsoft.com
    ina      MDE        ina.api.security.microsoft.com      https://api.securitycenter.microsoft.com
    aea      MDE        aea.api.security.microsoft.com      https://api.securitycenter.microsoft.com
    gcc      MDE        api-gcc.securitycenter.microsoft.us https://api-gcc.securitycenter.microsoft.us
    gcc-high MDE        api-gov.securitycenter.microsoft.us https://api-gov.securitycenter.microsoft.us
    dod      MDE        api-gov.securitycenter.microsoft.us https://api-gov.securitycenter.microsoft.us
    cn       MDE        -                                   -
    global   M365D      api.security.microsoft.com          https://api.security.microsoft.com
    us       M365D      api-us.security.microsoft.com       https://api.security.microsoft.com
    eu       M365D      api-eu.security.microsoft.com       https://api.security.microsoft.com
    uk       M365D      api-uk.security.microsoft.com       https://api.security.microsoft.com
    au       M365D      au.api.security.microsoft.com       https://api.security.microsoft.com
    swa      M365D      swa.api.security.microsoft.com      https://api.security.microsoft.com
    ina      M365D      ina.api.security.microsoft.com      https://api.security.microsoft.com
    aea      M365D      aea.api.security.microsoft.com      https://api.security.microsoft.com
    gcc      M365D      api-gcc.security.microsoft.us       https://api-gcc.security.microsoft.us
    gcc-high M365D      api-gov.security.microsoft.us       https://api-gov.security.microsoft.us
    dod      M365D      api-gov.security.microsoft.us       https://api-gov.security.microsoft.us
    cn       M365D      -                                   -
";

/// An emulator with one tenant of `cloud` behind a proxy.
fn behind_proxy(cloud: Cloud) -> Running {
    service::start(Options {
        tenants: vec![Tenant {
            cloud,
            ..service::tenant('4', "Contoso")
        }],
        proxy: Options::default().proxy,
        ..service::options()
    })
}

fn ask(cloud: &str, environment: &str) -> (Running, Ran) {
    let running = behind_proxy(match cloud {
        "gcc-high" | "dod" => Cloud::UsGovernment,
        "cn" => Cloud::China,
        _ => Cloud::Global,
    });
    let folder = Folder::new();
    folder.write("msticpyconfig.yaml", running.settings_yaml());
    folder.write("ca.pem", running.ca_pem());
    let mut variables = vec![("HTTPS_PROXY".to_owned(), running.proxy_url().unwrap())];
    let mut arguments = vec!["query", "print x=1", "--format", "csv", "--quiet"];
    arguments.extend(["--cloud", cloud, "--env", environment, "--retries", "0"]);
    // Both ways to name the authority.
    if environment == "MDE" {
        variables.push(("SSL_CERT_FILE".to_owned(), "ca.pem".to_owned()));
    } else {
        arguments.extend(["--ca-file", "ca.pem"]);
    }
    let ran = folder.run_in(&arguments, &variables, "");
    (running, ran)
}

#[test]
fn every_cloud_and_environment_is_asked_at_its_own_host() {
    let queue = Mutex::new(HOSTS.lines().filter(|line| !line.trim().is_empty()));
    let asked = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(line) = queue.lock().unwrap().next() else {
                        return;
                    };
                    let words: Vec<&str> = line.split_whitespace().collect();
                    let [cloud, environment, host, audience] = words[..] else {
                        panic!("not four words: {line}");
                    };
                    check(cloud, environment, host, audience);
                    *asked.lock().unwrap() += 1;
                }
            });
        }
    });
    assert_eq!(asked.into_inner().unwrap(), 36);
}

fn check(cloud: &str, environment: &str, host: &str, audience: &str) {
    let (running, ran) = ask(cloud, environment);
    let context = format!("{cloud} {environment}: {}", ran.stderr);
    if host == "-" {
        assert_eq!(ran.code, 3, "{context}");
        assert!(
            ran.stderr.contains("21Vianet") || ran.stderr.contains("cn"),
            "{context}"
        );
        assert_eq!(running.requests(), [], "{context}");
        return;
    }
    assert_eq!((ran.code, ran.text().as_str()), (0, "x\n1\n"), "{context}");
    let login = match cloud {
        "gcc-high" | "dod" => "login.microsoftonline.us",
        _ => "login.microsoftonline.com",
    };
    let requests = running.requests();
    let hosts: Vec<&str> = requests
        .iter()
        .filter(|request| request.method != "CONNECT")
        .map(|request| request.host.as_str())
        .collect();
    assert_eq!(hosts, [login, host], "{context}");
    let RecordedBody::Form(form) = &requests[0].body else {
        panic!("{context}: the token was not asked for with a form");
    };
    assert_eq!(form["scope"], format!("{audience}/.default"), "{context}");
}

#[test]
fn what_the_emulator_sets_is_enough() {
    let running = behind_proxy(Cloud::Global);
    let folder = Folder::new();
    let ran = folder.run_in(
        &["query", "print x=1", "--format", "csv"],
        running.environment(),
        "",
    );
    assert_eq!(
        (ran.code, ran.text().as_str()),
        (0, "x\n1\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_embedded_service_is_reached_without_the_proxy() {
    let folder = Folder::new();
    let nowhere = "http://127.0.0.1:9".to_owned();
    let variables = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "http_proxy"]
        .map(|name| (name.to_owned(), nowhere.clone()));
    let ran = folder.run_in(
        &["query", "--demo", "print x=1", "--format", "csv"],
        &variables,
        "",
    );
    assert_eq!(
        (ran.code, ran.text().as_str()),
        (0, "x\n1\n"),
        "{}",
        ran.stderr
    );
}

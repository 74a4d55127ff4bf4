//! No secret is in anything that a run prints, logs or leaves behind.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use defender_emulator::{
    Application, DeviceScript, Faults, Options, ProxyCredentials, Running, SignIn, Tenant, Vault,
    VaultSecret,
};

use crate::command::{Folder, Ran};
use crate::service;

const SECRET: &str = "cAnArY-one+/&=% ~\u{fc}";
const MISTYPED: &str = "cAnArY-two+/&=% ~\u{fc}";
const PASSWORD: &str = "cAnArY-three:/@ %\u{fc}";
const MISTYPED_PASSWORD: &str = "cAnArY-four:/@ %\u{fc}";

const KEY_PASSWORD: &str = "cAnArY-five+/&=% ~\u{fc}";
const ACCESS_TOKEN: &str = "cAnArY-six.AbCdEfGh.IjKlMnOp";
const VAULT_VALUE: &str = "cAnArY-seven+/&=% ~\u{fc}";
const REFRESH_TOKEN: &str = "cAnArY-eight.AbCdEfGh_IjKlMnOp-Q/+=";
const SECRETS: [&str; 8] = [
    SECRET,
    MISTYPED,
    PASSWORD,
    MISTYPED_PASSWORD,
    KEY_PASSWORD,
    ACCESS_TOKEN,
    VAULT_VALUE,
    REFRESH_TOKEN,
];

/// An emulator behind a proxy that asks for a password.
fn start(faults: &str) -> Running {
    let tenant = Tenant {
        applications: vec![Application::new(service::CLIENT, SECRET)],
        vaults: vec![Vault {
            readers: vec![service::CLIENT.to_owned()],
            secrets: vec![VaultSecret::new("hunting", VAULT_VALUE)],
            ..Vault::new("contoso")
        }],
        ..service::tenant('4', "Contoso")
    };
    service::start(Options {
        tenants: vec![tenant],
        proxy: Options::default().proxy,
        proxy_credentials: Some(ProxyCredentials {
            user: "user".to_owned(),
            password: PASSWORD.to_owned().into(),
        }),
        faults: Faults::parse(faults).unwrap(),
        sign_in: SignIn {
            device: DeviceScript {
                interval: Duration::ZERO,
                ..DeviceScript::default()
            },
            ..SignIn::default()
        },
        ..service::options()
    })
}

/// `secret` in every form in which it could slip through.
fn forms(secret: &str) -> BTreeSet<String> {
    let percent = |keep: &dyn Fn(u8) -> bool| -> String {
        secret
            .bytes()
            .map(|byte| {
                if keep(byte) {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect()
    };
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let percent = percent(&unreserved);
    let mut forms = BTreeSet::from([
        secret.to_owned(),
        percent.to_lowercase(),
        form.to_lowercase(),
        percent,
        form,
        secret.escape_debug().to_string(),
        serde_json::to_string(secret)
            .unwrap()
            .trim_matches('"')
            .to_owned(),
        // What is common to all of them: the secret cut short.
        secret[..9].to_owned(),
    ]);
    // In base64 a text looks different depending on what stands before it.
    for shift in 0..3 {
        let padded = [&b"xxx"[..shift], secret.as_bytes()].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&padded);
            // The characters at the ends depend on the neighbours.
            let start = (shift * 8).div_ceil(6) + 1;
            forms.insert(encoded[start..encoded.len() - 2].to_owned());
        }
    }
    forms
}

fn assert_secret(what: &str, text: &str) {
    for (number, secret) in SECRETS.iter().enumerate() {
        for form in forms(secret) {
            // Which one it is says the number; the form itself would be a leak of its own.
            assert!(
                !text.contains(&form),
                "{what}: secret {} shows as {form:?} in\n{text}",
                number + 1
            );
        }
    }
    assert!(!text.contains("eyJ"), "{what}: a token shows in\n{text}");
}

#[test]
fn the_forms_are_found_where_they_are() {
    let secret = SECRET;
    for prefix in ["", "u:", "user:"] {
        let encoded = STANDARD_NO_PAD.encode(format!("{prefix}{secret}"));
        let found = forms(secret)
            .iter()
            .any(|form| encoded.contains(form.as_str()));
        assert!(found, "{prefix}");
    }
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    assert!(forms(secret).contains(&form));
}

/// Runs with everything that can be said said, on standard error and into a file.
fn run(
    running: &Running,
    folder: &Folder,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Vec<Ran> {
    let proxy = running.proxy_url().unwrap();
    let mut environment = vec![
        ("HTTPS_PROXY".to_owned(), proxy),
        ("SSL_CERT_FILE".to_owned(), "ca.pem".to_owned()),
        ("APP_SECRET".to_owned(), SECRET.to_owned()),
    ];
    for (name, value) in variables {
        environment.retain(|(existing, _)| existing != name);
        environment.push(((*name).to_owned(), (*value).to_owned()));
    }
    let mut ran = Vec::new();
    for more in [
        &["-vvv"][..],
        &["--log-file", "log.txt", "-vvv"],
        &["--json-errors"],
    ] {
        let arguments = [arguments, more].concat();
        ran.push(folder.run_in(&arguments, &environment, ""));
        let what = format!("{arguments:?}");
        let last = ran.last().unwrap();
        assert_secret(&what, &last.stderr);
        assert_secret(&what, &String::from_utf8_lossy(&last.stdout));
    }
    let log = std::fs::read_to_string(folder.work().join("log.txt")).unwrap();
    assert_secret(&format!("the log of {arguments:?}"), &log);
    ran
}

fn folder(running: &Running, secret: &str) -> Folder {
    let folder = Folder::new();
    folder.write("ca.pem", running.ca_pem());
    folder.write(
        "msticpyconfig.yaml",
        &format!(
            "DataProviders:\n  MicrosoftDefender:\n    Args:\n      TenantId: {}\n      \
             ClientId: {}\n      ClientSecret: {}\n",
            service::TENANT,
            service::CLIENT,
            serde_json::to_string(secret).unwrap()
        ),
    );
    folder
}

/// The exit codes of one command line, logged in every way.
fn codes(ran: &[Ran]) -> Vec<i32> {
    ran.iter().map(|ran| ran.code).collect()
}

const QUERY: [&str; 4] = ["query", "print x=1", "--retries", "0"];

#[test]
fn a_run_that_succeeds_shows_no_secret() {
    let running = start("[]");
    let folder = folder(&running, SECRET);
    let ran = run(&running, &folder, &QUERY, &[]);
    assert_eq!(codes(&ran), [0, 0, 0], "{}", ran[0].stderr);
    // The log is one: it would be easy to show no secret by showing nothing.
    assert!(
        ran[0].stderr.contains("graph.microsoft.com"),
        "{}",
        ran[0].stderr
    );

    for arguments in [
        &["token"][..],
        &["token", "--json"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["config", "validate"],
        &["query", "print x=1", "--print"],
    ] {
        let ran = run(&running, &folder, arguments, &[]);
        assert_eq!(codes(&ran), [0, 0, 0], "{arguments:?}: {}", ran[0].stderr);
    }
    let arguments = [&QUERY[..], &["--client-secret-env", "APP_SECRET"]].concat();
    assert_eq!(codes(&run(&running, &folder, &arguments, &[])), [0, 0, 0]);
    let text = format!(
        "tenant_id={};client_id={};client_secret='{SECRET}'",
        service::TENANT,
        service::CLIENT
    );
    let arguments = [&QUERY[..], &["--connection-string-env", "CONNECTION"]].concat();
    let ran = run(&running, &folder, &arguments, &[("CONNECTION", &text)]);
    assert_eq!(codes(&ran), [0, 0, 0], "{}", ran[0].stderr);
}

#[test]
fn only_raw_shows_the_token() {
    let running = start("[]");
    let folder = folder(&running, SECRET);
    let environment = [
        ("HTTPS_PROXY".to_owned(), running.proxy_url().unwrap()),
        ("SSL_CERT_FILE".to_owned(), "ca.pem".to_owned()),
    ];
    let ran = folder.run_in(&["token", "--raw", "-vvv"], &environment, "");
    assert_eq!(
        ran.text().trim_end().split('.').count(),
        3,
        "{}",
        ran.stderr
    );
    assert!(ran.text().starts_with("eyJ"));
    assert_secret("token --raw", &ran.stderr);
}

#[test]
fn a_refused_sign_in_shows_no_secret() {
    let running = start("[]");
    let folder = folder(&running, MISTYPED);
    let ran = run(&running, &folder, &QUERY, &[]);
    assert_eq!(codes(&ran), [4, 4, 4], "{}", ran[0].stderr);
    let arguments = [&QUERY[..], &["--client-secret-env", "APP_SECRET"]].concat();
    let ran = run(&running, &folder, &arguments, &[("APP_SECRET", MISTYPED)]);
    assert_eq!(codes(&ran), [4, 4, 4], "{}", ran[0].stderr);
}

#[test]
fn an_authority_that_repeats_the_secret_does_not_spread_it() {
    let form: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let documents = [
        serde_json::json!({"error": "invalid_client", "error_description": format!("AADSTS7000215: {SECRET} is wrong")}),
        serde_json::json!({"error": "invalid_request", "error_description": format!("AADSTS900144: The request body was client_secret={form}&scope=x")}),
    ];
    for document in documents {
        let faults = format!(
            "- path: '{}'\n  status: 401\n  json: {document}\n",
            service::TOKEN
        );
        let running = start(&faults);
        let ran = run(&running, &folder(&running, SECRET), &QUERY, &[]);
        assert_eq!(codes(&ran), [4, 4, 4], "{}", ran[0].stderr);
    }
    let page = serde_json::Value::from(format!("<html><title>Bad {form}</title></html>"));
    let faults = format!(
        "- path: '{}'\n  status: 500\n  text: {page}\n",
        service::TOKEN
    );
    let running = start(&faults);
    let ran = run(&running, &folder(&running, SECRET), &QUERY, &[]);
    assert_eq!(codes(&ran), [8, 8, 8], "{}", ran[0].stderr);
}

#[test]
fn a_failing_service_shows_no_secret() {
    for (fault, code) in [
        ("status: 401", 4),
        ("status: 403", 5),
        ("status: 500", 8),
        ("drop_after: 0", 8),
        ("truncate_after: 10", 8),
    ] {
        let running = start(&format!("- path: '{}'\n  {fault}\n", service::HUNT));
        let ran = run(&running, &folder(&running, SECRET), &QUERY, &[]);
        assert_eq!(codes(&ran), [code; 3], "{fault}: {}", ran[0].stderr);
    }
}

#[test]
fn a_proxy_that_refuses_shows_no_password() {
    let running = start("[]");
    let folder = folder(&running, SECRET);
    let encoded: String =
        url::form_urlencoded::byte_serialize(MISTYPED_PASSWORD.as_bytes()).collect();
    let encoded = encoded.replace('+', "%20");
    let address = running.proxy_url().unwrap();
    let address = address.rsplit('@').next().unwrap();
    let proxy = format!("http://user:{encoded}@{address}");
    let ran = run(&running, &folder, &QUERY, &[("HTTPS_PROXY", &proxy)]);
    assert_eq!(codes(&ran), [8, 8, 8], "{}", ran[0].stderr);
    assert!(ran[0].stderr.contains("407"), "{}", ran[0].stderr);
    let arguments = [&QUERY[..], &["--proxy", &proxy]].concat();
    // Its own argument is not printed, but the list of arguments here would be.
    let ran = folder.run_in(&arguments, &[], "");
    assert_eq!(ran.code, 8);
    assert_secret("--proxy", &ran.stderr);
    // An address that cannot be read is not repeated either.
    let broken = format!("http://user:{MISTYPED_PASSWORD}@:x");
    let ran = run(&running, &folder, &QUERY, &[("HTTPS_PROXY", &broken)]);
    assert_ne!(ran[0].code, 0, "{}", ran[0].stderr);
}

#[test]
fn a_broken_settings_file_shows_no_secret() {
    let running = start("[]");
    let quoted = serde_json::to_string(SECRET).unwrap();
    for text in [
        // Broken right at the secret, before it, after it.
        format!(
            "DataProviders:\n  MicrosoftDefender:\n    Args:\n      ClientSecret: \"{SECRET}\n"
        ),
        format!(
            "DataProviders:\n  MicrosoftDefender:\n    Args:\n      ClientSecret: {quoted} {quoted}\n"
        ),
        format!(
            "DataProviders:\n  MicrosoftDefender:\n    Args:\n     ClientSecret: {quoted}\n    x\n  ]\n"
        ),
        format!("DataProviders:\n  MicrosoftDefender:\n    Args: {quoted}\n"),
        format!("DataProviders:\n  MicrosoftDefender:\n    Args: [{quoted}]\n"),
        format!(
            "DataProviders:\n  MicrosoftDefender:\n    Args:\n      ClientSecret: [{quoted}]\n"
        ),
        format!(
            "DataProviders:\n  MicrosoftDefender:\n    Args:\n      ClientSecret:\n        KeyVaultt: {quoted}\n"
        ),
        format!(
            "DataProviders:\n  MicrosoftDefender:\n    Args:\n      ClientSecret: {quoted}\n      ClientSecret: {quoted}\n"
        ),
        format!(
            "msticpy:\n  Proxies:\n    https:\n      Url: \"http://user:{SECRET}@proxy.example:8080\"\n      Password: {quoted}\nDataProviders: {quoted}\n"
        ),
    ] {
        let folder = folder(&running, SECRET);
        folder.write("msticpyconfig.yaml", &text);
        for arguments in [&QUERY[..], &["config", "validate"], &["config", "show"]] {
            let ran = run(&running, &folder, arguments, &[]);
            assert!(
                ran.iter().all(|ran| [0, 3].contains(&ran.code)),
                "{arguments:?}: {}",
                ran[0].stderr
            );
        }
    }
    let folder = folder(&running, SECRET);
    for text in [
        format!("client_secret={SECRET}"),
        format!("client_secret='{SECRET}"),
        SECRET.to_owned(),
        format!("tenant_id=x;{SECRET}={SECRET}"),
    ] {
        let arguments = [&QUERY[..], &["--connection-string-env", "CONNECTION"]].concat();
        let ran = run(&running, &folder, &arguments, &[("CONNECTION", &text)]);
        assert_eq!(codes(&ran), [3, 3, 3], "{}", ran[0].stderr);
    }
}

#[test]
fn a_way_to_sign_in_that_is_no_word_is_not_quoted() {
    let running = start("[]");
    for (variable, value, quoted) in [
        ("DEFENDER__Azure__auth_methods", ACCESS_TOKEN, "a name"),
        ("DEFENDER__Azure__auth_methods", "managd", "'managd'"),
        ("DEFENDER__KeyVault__AuthnType", SECRET, "a name"),
        ("DEFENDER__KeyVault__AuthnType", "managd", "'managd'"),
    ] {
        let folder = folder(&running, SECRET);
        folder.write(
            "msticpyconfig.yaml",
            &format!(
                "KeyVault: {{VaultName: contoso}}\nDataProviders:\n  MicrosoftDefender:\n    \
                 Args:\n      TenantId: {}\n      ClientId: {}\n      ClientSecret: {{KeyVault: \
                 hunting}}\n",
                service::TENANT,
                service::CLIENT
            ),
        );
        let ran = run(&running, &folder, &QUERY, &[(variable, value)]);
        let told = format!("the sign-in type is not known: {quoted} in ");
        assert!(
            ran[0].stderr.contains(&told),
            "{variable}: {}",
            ran[0].stderr
        );
    }
}

/// Every way to sign in fails here, with a secret of its own that is at hand and wrong.
#[test]
fn no_failing_sign_in_shows_or_leaves_its_secret() {
    let running = start("[]");
    let folder = folder(&running, MISTYPED);
    for (name, text) in [
        (
            "certificate.pem",
            include_str!("../../../query/tests/it/fixtures/certificate.pem"),
        ),
        (
            "key.pem",
            include_str!("../../../query/tests/it/fixtures/key.pem"),
        ),
    ] {
        folder.write(name, text);
    }
    let vault = format!(
        "KeyVault: {{VaultName: contoso}}\nDataProviders:\n  MicrosoftDefender:\n    Args:\n      \
         TenantId: {}\n      ClientId: {}\n      ClientSecret: {{KeyVault: hunting}}\n",
        service::TENANT,
        service::CLIENT
    );
    folder.write("vault.yaml", &vault);
    let variables = [
        ("KEY_PASSWORD", KEY_PASSWORD),
        ("ACCESS_TOKEN", ACCESS_TOKEN),
        ("AZURE_TENANT_ID", service::TENANT),
        ("AZURE_CLIENT_ID", service::CLIENT),
        ("AZURE_CLIENT_SECRET", SECRET),
    ];
    for (more, code) in [
        (
            &[
                "--certificate",
                "certificate.pem",
                "--private-key",
                "key.pem",
                "--private-key-secret-env",
                "KEY_PASSWORD",
            ][..],
            3,
        ),
        (&["--access-token-env", "ACCESS_TOKEN"], 4),
        (&["--config", "vault.yaml"], 4),
        (&["--config", "vault.yaml", "--token-cache"], 4),
    ] {
        let arguments = [&QUERY[..], more].concat();
        let ran = run(&running, &folder, &arguments, &variables);
        assert_eq!(codes(&ran), [code; 3], "{more:?}: {}", ran[0].stderr);
    }
    assert_nothing_left(&folder);
}

/// A user's sign-in is kept, refused by the service, and renewed in vain.
#[test]
fn a_kept_sign_in_shows_and_leaves_no_token() {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let identity = format!(
        "{}.{}.x",
        part(serde_json::json!({"alg": "RS256"})),
        part(serde_json::json!({
            "aud": service::CLIENT,
            "tid": service::TENANT,
            "oid": "44444444-4444-4444-4444-dddddddddddd",
            "preferred_username": "ana@contoso.example",
        }))
    );
    let granted = serde_json::json!({
        "token_type": "Bearer",
        "expires_in": 3599,
        "access_token": ACCESS_TOKEN,
        "refresh_token": REFRESH_TOKEN,
        "id_token": identity,
    });
    let form: String = url::form_urlencoded::byte_serialize(REFRESH_TOKEN.as_bytes()).collect();
    let refused = serde_json::json!({
        "error": "invalid_grant",
        "error_description": format!("AADSTS70000: grant_type=refresh_token&refresh_token={form} and {REFRESH_TOKEN}"),
    });
    let token = service::TOKEN;
    let running = start(&format!(
        "- {{path: '{token}', requests: [1, 2, 3], json: {granted}}}\n\
         - {{path: '{token}', status: 400, json: {refused}}}\n"
    ));
    let folder = folder(&running, SECRET);
    let user = ["--auth-type", "device"];
    let ran = run(&running, &folder, &[&["login"][..], &user].concat(), &[]);
    assert_eq!(codes(&ran), [0; 3], "{}", ran[0].stderr);
    let arguments = [&QUERY[..], &user, &["--no-input"]].concat();
    let ran = run(&running, &folder, &arguments, &[]);
    assert_eq!(codes(&ran), [4; 3], "{}", ran[0].stderr);
    // It was the refresh token that was refused.
    assert!(ran[0].stderr.contains("AADSTS70000"), "{}", ran[0].stderr);
    assert_nothing_left(&folder);
}

/// What was written here is ours; everything else is the command's.
fn assert_nothing_left(folder: &Folder) {
    let given = ["msticpyconfig.yaml", "ca.pem"];
    let mut folders = vec![folder.root().to_owned()];
    while let Some(path) = folders.pop() {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !given.iter().any(|name| path.ends_with(name)) {
                let bytes = std::fs::read(&path).unwrap();
                let text = String::from_utf8_lossy(&bytes);
                assert_secret(&path.display().to_string(), &text);
            }
        }
    }
}

/// A private key or a PFX stands where a file's name belongs, in every way that it can be given.
#[test]
fn a_key_in_the_place_of_a_file_is_not_quoted() {
    let running = start("[]");
    let long = SECRET.repeat(9);
    let encoded = STANDARD_NO_PAD.encode(&long);
    for value in [
        encoded.clone(),
        URL_SAFE_NO_PAD.encode(&long),
        SECRET.to_owned(),
        format!("-----BEGIN PRIVATE KEY-----\n{encoded}\n-----END PRIVATE KEY-----\n"),
    ] {
        let quoted = serde_json::to_string(&value).unwrap();
        for (setting, more) in [
            (format!("Certificate: {quoted}"), ""),
            ("Certificate: {EnvironmentVar: VALUE}".to_owned(), ""),
            (
                "Certificate: cert.pem".to_owned(),
                "PrivateKey: {EnvironmentVar: VALUE}",
            ),
            (format!("AssertionFile: {quoted}"), ""),
            ("AssertionFile: {EnvironmentVar: VALUE}".to_owned(), ""),
            (
                "ClientSecret: x".to_owned(),
                "Cloud: {EnvironmentVar: VALUE}",
            ),
        ] {
            let folder = folder(&running, SECRET);
            folder.write("cert.pem", "no certificate");
            folder.write(
                "msticpyconfig.yaml",
                &format!(
                    "DataProviders:\n  MicrosoftDefender:\n    Args:\n      TenantId: {}\n      \
                     ClientId: {}\n      {setting}\n      {more}\n",
                    service::TENANT,
                    service::CLIENT,
                ),
            );
            for arguments in [
                &QUERY[..],
                &["token"],
                &["login"],
                &["config", "show"],
                &["config", "show", "--json"],
                &["config", "validate"],
            ] {
                let ran = run(&running, &folder, arguments, &[("VALUE", &value)]);
                let fine = arguments[0] == "config";
                assert!(
                    ran.iter().all(|ran| fine || ran.code != 0),
                    "{arguments:?}: {}",
                    ran[0].stderr
                );
            }
        }
        let folder = Folder::new();
        folder.write("ca.pem", running.ca_pem());
        for name in [
            "AZURE_CLIENT_CERTIFICATE_PATH",
            "AZURE_FEDERATED_TOKEN_FILE",
        ] {
            let variables = [
                ("AZURE_TENANT_ID", service::TENANT),
                ("AZURE_CLIENT_ID", service::CLIENT),
                (name, value.as_str()),
            ];
            for more in [&[][..], &["--auth-type", "environment"]] {
                let arguments = [&QUERY[..], more].concat();
                let ran = run(&running, &folder, &arguments, &variables);
                assert!(ran.iter().all(|ran| ran.code != 0), "{}", ran[0].stderr);
            }
        }
    }
}

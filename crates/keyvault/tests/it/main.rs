//! Secrets from an emulated vault, signed in for at an emulated authority.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is"
)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use defender_core::{
    Error, ErrorKind, ExposeSecret, Result, Scope, SecretRef, SecretResolver, SecretString,
    WrittenName,
};
use defender_credentials::{Authority, Cached, ClientSecret};
use defender_emulator::{
    Emulator, Fault, FaultAnswer, Faults, Options, Running, Tenant, Vault, VaultAccess, VaultSecret,
};
use defender_http::{HttpOptions, HttpTransport, ProxySettings, Retry, RetryPolicy, SystemClock};
use defender_keyvault::{VaultSecrets, Vaults};

/// Resolves nothing.
#[derive(Debug)]
struct Nothing;

#[async_trait]
impl SecretResolver for Nothing {
    async fn resolve(&self, _: &SecretRef) -> Result<SecretString> {
        Err(Error::new(ErrorKind::Usage, "nothing is here"))
    }
}

/// The demo tenant, whose application may read `contoso` and not `fabrikam`.
fn options() -> Options {
    let mut tenant = Tenant::demo();
    let secrets = vec![
        VaultSecret {
            version: "01".to_owned(),
            ..VaultSecret::new("Hunting", "canary-1")
        },
        VaultSecret::new("Hunting", "canary-2"),
        VaultSecret {
            enabled: false,
            ..VaultSecret::new("Disabled", "canary-3")
        },
        VaultSecret {
            expires: Some(std::time::SystemTime::UNIX_EPOCH),
            ..VaultSecret::new("Expired", "canary-4")
        },
        VaultSecret::new("Empty", ""),
    ];
    tenant.vaults = vec![
        Vault {
            readers: vec![tenant.applications[0].client_id.clone()],
            secrets: secrets.clone(),
            ..Vault::new("contoso")
        },
        Vault {
            secrets,
            access: VaultAccess::Policies,
            ..Vault::new("fabrikam")
        },
    ];
    Options {
        tenants: vec![tenant, Tenant::second(), Tenant::government()],
        ..Options::default()
    }
}

/// A resolver that signs in as the application of `tenant` at `login`, through the proxy.
fn secrets(running: &Running, tenant: &Tenant, login: &str, suffix: &str) -> VaultSecrets {
    let ca_file = running.folder().join("ca.pem");
    let http = HttpOptions {
        ca_file: Some(ca_file),
        proxy: Some(ProxySettings {
            url: running.proxy_url().unwrap(),
            ..ProxySettings::default()
        }),
        ..HttpOptions::default()
    };
    let transport = Arc::new(HttpTransport::new(&http).unwrap());
    let application = &tenant.applications[0];
    let credential = ClientSecret::new(
        Authority::new(login.parse().unwrap(), tenant.id.clone()).unwrap(),
        application.client_id.clone(),
        application.secrets[0].value.clone(),
        transport.clone(),
        Arc::new(SystemClock),
    );
    let vaults = Vaults {
        default_vault: Some("contoso".to_owned()),
        suffix: suffix.to_owned(),
        scope: Scope::default_of(&format!("https://{suffix}")),
    };
    let policy = RetryPolicy {
        initial: Duration::from_millis(1),
        ..RetryPolicy::default()
    };
    VaultSecrets::new(
        vaults,
        Arc::new(Cached::new(credential, Arc::new(SystemClock))),
        transport,
        Retry::new(policy, Arc::new(SystemClock)),
        Arc::new(Nothing),
    )
}

fn demo(running: &Running) -> VaultSecrets {
    let login = "https://login.microsoftonline.com";
    secrets(running, &Tenant::demo(), login, "vault.azure.net")
}

async fn get(
    secrets: &VaultSecrets,
    vault: Option<&str>,
    name: &str,
    version: Option<&str>,
) -> Result<String> {
    let reference = SecretRef::Vault {
        vault: vault.map(WrittenName::of_words),
        name: WrittenName::of_words(name),
        version: version.map(WrittenName::of_words),
        setting: "A.B".to_owned(),
    };
    let secret = secrets.resolve(&reference).await?;
    Ok(secret.expose_secret().to_owned())
}

#[tokio::test]
async fn secrets_and_versions_come_from_vaults_at_their_true_names() {
    let running = Emulator::start(options()).await.unwrap();
    let secrets = demo(&running);
    assert_eq!(
        get(&secrets, None, "Hunting", None).await.unwrap(),
        "canary-2"
    );
    let vault = Some("https://contoso.vault.azure.net/");
    assert_eq!(
        get(&secrets, vault, "hunting", Some("01")).await.unwrap(),
        "canary-1"
    );
    assert_eq!(
        get(&secrets, vault, "hunting", None).await.unwrap(),
        "canary-2"
    );
    let asked: Vec<String> = running
        .requests()
        .into_iter()
        .map(|request| {
            format!(
                "{} {}{} {}",
                request.method, request.host, request.path, request.status
            )
        })
        .collect();
    insta::assert_snapshot!(asked.join("\n"));
}

#[tokio::test]
async fn a_government_vault_is_read_with_a_government_token() {
    let running = Emulator::start(options()).await.unwrap();
    let login = "https://login.microsoftonline.us";
    let secrets = secrets(
        &running,
        &Tenant::government(),
        login,
        "vault.usgovcloudapi.net",
    );
    let name = "DataProviders-MicrosoftDefender-Args-ClientSecret";
    let secret = get(&secrets, Some("government-vault"), name, None)
        .await
        .unwrap();
    assert_eq!(secret, "government-secret-made-up");
}

#[tokio::test]
async fn refusals_name_the_setting_the_vault_and_the_secret() {
    let running = Emulator::start(options()).await.unwrap();
    let own = demo(&running);
    let login = "https://login.microsoftonline.com";
    let stranger = secrets(&running, &Tenant::second(), login, "vault.azure.net");
    let mut lines = Vec::new();
    for (secrets, vault, name) in [
        (&own, "contoso", "Missing"),
        (&own, "contoso", "Disabled"),
        (&own, "contoso", "Expired"),
        (&own, "contoso", "Empty"),
        (&own, "fabrikam", "Hunting"),
        (&own, "nowhere", "Hunting"),
        (&stranger, "contoso", "Hunting"),
    ] {
        let error = get(secrets, Some(vault), name, None).await.unwrap_err();
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        let text = error.to_string();
        // How long the attempts took is another matter.
        let text = text.split("; gave up").next().unwrap();
        assert!(
            text.contains("A.B") && text.contains(vault) && text.contains(name),
            "{text}"
        );
        let status = error
            .status()
            .map_or("-".to_owned(), |status| status.to_string());
        lines.push(format!(
            "{:?} {status} {}\n{text}\nhint: {}",
            error.kind(),
            error.code().unwrap_or("-"),
            error.hint().unwrap_or("-"),
        ));
    }
    let text = lines
        .join("\n\n")
        .replace(&running.proxy_url().unwrap()["http://".len()..], "[proxy]");
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn on_loopback_the_challenge_says_what_to_ask_for() {
    let running = Emulator::start(options()).await.unwrap();
    let own = secrets(
        &running,
        &Tenant::demo(),
        &running.http_url(),
        "vault.azure.net",
    );
    let vault = format!("{}/vaults/contoso", running.http_url());
    assert_eq!(
        get(&own, Some(&vault), "Hunting", None).await.unwrap(),
        "canary-2"
    );
    let statuses: Vec<_> = running
        .requests()
        .iter()
        .map(|request| request.status)
        .collect();
    assert_eq!(statuses, [401, 200, 200]);
}

#[tokio::test]
async fn a_throttled_vault_is_asked_again() {
    let fault = Fault {
        host: Some("*.vault.azure.net".to_owned()),
        requests: vec![1, 2],
        answer: Some(FaultAnswer::status(429)),
        ..Fault::default()
    };
    let running = Emulator::start(Options {
        faults: Faults::new().with(fault),
        ..options()
    })
    .await
    .unwrap();
    let secrets = demo(&running);
    assert_eq!(
        get(&secrets, None, "Hunting", None).await.unwrap(),
        "canary-2"
    );
    let vault = running
        .requests()
        .iter()
        .filter(|request| request.host.starts_with("contoso"))
        .count();
    assert_eq!(vault, 3);
}

#[tokio::test]
async fn no_debug_holds_what_was_fetched_or_stands_where_a_name_belongs() {
    const MISPLACED: &str = "cAnArY-8Q~secret.value-0123456789ab";
    let running = Emulator::start(options()).await.unwrap();
    let secrets = demo(&running);
    assert_eq!(
        get(&secrets, None, "Hunting", None).await.unwrap(),
        "canary-2"
    );
    let mut shown = vec![format!("{secrets:?} {secrets:#?}")];
    for (vault, name, version) in [
        (None, MISPLACED, None),
        (Some(MISPLACED), "Hunting", None),
        (None, "Hunting", Some(MISPLACED)),
    ] {
        let error = get(&secrets, vault, name, version).await.unwrap_err();
        shown.push(format!("{error:?} {error} {:?}", error.hint()));
        let written = WrittenName::of_words;
        let reference = SecretRef::Vault {
            vault: vault.map(written),
            name: written(name),
            version: version.map(written),
            setting: "A.B".to_owned(),
        };
        shown.push(format!("{reference:?} {reference}"));
    }
    for text in shown {
        assert!(!text.to_lowercase().contains("canary"), "{text}");
    }
}

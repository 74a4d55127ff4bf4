//! What is shown of settings, and what is said about them: never a secret.

use std::fmt::Write as _;

use defender_config::{ConnectionKey, Settings, Sources};

const FILE: &str = "
DataProviders:
  MicrosoftDefender:
    Args:
      TenantId: common
      ClientId: not-an-id
      ClientSecret: canary
      UserName: someone@contoso.com
      ClientSecrt: canary
      Authority: https://login.example/
    Descripton: x
  MicrosoftDefender-Two:
    Args:
      TenantId: contoso.com
      ClientId: 11111111-2222-3333-4444-555555555555
      ClientSecret: {KeyVault: }
      PrivateKeySecret: {EnvironmentVar: UNSET}
  MicrosoftDefendr:
    Args: {ClientSecret: canary}
  Kusto:
    Args: {ClientSecret: canary}
TIProviders:
  VirusTotal:
    Args: {AuthKey: canary}
MDATPApp:
  Args: {TenantId: t}
Azur: {cloud: canary}
KeyVault: {TenantId: t, Vaultname: , UseKeyring: maybe}
msticpy:
  http_timeout: soon
  Proxies:
    https: {Url: 'http://user:canary@proxy.example:8080', UserName: u, Password: canary}
  http_timeot: 5
";

fn settings() -> Settings {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.yaml");
    std::fs::write(&file, FILE).unwrap();
    Settings::load(&Sources {
        file: Some(file),
        environment: [("DEFENDER__Azure__cloud".to_owned(), "gcc".to_owned())].into(),
        ..Sources::default()
    })
    .unwrap()
}

#[test]
fn settings_are_shown_without_secrets() {
    let mut shown = String::new();
    for setting in settings().describe() {
        let _ = writeln!(shown, "{} = {}", setting.path, setting.value);
    }
    assert!(!shown.contains("canary"), "{shown}");
    insta::assert_snapshot!(shown);
}

/// What a variable set may be a secret in the wrong place, whichever setting it is.
#[test]
fn no_setting_from_a_variable_is_shown_unless_it_looks_like_what_belongs_there() {
    let args = ConnectionKey::ALL.map(|key| {
        let name = key.name();
        format!("DEFENDER__DataProviders__MicrosoftDefender__Args__{name}")
    });
    let others = [
        "DEFENDER__Azure__cloud",
        "DEFENDER__Azure__tenant_id",
        "DEFENDER__Azure__auth_methods",
        "DEFENDER__Azure__resource_manager_url",
        "DEFENDER__KeyVault__VaultName",
        "DEFENDER__KeyVault__TenantId",
        "DEFENDER__KeyVault__Authority",
        "DEFENDER__KeyVault__AuthorityURI",
        "DEFENDER__KeyVault__AuthnType",
        "DEFENDER__KeyVault__UseKeyring",
        "DEFENDER__msticpy__http_timeout",
        "DEFENDER__msticpy__Proxies__https__Url",
        "DEFENDER__msticpy__Proxies__https__UserName",
        "DEFENDER__msticpy__Proxies__https__Password",
        "DEFENDER__QueryDefinitions__Custom",
    ]
    .map(ToOwned::to_owned);
    for variable in args.into_iter().chain(others) {
        for value in [
            "Sup3r-Secret.Passw0rd!canary",
            "abc8Q~Zk3x9yPq2WvL0mNt5RsU7iOe4gHjFaSdC1",
            "Sup3rSecretPassw0rd",
        ] {
            let settings = Settings::load(&Sources {
                environment: [(variable.clone(), value.to_owned())].into(),
                ..Sources::default()
            });
            let Ok(settings) = settings else { continue };
            let mut shown = format!("{settings:?} {:?}", settings.warnings());
            for setting in settings.describe() {
                let _ = writeln!(shown, "{} = {}", setting.path, setting.value);
            }
            for finding in settings.validate() {
                let _ = writeln!(shown, "{finding} {:?}", finding.hint);
            }
            let shown = shown.to_lowercase();
            assert!(
                !shown.contains(&value.to_lowercase()[..10]),
                "{variable}: {shown}"
            );
        }
    }
}

#[test]
fn findings_have_paths_and_lines_and_no_values() {
    let settings = settings();
    let mut shown = String::new();
    for finding in settings.validate() {
        let _ = writeln!(
            shown,
            "{:?} {finding} | {}",
            finding.severity,
            finding.hint.as_deref().unwrap_or_default()
        );
    }
    let debug = format!(
        "{settings:?} {:?} {:?}",
        settings.warnings(),
        settings.proxies()
    );
    assert!(
        !shown.contains("canary") && !debug.contains("canary"),
        "{shown} {debug}"
    );
    insta::assert_snapshot!(shown);
}

#[test]
fn sound_settings_have_no_findings() {
    let settings = Settings::parse(
        "msticpy:\n  FriendlyExceptions: true\n  http_timeout: '30'\n  Other: x\nAzureSentinel: {}\n\
         DataProviders:\n  Anything: {Args: {Odd: x}}\n  MicrosoftGraph-T:\n    Description: d\n    \
         Primary: true\n    Provider: p\n    Args: {TenantId: contoso.com, ClientId: \
         11111111-2222-3333-4444-555555555555, UserName: u, TokenCachePath: /x}\n",
    )
    .unwrap();
    assert_eq!(settings.validate(), []);
}

//! Which section a connection is made from.

use defender_config::{ConnectionKey, Settings};
use defender_core::{DataEnvironment, ErrorKind, SecretRef};

const FILE: &str = "
DataProviders:
  MicrosoftDefender:
    Args: {TenantId: base, ClientId: 0042, ClientSecret: {KeyVault: }}
  MicrosoftDefender-Contoso:
    Args: {tenant_id: contoso, Cloud: gcc, ClientSecret: {EnvironmentVar: UNSET}}
  MicrosoftDefender-contoso.com:
    Args: {TENANTID: dotted}
  MicrosoftGraph-One:
    Args: {TenantId: one}
  MicrosoftGraph-ONE:
    Args: {TenantId: two}
  Splunk:
    Args: {host: x}
MDATPApp:
  Args: {TenantId: hidden}
MDATPApp-Old:
  TenantId: old
Azure: {cloud: usgov}
";

fn tenant(environment: DataEnvironment, instance: Option<&str>) -> Result<String, String> {
    Settings::parse(FILE)
        .unwrap()
        .provider(environment, instance)
        .map(|provider| provider.args.tenant_id().unwrap().get().to_owned())
        .map_err(|error| {
            assert_eq!(error.kind(), ErrorKind::Config);
            format!("{error} | {}", error.hint().unwrap_or_default())
        })
}

#[test]
fn an_instance_is_exactly_its_section() {
    use DataEnvironment::{M365d, M365dGraph, Mde};
    for environment in [M365dGraph, Mde, M365d] {
        for (instance, expected) in [
            (None, "base"),
            (Some("default"), "base"),
            (Some("Contoso"), "contoso"),
            (Some("CONTOSO"), "contoso"),
            (Some("contoso.com"), "dotted"),
            (Some("old"), "old"),
        ] {
            assert_eq!(
                tenant(environment, instance).unwrap(),
                expected,
                "{instance:?}"
            );
        }
    }
    assert_eq!(
        tenant(Mde, Some("Nobody")).unwrap_err(),
        "the settings have no section MicrosoftDefender-Nobody | known instances are Default, \
         Contoso, contoso.com, Old"
    );
}

#[test]
fn instances_that_differ_in_case_only_are_told_apart() {
    let graph = DataEnvironment::SecurityGraph;
    assert_eq!(tenant(graph, Some("One")).unwrap(), "one");
    assert_eq!(tenant(graph, Some("ONE")).unwrap(), "two");
    assert_eq!(
        tenant(graph, Some("one")).unwrap_err(),
        "more than one instance of MicrosoftGraph is called 'one' in some case: One, ONE | write \
         it exactly as one of them"
    );
    assert_eq!(
        tenant(graph, None).unwrap_err(),
        "the settings have instances of MicrosoftGraph but no section without one: One, ONE | \
         name an instance, such as --instance NAME"
    );
}

#[test]
fn instances_are_listed_in_the_files_order() {
    let settings = Settings::parse(FILE).unwrap();
    let paths: Vec<_> = settings
        .instances(DataEnvironment::M365dGraph)
        .unwrap()
        .into_iter()
        .map(|instance| instance.path)
        .collect();
    assert_eq!(
        paths,
        [
            "DataProviders.MicrosoftDefender",
            "DataProviders.MicrosoftDefender-Contoso",
            "DataProviders.MicrosoftDefender-contoso.com",
            "MDATPApp-Old",
        ]
    );
    assert!(settings.instances(DataEnvironment::Local).is_err());
}

#[test]
fn values_stay_as_written_and_know_where_they_came_from() {
    let settings = Settings::parse(FILE).unwrap();
    let base = settings.provider(DataEnvironment::Mde, None).unwrap().args;
    assert_eq!(base.client_id().map(|id| id.get()), Some("0042"));
    assert_eq!(
        base.origin(ConnectionKey::ClientId),
        "the setting DataProviders.MicrosoftDefender.Args.ClientId"
    );
    assert_eq!(base.cloud().map(|cloud| cloud.get()), Some("usgov"));
    assert_eq!(base.origin(ConnectionKey::Cloud), "the setting Azure.cloud");
    match base.reference(ConnectionKey::ClientSecret) {
        Some(SecretRef::Vault {
            vault: None, name, ..
        }) => {
            assert_eq!(
                name.get(),
                "DataProviders-MicrosoftDefender-Args-ClientSecret"
            );
        }
        other => panic!("{other:?}"),
    }
    // An unset variable fails only when the secret is used.
    let contoso = settings
        .provider(DataEnvironment::Mde, Some("Contoso"))
        .unwrap()
        .args;
    assert_eq!(contoso.cloud().map(|cloud| cloud.get()), Some("gcc"));
    match contoso.reference(ConnectionKey::ClientSecret) {
        Some(SecretRef::Env { variable, setting }) => {
            assert_eq!(variable.get(), "UNSET");
            assert_eq!(
                setting,
                "DataProviders.MicrosoftDefender-Contoso.Args.ClientSecret"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_section_that_is_wrong_fails_only_its_own_connections() {
    let settings = Settings::parse(
        "DataProviders:\n  MicrosoftDefender:\n    Args: {TenantId: t}\n  MicrosoftDefender-Bad:\n    \
         Args:\n      Timeout: canary\n      ClientSecret: [canary]\n      cert: a\n      Certificate: b\n",
    )
    .unwrap();
    settings.provider(DataEnvironment::Mde, None).unwrap();
    let error = settings
        .provider(DataEnvironment::Mde, Some("Bad"))
        .unwrap_err();
    let first: &dyn std::error::Error = &error;
    let told: Vec<String> = std::iter::successors(Some(first), |error| error.source())
        .map(ToString::to_string)
        .collect();
    let bad = "DataProviders.MicrosoftDefender-Bad.Args";
    assert_eq!(
        told,
        [
            "3 settings are wrong".to_owned(),
            format!("{bad}.Timeout (line 6): timeout is not a time to wait"),
            format!(
                "{bad}.ClientSecret (line 7): is a list; it takes text, {{EnvironmentVar: …}} or \
                 {{KeyVault: …}}"
            ),
            format!(
                "{bad}.Certificate (line 9): certificate is given twice, in two spellings and with \
                 two values"
            ),
        ]
    );
}

#[test]
fn without_any_section_a_call_may_give_everything() {
    let settings = Settings::parse("").unwrap();
    assert!(
        settings
            .find_provider(DataEnvironment::Mde, None)
            .unwrap()
            .is_none()
    );
    assert!(
        settings
            .find_provider(DataEnvironment::Mde, Some("x"))
            .is_err()
    );
    let error = settings.provider(DataEnvironment::Mde, None).unwrap_err();
    assert_eq!(error.to_string(), "the settings have no section for MDE");
}

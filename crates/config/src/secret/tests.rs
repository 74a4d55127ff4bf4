//! The forms of references, and the resolver that needs no network.

use std::future::Future;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::node::Node;
use crate::{document, layers};

/// Nothing here waits, so that one poll is enough.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a resolver without network waits for something"),
    }
}

fn root(text: &str) -> Node {
    layers::merge(document::parse("test", text).unwrap(), &BTreeMap::new()).unwrap()
}

fn value(form: &str) -> Result<Value, String> {
    let root = root(&format!("A-b.c:\n  Args:\n    Client_Secret: {form}\n"));
    let place = Place::root(&root)
        .find("A-b.c")
        .and_then(|place| place.find("Args"))
        .and_then(|place| place.find("ClientSecret"))
        .unwrap();
    read(&place)
}

fn vaulted(form: &str) -> (Option<String>, String, Option<String>) {
    match value(form) {
        Ok(Value::Reference(SecretRef::Vault {
            vault,
            name,
            version,
            setting,
        })) => {
            assert_eq!(setting, "A-b.c.Args.Client_Secret");
            let text = |name: WrittenName| name.get().to_owned();
            (vault.map(text), text(name), version.map(text))
        }
        other => panic!("{form}: {other:?}"),
    }
}

#[test]
fn every_form_of_a_vault_reference() {
    let derived = "A-b-c-Args-Client-Secret".to_owned();
    for form in [
        "{KeyVault: }",
        "{KeyVault: default}",
        "{keyvault: ''}",
        "\n      KeyVault:",
    ] {
        assert_eq!(vaulted(form), (None, derived.clone(), None), "{form}");
    }
    assert_eq!(
        vaulted("{KeyVault: my_secret.x}"),
        (None, "my-secret-x".into(), None)
    );
    assert_eq!(
        vaulted("{KeyVault: vault/OTX_AuthKey}"),
        (Some("vault".into()), "OTX-AuthKey".into(), None)
    );
    let host = Some("https://v.vault.azure.net".to_owned());
    assert_eq!(
        vaulted("{KeyVault: 'https://v.vault.azure.net/secrets/name'}"),
        (host.clone(), "name".into(), None)
    );
    assert_eq!(
        vaulted("{KeyVault: 'https://v.vault.azure.net/secrets/name/0123'}"),
        (host, "name".into(), Some("0123".into()))
    );
}

#[test]
fn other_forms_are_refused_without_their_values() {
    for form in [
        "[canary]",
        "{Other: canary}",
        "{EnvironmentVar: }",
        "{EnvironmentVar: {a: canary}}",
        "{KeyVault: /canary}",
        "{KeyVault: canary/}",
        "{KeyVault: 'https://v.vault.azure.net/keys/canary'}",
        "{KeyVault: 'https://u:canary@v.vault.azure.net/secrets/a'}",
        "{KeyVault: a, EnvironmentVar: canary}",
    ] {
        let message = value(form).unwrap_err();
        assert!(!message.contains("canary"), "{form}: {message}");
    }
    assert_eq!(
        value("{EnviromentVar: X}").unwrap_err(),
        "is a mapping with an unknown key; did you mean {EnvironmentVar: …}?"
    );
    assert!(matches!(value("''"), Ok(Value::Empty)));
    assert!(matches!(value(""), Ok(Value::Empty)));
}

#[test]
fn variables_are_looked_up_when_they_are_used() {
    let secrets = EnvironmentSecrets::new(
        [
            ("SET".to_owned(), "canary".to_owned()),
            ("EMPTY".to_owned(), String::new()),
        ]
        .into(),
    );
    assert!(!format!("{secrets:?}").contains("canary"));
    let resolve = |reference: SecretRef| now(secrets.resolve(&reference));
    let variable = |name: &str| SecretRef::Env {
        variable: WrittenName::of_variable(name),
        setting: "A.Args.ClientSecret".to_owned(),
    };
    assert_eq!(resolve(variable("SET")).unwrap().expose_secret(), "canary");
    assert_eq!(
        resolve(SecretRef::Inline("x".to_owned().into()))
            .unwrap()
            .expose_secret(),
        "x"
    );
    for (name, message) in [
        (
            "UNSET",
            "the environment variable UNSET, named by A.Args.ClientSecret, is not set",
        ),
        (
            "EMPTY",
            "the environment variable EMPTY, named by A.Args.ClientSecret, is empty",
        ),
    ] {
        let error = resolve(variable(name)).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.kind(), ErrorKind::Config);
    }
    let error = resolve(SecretRef::Vault {
        vault: None,
        name: WrittenName::of_words("n"),
        version: None,
        setting: "S".into(),
    })
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the secret n, named by S, is in a Key Vault, and no Key Vault is configured"
    );
}

#[test]
fn plain_values_behind_references_are_fetched_on_request() {
    let mut args = crate::ConnectionArgs::default();
    let reference = SecretRef::Env {
        variable: WrittenName::of_variable("TENANT"),
        setting: "S".into(),
    };
    let origin = crate::Origin::Setting {
        path: "S".into(),
        line: None,
    };
    args.set_reference(crate::ConnectionKey::TenantId, reference, origin);
    let secrets = EnvironmentSecrets::new([("TENANT".to_owned(), "contoso.com".to_owned())].into());
    let resolved = now(args.clone().resolve(&secrets)).unwrap();
    assert_eq!(resolved.tenant_id().map(|id| id.get()), Some("contoso.com"));
    assert!(resolved.references().next().is_none());
    assert!(now(args.resolve(&EnvironmentSecrets::new(BTreeMap::new()))).is_err());
}

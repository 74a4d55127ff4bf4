//! Merging, methods, and what is missing.

use super::*;
use crate::ConnectionString;

fn args(text: &str) -> ConnectionArgs {
    ConnectionString::parse(text).unwrap().into_args()
}

#[test]
fn a_call_beats_the_file_method_included() {
    use Method::{Certificate, ClientSecret, Delegated};
    for (file, call, method) in [
        ("client_secret=a", "client_secret=b", ClientSecret),
        ("username=u", "client_secret=b", ClientSecret),
        ("delegated_auth=true", "client_secret=b", ClientSecret),
        (
            "certificate=c;private_key=k",
            "client_secret=b",
            ClientSecret,
        ),
        ("client_secret=a", "username=u", Delegated),
        ("certificate=c", "delegated_auth=true", Delegated),
        ("username=u", "certificate=c", Certificate),
        (
            "username=u;client_secret=a",
            "delegated_auth=false",
            ClientSecret,
        ),
        ("username=u;client_secret=a", "cloud=us", Delegated),
        ("certificate=c;client_secret=a", "", Certificate),
    ] {
        let merged = args(file).merge(args(call));
        assert_eq!(merged.method(), Some(method), "{file} + {call}");
    }
    let merged = args("certificate=old;private_key=key").merge(args("certificate=new"));
    assert_eq!(merged.certificate, Some("new".into()));
    assert_eq!(merged.private_key, None);
    let merged = args("tenant_id=t;cloud=us").merge(args("cloud=eu"));
    assert_eq!(merged.tenant_id.as_deref(), Some("t"));
    assert_eq!(merged.cloud.as_deref(), Some("eu"));
}

#[test]
fn a_call_beats_a_reference_too() {
    let mut file = ConnectionArgs::default();
    let reference = SecretRef::Env {
        variable: "X".into(),
        setting: "S".into(),
    };
    let origin = Origin::Setting {
        path: "S".into(),
        line: Some(1),
    };
    file.set_reference(ConnectionKey::TenantId, reference, origin);
    assert!(file.has(ConnectionKey::TenantId));
    let merged = file.clone().merge(args("tenant_id=t"));
    assert!(merged.references.is_empty());
    assert_eq!(merged.tenant_id.as_deref(), Some("t"));
    assert_eq!(
        merged.origin(ConnectionKey::TenantId),
        "the connection string"
    );
    assert_eq!(file.origin(ConnectionKey::TenantId), "the setting S");
}

#[test]
fn everything_missing_is_in_one_message() {
    let error = ConnectionArgs::default().require_complete().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the connection lacks tenant_id, client_id and one of client_secret, certificate or \
         username"
    );
    let error = args("client_id=c;username=u")
        .require_complete()
        .unwrap_err();
    assert_eq!(error.to_string(), "the connection lacks tenant_id");
    args("tenant_id=t;client_id=c;delegated_auth=true")
        .require_complete()
        .unwrap();
    let built_by_hand = ConnectionArgs {
        tenant_id: Some("t".into()),
        client_id: Some("c".into()),
        client_secret: Some(SecretRef::Inline("canary".to_owned().into())),
        ..ConnectionArgs::default()
    };
    built_by_hand.require_complete().unwrap();
    assert!(!format!("{built_by_hand:?}").contains("canary"));
}

#[test]
fn azure_variables_are_a_layer() {
    let environment = [
        ("AZURE_TENANT_ID", "t"),
        ("AZURE_CLIENT_ID", "c"),
        ("AZURE_CLIENT_SECRET", "canary"),
        ("AZURE_USERNAME", ""),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let args = ConnectionArgs::from_azure(&environment.into()).unwrap();
    args.require_complete().unwrap();
    assert_eq!(args.method(), Some(Method::ClientSecret));
    assert!(
        matches!(&args.client_secret, Some(SecretRef::Env { variable, .. }) if variable == "AZURE_CLIENT_SECRET")
    );
}

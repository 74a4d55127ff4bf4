//! Merging, methods, and what is missing.

use super::*;

/// The items of `text` as a section would give them, which may name two methods.
fn args(text: &str) -> ConnectionArgs {
    let mut args = ConnectionArgs::default();
    for item in text.split(';').filter(|item| !item.is_empty()) {
        let (key, value) = item.split_once('=').unwrap();
        let key = ConnectionKey::find(key).unwrap();
        args.set(key, value, Origin::ConnectionString).unwrap();
    }
    args
}

#[test]
fn a_call_beats_the_file_method_included() {
    use Method::{
        AzureCli, Certificate, ClientSecret, Delegated, Environment, ExistingToken,
        ManagedIdentity, WorkloadIdentity,
    };
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
        ("username=u", "auth_type=msi", ManagedIdentity),
        ("auth_type=msi", "username=u", Delegated),
        ("auth_type=cli", "client_secret=b", ClientSecret),
        (
            "client_secret=a;username=u",
            "auth_type=clientsecret",
            ClientSecret,
        ),
        ("client_secret=a", "access_token=t", ExistingToken),
        ("access_token=t", "certificate=c", Certificate),
        ("auth_type=device", "", Delegated),
        ("auth_type=device;client_secret=a", "", ClientSecret),
        ("assertion_file=f", "", WorkloadIdentity),
        ("assertion_file=f", "delegated_auth=true", Delegated),
        ("auth_type=env", "", Environment),
        ("client_secret=a", "auth_type=cli", AzureCli),
    ] {
        let merged = args(file).merge(args(call));
        assert_eq!(merged.method(), Some(method), "{file} + {call}");
    }
    let merged = args("certificate=old;private_key=key").merge(args("certificate=new"));
    assert_eq!(
        merged.certificate().map(|path| path.get()),
        Some(std::path::Path::new("new"))
    );
    assert!(!merged.has(ConnectionKey::PrivateKey));
    let merged = args("tenant_id=t;cloud=us").merge(args("cloud=eu"));
    assert_eq!(merged.tenant_id().map(|given| given.get()), Some("t"));
    assert_eq!(merged.cloud().map(|given| given.get()), Some("eu"));
}

#[test]
fn an_application_with_a_proof_is_no_machines_identity() {
    for (file, call, client_id) in [
        ("client_id=a;client_secret=s", "auth_type=msi", None),
        ("client_id=a;certificate=c", "auth_type=msi", None),
        ("client_id=a;username=u", "auth_type=msi", None),
        ("client_id=a", "auth_type=msi", Some("a")),
        ("client_id=a;auth_type=msi", "", Some("a")),
        (
            "client_id=a;client_secret=s",
            "auth_type=msi;client_id=b",
            Some("b"),
        ),
        ("client_id=a;client_secret=s", "auth_type=cli", Some("a")),
    ] {
        let merged = args(file).merge(args(call));
        assert_eq!(
            merged.client_id().map(|id| id.get()),
            client_id,
            "{file} + {call}"
        );
    }
}

#[test]
fn a_call_beats_a_reference_too() {
    let mut file = ConnectionArgs::default();
    let reference = SecretRef::Env {
        variable: defender_core::WrittenName::of_variable("X"),
        setting: "S".into(),
    };
    let origin = Origin::Setting {
        path: "S".into(),
        line: Some(1),
    };
    file.set_reference(ConnectionKey::TenantId, reference, origin);
    assert!(file.has(ConnectionKey::TenantId));
    let merged = file.clone().merge(args("tenant_id=t"));
    assert!(merged.references().next().is_none());
    assert_eq!(merged.tenant_id().map(|given| given.get()), Some("t"));
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
    let built_by_hand = ConnectionArgs::default()
        .with(ConnectionKey::TenantId, "t")
        .and_then(|args| args.with(ConnectionKey::ClientId, "c"))
        .and_then(|args| args.with(ConnectionKey::ClientSecret, SecretString::from("canary")))
        .unwrap();
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
        matches!(args.reference(ConnectionKey::ClientSecret), Some(SecretRef::Env { variable, .. }) if variable.get() == "AZURE_CLIENT_SECRET")
    );
}

#[test]
fn a_user_and_a_secret_exclude_each_other_in_one_call() {
    let error = args("username=u;client_secret=canary")
        .require_one_method()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(
        error.to_string(),
        "username and client_secret, both from the connection string, exclude each other"
    );
    let parsed = crate::ConnectionString::parse("username=u;client_secret=canary").unwrap_err();
    assert_eq!(parsed.to_string(), error.to_string());
    for one in [
        "username=u",
        "client_secret=a",
        "client_secret=a;certificate=c",
    ] {
        args(one).require_one_method().unwrap();
    }
    assert!(args("username=u;client_secret=a").is_ambiguous());
    assert!(!args("username=u;client_secret=a;delegated_auth=true").is_ambiguous());
}

#[test]
fn azure_variables_count_in_the_order_of_their_page() {
    let method = |names: &[&str]| {
        let environment = names
            .iter()
            .map(|name| ((*name).to_owned(), "x".to_owned()));
        ConnectionArgs::from_azure(&environment.collect())
            .unwrap()
            .method()
    };
    let (secret, certificate) = ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH");
    let (user, file) = ("AZURE_USERNAME", "AZURE_FEDERATED_TOKEN_FILE");
    assert_eq!(
        method(&[secret, certificate, user]),
        Some(Method::ClientSecret)
    );
    assert_eq!(method(&[certificate, user]), Some(Method::Certificate));
    assert_eq!(method(&[user, file]), Some(Method::Delegated));
    assert_eq!(method(&[file]), Some(Method::WorkloadIdentity));
    assert_eq!(method(&[]), None);
}

#[test]
fn a_certificates_text_is_no_file_and_shows_nowhere() {
    let pem = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----";
    let mut args = ConnectionArgs::default();
    let origin = Origin::ConnectionString;
    args.set(ConnectionKey::PrivateKey, pem, origin).unwrap();
    assert!(args.private_key().is_none() && args.has(ConnectionKey::PrivateKey));
    assert!(!format!("{args:?}").contains("canary"));
}

#[test]
fn what_is_missing_is_named_with_every_way_to_give_it() {
    let environment = [
        ("AZURE_TENANT_ID", "contoso.example"),
        ("AZURE_CLIENT_ID", "11111111-2222-3333-4444-555555555555"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let of_variables = ConnectionArgs::from_azure(&environment.into()).unwrap();
    let error = of_variables.require_complete().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the connection lacks one of client_secret, certificate or username"
    );
    assert_eq!(
        error.hint(),
        Some(
            "give them in the Args of DataProviders.MicrosoftDefender, in a connection string, as \
             options (--client-secret-env, --client-secret-file, --client-secret-prompt, \
             --certificate, --username) or as variables (AZURE_CLIENT_SECRET, \
             AZURE_CLIENT_CERTIFICATE_PATH, AZURE_USERNAME)"
        )
    );
    // No secret is sent for another application than its own.
    let of_file = args("tenant_id=t;client_secret=a").require_complete();
    assert_eq!(
        of_file.unwrap_err().hint(),
        Some(
            "give them in the Args of DataProviders.MicrosoftDefender, in a connection string or \
             as options (--client-id)"
        )
    );
}

#[test]
fn a_tenants_domain_is_shown_wherever_it_came_from() {
    let variables = |tenant: &str| {
        let variable = ("AZURE_TENANT_ID".to_owned(), tenant.to_owned());
        ConnectionArgs::from_azure(&[variable].into()).unwrap()
    };
    let said = |tenant: &str| {
        variables(tenant)
            .redaction()
            .apply(&format!("no '{tenant}'"))
    };
    assert_eq!(
        said("contoso.onmicrosoft.com"),
        "no 'contoso.onmicrosoft.com'"
    );
    assert_eq!(said("Xy8Q~abc.DEF_ghi-123"), "no 'REDACTED'");
}

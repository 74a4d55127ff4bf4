//! Every form of `connect`, as far as it can go without a network.

use std::collections::BTreeMap;
use std::sync::Arc;

use defender_http::{Answer, ScriptedTransport};
use defender_query::{
    AuthType, Connection, ConnectionArgs, ConnectionKey, DataEnvironment, ErrorKind, Options,
    QueryProvider, Settings,
};

const SETTINGS: &str = "
DataProviders:
  MicrosoftDefender:
    Args:
      TenantId: base.example
      ClientId: 11111111-1111-4111-8111-111111111111
      ClientSecret: base-canary
  MicrosoftDefender-Contoso:
    Args:
      tenant_id: contoso.example
      clientid: 22222222-2222-4222-8222-222222222222
      ClientSecret:
        EnvironmentVar: CONTOSO_SECRET
      Cloud: gcc
  MicrosoftDefender-Person:
    Args:
      TenantId: person.example
      ClientId: 33333333-3333-4333-8333-333333333333
      UserName: hunter@contoso.example
  MicrosoftDefender-Certified:
    Args:
      TenantId: certified.example
      ClientId: 44444444-4444-4444-8444-444444444444
      Certificate: cert.pem
      PrivateKey: key.pem
";

/// Connects, and says what was posted where, or why not.
async fn outcome(environment: DataEnvironment, connection: Connection) -> String {
    let transport = Arc::new(ScriptedTransport::new([Answer::json(
        200,
        r#"{"token_type":"Bearer","expires_in":3599,"access_token":"made-up"}"#,
    )]));
    let options = Options {
        transport: Some(transport.clone()),
        environment: BTreeMap::from([("CONTOSO_SECRET".to_owned(), "contoso-canary".to_owned())]),
        ..Options::default()
    };
    let provider = QueryProvider::with_options(environment, options);
    match provider.connect(connection).await {
        Err(error) => {
            let text = format!("{:?}: {error}", error.kind());
            assert!(!format!("{error:?}").contains("canary"));
            match error.hint() {
                Some(hint) => format!("{text}\nhint: {hint}"),
                None => text,
            }
        }
        Ok(connected) => {
            let endpoint = connected.endpoint().unwrap().url();
            let requests = transport.requests();
            let mut lines = Vec::new();
            for request in requests {
                let form: Vec<String> = request
                    .form()
                    .into_iter()
                    .map(|(name, value)| match name.as_str() {
                        "client_secret" => {
                            format!("client_secret=[{}]", value.trim_end_matches("-canary"))
                        }
                        _ => format!("{name}={value}"),
                    })
                    .collect();
                lines.push(format!(
                    "{} {}\n  {}",
                    request.method,
                    request.url,
                    form.join("\n  ")
                ));
            }
            lines.push(format!("queries go to {endpoint}"));
            lines.join("\n")
        }
    }
}

fn settings() -> Settings {
    Settings::parse(SETTINGS).unwrap()
}

#[tokio::test]
async fn with_nothing_the_base_section_counts() {
    let connection = Connection::from_settings(&settings(), None);
    insta::assert_snapshot!(outcome(DataEnvironment::M365dGraph, connection).await, @"
    POST https://login.microsoftonline.com/base.example/oauth2/v2.0/token
      client_id=11111111-1111-4111-8111-111111111111
      scope=https://graph.microsoft.com/.default
      grant_type=client_credentials
      client_secret=[base]
    queries go to https://graph.microsoft.com/v1.0/security/runHuntingQuery
    ");
}

#[tokio::test]
async fn an_instance_counts_with_its_own_cloud() {
    let connection = Connection::from_settings(&settings(), Some("Contoso"));
    insta::assert_snapshot!(outcome(DataEnvironment::Mde, connection).await, @"
    POST https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token
      client_id=22222222-2222-4222-8222-222222222222
      scope=https://api-gcc.securitycenter.microsoft.us/.default
      grant_type=client_credentials
      client_secret=[contoso]
    queries go to https://api-gcc.securitycenter.microsoft.us/api/advancedqueries/run
    ");
}

#[tokio::test]
async fn a_calls_cloud_beats_the_files() {
    let connection = Connection::from_settings(&settings(), Some("Contoso")).with(
        ConnectionArgs::default()
            .with(ConnectionKey::Cloud, "eu")
            .unwrap(),
    );
    insta::assert_snapshot!(outcome(DataEnvironment::M365d, connection).await, @"
    POST https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token
      client_id=22222222-2222-4222-8222-222222222222
      scope=https://api.security.microsoft.com/.default
      grant_type=client_credentials
      client_secret=[contoso]
    queries go to https://api-eu.security.microsoft.com/api/advancedhunting/run
    ");
}

#[tokio::test]
async fn a_connection_string_with_quotes_and_keywords_on_top() {
    let connection = Connection::from_string(
        "tenant_id='t.example'; client_id=\u{201c}11111111-1111-4111-8111-111111111111\u{201d}; \
         client_secret=\"s=;1-canary\"",
    )
    .unwrap()
    .with(
        ConnectionArgs::default()
            .with(ConnectionKey::TenantId, "call.example")
            .unwrap(),
    );
    insta::assert_snapshot!(outcome(DataEnvironment::M365dGraph, connection).await, @"
    POST https://login.microsoftonline.com/call.example/oauth2/v2.0/token
      client_id=11111111-1111-4111-8111-111111111111
      scope=https://graph.microsoft.com/.default
      grant_type=client_credentials
      client_secret=[s=;1]
    queries go to https://graph.microsoft.com/v1.0/security/runHuntingQuery
    ");
}

#[tokio::test]
async fn keywords_alone_name_everything_that_is_missing() {
    let connection = Connection::from_args(ConnectionArgs::default());
    insta::assert_snapshot!(outcome(DataEnvironment::M365dGraph, connection).await, @"
    Config: the connection lacks tenant_id, client_id and one of client_secret, certificate or username
    hint: give them in the Args of DataProviders.MicrosoftDefender, in a connection string, as options (--tenant-id, --client-id, --client-secret-env, --client-secret-file, --client-secret-prompt, --certificate, --username) or as variables (AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH, AZURE_USERNAME)
    ");
}

#[tokio::test]
async fn nobody_is_asked_where_nobody_may_be_and_a_missing_file_is_named() {
    for connection in [
        Connection::from_settings(&settings(), Some("Person")),
        Connection::from_settings(&settings(), Some("Certified")),
        Connection::from_settings(&settings(), None).with(
            ConnectionArgs::default()
                .with(ConnectionKey::DelegatedAuth, true)
                .unwrap()
                .with(ConnectionKey::AuthType, AuthType::Device)
                .unwrap(),
        ),
    ] {
        insta::assert_snapshot!(outcome(DataEnvironment::M365dGraph, connection).await);
    }
}

#[tokio::test]
async fn a_call_cannot_name_a_user_and_a_secret() {
    let secret = || defender_query::SecretString::from("call-canary");
    let both = ConnectionArgs::default()
        .with(ConnectionKey::Username, "hunter@contoso.example")
        .unwrap()
        .with(ConnectionKey::ClientSecret, secret())
        .unwrap();
    for connection in [
        Connection::from_settings(&settings(), None).with(both.clone()),
        Connection::from_args(both),
    ] {
        let text = outcome(DataEnvironment::M365dGraph, connection).await;
        assert!(text.starts_with("Usage: username, from "), "{text}");
    }
    // One on top of the other is no contradiction: the call beats what is below it.
    let user = Connection::from_string(
        "tenant_id=t.example;client_id=11111111-1111-4111-8111-111111111111;username=u@contoso.example",
    );
    let call = ConnectionArgs::default()
        .with(ConnectionKey::ClientSecret, secret())
        .unwrap();
    let text = outcome(DataEnvironment::M365dGraph, user.unwrap().with(call)).await;
    assert!(text.starts_with("POST "), "{text}");
}

#[tokio::test]
async fn a_calls_secret_beats_the_files_user() {
    let call = ConnectionArgs::default()
        .with(
            ConnectionKey::ClientSecret,
            defender_query::SecretRef::Inline("call-canary".to_owned().into()),
        )
        .unwrap();
    let connection = Connection::from_settings(&settings(), Some("Person")).with(call);
    insta::assert_snapshot!(outcome(DataEnvironment::M365dGraph, connection).await, @"
    POST https://login.microsoftonline.com/person.example/oauth2/v2.0/token
      client_id=33333333-3333-4333-8333-333333333333
      scope=https://graph.microsoft.com/.default
      grant_type=client_credentials
      client_secret=[call]
    queries go to https://graph.microsoft.com/v1.0/security/runHuntingQuery
    ");
}

#[tokio::test]
async fn an_unknown_instance_lists_the_known_ones() {
    let connection = Connection::from_settings(&settings(), Some("Fabrikam"));
    insta::assert_snapshot!(outcome(DataEnvironment::M365dGraph, connection).await, @"
    Config: the settings have no section MicrosoftDefender-Fabrikam
    hint: known instances are Default, Contoso, Person, Certified
    ");
}

#[tokio::test]
async fn only_instances_and_none_named_lists_them() {
    let settings = Settings::parse(
        "DataProviders:\n  MicrosoftDefender-A:\n    Args: {}\n  MicrosoftDefender-B:\n    Args: {}\n",
    )
    .unwrap();
    let connection = Connection::from_settings(&settings, None);
    insta::assert_snapshot!(outcome(DataEnvironment::M365dGraph, connection).await, @"
    Config: the settings have instances of MicrosoftDefender but no section without one: A, B
    hint: name an instance, such as --instance NAME
    ");
}

#[tokio::test]
async fn a_host_of_another_environment_is_refused() {
    for (environment, root) in [
        (
            DataEnvironment::M365d,
            "https://api.securitycenter.microsoft.com",
        ),
        (
            DataEnvironment::Mde,
            "https://api-us.security.microsoft.com",
        ),
        (DataEnvironment::Mde, "https://graph.microsoft.com"),
    ] {
        let call = ConnectionArgs::default()
            .with(ConnectionKey::ApiRoot, root)
            .unwrap();
        let connection = Connection::from_settings(&settings(), None).with(call);
        let text = outcome(environment, connection).await;
        assert!(
            text.starts_with(&format!("{:?}", ErrorKind::Config)),
            "{root}: {text}"
        );
    }
}

#[tokio::test]
async fn an_unset_variable_is_named_with_its_setting() {
    let provider = QueryProvider::new(DataEnvironment::M365dGraph);
    let connection = Connection::from_settings(&settings(), Some("Contoso"));
    let error = provider.connect(connection).await.unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(text.contains("CONTOSO_SECRET"), "{text}");
    assert!(
        text.contains("DataProviders.MicrosoftDefender-Contoso.Args.ClientSecret"),
        "{text}"
    );
}

#[tokio::test]
async fn the_security_graph_runs_paths_with_sections_of_its_own() {
    let args = "Args: {TenantId: t1.example, ClientId: 11111111-1111-4111-8111-111111111111, ClientSecret: s1-canary";
    let newer = format!(
        "DataProviders:\n  MicrosoftGraph: {{{args}}}}}\n  MicrosoftGraph-Government: \
         {{{args}, Cloud: gcc-high}}}}\n"
    );
    let older = format!("SecurityGraphApp: {{{args}}}}}\n");
    let commercial = [
        "https://login.microsoftonline.com/t1.example/oauth2/v2.0/token",
        "https://graph.microsoft.com/v1.0/security/alerts_v2?$top=1",
    ];
    let government = [
        "https://login.microsoftonline.us/t1.example/oauth2/v2.0/token",
        "https://graph.microsoft.us/v1.0/security/alerts_v2?$top=1",
    ];
    for (settings, instance, expected) in [
        (&newer, None, commercial),
        (&newer, Some("Government"), government),
        (&older, None, commercial),
    ] {
        let transport = Arc::new(ScriptedTransport::new([
            Answer::json(
                200,
                r#"{"token_type":"Bearer","expires_in":3599,"access_token":"made-up"}"#,
            ),
            Answer::json(200, r#"{"value":[{"id":"1"}]}"#),
        ]));
        let options = Options {
            transport: Some(transport.clone()),
            ..Options::default()
        };
        let settings = Settings::parse(settings).unwrap();
        let connected = QueryProvider::with_options(DataEnvironment::SecurityGraph, options)
            .connect(Connection::from_settings(&settings, instance))
            .await
            .unwrap();
        let table = connected.exec_query("/security/alerts_v2?$top=1").await;
        assert_eq!(table.unwrap().cell(0, "id").unwrap().to_string(), "1");
        let requests = transport.requests();
        let asked: Vec<&str> = requests
            .iter()
            .map(|request| request.url.as_str())
            .collect();
        assert_eq!(asked, expected, "{instance:?}");
        assert_eq!(connected.all_rows().unwrap_err().kind(), ErrorKind::Usage);
    }
}

#[tokio::test]
async fn what_has_no_lists_says_who_has() {
    for environment in DataEnvironment::ALL {
        let known = QueryProvider::new(environment).collections();
        match environment {
            DataEnvironment::M365d | DataEnvironment::Local => {
                let error = known.unwrap_err();
                assert_eq!(
                    error.to_string(),
                    format!("{environment} has no alerts, incidents or machines to list")
                );
            }
            _ => assert_eq!(known.unwrap().environment, environment),
        }
    }
}

#[tokio::test]
async fn the_azure_variables_count_together_or_not_at_all() {
    let environment: BTreeMap<String, String> = [
        ("AZURE_TENANT_ID", "azure.example"),
        ("AZURE_CLIENT_ID", "55555555-5555-4555-8555-555555555555"),
        ("AZURE_CLIENT_SECRET", "azure-canary"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let transport = ScriptedTransport::new([Answer::json(
        200,
        r#"{"token_type":"Bearer","expires_in":3599,"access_token":"made-up"}"#,
    )]);
    let options = Options {
        transport: Some(Arc::new(transport.clone())),
        environment,
        ..Options::default()
    };
    let provider = QueryProvider::with_options(DataEnvironment::M365dGraph, options);
    let connected = provider.connect(Connection::default()).await.unwrap();
    assert_eq!(connected.tenant(), Some("azure.example"));
    transport.assert_finished();

    let half = ConnectionArgs::default()
        .with(
            ConnectionKey::ClientId,
            "11111111-1111-4111-8111-111111111111",
        )
        .unwrap();
    let error = provider
        .connect(Connection::default().with(half))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the connection lacks tenant_id and one of client_secret, certificate or username"
    );
}

#[tokio::test]
async fn a_calls_cloud_beats_the_authority_of_the_azure_variables() {
    let options = Options {
        environment: [
            ("AZURE_TENANT_ID", "azure.example"),
            ("AZURE_CLIENT_ID", "55555555-5555-4555-8555-555555555555"),
            ("AZURE_CLIENT_SECRET", "azure-canary"),
            ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        ..Options::default()
    };
    let provider = QueryProvider::with_options(DataEnvironment::M365dGraph, options);
    let call = ConnectionArgs::default()
        .with(ConnectionKey::Cloud, "gcc-high")
        .unwrap();
    let settings = Settings::parse("").unwrap();
    let connection = Connection::from_settings(&settings, None).with(call);
    let endpoint = provider.endpoint(&connection).unwrap();
    assert_eq!(
        endpoint.authority.as_str(),
        "https://login.microsoftonline.us/"
    );
}

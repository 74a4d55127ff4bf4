//! Microsoft's own public clients, and scopes that do not exist.
//!
//! Source: <https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in>

use super::{ANALYST, claims, on_a_page, parameter, plain, refused, sent_back};
use crate::client::{CLIENT, RUN, hunt};

const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const GRAPH_TOOLS: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";

#[tokio::test]
async fn every_tenant_has_them() {
    let stage = plain().await;
    for (client, scp, status) in [
        (
            AZURE_CLI,
            "AuditLog.Read.All Directory.AccessAsUser.All Group.ReadWrite.All \
             User.ReadWrite.All email openid profile",
            403,
        ),
        (
            GRAPH_TOOLS,
            "SecurityAlert.Read.All SecurityIncident.Read.All ThreatHunting.Read.All User.Read \
             email openid profile",
            200,
        ),
    ] {
        let scope = "https://graph.microsoft.com/.default openid profile email offline_access";
        let changes = [("client_id", client), ("scope", scope)];
        let code = stage.code(&changes).await;
        let answer = stage.redeem(&code, &[("client_id", client)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        let access = claims(&body["access_token"]);
        assert_eq!(
            (&access["appid"], &access["upn"]),
            (&client.into(), &ANALYST.into())
        );
        assert_eq!(access["scp"], scp);
        let token = body["access_token"].as_str().unwrap();
        assert_eq!(
            hunt(&stage.running, RUN[0], token, "Nothing").await.status,
            status
        );
    }
    // The addresses that they have registered, and no others.
    let native = "https://login.microsoftonline.com/common/oauth2/nativeclient";
    let answer = stage
        .authorize(&[("client_id", AZURE_CLI), ("redirect_uri", native)])
        .await;
    assert!(parameter(&answer, "code").is_some(), "{answer:?}");
    let elsewhere = [
        ("client_id", AZURE_CLI),
        ("redirect_uri", "https://app.example/auth"),
    ];
    on_a_page(&stage.authorize(&elsewhere).await, 50011);
}

#[tokio::test]
async fn nobody_consents_to_more_for_them() {
    let stage = plain().await;
    for (client, scope) in [
        (
            AZURE_CLI,
            "https://graph.microsoft.com/ThreatHunting.Read.All",
        ),
        (
            AZURE_CLI,
            "https://api.securitycenter.microsoft.com/.default",
        ),
        (GRAPH_TOOLS, "https://api.security.microsoft.com/.default"),
    ] {
        let answer = stage
            .authorize(&[("client_id", client), ("scope", scope)])
            .await;
        sent_back(&answer, "invalid_request", 65002);
    }
    let vault = [
        ("client_id", AZURE_CLI),
        ("scope", "https://vault.azure.net/.default"),
    ];
    let code = stage.code(&vault).await;
    let answer = stage.redeem(&code, &[("client_id", AZURE_CLI)]).await;
    assert_eq!(
        claims(&answer.json()["access_token"])["scp"],
        "user_impersonation"
    );
    // They prove themselves with nothing.
    let proof = [("client_id", AZURE_CLI), ("client_secret", "s")];
    refused(&stage.redeem("x", &proof).await, "invalid_client", 700_025);
}

/// Source: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
#[tokio::test]
async fn a_scope_has_to_exist() {
    let stage = plain().await;
    for (scope, code) in [
        (
            "https://graph.microsoft.com/ThreatHunting.Reed.All",
            650_053,
        ),
        ("Threathunting", 650_053),
        ("groups openid", 650_053),
        (
            "https://api.securitycenter.microsoft.com/ThreatHunting.Read.All",
            650_053,
        ),
        ("https://vault.azure.net/Secrets.Read", 650_053),
        (&format!("api://{CLIENT}/everything"), 650_053),
    ] {
        let answer = stage.authorize(&[("scope", scope)]).await;
        sent_back(&answer, "invalid_client", code);
        let device = [("client_id", CLIENT), ("scope", scope)];
        let path = format!("/{}/oauth2/v2.0/devicecode", crate::client::TENANT);
        refused(&stage.post(&path, &device).await, "invalid_client", code);
    }
    for scope in [
        "https://graph.microsoft.com",
        "/.default",
        "https://graph.microsoft.com/",
    ] {
        let answer = stage.authorize(&[("scope", scope)]).await;
        sent_back(&answer, "invalid_scope", 70011);
    }
    // Known ones are known in any case, and may still want consent.
    let code = stage.code(&[("scope", "user.read")]).await;
    assert_eq!(stage.redeem(&code, &[]).await.status, 200);
    let answer = stage.authorize(&[("scope", "Mail.Read")]).await;
    sent_back(&answer, "access_denied", 90094);
}

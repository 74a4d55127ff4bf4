//! The on-behalf-of grant, and tokens for an application's own API.
//!
//! Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow>

use serde_json::{Value as Json, json};

use super::{ANALYST, OTHER, Stage, claims, plain, refused, with};
use crate::client::{Answer, CLIENT, RUN, SECRET, form, hunt};

const GRAPH: &str = "https://graph.microsoft.com/.default";

/// What the application asks for with a user's token for its own API.
async fn on_behalf(stage: &Stage, assertion: &str, changes: &[(&str, &str)]) -> Answer {
    let usual = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("assertion", assertion),
        ("requested_token_use", "on_behalf_of"),
        ("scope", GRAPH),
    ];
    stage.token(&with(&usual, changes)).await
}

/// A user's token for the API of the application.
async fn own(stage: &Stage, scope: &str) -> String {
    let tokens = stage.signed_in(&[("scope", scope)]).await;
    tokens["access_token"].as_str().unwrap().to_owned()
}

fn access(answer: &Answer) -> Json {
    assert_eq!(answer.status, 200, "{}", answer.text());
    claims(&answer.json()["access_token"])
}

#[tokio::test]
async fn an_api_asks_for_its_caller() {
    let stage = plain().await;
    for scope in [
        format!("api://{CLIENT}/access_as_user openid"),
        format!("api://{CLIENT}/.default"),
        format!("{CLIENT}/.default"),
    ] {
        let token = own(&stage, &scope).await;
        let own = claims(&json!(token));
        assert!(own["aud"].as_str().unwrap().ends_with(CLIENT), "{own}");
        assert_eq!(own["scp"], "access_as_user user_impersonation");
        let answer = on_behalf(&stage, &token, &[("client_info", "1")]).await;
        let access = access(&answer);
        assert_eq!(access["aud"], "https://graph.microsoft.com");
        assert_eq!(access["upn"], ANALYST);
        assert_eq!(access["appidacr"], "1");
        let body = answer.json();
        assert!(body["client_info"].is_string() && body["refresh_token"].is_null());
        let token = body["access_token"].as_str().unwrap();
        assert_eq!(
            hunt(&stage.running, RUN[0], token, "Nothing").await.status,
            200
        );
    }
    let token = own(&stage, &format!("api://{CLIENT}/.default")).await;
    let scope = format!("{GRAPH} offline_access openid profile");
    let answer = on_behalf(&stage, &token, &[("scope", &scope)]).await;
    assert!(answer.json()["refresh_token"].is_string() && answer.json()["id_token"].is_string());
}

#[tokio::test]
async fn an_assertion_is_checked() {
    let stage = plain().await;
    let own_token = own(&stage, &format!("api://{CLIENT}/.default")).await;
    let of_graph = own(&stage, "https://graph.microsoft.com/.default").await;
    let ask = async |token: &str, changes: &[(&str, &str)]| on_behalf(&stage, token, changes).await;
    refused(&ask(&of_graph, &[]).await, "invalid_grant", 500_131);
    let other = [("client_id", OTHER), ("client_secret", "other")];
    refused(&ask(&own_token, &other).await, "invalid_grant", 500_131);
    refused(&ask("no token", &[]).await, "invalid_grant", 50027);
    let mut parts: Vec<&str> = own_token.split('.').collect();
    let signature = "A".repeat(parts[2].len());
    parts[2] = &signature;
    refused(&ask(&parts.join("."), &[]).await, "invalid_grant", 50013);
    refused(
        &ask(&own_token, &[("client_secret", "wrong")]).await,
        "invalid_client",
        7_000_215,
    );
    refused(
        &ask(&own_token, &[("client_secret", "")]).await,
        "invalid_client",
        7_000_218,
    );
    refused(&ask("", &[]).await, "invalid_request", 900_144);
    refused(
        &ask(&own_token, &[("requested_token_use", "")]).await,
        "invalid_request",
        900_144,
    );
    refused(
        &ask(&own_token, &[("scope", "")]).await,
        "invalid_request",
        900_144,
    );
    let unknown = [("scope", "https://graph.microsoft.com/Threat.Hunt")];
    refused(&ask(&own_token, &unknown).await, "invalid_client", 650_053);
    let missing = [("scope", "https://graph.microsoft.com/Mail.Read")];
    refused(&ask(&own_token, &missing).await, "invalid_grant", 65001);

    let application = stage
        .post(
            &format!("/{}/oauth2/v2.0/token", crate::client::TENANT),
            &[
                ("grant_type", "client_credentials"),
                ("client_id", CLIENT),
                ("client_secret", SECRET),
                ("scope", &format!("api://{CLIENT}/.default")),
            ],
        )
        .await;
    assert_eq!(access(&application)["aud"], format!("api://{CLIENT}"));
    let token = application.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    refused(&ask(&token, &[]).await, "invalid_grant", 7_000_114);

    stage.hand.forward(4000);
    refused(&ask(&own_token, &[]).await, "invalid_grant", 500_133);
}

#[tokio::test]
async fn a_resource_has_several_names() {
    let stage = plain().await;
    let mde = "fc780465-2017-40d4-a0c5-307022471b92";
    let path = format!("/{}/oauth2/v2.0/token", crate::client::TENANT);
    let answer = crate::client::direct(
        &stage.running,
        "POST",
        &path,
        &[crate::client::FORM],
        form(CLIENT, SECRET, &format!("{mde}/.default")),
    )
    .await
    .unwrap();
    assert_eq!(access(&answer)["aud"], mde);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(
        hunt(&stage.running, RUN[1], &token, "Nothing").await.status,
        200
    );
    let first = format!("/{}/oauth2/token", crate::client::TENANT);
    for resource in [mde, "https://api.securitycenter.microsoft.com/"] {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT),
            ("client_secret", SECRET),
            ("resource", resource),
        ];
        let answer = stage.post(&first, &fields).await;
        let access = access(&answer);
        assert_eq!(access["aud"], resource.trim_end_matches('/'));
        assert_eq!(answer.json()["expires_in"], "3599");
    }
    let nobody = "99999999-9999-9999-9999-999999999999";
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("scope", &format!("api://{nobody}/.default")),
    ];
    refused(&stage.token(&fields).await, "invalid_resource", 500_011);
}

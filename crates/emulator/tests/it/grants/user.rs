//! The password grant, and what tokens of users open.

use defender_emulator::{SignIn, SignInPolicy, Tenant};

use super::{Stage, claims, plain, refused, stage, tenant};
use crate::client::{Answer, CLIENT, GRAPH, MDE, RUN, SECRET, XDR, hunt};

const THIRD: &str = "third@demo.example";

impl Stage {
    async fn password(&self, changes: &[(&str, &str)]) -> Answer {
        let usual = [
            ("grant_type", "password"),
            ("client_id", CLIENT),
            ("scope", GRAPH),
            ("username", THIRD),
            ("password", "canary-password"),
        ];
        self.token(&super::with(&usual, changes)).await
    }
}

#[tokio::test]
async fn a_password_gets_a_token_where_nothing_more_is_asked_for() {
    let stage = plain().await;
    let answer = stage.password(&[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let log = serde_json::to_string(&stage.running.requests()).unwrap();
    assert!(log.contains(THIRD) && !log.contains("canary"), "{log}");

    let answer = stage.password(&[("password", "wrong")]).await;
    refused(&answer, "invalid_grant", 50126);
    let answer = stage.password(&[("username", "nobody@demo.example")]).await;
    refused(&answer, "invalid_grant", 50034);
    // A user without a password has none that fits.
    let answer = stage.password(&[("username", super::ANALYST)]).await;
    refused(&answer, "invalid_grant", 50126);
    for missing in ["username", "password", "scope", "client_id"] {
        let answer = stage.password(&[(missing, "")]).await;
        refused(&answer, "invalid_request", 900_144);
    }
    let answer = stage.password(&[("client_secret", SECRET)]).await;
    refused(&answer, "invalid_client", 700_025);
    stage.running.set_policy(THIRD, SignInPolicy::SecondFactor);
    refused(&stage.password(&[]).await, "interaction_required", 50076);
}

#[tokio::test]
async fn a_password_is_for_the_users_own_authority() {
    let stage = plain().await;
    let fields = [
        ("grant_type", "password"),
        ("client_id", CLIENT),
        ("scope", GRAPH),
        ("username", THIRD),
        ("password", "canary-password"),
    ];
    let answer = stage.post("/common/oauth2/v2.0/token", &fields).await;
    refused(&answer, "invalid_request", 9_001_023);
    let answer = stage
        .post("/organizations/oauth2/v2.0/token", &fields)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let realm = stage
        .get("/common/userrealm/third%40demo.example?api-version=1.0")
        .await
        .json();
    assert_eq!(realm["account_type"], "Managed");
    let realm = stage.get("/common/userrealm/nobody?api-version=1.0").await;
    assert_eq!(realm.json()["account_type"], "Unknown");
}

#[tokio::test]
async fn delegated_permissions_open_the_apis_and_their_absence_closes_them() {
    let mut bare = tenant();
    for scopes in bare.applications[0].scopes.values_mut() {
        scopes.retain(|name| {
            name == "User.Read" || name.starts_with("Alert") || name.starts_with("Incident")
        });
    }
    let with = plain().await;
    let without = stage(vec![bare, Tenant::second()], SignIn::default()).await;
    for (path, scope, missing) in [
        (RUN[0], GRAPH, "ThreatHunting.Read.All"),
        (RUN[1], MDE, "AdvancedQuery.Read"),
        (RUN[2], XDR, "AdvancedHunting.Read"),
    ] {
        let token = async |stage: &Stage| {
            let answer = stage.password(&[("scope", scope)]).await.json();
            let token = answer["access_token"].clone();
            let claims = claims(&token);
            assert_eq!(claims["idtyp"], "user");
            assert!(claims.get("roles").is_none());
            token.as_str().unwrap().to_owned()
        };
        let token_with = token(&with).await;
        let answer = hunt(&with.running, path, &token_with, "Nothing").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token_without = token(&without).await;
        let answer = hunt(&without.running, path, &token_without, "Nothing").await;
        assert_eq!(answer.status, 403);
        let wanted = format!("API required scopes: {missing},");
        assert!(answer.text().contains(&wanted), "{}", answer.text());
    }
}

//! Refresh tokens.

use defender_emulator::{SignIn, SignInPolicy};

use super::{ANALYST, OTHER, SCOPE, claims, plain, refused, stage, tenant};
use crate::client::{MDE, SECRET};

#[tokio::test]
async fn a_refresh_token_is_replaced_and_the_old_one_lives_on() {
    let stage = plain().await;
    let first = stage.signed_in(&[]).await["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = stage.refresh(&first, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let tokens = answer.json();
    let second = tokens["refresh_token"].as_str().unwrap();
    assert_ne!(first, second);
    assert!(claims(&tokens["id_token"]).get("nonce").is_none());
    assert_eq!(stage.refresh(second, &[]).await.status, 200);
    assert_eq!(stage.refresh(&first, &[]).await.status, 200);
}

#[tokio::test]
async fn a_client_that_keeps_the_old_one_can_be_found_out() {
    let sign_in = SignIn {
        refresh_tokens_reusable: false,
        ..SignIn::default()
    };
    let stage = stage(vec![tenant()], sign_in).await;
    let first = stage.signed_in(&[]).await["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let tokens = stage.refresh(&first, &[]).await.json();
    let answer = stage.refresh(&first, &[]).await;
    refused(&answer, "invalid_grant", 70000);
    assert_eq!(answer.json()["suberror"], "bad_token");
    let second = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(stage.refresh(second, &[]).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_is_good_for_every_resource_that_was_consented_to() {
    let stage = plain().await;
    let token = stage.signed_in(&[]).await["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = stage.refresh(&token, &[("scope", MDE)]).await.json();
    assert_eq!(
        claims(&answer["access_token"])["scp"],
        "AdvancedQuery.Read Alert.Read File.Read.All Ip.Read.All Machine.Read URL.Read.All \
         User.Read.All"
    );
    assert!(answer["refresh_token"].is_string(), "asked for or not");
    assert!(answer.get("id_token").is_none());
    let answer = stage.refresh(&token, &[("scope", "")]).await.json();
    assert_eq!(
        claims(&answer["access_token"])["aud"],
        "https://graph.microsoft.com"
    );

    let answer = stage.refresh(&token, &[("scope", "Mail.Read")]).await;
    refused(&answer, "invalid_grant", 65001);
    let two = format!("{SCOPE} {MDE}");
    let answer = stage.refresh(&token, &[("scope", &two)]).await;
    refused(&answer, "invalid_scope", 700_022);
}

#[tokio::test]
async fn a_refresh_token_belongs_to_its_client() {
    let stage = plain().await;
    let token = stage.signed_in(&[]).await["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = stage.refresh(&token, &[("client_id", OTHER)]).await;
    refused(&answer, "invalid_grant", 70000);
    let answer = stage.refresh(&token, &[("client_secret", SECRET)]).await;
    refused(&answer, "invalid_client", 700_025);
    refused(
        &stage.refresh("1.Aforged", &[]).await,
        "invalid_grant",
        9_002_313,
    );
    refused(&stage.refresh("", &[]).await, "invalid_request", 900_144);
}

#[tokio::test]
async fn a_refresh_token_expires_and_can_be_revoked() {
    let stage = plain().await;
    let old = stage.signed_in(&[]).await["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    stage.hand.forward(90 * 86_400 - 1);
    let new = stage.refresh(&old, &[]).await.json()["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    stage.hand.forward(1);
    refused(&stage.refresh(&old, &[]).await, "invalid_grant", 700_082);
    assert_eq!(stage.refresh(&new, &[]).await.status, 200);
    assert!(stage.running.revoke(ANALYST) && !stage.running.revoke("nobody"));
    refused(&stage.refresh(&new, &[]).await, "invalid_grant", 50173);
    stage.signed_in(&[]).await;
}

#[tokio::test]
async fn policies_show_where_there_is_no_browser() {
    let stage = plain().await;
    let token = stage.signed_in(&[]).await["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    for (policy, error, code, suberror) in [
        (
            SignInPolicy::SecondFactor,
            "interaction_required",
            50076,
            "basic_action",
        ),
        (
            SignInPolicy::SecondFactorRegistration,
            "interaction_required",
            50079,
            "basic_action",
        ),
        (
            SignInPolicy::ConditionalAccess,
            "invalid_grant",
            53003,
            "message_only",
        ),
        (
            SignInPolicy::PasswordExpired,
            "invalid_grant",
            50055,
            "user_password_expired",
        ),
    ] {
        assert!(stage.running.set_policy(ANALYST, policy));
        let answer = stage.refresh(&token, &[]).await;
        refused(&answer, error, code);
        let body = answer.json();
        assert_eq!(body["suberror"], suberror);
        if error == "interaction_required" {
            let claims = body["claims"].as_str().unwrap();
            let claims: serde_json::Value = serde_json::from_str(claims).unwrap();
            assert_eq!(claims["access_token"]["capolids"]["essential"], true);
        }
    }
    assert!(stage.running.set_policy(ANALYST, SignInPolicy::Disabled));
    refused(&stage.refresh(&token, &[]).await, "invalid_grant", 50057);
    // A second factor that was given once counts for the tokens that came of it.
    assert!(
        stage
            .running
            .set_policy(ANALYST, SignInPolicy::SecondFactor)
    );
    let token = stage.signed_in(&[]).await["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(stage.refresh(&token, &[]).await.status, 200);
}

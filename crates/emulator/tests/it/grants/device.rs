//! Device codes.

use std::time::Duration;

use defender_emulator::{DeviceOutcome, DeviceScript, SignIn, SignInPolicy, Tenant};
use serde_json::Value as Json;

use super::{
    ANALYST, OTHER, SCOPE, Stage, claims, encoded, on_a_page, plain, refused, stage, tenant,
};
use crate::client::{Answer, CLIENT, FORM, SECRET, TENANT, proxied};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn scripted(device: DeviceScript) -> Stage {
    let sign_in = SignIn {
        device,
        ..SignIn::default()
    };
    stage(vec![tenant()], sign_in).await
}

impl Stage {
    async fn device(&self) -> Json {
        let path = format!("/{TENANT}/oauth2/v2.0/devicecode");
        let answer = self
            .post(&path, &[("client_id", CLIENT), ("scope", SCOPE)])
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    async fn poll(&self, device: &Json, changes: &[(&str, &str)]) -> Answer {
        let usual = [
            ("grant_type", GRANT),
            ("client_id", CLIENT),
            ("device_code", device["device_code"].as_str().unwrap()),
        ];
        self.token(&super::with(&usual, changes)).await
    }
}

#[tokio::test]
async fn a_device_waits_and_gets_tokens() {
    let stage = plain().await;
    let device = stage.device().await;
    let user_code = device["user_code"].as_str().unwrap();
    assert_eq!(user_code.len(), 9);
    let page = format!("{}/devicelogin", stage.running.http_url());
    assert_eq!(device["verification_uri"], page);
    assert_eq!(
        (&device["interval"], &device["expires_in"]),
        (&5.into(), &900.into())
    );
    assert_eq!(
        device["message"],
        format!(
            "To sign in, use a web browser to open the page {page} and enter the code {user_code} \
             to authenticate."
        )
    );
    refused(
        &stage.poll(&device, &[]).await,
        "authorization_pending",
        70016,
    );
    let tokens = stage.poll(&device, &[("client_info", "1")]).await.json();
    let access = claims(&tokens["access_token"]);
    assert_eq!(
        (&access["upn"], &access["appidacr"]),
        (&ANALYST.into(), &"0".into())
    );
    assert!(tokens["refresh_token"].is_string() && tokens["id_token"].is_string());
    refused(&stage.poll(&device, &[]).await, "invalid_grant", 54005);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(stage.refresh(refresh, &[]).await.status, 200);
}

#[tokio::test]
async fn a_device_code_belongs_to_its_client() {
    let stage = plain().await;
    let device = stage.device().await;
    let answer = stage.poll(&device, &[("client_id", OTHER)]).await;
    refused(&answer, "bad_verification_code", 70018);
    let answer = stage.poll(&device, &[("device_code", "forged")]).await;
    refused(&answer, "bad_verification_code", 70018);
    let answer = stage.poll(&device, &[("device_code", "")]).await;
    refused(&answer, "invalid_request", 900_144);
    let answer = stage.poll(&device, &[("client_secret", SECRET)]).await;
    refused(&answer, "invalid_client", 700_025);
    let path = format!("/{TENANT}/oauth2/v2.0/devicecode");
    for (fields, error, code) in [
        (vec![("scope", SCOPE)], "invalid_request", 900_144),
        (vec![("client_id", CLIENT)], "invalid_request", 900_144),
        (
            vec![("client_id", "unknown"), ("scope", SCOPE)],
            "unauthorized_client",
            700_016,
        ),
        (
            vec![
                ("client_id", CLIENT),
                ("scope", "https://nowhere.example/x"),
            ],
            "invalid_resource",
            500_011,
        ),
    ] {
        refused(&stage.post(&path, &fields).await, error, code);
    }
}

#[tokio::test]
async fn an_application_without_public_flows_needs_a_proof() {
    let mut tenant = tenant();
    tenant.applications[0].public_client_flows = false;
    let stage = stage(vec![tenant], SignIn::default()).await;
    let device = stage.device().await;
    refused(&stage.poll(&device, &[]).await, "invalid_client", 7_000_218);
    let secret = ("client_secret", SECRET);
    refused(
        &stage.poll(&device, &[secret]).await,
        "authorization_pending",
        70016,
    );
    assert_eq!(stage.poll(&device, &[secret]).await.status, 200);
}

#[tokio::test]
async fn a_device_is_declined() {
    let stage = scripted(DeviceScript {
        outcome: DeviceOutcome::Decline,
        pending: 0,
        ..DeviceScript::default()
    })
    .await;
    let device = stage.device().await;
    refused(
        &stage.poll(&device, &[]).await,
        "authorization_declined",
        65004,
    );
}

#[tokio::test]
async fn a_device_code_expires() {
    let stage = scripted(DeviceScript {
        lifetime: Duration::from_mins(1),
        ..DeviceScript::default()
    })
    .await;
    let device = stage.device().await;
    assert_eq!(device["expires_in"], 60);
    stage.hand.forward(59);
    refused(
        &stage.poll(&device, &[]).await,
        "authorization_pending",
        70016,
    );
    stage.hand.forward(1);
    refused(&stage.poll(&device, &[]).await, "expired_token", 70019);
}

#[tokio::test]
async fn a_device_that_hurries_is_slowed_down() {
    let stage = scripted(DeviceScript {
        paced: true,
        pending: 9,
        ..DeviceScript::default()
    })
    .await;
    let device = stage.device().await;
    let mut seen = Vec::new();
    // Five seconds are the interval; after the third poll it is ten.
    for wait in [0, 5, 4, 9, 10, 15] {
        stage.hand.forward(wait);
        seen.push(super::refusal(&stage.poll(&device, &[]).await).0);
    }
    assert_eq!(
        seen,
        [
            "authorization_pending",
            "authorization_pending",
            "slow_down",
            "slow_down",
            "slow_down",
            "slow_down",
        ]
    );
    stage.hand.forward(30);
    refused(
        &stage.poll(&device, &[]).await,
        "authorization_pending",
        70016,
    );
}

#[tokio::test]
async fn polls_are_slowed_down_as_the_script_says() {
    let stage = scripted(DeviceScript {
        slow_down: vec![1, 3],
        pending: 1,
        ..DeviceScript::default()
    })
    .await;
    let device = stage.device().await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(super::refusal(&stage.poll(&device, &[]).await).0);
    }
    assert_eq!(seen, ["slow_down", "authorization_pending", "slow_down"]);
    assert_eq!(stage.poll(&device, &[]).await.status, 200);
}

#[tokio::test]
async fn a_page_takes_the_code_and_asks_who_it_is() {
    let stage = scripted(DeviceScript {
        outcome: DeviceOutcome::Page,
        pending: 0,
        ..DeviceScript::default()
    })
    .await;
    let device = stage.device().await;
    let user_code = device["user_code"].as_str().unwrap();
    refused(
        &stage.poll(&device, &[]).await,
        "authorization_pending",
        70016,
    );
    assert!(
        stage
            .get("/devicelogin")
            .await
            .text()
            .contains("name=\"otc\"")
    );
    on_a_page(
        &stage.post("/devicelogin", &[("otc", "WRONG")]).await,
        70018,
    );
    let lower = user_code.to_lowercase();
    let page = stage.post("/devicelogin", &[("otc", &lower)]).await;
    assert!(
        page.text().contains("value=\"admin@demo.example\""),
        "{}",
        page.text()
    );
    let answer = [
        ("ctx", user_code),
        ("account", "admin@demo.example"),
        ("decision", "approve"),
    ];
    let page = stage.post("/devicelogin", &answer).await;
    assert!(
        page.text().contains("You have signed in"),
        "{}",
        page.text()
    );
    on_a_page(&stage.post("/devicelogin", &answer).await, 70018);
    let tokens = stage.poll(&device, &[]).await.json();
    assert_eq!(claims(&tokens["access_token"])["upn"], "admin@demo.example");

    let device = stage.device().await;
    let user_code = device["user_code"].as_str().unwrap();
    let answer = [("ctx", user_code), ("decision", "deny")];
    assert!(
        stage
            .post("/devicelogin", &answer)
            .await
            .text()
            .contains("cancelled")
    );
    refused(
        &stage.poll(&device, &[]).await,
        "authorization_declined",
        65004,
    );

    let device = stage.device().await;
    let user_code = device["user_code"].as_str().unwrap();
    assert!(!stage.running.answer_device("WRONG", Some(ANALYST)));
    assert!(!stage.running.answer_device(user_code, Some("nobody")));
    assert!(stage.running.answer_device(user_code, Some(ANALYST)));
    assert_eq!(stage.poll(&device, &[]).await.status, 200);
}

#[tokio::test]
async fn policies_and_consent_count_for_devices_too() {
    let mut tenant = tenant();
    tenant.applications[0].consented = false;
    let stage = stage(vec![tenant], SignIn::default()).await;
    let device = stage.device().await;
    refused(
        &stage.poll(&device, &[]).await,
        "authorization_pending",
        70016,
    );
    refused(&stage.poll(&device, &[]).await, "access_denied", 90094);
    let stage = plain().await;
    let device = stage.device().await;
    stage.poll(&device, &[]).await;
    stage
        .running
        .set_policy(ANALYST, SignInPolicy::ConditionalAccess);
    refused(&stage.poll(&device, &[]).await, "invalid_grant", 53003);
    stage
        .running
        .set_policy(ANALYST, SignInPolicy::SecondFactor);
    assert_eq!(stage.poll(&device, &[]).await.status, 200);
}

#[tokio::test]
async fn every_cloud_has_a_page_of_its_own() {
    let stage = stage(vec![tenant(), Tenant::government()], SignIn::default()).await;
    for (host, digit, page) in [
        (
            "login.microsoftonline.com",
            "1",
            "https://microsoft.com/devicelogin",
        ),
        (
            "login.microsoftonline.us",
            "3",
            "https://microsoft.com/deviceloginus",
        ),
    ] {
        let form = encoded(&[
            ("client_id", &CLIENT.replace('1', digit)),
            ("scope", "openid"),
        ]);
        let path = "/organizations/oauth2/v2.0/devicecode";
        let answer = proxied(&stage.running, host, "POST", path, &[FORM], form).await;
        let device = answer.json();
        assert_eq!(device["verification_uri"], page);
        let path = page.strip_prefix("https://microsoft.com").unwrap();
        let answer = proxied(&stage.running, "microsoft.com", "GET", path, &[], "").await;
        assert!(answer.text().contains("name=\"otc\""));
    }
    // And the host serves nothing else.
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    let answer = proxied(&stage.running, "microsoft.com", "POST", &path, &[FORM], "").await;
    assert_eq!(answer.status, 404);
}

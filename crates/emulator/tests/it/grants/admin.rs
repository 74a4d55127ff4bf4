//! Consent of an administrator, and an application that works in many tenants.

use defender_emulator::{Browser, SignIn, Tenant};

use super::{
    REDIRECT, Stage, claims, encoded, on_a_page, parameter, plain, refused, sent_back, stage,
    tenant,
};
use crate::client::{Answer, CLIENT, GRAPH, SECRET, TENANT, form};

/// Three customers of one application; the last one has not consented.
fn customers() -> Vec<Tenant> {
    ["1", "2", "4"]
        .map(|digit| {
            let mut customer = Tenant::demo();
            customer.id = TENANT.replace('1', digit);
            customer.name = format!("Customer {digit}");
            customer.domain = Some(format!("customer{digit}.example"));
            customer.vaults.clear();
            customer.applications.truncate(1);
            customer.applications[0].consented = digit != "4";
            customer
        })
        .to_vec()
}

impl Stage {
    async fn application_token(&self, digit: &str) -> Answer {
        let path = format!("/{}/oauth2/v2.0/token", TENANT.replace('1', digit));
        let form = form(CLIENT, SECRET, GRAPH);
        crate::client::direct(&self.running, "POST", &path, &[crate::client::FORM], form)
            .await
            .unwrap()
    }

    async fn consent(&self, digit: &str, version: &str, changes: &[(&str, &str)]) -> Answer {
        let usual = [
            ("client_id", CLIENT),
            ("redirect_uri", REDIRECT),
            ("state", "a state"),
        ];
        let query = encoded(&super::with(&usual, changes));
        let tenant = TENANT.replace('1', digit);
        self.get(&format!("/{tenant}{version}/adminconsent?{query}"))
            .await
    }
}

#[tokio::test]
async fn a_customer_consents_and_the_application_is_let_in() {
    let stage = stage(customers(), SignIn::default()).await;
    for digit in ["1", "2"] {
        let token = stage.application_token(digit).await.json()["access_token"].clone();
        assert_eq!(claims(&token)["tid"], TENANT.replace('1', digit));
    }
    refused(
        &stage.application_token("4").await,
        "unauthorized_client",
        700_016,
    );

    let answer = stage.consent("4", "", &[]).await;
    assert_eq!(answer.status, 302);
    let location = answer.header("location").unwrap();
    assert!(
        location.starts_with("http://localhost:49152/?admin_consent=True&"),
        "{location}"
    );
    assert_eq!(parameter(&answer, "tenant"), Some(TENANT.replace('1', "4")));
    assert_eq!(parameter(&answer, "state").as_deref(), Some("a state"));
    let answer = stage.application_token("4").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn consent_may_be_to_named_permissions() {
    let stage = stage(vec![tenant()], SignIn::default()).await;
    refused_scope(&stage).await;
    let scope = ("scope", "https://graph.microsoft.com/Mail.Read");
    let answer = stage.consent("1", "/v2.0", &[scope]).await;
    assert_eq!(parameter(&answer, "scope").as_deref(), Some(scope.1));
    let tokens = stage.signed_in(&[("scope", "Mail.Read")]).await;
    let scp = claims(&tokens["access_token"])["scp"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(scp.split(' ').any(|name| name == "Mail.Read"), "{scp}");
    let answer = stage.consent("1", "/v2.0", &[]).await;
    sent_back(&answer, "invalid_request", 900_144);
}

async fn refused_scope(stage: &Stage) {
    sent_back(
        &stage.authorize(&[("scope", "Mail.Read")]).await,
        "access_denied",
        90094,
    );
}

#[tokio::test]
async fn consent_goes_back_to_registered_addresses_only() {
    let stage = plain().await;
    for (changes, code) in [
        (("client_id", ""), 900_144),
        (("client_id", "unknown"), 700_016),
        (("redirect_uri", ""), 900_971),
        (("redirect_uri", "https://evil.example"), 50011),
    ] {
        on_a_page(&stage.consent("1", "", &[changes]).await, code);
    }
}

#[tokio::test]
async fn consent_can_be_declined_and_needs_an_administrator() {
    let sign_in = SignIn {
        browser: Browser::Deny,
        ..SignIn::default()
    };
    let declined = stage(customers(), sign_in).await;
    let answer = declined.consent("4", "", &[]).await;
    sent_back(&answer, "consent_required", 65004);
    assert_eq!(parameter(&answer, "admin_consent").as_deref(), Some("True"));
    refused(
        &declined.application_token("4").await,
        "unauthorized_client",
        700_016,
    );

    let mut alone = customers();
    for customer in &mut alone {
        customer.users.truncate(1);
    }
    let stage = stage(alone, SignIn::default()).await;
    sent_back(&stage.consent("4", "", &[]).await, "access_denied", 90094);
    refused(
        &stage.application_token("4").await,
        "unauthorized_client",
        700_016,
    );
}

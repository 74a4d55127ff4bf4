//! The browser sign-in against an authority that checks PKCE, redirect and code.

use defender_core::{Credential, ErrorKind, ExposeSecret};
use defender_credentials::{ResponseMode, claims};
use defender_emulator::{Browser, SignIn, SignInPolicy};

use super::{ADMIN, ANALYST, Setting, graph};

#[tokio::test]
async fn a_user_signs_in_and_hunts_with_their_own_permissions() {
    for mode in [ResponseMode::Query, ResponseMode::FormPost] {
        let setting = Setting::new(|_| {}).await;
        let credential = setting.process(setting.browser(mode), Some(ANALYST));
        let token = credential.token(&graph()).await.unwrap();
        let claims = claims(token.secret.expose_secret()).unwrap();
        assert_eq!(claims.user.as_deref(), Some(ANALYST));
        assert!(
            claims
                .scopes
                .iter()
                .any(|scope| scope == "ThreatHunting.Read.All")
        );
        assert!(claims.roles.is_empty());
        assert_eq!(setting.token_requests().len(), 1);
    }
}

#[tokio::test]
async fn another_account_than_the_settings_name_is_an_error_that_says_so() {
    let setting = Setting::new(|options| {
        options.sign_in = SignIn {
            account: Some(ADMIN.to_owned()),
            ..SignIn::default()
        };
    })
    .await;
    let credential = setting.process(setting.browser(ResponseMode::Query), Some(ANALYST));
    let error = credential.token(&graph()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert_eq!(
        error.to_string(),
        format!("{ADMIN} signed in, but the sign-in is for {ANALYST}")
    );
    assert!(!setting.path().exists());
}

#[tokio::test]
async fn who_declines_is_an_error_and_a_page() {
    let setting = Setting::new(|options| {
        options.sign_in = SignIn {
            browser: Browser::Deny,
            ..SignIn::default()
        };
    })
    .await;
    let credential = setting.process(setting.browser(ResponseMode::Query), None);
    let error = credential.token(&graph()).await.unwrap_err();
    assert!(error.code().unwrap().starts_with("AADSTS"), "{error:?}");
    assert!(
        error.to_string().starts_with("sign-in refused: "),
        "{error}"
    );
    assert!(setting.token_requests().is_empty());
}

#[tokio::test]
async fn a_second_factor_is_given_in_the_browser() {
    let setting = Setting::new(|_| {}).await;
    let person = setting.browser(ResponseMode::Query);
    let credential = setting.process(person.clone(), Some(ANALYST));
    credential.token(&graph()).await.unwrap();
    assert!(setting.emulator.revoke(ANALYST));
    assert!(
        setting
            .emulator
            .set_policy(ANALYST, SignInPolicy::SecondFactor)
    );
    setting.clock.advance(std::time::Duration::from_hours(2));
    let token = credential.token(&graph()).await.unwrap();
    assert!(token.expires_at > defender_core::Clock::now(&*setting.clock));
}

//! Sign-ins that last: over scopes, over processes, over expiry; and what is on the disk.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use defender_core::{Credential, ExposeSecret, TokenId};
use defender_credentials::{NoInput, ResponseMode, Selection, TokenStore, claims};
use defender_emulator::SignIn;

use super::{ANALYST, Setting, defender, graph, shown};
use crate::Log;

/// An authority at which a replaced refresh token is of no use any more.
async fn strict() -> Setting {
    Setting::new(|options| {
        options.sign_in = SignIn {
            refresh_tokens_reusable: false,
            ..SignIn::default()
        };
    })
    .await
}

#[tokio::test]
async fn one_sign_in_is_good_for_every_scope_and_for_the_next_process() {
    let setting = strict().await;
    let first = setting.process(setting.browser(ResponseMode::Query), Some(ANALYST));
    first.token(&graph()).await.unwrap();
    first.token(&defender()).await.unwrap();
    assert_eq!(setting.token_requests().len(), 2);
    drop(first);

    // A token that is kept costs no request; one that has ended costs one and no person.
    let second = setting.process(Arc::new(NoInput), Some("Analyst@Demo.Example"));
    second.token(&graph()).await.unwrap();
    assert_eq!(setting.token_requests().len(), 2);
    setting.clock.advance(Duration::from_hours(2));
    let token = second.token(&defender()).await.unwrap();
    assert_eq!(setting.token_requests().len(), 3);
    let claims = claims(token.secret.expose_secret()).unwrap();
    assert_eq!(claims.user.as_deref(), Some(ANALYST));
    assert_eq!(
        claims.audiences,
        ["https://api.securitycenter.microsoft.com"]
    );
    // What the second process got is what a third begins with.
    setting.clock.advance(Duration::from_hours(2));
    let third = setting.process(Arc::new(NoInput), None);
    third.token(&graph()).await.unwrap();
    assert!(setting.told.warnings.lock().unwrap().is_empty());
}

#[tokio::test]
async fn eight_queries_at_the_end_of_a_token_make_one_request() {
    let setting = strict().await;
    let process = setting.process(setting.browser(ResponseMode::Query), None);
    let old = process.token(&graph()).await.unwrap();
    setting.clock.advance(Duration::from_hours(2));
    let process = Arc::new(process);
    let queries: Vec<_> = (0..8)
        .map(|_| {
            let process = process.clone();
            tokio::spawn(async move { process.token(&graph()).await.map(|token| token.id) })
        })
        .collect();
    let mut ids: Vec<TokenId> = Vec::new();
    for query in queries {
        ids.push(query.await.unwrap().unwrap());
    }
    assert!(ids.iter().all(|id| *id == ids[0] && *id != old.id));
    assert_eq!(setting.token_requests().len(), 2);
}

#[tokio::test]
async fn a_revoked_session_needs_a_person_again() {
    let setting = strict().await;
    let person = setting.browser(ResponseMode::Query);
    setting
        .process(person.clone(), None)
        .token(&graph())
        .await
        .unwrap();
    assert!(setting.emulator.revoke(ANALYST));
    setting.clock.advance(Duration::from_hours(2));
    let silent = setting.process(Arc::new(NoInput), None);
    let error = silent.token(&graph()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the kept sign-in is of no use any more, and nobody may be asked"
    );
    assert!(error.code().unwrap().starts_with("AADSTS"), "{error:?}");
    setting.process(person, None).token(&graph()).await.unwrap();
    silent.token(&graph()).await.unwrap();
}

#[tokio::test]
async fn a_damaged_cache_costs_one_sign_in() {
    let setting = strict().await;
    let person = setting.browser(ResponseMode::Query);
    setting
        .process(person.clone(), None)
        .token(&graph())
        .await
        .unwrap();
    fs::write(setting.path(), "damaged").unwrap();
    setting.process(person, None).token(&graph()).await.unwrap();
    let warnings = setting.told.warnings.lock().unwrap().clone();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("is not one of this program's; it was renamed to"));
    setting
        .process(Arc::new(NoInput), None)
        .token(&graph())
        .await
        .unwrap();
}

#[tokio::test]
async fn who_logs_out_has_to_sign_in_again() {
    let setting = strict().await;
    let delegated = setting.delegated(setting.browser(ResponseMode::Query), None);
    let (_, who) = delegated.sign_in(&graph()).await.unwrap();
    assert_eq!(who.unwrap().username, ANALYST);
    assert_eq!(delegated.accounts().await.unwrap().len(), 1);
    let gone = setting.store().forget(&Selection::default()).await.unwrap();
    assert_eq!(gone[0].account.as_ref().unwrap().username, ANALYST);
    let silent = setting.process(Arc::new(NoInput), None);
    let error = silent.token(&graph()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "nobody is signed in, and nobody may be asked"
    );
}

#[tokio::test]
async fn no_token_is_in_the_log_or_on_the_disk() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // For the process: of one thread alone, what other tests have logged before may stay unheard.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let setting = strict().await;
    let process = setting.process(setting.browser(ResponseMode::Query), None);
    let mut secrets = vec![process.token(&graph()).await.unwrap().secret];
    secrets.push(process.token(&defender()).await.unwrap().secret);
    for kept in setting.store().kept().await.unwrap() {
        secrets.extend(kept.refresh_token);
    }
    assert_eq!(secrets.len(), 3);
    assert!(setting.emulator.revoke(ANALYST));
    setting.clock.advance(Duration::from_hours(2));
    let silent = setting.process(Arc::new(NoInput), None);
    let error = silent.token(&graph()).await.unwrap_err();

    let mut texts = vec![
        (
            "the log",
            String::from_utf8(log.0.lock().unwrap().clone()).unwrap(),
        ),
        ("the error", shown(&error)),
        ("debug output", format!("{process:?} {:?}", setting.store())),
    ];
    assert!(texts[0].1.contains("got a token"), "{}", texts[0].1);
    for entry in fs::read_dir(setting.folder.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        texts.push(("a file", String::from_utf8_lossy(&bytes).into_owned()));
    }
    for secret in &secrets {
        let secret = secret.expose_secret();
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let base64 = URL_SAFE_NO_PAD.encode(secret);
        for (place, text) in &texts {
            for form in [secret, &form, &base64] {
                assert!(!text.contains(form), "a token is in {place}");
            }
        }
    }
    for word in ["code_verifier", "code=", "state="] {
        assert!(
            !texts[0].1.contains(word),
            "{word} is in the log: {}",
            texts[0].1
        );
    }
}

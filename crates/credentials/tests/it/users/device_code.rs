//! The device code against an authority that paces, and that people decline at.

use std::sync::Arc;
use std::time::Duration;

use defender_core::{Credential, ErrorKind, ExposeSecret};
use defender_credentials::{DeviceCode, claims};
use defender_emulator::{DeviceOutcome, DeviceScript, SignIn};

use super::{ANALYST, Setting, graph};

async fn with(device: DeviceScript) -> (Setting, Arc<DeviceCode>) {
    let setting = Setting::new(|options| {
        options.sign_in = SignIn {
            device,
            ..SignIn::default()
        };
    })
    .await;
    let client = setting.client(setting.clock.clone());
    let device_code = Arc::new(DeviceCode::new(client, setting.told.clone()));
    (setting, device_code)
}

#[tokio::test]
async fn a_code_is_waited_for_at_the_pace_that_the_authority_sets() {
    let (setting, device_code) = with(DeviceScript {
        pending: 2,
        slow_down: vec![2],
        paced: true,
        ..DeviceScript::default()
    })
    .await;
    let credential = setting.process(device_code, Some(ANALYST));
    let token = credential.token(&graph()).await.unwrap();
    let claims = claims(token.secret.expose_secret()).unwrap();
    assert_eq!(claims.user.as_deref(), Some(ANALYST));
    let slept: Vec<_> = setting
        .clock
        .slept()
        .iter()
        .map(Duration::as_secs)
        .collect();
    // Slower for good after the second poll; the emulator would refuse who comes sooner.
    assert_eq!(slept[..3], [5, 5, 10], "{slept:?}");
    assert!(slept[3..].iter().all(|wait| *wait == 10), "{slept:?}");
    let told = setting.told.codes.lock().unwrap();
    assert_eq!(told.len(), 1);
    assert!(told[0].message.contains(&told[0].user_code));
}

#[tokio::test]
async fn a_decline_and_an_expiry_are_told_apart() {
    let (setting, device_code) = with(DeviceScript {
        outcome: DeviceOutcome::Decline,
        ..DeviceScript::default()
    })
    .await;
    let error = setting
        .process(device_code, None)
        .token(&graph())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the sign-in was declined in the browser");

    let (setting, device_code) = with(DeviceScript {
        outcome: DeviceOutcome::Page,
        ..DeviceScript::default()
    })
    .await;
    let error = setting
        .process(device_code, None)
        .token(&graph())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert_eq!(
        error.to_string(),
        "the device code has expired before anybody signed in with it"
    );
}

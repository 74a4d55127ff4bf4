//! What the tests of users' sign-ins share: made-up answers, a prompt that remembers, a clock
//! that waits for ever.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use defender_core::{Clock, ManualClock, Scope, TokenRequest};
use defender_http::{Answer, ScriptedTransport};
use serde_json::json;
use url::Url;

use crate::claims::token_with;
use crate::{Authority, BrowserPrompt, DeviceCodePrompt, PublicClient, SignInPrompt};

pub(crate) const CLIENT: &str = "11111111-1111-1111-1111-aaaaaaaaaaaa";
pub(crate) const TENANT: &str = "11111111-1111-1111-1111-111111111111";

pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
}

pub(crate) fn manual() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(now()))
}

pub(crate) fn client(transport: &ScriptedTransport, clock: Arc<dyn Clock>) -> PublicClient {
    client_in(TENANT, transport, clock)
}

pub(crate) fn client_in(
    tenant: &str,
    transport: &ScriptedTransport,
    clock: Arc<dyn Clock>,
) -> PublicClient {
    let base = Url::parse("https://login.microsoftonline.com").unwrap();
    let authority = Authority::new(base, tenant).unwrap();
    PublicClient::new(authority, CLIENT, Arc::new(transport.clone()), clock)
}

pub(crate) fn graph() -> TokenRequest {
    TokenRequest::new(Scope::default_of("https://graph.microsoft.com"))
}

pub(crate) fn vault() -> TokenRequest {
    TokenRequest::new(Scope::default_of("https://vault.azure.net"))
}

/// The answer to a user's sign-in or renewal; `number` tells its tokens from others'.
pub(crate) fn granted(username: &str, number: u32, nonce: &str) -> Answer {
    let id_token = token_with(
        &json!({
            "aud": CLIENT, "tid": TENANT, "oid": format!("oid-{username}"), "nonce": nonce,
            "preferred_username": username,
        })
        .to_string(),
    );
    let client_info = json!({"uid": format!("uid-{username}"), "utid": "home"}).to_string();
    let body = json!({
        "token_type": "Bearer",
        "expires_in": 3600,
        "access_token": format!("canary-access-{number}"),
        "refresh_token": format!("canary-refresh-{number}"),
        "id_token": id_token,
        "client_info": URL_SAFE_NO_PAD.encode(client_info),
    });
    Answer::json(200, body.to_string())
}

/// A refusal as Entra ID words it.
pub(crate) fn refused(name: &str, number: u32, text: &str) -> Answer {
    let body = json!({
        "error": name,
        "error_description": format!("AADSTS{number}: {text}\r\nTrace ID: t\r\nCorrelation ID: c"),
        "error_codes": [number],
    });
    Answer::json(400, body.to_string())
}

/// Remembers what a person was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) codes: Mutex<Vec<DeviceCodePrompt>>,
    pub(crate) addresses: Mutex<Vec<(Url, bool)>>,
    pub(crate) warnings: Mutex<Vec<String>>,
}

impl SignInPrompt for Told {
    fn device_code(&self, prompt: &DeviceCodePrompt) {
        self.codes.lock().unwrap().push(prompt.clone());
    }

    fn browser(&self, prompt: &BrowserPrompt<'_>) {
        let told = (prompt.address.clone(), prompt.opened);
        self.addresses.lock().unwrap().push(told);
    }

    fn warning(&self, warning: &str) {
        self.warnings.lock().unwrap().push(warning.to_owned());
    }
}

/// A clock whose sleeps never end.
#[derive(Debug)]
pub(crate) struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> SystemTime {
        now()
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}

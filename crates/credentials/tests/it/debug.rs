//! `Debug` of every public type that can hold a secret holds none.

use std::fmt::Debug;
use std::sync::Arc;

use defender_core::{
    AccessToken, Clock, Credential, ManualClock, Redaction, SecretRef, SecretString, Transport,
};
use defender_credentials::{
    AssertionFile, AssertionText, AzureCli, CacheKey, Cached, CertificateSources, Chain,
    ClientAssertion, ClientSecret, CommandOutput, Delegated, DelegatedOptions, ExistingToken,
    FileStore, Kept, KeptToken, KeyMaterial, MemoryStore, NewTokens, NoInput, Owner, PublicClient,
    RefreshToken, SignInPrompt, Stored, SystemCommands, TokenStore,
};
use defender_http::{Answer, ScriptedTransport};
use url::Url;

use super::*;

/// As text and as the numbers of its bytes.
const CANARY: &str = "canary-8Q~secret.value-0123456789ab";

#[derive(Debug)]
struct Silent;

impl SignInPrompt for Silent {
    fn device_code(&self, _: &defender_credentials::DeviceCodePrompt) {}
    fn browser(&self, _: &defender_credentials::BrowserPrompt<'_>) {}
    fn warning(&self, _: &str) {}
}

fn check(shown: &dyn Debug) {
    for text in [format!("{shown:?}"), format!("{shown:#?}")] {
        let bytes = CANARY.as_bytes()[..4].iter().map(u8::to_string);
        let bytes = bytes.collect::<Vec<_>>().join(", ");
        assert!(!text.contains("canary") && !text.contains(&bytes), "{text}");
        let known = Redaction::of([&SecretString::from(CANARY)]);
        assert!(!known.is_in(&text), "{text}");
    }
}

#[tokio::test]
async fn no_debug_of_a_public_type_holds_a_secret() {
    let secret = || SecretString::from(CANARY);
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH));
    let transport: Arc<dyn Transport> = Arc::new(ScriptedTransport::new([]));
    let base = Url::parse("https://login.example").unwrap();
    let authority = || Authority::new(base.clone(), "t").unwrap();
    let client = || PublicClient::new(authority(), "c", Arc::clone(&transport), clock.clone());
    let owner = || Owner::application(&authority(), "c");
    let token = || {
        AccessToken::new(
            CANARY.to_owned(),
            SystemTime::UNIX_EPOCH + Duration::from_hours(1),
        )
    };
    let kept = || KeptToken {
        scope: "s".into(),
        tenant: None,
        token: token(),
    };
    let tokens = || NewTokens {
        refresh_token: Some(secret()),
        access_token: Some(kept()),
    };
    let by_secret = || {
        let transport = Arc::clone(&transport);
        ClientSecret::new(authority(), "c", secret(), transport, clock.clone())
    };
    let memory = Arc::new(MemoryStore::new(clock.clone()));
    memory.keep(&owner(), tokens()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = FileStore::new(folder.path().join("t"), clock.clone(), Arc::new(Silent));
    file.keep(&owner(), tokens()).await.unwrap();
    let mut sources =
        CertificateSources::new(KeyMaterial::from_bytes(CANARY.into(), "n", "Certificate"));
    sources.password = Some(secret());
    let text = AssertionText::new(secret(), "AssertionText");
    let store: Arc<dyn TokenStore> = memory.clone();
    let chained: Arc<dyn Credential> = Arc::new(by_secret());
    let environment = defender_credentials::EnvironmentCredential::new(
        |_| Some(CANARY.to_owned()),
        base.clone(),
        Arc::clone(&transport),
        clock.clone(),
    );
    let values: Vec<Box<dyn Debug>> = vec![
        Box::new(by_secret()),
        Box::new(Cached::new(by_secret(), clock.clone())),
        Box::new(Chain::new([("one", chained)])),
        Box::new(Stored::new(
            by_secret(),
            owner(),
            store.clone(),
            clock.clone(),
        )),
        Box::new(ExistingToken::new(secret(), clock.clone())),
        Box::new(RefreshToken::new(client(), secret())),
        Box::new(Delegated::new(
            client(),
            Arc::new(NoInput),
            store,
            DelegatedOptions::default(),
        )),
        Box::new(text.clone()),
        Box::new(AssertionFile::new(CANARY, "AssertionFile")),
        Box::new(AssertionFile::from_elsewhere(CANARY, "AssertionFile")),
        Box::new(ClientAssertion::new(
            authority(),
            "c",
            Arc::new(text),
            Arc::clone(&transport),
            clock.clone(),
        )),
        Box::new(environment),
        Box::new(AzureCli::new(None, Arc::new(SystemCommands))),
        Box::new(CommandOutput {
            code: Some(1),
            stdout: secret(),
            stderr: CANARY.to_owned(),
        }),
        Box::new(sources),
        Box::new(CacheKey::new(CANARY.as_bytes()[..32].try_into().unwrap())),
        Box::new(tokens()),
        Box::new(kept()),
        Box::new(Kept {
            owner: owner(),
            refresh_token: Some(secret()),
            access_tokens: vec![kept()],
        }),
        Box::new(memory),
        Box::new(file),
        Box::new(token()),
        Box::new(SecretRef::Inline(secret())),
        Box::new(Answer::json(200, CANARY).header("x-canary", CANARY)),
    ];
    for value in values {
        check(&*value);
    }
    let error = KeyMaterial::from_path(CANARY, "Certificate").unwrap_err();
    check(&error);
}

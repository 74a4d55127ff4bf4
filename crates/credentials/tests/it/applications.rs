//! Applications and machines against the emulator, which refuses what the authority refuses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use defender_core::{
    AccessToken, Credential, Error, ErrorKind, ExposeSecret, ManualClock, Result, Scope,
    TokenRequest,
};
use defender_credentials::{
    AssertionText, Authority, Cached, CertificateKey, CertificateOptions, CertificateSources,
    Chain, ClientAssertion, ClientCertificate, EnvironmentCredential, KeyMaterial, ManagedIdentity,
    ManagedIdentityOptions, SigningAlgorithm, claims,
};
use defender_emulator::{Certificate, Emulator, Options, Running};
use defender_http::{HttpOptions, HttpTransport, Traced};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Name};
use url::Url;

const TENANT: &str = "11111111-1111-1111-1111-111111111111";
const CLIENT: &str = "11111111-1111-1111-1111-aaaaaaaaaaaa";
const START: u64 = 1_800_000_000;

fn certificate(key: &PKey<Private>) -> X509 {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", "hunting.example").unwrap();
    let name = name.build();
    let at = |seconds| Asn1Time::from_unix(seconds).unwrap();
    let start = i64::try_from(START).unwrap();
    let mut builder = X509::builder().unwrap();
    let serial = BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_not_before(&at(start - 3600)).unwrap();
    builder.set_not_after(&at(start + 365 * 86_400)).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build()
}

/// An emulator where one certificate is registered, and a time that it shares with the client.
struct Setting {
    emulator: Running,
    clock: Arc<ManualClock>,
    pem: Vec<u8>,
}

impl Setting {
    async fn new() -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let certificate = certificate(&key);
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(START);
        let clock = Arc::new(ManualClock::new(start));
        let time = clock.clone();
        let mut options = Options {
            https: None,
            proxy: None,
            clock: Arc::new(move || defender_core::Clock::now(&*time)),
            ..Options::default()
        };
        let registered = Certificate::parse(&certificate.to_der().unwrap()).unwrap();
        options.tenants[0].applications[0].certificates = vec![registered];
        options.sign_in.assertions_reusable = false;
        let mut pem = certificate.to_pem().unwrap();
        pem.extend(key.private_key_to_pem_pkcs8().unwrap());
        Self {
            emulator: Emulator::start(options).await.unwrap(),
            clock,
            pem,
        }
    }

    fn transport() -> Arc<Traced<HttpTransport>> {
        Arc::new(Traced::new(
            HttpTransport::new(&HttpOptions::default()).unwrap(),
        ))
    }

    fn url(&self) -> Url {
        Url::parse(&self.emulator.http_url()).unwrap()
    }

    fn authority(&self) -> Authority {
        Authority::new(self.url(), TENANT).unwrap()
    }

    fn signing(&self, pem: &[u8], client: &str, options: CertificateOptions) -> ClientCertificate {
        let material = KeyMaterial::from_bytes(pem.to_vec(), "app.pem", "Certificate");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(START);
        let key = CertificateKey::load(&CertificateSources::new(material), now).unwrap();
        let clock = self.clock.clone();
        ClientCertificate::new(
            self.authority(),
            client,
            key,
            options,
            Self::transport(),
            clock,
        )
    }

    fn identity(&self) -> ManagedIdentity {
        let host = self.emulator.http_url();
        let variable =
            move |name: &str| (name == "AZURE_POD_IDENTITY_AUTHORITY_HOST").then(|| host.clone());
        let options = ManagedIdentityOptions::default();
        ManagedIdentity::new(variable, options, Self::transport(), self.clock.clone())
    }

    fn environment(&self, variables: BTreeMap<&'static str, String>) -> EnvironmentCredential {
        let lookup = move |name: &str| variables.get(name).cloned();
        EnvironmentCredential::new(lookup, self.url(), Self::transport(), self.clock.clone())
    }

    fn token_requests(&self) -> usize {
        let requests = self.emulator.requests().into_iter();
        requests
            .filter(|sent| sent.path.ends_with("/token"))
            .count()
    }
}

fn graph() -> TokenRequest {
    TokenRequest::new(Scope::default_of("https://graph.microsoft.com"))
}

/// The application and tenant that `token` names.
fn named(token: &AccessToken) -> (Option<String>, Option<String>) {
    let claims = claims(token.secret.expose_secret()).unwrap();
    (claims.application, claims.tenant)
}

fn refused(outcome: Result<AccessToken>) -> (ErrorKind, String) {
    let error: Error = outcome.unwrap_err();
    assert!(error.hint().is_some(), "{error:?}");
    (error.kind(), error.code().unwrap_or_default().to_owned())
}

fn credential_error(number: u32) -> (ErrorKind, String) {
    (ErrorKind::Credential, format!("AADSTS{number}"))
}

#[tokio::test]
async fn both_signatures_are_taken_for_every_audience() {
    let setting = Setting::new().await;
    for algorithm in [SigningAlgorithm::Ps256, SigningAlgorithm::Rs256] {
        for send_chain in [false, true] {
            let options = CertificateOptions {
                algorithm,
                send_chain,
                ..CertificateOptions::default()
            };
            let credential = setting.signing(&setting.pem, CLIENT, options);
            for audience in [
                "https://graph.microsoft.com",
                "https://api.securitycenter.microsoft.com",
                "https://vault.azure.net",
            ] {
                let request = TokenRequest::new(Scope::default_of(audience));
                let token = credential.token(&request).await.unwrap();
                assert_eq!(named(&token), (Some(CLIENT.into()), Some(TENANT.into())));
            }
        }
    }
}

#[tokio::test]
async fn what_the_authority_refuses_is_understood() {
    let setting = Setting::new().await;
    let other = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut stranger = certificate(&other).to_pem().unwrap();
    stranger.extend(other.private_key_to_pem_pkcs8().unwrap());
    let credential = setting.signing(&stranger, CLIENT, CertificateOptions::default());
    assert_eq!(
        refused(credential.token(&graph()).await),
        credential_error(700_027)
    );

    let nobody = "99999999-9999-9999-9999-999999999999";
    let credential = setting.signing(&setting.pem, nobody, CertificateOptions::default());
    assert_eq!(
        refused(credential.token(&graph()).await),
        credential_error(700_016)
    );

    let same = CertificateOptions {
        ids: Arc::new(|| "the same".to_owned()),
        ..CertificateOptions::default()
    };
    let credential = setting.signing(&setting.pem, CLIENT, same);
    credential.token(&graph()).await.unwrap();
    assert_eq!(
        refused(credential.token(&graph()).await),
        credential_error(50013)
    );
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_named() {
    let setting = Setting::new().await;
    let behind = SystemTime::UNIX_EPOCH + Duration::from_secs(START - 3000);
    let material = KeyMaterial::from_bytes(setting.pem.clone(), "app.pem", "Certificate");
    let key = CertificateKey::load(&CertificateSources::new(material), behind).unwrap();
    let credential = ClientCertificate::new(
        setting.authority(),
        CLIENT,
        key,
        CertificateOptions::default(),
        Setting::transport(),
        Arc::new(ManualClock::new(behind)),
    );
    assert_eq!(
        refused(credential.token(&graph()).await),
        credential_error(700_024)
    );
}

#[tokio::test]
async fn an_assertion_is_for_one_authority_and_one_use() {
    let setting = Setting::new().await;
    let posted: Arc<Mutex<Option<String>>> = Arc::default();
    let scripted = {
        let posted = posted.clone();
        defender_http::ScriptedTransport::answering(move |request| {
            *posted.lock().unwrap() = Some(request.form()[4].1.clone());
            let token = r#"{"access_token":"abc","expires_in":60,"token_type":"Bearer"}"#;
            defender_http::Answer::json(200, token)
        })
    };
    let make = async |base: Url, tenant: &str| {
        let material = KeyMaterial::from_bytes(setting.pem.clone(), "app.pem", "Certificate");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(START);
        let key = CertificateKey::load(&CertificateSources::new(material), now).unwrap();
        let credential = ClientCertificate::new(
            Authority::new(base, tenant).unwrap(),
            CLIENT,
            key,
            CertificateOptions::default(),
            Arc::new(scripted.clone()),
            setting.clock.clone(),
        );
        credential.token(&graph()).await.unwrap();
        posted.lock().unwrap().take().unwrap()
    };
    let send = async |text: String| {
        let source = Arc::new(AssertionText::new(text.into(), "client_assertion"));
        let (authority, transport) = (setting.authority(), Setting::transport());
        let clock = setting.clock.clone();
        let credential = ClientAssertion::new(authority, CLIENT, source, transport, clock);
        credential.token(&graph()).await
    };
    let elsewhere = Url::parse("https://login.example").unwrap();
    let foreign = make(elsewhere, TENANT).await;
    assert_eq!(refused(send(foreign).await), credential_error(700_023));
    let good = make(setting.url(), TENANT).await;
    send(good.clone()).await.unwrap();
    assert_eq!(refused(send(good).await), credential_error(50013));
    let mut forged = make(setting.url(), TENANT).await.into_bytes();
    let position = forged.len() - 20;
    forged[position] = if forged[position] == b'A' { b'B' } else { b'A' };
    let forged = send(String::from_utf8(forged).unwrap()).await;
    assert_eq!(refused(forged), credential_error(700_027));
}

#[tokio::test]
async fn eight_callers_at_once_sign_in_once() {
    let setting = Setting::new().await;
    let credential = setting.signing(&setting.pem, CLIENT, CertificateOptions::default());
    let cached = Arc::new(Cached::new(credential, setting.clock.clone()));
    let ask = || async {
        let callers: Vec<_> = (0..8)
            .map(|_| {
                let cached = cached.clone();
                tokio::spawn(async move { cached.token(&graph()).await.unwrap().id })
            })
            .collect();
        let mut ids = Vec::new();
        for caller in callers {
            ids.push(caller.await.unwrap());
        }
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]));
    };
    ask().await;
    assert_eq!(setting.token_requests(), 1);
    setting.clock.advance(Duration::from_hours(2));
    ask().await;
    assert_eq!(setting.token_requests(), 2);
}

#[tokio::test]
async fn a_machine_has_an_identity() {
    let setting = Setting::new().await;
    let token = setting.identity().token(&graph()).await.unwrap();
    assert_eq!(named(&token).1.as_deref(), Some(TENANT));
}

#[tokio::test]
async fn a_chain_finds_the_machine_when_the_environment_is_silent() {
    let setting = Setting::new().await;
    let silent = Arc::new(setting.environment(BTreeMap::new()));
    let machine = Arc::new(setting.identity());
    let members: [(&str, Arc<dyn Credential>); 2] =
        [("environment", silent), ("managed identity", machine)];
    let chain = Chain::new(members);
    chain.token(&graph()).await.unwrap();
    assert_eq!(chain.winner(), Some("managed identity"));

    // A secret that is wrong is not passed over.
    let wrong = BTreeMap::from([
        ("AZURE_TENANT_ID", TENANT.to_owned()),
        ("AZURE_CLIENT_ID", CLIENT.to_owned()),
        ("AZURE_CLIENT_SECRET", "canary-wrong".to_owned()),
    ]);
    let members: [(&str, Arc<dyn Credential>); 2] = [
        ("environment", Arc::new(setting.environment(wrong))),
        ("managed identity", Arc::new(setting.identity())),
    ];
    let error = Chain::new(members).token(&graph()).await.unwrap_err();
    assert_eq!(error.code(), Some("AADSTS7000215"));
    assert!(error.to_string().starts_with("environment: "), "{error}");
    assert!(!format!("{error:?}").contains("canary"));
}

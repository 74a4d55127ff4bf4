//! Tests of the certificate: every form signs, what is wrong says so, and the exact request.

use std::sync::Mutex;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use defender_core::{ErrorKind, ManualClock, Scope};
use defender_http::{Answer, ScriptedTransport};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{RsaPssSaltlen, Verifier};
use openssl::x509::X509;
use serde_json::Value;
use url::Url;

use super::factory::{PASSWORD, certificate, key, now, old_pfx, own, pfx};
use super::*;

mod forms;
mod wrongs;

const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
const TOKEN: &str = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"abc"}"#;

fn sources(
    certificate: Vec<u8>,
    private_key: Option<Vec<u8>>,
    password: Option<&str>,
) -> CertificateSources {
    CertificateSources {
        private_key: private_key
            .map(|bytes| KeyMaterial::from_bytes(bytes, "app.key", "Args.PrivateKey")),
        password: password.map(Into::into),
        password_setting: "Args.PrivateKeySecret".to_owned(),
        ..CertificateSources::new(KeyMaterial::from_bytes(
            certificate,
            "app.pem",
            "Args.Certificate",
        ))
    }
}

fn load(
    certificate: Vec<u8>,
    private_key: Option<Vec<u8>>,
    password: Option<&str>,
) -> Result<CertificateKey> {
    CertificateKey::load(&sources(certificate, private_key, password), now())
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// The credential and what it sends; the ids count.
fn credential(
    key: CertificateKey,
    options: CertificateOptions,
    answers: usize,
) -> (ClientCertificate, ScriptedTransport) {
    let transport = ScriptedTransport::new((0..answers).map(|_| Answer::json(200, TOKEN)));
    let base = Url::parse("https://login.microsoftonline.com").unwrap();
    let credential = ClientCertificate::new(
        Authority::new(base, "contoso.example").unwrap(),
        CLIENT,
        key,
        options,
        Arc::new(transport.clone()),
        Arc::new(ManualClock::new(now())),
    );
    (credential, transport)
}

fn request() -> TokenRequest {
    TokenRequest::new(Scope::default_of("https://graph.microsoft.com"))
}

/// The assertion of a token request, as header, claims, signed text and signature.
struct Assertion {
    header: Value,
    claims: Value,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Assertion {
    fn read(text: &str) -> Self {
        let parts: Vec<&str> = text.split('.').collect();
        assert_eq!(parts.len(), 3, "a compact JWS has three parts");
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        let header: Value = serde_json::from_slice(&decoded(parts[0])).unwrap();
        let claims: Value = serde_json::from_slice(&decoded(parts[1])).unwrap();
        let read = jsonwebtoken::decode_header(text).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), header);
        let read: Value = jsonwebtoken::dangerous::insecure_decode_claims(text).unwrap();
        assert_eq!(read, claims);
        Self {
            header,
            claims,
            message: format!("{}.{}", parts[0], parts[1]).into_bytes(),
            signature: decoded(parts[2]),
        }
    }

    fn is_signed_by(&self, certificate: &X509) -> bool {
        let public = certificate.public_key().unwrap();
        let mut verifier = Verifier::new(MessageDigest::sha256(), &public).unwrap();
        if self.header["alg"] == "PS256" {
            verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
            verifier.set_rsa_mgf1_md(MessageDigest::sha256()).unwrap();
            verifier
                .set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)
                .unwrap();
        }
        verifier
            .verify_oneshot(&self.signature, &self.message)
            .unwrap()
    }
}

async fn assertion(key: CertificateKey, options: CertificateOptions) -> Assertion {
    let (credential, transport) = credential(key, options, 1);
    credential.token(&request()).await.unwrap();
    let form = transport.requests()[0].form();
    let (name, text) = &form[4];
    assert_eq!(name, "client_assertion");
    Assertion::read(text)
}

#[tokio::test]
async fn a_pfx_of_old_signs_where_openssl_still_knows_how() {
    let Some(old) = old_pfx() else {
        println!("skipped: this OpenSSL has no legacy provider");
        return;
    };
    let wrong = load(old.clone(), None, Some("wrong")).unwrap_err();
    let place = "the PFX 'app.pem' (Args.Certificate)";
    assert_eq!(
        wrong.to_string(),
        format!("the password of Args.PrivateKeySecret does not open {place}")
    );
    let key = load(old, None, Some(PASSWORD)).unwrap();
    let assertion = assertion(key, CertificateOptions::default()).await;
    assert!(assertion.is_signed_by(own()));
    // The algorithms of today are still there.
    load(pfx(None, &[], own()), None, Some(PASSWORD)).unwrap();
}

#[tokio::test]
async fn a_pfx_without_password_needs_none() {
    let pfx = openssl::pkcs12::Pkcs12::builder()
        .pkey(key(0))
        .cert(own())
        .build2("")
        .unwrap()
        .to_der()
        .unwrap();
    assert_eq!(load(pfx.clone(), None, None).unwrap().notices(), []);
    let notices = load(pfx, None, Some("unneeded"))
        .unwrap()
        .notices()
        .to_vec();
    assert_eq!(
        notices.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["the private key in 'app.pem' is not encrypted, so Args.PrivateKeySecret is not used"]
    );
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_noticed() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key_path) = (folder.path().join("app.cer"), folder.path().join("app.key"));
    std::fs::write(&certificate, own().to_der().unwrap()).unwrap();
    std::fs::write(&key_path, key(0).private_key_to_pem_pkcs8().unwrap()).unwrap();
    for (mode, noticed) in [(0o600, false), (0o400, false), (0o640, true), (0o644, true)] {
        std::fs::set_permissions(&key_path, PermissionsExt::from_mode(mode)).unwrap();
        let sources = CertificateSources {
            private_key: Some(KeyMaterial::from_path(&key_path, "PrivateKey").unwrap()),
            ..CertificateSources::new(KeyMaterial::from_path(&certificate, "Certificate").unwrap())
        };
        let loaded = CertificateKey::load(&sources, now()).unwrap();
        let name = key_path.display().to_string();
        let expected = CertificateNotice::KeyReadable {
            name: name.clone(),
            mode,
        };
        let expected = if noticed { vec![expected] } else { Vec::new() };
        assert_eq!(loaded.notices(), expected, "{mode:o}");
        for notice in loaded.notices() {
            assert_eq!(
                notice.to_string(),
                format!(
                    "other users can read the private key in '{name}' (mode {mode:04o}): chmod 600 it"
                )
            );
        }
    }
    let missing = folder.path().join("none.pem");
    let error = KeyMaterial::from_path(&missing, "PrivateKey").unwrap_err();
    let expected = format!("'{}' (PrivateKey) cannot be read", missing.display());
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::Io, expected));
    assert!(KeyMaterial::from_path(folder.path(), "PrivateKey").is_err());
    let secret = "no PEM and no base64!".into();
    let error = KeyMaterial::from_secret(&secret, "app", "Certificate").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the secret 'app' (Certificate) holds neither PEM nor base64"
    );
}

#[test]
fn a_certificate_that_ends_soon_is_noticed() {
    let plain = key(0).private_key_to_pem_pkcs8().unwrap();
    let noticed = |hours| {
        let certificate = certificate("x", key(0), (-1, hours), None)
            .to_pem()
            .unwrap();
        let loaded = load(joined(&[&certificate, &plain]), None, None).unwrap();
        loaded
            .notices()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert!(noticed(31 * 24).is_empty());
    assert_eq!(
        noticed(29 * 24),
        ["the certificate in 'app.pem' ends on Feb 13 08:00:00 2027 GMT"]
    );
}

fn counted() -> CertificateOptions {
    let count = Mutex::new(0);
    CertificateOptions {
        ids: Arc::new(move || {
            let mut count = count.lock().unwrap();
            *count += 1;
            format!("id-{count}")
        }),
        ..CertificateOptions::default()
    }
}

#[tokio::test]
async fn the_assertion_says_who_for_whom_and_how_long() {
    let key = load(pfx(None, &[], own()), None, Some(PASSWORD)).unwrap();
    let (credential, transport) = credential(key, counted(), 2);
    credential.token(&request()).await.unwrap();
    let elsewhere = TokenRequest {
        tenant: Some("customer.example".into()),
        ..request()
    };
    credential.token(&elsewhere).await.unwrap();
    let sent = transport.requests();
    let form = sent[0].form();
    assert_eq!(
        form[..4],
        [
            ("client_id", CLIENT),
            ("scope", "https://graph.microsoft.com/.default"),
            ("grant_type", "client_credentials"),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(form.len(), 5);
    let seconds = now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    for (index, tenant) in ["contoso.example", "customer.example"].iter().enumerate() {
        let assertion = Assertion::read(&sent[index].form()[4].1);
        let audience = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
        assert_eq!(sent[index].url.as_str(), audience);
        assert_eq!(
            assertion.claims,
            serde_json::json!({
                "aud": audience, "iss": CLIENT, "sub": CLIENT, "jti": format!("id-{}", index + 1),
                "nbf": seconds, "iat": seconds, "exp": seconds + 600,
            })
        );
        let thumbprint = own().digest(MessageDigest::sha256()).unwrap();
        assert_eq!(
            assertion.header,
            serde_json::json!({
                "typ": "JWT", "alg": "PS256", "x5t#S256": URL_SAFE_NO_PAD.encode(thumbprint),
            })
        );
    }
}

#[tokio::test]
async fn rs256_and_sha1_come_on_request() {
    let key = load(pfx(None, &[], own()), None, Some(PASSWORD)).unwrap();
    let options = CertificateOptions {
        algorithm: SigningAlgorithm::Rs256,
        ..CertificateOptions::default()
    };
    let assertion = assertion(key, options).await;
    let thumbprint = own().digest(MessageDigest::sha1()).unwrap();
    assert_eq!(
        assertion.header,
        serde_json::json!({
            "typ": "JWT", "alg": "RS256", "x5t": URL_SAFE_NO_PAD.encode(thumbprint),
        })
    );
    assert!(assertion.is_signed_by(own()));
}

#[tokio::test]
async fn the_chain_is_sent_in_order_and_without_strangers() {
    let root = certificate("root", key(2), (-1, 9000), None);
    let middle = certificate(
        "middle",
        key(1),
        (-1, 9000),
        Some((root.subject_name(), key(2))),
    );
    let leaf = certificate(
        "leaf",
        key(0),
        (-1, 9000),
        Some((middle.subject_name(), key(1))),
    );
    let stranger = certificate("stranger", key(1), (-1, 9000), None);
    let plain = key(0).private_key_to_pem_pkcs8().unwrap();
    let issuers = [root.clone(), stranger.clone(), middle.clone()];
    let mut pem = plain;
    for certificate in [&root, &stranger, &leaf, &middle] {
        pem.extend(certificate.to_pem().unwrap());
    }
    for loaded in [
        load(pem, None, None).unwrap(),
        load(pfx(None, &issuers, &leaf), None, Some(PASSWORD)).unwrap(),
    ] {
        let options = CertificateOptions {
            send_chain: true,
            ..CertificateOptions::default()
        };
        let assertion = assertion(loaded, options).await;
        let expected: Vec<String> = [&leaf, &middle, &root]
            .iter()
            .map(|certificate| STANDARD.encode(certificate.to_der().unwrap()))
            .collect();
        assert_eq!(assertion.header["x5c"], serde_json::json!(expected));
        assert!(assertion.is_signed_by(&leaf));
    }
}

#[tokio::test]
async fn a_certificate_that_ends_during_a_long_run_is_not_sent() {
    let key = load(pfx(None, &[], own()), None, Some(PASSWORD)).unwrap();
    let transport = ScriptedTransport::new([]);
    let clock = Arc::new(ManualClock::new(now()));
    let base = Url::parse("https://login.microsoftonline.com").unwrap();
    let credential = ClientCertificate::new(
        Authority::new(base, "contoso.example").unwrap(),
        CLIENT,
        key,
        CertificateOptions::default(),
        Arc::new(transport),
        clock.clone(),
    );
    clock.advance(Duration::from_hours(24 * 366));
    let error = credential.token(&request()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the certificate in 'app.pem' (Args.Certificate) expired on Jan 15 08:00:00 2028 GMT"
    );
}

#[tokio::test]
async fn nothing_that_is_printed_holds_a_secret() {
    let sources = sources(pfx(None, &[], own()), None, Some(PASSWORD));
    let key = CertificateKey::load(&sources, now()).unwrap();
    let digits = key.thumbprint();
    assert!(digits.len() == 64 && digits.chars().all(|c| c.is_ascii_hexdigit()));
    let transport = ScriptedTransport::answering(|request| {
        let assertion = request.form()[4].1.clone();
        let text = format!(
            r#"{{"error":"invalid_client","error_description":"AADSTS700027: {assertion}"}}"#
        );
        Answer::json(401, text)
    });
    let base = Url::parse("https://login.microsoftonline.com").unwrap();
    let credential = ClientCertificate::new(
        Authority::new(base, "contoso.example").unwrap(),
        CLIENT,
        key,
        CertificateOptions::default(),
        Arc::new(transport.clone()),
        Arc::new(ManualClock::new(now())),
    );
    let error = credential.token(&request()).await.unwrap_err();
    assert_eq!(error.code(), Some("AADSTS700027"));
    let assertion = transport.requests()[0].form()[4].1.clone();
    let printed = format!(
        "{sources:?} {credential:?} {error:?} {error} {:?}",
        transport.requests()
    );
    for secret in [
        PASSWORD,
        "canary",
        &assertion,
        assertion.split('.').next_back().unwrap(),
    ] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert!(printed.contains(&digits));
}

/// Signs everything with nothing: what a program with other tastes may have installed.
mod foreign {
    use jsonwebtoken::crypto::{CryptoProvider, KeyUtils};
    use jsonwebtoken::errors::ErrorKind;

    pub(super) static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: |_, _| Err(ErrorKind::InvalidKeyFormat.into()),
        verifier_factory: |_, _| Err(ErrorKind::InvalidKeyFormat.into()),
        key_utils: KeyUtils::new_unimplemented(),
    };
}

#[tokio::test]
async fn another_provider_in_the_process_changes_nothing() {
    // Whoever comes first is the provider of the process; none of ours ever does.
    assert!(foreign::PROVIDER.install_default().is_ok());
    let secret = jsonwebtoken::EncodingKey::from_secret(b"x");
    let header = jsonwebtoken::Header::default();
    assert!(jsonwebtoken::encode(&header, &(), &secret).is_err());
    let key = load(pfx(None, &[], own()), None, Some(PASSWORD)).unwrap();
    let assertion = assertion(key, CertificateOptions::default()).await;
    assert!(assertion.is_signed_by(own()));
}

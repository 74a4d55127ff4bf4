//! Tests of the certificate: every form signs, what is wrong says so, and the exact request.

use std::fmt::Write;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use defender_core::{ErrorKind, ManualClock, Scope};
use defender_http::{Answer, ScriptedTransport};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{RsaPssSaltlen, Verifier};
use openssl::symm::Cipher;
use openssl::x509::X509;
use serde_json::Value;
use url::Url;

use super::factory::{PASSWORD, armored, certificate, key, now, old_pfx, own, pbes1, pfx};
use super::*;

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
        Self {
            header: serde_json::from_slice(&decoded(parts[0])).unwrap(),
            claims: serde_json::from_slice(&decoded(parts[1])).unwrap(),
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

/// Every form that a certificate with its key is kept in.
fn forms() -> Vec<(&'static str, CertificateSources)> {
    let key = key(0);
    let rsa = key.rsa().unwrap();
    let password = PASSWORD.as_bytes();
    let (pem, der) = (own().to_pem().unwrap(), own().to_der().unwrap());
    let with = |cipher| key.private_key_to_pem_pkcs8_passphrase(cipher, password);
    let plain = key.private_key_to_pem_pkcs8().unwrap();
    let pbes2 = with(Cipher::aes_256_cbc()).unwrap();
    let traditional = |cipher| rsa.private_key_to_pem_passphrase(cipher, password).unwrap();
    let aes = traditional(Cipher::aes_256_cbc());
    assert!(String::from_utf8_lossy(&aes).contains("Proc-Type: 4,ENCRYPTED"));
    let three_des = Nid::PBE_WITHSHA1AND3_KEY_TRIPLEDES_CBC;
    let locked =
        |certificate: &[u8], key: Vec<u8>| sources(certificate.to_vec(), Some(key), Some(PASSWORD));
    let secret =
        |text: String| KeyMaterial::from_secret(&text.into(), "app", "Args.Certificate").unwrap();
    let in_vault = |text: String, password: Option<&str>| CertificateSources {
        password: password.map(Into::into),
        ..CertificateSources::new(secret(text))
    };
    let text = |pem: Vec<u8>| String::from_utf8(pem).unwrap();
    let notes = b"Bag Attributes\n    friendlyName: hunting\n".as_slice();
    vec![
        (
            "PEM with PKCS#8",
            sources(joined(&[&pem, &plain]), None, None),
        ),
        (
            "PEM with PKCS#8, key first",
            sources(joined(&[&plain, notes, &pem]), None, None),
        ),
        (
            "PEM with PBES2",
            sources(joined(&[&pem, &pbes2]), None, Some(PASSWORD)),
        ),
        (
            "PEM and plain key",
            sources(pem.clone(), Some(plain.clone()), None),
        ),
        (
            "DER and plain key",
            sources(der.clone(), Some(plain.clone()), None),
        ),
        (
            "DER and PKCS#8 DER",
            sources(der.clone(), Some(key.private_key_to_pkcs8().unwrap()), None),
        ),
        (
            "DER and PKCS#1 DER",
            sources(der.clone(), Some(rsa.private_key_to_der().unwrap()), None),
        ),
        (
            "PEM and PKCS#1",
            sources(pem.clone(), Some(rsa.private_key_to_pem().unwrap()), None),
        ),
        ("PEM and PBES2 AES-256", locked(&pem, pbes2.clone())),
        (
            "DER and PBES2 AES-128",
            locked(&der, with(Cipher::aes_128_cbc()).unwrap()),
        ),
        (
            "DER and PBES2 3DES",
            locked(&der, with(Cipher::des_ede3_cbc()).unwrap()),
        ),
        (
            "DER and PBES2 DER",
            locked(
                &der,
                key.private_key_to_pkcs8_passphrase(Cipher::aes_256_cbc(), password)
                    .unwrap(),
            ),
        ),
        ("DER and PBES1 DER", locked(&der, pbes1())),
        (
            "PEM and PBES1 PEM",
            locked(&pem, armored("ENCRYPTED PRIVATE KEY", &pbes1())),
        ),
        ("PEM and traditional AES-256", locked(&pem, aes.clone())),
        (
            "DER and traditional 3DES",
            locked(&der, traditional(Cipher::des_ede3_cbc())),
        ),
        (
            "PEM with traditional AES-128",
            sources(
                joined(&[&pem, &traditional(Cipher::aes_128_cbc())]),
                None,
                Some(PASSWORD),
            ),
        ),
        ("PFX", sources(pfx(None, &[], own()), None, Some(PASSWORD))),
        (
            "PFX 3DES",
            sources(pfx(Some(three_des), &[], own()), None, Some(PASSWORD)),
        ),
        (
            "PFX and key",
            sources(pfx(None, &[], own()), Some(pbes2.clone()), Some(PASSWORD)),
        ),
        ("DER and PFX", locked(&der, pfx(None, &[], own()))),
        (
            "secret with PFX",
            in_vault(STANDARD.encode(pfx(None, &[], own())), Some(PASSWORD)),
        ),
        (
            "secret with PEM",
            in_vault(text(joined(&[&plain, &pem])), None),
        ),
    ]
}

#[tokio::test]
async fn every_form_signs() {
    for (form, sources) in forms() {
        let key = CertificateKey::load(&sources, now());
        let key = key.unwrap_or_else(|error| panic!("{form}: {error:?}"));
        assert_eq!(key.notices(), [], "{form}");
        let assertion = assertion(key, CertificateOptions::default()).await;
        assert!(assertion.is_signed_by(own()), "{form}");
    }
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

/// Everything that is wrong in a way of its own.
fn wrongs() -> Vec<(&'static str, Result<CertificateKey>)> {
    let rsa = key(0).rsa().unwrap();
    let pem = own().to_pem().unwrap();
    let der = own().to_der().unwrap();
    let plain = key(0).private_key_to_pem_pkcs8().unwrap();
    let other = key(1).private_key_to_pem_pkcs8().unwrap();
    let pbes2 = key(0)
        .private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), PASSWORD.as_bytes())
        .unwrap();
    let traditional = rsa
        .private_key_to_pem_passphrase(Cipher::aes_256_cbc(), PASSWORD.as_bytes())
        .unwrap();
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let curve = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let edwards = PKey::generate_ed25519().unwrap();
    let short = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    let of = |key: &PKey<Private>| {
        let certificate = certificate("x", key, (-1, 1000), None).to_pem().unwrap();
        let key = key.private_key_to_pem_pkcs8().unwrap();
        load(joined(&[&certificate, &key]), None, None)
    };
    let at = |hours| {
        let certificate = certificate("x", key(0), hours, None).to_pem().unwrap();
        load(joined(&[&certificate, &plain]), None, None)
    };
    let old_curve = curve.ec_key().unwrap().private_key_to_pem().unwrap();
    let keyed = |key: &[u8], password| load(pem.clone(), Some(key.to_vec()), password);
    let utf16: Vec<u8> = b"\xFF\xFE-\0-\0".to_vec();
    let request = armored("CERTIFICATE REQUEST", b"\x30\x03\x02\x01\x00");
    let ssh = armored("OPENSSH PRIVATE KEY", b"openssh-key-v1");
    let wrong = Some("canary wrong");
    vec![
        ("wrong password, PBES2", keyed(&pbes2, wrong)),
        ("wrong password, PBES1", keyed(&pbes1(), wrong)),
        ("wrong password, traditional", keyed(&traditional, wrong)),
        (
            "wrong password, PFX",
            load(pfx(None, &[], own()), None, wrong),
        ),
        (
            "impossible password, PFX",
            load(pfx(None, &[], own()), None, Some("canary\0")),
        ),
        ("no password, PBES2", keyed(&pbes2, None)),
        ("empty password, PBES1", keyed(&pbes1(), Some(""))),
        ("no password, traditional", keyed(&traditional, None)),
        ("empty password, traditional", keyed(&traditional, Some(""))),
        ("no password, PFX", load(pfx(None, &[], own()), None, None)),
        ("another certificate's key", keyed(&other, None)),
        (
            "another key beside the certificate",
            load(joined(&[&pem, &other]), None, None),
        ),
        ("expired", at((-1000, -1))),
        ("not yet valid", at((1, 1000))),
        ("elliptic curve", of(&curve)),
        ("elliptic curve, traditional", keyed(&old_curve, None)),
        ("Edwards curve", of(&edwards)),
        ("short", of(&short)),
        ("no key", load(pem.clone(), None, None)),
        ("no key, DER", load(der.clone(), None, None)),
        ("certificate for key", keyed(&pem, None)),
        ("no certificate", load(plain.clone(), None, None)),
        (
            "no certificate, apart",
            load(plain.clone(), Some(plain.clone()), None),
        ),
        (
            "request for certificate",
            load(request, Some(plain.clone()), None),
        ),
        ("OpenSSH", keyed(&ssh, None)),
        ("empty", load(Vec::new(), None, None)),
        ("UTF-16", load(utf16, None, None)),
        ("text", load(b"canary".to_vec(), None, None)),
        ("cut PEM", load(pem[..pem.len() - 30].to_vec(), None, None)),
        ("cut DER", load(der[..der.len() / 2].to_vec(), None, None)),
        (
            "cut PFX",
            load(pfx(None, &[], own())[..600].to_vec(), None, Some(PASSWORD)),
        ),
        (
            "cut key",
            keyed(&key(0).private_key_to_pkcs8().unwrap()[..300], None),
        ),
        (
            "not base64",
            load(
                b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n".to_vec(),
                None,
                None,
            ),
        ),
        ("PKCS#7", load(vec![0x30, 9, 6, 1, 0, 0xA0], None, None)),
    ]
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_setting() {
    let mut told = String::new();
    for (case, outcome) in wrongs() {
        let error = outcome.map(drop).expect_err(case);
        assert_eq!(error.kind(), ErrorKind::Config, "{case}: {error:?}");
        assert!(!error.is_not_configured(), "{case}");
        assert!(
            !format!("{error:?}").contains("canary"),
            "{case}: {error:?}"
        );
        writeln!(told, "{case}\n  {error}").unwrap();
        if let Some(hint) = error.hint() {
            writeln!(told, "  hint: {hint}").unwrap();
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_wrong_password_is_wrong_however_its_garbage_looks() {
    // About one wrong password in 256 yields a proper padding, and another failure behind it.
    let pem = own().to_pem().unwrap();
    let traditional = key(0)
        .rsa()
        .unwrap()
        .private_key_to_pem_passphrase(Cipher::aes_256_cbc(), PASSWORD.as_bytes())
        .unwrap();
    let mut texts = std::collections::BTreeSet::new();
    for number in 0..1500 {
        let wrong = number.to_string();
        let error = load(pem.clone(), Some(traditional.clone()), Some(&wrong)).unwrap_err();
        texts.insert(error.to_string());
    }
    assert_eq!(
        texts.into_iter().collect::<Vec<_>>(),
        [
            "the password of Args.PrivateKeySecret does not open the private key in 'app.key' (Args.PrivateKey)"
        ]
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
    let missing = folder.path().join("none");
    let error = KeyMaterial::from_path(&missing, "PrivateKey").unwrap_err();
    let expected = format!("'{}' (PrivateKey) cannot be read", missing.display());
    assert_eq!(
        (error.kind(), error.to_string()),
        (ErrorKind::Config, expected)
    );
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

//! Every form that certificates and keys are kept in signs.

use openssl::nid::Nid;
use openssl::symm::Cipher;

use super::*;
use crate::certificate::factory::{armored, pbes1};

/// Every form that a certificate with its key is kept in.
#[expect(clippy::too_many_lines, reason = "a table")]
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

/// Base64 as it stands in variables, settings and files.
fn wrappings(bytes: &[u8]) -> Vec<(&'static str, String)> {
    let lines = |text: String, end: &str| {
        let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy);
        lines.collect::<Vec<_>>().join(end)
    };
    vec![
        ("standard", STANDARD.encode(bytes)),
        ("url", URL_SAFE_NO_PAD.encode(bytes)),
        ("lines", lines(STANDARD.encode(bytes), "\n")),
        ("lines of Windows", lines(STANDARD.encode(bytes), "\r\n")),
        ("quoted", format!("\"{}\"", STANDARD.encode(bytes))),
    ]
}

#[tokio::test]
async fn every_kind_of_base64_signs_as_text_and_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let pem = joined(&[
        &own().to_pem().unwrap(),
        &key(0).private_key_to_pem_pkcs8().unwrap(),
    ]);
    let flat = String::from_utf8(pem.clone()).unwrap();
    let mut forms = vec![
        ("PEM with escaped line breaks", flat.replace('\n', "\\n")),
        ("PEM on one line", flat.replace('\n', " ")),
        ("PEM", flat),
    ];
    for bytes in [pfx(None, &[], own()), pem] {
        forms.extend(wrappings(&bytes));
    }
    for (form, text) in forms {
        let path = folder.path().join("app");
        std::fs::write(&path, &text).unwrap();
        let named = |_: &std::path::Path| unreachable!("{form} is no path");
        for material in [
            KeyMaterial::from_text(&text.clone().into(), "CERT", "Args.Certificate", named)
                .unwrap(),
            KeyMaterial::from_path(&path, "Args.Certificate").unwrap(),
        ] {
            let sources = CertificateSources {
                password: Some(PASSWORD.into()),
                ..CertificateSources::new(material)
            };
            let key = CertificateKey::load(&sources, now());
            let key = key.unwrap_or_else(|error| panic!("{form}: {error:?}"));
            let assertion = assertion(key, CertificateOptions::default()).await;
            assert!(assertion.is_signed_by(own()), "{form}");
        }
    }
}

#[test]
fn what_is_no_certificate_is_not_quoted() {
    let canary = "canary-".repeat(12);
    for text in [
        "canary/secret+8Q~=".to_owned(),
        STANDARD.encode(&canary),
        canary.clone(),
        format!("{canary}.pem"),
        format!("/{}", STANDARD.encode(&canary)),
        "canary\nsecond line".to_owned(),
    ] {
        let place = std::path::Path::to_owned;
        let secret = text.clone().into();
        let elsewhere = KeyMaterial::from_text(&secret, "CERT", "Args.Certificate", place);
        let written = KeyMaterial::from_path(&text, "Args.Certificate");
        for error in [elsewhere.unwrap_err(), written.unwrap_err()] {
            let shown = format!("{error:?}");
            assert!(
                !shown.contains("canary") && !shown.contains(&STANDARD.encode("canar")[..6]),
                "{shown}"
            );
            assert!(shown.contains("Args.Certificate"), "{shown}");
        }
    }
    let error = KeyMaterial::from_path("certs/app.pem", "Args.Certificate").unwrap_err();
    assert_eq!(
        error.to_string(),
        "'certs/app.pem' (Args.Certificate) cannot be read"
    );
}

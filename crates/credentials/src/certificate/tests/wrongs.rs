//! What is wrong with certificates and keys, and what is said about it.

use std::fmt::Write;

use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::symm::Cipher;

use super::*;
use crate::certificate::factory::{armored, pbes1};

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

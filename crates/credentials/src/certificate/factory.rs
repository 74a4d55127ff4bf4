//! Makes keys and certificates for the tests, in every form.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::provider::Provider;
use openssl::rsa::Rsa;
use openssl::stack::Stack;
use openssl::x509::extension::BasicConstraints;
use openssl::x509::{X509, X509Name, X509NameRef, X509Ref};

pub(crate) const PASSWORD: &str = "canary p\u{e4}ss w\u{f6}rd";

/// The moment at which all tests take place.
pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
}

/// Keys are made once: it takes a while.
pub(crate) fn key(number: usize) -> &'static PKey<Private> {
    static KEYS: [OnceLock<PKey<Private>>; 3] = [const { OnceLock::new() }; 3];
    KEYS[number].get_or_init(|| PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap())
}

fn name(common: &str) -> X509Name {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", common).unwrap();
    name.build()
}

/// A certificate of `subject` for `key` from `start` to `end` hours from now, signed by `issuer`.
pub(crate) fn certificate(
    subject: &str,
    key: &PKeyRef<Private>,
    hours: (i64, i64),
    issuer: Option<(&X509NameRef, &PKeyRef<Private>)>,
) -> X509 {
    let seconds = now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let at =
        |hours: i64| Asn1Time::from_unix(i64::try_from(seconds).unwrap() + hours * 3600).unwrap();
    let subject = name(subject);
    let (issuer, signer) = issuer.unwrap_or((&subject, key));
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(issuer).unwrap();
    builder.set_not_before(&at(hours.0)).unwrap();
    builder.set_not_after(&at(hours.1)).unwrap();
    builder.set_pubkey(key).unwrap();
    let ca = BasicConstraints::new().critical().ca().build().unwrap();
    builder.append_extension(ca).unwrap();
    let digest = if key.id() == openssl::pkey::Id::ED25519 {
        MessageDigest::null()
    } else {
        MessageDigest::sha256()
    };
    builder.sign(signer, digest).unwrap();
    builder.build()
}

/// The self-signed certificate of key 0, valid for a year.
pub(crate) fn own() -> &'static X509 {
    static OWN: OnceLock<X509> = OnceLock::new();
    OWN.get_or_init(|| certificate("hunting.example", key(0), (-24, 24 * 365), None))
}

/// A PFX of key 0, its certificate and `issuers`; keys and certificates encrypted with
/// `algorithm` unless there is none.
pub(crate) fn pfx(algorithm: Option<Nid>, issuers: &[X509], certificate: &X509Ref) -> Vec<u8> {
    let mut builder = Pkcs12::builder();
    builder.name("hunting").pkey(key(0)).cert(certificate);
    if let Some(algorithm) = algorithm {
        builder.key_algorithm(algorithm).cert_algorithm(algorithm);
    }
    if !issuers.is_empty() {
        let mut stack = Stack::new().unwrap();
        for issuer in issuers {
            stack.push(issuer.clone()).unwrap();
        }
        builder.ca(stack);
    }
    builder.build2(PASSWORD).unwrap().to_der().unwrap()
}

/// A PFX as Windows and OpenSSL 1 made them; `None` where OpenSSL has no legacy provider.
pub(crate) fn old_pfx() -> Option<Vec<u8>> {
    let legacy = Provider::try_load(None, "legacy", true).ok()?;
    // The default provider stays, for the tests beside this one; the legacy one goes again, so
    // that what is tested has to load it.
    std::mem::forget(Provider::try_load(None, "default", true).ok()?);
    let made = pfx(Some(Nid::PBE_WITHSHA1AND40BITRC2_CBC), &[], own());
    drop(legacy);
    Some(made)
}

/// Key 0 as PKCS#8 with PBES1 (SHA-1 and triple DES).
///
/// OpenSSL's writer for it is not within reach of Rust, but the bag of a PFX is just that.
pub(crate) fn pbes1() -> Vec<u8> {
    const ALGORITHM: [u8; 12] = [6, 10, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 12, 1, 3];
    let pfx = pfx(Some(Nid::PBE_WITHSHA1AND3_KEY_TRIPLEDES_CBC), &[], own());
    let whole = |start: usize| {
        let header: [u8; 4] = pfx.get(start..start + 4)?.try_into().ok()?;
        let [0x30, 0x82, high, low] = header else {
            return None;
        };
        let end = start + 4 + usize::from(u16::from_be_bytes([high, low]));
        pfx.get(start..end).map(<[u8]>::to_vec)
    };
    // Where an algorithm follows two headers; in the other place it follows a content type.
    (6..pfx.len())
        .filter(|at| pfx[*at..].starts_with(&ALGORITHM))
        .find_map(|at| whole(at - 6))
        .unwrap()
}

pub(crate) fn armored(label: &str, der: &[u8]) -> Vec<u8> {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\r\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(std::str::from_utf8(line).unwrap());
        pem.push_str("\r\n");
    }
    format!("{pem}-----END {label}-----\r\n").into_bytes()
}

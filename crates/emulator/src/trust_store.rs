//! A trust store for Java, which reads certificates from no PEM file.
//!
//! The format is the Java Key Store's, which every Java reads whatever its default is: a header, one
//! entry for the certificate, and a digest over the password and all of it.

use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::x509::X509;

/// What the store's digest is made with; it protects nothing, since the certificate is public.
pub(crate) const PASSWORD: &str = "changeit";

const MAGIC: u32 = 0xfeed_feed;
const VERSION: u32 = 2;
/// An entry that is a certificate without a key.
const TRUSTED: u32 = 2;
/// What the digest begins with, after the password.
const WHITENER: &[u8] = b"Mighty Aphrodite";

/// A store that holds the certificate in `pem`.
///
/// Source: <https://docs.oracle.com/en/java/javase/17/security/java-cryptography-architecture-jca-reference-guide.html>
pub(crate) fn of(pem: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let der = X509::from_pem(pem)?.to_der()?;
    let mut store = Vec::with_capacity(der.len() + 128);
    for word in [MAGIC, VERSION, 1, TRUSTED] {
        store.extend(word.to_be_bytes());
    }
    write_text(&mut store, "defender-emulator");
    // When it came in, in milliseconds since 1970; nobody looks at it.
    store.extend(0_u64.to_be_bytes());
    write_text(&mut store, "X.509");
    store.extend(u32::try_from(der.len()).unwrap_or_default().to_be_bytes());
    store.extend(der);
    let mut digested: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    digested.extend(WHITENER);
    digested.extend(&store);
    store.extend(hash(MessageDigest::sha1(), &digested)?.iter());
    Ok(store)
}

/// A short text of ASCII with its length.
fn write_text(store: &mut Vec<u8>, text: &str) {
    store.extend(u16::try_from(text.len()).unwrap_or_default().to_be_bytes());
    store.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::Authority;

    /// The layout that `sun.security.provider.JavaKeyStore` reads.
    #[test]
    fn a_store_holds_one_certificate_and_a_digest_over_all_of_it() {
        let authority = Authority::new().unwrap();
        let pem = authority.ca_pem().as_bytes();
        let der = X509::from_pem(pem).unwrap().to_der().unwrap();
        let store = of(pem).unwrap();
        let head = b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01\0\0\0\x02\0\x11defender-emulator\
                     \0\0\0\0\0\0\0\0\0\x05X.509";
        assert!(store.starts_with(head), "{store:?}");
        let (body, digest) = store.split_at(store.len() - 20);
        assert!(body.ends_with(&der));
        let password = b"\0c\0h\0a\0n\0g\0e\0i\0t";
        let digested = [&password[..], b"Mighty Aphrodite", body].concat();
        assert_eq!(digest, openssl::sha::sha1(&digested));
    }
}

//! The throw-away certificate authority, and a certificate for each emulated host.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    AlpnError, NameType, SniError, SslAcceptor, SslContext, SslMethod, SslVerifyMode,
    select_next_proto,
};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder};

use crate::error::Result;
use crate::hosts::Host;
use crate::options::machine_time;

/// How long certificates are good for: longer than any test, shorter than what platforms refuse.
const VALIDITY: Duration = Duration::from_hours(30 * 24);

/// The name that clients see when they look at who signed.
const NAME: &str = "defender-query emulator (throw-away)";

/// An authority that exists as long as its emulator.
///
/// Keys are on curve P-256, since they are made at every start. Its certificates follow the
/// machine's clock, as the clients that look at them do.
pub(crate) struct Authority {
    certificate: X509,
    pem: String,
    key: PKey<Private>,
    /// One key for all hosts; each has a certificate of its own.
    leaf_key: PKey<Private>,
    contexts: Mutex<HashMap<String, SslContext>>,
}

impl Authority {
    pub(crate) fn new() -> Result<Self> {
        let key = new_key()?;
        let name = common_name(NAME)?;
        let mut builder = unsigned(&name, &name, &key)?;
        builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
        builder.append_extension(
            KeyUsage::new()
                .critical()
                .key_cert_sign()
                .crl_sign()
                .build()?,
        )?;
        let identifier = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(identifier)?;
        builder.sign(&key, MessageDigest::sha256())?;
        let certificate = builder.build();
        let pem = String::from_utf8_lossy(&certificate.to_pem()?).into_owned();
        Ok(Self {
            certificate,
            pem,
            key,
            leaf_key: new_key()?,
            contexts: Mutex::default(),
        })
    }

    pub(crate) fn ca_pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for `host`, a name or a loopback address.
    fn leaf(&self, host: &str) -> std::result::Result<X509, ErrorStack> {
        let subject = common_name(host)?;
        let mut builder = unsigned(&subject, self.certificate.subject_name(), &self.leaf_key)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
        let mut names = SubjectAlternativeName::new();
        if host.parse::<IpAddr>().is_ok() {
            names.ip(host).dns("localhost");
        } else {
            names.dns(host);
        }
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let extensions = [
            names.build(&context)?,
            SubjectKeyIdentifier::new().build(&context)?,
            AuthorityKeyIdentifier::new().keyid(true).build(&context)?,
        ];
        for extension in extensions {
            builder.append_extension(extension)?;
        }
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(builder.build())
    }

    /// What the server end of a connection to `host` is set up with; made once per host.
    pub(crate) fn context(&self, host: &str) -> std::result::Result<SslContext, ErrorStack> {
        let mut contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(context) = contexts.get(host) {
            return Ok(context.clone());
        }
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        builder.set_verify(SslVerifyMode::NONE);
        builder.set_private_key(&self.leaf_key)?;
        builder.set_certificate(self.leaf(host)?.as_ref())?;
        builder.set_alpn_select_callback(|_, offered| {
            select_next_proto(b"\x08http/1.1", offered).ok_or(AlpnError::NOACK)
        });
        let context = builder.build().into_context();
        contexts.insert(host.to_owned(), context.clone());
        Ok(context)
    }

    /// The server end for a client that says itself which host it wants, by SNI.
    pub(crate) fn context_by_name(
        self: &Arc<Self>,
        otherwise: &str,
    ) -> std::result::Result<SslContext, ErrorStack> {
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        builder.set_private_key(&self.leaf_key)?;
        builder.set_certificate(self.leaf(otherwise)?.as_ref())?;
        builder.set_alpn_select_callback(|_, offered| {
            select_next_proto(b"\x08http/1.1", offered).ok_or(AlpnError::NOACK)
        });
        let authority = Arc::clone(self);
        builder.set_servername_callback(move |ssl, _| {
            let host = ssl
                .servername(NameType::HOST_NAME)
                .filter(|name| Host::named(name).is_some())
                .map(str::to_ascii_lowercase);
            match host {
                None => Ok(()),
                Some(host) => authority
                    .context(&host)
                    .and_then(|context| ssl.set_ssl_context(&context))
                    .map_err(|_| SniError::ALERT_FATAL),
            }
        });
        Ok(builder.build().into_context())
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Authority").finish_non_exhaustive()
    }
}

fn new_key() -> std::result::Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn common_name(text: &str) -> std::result::Result<X509Name, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, text)?;
    Ok(name.build())
}

/// A version 3 certificate with a random serial, still without extensions and signature.
fn unsigned(
    subject: &openssl::x509::X509NameRef,
    issuer: &openssl::x509::X509NameRef,
    key: &PKey<Private>,
) -> std::result::Result<X509Builder, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::ONE, false)?;
    let now = machine_time();
    let time = |moment: SystemTime| {
        let seconds = crate::ticks::unix_seconds(moment);
        Asn1Time::from_unix(seconds)
    };
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(serial.to_asn1_integer()?.as_ref())?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    // An hour back, for machines whose clocks are a little apart from themselves in containers.
    builder.set_not_before(time(now - Duration::from_hours(1))?.as_ref())?;
    builder.set_not_after(time(now + VALIDITY)?.as_ref())?;
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use openssl::stack::Stack;
    use openssl::x509::X509StoreContext;
    use openssl::x509::store::X509StoreBuilder;
    use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};

    use super::*;
    use crate::hosts::HOSTS;

    fn strictly_verified(authority: &Authority, leaf: &X509, host: &str) -> bool {
        let mut store = X509StoreBuilder::new().unwrap();
        store.add_cert(authority.certificate.clone()).unwrap();
        let mut parameters = X509VerifyParam::new().unwrap();
        parameters
            .set_flags(X509VerifyFlags::X509_STRICT | X509VerifyFlags::CHECK_SS_SIGNATURE)
            .unwrap();
        match host.parse::<IpAddr>() {
            Ok(address) => parameters.set_ip(address).unwrap(),
            Err(_) => parameters.set_host(host).unwrap(),
        }
        store.set_param(&parameters).unwrap();
        let store = store.build();
        X509StoreContext::new()
            .unwrap()
            .init(&store, leaf, &Stack::new().unwrap(), |context| {
                context.verify_cert()
            })
            .unwrap()
    }

    #[test]
    fn every_leaf_verifies_strictly_for_its_host_and_no_other() {
        let authority = Authority::new().unwrap();
        for host in HOSTS
            .iter()
            .map(|host| host.name)
            .chain(["127.0.0.1", "::1"])
        {
            let leaf = authority.leaf(host).unwrap();
            assert!(strictly_verified(&authority, &leaf, host), "{host}");
            assert!(
                !strictly_verified(&authority, &leaf, "example.com"),
                "{host}"
            );
        }
        let other = Authority::new().unwrap();
        let foreign = other.leaf("graph.microsoft.com").unwrap();
        assert!(!strictly_verified(
            &authority,
            &foreign,
            "graph.microsoft.com"
        ));
    }

    #[test]
    fn the_openssl_command_agrees() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        let authority = Authority::new().unwrap();
        let ca = write("ca.pem", authority.ca_pem().as_bytes());
        let host = "login.microsoftonline.com";
        let leaf = write("leaf.pem", &authority.leaf(host).unwrap().to_pem().unwrap());
        let verify = |hostname: &str, leaf: &Path| {
            Command::new("openssl")
                .args(["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile"])
                .arg(&ca)
                .args(["-verify_hostname", hostname])
                .arg(leaf)
                .output()
        };
        match verify(host, &leaf) {
            Err(error) => println!("no openssl command ({error}); the other test checks the same"),
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(output.status.success(), "{text}");
                assert!(
                    !verify("graph.microsoft.com", &leaf)
                        .unwrap()
                        .status
                        .success()
                );
            }
        }
    }

    #[test]
    fn a_leaf_says_what_it_is_for() {
        let authority = Authority::new().unwrap();
        let leaf = authority.leaf("graph.microsoft.com").unwrap();
        let text = String::from_utf8(leaf.to_text().unwrap()).unwrap();
        for part in [
            "DNS:graph.microsoft.com",
            "TLS Web Server Authentication",
            "Authority Key Identifier",
            "Subject Key Identifier",
            "CA:FALSE",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        let ca = String::from_utf8(authority.certificate.to_text().unwrap()).unwrap();
        for part in [
            "Basic Constraints: critical",
            "Key Usage: critical",
            "Certificate Sign",
        ] {
            assert!(ca.contains(part), "{part} is not in {ca}");
        }
    }
}

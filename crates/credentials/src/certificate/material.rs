//! The bytes of a certificate or key, and what messages call them.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use defender_core::{Error, ErrorKind, ExposeSecret, Result, SecretString};
use secrecy::SecretSlice;

/// More than any certificate with its chain and key.
const LONGEST: u64 = 1024 * 1024;

/// The bytes of a certificate, of a key or of both, in any form that
/// [`CertificateKey::load`](super::CertificateKey::load) reads, with what messages call them.
pub struct KeyMaterial {
    bytes: SecretSlice<u8>,
    name: String,
    setting: String,
    mode: Option<u32>,
}

impl KeyMaterial {
    /// The file at `path`, which `setting` names.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it cannot be read or is larger than a certificate can be.
    pub fn from_path(path: impl AsRef<Path>, setting: impl Into<String>) -> Result<Self> {
        let (path, setting) = (path.as_ref(), setting.into());
        let name = path.display().to_string();
        let (bytes, mode) = read(path).map_err(|error| {
            Error::new(
                ErrorKind::Config,
                format!("'{name}' ({setting}) cannot be read"),
            )
            .with_source(error)
        })?;
        if bytes.len() as u64 > LONGEST {
            return Err(Error::new(
                ErrorKind::Config,
                format!("'{name}' ({setting}) is too large for a certificate or key"),
            ));
        }
        Ok(Self {
            mode,
            ..Self::from_bytes(bytes, name, setting)
        })
    }

    /// `bytes` that messages call `name`, and that `setting` names.
    pub fn from_bytes(bytes: Vec<u8>, name: impl Into<String>, setting: impl Into<String>) -> Self {
        Self {
            bytes: bytes.into(),
            name: name.into(),
            setting: setting.into(),
            mode: None,
        }
    }

    /// A secret of a key store that messages call `name`, and that `setting` names.
    ///
    /// It holds PEM, or PFX or DER as base64: what Azure Key Vault gives for a certificate, with
    /// its private key, when it is asked for the secret of the same name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it is neither.
    ///
    /// Source: <https://learn.microsoft.com/azure/key-vault/certificates/about-certificates>
    pub fn from_secret(
        secret: &SecretString,
        name: impl Into<String>,
        setting: impl Into<String>,
    ) -> Result<Self> {
        let (name, setting) = (name.into(), setting.into());
        let text = secret.expose_secret();
        if text.contains("-----BEGIN ") {
            return Ok(Self::from_bytes(text.as_bytes().to_vec(), name, setting));
        }
        let compact: SecretString = text.split_whitespace().collect::<String>().into();
        match STANDARD.decode(compact.expose_secret()) {
            Ok(bytes) if !bytes.is_empty() => Ok(Self::from_bytes(bytes, name, setting)),
            _ => Err(Error::new(
                ErrorKind::Config,
                format!("the secret '{name}' ({setting}) holds neither PEM nor base64"),
            )
            .with_hint("name a certificate of the vault, or a secret that holds PEM or a PFX")),
        }
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.expose_secret()
    }

    /// Permissions that let others at it.
    pub(super) fn open_mode(&self) -> Option<u32> {
        self.mode.filter(|mode| mode & 0o066 != 0)
    }
}

/// Name and setting, for messages.
impl fmt::Display for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' ({})", self.name, self.setting)
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyMaterial({self})")
    }
}

fn read(path: &Path) -> io::Result<(Vec<u8>, Option<u32>)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    Ok((bytes, mode(&metadata)))
}

#[cfg(unix)]
fn mode(metadata: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    // A pipe's permissions say nothing about who can read what went through it.
    metadata
        .is_file()
        .then(|| metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &std::fs::Metadata) -> Option<u32> {
    None
}

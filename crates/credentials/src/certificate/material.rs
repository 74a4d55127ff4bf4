//! The bytes of a certificate or key, and what messages call them.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use defender_core::{
    Error, ErrorKind, ExposeSecret, Result, SecretString, is_plain_path, open_file,
};
use secrecy::SecretSlice;

use super::encoded;

/// More than any certificate with its chain and key.
const LONGEST: u64 = 1024 * 1024;

/// The bytes of a certificate, of a key or of both, in any form that
/// [`CertificateKey::load`](super::CertificateKey::load) reads, with what messages call them.
///
/// Reading a file and unlocking a key block: within a runtime they belong into
/// [`defender_http::aside`].
pub struct KeyMaterial {
    bytes: SecretSlice<u8>,
    name: String,
    setting: String,
    mode: Option<u32>,
}

impl KeyMaterial {
    /// The file at `path`, which `setting` names.
    ///
    /// It holds PEM, DER or PFX, or the base64 of one of them. The path is quoted when it is there
    /// or plainly a path: what people put in the place of a file's name is often the key itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when it cannot be read, [`ErrorKind::Config`] when it is larger than a
    /// certificate can be.
    pub fn from_path(path: impl AsRef<Path>, setting: impl Into<String>) -> Result<Self> {
        let (path, setting) = (path.as_ref(), setting.into());
        let shown = path.display().to_string();
        if !path.exists() && !is_plain_path(&shown) {
            return Err(neither(&format!("the value of {setting}")));
        }
        Self::from_file(path, shown, setting)
    }

    /// What `setting` holds, taken from elsewhere: a variable or a key store, which messages call
    /// `name`. It is never quoted.
    ///
    /// It is PEM, or PFX, DER or PEM as base64, as Azure Key Vault gives a certificate with its
    /// private key when it is asked for the secret of the same name; or else the path of a file,
    /// which `place` completes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it is none of them, [`ErrorKind::Io`] when the file cannot be
    /// read.
    ///
    /// Source: <https://learn.microsoft.com/azure/key-vault/certificates/about-certificates>
    pub fn from_text(
        text: &SecretString,
        name: impl Into<String>,
        setting: impl Into<String>,
        place: impl FnOnce(&Path) -> PathBuf,
    ) -> Result<Self> {
        let (name, setting) = (name.into(), setting.into());
        if let Some(bytes) = encoded::material(text.expose_secret()) {
            return Ok(Self::from_bytes(bytes, name, setting));
        }
        let path = place(Path::new(text.expose_secret().trim()));
        if path.exists() {
            return Self::from_file(&path, name, setting);
        }
        Err(neither(&format!("the value of '{name}' ({setting})")))
    }

    /// A secret of a key store that messages call `name`, and that `setting` names.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it holds neither PEM nor base64.
    pub fn from_secret(
        secret: &SecretString,
        name: impl Into<String>,
        setting: impl Into<String>,
    ) -> Result<Self> {
        let (name, setting) = (name.into(), setting.into());
        let Some(bytes) = encoded::material(secret.expose_secret()) else {
            return Err(Error::new(
                ErrorKind::Config,
                format!("the secret '{name}' ({setting}) holds neither PEM nor base64"),
            )
            .with_hint("name a certificate of the vault, or a secret that holds PEM or a PFX"));
        };
        Ok(Self::from_bytes(bytes, name, setting))
    }

    fn from_file(path: &Path, name: String, setting: String) -> Result<Self> {
        let (bytes, mode) = read(path).map_err(|error| {
            Error::new(
                ErrorKind::Io,
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
            ..Self::from_bytes(encoded::of_file(bytes), name, setting)
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

/// A value that is no certificate or key in any form, and no file; it may be a secret of another
/// kind, so that it is not quoted.
fn neither(what: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("{what} is neither a file nor a certificate or key"),
    )
    .with_hint("give the path of a file, PEM text, or the base64 of a PFX, DER or PEM")
}

fn read(path: &Path) -> io::Result<(Vec<u8>, Option<u32>)> {
    let file = open_file(path)?;
    let metadata = file.metadata()?;
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

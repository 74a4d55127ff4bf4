//! What a certificate's owner should know although it works.

use std::fmt;

/// Something about a certificate or its key that its owner should know although it works.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateNotice {
    /// Other users of the machine can read the private key.
    KeyReadable {
        /// The file that holds it.
        name: String,
        /// The file's permissions.
        mode: u32,
    },
    /// A password is set for a private key that is not encrypted.
    PasswordUnused {
        /// Where the key is.
        name: String,
        /// The setting of the password.
        setting: String,
    },
    /// The certificate ends within thirty days.
    EndsSoon {
        /// Where the certificate is.
        name: String,
        /// When it ends, as OpenSSL writes it.
        end: String,
    },
}

impl fmt::Display for CertificateNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyReadable { name, mode } => write!(
                f,
                "other users can read the private key in '{name}' (mode {mode:04o}): chmod 600 it"
            ),
            Self::PasswordUnused { name, setting } => write!(
                f,
                "the private key in '{name}' is not encrypted, so {setting} is not used"
            ),
            Self::EndsSoon { name, end } => {
                write!(f, "the certificate in '{name}' ends on {end}")
            }
        }
    }
}

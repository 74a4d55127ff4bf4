//! What can go wrong when the emulator is set up.

use std::net::SocketAddr;
use std::path::PathBuf;

/// The result of setting up an emulator.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the emulator did not start, or a file for it could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address that other machines could reach; give one of 127.0.0.0/8 or `[::1]`.
    #[error("the emulator listens on loopback only, not on {0}")]
    NotLoopback(SocketAddr),
    /// An address that could not be listened on; give another port.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// A file in the temporary folder that could not be written.
    #[error("cannot write the emulator's temporary files")]
    TemporaryFiles(#[source] std::io::Error),
    /// A file that could not be read.
    #[error("cannot read {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said, or what is no text.
        #[source]
        source: std::io::Error,
    },
    /// A key or certificate that OpenSSL could not make.
    #[error("cannot make the emulator's keys and certificates")]
    Certificates(#[from] openssl::error::ErrorStack),
    /// A description of tenants that cannot be read; the text says where.
    #[error("cannot read the description of tenants: {0}")]
    Description(String),
    /// A list of faults that cannot be read; the text says where.
    #[error("cannot read the list of faults: {0}")]
    Faults(String),
    /// Options that contradict each other.
    #[error("{0}")]
    Options(String),
    /// Data that could not be read.
    #[error("{0}")]
    Data(String),
}

//! An embedded Entra ID, Key Vault, Microsoft Defender for Endpoint, Microsoft 365 Defender and
//! Graph, for demos and tests.
//!
//! The emulator is written from Microsoft's documentation and shares no code with the clients
//! it checks: it has its own table of hosts, its own token checks and its own encoders. It
//! listens on loopback only and connects to nothing.
//!
//! There are three ways in, all of the same service:
//!
//! - plain HTTP at [`Running::http_url`], where the path tells the services apart (a vault's
//!   begin with `/vaults/{name}`);
//! - HTTPS at [`Running::https_url`], with a certificate of a throw-away authority;
//! - a forward proxy at [`Running::proxy_url`]: a client that trusts [`Running::ca_pem`] reaches
//!   `login.microsoftonline.com`, `graph.microsoft.com` and every other documented host, in every
//!   national cloud, under its true name.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use defender_emulator::{Emulator, Options};
//!
//! let running = Emulator::start(Options::default()).await?;
//! assert!(running.http_url().starts_with("http://127.0.0.1:"));
//! for (name, value) in running.environment() {
//!     // Hand these to the command under test.
//!     assert!(!name.is_empty() && !value.is_empty());
//! }
//! # Ok::<(), defender_emulator::Error>(())
//! # }).unwrap();
//! ```

mod api;
mod certificates;
mod connection;
mod description;
mod emulator;
mod endpoint;
mod entra;
mod error;
mod faults;
mod graph;
mod hosts;
mod hunting;
mod identifiers;
mod listener;
mod log;
mod options;
mod path;
mod proxy;
mod registration;
mod reply;
mod request;
mod router;
#[cfg(feature = "hunting")]
mod sample;
mod security;
mod settings;
mod sign_in;
mod site;
mod ticks;
mod trust_store;
mod vault;
mod wire;
mod yaml;

pub use description::Description;
pub use emulator::{Emulator, Running};
pub use error::{Error, Result};
pub use faults::{Fault, FaultAnswer, FaultBody, Faults};
pub use hosts::{Api, Cloud};
pub use hunting::{
    Column, ColumnType, HuntingBackend, QueryFault, Question, Rows, Script, TimeRange, Value,
};
#[cfg(feature = "hunting")]
pub use kql_engine::Place;
pub use log::{RecordedAssertion, RecordedBody, RecordedRequest};
pub use options::{
    Clock, Data, IdentityEndpoint, Limits, Observer, Options, ProxyCredentials, Quotas, Tenant,
    Vault, VaultAccess, VaultCertificate, VaultSecret,
};
pub use registration::{
    Application, Certificate, FederatedCredential, ManagedIdentity, Platform, RedirectUri, Secret,
    SignInPolicy, User,
};
pub use sign_in::{Browser, DeviceOutcome, DeviceScript, SignIn};

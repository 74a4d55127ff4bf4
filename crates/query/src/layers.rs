//! The crates below this one, whole, for whoever writes a driver, a credential or a tool of their own.
//!
//! What programs need most is at the root of this crate. Everything that stands in a signature here
//! is in one of these, in the very version that this crate takes.
//!
//! ```
//! use defender_query::layers::{core, credentials::Cached};
//!
//! fn renewing<C: core::Credential>(credential: C) -> Cached<C> {
//!     let clock = std::sync::Arc::new(defender_query::SystemClock);
//!     Cached::new(credential, clock)
//! }
//! ```

pub use defender_cloud as cloud;
pub use defender_config as config;
pub use defender_core as core;
pub use defender_credentials as credentials;
pub use defender_drivers as drivers;
pub use defender_http as http;
#[cfg(feature = "key-vault")]
pub use defender_keyvault as keyvault;
pub use defender_queries as queries;
#[cfg(feature = "local")]
pub use defender_schema as schema;
pub use defender_table as table;
#[cfg(feature = "local")]
pub use kql_engine;
#[cfg(feature = "local")]
pub use kql_semantics;
#[cfg(feature = "local")]
pub use kql_syntax;

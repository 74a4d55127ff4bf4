//! From settings to rows, against the emulator.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is"
)]

#[cfg(all(
    feature = "client-secret",
    feature = "environment",
    feature = "key-vault",
    feature = "m365d-graph"
))]
mod clouds;
#[cfg(feature = "default")]
mod connect;
#[cfg(feature = "default")]
mod credentials;
#[cfg(feature = "default")]
mod exchange;
#[cfg(feature = "default")]
mod extremes;
#[cfg(feature = "default")]
mod facade_alone;
#[cfg(feature = "default")]
mod fan_out;
#[cfg(feature = "default")]
mod key_vault;
#[cfg(feature = "local")]
mod local;
#[cfg(all(feature = "client-secret", feature = "m365d-graph"))]
mod long_run;
#[cfg(feature = "default")]
mod loopback;
mod named;
#[cfg(feature = "local")]
mod nothing_found;
#[cfg(feature = "default")]
mod outside;
mod own_driver;
#[cfg(feature = "local")]
mod own_files;
mod page;
#[cfg(feature = "local")]
mod query_library;
#[cfg(feature = "default")]
mod secrets;
mod service;
#[cfg(all(feature = "local", feature = "m365d-graph"))]
mod slices;
#[cfg(feature = "default")]
mod without_tokio;

//! From settings to rows, against the emulator.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is"
)]

mod connect;
mod credentials;
mod exchange;
mod fan_out;
#[cfg(feature = "key-vault")]
mod key_vault;
#[cfg(feature = "local")]
mod local;
mod own_driver;
mod service;

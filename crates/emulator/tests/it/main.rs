//! The emulator over loopback, driven by a client of the tests' own.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is"
)]

mod batch;
mod client;
#[cfg(feature = "hunting")]
mod engine;
mod entra;
mod faults;
mod grants;
mod hosts;
mod hunting;
mod paths;
mod running;
mod security;
mod vault;

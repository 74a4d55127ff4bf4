//! The emulator over loopback, driven by a client of the tests' own.

mod client;
#[cfg(feature = "hunting")]
mod engine;
mod entra;
mod faults;
mod hosts;
mod hunting;
mod running;

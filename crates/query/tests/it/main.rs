//! From settings to rows, against the emulator.

mod connect;
mod exchange;
#[cfg(feature = "local")]
mod local;
mod own_driver;
mod service;

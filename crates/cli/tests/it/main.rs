//! The built command against an emulator in this process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a test that is left out says so")]

mod all_rows;
mod cases;
mod collections;
mod command;
mod completion;
mod config;
mod excerpts;
mod faults;
mod files;
mod hosts;
mod interruption;
mod lint;
mod output;
mod pages;
mod secrets;
mod service;
mod sign_in;
#[cfg(unix)]
mod signals;
#[cfg(target_os = "linux")]
mod streams;
mod terminal;

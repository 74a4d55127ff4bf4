//! The drivers from outside: whole exchanges over a scripted transport.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod around;
mod collections;
mod debug;
mod exchange;
mod fixtures;
mod pace;
mod responses;
mod support;
mod watch;

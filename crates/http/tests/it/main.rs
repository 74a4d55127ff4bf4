//! The transport against real sockets on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bodies;
mod connections;
mod proxies;
mod server;
mod tls;

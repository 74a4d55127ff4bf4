//! The transport against real sockets on loopback.

mod bodies;
mod connections;
mod proxies;
mod server;
mod tls;

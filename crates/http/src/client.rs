//! The client: the transport that opens connections, and how it does that.

mod body;
mod bypass;
mod coding;
mod failure;
mod names;
mod options;
mod proxy;
mod redirect;
mod roots;
mod transport;

pub use options::{HttpOptions, ProxySettings};
pub use transport::HttpTransport;

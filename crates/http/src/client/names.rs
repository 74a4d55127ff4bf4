//! Where names lead: as the system says, but for the names of this machine.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use defender_core::is_localhost;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Asks the system, and nobody about the names of this machine: plain `http` carries tokens there,
/// and a name server could answer with another machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names;

/// Whatever port the address names takes the place of this one.
const ANY_PORT: u16 = 0;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str();
            let found: Vec<SocketAddr> = if is_localhost(name) {
                vec![
                    (Ipv4Addr::LOCALHOST, ANY_PORT).into(),
                    (Ipv6Addr::LOCALHOST, ANY_PORT).into(),
                ]
            } else {
                tokio::net::lookup_host((name, ANY_PORT)).await?.collect()
            };
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

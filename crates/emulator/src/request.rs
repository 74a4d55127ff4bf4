//! A request as the services see it: where it came in, and what is in it.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, Method, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::hosts::{Cloud, Host};
use crate::path::Path;

/// How much of a request that is too large is still read, so that its sender gets to the answer.
const DRAINED: usize = 64 * 1024 * 1024;

/// Where a request came in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// At a loopback address, where paths tell the services apart.
    Direct(Scheme),
    /// Through the proxy, at a host under its true name.
    Host(&'static Host),
}

impl Place {
    /// Whether the host is one that `serves` something; a loopback address serves everything.
    pub(crate) fn has(self, serves: impl Fn(&Host) -> bool) -> bool {
        match self {
            Self::Host(host) => serves(host),
            Self::Direct(_) => true,
        }
    }

    /// The cloud of the host; at a loopback address it is any.
    pub(crate) fn cloud(self) -> Option<Cloud> {
        match self {
            Self::Host(host) => Some(host.cloud),
            Self::Direct(_) => None,
        }
    }
}

/// How a loopback address is spoken to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// A request, read whole.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) place: Place,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    /// The path of `uri` in its parts.
    pub(crate) path: Path,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// `https://graph.microsoft.com`, `http://127.0.0.1:40123`.
    pub(crate) origin: String,
    /// The request's own identifier.
    pub(crate) id: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The token that the request shows.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header(AUTHORIZATION.as_str())?.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    }
}

/// The place, what its addresses begin with, and the host's name for the log.
pub(crate) fn located(place: Place, headers: &HeaderMap, uri: &Uri) -> (Place, String, String) {
    let named = headers
        .get(HOST)
        .and_then(|value| value.to_str().ok())
        .or_else(|| uri.authority().map(http::uri::Authority::as_str))
        .unwrap_or("127.0.0.1");
    let name = match named.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => named,
    };
    match place {
        Place::Host(host) => {
            let name = host.full_name(name);
            (place, format!("https://{name}"), name)
        }
        // A true name at a loopback address: someone told the client where to find it.
        Place::Direct(Scheme::Https) if Host::named(name).is_some() => {
            let place = Host::named(name).map_or(place, Place::Host);
            (place, format!("https://{name}"), name.to_owned())
        }
        // A vault's paths do not say which vault, so here its name counts without HTTPS too.
        Place::Direct(Scheme::Http) if Host::named(name).is_some_and(Host::has_vaults) => {
            let place = Host::named(name).map_or(place, Place::Host);
            let name = name.to_ascii_lowercase();
            (place, format!("https://{name}"), name)
        }
        Place::Direct(Scheme::Https) => (place, format!("https://{named}"), name.to_owned()),
        Place::Direct(Scheme::Http) => (place, format!("http://{named}"), name.to_owned()),
    }
}

/// A body beyond the limit.
pub(crate) struct TooLarge;

/// Reads a body; one that is too large is read to its end, but not kept.
pub(crate) async fn read(mut body: Incoming, limit: usize) -> Result<Bytes, TooLarge> {
    let mut kept = Vec::new();
    let mut length = 0;
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(data) = frame.data_ref() {
            length += data.len();
            if length <= limit {
                kept.extend_from_slice(data);
            } else if length > DRAINED {
                break;
            }
        }
    }
    if length > limit {
        Err(TooLarge)
    } else {
        Ok(kept.into())
    }
}

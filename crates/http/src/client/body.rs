//! The stream of a body that is on its way.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use defender_core::{Body, Error, Result};

use super::coding::Codings;
use super::failure::{self, Place, Timeouts};
use crate::require_runtime;

struct Incoming {
    response: reqwest::Response,
    codings: Codings,
    place: Place,
    read_timeout: Duration,
    timeouts: Timeouts,
    received: u64,
}

/// The body of `response` without `codings`; its errors say how much had arrived.
pub(super) fn incoming(
    response: reqwest::Response,
    codings: Codings,
    place: Place,
    read_timeout: Duration,
    timeouts: Timeouts,
) -> Body {
    let incoming = Incoming {
        response,
        codings,
        place,
        read_timeout,
        timeouts,
        received: 0,
    };
    Body::from_stream(futures::stream::try_unfold(incoming, next))
}

async fn next(mut incoming: Incoming) -> Result<Option<(Bytes, Incoming)>> {
    require_runtime()?;
    loop {
        let left = incoming.codings.next();
        if let Some(bytes) = left.map_err(|error| incoming.undecoded(error))? {
            incoming.received += bytes.len() as u64;
            return Ok(Some((bytes, incoming)));
        }
        let chunk = incoming.response.chunk();
        let limit = incoming.timeouts.limit(chunk, incoming.read_timeout).await;
        let (place, received) = (&incoming.place, incoming.received);
        match limit {
            Ok(Ok(Some(chunk))) => incoming.codings.push(chunk),
            Ok(Ok(None)) => {
                let last = incoming.codings.end();
                let last = last.map_err(|error| incoming.undecoded(error))?;
                return Ok(last.map(|bytes| (bytes, incoming)));
            }
            Ok(Err(error)) => return Err(failure::receiving(&error, place, received)),
            Err(passed) => return Err(failure::stalled(place, passed, received)),
        }
    }
}

impl Incoming {
    fn undecoded(&self, error: io::Error) -> Error {
        failure::undecoded(error, &self.place, self.received)
    }
}

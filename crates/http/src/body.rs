//! Bodies: the stream of one that is on its way, and reading the beginning of one.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use defender_core::{Body, Error, Result};

use crate::coding::Codings;
use crate::failure::{self, Place, Timeouts};
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
pub(crate) fn incoming(
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

/// The first `limit` bytes of `body`, as many as arrive before it ends or breaks off.
///
/// For the bodies of error answers: there the beginning says what is wrong, and neither an
/// endless page nor a broken connection should hide it.
pub async fn read_at_most(mut body: Body, limit: usize) -> Bytes {
    let mut whole = BytesMut::new();
    while whole.len() < limit {
        let Ok(Some(chunk)) = body.chunk().await else {
            break;
        };
        let room = limit - whole.len();
        whole.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    whole.freeze()
}

#[cfg(test)]
mod tests {
    use defender_core::ErrorKind;

    use super::*;

    fn body(chunks: Vec<Result<&'static str>>) -> Body {
        let chunks = chunks.into_iter().map(|chunk| chunk.map(Bytes::from));
        Body::from_stream(futures::stream::iter(chunks.collect::<Vec<_>>()))
    }

    #[tokio::test]
    async fn the_beginning_is_what_arrived_up_to_the_limit() {
        let broken = || Err(Error::new(ErrorKind::Transport, "reset"));
        assert_eq!(
            read_at_most(body(vec![Ok("abc"), Ok("def")]), 4).await,
            "abcd"
        );
        assert_eq!(
            read_at_most(body(vec![Ok("abc"), broken()]), 9).await,
            "abc"
        );
        assert_eq!(read_at_most(body(vec![]), 9).await, "");
    }
}

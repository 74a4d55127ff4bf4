//! Bodies: the stream of one that is on its way, and reading the beginning of one.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use defender_core::{Body, Result};

use crate::failure::{self, Place, Timeouts};
use crate::require_runtime;

struct Incoming {
    response: reqwest::Response,
    place: Place,
    read_timeout: Duration,
    timeouts: Timeouts,
    received: u64,
}

/// The body of `response`; its errors say how much had arrived.
pub(crate) fn incoming(
    response: reqwest::Response,
    place: Place,
    read_timeout: Duration,
    timeouts: Timeouts,
) -> Body {
    let incoming = Incoming {
        response,
        place,
        read_timeout,
        timeouts,
        received: 0,
    };
    Body::from_stream(futures::stream::try_unfold(incoming, next))
}

async fn next(mut incoming: Incoming) -> Result<Option<(Bytes, Incoming)>> {
    require_runtime()?;
    let chunk = incoming.response.chunk();
    let limit = incoming.timeouts.limit(chunk, incoming.read_timeout).await;
    match limit {
        Ok(Ok(Some(chunk))) => {
            incoming.received += chunk.len() as u64;
            Ok(Some((chunk, incoming)))
        }
        Ok(Ok(None)) => Ok(None),
        Ok(Err(error)) => Err(failure::receiving(
            &error,
            &incoming.place,
            incoming.received,
        )),
        Err(passed) => Err(failure::stalled(&incoming.place, passed, incoming.received)),
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
    use defender_core::{Error, ErrorKind};

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

//! The beginning of a body.

use bytes::{Bytes, BytesMut};
use defender_core::Body;

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
    use defender_core::{Error, ErrorKind, Result};

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

//! One request, one answer: what every layer above the network knows of it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;

use crate::{Error, ErrorKind, Result};

/// Sends one request and returns what came back; a 500 is an answer, not an error.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends `request`. The returned body is still on its way.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transport`] when there is no answer; transient unless trying again cannot help.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>> {
        (**self).send(request).await
    }
}

/// A body as a stream of chunks, so that decoding overlaps the download.
pub struct Body {
    chunks: Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>,
}

impl Body {
    /// A body that yields the chunks of `stream`.
    pub fn from_stream(stream: impl Stream<Item = Result<Bytes>> + Send + 'static) -> Self {
        Self {
            chunks: Box::pin(stream),
        }
    }

    /// A body that is already here.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self::from_stream(Once(Some(bytes.into())))
    }

    /// The next chunk, or `None` at the end.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transport`] when the connection broke before the body was whole.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        std::future::poll_fn(|context| self.chunks.as_mut().poll_next(context))
            .await
            .transpose()
    }

    /// The whole body, at most `limit` bytes of it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transport`] when the connection broke, [`ErrorKind::Protocol`] when the body
    /// is larger than `limit`.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes> {
        let Some(first) = self.chunk().await? else {
            return Ok(Bytes::new());
        };
        let mut whole = Vec::new();
        let mut next = Some(first);
        while let Some(chunk) = next {
            if whole.len() + chunk.len() > limit {
                return Err(Error::new(
                    ErrorKind::Protocol,
                    format!("the answer is larger than {limit} bytes"),
                ));
            }
            let following = self.chunk().await?;
            if whole.is_empty() && following.is_none() {
                return Ok(chunk);
            }
            whole.extend_from_slice(&chunk);
            next = following;
        }
        Ok(whole.into())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}

impl Stream for Body {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.chunks.as_mut().poll_next(context)
    }
}

struct Once(Option<Bytes>);

impl Stream for Once {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

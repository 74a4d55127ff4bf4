//! Serving one connection.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use openssl::ssl::{Ssl, SslContext};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_openssl::SslStream;

use crate::request::Place;
use crate::router::Router;
use crate::wire::{Plans, Wire};

/// How long a connection may go on after the emulator was told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// The server's side of a TLS handshake; nothing when the client breaks off, for example because
/// it does not trust the authority.
pub(crate) async fn handshake<S>(
    stream: S,
    context: &SslContext,
    closed: &mut watch::Receiver<bool>,
) -> Option<SslStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = SslStream::new(Ssl::new(context).ok()?, stream).ok()?;
    tokio::select! {
        () = told_to_stop(closed) => None,
        accepted = std::pin::Pin::new(&mut stream).accept() => accepted.is_ok().then_some(stream),
    }
}

/// Answers the requests of one connection, with whatever goes wrong on the way.
pub(crate) async fn serve<S>(
    stream: S,
    place: Place,
    router: Arc<Router>,
    mut closed: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let plans = Plans::default();
    let wire = Wire::new(stream, plans.clone());
    let handler = service_fn(move |request| {
        let router = Arc::clone(&router);
        let plans = plans.clone();
        // A client may be gone before anybody looks at its request.
        let recording = router.recording(place, &request);
        async move {
            let response = router.respond(place, request, recording, &plans);
            Ok::<_, Infallible>(response.await)
        }
    });
    // The date comes from the emulator's clock.
    let connection = http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(TokioIo::new(wire), handler);
    let mut connection = pin!(connection);
    // An error here is a client that left, or a fault that was asked for.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = told_to_stop(&mut closed) => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(GRACE, connection).await;
        }
    }
}

/// Returns when the emulator has been told to stop, or is gone.
pub(crate) async fn told_to_stop(closed: &mut watch::Receiver<bool>) {
    let _ = closed.wait_for(|closed| *closed).await;
}

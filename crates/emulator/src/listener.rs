//! Listening, and telling apart how clients come in.

use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::certificates::Authority;
use crate::connection::{handshake, serve, told_to_stop};
use crate::proxy;
use crate::request::{Place, Scheme};
use crate::router::Router;

/// How clients come in at a listener.
#[derive(Debug, Clone)]
pub(crate) enum Entrance {
    /// Plain HTTP.
    Plain,
    /// HTTPS at a loopback address.
    Tls(Arc<Authority>),
    /// The forward proxy.
    Proxy(Arc<Authority>),
}

/// Accepts connections until the emulator stops, then waits for the open ones.
pub(crate) async fn accept(
    listener: TcpListener,
    entrance: Entrance,
    router: Arc<Router>,
    mut closed: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = told_to_stop(&mut closed) => break,
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        // A connection that is gone before it is taken is the client's affair.
        let Ok((stream, _)) = accepted else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        connections.spawn(enter(
            stream,
            entrance.clone(),
            Arc::clone(&router),
            closed.clone(),
        ));
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn enter(
    stream: TcpStream,
    entrance: Entrance,
    router: Arc<Router>,
    mut closed: watch::Receiver<bool>,
) {
    match entrance {
        Entrance::Plain => serve(stream, Place::Direct(Scheme::Http), router, closed).await,
        Entrance::Tls(authority) => {
            let context = stream
                .local_addr()
                .ok()
                .and_then(|address| authority.context_by_name(&address.ip().to_string()).ok());
            if let Some(context) = context
                && let Some(stream) = handshake(stream, &context, &mut closed).await
            {
                serve(stream, Place::Direct(Scheme::Https), router, closed).await;
            }
        }
        Entrance::Proxy(authority) => proxy::serve(stream, authority, router, closed).await,
    }
}

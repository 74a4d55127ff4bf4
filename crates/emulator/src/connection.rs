//! One connection.
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::certificates::Authority;
use crate::service::Service;

pub(crate) enum Entrance {
    Plain,
    Tls(Arc<Authority>),
    Proxy(Arc<Authority>),
}

pub(crate) async fn accept(
    _listener: TcpListener,
    _entrance: Entrance,
    _service: Arc<Service>,
    _closed: watch::Receiver<bool>,
) {
}

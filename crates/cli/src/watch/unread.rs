//! Notices that nobody reads standard output any more: where nothing is new, nothing is written that
//! would say so.

/// Ends when the reader is gone; never where there is none that could be.
#[cfg(unix)]
pub(super) async fn unread() {
    let (teller, told) = tokio::sync::oneshot::channel();
    // It ends with the process. Without it the next line says the same.
    let _ = std::thread::Builder::new()
        .name("unread".to_owned())
        .spawn(move || {
            if until_closed().is_ok() {
                let _ = teller.send(());
            }
        });
    if told.await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Elsewhere the next line says it.
#[cfg(not(unix))]
pub(super) async fn unread() {
    std::future::pending::<()>().await;
}

/// Waits for the other end of standard output to be closed. A file, of which nothing is told, is an
/// error.
#[cfg(unix)]
fn until_closed() -> std::io::Result<()> {
    use std::io::{ErrorKind, stdout};
    use std::os::fd::AsRawFd as _;

    use mio::unix::SourceFd;
    use mio::{Events, Interest, Poll, Token};

    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1);
    poll.registry().register(
        &mut SourceFd(&stdout().as_raw_fd()),
        Token(0),
        Interest::WRITABLE,
    )?;
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        // Most often there is room to write again, which is no news here.
        if events.iter().any(mio::event::Event::is_write_closed) {
            return Ok(());
        }
    }
}

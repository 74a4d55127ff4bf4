//! A connection that can be made to misbehave: what is written is changed, slowed or cut below HTTP.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::faults::Fault;

/// What is done to the next answer of a connection.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Plan {
    content_length: Option<u64>,
    truncate_after: Option<usize>,
    drop_after: Option<usize>,
    stall_after: Option<usize>,
    drip: Option<(usize, Duration)>,
}

impl Plan {
    /// The part of a fault that happens on the wire, if there is one.
    pub(crate) fn of(fault: &Fault) -> Option<Self> {
        let plan = Self {
            content_length: fault.content_length,
            truncate_after: fault.truncate_after,
            drop_after: fault.drop_after,
            stall_after: fault.stall_after,
            drip: fault.drip,
        };
        (plan != Self::default()).then_some(plan)
    }
}

/// Where the service leaves the plan for the answer it is about to give.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plans(Arc<Mutex<Option<Plan>>>);

impl Plans {
    pub(crate) fn set(&self, plan: Option<Plan>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = plan;
    }

    fn take(&self) -> Option<Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A stream whose next answer follows a [`Plan`].
pub(crate) struct Wire<S> {
    inner: S,
    plans: Plans,
    staged: Option<Staged>,
}

/// An answer under a plan: what has been written into it, and what has been let out.
struct Staged {
    plan: Plan,
    bytes: Vec<u8>,
    sent: usize,
    head: Option<Head>,
    pause: Option<Pin<Box<Sleep>>>,
    /// Bytes that may go out before the next pause.
    allowance: usize,
}

struct Head {
    length: usize,
    /// Where the whole answer ends; one without a length has no body.
    end: usize,
}

impl<S> Wire<S> {
    pub(crate) fn new(inner: S, plans: Plans) -> Self {
        Self {
            inner,
            plans,
            staged: None,
        }
    }
}

impl Staged {
    fn new(plan: Plan) -> Self {
        Self {
            allowance: plan.drip.map_or(usize::MAX, |(bytes, _)| bytes),
            plan,
            bytes: Vec::new(),
            sent: 0,
            head: None,
            pause: None,
        }
    }

    /// Finds the end of the head and puts the false `Content-Length` into it.
    fn find_head(&mut self) {
        if self.head.is_some() {
            return;
        }
        let Some(at) = self.bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return;
        };
        let head = String::from_utf8_lossy(&self.bytes[..at]).into_owned();
        let declared = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        let mut length = at + 4;
        if let Some(claimed) = self.plan.content_length {
            let mut lines: Vec<String> = head
                .split("\r\n")
                .filter(|line| !line.to_ascii_lowercase().starts_with("content-length:"))
                .map(str::to_owned)
                .collect();
            lines.push(format!("content-length: {claimed}\r\n\r\n"));
            let changed = lines.join("\r\n").into_bytes();
            length = changed.len();
            self.bytes.splice(..at + 4, changed);
        }
        self.head = Some(Head {
            length,
            end: length.saturating_add(declared.unwrap_or(0)),
        });
    }

    /// The place at which the connection ends or falls silent, as far as it is known.
    fn limit(&self) -> usize {
        let head = self.head.as_ref();
        let of_body = |count: Option<usize>| {
            let count = count?;
            Some(head.map_or(usize::MAX, |head| head.length.saturating_add(count)))
        };
        [
            self.plan.drop_after,
            of_body(self.plan.truncate_after),
            of_body(self.plan.stall_after),
        ]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(usize::MAX)
    }

    /// Whether the silence comes before the end.
    fn stalls(&self) -> bool {
        self.head.as_ref().is_some_and(|head| {
            self.plan
                .stall_after
                .is_some_and(|count| head.length.saturating_add(count) == self.limit())
        })
    }

    fn complete(&self) -> bool {
        self.head.as_ref().is_some_and(|head| self.sent >= head.end)
    }
}

impl<S: AsyncWrite + Unpin> Wire<S> {
    /// Lets out what the plan allows; pending while it waits, an error where it ends.
    fn drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let Some(staged) = &mut self.staged else {
                return Poll::Ready(Ok(()));
            };
            staged.find_head();
            if staged.head.is_none()
                && staged
                    .plan
                    .drop_after
                    .is_none_or(|at| at > staged.bytes.len())
            {
                return Poll::Ready(Ok(()));
            }
            if let Some(pause) = &mut staged.pause {
                ready!(pause.as_mut().poll(context));
                staged.pause = None;
            }
            let limit = staged.limit();
            if staged.sent >= limit {
                ready!(Pin::new(&mut self.inner).poll_flush(context))?;
                if staged.stalls() {
                    return Poll::Pending;
                }
                return Poll::Ready(Err(ended()));
            }
            if staged.sent == staged.bytes.len() {
                ready!(Pin::new(&mut self.inner).poll_flush(context))?;
                if !staged.complete() {
                    return Poll::Ready(Ok(()));
                }
                let lied = staged.plan.content_length.is_some();
                self.staged = None;
                return Poll::Ready(if lied { Err(ended()) } else { Ok(()) });
            }
            let until = staged
                .bytes
                .len()
                .min(limit)
                .min(staged.sent.saturating_add(staged.allowance));
            let written = ready!(
                Pin::new(&mut self.inner).poll_write(context, &staged.bytes[staged.sent..until])
            )?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            staged.sent += written;
            if let Some((bytes, every)) = staged.plan.drip {
                staged.allowance -= written;
                if staged.allowance == 0 {
                    ready!(Pin::new(&mut self.inner).poll_flush(context))?;
                    staged.allowance = bytes;
                    staged.pause = Some(Box::pin(sleep(every)));
                }
            }
        }
    }
}

fn ended() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "the connection ends here by request",
    )
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.staged.is_none() {
            match self.plans.take() {
                None => return Pin::new(&mut self.inner).poll_write(context, bytes),
                Some(plan) => self.staged = Some(Staged::new(plan)),
            }
        }
        if let Some(staged) = &mut self.staged {
            staged.bytes.extend_from_slice(bytes);
        }
        // What the plan holds back goes out when HTTP flushes.
        if let Poll::Ready(Err(error)) = self.drain(context) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(context))?;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(context))?;
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    use super::*;

    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n";

    async fn sent(plan: Plan) -> (String, io::Result<()>) {
        let (near, mut far) = duplex(4096);
        let plans = Plans::default();
        plans.set(Some(plan));
        let mut wire = Wire::new(near, plans);
        let result = async {
            wire.write_all(HEAD.as_bytes()).await?;
            wire.write_all(b"01234").await?;
            wire.write_all(b"56789").await?;
            wire.flush().await
        }
        .await;
        drop(wire);
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        (text, result)
    }

    #[tokio::test]
    async fn without_a_plan_nothing_changes() {
        let (text, result) = sent(Plan::default()).await;
        assert_eq!(text, format!("{HEAD}0123456789"));
        result.unwrap();
    }

    #[tokio::test]
    async fn a_body_is_cut_at_a_byte() {
        let plan = Plan {
            truncate_after: Some(7),
            ..Plan::default()
        };
        let (text, result) = sent(plan).await;
        assert_eq!(text, format!("{HEAD}0123456"));
        assert!(result.is_err());
    }

    #[tokio::test]
    async fn a_connection_ends_within_the_head_or_before_it() {
        for at in [0, 12, HEAD.len() + 1] {
            let plan = Plan {
                drop_after: Some(at),
                ..Plan::default()
            };
            let (text, result) = sent(plan).await;
            assert_eq!(text, format!("{HEAD}0123456789")[..at]);
            assert!(result.is_err());
        }
    }

    #[tokio::test]
    async fn a_false_length_goes_out_with_the_whole_body() {
        for claimed in [3, 99] {
            let plan = Plan {
                content_length: Some(claimed),
                ..Plan::default()
            };
            let (text, result) = sent(plan).await;
            assert_eq!(
                text,
                format!("HTTP/1.1 200 OK\r\ncontent-length: {claimed}\r\n\r\n0123456789")
            );
            assert!(result.is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn drops_fall_one_after_the_other() {
        let begun = Instant::now();
        let plan = Plan {
            drip: Some((HEAD.len(), Duration::from_secs(2))),
            ..Plan::default()
        };
        let (text, result) = sent(plan).await;
        assert_eq!(text, format!("{HEAD}0123456789"));
        result.unwrap();
        assert_eq!(begun.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_sends_a_part_and_then_waits() {
        let (near, mut far) = duplex(4096);
        let plans = Plans::default();
        plans.set(Some(Plan {
            stall_after: Some(2),
            ..Plan::default()
        }));
        let mut wire = Wire::new(near, plans);
        wire.write_all(format!("{HEAD}0123456789").as_bytes())
            .await
            .unwrap();
        let flush = tokio::time::timeout(Duration::from_hours(1), wire.flush()).await;
        assert!(flush.is_err(), "the flush should never end");
        let mut text = vec![0; HEAD.len() + 2];
        far.read_exact(&mut text).await.unwrap();
        assert!(text.ends_with(b"01"));
        let more = tokio::time::timeout(Duration::from_hours(1), far.read_u8()).await;
        assert!(more.is_err(), "nothing more should come");
    }
}

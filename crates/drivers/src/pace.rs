//! A call that counts against a quota, and what its refusal teaches.

use std::time::SystemTime;

use defender_core::{Error, Result};
use defender_http::{Limit, Paused, Permit};
use http::StatusCode;

use crate::Connection;
use crate::patience::Deadline;

/// A call that may be made, or was.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    connection: &'a Connection,
    permit: Option<Permit>,
    sent: SystemTime,
}

impl<'a> Call<'a> {
    /// Waits until a call may be made.
    pub(crate) async fn begin(connection: &'a Connection, paused: &Paused) -> Result<Self> {
        let permit = match &connection.pace {
            Some(pace) => Some(pace.permit(&connection.retry, paused).await?),
            None => None,
        };
        let sent = connection.retry.clock.now();
        Ok(Self {
            connection,
            permit,
            sent,
        })
    }

    pub(crate) fn sent(&mut self) {
        let now = self.now();
        self.sent = now;
        if let Some(permit) = &mut self.permit {
            permit.sent(now);
        }
    }

    /// Until when the response may be taken in.
    pub(crate) fn deadline(&self) -> Deadline<'a> {
        let Connection { retry, timeout, .. } = self.connection;
        Deadline::new(&*retry.clock, self.sent, *timeout)
    }

    /// The answer has been read to its end, or is not wanted.
    pub(crate) fn finished(self) {
        let now = self.now();
        if let Some(permit) = self.permit {
            permit.finished(now);
        }
    }

    fn now(&self) -> SystemTime {
        self.connection.retry.clock.now()
    }
}

/// Keeps what a refusal with status 429 says about quotas; `error` is what it became.
pub(crate) fn learned(
    connection: &Connection,
    status: StatusCode,
    body: &[u8],
    error: Error,
) -> Error {
    let Some(pace) = connection
        .pace
        .as_ref()
        .filter(|_| status == StatusCode::TOO_MANY_REQUESTS)
    else {
        return error;
    };
    let limit = Limit::of(&String::from_utf8_lossy(body));
    let now = connection.retry.clock.now();
    match pace.refused(limit, error.retry_after(), now) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

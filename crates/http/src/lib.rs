//! The HTTP transport of defender-query: connections, proxy, certificates, timeouts, retry.
//!
//! [`Traced`] logs what any transport does. [`Retry`] repeats a whole attempt: token, request,
//! judgement and reading of the answer, since an answer can break off after its headers were fine.
//! What a status means is not known here. A [`Pacer`] counts calls against the quotas of a service,
//! and lets each wait for its turn.
//!
//! With feature `client`, a default, there is `HttpTransport`, which sends one request and streams
//! what comes back; it is the only place in the workspace that opens a connection. Without it this
//! crate compiles no client, no TLS and no OpenSSL.
//!
//! With feature `scripted` there is a `ScriptedTransport` that answers from a queue, for the
//! tests of the crates above.

mod bounded;
#[cfg(feature = "client")]
mod client;
mod clock;
mod duration;
mod notice;
mod pacer;
mod paused;
mod quota;
mod retry;
mod retry_after;
mod runtime;
#[cfg(any(test, feature = "scripted"))]
mod scripted;
mod traced;

pub use bounded::read_at_most;
#[cfg(feature = "client")]
pub use client::{HttpOptions, HttpTransport, ProxySettings};
pub use clock::SystemClock;
pub use duration::{Plain, parse_duration};
pub use notice::{Notice, Pause, Silent, Wait, WaitReason};
pub use pacer::{Pace, Pacer, PacerOptions, Permit, Usage};
pub use paused::Paused;
pub use quota::{Limit, PaceKey, Quota};
pub use retry::{Jitter, Retry, RetryPolicy};
pub use retry_after::{retry_after, retry_hint, wait_asked_for};
pub use runtime::{aside, require_runtime};
#[cfg(any(test, feature = "scripted"))]
pub use scripted::{Answer, RecordedRequest, ScriptedTransport};
pub use traced::Traced;

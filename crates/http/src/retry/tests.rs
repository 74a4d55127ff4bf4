//! Tests of the retry policy: what is waited for, and when it gives up.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use defender_core::{ErrorKind, ManualClock};

use super::*;

fn transient() -> Error {
    Error::new(ErrorKind::Service, "the service is busy").transient()
}

fn asking(seconds: u64) -> Error {
    transient().with_retry_after(Duration::from_secs(seconds))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl Notice for Heard {
    fn waiting(&self, wait: &Wait<'_>) {
        self.0.lock().unwrap().push(wait.to_string());
    }
}

struct Run {
    result: Result<u32>,
    slept: Vec<Duration>,
    heard: Vec<String>,
    attempts: u32,
}

/// Runs attempts that fail with `failures` in order and then succeed; each takes 2 seconds.
async fn run(policy: RetryPolicy, failures: Vec<Error>) -> Run {
    let clock = Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH));
    let heard = Arc::new(Heard::default());
    let retry = Retry {
        jitter: Jitter::Fixed(1.0),
        notice: heard.clone(),
        ..Retry::new(policy, clock.clone())
    };
    let failures = Mutex::new(failures.into_iter());
    let attempts = AtomicU32::new(0);
    let result = retry
        .run(async |number| {
            attempts.fetch_add(1, Ordering::SeqCst);
            clock.advance(seconds(2));
            match failures.lock().unwrap().next() {
                Some(error) => Err(error),
                None => Ok(number),
            }
        })
        .await;
    let heard = heard.0.lock().unwrap().clone();
    Run {
        result,
        slept: clock.slept(),
        heard,
        attempts: attempts.into_inner(),
    }
}

#[tokio::test]
async fn waits_double_up_to_the_maximum() {
    let policy = RetryPolicy {
        attempts: 6,
        maximum: seconds(5),
        ..RetryPolicy::default()
    };
    let failures = std::iter::repeat_with(transient).take(5).collect();
    let run = run(policy, failures).await;
    assert_eq!(run.result.unwrap(), 6);
    assert_eq!(run.slept, [1, 2, 4, 5, 5].map(seconds));
}

#[tokio::test]
async fn a_wait_asked_for_is_kept_and_told() {
    let run = run(RetryPolicy::default(), vec![asking(10), transient()]).await;
    assert_eq!(run.result.unwrap(), 3);
    assert_eq!(run.slept, [11, 2].map(seconds));
    assert_eq!(
        run.heard,
        [
            "the service is busy; waiting 11 s as the service asks before attempt 2 of 4",
            "the service is busy; waiting 2 s before attempt 3 of 4",
        ]
    );
}

#[tokio::test]
async fn what_is_not_transient_is_returned_as_it_is() {
    let failures = vec![transient(), Error::new(ErrorKind::Query, "no such table")];
    let run = run(RetryPolicy::default(), failures).await;
    let error = run.result.unwrap_err();
    assert_eq!(error.to_string(), "no such table");
    assert_eq!(run.attempts, 2);
}

#[tokio::test]
async fn the_last_error_says_how_often_it_was_tried() {
    let failures = vec![
        transient(),
        transient(),
        transient(),
        asking(7).with_status(503),
    ];
    let run = run(RetryPolicy::default(), failures).await;
    let error = run.result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the service is busy; gave up after 4 attempts in 15 s"
    );
    assert_eq!(error.status(), Some(503));
    assert_eq!(error.retry_after(), Some(seconds(7)));
    assert_eq!(error.kind(), ErrorKind::Service);
    assert!(error.is_transient());
    assert_eq!(run.attempts, 4);
}

#[tokio::test]
async fn a_policy_of_one_attempt_changes_nothing() {
    let run = run(RetryPolicy::never(), vec![transient()]).await;
    assert_eq!(run.result.unwrap_err().to_string(), "the service is busy");
    assert!(run.slept.is_empty());
}

#[tokio::test]
async fn asked_for_too_long_it_gives_up_at_once() {
    let run = run(RetryPolicy::default(), vec![asking(3600)]).await;
    assert_eq!(
        run.result.unwrap_err().to_string(),
        "the service is busy; gave up after 1 attempt, the service asks to wait 1 h"
    );
    assert!(run.slept.is_empty());
}

#[tokio::test]
async fn no_wait_goes_past_the_time_allowed() {
    let policy = RetryPolicy {
        attempts: 100,
        total: seconds(60),
        ..RetryPolicy::default()
    };
    let failures = std::iter::repeat_with(|| asking(19)).take(99).collect();
    let run = run(policy, failures).await;
    assert_eq!(run.slept, [20, 20].map(seconds));
    assert_eq!(
        run.result.unwrap_err().to_string(),
        "the service is busy; gave up after 3 attempts in 46 s, \
         another wait of 20 s would pass the time allowed"
    );
}

#[test]
fn jitter_spreads_between_half_and_the_whole() {
    let policy = RetryPolicy::default();
    let wait = |fraction| match policy.decide(3, &transient(), Duration::ZERO, fraction) {
        Decision::Wait(duration, WaitReason::Backoff) => duration,
        other => panic!("{other:?}"),
    };
    assert_eq!(wait(0.0), seconds(2));
    assert_eq!(wait(1.0), seconds(4));
    let fractions: Vec<f64> = (0..32).map(|_| Jitter::Random.fraction()).collect();
    assert!(
        fractions
            .iter()
            .all(|fraction| (0.0..=1.0).contains(fraction))
    );
    assert!(
        fractions
            .windows(2)
            .any(|pair| (pair[0] - pair[1]).abs() > f64::EPSILON)
    );
}

#[test]
fn a_huge_attempt_number_does_not_overflow() {
    let policy = RetryPolicy {
        attempts: u32::MAX,
        ..RetryPolicy::default()
    };
    let decision = policy.decide(u32::MAX - 1, &transient(), Duration::ZERO, 1.0);
    assert_eq!(decision, Decision::Wait(seconds(30), WaitReason::Backoff));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_ends_the_wait() {
    let attempts = AtomicU32::new(0);
    let retry = Retry::default();
    let running = retry.run(async |_| {
        attempts.fetch_add(1, Ordering::SeqCst);
        Err::<(), _>(asking(60))
    });
    assert!(tokio::time::timeout(seconds(30), running).await.is_err());
    tokio::time::advance(seconds(3600)).await;
    assert_eq!(attempts.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn no_policy_and_no_wish_of_a_service_is_too_large_or_too_small() {
    const EXTREMES: [Duration; 2] = [Duration::ZERO, Duration::MAX];
    for (initial, maximum) in EXTREMES.into_iter().zip(EXTREMES) {
        for (longest_asked, total) in EXTREMES.into_iter().zip(EXTREMES) {
            for attempts in [0, 1, 3, u32::MAX] {
                for wish in [None, Some(Duration::ZERO), Some(Duration::MAX)] {
                    let policy = RetryPolicy {
                        attempts,
                        initial,
                        maximum,
                        longest_asked,
                        total,
                    };
                    let error = || match wish {
                        Some(wish) => transient().with_retry_after(wish),
                        None => transient(),
                    };
                    run(policy, vec![error(), error()]).await;
                }
            }
        }
    }
    for (fraction, waited) in [(f64::NAN, 8), (f64::INFINITY, 8), (0.5, 4), (-1.0, 0)] {
        let fraction = Jitter::Fixed(fraction).fraction();
        assert_eq!(part(seconds(8), fraction), seconds(waited), "{fraction}");
    }
    assert_eq!(part(Duration::MAX, 1.0), Duration::MAX);
}

//! Pacing by a clock that only sleeping moves.

use std::sync::Mutex as StdMutex;
use std::time::UNIX_EPOCH;

use async_trait::async_trait;
use defender_core::{Clock, ManualClock};
use tokio::sync::Notify;

use super::*;
use crate::{Jitter, Notice, RetryPolicy, Wait};

const TENANT: &str = "contoso.example";

#[derive(Debug, Default)]
struct Told(StdMutex<Vec<String>>);

impl Notice for Told {
    fn waiting(&self, _: &Wait<'_>) {}

    fn pausing(&self, pause: &Pause<'_>) {
        self.0.lock().unwrap().push(pause.to_string());
    }
}

struct Bench {
    pacer: Arc<Pacer>,
    clock: Arc<ManualClock>,
    told: Arc<Told>,
    retry: Retry,
}

fn bench(options: PacerOptions) -> Bench {
    // A quarter of an hour begins at this second.
    let clock = Arc::new(ManualClock::new(UNIX_EPOCH + Duration::from_hours(500_000)));
    let told = Arc::new(Told::default());
    Bench {
        pacer: Arc::new(Pacer::new(options)),
        retry: Retry {
            jitter: Jitter::Fixed(0.0),
            notice: told.clone(),
            ..Retry::new(RetryPolicy::default(), clock.clone())
        },
        clock,
        told,
    }
}

fn key(tenant: &str) -> PaceKey {
    PaceKey {
        application: "app".to_owned(),
        tenant: tenant.to_owned(),
        api: "M365DGraph".to_owned(),
    }
}

fn quota(per_minute: u32, per_hour: u32) -> Quota {
    Quota {
        calls_per_minute: per_minute,
        calls_per_hour: per_hour,
        ..Quota::CALLS
    }
}

impl Bench {
    fn seconds(&self) -> u64 {
        let since = self.clock.now().duration_since(UNIX_EPOCH).unwrap();
        since.as_secs() - 1_800_000_000
    }

    /// A call that takes so many seconds.
    async fn call(&self, pace: &Pace, seconds: u64) -> Result<u64> {
        let mut permit = pace.permit(&self.retry, &Paused::default()).await?;
        let at = self.seconds();
        permit.sent(self.clock.now());
        self.clock.advance(Duration::from_secs(seconds));
        permit.finished(self.clock.now());
        Ok(at)
    }
}

#[tokio::test]
async fn a_minute_and_an_hour_hold_so_many_calls() {
    let bench = bench(PacerOptions::default());
    let pace = bench.pacer.pace(key(TENANT), quota(2, 5));
    let mut times = Vec::new();
    for _ in 0..7 {
        times.push(bench.call(&pace, 1).await.unwrap());
    }
    assert_eq!(times, [0, 1, 60, 61, 120, 3600, 3601]);
    assert_eq!(
        *bench.told.0.lock().unwrap(),
        [
            "2 calls per 1 min are used up (M365DGraph in contoso.example); waiting 58 s",
            "2 calls per 1 min are used up (M365DGraph in contoso.example); waiting 58 s",
            "5 calls per 1 h are used up (M365DGraph in contoso.example); waiting 57 min 59 s",
        ]
    );
    let usage = pace.usage(bench.clock.now());
    assert_eq!((usage.calls_of_minute, usage.calls_of_hour), (2, 5));
}

#[tokio::test]
async fn every_application_tenant_and_api_has_its_own() {
    let bench = bench(PacerOptions {
        calls_per_minute: Some(1),
        ..PacerOptions::default()
    });
    let mut keys = vec![key("a"), key("b")];
    keys.push(PaceKey {
        application: "other".to_owned(),
        ..key("a")
    });
    keys.push(PaceKey {
        api: "MDE".to_owned(),
        ..key("a")
    });
    for key in &keys {
        let pace = bench.pacer.pace(key.clone(), Quota::CALLS);
        assert_eq!(bench.call(&pace, 0).await.unwrap(), 0);
    }
    // The same key again is the same account.
    let again = bench.pacer.pace(key("a"), Quota::CALLS);
    assert_eq!(bench.call(&again, 0).await.unwrap(), 60);
    assert_eq!(bench.pacer.usage(bench.clock.now()).len(), 4);
}

#[tokio::test]
async fn running_time_is_a_quota_too() {
    let bench = bench(PacerOptions::default());
    let quota = Quota {
        running_per_hour: Some(Duration::from_mins(10)),
        running_per_day: Some(Duration::from_hours(3)),
        ..Quota::CALLS
    };
    let pace = bench.pacer.pace(key(TENANT), quota);
    let mut times = Vec::new();
    for _ in 0..6 {
        times.push(bench.call(&pace, 200).await.unwrap());
    }
    // Three of 200 s are ten minutes: the first has to leave the hour.
    assert_eq!(times, [0, 200, 400, 3600, 3800, 4000]);
    let told = bench.told.0.lock().unwrap();
    assert_eq!(
        told[0],
        "10 min of running time per 1 h are used up (M365DGraph in contoso.example); waiting 50 min"
    );
    let usage = pace.usage(bench.clock.now());
    assert_eq!(usage.running_of_day, Duration::from_mins(20));
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_an_error_at_once() {
    let bench = bench(PacerOptions {
        longest: Duration::from_mins(30),
        ..PacerOptions::default()
    });
    let pace = bench.pacer.pace(key(TENANT), quota(45, 1));
    bench.call(&pace, 0).await.unwrap();
    let error = bench.call(&pace, 0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!(
        error.to_string(),
        "1 calls per 1 h are used up: there is no room for 1 h"
    );
    assert_eq!(error.retry_after(), Some(Duration::from_hours(1)));
    assert!(!error.is_transient());
    assert!(bench.clock.slept().is_empty());
}

#[tokio::test]
async fn refusals_teach_everybody() {
    type Case = (&'static str, Option<u64>, Option<u64>, u64, &'static str);
    // What the body says, what the header asks, how long that is, when the next call goes.
    let cases: [Case; 6] = [
        (
            "API calls quota exceeded! maximum allowed 10 per 00:01:00",
            None,
            Some(60),
            100 + 60,
            "10 calls per 1 min are used up (M365DGraph in contoso.example); waiting 1 min",
        ),
        (
            "API calls quota exceeded! maximum allowed 10 per 00:01:00",
            Some(7),
            Some(7),
            107,
            "10 calls per 1 min are used up (M365DGraph in contoso.example); waiting 7 s",
        ),
        (
            "You have exceeded processing resources allocated to this tenant. You can run queries again in 5 minutes.",
            Some(300),
            Some(300),
            400,
            "the tenant's processing time is used up (M365DGraph in contoso.example); waiting 5 min",
        ),
        (
            // Until the next quarter of an hour, which is longer than anybody waits.
            "You have exceeded processing resources allocated to this tenant.",
            None,
            Some(800),
            0,
            "",
        ),
        (
            "Please retry again later.",
            Some(10),
            Some(10),
            110,
            "the service is over quota (M365DGraph in contoso.example); waiting 10 s",
        ),
        ("Please retry again later.", None, None, 100, ""),
    ];
    for (text, asked, wait, next, told) in cases {
        let bench = bench(PacerOptions::default());
        let graph = Quota {
            cycle: Some(Duration::from_mins(15)),
            ..Quota::CALLS
        };
        let pace = bench.pacer.pace(key(TENANT), graph);
        bench.call(&pace, 100).await.unwrap();
        let found = pace.refused(
            Limit::of(text),
            asked.map(Duration::from_secs),
            bench.clock.now(),
        );
        assert_eq!(found, wait.map(Duration::from_secs), "{text}");
        let other = bench.pacer.pace(key(TENANT), graph);
        match bench.call(&other, 0).await {
            Ok(at) => assert_eq!(at, next, "{text}"),
            Err(error) => assert_eq!(
                (next, error.to_string().as_str()),
                (
                    0,
                    "the tenant's processing time is used up: there is no room for 13 min 20 s"
                )
            ),
        }
        let said = bench.told.0.lock().unwrap().join("");
        assert_eq!(said, told, "{text}");
    }
}

#[tokio::test]
async fn a_limit_that_the_service_names_replaces_the_known_one() {
    let bench = bench(PacerOptions::default());
    let pace = bench.pacer.pace(key(TENANT), quota(45, 1500));
    bench.call(&pace, 0).await.unwrap();
    let limit = Limit::of("maximum allowed 3 per 00:01:00");
    pace.refused(limit, Some(Duration::from_mins(1)), bench.clock.now());
    let mut times = Vec::new();
    for _ in 0..5 {
        times.push(bench.call(&pace, 0).await.unwrap());
    }
    assert_eq!(times, [60, 60, 60, 120, 120]);
}

#[tokio::test]
async fn a_clock_that_jumps_neither_frees_nor_blocks_for_long() {
    let back = Arc::new(SettableClock::default());
    let retry = Retry::new(RetryPolicy::default(), back.clone());
    let pacer = Arc::new(Pacer::default());
    let pace = pacer.pace(key(TENANT), quota(1, 100));
    let call = async || {
        let mut permit = pace.permit(&retry, &Paused::default()).await.unwrap();
        permit.sent(back.now());
        permit.finished(back.now());
    };
    back.set(100_000);
    call().await;
    // A day back: the call before was a moment ago all the same.
    back.set(13_600);
    call().await;
    assert_eq!(back.slept(), 60);
    // A year ahead: all is long ago.
    back.set(31_600_000);
    call().await;
    assert_eq!(back.slept(), 60);
}

#[derive(Debug, Default)]
struct SettableClock(StdMutex<(u64, u64)>);

impl SettableClock {
    fn set(&self, seconds: u64) {
        self.0.lock().unwrap().0 = seconds;
    }

    fn slept(&self) -> u64 {
        self.0.lock().unwrap().1
    }
}

#[async_trait]
impl Clock for SettableClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.lock().unwrap().0)
    }

    async fn sleep(&self, duration: Duration) {
        let mut state = self.0.lock().unwrap();
        state.0 += duration.as_secs();
        state.1 += duration.as_secs();
    }
}

/// A clock whose sleeps end when the test says so.
#[derive(Debug, Default)]
struct HeldClock {
    seconds: StdMutex<u64>,
    sleeping: Notify,
    wake: Notify,
}

#[async_trait]
impl Clock for HeldClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(*self.seconds.lock().unwrap())
    }

    async fn sleep(&self, duration: Duration) {
        self.sleeping.notify_one();
        self.wake.notified().await;
        *self.seconds.lock().unwrap() += duration.as_secs();
    }
}

#[tokio::test]
async fn one_sleeps_and_the_others_queue_behind_it() {
    let clock = Arc::new(HeldClock::default());
    *clock.seconds.lock().unwrap() = 1000;
    let told = Arc::new(Told::default());
    let retry = Retry {
        notice: told.clone(),
        ..Retry::new(RetryPolicy::default(), clock.clone())
    };
    let pacer = Arc::new(Pacer::default());
    let pace = pacer.pace(key(TENANT), quota(2, 100));
    let order = Arc::new(StdMutex::new(Vec::new()));
    let call = |number: u32| {
        let (pace, retry, order) = (pace.clone(), retry.clone(), Arc::clone(&order));
        async move {
            let mut permit = pace.permit(&retry, &Paused::default()).await.unwrap();
            order.lock().unwrap().push(number);
            permit.sent(retry.clock.now());
            permit.finished(retry.clock.now());
        }
    };
    call(0).await;
    call(1).await;
    let waiting: Vec<_> = (2..6).map(|number| tokio::spawn(call(number))).collect();
    clock.sleeping.notified().await;
    // Nobody but the first has asked the clock, and nobody but it was told.
    assert_eq!(told.0.lock().unwrap().len(), 1);
    // Whoever gives up while it sleeps leaves its place to the next.
    waiting[0].abort();
    clock.sleeping.notified().await;
    assert_eq!(*order.lock().unwrap(), [0, 1]);
    clock.wake.notify_one();
    for task in waiting.into_iter().skip(1).take(2) {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), [0, 1, 3, 4]);
}

#[tokio::test]
async fn so_many_run_at_the_same_moment() {
    let bench = bench(PacerOptions::default());
    let pace = bench.pacer.pace(
        key(TENANT),
        Quota {
            at_once: 2,
            ..Quota::CALLS
        },
    );
    let paused = Paused::default();
    let first = pace.permit(&bench.retry, &paused).await.unwrap();
    let _second = pace.permit(&bench.retry, &paused).await.unwrap();
    let mut third = std::pin::pin!(pace.permit(&bench.retry, &paused));
    assert!(futures::poll!(third.as_mut()).is_pending());
    drop(first);
    assert!(futures::poll!(third.as_mut()).is_ready());
}

#[tokio::test]
async fn a_permit_that_is_not_used_does_not_count() {
    let bench = bench(PacerOptions::default());
    let pace = bench.pacer.pace(key(TENANT), quota(1, 100));
    let paused = Paused::default();
    drop(pace.permit(&bench.retry, &paused).await.unwrap());
    let mut permit = pace.permit(&bench.retry, &paused).await.unwrap();
    permit.sent(bench.clock.now());
    // Dropped on its way: it was made.
    drop(permit);
    assert_eq!(bench.call(&pace, 0).await.unwrap(), 60);
    assert_eq!(paused.total(), Duration::ZERO);
}

#[tokio::test]
async fn the_wait_is_no_time_of_the_retries() {
    let bench = bench(PacerOptions::default());
    let pace = bench.pacer.pace(key(TENANT), quota(45, 1));
    let paused = Paused::default();
    let outcome = bench.retry.run_apart_from(&paused, async |number| {
        let mut permit = pace.permit(&bench.retry, &paused).await?;
        permit.sent(bench.clock.now());
        match number {
            1 | 2 => Err(Error::new(ErrorKind::Service, "busy").transient()),
            _ => Ok(number),
        }
    });
    // Two hours of waiting, of 15 minutes that the policy allows.
    assert_eq!(outcome.await.unwrap(), 3);
    assert!(paused.total() > Duration::from_mins(119));
}

#[tokio::test]
async fn who_is_not_counted_does_not_wait_before_the_service_refuses() {
    let options = PacerOptions {
        counted: false,
        ..PacerOptions::default()
    };
    let bench = bench(options);
    let pace = bench.pacer.pace(key(TENANT), Quota::CALLS);
    let mut permits = Vec::new();
    for _ in 0..100 {
        let mut permit = pace.permit(&bench.retry, &Paused::default()).await.unwrap();
        permit.sent(bench.clock.now());
        permits.push(permit);
    }
    assert!(bench.clock.slept().is_empty());
    // What the service says counts all the same.
    let asked = Some(Duration::from_secs(7));
    pace.refused(Limit::Unnamed, asked, bench.clock.now());
    pace.permit(&bench.retry, &Paused::default()).await.unwrap();
    assert_eq!(bench.clock.slept(), [Duration::from_secs(7)]);
}

#[tokio::test]
async fn no_quota_is_too_large_or_too_small() {
    for longest in [Duration::ZERO, Duration::MAX] {
        for calls in [0, u32::MAX] {
            for (time, at_once) in [(Duration::ZERO, 0), (Duration::MAX, usize::MAX)] {
                let bench = bench(PacerOptions {
                    calls_per_minute: Some(calls),
                    calls_per_hour: Some(calls),
                    longest,
                    ..PacerOptions::default()
                });
                let quota = Quota {
                    running_per_hour: Some(time),
                    running_per_day: Some(time),
                    cycle: Some(time),
                    at_once,
                    ..Quota::CALLS
                };
                let pace = bench.pacer.pace(key(TENANT), quota);
                for _ in 0..3 {
                    let permit = pace.permit(&bench.retry, &Paused::default()).await;
                    if let Ok(mut permit) = permit {
                        permit.sent(bench.clock.now());
                        permit.finished(bench.clock.now());
                    }
                }
                for asked in [None, Some(Duration::ZERO), Some(Duration::MAX)] {
                    for limit in [Limit::Processing, Limit::Unnamed] {
                        pace.refused(limit, asked, bench.clock.now());
                    }
                }
                let error = pace.permit(&bench.retry, &Paused::default()).await;
                assert_eq!(error.unwrap_err().kind(), ErrorKind::Throttled);
                bench.pacer.usage(bench.clock.now());
            }
        }
    }
}

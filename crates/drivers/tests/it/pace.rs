//! Quotas: what is counted, what refusals teach, and how long the next call waits.

use std::sync::Arc;
use std::time::Duration;

use defender_core::ErrorKind;
use defender_drivers::{Description, Driver as _, Hunting, M365D_GRAPH, MDE, Query};
use defender_http::{Answer, PaceKey, Pacer, PacerOptions, Usage};

use crate::support::{Bench, bench};

const EMPTY: &str = r#"{"schema":[{"name":"N","type":"Int64"}],"results":[]}"#;

fn empty() -> Answer {
    Answer::json(200, EMPTY)
}

fn refused(text: &str) -> Answer {
    Answer::json(
        429,
        format!(r#"{{"error":{{"code":"429","message":"{text}"}}}}"#),
    )
}

fn key(description: Description) -> PaceKey {
    PaceKey {
        application: "app".to_owned(),
        tenant: "contoso.example".to_owned(),
        api: description.environment.name().to_owned(),
    }
}

/// A bench whose calls count.
fn paced(
    description: Description,
    pacer: &Arc<Pacer>,
    answers: impl IntoIterator<Item = Answer>,
) -> Bench {
    let mut bench = bench(description, answers);
    let mut connection = bench.driver.connection().clone();
    connection.pace = Some(pacer.pace(key(description), description.quota));
    bench.driver = Hunting::new(description, connection);
    bench
}

fn usage(bench: &Bench, pacer: &Pacer) -> Usage {
    let usage = pacer.usage(defender_core::Clock::now(bench.clock.as_ref()));
    usage.into_iter().next().unwrap().1
}

fn seconds(bench: &Bench) -> Vec<u64> {
    bench.clock.slept().iter().map(Duration::as_secs).collect()
}

#[tokio::test]
async fn every_request_is_a_call_a_refused_token_too() {
    let pacer = Arc::new(Pacer::new(PacerOptions {
        calls_per_minute: Some(2),
        ..PacerOptions::default()
    }));
    let answers = [Answer::json(401, "{}"), empty(), empty()];
    let bench = paced(M365D_GRAPH, &pacer, answers);
    bench.driver.query(&Query::new("print 1")).await.unwrap();
    assert_eq!(usage(&bench, &pacer).calls_of_minute, 2);
    assert!(bench.clock.slept().is_empty());
    bench.driver.query(&Query::new("print 1")).await.unwrap();
    assert_eq!(seconds(&bench), [60]);
    bench.transport.assert_finished();
}

#[tokio::test]
async fn a_refusal_without_a_header_is_waited_for_by_its_words() {
    for (text, waits) in [
        (
            "API calls quota exceeded! maximum allowed 45 per 00:01:00",
            60,
        ),
        (
            "You have exceeded processing resources allocated to this tenant. You can run queries \
             again in 4 minutes.",
            240,
        ),
        ("Too many requests", 0),
    ] {
        let pacer = Arc::new(Pacer::default());
        let bench = paced(M365D_GRAPH, &pacer, [refused(text), empty(), empty()]);
        bench.driver.query(&Query::new("print 1")).await.unwrap();
        // The attempt after it has waited already, and finds room.
        assert_eq!(seconds(&bench), [waits], "{text}");
        bench.driver.query(&Query::new("print 1")).await.unwrap();
        assert_eq!(seconds(&bench), [waits], "{text}");
    }
}

#[tokio::test]
async fn processing_time_comes_back_with_the_next_cycle() {
    let pacer = Arc::new(Pacer::default());
    let text = "You have exceeded processing resources allocated to this tenant.";
    let bench = paced(M365D_GRAPH, &pacer, [refused(text), empty()]);
    bench.clock.advance(Duration::from_mins(3));
    let error = bench
        .driver
        .query(&Query::new("print 1"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!(error.retry_after(), Some(Duration::from_mins(12)));
    assert!(
        error
            .to_string()
            .ends_with("the service asks to wait 12 min"),
        "{error}"
    );
    // Nobody asks again before, only to be refused.
    bench.clock.advance(Duration::from_mins(1));
    let error = bench
        .driver
        .query(&Query::new("print 1"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the tenant's processing time is used up: there is no room for 11 min"
    );
    assert_eq!(bench.transport.requests().len(), 1);
    // Shortly before, it is worth the wait.
    bench.clock.advance(Duration::from_mins(10));
    bench.driver.query(&Query::new("print 1")).await.unwrap();
    assert_eq!(seconds(&bench)[0], 60);
}

#[tokio::test]
async fn running_time_counts_for_mde() {
    let pacer = Arc::new(Pacer::default());
    let bench = paced(MDE, &pacer, [empty()]);
    bench.driver.query(&Query::new("print 1")).await.unwrap();
    assert_eq!(MDE.quota.running_per_hour, Some(Duration::from_mins(10)));
    assert_eq!(usage(&bench, &pacer).calls_of_hour, 1);
}

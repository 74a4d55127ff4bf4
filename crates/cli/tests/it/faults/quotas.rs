//! Quotas that are used up: told by the service, in each of its ways, or counted here.

use super::{ask, checked, faulty};
use crate::command::Folder;
use crate::service;
use defender_emulator::{Faults, Options, Quotas};

/// A refusal with these words and no header.
fn refused(text: &str) -> String {
    format!("status: 429\n  json: {{error: {{code: '429', message: '{text}'}}}}")
}

#[test]
fn calls_per_minute_used_up() {
    faulty(
        "calls_per_minute_used_up",
        &refused("API calls quota exceeded! maximum allowed 45 per 00:01:00"),
        &["--retries", "3", "--max-wait", "30s"],
    );
}

#[test]
fn calls_per_hour_used_up() {
    faulty(
        "calls_per_hour_used_up",
        &refused("API calls quota exceeded! maximum allowed 1500 per 01:00:00"),
        &["--retries", "3"],
    );
}

#[test]
fn processing_time_used_up() {
    faulty(
        "processing_time_used_up",
        &refused(
            "You have exceeded processing resources allocated to this tenant. You can run queries \
             again in 12 minutes.",
        ),
        &["--retries", "3"],
    );
}

#[test]
fn processing_time_used_up_for_nobody_knows_how_long() {
    faulty(
        "processing_time_used_up_for_nobody_knows_how_long",
        &refused("You have exceeded processing resources allocated to this tenant."),
        &[],
    );
}

#[test]
fn calls_counted_here_used_up() {
    // The refused token costs a call, and the fresh one another.
    faulty(
        "calls_counted_here_used_up",
        "status: 401\n  requests: 1",
        &["--max-calls-per-minute", "1", "--max-wait", "5s"],
    );
}

#[test]
fn calls_that_the_service_counts() {
    let running = service::start(Options {
        quotas: Some(Quotas {
            per_minute: 1,
            per_hour: 10,
        }),
        faults: Faults::new(),
        ..service::options()
    });
    let first = Folder::of(&running).run(&["query", "print x=1", "--format", "csv"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    let more = ["--retries", "1", "--max-wait", "1s"];
    checked("calls_that_the_service_counts", ask(&running, &more));
}

//! Every duration and every size of the options at its ends: nothing of it panics.

use std::sync::Arc;
use std::time::Duration;

use defender_core::ErrorKind;
use defender_emulator::Cloud;
use defender_query::{
    Connection, ConnectionArgs, ConnectionKey, DataEnvironment, Driver as _, FanOutOptions,
    HttpOptions, Options, Pacer, PacerOptions, Query, QueryProvider, RetryPolicy, SecretRef,
    SplitOptions, Table, Timespan,
};

use crate::service::{CLIENT, SECRET, TENANT, start};

/// What is allowed at one end.
#[derive(Clone, Copy, Debug)]
struct End {
    time: Duration,
    calls: u32,
    size: usize,
}

const ENDS: [End; 2] = [
    End {
        time: Duration::ZERO,
        calls: 0,
        size: 0,
    },
    End {
        time: Duration::MAX,
        calls: u32::MAX,
        size: usize::MAX,
    },
];

fn options(end: End) -> Options {
    Options {
        http: HttpOptions {
            connect_timeout: end.time,
            answer_timeout: end.time,
            read_timeout: end.time,
            total_timeout: Some(end.time),
            ..HttpOptions::default()
        },
        retry: RetryPolicy {
            attempts: end.calls,
            initial: end.time,
            maximum: end.time,
            longest_asked: end.time,
            total: end.time,
        },
        pacer: Arc::new(Pacer::new(PacerOptions {
            counted: true,
            calls_per_minute: Some(end.calls),
            calls_per_hour: Some(end.calls),
            longest: end.time,
        })),
        ..Options::default()
    }
}

fn connection(url: &str, timeout: Duration) -> Connection {
    let args = ConnectionArgs::default()
        .with(ConnectionKey::TenantId, TENANT)
        .unwrap()
        .with(ConnectionKey::ClientId, CLIENT)
        .unwrap()
        .with(
            ConnectionKey::ClientSecret,
            SecretRef::Inline(SECRET.into()),
        )
        .unwrap()
        .with(ConnectionKey::Authority, url)
        .unwrap()
        .with(ConnectionKey::ApiRoot, url)
        .unwrap()
        .with(ConnectionKey::Timeout, timeout)
        .unwrap();
    Connection::from_args(args)
}

#[tokio::test]
async fn a_service_is_asked_with_no_option_too_large_or_too_small() {
    let running = start(Cloud::Global).await;
    for end in ENDS {
        let provider = QueryProvider::with_options(DataEnvironment::M365dGraph, options(end));
        let connected = provider.connect(connection(&running.http_url(), end.time));
        let connected = match connected.await {
            Ok(connected) => connected,
            Err(error) => {
                // In no time there is no answer.
                assert_eq!(
                    (end.size, error.kind()),
                    (0, ErrorKind::Transport),
                    "{error}"
                );
                continue;
            }
        };
        let query = Query::new("print x").with_turn(end.size);
        for query in [query.clone(), query.with_max_rows(end.size)] {
            let table = Table::collect(connected.query(&query).await.unwrap()).await;
            assert_eq!(table.unwrap().row_count(), 1);
        }
        let none = Query::new("print x").with_max_rows(0);
        let table = Table::collect(connected.query(&none).await.unwrap()).await;
        assert_eq!(table.unwrap().summary().rows, 0);
    }
}

#[tokio::test]
async fn no_way_to_split_is_too_wide_or_too_narrow() {
    let running = start(Cloud::Global).await;
    let options = Options {
        retry: RetryPolicy::never(),
        ..Options::default()
    };
    let provider = QueryProvider::with_options(DataEnvironment::M365dGraph, options)
        .connect(connection(&running.http_url(), Duration::MAX))
        .await
        .unwrap();
    let whole_time = Timespan::new(0, defender_table::ticks::MAX).unwrap();
    for width in [None, Some(i64::MIN), Some(0), Some(1), Some(i64::MAX)] {
        for size in [0, 1, usize::MAX] {
            let split = SplitOptions {
                parallel: size,
                width,
                slice_bytes: size,
                slices: size,
            };
            for query in [
                Query::new("DeviceInfo"),
                Query::new("DeviceInfo").with_timespan(whole_time),
            ] {
                let whole = provider.all_rows().unwrap().with_options(split);
                // The service answers nothing of this; it is enough that it is asked.
                let error = match whole.query(&query).await {
                    Ok(answer) => Table::collect(answer).await.unwrap_err(),
                    Err(error) => error,
                };
                let few = [Some(i64::MIN), Some(0), Some(1)].contains(&width);
                let expected = match (width, size) {
                    (Some(_), 0) => ErrorKind::Usage,
                    _ if few => ErrorKind::Usage,
                    (None, 0) => ErrorKind::Incomplete,
                    _ => ErrorKind::Query,
                };
                assert!(
                    [expected, ErrorKind::Query].contains(&error.kind()),
                    "{split:?}: {error}"
                );
            }
        }
    }
}

#[tokio::test]
async fn no_fan_out_is_too_large_or_too_small() {
    let running = start(Cloud::Global).await;
    for size in [0, 1, usize::MAX] {
        let mut connections = QueryProvider::new(DataEnvironment::M365dGraph).connections();
        for name in ["one", "two", "three"] {
            connections
                .add_connection(name, connection(&running.http_url(), Duration::MAX))
                .unwrap();
        }
        let fan_out = connections
            .fan_out(&Query::new("print x"))
            .with_options(FanOutOptions {
                parallel: size,
                fail_fast: false,
                ahead: size,
                together: size,
            });
        let table = Table::collect(fan_out.answer().await.unwrap())
            .await
            .unwrap();
        assert_eq!((table.row_count(), table.summary().rows), (3, 3), "{size}");
    }
}

#[cfg(feature = "local")]
#[tokio::test]
async fn no_reading_of_files_is_too_large_or_too_small() {
    use defender_query::Reading;

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Mine.csv"), "Name\na\n").unwrap();
    std::fs::write(folder.path().join("Other.ndjson"), "{\"Name\":\"a\"}\n").unwrap();
    for (end, rows) in ENDS.into_iter().zip([None, Some(1)]) {
        for table in ["Mine", "Other"] {
            let args = ConnectionArgs::default()
                .with(ConnectionKey::Timeout, end.time)
                .unwrap();
            let reading = Reading {
                largest_record: end.size,
                ..Reading::default()
            };
            let connection = Connection::to_folders([folder.path()])
                .with(args)
                .with_reading(reading);
            let provider = QueryProvider::new(DataEnvironment::Local);
            let found = match provider.connect(connection).await {
                Ok(connected) => connected.exec_query(table).await,
                Err(error) => Err(error),
            };
            assert_eq!(found.ok().map(|table| table.row_count()), rows, "{end:?}");
        }
    }
}

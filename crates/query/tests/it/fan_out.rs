//! One question to many tenants at once.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use defender_core::ManualClock;
use defender_emulator::{
    Application, Cloud, Column, ColumnType, Data, Emulator, HuntingBackend, QueryFault, Question,
    Rows, Running, Tenant, Value,
};
use defender_query::{
    Answer, Ask, ConnectedProvider, Connection, ConnectionArgs, ConnectionKey, Connections,
    DataEnvironment, ErrorKind, FanOut, FanOutOptions, FanOutProgress, Finished, Notice, Options,
    Pacer, PacerOptions, Pause, Query, QueryProvider, SecretRef, Table, Wait,
};
use tokio::sync::Notify;

const SECRET: &str = "made-up-canary-secret";

fn id(number: usize) -> String {
    format!("00000000-0000-0000-0000-{number:012}")
}

fn client(number: usize) -> String {
    format!("aaaaaaaa-0000-0000-0000-{number:012}")
}

/// Answers `number` rows for the tenant with that number, in which the query's word stands.
#[derive(Debug, Default)]
struct Numbered {
    /// The first tenant answers only when this is told: after the last has.
    gate: Option<(usize, Arc<Notify>)>,
}

#[async_trait]
impl HuntingBackend for Numbered {
    async fn run(&self, question: Question) -> Result<Rows, QueryFault> {
        let number: i64 = question.tenant.rsplit('-').next().unwrap().parse().unwrap();
        if let Some((last, gate)) = &self.gate {
            if number == 1 {
                gate.notified().await;
            } else if usize::try_from(number).unwrap() == *last {
                gate.notify_one();
            }
        }
        let mut columns = vec![Column::new("N", ColumnType::Long)];
        // From the fifth on there is a column more, for the second one less.
        if question.query.contains("differ") {
            match number {
                2 => columns.clear(),
                5.. => columns.push(Column::new("More", ColumnType::String)),
                _ => {}
            }
        }
        let width = columns.len();
        let rows = (0..number).map(move |row| {
            let all = [
                Value::Long(number * 100 + row),
                Value::String("more".to_owned()),
            ];
            all.into_iter().take(width).collect()
        });
        Ok(Rows::new(columns, rows.collect::<Vec<_>>()))
    }
}

async fn start(tenants: usize, backend: Numbered) -> Running {
    let tenants = (1..=tenants).map(|number| Tenant {
        id: id(number),
        name: format!("Tenant {number}"),
        domain: None,
        cloud: Cloud::Global,
        users: Vec::new(),
        applications: vec![Application::new(client(number), SECRET)],
        vaults: Vec::new(),
    });
    let options = defender_emulator::Options {
        tenants: tenants.collect(),
        data: Data::Backend(Arc::new(backend)),
        https: None,
        proxy: None,
        ..defender_emulator::Options::default()
    };
    Emulator::start(options).await.unwrap()
}

/// Connections to the tenants of these numbers; those in `faulty` have a wrong secret.
fn connections(
    running: &Running,
    numbers: impl IntoIterator<Item = usize>,
    faulty: &[usize],
    options: Options,
) -> Connections {
    let provider = QueryProvider::with_options(DataEnvironment::M365dGraph, options);
    let mut connections = provider.connections();
    for number in numbers {
        let secret = if faulty.contains(&number) {
            "wrong-canary"
        } else {
            SECRET
        };
        let args = ConnectionArgs::default()
            .with(ConnectionKey::TenantId, id(number))
            .unwrap()
            .with(ConnectionKey::ClientId, client(number))
            .unwrap()
            .with(
                ConnectionKey::ClientSecret,
                SecretRef::Inline(secret.to_owned().into()),
            )
            .unwrap()
            .with(ConnectionKey::Authority, running.http_url())
            .unwrap()
            .with(ConnectionKey::ApiRoot, running.http_url())
            .unwrap();
        connections
            .add_connection(format!("t{number}"), Connection::from_args(args))
            .unwrap();
    }
    connections
}

/// Which tenant each run of rows is from, and how many they are.
fn runs(table: &Table) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for row in 0..table.row_count() {
        let tenant = table.cell(row, "Tenant").unwrap().to_string();
        let number = tenant.rsplit('-').next().unwrap().parse().unwrap();
        match runs.last_mut() {
            Some((last, rows)) if *last == number => *rows += 1,
            _ => runs.push((number, 1)),
        }
    }
    runs
}

async fn collected(fan_out: &FanOut) -> Table {
    Table::collect(fan_out.answer().await.unwrap())
        .await
        .unwrap()
}

#[derive(Debug, Default)]
struct Seen(Mutex<Vec<String>>);

impl FanOutProgress for Seen {
    fn finished(&self, finished: &Finished<'_>) {
        let outcome = match finished.outcome {
            Ok(rows) => format!("{rows} rows"),
            Err(error) => format!("{:?}", error.kind()),
        };
        let (done, of) = (finished.done, finished.of);
        let line = format!("{} {outcome} ({done} of {of})", finished.alias);
        self.0.lock().unwrap().push(line);
    }
}

impl Notice for Seen {
    fn waiting(&self, wait: &Wait<'_>) {
        self.0.lock().unwrap().push(wait.to_string());
    }

    fn pausing(&self, pause: &Pause<'_>) {
        self.0.lock().unwrap().push(pause.to_string());
    }
}

#[tokio::test]
async fn twenty_tenants_of_which_two_fail() {
    let running = start(20, Numbered::default()).await;
    let connections = connections(&running, 1..=20, &[3, 20], Options::default());
    for (ahead, together) in [(64 << 20, 16 << 20), (1, 1), (0, 0)] {
        let seen = Arc::new(Seen::default());
        let before = running.requests().len();
        let fan_out = connections
            .fan_out(&Query::new("Numbers"))
            .with_options(FanOutOptions {
                parallel: 7,
                ahead,
                together,
                ..FanOutOptions::default()
            })
            .with_progress(seen.clone());
        let table = collected(&fan_out).await;
        let healthy = (1..=20).filter(|number| ![3, 20].contains(number));
        assert_eq!(
            runs(&table),
            healthy.map(|number| (number, number)).collect::<Vec<_>>()
        );
        assert_eq!(
            format!("{:?}", table.summary().completeness),
            r#"Incomplete { reason: "the rows of t3, t20 are missing" }"#
        );
        let failures = fan_out.failures();
        let named: Vec<_> = failures
            .iter()
            .map(|failure| (failure.index, failure.alias.as_str(), failure.error.kind()))
            .collect();
        assert_eq!(
            named,
            [
                (2, "t3", ErrorKind::Credential),
                (19, "t20", ErrorKind::Credential)
            ]
        );
        let seen = seen.0.lock().unwrap();
        assert_eq!(seen.len(), 20);
        assert!(seen[19].ends_with("(20 of 20)"), "{}", seen[19]);
        // One token and one question each; the faulty are refused the token.
        let requests = running.requests();
        let count = |end: &str| {
            let requests = requests[before..].iter();
            requests
                .filter(|request| request.path.ends_with(end))
                .count()
        };
        assert_eq!((count("/token"), count("/runHuntingQuery")), (20, 18));
    }
}

#[tokio::test]
async fn the_others_go_on_while_the_first_takes_its_time() {
    let gate = Some((12, Arc::new(Notify::new())));
    let running = start(12, Numbered { gate }).await;
    let connections = connections(&running, 1..=12, &[], Options::default());
    let fan_out = connections.fan_out(&Query::new("Numbers"));
    let fan_out = fan_out.with_options(FanOutOptions {
        parallel: 3,
        ..FanOutOptions::default()
    });
    let table = collected(&fan_out).await;
    assert_eq!(
        runs(&table),
        (1..=12).map(|number| (number, number)).collect::<Vec<_>>()
    );
    assert!(table.is_complete());
}

#[tokio::test]
async fn columns_are_those_of_all_as_long_as_that_can_be_known() {
    let running = start(6, Numbered::default()).await;
    let connections = connections(&running, 1..=6, &[], Options::default());
    let columns = |table: &Table| {
        let fields = table.schema().fields().iter();
        fields.map(|field| field.name().clone()).collect::<Vec<_>>()
    };
    let fan_out = connections.fan_out(&Query::new("differ"));
    let table = collected(&fan_out).await;
    assert_eq!(columns(&table), ["Tenant", "Instance", "N", "More"]);
    assert_eq!(table.row_count(), 21);
    assert!(fan_out.failures().is_empty());

    // Settled after the first, so that its rows can go on.
    let fan_out = fan_out.with_options(FanOutOptions {
        together: 1,
        ..FanOutOptions::default()
    });
    let table = collected(&fan_out).await;
    assert_eq!(columns(&table), ["Tenant", "Instance", "N"]);
    assert_eq!(runs(&table), [(1, 1), (2, 2), (3, 3), (4, 4)]);
    let mut text = String::new();
    for failure in fan_out.failures() {
        let _ = writeln!(text, "{}: {}", failure.alias, failure.error);
    }
    assert_eq!(
        text,
        "t5: columns that no table before it has: More\n\
         t6: columns that no table before it has: More\n"
    );
    assert!(!table.is_complete());
}

#[tokio::test]
async fn the_first_failure_may_end_all_of_it() {
    let running = start(4, Numbered::default()).await;
    let connections = connections(&running, 1..=4, &[2], Options::default());
    let fan_out = connections
        .fan_out(&Query::new("Numbers"))
        .with_options(FanOutOptions {
            fail_fast: true,
            parallel: 1,
            ..FanOutOptions::default()
        });
    let error = fan_out.answer().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert!(
        error.to_string().starts_with("t2: sign-in refused"),
        "{error}"
    );
    let questions = running.requests();
    let questions = questions
        .iter()
        .filter(|request| request.path.ends_with("Query"));
    assert_eq!(questions.count(), 1, "the third and fourth were not asked");
}

#[tokio::test]
async fn when_all_fail_the_first_reason_is_the_runs() {
    let running = start(3, Numbered::default()).await;
    let connections = connections(&running, 1..=3, &[1, 2, 3], Options::default());
    let fan_out = connections.fan_out(&Query::new("Numbers"));
    let error = fan_out.answer().await.unwrap_err();
    assert!(
        error.to_string().starts_with("t1: sign-in refused"),
        "{error}"
    );
    let others: Vec<_> = fan_out
        .failures()
        .into_iter()
        .map(|failure| failure.alias)
        .collect();
    assert_eq!(others, ["t2", "t3"]);

    let nobody = QueryProvider::new(DataEnvironment::M365dGraph).connections();
    let error = nobody.exec_query("Numbers").await.unwrap_err();
    assert_eq!(error.to_string(), "there is nothing to connect to");
}

#[tokio::test]
async fn connections_have_names_and_show_no_secret() {
    let running = start(1, Numbered::default()).await;
    let mut connections = connections(&running, [1, 2], &[], Options::default());
    let args = ConnectionArgs::default()
        .with(ConnectionKey::TenantId, "third.example")
        .unwrap();
    let error = connections
        .add_connection("t2", Connection::from_args(args.clone()))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    connections
        .add_connection("third", Connection::from_args(args))
        .unwrap();
    let listed = connections.list_connections();
    let text: Vec<_> = listed.iter().map(ToString::to_string).collect();
    assert_eq!(
        text,
        [
            "t1: M365DGraph, tenant 00000000-0000-0000-0000-000000000001, application aaaaaaaa-0000-0000-0000-000000000001",
            "t2: M365DGraph, tenant 00000000-0000-0000-0000-000000000002, application aaaaaaaa-0000-0000-0000-000000000002",
            "third: M365DGraph, tenant third.example",
        ]
    );
    let all = format!("{listed:?} {connections:?}");
    assert!(!all.contains("canary"), "{all}");
}

#[tokio::test]
async fn connections_of_one_provider_share_a_pacer() {
    let running = start(2, Numbered::default()).await;
    let clock = Arc::new(ManualClock::new(
        SystemTime::UNIX_EPOCH + Duration::from_hours(10),
    ));
    let seen = Arc::new(Seen::default());
    let options = Options {
        clock: clock.clone(),
        notice: seen.clone(),
        pacer: Arc::new(Pacer::new(PacerOptions {
            calls_per_minute: Some(1),
            ..PacerOptions::default()
        })),
        ..Options::default()
    };
    let connections = connections(&running, 1..=2, &[], options);
    // A tenant's quota is its own.
    connections.exec_query("Numbers").await.unwrap();
    assert!(clock.slept().is_empty());
    // The next run has connections of its own, and the same quotas.
    let query = Query::new("Numbers");
    let fan_out = connections.fan_out(&query);
    let fan_out = fan_out.with_options(FanOutOptions {
        parallel: 1,
        ..FanOutOptions::default()
    });
    collected(&fan_out).await;
    assert_eq!(clock.slept(), [Duration::from_mins(1)]);
    assert_eq!(
        *seen.0.lock().unwrap(),
        [
            "1 calls per 1 min are used up (M365DGraph in 00000000-0000-0000-0000-000000000001); waiting 1 min"
        ]
    );
}

/// Asks as usual, and holds a token while it does.
#[derive(Debug)]
struct Holding(Arc<()>);

#[async_trait]
impl Ask for Holding {
    async fn ask(
        &self,
        _: &str,
        provider: &ConnectedProvider,
        query: &Query,
    ) -> defender_query::Result<Answer> {
        let _held = Arc::clone(&self.0);
        provider.query(query).await
    }
}

#[tokio::test]
async fn dropping_the_answer_ends_the_work() {
    let gate = Some((9, Arc::new(Notify::new())));
    let running = start(2, Numbered { gate }).await;
    let connections = connections(&running, [2, 1], &[], Options::default());
    let held = Arc::new(());
    let fan_out = connections
        .fan_out(&Query::new("Numbers"))
        .asking(Arc::new(Holding(Arc::clone(&held))))
        .with_options(FanOutOptions {
            together: 1,
            ..FanOutOptions::default()
        });
    // The first in order is there; the other never will be, and is still being asked.
    let answer = fan_out.answer().await.unwrap();
    while Arc::strong_count(&held) < 3 {
        tokio::task::yield_now().await;
    }
    drop(answer);
    while Arc::strong_count(&held) > 2 {
        tokio::task::yield_now().await;
    }
}

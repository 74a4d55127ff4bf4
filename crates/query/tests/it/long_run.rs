//! Tokens that end or are refused in the middle of a run.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use defender_core::{Clock as _, ManualClock};
use defender_emulator::{
    Application, Cloud, Column, ColumnType, Data, Emulator, Faults, Options as Emulated, Running,
    Script, Tenant, Value,
};
use defender_query::{
    ConnectedProvider, Connection, ConnectionArgs, ConnectionKey, DataEnvironment, Options,
    QueryProvider, RetryPolicy, SecretRef,
};
use futures::future::join_all;

use crate::service::{CLIENT, SECRET, TENANT};

/// An emulator and a provider that is connected to it, at one time that only a test moves.
struct Bench {
    running: Running,
    clock: Arc<ManualClock>,
    provider: ConnectedProvider,
}

impl Bench {
    async fn new(faults: &str) -> Self {
        let clock = Arc::new(ManualClock::new(
            SystemTime::UNIX_EPOCH + Duration::from_hours(500_000),
        ));
        let time = Arc::clone(&clock);
        let script = Script::new().answer(
            "print x",
            vec![Column::new("x", ColumnType::Long)],
            vec![vec![Value::Long(1)]],
        );
        let running = Emulator::start(Emulated {
            https: None,
            proxy: None,
            tenants: vec![Tenant {
                id: TENANT.to_owned(),
                name: "Contoso".to_owned(),
                domain: None,
                cloud: Cloud::Global,
                users: Vec::new(),
                applications: vec![Application::new(CLIENT, SECRET)],
                vaults: Vec::new(),
            }],
            clock: Arc::new(move || time.now()),
            data: Data::Backend(Arc::new(script)),
            faults: Faults::parse(faults).unwrap(),
            ..Emulated::default()
        })
        .await
        .unwrap();
        let url: url::Url = running.http_url().parse().unwrap();
        let args = ConnectionArgs::default()
            .with(ConnectionKey::TenantId, TENANT)
            .unwrap()
            .with(ConnectionKey::ClientId, CLIENT)
            .unwrap()
            .with(
                ConnectionKey::ClientSecret,
                SecretRef::Inline(SECRET.to_owned().into()),
            )
            .unwrap()
            .with(ConnectionKey::Authority, url.clone())
            .unwrap()
            .with(ConnectionKey::ApiRoot, url)
            .unwrap();
        let options = Options {
            clock: Arc::clone(&clock) as _,
            // Nothing but the renewal itself repeats a query.
            retry: RetryPolicy::never(),
            ..Options::default()
        };
        let provider = QueryProvider::with_options(DataEnvironment::M365dGraph, options)
            .connect(Connection::from_args(args))
            .await
            .unwrap();
        Self {
            running,
            clock,
            provider,
        }
    }

    async fn query(&self) {
        let table = self.provider.exec_query("print x").await;
        assert_eq!(table.unwrap().row_count(), 1);
    }

    /// How many tokens and how many queries were asked for.
    fn asked(&self) -> (usize, usize) {
        let requests = self.running.requests();
        let count = |end: &str| requests.iter().filter(|r| r.path.ends_with(end)).count();
        (count("/token"), count("/runHuntingQuery"))
    }
}

const REFUSED: &str = "
- path: '*/runHuntingQuery'
  status: 401
  requests: ";

#[tokio::test]
async fn a_refused_token_costs_one_renewal_and_no_query() {
    let bench = Bench::new(&format!("{REFUSED}5")).await;
    for _ in 0..12 {
        bench.query().await;
    }
    assert_eq!(bench.asked(), (2, 13));
}

#[tokio::test]
async fn one_of_eight_at_once_is_refused_and_none_fails() {
    let bench = Bench::new(&format!("{REFUSED}1")).await;
    join_all((0..8).map(|_| bench.query())).await;
    assert_eq!(bench.asked(), (2, 9));
}

#[tokio::test]
async fn eight_queries_after_the_tokens_end_ask_for_one() {
    let bench = Bench::new("[]").await;
    bench.query().await;
    bench.clock.advance(Duration::from_hours(2));
    join_all((0..8).map(|_| bench.query())).await;
    assert_eq!(bench.asked(), (2, 9));
}

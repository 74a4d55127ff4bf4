//! Awaited outside of tokio: services say what is missing, and local data needs nothing of it.

use defender_query::{
    Connection, ConnectionArgs, ConnectionKey, DataEnvironment, ErrorKind, Query, QueryProvider,
    SecretRef,
};
use futures::executor::block_on;

const MISSING: &str = "there is no tokio runtime here, which connections and timers need";

fn connection() -> Connection {
    let args = ConnectionArgs::default()
        .with(ConnectionKey::TenantId, "contoso.example")
        .unwrap()
        .with(
            ConnectionKey::ClientId,
            "11111111-2222-3333-4444-555555555555",
        )
        .unwrap()
        .with(
            ConnectionKey::ClientSecret,
            SecretRef::Inline("made-up-canary".into()),
        )
        .unwrap();
    Connection::from_args(args)
}

#[test]
fn connecting_says_so() {
    for environment in [
        DataEnvironment::M365dGraph,
        DataEnvironment::Mde,
        DataEnvironment::M365d,
        DataEnvironment::SecurityGraph,
    ] {
        let provider = QueryProvider::new(environment);
        let error = block_on(provider.connect(connection())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert_eq!(error.to_string(), MISSING, "{environment}");
    }
}

#[test]
fn asking_many_says_so() {
    let mut connections = QueryProvider::new(DataEnvironment::M365dGraph).connections();
    connections.add_connection("Contoso", connection()).unwrap();
    let fan_out = connections.fan_out(&Query::new("print x"));
    let error = block_on(fan_out.answer()).unwrap_err();
    assert_eq!(error.to_string(), MISSING);
}

#[test]
fn files_are_asked_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "Name,Count\na,1\nb,2\n";
    std::fs::write(folder.path().join("Mine.csv"), rows).unwrap();
    let provider = QueryProvider::new(DataEnvironment::Local);
    let table = block_on(async {
        let connected = provider
            .connect(Connection::to_folders([folder.path()]))
            .await?;
        connected
            .exec_query("Mine | where Count > 1 | project Name")
            .await
    });
    let table = table.unwrap();
    assert_eq!(table.cell(0, "Name").unwrap().to_string(), "b");
    assert_eq!(table.row_count(), 1);
}

//! A driver of the caller's own, as a trait object, and what it says it can do.

use std::sync::Arc;

use defender_core::DataEnvironment;
use defender_query::arrow::array::{Int64Array, RecordBatch};
use defender_query::{
    Answer, Capabilities, Driver, ErrorKind, Query, QueryProvider, Result, RowLimit, Summary,
};

/// Answers every query with its length.
#[derive(Debug, Default)]
struct Length {
    /// What it says it can do; nothing unless it does.
    says: Option<Capabilities>,
}

#[async_trait::async_trait]
impl Driver for Length {
    fn environment(&self) -> DataEnvironment {
        DataEnvironment::M365dGraph
    }

    fn capabilities(&self) -> Capabilities {
        let unknown = Capabilities::unknown(self.environment());
        self.says.clone().unwrap_or(unknown)
    }

    async fn query(&self, query: &Query) -> Result<Answer> {
        let length = i64::try_from(query.text.len()).unwrap();
        let batch =
            RecordBatch::try_from_iter([("length", Arc::new(Int64Array::from(vec![length])) as _)])
                .unwrap();
        let summary = Summary::default();
        Ok(Answer::from_batches(batch.schema(), vec![batch], summary))
    }
}

#[tokio::test]
async fn it_is_asked_like_any_other() {
    let provider = QueryProvider::with_driver(Arc::new(Length::default()));
    let table = provider.exec_query("DeviceInfo").await.unwrap();
    assert_eq!(table.cell(0, "length").unwrap().to_string(), "10");
    assert_eq!(table.summary().rows, 1);
    assert_eq!(provider.tenant(), None);
    assert_eq!(provider.endpoint(), None);
}

#[tokio::test]
async fn of_a_driver_that_says_nothing_nothing_is_claimed() {
    let provider = QueryProvider::with_driver(Arc::new(Length::default()));
    let refused = [
        provider.all_rows().unwrap_err(),
        provider.token().await.unwrap_err(),
        #[cfg(feature = "security-graph")]
        provider.collections().unwrap_err(),
    ];
    let said: Vec<String> = refused
        .iter()
        .map(|error| format!("{error} ({})", error.hint().unwrap_or("no hint")))
        .collect();
    assert_eq!(
        said,
        [
            "the driver of M365DGraph does not say at how many rows an answer ends (say so in \
             Driver::capabilities, or give AllRows::new a description)",
            "the driver of M365DGraph names no connection, and so there is no token to show (no \
             hint)",
            #[cfg(feature = "security-graph")]
            "the driver of M365DGraph lists no alerts, incidents or machines (a provider that \
             QueryProvider::connect made lists them, or Collections::new)",
        ]
    );
    assert!(refused.iter().all(|error| error.kind() == ErrorKind::Usage));
}

#[test]
fn messages_call_it_by_its_own_name() {
    let says = Capabilities {
        name: "the archive".into(),
        rows: RowLimit::Unlimited,
        ..Capabilities::unknown(DataEnvironment::M365dGraph)
    };
    let provider = QueryProvider::with_driver(Arc::new(Length { says: Some(says) }));
    let error = provider.all_rows().unwrap_err();
    assert_eq!(error.to_string(), "answers of the archive are not split");
    assert_eq!(
        error.hint(),
        Some("leave the splitting out: the answer has every row")
    );
    let error = provider.collections().unwrap_err();
    assert!(error.to_string().contains("the archive"), "{error}");
}

/// What the drivers of this workspace say when they are brought.
#[cfg(feature = "default")]
mod brought {
    use defender_core::{ExposeSecret as _, ManualClock, Scope};
    use defender_credentials::ExistingToken;
    use defender_drivers::{
        AllRows, CollectionRequest, Collections, Connection, Hunting, M365D_GRAPH, SECURITY_GRAPH,
    };
    use defender_http::{Answer as Scripted, ScriptedTransport};
    use defender_query::{Connection as To, Table};

    use super::{Arc, DataEnvironment, Driver as _, ErrorKind, QueryProvider, RowLimit};

    fn connection(answers: impl IntoIterator<Item = Scripted>) -> Connection {
        let clock = Arc::new(ManualClock::new(std::time::SystemTime::UNIX_EPOCH));
        let credential = ExistingToken::new("made-up".into(), clock);
        let mut connection = Connection::new(
            "https://graph.microsoft.com/v1.0".parse().unwrap(),
            Scope::default_of("https://graph.microsoft.com"),
            Arc::new(ScriptedTransport::new(answers)),
            Arc::new(credential),
        );
        connection.tenant = Some("contoso.example".to_owned());
        connection.instance = Some("Contoso".to_owned());
        connection
    }

    #[tokio::test]
    async fn a_service_has_all_rows_and_a_token() {
        let hunting = Hunting::new(M365D_GRAPH, connection([]));
        let provider = QueryProvider::with_driver(Arc::new(hunting));
        assert_eq!(provider.tenant(), Some("contoso.example"));
        assert_eq!(provider.instance(), Some("Contoso"));
        let token = provider.token().await.unwrap();
        assert_eq!(token.secret.expose_secret(), "made-up");
        let rows = provider.all_rows().unwrap().capabilities().rows;
        assert_eq!(rows, RowLimit::Unlimited);
        let kind = provider.collections().unwrap_err().kind();
        assert_eq!(kind, ErrorKind::Usage);
    }

    #[tokio::test]
    async fn lists_are_whole_and_bring_themselves() {
        let answer = Scripted::json(200, r#"{"value":[{"id":"1"}]}"#);
        let lists = Collections::new(SECURITY_GRAPH, connection([answer]));
        let provider = QueryProvider::with_driver(Arc::new(lists));
        let error = provider.all_rows().unwrap_err();
        assert_eq!(error.to_string(), "answers of SecurityGraph are not split");
        let request = CollectionRequest::new("security/alerts_v2?$top=1");
        let listed = provider.collections().unwrap().list(&request).await;
        let table = Table::collect(listed.unwrap()).await.unwrap();
        assert_eq!(table.cell(0, "id").unwrap().to_string(), "1");
    }

    #[tokio::test]
    async fn all_rows_of_all_rows_are_not_split_again() {
        let hunting = Arc::new(Hunting::new(M365D_GRAPH, connection([])));
        let clock = Arc::new(ManualClock::new(std::time::SystemTime::UNIX_EPOCH));
        let whole = AllRows::new(hunting, M365D_GRAPH, clock);
        let provider = QueryProvider::with_driver(Arc::new(whole));
        assert!(provider.all_rows().is_err());
        assert!(provider.token().await.is_ok());
    }

    #[cfg(feature = "local")]
    #[tokio::test]
    async fn files_have_every_row() {
        let folder = tempfile::tempdir().unwrap();
        let provider = QueryProvider::new(DataEnvironment::Local)
            .connect(To::to_folders([folder.path()]))
            .await
            .unwrap();
        let error = provider.all_rows().unwrap_err();
        assert_eq!(error.to_string(), "answers of Local are not split");
        let error = provider.token().await.unwrap_err();
        assert!(error.to_string().contains("Local"), "{error}");
        let error = provider.collections().unwrap_err();
        assert_eq!(
            error.to_string(),
            "Local has no alerts, incidents or machines to list"
        );
    }
}

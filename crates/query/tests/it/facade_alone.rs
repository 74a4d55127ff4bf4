//! Every trait of the facade, implemented with the facade alone: whoever depends on it needs no
//! other crate of the house, nor one whose types stand in its signatures.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use defender_query as facade;
use facade::arrow::array::{ArrayRef, Int64Array, RecordBatch};
use facade::{
    AccessToken, Answer, Ask, Body, BrowserPrompt, Capabilities, Clock, CollectionRequest,
    Completeness, ConnectedProvider, Connection, ConnectionArgs, ConnectionKey, Counted,
    Credential, DataEnvironment, DeviceCodePrompt, Driver, Error, ErrorKind, ExposeSecret as _,
    FanOutProgress, Finished, Format, Kept, KeptToken, NewTokens, Notice, Options, Owner, Pause,
    Progress, Query, QueryProvider, Result, RowLimit, Scope, SecretRef, SecretResolver,
    SecretString, Selection, SignInPrompt, Slice, SliceStore, Summary, Table, TokenRequest,
    TokenStore, Transport, Wait, WaitReason, Warning, WarningKind, WriterOptions, async_trait,
    bytes::Bytes, http, url::Url,
};

/// All of it, in one piece.
#[derive(Debug, Default)]
struct Own {
    told: Mutex<Vec<String>>,
    kept: Mutex<Vec<Kept>>,
}

impl Own {
    fn tell(&self, what: impl Into<String>) {
        self.told.lock().unwrap().push(what.into());
    }
}

#[async_trait]
impl Transport for Own {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>> {
        let url: Url = request.uri().to_string().parse().unwrap();
        self.tell(format!("{} {}", request.method(), url.path()));
        let body = if url.path().ends_with("/token") {
            r#"{"token_type":"Bearer","expires_in":3599,"access_token":"made-up"}"#
        } else {
            r#"{"schema":[{"name":"N","type":"Int64"}],"results":[{"N":7}]}"#
        };
        let body = Body::from_bytes(Bytes::from_static(body.as_bytes()));
        Ok(http::Response::new(body))
    }
}

#[async_trait]
impl Credential for Own {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let scope: &Scope = &request.scope;
        self.tell(scope.as_str());
        let TokenRequest { refused: None, .. } = request else {
            return Err(Error::new(ErrorKind::Credential, "there is no other"));
        };
        Ok(AccessToken::new("made-up".to_owned(), self.now()))
    }
}

#[async_trait]
impl SecretResolver for Own {
    async fn resolve(&self, reference: &SecretRef) -> Result<SecretString> {
        match reference {
            SecretRef::Inline(secret) => Ok(secret.expose_secret().to_owned().into()),
            _ => Err(Error::new(ErrorKind::Config, "it is elsewhere")),
        }
    }
}

#[async_trait]
impl TokenStore for Own {
    async fn kept(&self) -> Result<Vec<Kept>> {
        Ok(self.kept.lock().unwrap().clone())
    }

    async fn keep(&self, owner: &Owner, tokens: NewTokens) -> Result<()> {
        let access_tokens: Vec<KeptToken> = tokens.access_token.into_iter().collect();
        self.kept.lock().unwrap().push(Kept {
            owner: owner.clone(),
            refresh_token: tokens.refresh_token,
            access_tokens,
        });
        Ok(())
    }

    async fn forget(&self, selection: &Selection) -> Result<Vec<Owner>> {
        let mut kept = self.kept.lock().unwrap();
        let gone = kept.extract_if(.., |kept| selection.matches(&kept.owner));
        Ok(gone.map(|kept| kept.owner).collect())
    }
}

#[async_trait]
impl Clock for Own {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
    }

    async fn sleep(&self, _: Duration) {}
}

impl SignInPrompt for Own {
    fn device_code(&self, prompt: &DeviceCodePrompt) {
        self.tell(prompt.verification_uri.as_str());
    }

    fn browser(&self, prompt: &BrowserPrompt<'_>) {
        self.tell(prompt.address.as_str());
    }

    fn warning(&self, warning: &str) {
        self.tell(warning);
    }
}

impl Notice for Own {
    fn waiting(&self, wait: &Wait<'_>) {
        if wait.reason == WaitReason::Asked {
            self.tell(wait.error.to_string());
        }
    }

    fn pausing(&self, pause: &Pause<'_>) {
        self.tell(pause.key.api.as_str());
    }
}

#[async_trait]
impl Driver for Own {
    fn environment(&self) -> DataEnvironment {
        DataEnvironment::Local
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            rows: RowLimit::Unlimited,
            ..Capabilities::unknown(self.environment())
        }
    }

    async fn query(&self, query: &Query) -> Result<Answer> {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![
            i64::try_from(query.text.len()).unwrap(),
        ]));
        let batch = RecordBatch::try_from_iter([("N", numbers)]).unwrap();
        let summary = Summary {
            completeness: Completeness::Complete,
            warnings: vec![Warning::new(WarningKind::Rows, "only the length")],
            ..Summary::default()
        };
        Ok(Answer::from_batches(batch.schema(), vec![batch], summary))
    }
}

impl Progress for Own {
    fn sliced(&self, done: usize, known: usize, rows: usize) {
        self.tell(format!("{done} of {known}: {rows}"));
    }
}

impl SliceStore for Own {
    fn rows(&self, _: &Slice) -> Result<Option<Table>> {
        Ok(None)
    }

    fn keep_rows(&self, _: &Slice, _: &Table) -> Result<()> {
        Ok(())
    }

    fn division(&self, _: &Slice) -> Result<Option<Vec<Counted>>> {
        Ok(None)
    }

    fn keep_division(&self, _: &Slice, _: &[Counted]) -> Result<()> {
        Ok(())
    }

    fn row_cap(&self) -> Result<Option<usize>> {
        Ok(None)
    }

    fn keep_row_cap(&self, _: usize) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Ask for Own {
    async fn ask(&self, _: &str, provider: &ConnectedProvider, query: &Query) -> Result<Answer> {
        provider.query(query).await
    }
}

impl FanOutProgress for Own {
    fn finished(&self, finished: &Finished<'_>) {
        self.tell(finished.alias);
    }
}

#[cfg(feature = "browser")]
impl facade::Browser for Own {
    fn open(&self, address: &Url) -> Result<()> {
        self.tell(address.as_str());
        Ok(())
    }
}

#[cfg(feature = "azure-cli")]
#[async_trait]
impl facade::CommandRunner for Own {
    async fn run(
        &self,
        program: &str,
        _: &[&str],
        _: Duration,
    ) -> std::io::Result<facade::CommandOutput> {
        self.tell(program);
        Err(std::io::ErrorKind::NotFound.into())
    }
}

#[tokio::test]
async fn a_service_is_asked_with_parts_of_ones_own() {
    let own = Arc::new(Own::default());
    let options = Options {
        transport: Some(own.clone()),
        notice: own.clone(),
        clock: own.clone(),
        secrets: Some(own.clone()),
        prompt: own.clone(),
        token_store: Some(own.clone()),
        #[cfg(feature = "azure-cli")]
        commands: own.clone(),
        ..Options::default()
    };
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
            SecretRef::Inline("canary".into()),
        )
        .unwrap();
    let mut connections =
        QueryProvider::with_options(DataEnvironment::M365dGraph, options).connections();
    connections
        .add_connection("Contoso", Connection::from_args(args))
        .unwrap();
    let fan_out = connections
        .fan_out(&Query::new("DeviceInfo"))
        .asking(own.clone())
        .with_progress(own.clone());
    let table = Table::collect(fan_out.answer().await.unwrap())
        .await
        .unwrap();
    assert_eq!(table.cell(0, "N").unwrap().to_string(), "7");
    assert_eq!(
        *own.told.lock().unwrap(),
        [
            "POST /contoso.example/oauth2/v2.0/token",
            "POST /v1.0/security/runHuntingQuery",
            "Contoso",
        ]
    );
}

#[tokio::test]
async fn a_driver_of_ones_own_is_asked_and_written() {
    let provider = QueryProvider::with_driver(Arc::new(Own::default()));
    let table = provider.exec_query("DeviceInfo").await.unwrap();
    let csv = table.to_text(Format::Csv, &WriterOptions::default());
    assert_eq!(csv.unwrap(), "N\n10\n");
    let request = CollectionRequest::new("security/alerts_v2");
    assert!(provider.collections().is_err(), "{request:?}");
}

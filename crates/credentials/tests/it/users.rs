//! Signing in as a user against the emulator, which refuses what the authority refuses.

mod browser;
mod device_code;
mod redirect;
mod sessions;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use defender_core::{Clock, Error, ManualClock, Result, Scope, TokenRequest};
use defender_credentials::{
    Authority, Browser, BrowserOptions, BrowserPrompt, BrowserSignIn, Cached, Delegated,
    DelegatedOptions, DeviceCodePrompt, FileStore, PublicClient, ResponseMode, SignIn,
    SignInPrompt,
};
use defender_emulator::{Emulator, Options, RecordedRequest, Running};
use defender_http::{HttpOptions, HttpTransport, Traced};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

const TENANT: &str = "11111111-1111-1111-1111-111111111111";
const CLIENT: &str = "11111111-1111-1111-1111-aaaaaaaaaaaa";
const ANALYST: &str = "analyst@demo.example";
const ADMIN: &str = "admin@demo.example";

/// An emulator, a time that it shares with the credentials, and a folder for the cache.
struct Setting {
    emulator: Running,
    clock: Arc<ManualClock>,
    told: Arc<Told>,
    folder: TempDir,
}

impl Setting {
    async fn new(change: impl FnOnce(&mut Options)) -> Self {
        let start = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        let clock = Arc::new(ManualClock::new(start));
        let time = clock.clone();
        let mut options = Options {
            https: None,
            proxy: None,
            clock: Arc::new(move || time.now()),
            ..Options::default()
        };
        change(&mut options);
        Self {
            emulator: Emulator::start(options).await.unwrap(),
            clock,
            told: Arc::default(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn client(&self, clock: Arc<dyn Clock>) -> PublicClient {
        let base = Url::parse(&self.emulator.http_url()).unwrap();
        let authority = Authority::new(base, TENANT).unwrap();
        let transport = HttpTransport::new(&HttpOptions::default()).unwrap();
        PublicClient::new(authority, CLIENT, Arc::new(Traced::new(transport)), clock)
    }

    /// Users who sign in with a browser and have as long as they like.
    fn browser(&self, response_mode: ResponseMode) -> Arc<BrowserSignIn> {
        let options = BrowserOptions {
            browser: Arc::new(Surfing::default()),
            response_mode,
            ..BrowserOptions::default()
        };
        let clock = Arc::new(Patient(self.clock.clone()));
        Arc::new(BrowserSignIn::new(
            self.client(clock),
            self.told.clone(),
            options,
        ))
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("tokens")
    }

    fn store(&self) -> FileStore {
        FileStore::new(self.path(), self.clock.clone(), self.told.clone())
    }

    /// What a process puts together: a cache in memory, over silence or a person, over a file.
    fn process(&self, sign_in: Arc<dyn SignIn>, username: Option<&str>) -> Cached<Delegated> {
        Cached::new(self.delegated(sign_in, username), self.clock.clone())
    }

    fn delegated(&self, sign_in: Arc<dyn SignIn>, username: Option<&str>) -> Delegated {
        let options = DelegatedOptions {
            username: username.map(str::to_owned),
            ..DelegatedOptions::default()
        };
        let client = self.client(self.clock.clone());
        Delegated::new(client, sign_in, Arc::new(self.store()), options)
    }

    /// The requests for tokens that were answered so far.
    fn token_requests(&self) -> Vec<RecordedRequest> {
        let requests = self.emulator.requests().into_iter();
        requests
            .filter(|sent| sent.path.ends_with("/token"))
            .collect()
    }
}

fn graph() -> TokenRequest {
    TokenRequest::new(Scope::default_of("https://graph.microsoft.com"))
}

fn defender() -> TokenRequest {
    TokenRequest::new(Scope::default_of(
        "https://api.securitycenter.microsoft.com",
    ))
}

/// The test's own time, without an end to any wait.
#[derive(Debug)]
struct Patient(Arc<ManualClock>);

#[async_trait]
impl Clock for Patient {
    fn now(&self) -> SystemTime {
        self.0.now()
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}

/// Remembers what a person was told.
#[derive(Debug, Default)]
struct Told {
    codes: Mutex<Vec<DeviceCodePrompt>>,
    warnings: Mutex<Vec<String>>,
}

impl SignInPrompt for Told {
    fn device_code(&self, prompt: &DeviceCodePrompt) {
        self.codes.lock().unwrap().push(prompt.clone());
    }

    fn browser(&self, _: &BrowserPrompt<'_>) {}

    fn warning(&self, warning: &str) {
        self.warnings.lock().unwrap().push(warning.to_owned());
    }
}

/// A browser that goes where it is sent, and remembers the last page.
#[derive(Clone, Debug, Default)]
struct Surfing {
    page: Arc<Mutex<String>>,
}

impl Browser for Surfing {
    fn open(&self, address: &Url) -> Result<()> {
        let (address, page) = (address.clone(), self.page.clone());
        tokio::spawn(async move {
            let last = surf(address).await;
            *page.lock().unwrap() = last;
        });
        Ok(())
    }
}

/// Follows `address` to the last page: redirects, and forms that post themselves.
async fn surf(mut address: Url) -> String {
    let mut form = None;
    for _ in 0..5 {
        let page = load(&address, form.take()).await;
        if let Some(location) = page.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("location").then_some(value)
        }) {
            address = address.join(location).unwrap();
        } else if let Some(action) = attribute(&page, "<form", "action") {
            let fields: Vec<_> = page
                .split("<input")
                .skip(1)
                .filter_map(|input| {
                    let input = format!("<input{input}");
                    let name = attribute(&input, "<input", "name")?;
                    Some((name, attribute(&input, "<input", "value")?))
                })
                .collect();
            let mut text = url::form_urlencoded::Serializer::new(String::new());
            form = Some(text.extend_pairs(fields).finish());
            address = address.join(&action).unwrap();
        } else {
            return page;
        }
    }
    panic!("there is no end to the redirects");
}

fn attribute(page: &str, tag: &str, name: &str) -> Option<String> {
    let (_, rest) = page.split_once(tag)?;
    let (_, rest) = rest.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("&amp;", "&"))
}

async fn load(address: &Url, form: Option<String>) -> String {
    let (host, port) = (address.host_str().unwrap(), address.port().unwrap());
    let mut target = address.path().to_owned();
    if let Some(query) = address.query() {
        target = format!("{target}?{query}");
    }
    let rest = match form {
        None => String::new(),
        Some(form) => format!(
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ),
    };
    let method = if rest.is_empty() { "GET" } else { "POST" };
    let end = if rest.is_empty() { "\r\n" } else { "" };
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n{rest}{end}"
    );
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    page
}

/// An error and everything that it holds, as text.
fn shown(error: &Error) -> String {
    format!("{error} {error:?} {:?}", error.hint())
}

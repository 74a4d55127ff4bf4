//! No secret is in anything that a connection says, whatever its settings and its service do.
//!
//! `SECRETS_CASES` says how many random cases are run; few by default.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use defender_config::Origin;
use defender_http::{Pause, RetryPolicy, Wait};
use defender_query::{
    BrowserPrompt, Connection, ConnectionArgs, ConnectionKey, DataEnvironment, DeviceCodePrompt,
    Error, Notice, Options, QueryProvider, Settings, SignInPrompt,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How many cases are run where nobody says so.
const CASES: usize = 150;

/// What every secret begins with.
const MARK: &str = "cAnArY";

/// A small generator: the same cases on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.next(list.len())]
    }

    /// A secret; `plain` ones can stand in a header.
    fn secret(&mut self, plain: bool) -> String {
        const PLAIN: &[u8] = b"ABCDEFGHabcdefgh01234567-._~/+";
        let mut secret = MARK.to_owned();
        for _ in 0..self.next(40) + 4 {
            secret.push(char::from(*self.of(PLAIN)));
        }
        if !plain {
            secret.push_str(self.of::<&str>(&[
                "&=%",
                "<\"x",
                " ~8Q",
                "\u{fc}\\u0041",
                "%41;&amp;",
                "",
            ]));
        }
        secret
    }
}

/// One way of writing a secret differently.
type Encoding = fn(&str) -> String;

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || byte == b'~' {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02x}").unwrap();
        }
        out
    })
}

fn all(text: &str, form: impl Fn(u32) -> String) -> String {
    text.chars().map(|letter| form(letter.into())).collect()
}

fn base64(text: &str) -> String {
    openssl::base64::encode_block(text.as_bytes())
}

const ENCODINGS: [Encoding; 19] = [
    str::to_owned,
    percent,
    |t| {
        t.bytes()
            .fold(String::new(), |out, b| format!("{out}%{b:02X}"))
    },
    |t| all(t, |c| format!("&#{c};")),
    |t| all(t, |c| format!("&#x00{c:X};")),
    |t| all(t, |c| format!("\\u{c:04x}")),
    |t| {
        t.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('/', "\\/")
    },
    |t| {
        t.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('"', "&quot;")
    },
    base64,
    |t| {
        base64(&format!("user:{t}"))
            .replace('+', "-")
            .replace('/', "_")
    },
    |t| {
        t.bytes()
            .fold(String::new(), |out, b| format!("{out}{b:02x}"))
    },
    |t| t.chars().take(12).collect(),
    |t| {
        t.bytes()
            .fold(String::new(), |out, b| format!("{out}\\{b:03o}"))
    },
    |t| {
        let codes: Vec<String> = t.bytes().map(|b| b.to_string()).collect();
        codes.join(",")
    },
    |t| {
        all(t, |c| match c {
            0x21..=0x7E => char::from_u32(c + 0xFEE0).unwrap().to_string(),
            _ => char::from_u32(c).unwrap().to_string(),
        })
    },
    |t| in_parts(t, "<wbr>"),
    |t| in_parts(t, "\" + \""),
    |t| in_parts(t, "..."),
    |t| t.chars().rev().collect(),
];

fn in_parts(text: &str, mark: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let parts = letters
        .chunks(4)
        .map(|part| part.iter().collect::<String>());
    parts.collect::<Vec<_>>().join(mark)
}

/// What the service does with the next requests.
#[derive(Clone, Default)]
struct Plan {
    /// Whether the authority gives a token, and which.
    token: Option<String>,
    status: u16,
    place: usize,
    encodings: Vec<Encoding>,
    /// What it knows besides what it is sent.
    secrets: Vec<String>,
}

/// A service that repeats what it was sent.
async fn serve(listener: TcpListener, plan: Arc<Mutex<Plan>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let plan = Arc::clone(&plan);
        tokio::spawn(async move {
            let _ = answer(stream, &plan).await;
        });
    }
}

async fn answer(mut stream: TcpStream, plan: &Mutex<Plan>) -> io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    let head = loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request);
        let Some(end) = text.find("\r\n\r\n") else {
            continue;
        };
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse::<usize>().ok())?
        });
        if request.len() >= end + 4 + length.unwrap_or(0) {
            break text[..end].to_owned();
        }
    };
    let plan = plan.lock().unwrap().clone();
    let body = String::from_utf8_lossy(&request[head.len() + 4..]).into_owned();
    let is_token = head.starts_with("POST") && head.lines().next().unwrap().contains("/token");
    if let (true, Some(token)) = (is_token, &plan.token) {
        let body =
            format!(r#"{{"token_type":"Bearer","expires_in":3600,"access_token":"{token}"}}"#);
        return send(&mut stream, 200, "", &body).await;
    }
    let authorization = head
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("authorization:"));
    let mut echo = match authorization {
        Some(line) => line.split_once(':').unwrap().1.trim().to_owned(),
        None => body,
    };
    for secret in &plan.secrets {
        if is_token {
            echo = format!("{secret} {echo}");
        }
    }
    let text = plan.encodings.iter().fold(echo, |text, form| form(&text));
    let (headers, body) = placed(plan.place, &text);
    send(&mut stream, plan.status, &headers, &body).await
}

/// Where the repeated text stands: headers, body.
fn placed(place: usize, text: &str) -> (String, String) {
    let quoted = serde_json::to_string(text).unwrap();
    let header: String = text.chars().filter(char::is_ascii_graphic).collect();
    let body = match place {
        0 => format!(r#"{{"error":{{"code":"Bad","message":{quoted}}}}}"#),
        1 => format!(r#"{{"error":{{"code":{quoted},"message":"no"}}}}"#),
        2 => format!("<html><title>{text}</title></html>"),
        3 => format!(r#"{{"error":{quoted},"error_description":"AADSTS7000215: no"}}"#),
        4 => format!(r#"{{"error":"invalid_client","error_description":{quoted}}}"#),
        5 => format!(
            r#"{{"error":"x","error_description":"no","trace_id":{quoted},"correlation_id":{quoted}}}"#
        ),
        6 => format!(
            r#"{{"error":{{"code":"x","message":"m","innererror":{{"request-id":{quoted}}}}}}}"#
        ),
        7 => text.to_owned(),
        8 => format!(r#"{{"value":[],"@odata.nextLink":{quoted}}}"#),
        9 => format!(r#"{{"schema":[{{"name":{quoted},"type":"Nope"}}],"results":[1]}}"#),
        10 => format!("{}{text}", " ".repeat(190)),
        _ => r#"{"error":{"code":"x","message":"m"}}"#.to_owned(),
    };
    let headers = match place {
        11 => format!("request-id: {header}\r\n"),
        12 => {
            format!("www-authenticate: Bearer error=\"{header}\"\r\nx-ms-request-id: {header}\r\n")
        }
        13 => format!("location: /{header}\r\nretry-after: 0\r\n"),
        _ => String::new(),
    };
    (headers, body)
}

const PLACES: usize = 14;

async fn send(stream: &mut TcpStream, status: u16, headers: &str, body: &str) -> io::Result<()> {
    let response = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(response.as_bytes()).await?;
    stream.shutdown().await
}

/// Everything that anybody is told.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<u8>>>);

impl Told {
    fn add(&self, text: &str) {
        let mut told = self.0.lock().unwrap();
        told.extend_from_slice(text.as_bytes());
        told.push(b'\n');
    }
}

impl io::Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Notice for Told {
    fn waiting(&self, wait: &Wait<'_>) {
        self.add(&wait.to_string());
    }

    fn pausing(&self, pause: &Pause<'_>) {
        self.add(&pause.to_string());
    }
}

impl SignInPrompt for Told {
    fn device_code(&self, prompt: &DeviceCodePrompt) {
        self.add(&format!("{prompt:?}"));
    }

    fn browser(&self, prompt: &BrowserPrompt<'_>) {
        self.add(&format!("{prompt:?}"));
    }

    fn warning(&self, warning: &str) {
        self.add(warning);
    }
}

/// What a person and a program see of an error.
fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    for part in [
        error.hint(),
        error.code(),
        error.url(),
        error.request_id(),
        error.client_request_id(),
    ]
    .into_iter()
    .flatten()
    {
        write!(text, " {part}").unwrap();
    }
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        write!(text, " {cause}").unwrap();
        next = cause.source();
    }
    text
}

/// Finds a secret by its beginning, in the encodings that this test writes.
fn is_leaked(text: &str) -> Option<String> {
    let mark = MARK.to_lowercase();
    let lower = text.to_lowercase();
    let mut forms = vec![mark.clone()];
    for encoding in &ENCODINGS[2..6] {
        forms.push(encoding(MARK).to_lowercase());
    }
    forms.extend(
        ENCODINGS[12..15]
            .iter()
            .map(|encoding| encoding(MARK).to_lowercase()),
    );
    forms.extend([ENCODINGS[10](MARK), ENCODINGS[18](MARK)].map(|form| form.to_lowercase()));
    if let Some(form) = forms.iter().find(|form| lower.contains(form.as_str())) {
        return Some(form.clone());
    }
    // In base64 a text looks different depending on what stands before it.
    (0..3).find_map(|shift| {
        let encoded = base64(&format!("{}{MARK}", "x".repeat(shift)));
        let start = (shift * 8).div_ceil(6) + 1;
        let inner = encoded.trim_end_matches('=');
        let inner = inner[start..inner.len() - 1].to_owned();
        text.contains(&inner).then_some(inner)
    })
}

/// Every value of a connection, each in one of the ways that it can be given.
struct Given {
    settings: Settings,
    instance: Option<String>,
    variables: BTreeMap<String, String>,
    call: ConnectionArgs,
    text: String,
}

#[expect(
    clippy::too_many_lines,
    reason = "a line for each place that a secret may be in"
)]
fn given(random: &mut Random, root: &str, secret: &str, token: &str, told: &Told) -> Option<Given> {
    use ConnectionKey as Key;

    let mut variables = BTreeMap::new();
    let mut args = serde_json::Map::new();
    let mut call = ConnectionArgs::default();
    let mut values: Vec<(Key, String)> = vec![
        (Key::Authority, root.to_owned()),
        (Key::ApiRoot, root.to_owned()),
    ];
    let id = "11111111-2222-3333-4444-555555555555";
    let hidden = random.next(8);
    let pasted = |random: &mut Random| match random.next(3) {
        0 => base64(&random.secret(false)),
        1 => random.secret(true),
        _ => format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n",
            base64(&random.secret(false))
        ),
    };
    let tenant = if hidden == 0 {
        random.secret(false)
    } else {
        id.to_owned()
    };
    let client = if hidden == 1 {
        random.secret(true)
    } else {
        id.to_owned()
    };
    values.push((Key::TenantId, tenant));
    values.push((Key::ClientId, client));
    match hidden {
        2 => values.push((Key::Cloud, random.secret(true))),
        3 => values.push((Key::Timeout, random.secret(true))),
        4 => values.push((Key::AssertionAlgorithm, random.secret(true))),
        5 => values.push((Key::Username, random.secret(true))),
        _ => {}
    }
    match random.next(5) {
        0 => values.push((Key::AccessToken, token.to_owned())),
        1 => {
            values.push((Key::Certificate, pasted(random)));
            values.push((Key::PrivateKey, pasted(random)));
            values.push((Key::PrivateKeySecret, random.secret(false)));
        }
        2 => values.push((Key::AssertionFile, pasted(random))),
        _ => values.push((Key::ClientSecret, secret.to_owned())),
    }
    for (key, value) in values {
        let is_public = !key.is_secret() && !key.is_file_of_key() && key != Key::AssertionFile;
        // What no secret belongs in is a secret only where it came from elsewhere.
        let ways: &[usize] = if is_public && value.contains(MARK) {
            &[1]
        } else {
            &[0, 1, 2]
        };
        match random.of(ways) {
            0 => drop(args.insert(key.setting().to_owned(), value.into())),
            1 => {
                let variable = format!("V_{}", key.setting().to_uppercase());
                let reference = serde_json::json!({ "EnvironmentVar": variable });
                args.insert(key.setting().to_owned(), reference);
                variables.insert(variable, value);
            }
            _ => call
                .set(key, &value, Origin::Parameter(format!("--{key}")))
                .ok()?,
        }
    }
    let mut instance = None;
    let mut sections = serde_json::Map::new();
    // A secret in the place of a name: key and value changed places, or the name of a variable, a
    // vault's secret or an instance was expected.
    let plain = random.next(2) == 0;
    // Few letters alone are a name like any other.
    let misplaced = random.secret(plain) + "4x7";
    let key = random.of(&[Key::ClientSecret, Key::TenantId, Key::Certificate]);
    let key = key.setting().to_owned();
    match random.next(16) {
        0 => drop(args.insert(misplaced, key.into())),
        1 => drop(args.insert(key, serde_json::json!({ "EnvironmentVar": misplaced }))),
        2 => drop(args.insert(key, serde_json::json!({ "KeyVault": misplaced }))),
        3 => drop(args.insert(key, serde_json::json!({ misplaced: "x" }))),
        4 => drop(sections.insert(misplaced, serde_json::json!({ "Args": { "TenantId": id } }))),
        5 => instance = Some(misplaced),
        6 => {
            variables.insert(misplaced.clone(), misplaced.clone());
            args.insert(key, serde_json::json!({ "EnvironmentVar": misplaced }));
        }
        _ => {}
    }
    sections.insert(
        "MicrosoftDefender".to_owned(),
        serde_json::json!({ "Args": args.clone() }),
    );
    sections.insert(
        "MicrosoftGraph".to_owned(),
        serde_json::json!({ "Args": args }),
    );
    let text = serde_json::json!({ "DataProviders": sections }).to_string();
    let settings = match Settings::parse(&text) {
        Ok(settings) => settings,
        Err(error) => {
            told.add(&shown(&error));
            return None;
        }
    };
    Some(Given {
        settings,
        instance,
        variables,
        call,
        text,
    })
}

async fn case(random: &mut Random, root: &str, plan: &Mutex<Plan>, told: &Told) -> String {
    let secret = random.secret(false);
    let token = random.secret(true);
    let encodings = (0..random.next(3))
        .map(|_| *random.of(&ENCODINGS))
        .collect();
    *plan.lock().unwrap() = Plan {
        token: (random.next(4) > 0).then(|| token.clone()),
        status: *random.of(&[200, 200, 302, 400, 401, 403, 404, 429, 500, 503]),
        place: random.next(PLACES),
        encodings,
        secrets: Vec::new(),
    };
    let environment = *random.of(&[
        DataEnvironment::M365dGraph,
        DataEnvironment::M365d,
        DataEnvironment::Mde,
        DataEnvironment::SecurityGraph,
    ]);
    let Some(given) = given(random, root, &secret, &token, told) else {
        return String::new();
    };
    for setting in given.settings.describe() {
        told.add(&format!("{setting:?}"));
    }
    for finding in given.settings.validate() {
        told.add(&finding.to_string());
    }
    let options = Options {
        environment: given.variables.clone(),
        notice: Arc::new(told.clone()),
        prompt: Arc::new(told.clone()),
        retry: RetryPolicy {
            attempts: 2,
            total: Duration::from_millis(1),
            ..RetryPolicy::default()
        },
        ..Options::default()
    };
    let provider = QueryProvider::with_options(environment, options);
    let instance = given.instance.as_deref();
    let connection = Connection::from_settings(&given.settings, instance).with(given.call.clone());
    told.add(&format!("{provider:?} {connection:?} {:?}", given.settings));
    match provider.connect(connection).await {
        Err(error) => told.add(&shown(&error)),
        Ok(connected) => {
            told.add(&format!("{connected:?}"));
            let query = match environment {
                DataEnvironment::SecurityGraph => "security/alerts_v2",
                _ => "DeviceInfo | count",
            };
            match connected.exec_query(query).await {
                Err(error) => told.add(&shown(&error)),
                Ok(table) => {
                    for warning in &table.summary().warnings {
                        told.add(&warning.message);
                    }
                    told.add(&format!("{:?}", table.summary().completeness));
                }
            }
        }
    }
    format!("{environment} {}\n{:?}", given.text, given.variables)
}

#[test]
fn no_secret_is_told_whatever_is_set_and_whatever_is_answered() {
    #[expect(
        clippy::disallowed_methods,
        reason = "how much is run is no setting of what is tested"
    )]
    let cases = std::env::var_os("SECRETS_CASES")
        .and_then(|cases| cases.to_str()?.parse().ok())
        .unwrap_or(CASES);
    let told = Told::default();
    let writer = told.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let plan = Arc::new(Mutex::new(Plan::default()));
        tokio::spawn(serve(listener, Arc::clone(&plan)));
        let mut random = Random(0x5EED_CAFE_F00D_0001);
        let mut said = 0;
        for number in 0..cases {
            let what = case(&mut random, &root, &plan, &told).await;
            let bytes = std::mem::take(&mut *told.0.lock().unwrap());
            said += bytes.len();
            let text = String::from_utf8_lossy(&bytes);
            if let Some(form) = is_leaked(&text) {
                let plan = plan.lock().unwrap();
                let at = text
                    .to_lowercase()
                    .find(&form.to_lowercase())
                    .unwrap_or_default();
                let around: String = text[..]
                    .chars()
                    .skip(at.saturating_sub(400))
                    .take(900)
                    .collect();
                panic!(
                    "case {number}, status {}, place {}: shows {form} in\n…{around}…\n{what}",
                    plan.status, plan.place
                );
            }
        }
        // It would be easy to show no secret by showing nothing.
        assert!(said > cases * 500, "{said}");
    });
}

#[test]
fn no_debug_of_what_takes_the_environment_holds_it() {
    let secret = format!("{MARK}-secret");
    let options = Options {
        environment: BTreeMap::from([("AZURE_CLIENT_SECRET".to_owned(), secret.clone())]),
        ..Options::default()
    };
    let mut args = ConnectionArgs::default();
    for key in ConnectionKey::ALL {
        // Those that take anything.
        let _ = args.set(key, &secret, Origin::Parameter("x".to_owned()));
    }
    assert!(args.has(ConnectionKey::ClientSecret) && args.has(ConnectionKey::Certificate));
    let connection = Connection::from_args(args.clone());
    let provider = QueryProvider::with_options(DataEnvironment::M365dGraph, options.clone());
    let mut connections = provider.clone().connections();
    connections
        .add_connection("one", connection.clone())
        .unwrap();
    let shown = format!("{options:?} {args:?} {connection:?} {provider:?} {connections:?}");
    assert_eq!(is_leaked(&shown), None, "{shown}");
    // The names are what somebody looks for.
    assert!(shown.contains("AZURE_CLIENT_SECRET"), "{shown}");
}

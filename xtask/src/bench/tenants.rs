//! One question to hundreds of tenants: how long, and in how much memory.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::process::{Measured, defender, measured};
use super::{Report, built, commit, decode, median, target, version};

const REPETITIONS: usize = 3;
const LATENCY: Duration = Duration::from_millis(200);
/// Every twentieth tenant fails: in turn at the sign-in, for want of the permission, and at the
/// query.
const FAULTY: usize = 20;
const PARALLEL: usize = 16;
/// With a `take`, or an answer at the cap of the service would count as one with rows missing.
const QUERY: &str = "DeviceProcessEvents | take 100000";

/// Tenants, rows of each, and how long each takes to begin its answer.
struct Work {
    tenants: usize,
    rows: &'static str,
    latency: Duration,
    faulty: bool,
}

const WORKS: [Work; 3] = [
    Work {
        tenants: 16,
        rows: "10000",
        latency: LATENCY,
        faulty: false,
    },
    Work {
        tenants: 200,
        rows: "2000",
        latency: LATENCY,
        faulty: true,
    },
    Work {
        tenants: 500,
        rows: "1000",
        latency: LATENCY,
        faulty: false,
    },
];

/// The other side: signs anybody in, and answers every tenant with the same rows.
struct Service {
    body: Vec<u8>,
    latency: Duration,
    faulty: bool,
}

impl Service {
    /// Serves until this process ends; gives the port.
    fn start(self) -> Result<u16, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let port = listener
            .local_addr()
            .map_err(|error| error.to_string())?
            .port();
        let service = Arc::new(self);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let service = Arc::clone(&service);
                // An error is the end of a connection.
                std::thread::spawn(move || service.connection(&stream));
            }
        });
        Ok(port)
    }

    fn connection(&self, stream: &TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        let mut writer = stream;
        loop {
            let mut first = String::new();
            if reader.read_line(&mut first)? == 0 {
                return Ok(());
            }
            let (mut length, mut token) = (0, String::new());
            loop {
                let mut line = String::new();
                reader.read_line(&mut line)?;
                let Some((name, value)) = line.split_once(':') else {
                    break;
                };
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.trim().parse().unwrap_or(0),
                    "authorization" => value.trim().clone_into(&mut token),
                    _ => {}
                }
            }
            let mut sent = vec![0; length];
            reader.read_exact(&mut sent)?;
            let path = first.split(' ').nth(1).unwrap_or_default();
            self.answer(path, &token, &mut writer)?;
        }
    }

    fn answer(&self, path: &str, token: &str, writer: &mut &TcpStream) -> std::io::Result<()> {
        let own;
        let (status, body): (&str, &[u8]) = if path.ends_with("/token") {
            let tenant = path.split('/').nth(1).unwrap_or_default();
            if self.fails(tenant) == Some(0) {
                let refused = br#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.","error_codes":[7000215]}"#;
                ("401 Unauthorized", refused)
            } else {
                own = format!(
                    r#"{{"token_type":"Bearer","expires_in":3599,"access_token":"{tenant}"}}"#
                );
                ("200 OK", own.as_bytes())
            }
        } else {
            std::thread::sleep(self.latency);
            let tenant = token.rsplit(' ').next().unwrap_or_default();
            match self.fails(tenant) {
                Some(1) => (
                    "403 Forbidden",
                    br#"{"error":{"code":"Forbidden","message":"Missing application roles. API required roles: ThreatHunting.Read.All, application roles: User.Read.All."}}"#,
                ),
                Some(_) => (
                    "400 Bad Request",
                    br#"{"error":{"code":"BadRequest","message":"'take' operator: Failed to resolve table or column expression named 'DeviceProcessEvents'"}}"#,
                ),
                None => ("200 OK", &self.body),
            }
        };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        writer.write_all(head.as_bytes())?;
        writer.write_all(body)
    }

    /// In which way the tenant fails.
    fn fails(&self, tenant: &str) -> Option<usize> {
        let number: usize = tenant.rsplit('-').next()?.parse().ok()?;
        (self.faulty && number.is_multiple_of(FAULTY)).then_some(number / FAULTY % 3)
    }
}

fn id(number: usize) -> String {
    format!("11111111-1111-4111-8111-{number:012}")
}

/// The command that asks so many tenants.
fn command(program: &Path, port: u16, tenants: &Path, parallel: usize, output: &[&str]) -> Command {
    let service = format!("http://127.0.0.1:{port}");
    let mut command = Command::new(program);
    command
        .args(["query", QUERY, "--env", "M365DGraph"])
        .arg("--tenants")
        .arg(tenants)
        .args(["--client-id", "22222222-2222-4222-8222-222222222222"])
        .args(["--client-secret-env", "BENCH_SECRET"])
        .args(["--authority", &service, "--api-root", &service])
        .args(["--parallel", &parallel.to_string()])
        .args(output)
        .env("BENCH_SECRET", "bench")
        .stdin(Stdio::null());
    command
}

/// Lines that the command writes.
fn lines(mut command: Command) -> Result<usize, String> {
    let mut process = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{command:?} did not start: {error}"))?;
    let mut count = 0;
    if let Some(stdout) = process.stdout.take() {
        for line in BufReader::with_capacity(1 << 20, stdout).split(b'\n') {
            line.map_err(|error| error.to_string())?;
            count += 1;
        }
    }
    process.wait().map_err(|error| error.to_string())?;
    Ok(count)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Bytes per second of a single tenant's answer, start of the process included.
fn rate(program: &Path, generator: &Path, folder: &Path) -> Result<f64, String> {
    let body = read(&decode::body(generator, decode::ROWS)?)?;
    #[expect(clippy::cast_precision_loss, reason = "a size in megabytes")]
    let bytes = body.len() as f64;
    let port = Service {
        body,
        latency: Duration::ZERO,
        faulty: false,
    }
    .start()?;
    let list = folder.join("one.csv");
    write(&list, &format!("{}\n", id(1)))?;
    let file = folder.join("rows.parquet");
    let file = file.display().to_string();
    let mut seconds = Vec::new();
    for _ in 0..REPETITIONS {
        let output = ["--quiet", "--overwrite", "-o", &file];
        let found = measured(&mut command(program, port, &list, 1, &output))?;
        if found.code != 0 {
            return Err(format!(
                "one tenant ended with {}: {}",
                found.code, found.said
            ));
        }
        seconds.push(found.seconds);
    }
    Ok(bytes / median(seconds))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The file that names so many tenants.
fn listed(tenants: usize, folder: &Path) -> Result<PathBuf, String> {
    let list = folder.join("tenants.csv");
    let mut text = String::new();
    for number in 1..=tenants {
        let _ = writeln!(text, "{}", id(number));
    }
    write(&list, &text)?;
    Ok(list)
}

pub(super) fn run() -> Result<Report, String> {
    let generator = built("defender-drivers", "decode")?;
    let program = defender()?;
    let folder = target()?.join("bench").join("tenants");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let rate = rate(&program, &generator, &folder)?;
    let mut rows = Vec::new();
    let mut shown = String::new();
    for work in WORKS {
        let body = read(&decode::body(&generator, work.rows)?)?;
        let each = body.len();
        let port = Service {
            body,
            latency: work.latency,
            faulty: work.faulty,
        }
        .start()?;
        let list = listed(work.tenants, &folder)?;
        let faulty: Vec<String> = (1..=work.tenants)
            .filter(|number| work.faulty && number.is_multiple_of(FAULTY))
            .map(id)
            .collect();
        let healthy = work.tenants - faulty.len();
        let parallel = PARALLEL.min(work.tenants);

        let ndjson = ["--quiet", "--format", "ndjson"];
        let found = lines(command(&program, port, &list, parallel, &ndjson))?;
        let wanted = healthy * work.rows.parse::<usize>().unwrap_or(0);
        if found != wanted {
            return Err(format!("{found} rows of {wanted} arrived"));
        }
        let file = folder.join("rows.parquet").display().to_string();
        let output = ["--overwrite", "-o", &file];
        let (mut seconds, mut peaks) = (Vec::new(), Vec::new());
        for _ in 0..REPETITIONS {
            let mut asked = command(&program, port, &list, parallel, &output);
            shown = format!("{asked:?}");
            let Measured {
                seconds: second,
                peak,
                code,
                said,
            } = measured(&mut asked)?;
            let named = faulty
                .iter()
                .filter(|id| said.contains(id.as_str()))
                .count();
            let expected = if faulty.is_empty() { 0 } else { 9 };
            if code != expected || named != faulty.len() {
                return Err(format!(
                    "it ended with {code} and named {named} of {} that failed: {said}",
                    faulty.len()
                ));
            }
            seconds.push(second);
            peaks.push(peak);
        }
        #[expect(clippy::cast_precision_loss, reason = "sizes and counts of a bench")]
        let bound = {
            let waiting = work.latency.as_secs_f64() * work.tenants.div_ceil(parallel) as f64;
            waiting.max((healthy * each) as f64 / rate)
        };
        let seconds = median(seconds);
        rows.push(vec![
            format!("{} × {}", work.tenants, work.rows),
            parallel.to_string(),
            faulty.len().to_string(),
            found.to_string(),
            format!("{seconds:.2}"),
            format!("{bound:.2}"),
            format!("{:.2}", seconds / bound),
            format!("{:.0}", peaks.into_iter().fold(0.0, f64::max)),
        ]);
    }
    Ok(Report {
        title: "Many tenants",
        versions: vec![format!("defender-query {}", commit()), version("rustc")],
        commands: vec!["cargo xtask bench tenants".to_owned(), shown],
        header: vec![
            "tenants × rows",
            "parallel",
            "failing",
            "rows found",
            "seconds",
            "bound",
            "× bound",
            "peak MiB",
        ],
        rows,
        notes: vec![format!(
            "Seconds of the whole process, median of {REPETITIONS}; the largest peak of memory of \
             `defender` alone. Every answer begins {} ms after its request. The bound is the larger \
             of latency × ⌈tenants ÷ parallel⌉ and bytes ÷ the rate of one tenant ({:.0} MB/s, whole \
             process). Failing tenants fail in turn at the sign-in, for want of the permission and at \
             the query; each is named, and the exit code is 9. The service is another process that \
             sends the same bytes from memory, on loopback.",
            LATENCY.as_millis(),
            rate / 1e6
        )],
    })
}

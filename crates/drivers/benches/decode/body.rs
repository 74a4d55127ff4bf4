//! An answer of Microsoft Graph as a busy tenant gets it: 28 columns, about 1,270 bytes a row, the
//! same for the same seed.
//!
//! Strings are most of it; one in three rows has quotes and backslashes to undo, a bool carries its
//! annotation, and missing values are `null`, `""` and `{}` as the service spells them.

use std::fmt::Write as _;

const COLUMNS: [(&str, &str); 28] = [
    ("Timestamp", "DateTime"),
    ("DeviceId", "String"),
    ("DeviceName", "String"),
    ("ActionType", "String"),
    ("FileName", "String"),
    ("FolderPath", "String"),
    ("SHA1", "String"),
    ("LocalIP", "String"),
    ("MD5", "String"),
    ("FileSize", "Int64"),
    ("ProcessVersionInfoCompanyName", "String"),
    ("LocalPort", "Int32"),
    ("ProcessId", "Int64"),
    ("ProcessCommandLine", "String"),
    ("ProcessIntegrityLevel", "String"),
    ("ProcessTokenElevation", "String"),
    ("ProcessCreationTime", "DateTime"),
    ("AccountDomain", "String"),
    ("AccountName", "String"),
    ("AccountSid", "String"),
    ("LogonId", "Int64"),
    ("InitiatingProcessFileName", "String"),
    ("InitiatingProcessId", "Int64"),
    ("InitiatingProcessCommandLine", "String"),
    ("LogonType", "String"),
    ("IsProcessRemoteSession", "SByte"),
    ("ReportId", "Int64"),
    ("AdditionalFields", "Object"),
];

const IMAGES: [&str; 16] = [
    "svchost.exe",
    "conhost.exe",
    "cmd.exe",
    "powershell.exe",
    "chrome.exe",
    "msedge.exe",
    "RuntimeBroker.exe",
    "WmiPrvSE.exe",
    "taskhostw.exe",
    "rundll32.exe",
    "MsMpEng.exe",
    "explorer.exe",
    "OUTLOOK.EXE",
    "Teams.exe",
    "schtasks.exe",
    "git.exe",
];

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

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let index = usize::try_from(self.below(of.len() as u64)).unwrap_or(0);
        of[index]
    }
}

/// `count` hexadecimal digits.
fn hexadecimal(body: &mut String, dice: &mut Dice, count: usize) {
    let end = body.len() + count;
    while body.len() < end {
        let _ = write!(body, "{:016x}", dice.next());
    }
    body.truncate(end);
}

fn time(body: &mut String, dice: &mut Dice) {
    let (day, second) = (1 + dice.below(28), dice.below(86_400));
    let _ = write!(
        body,
        "\"2026-10-{day:02}T{:02}:{:02}:{:02}.{:07}Z\"",
        second / 3600,
        second / 60 % 60,
        second % 60,
        dice.below(10_000_000)
    );
}

fn command_line(body: &mut String, dice: &mut Dice, image: &str) {
    match dice.below(3) {
        0 => {
            let _ = write!(
                body,
                "\"\\\"C:\\\\Program Files\\\\Contoso Agent\\\\{image}\\\" --type=renderer --id={}\"",
                dice.below(100_000)
            );
        }
        1 => {
            let _ = write!(
                body,
                "\"{image} -k netsvcs -p -s Schedule --correlation {:016x}{:016x}\"",
                dice.next(),
                dice.next()
            );
        }
        _ => {
            let _ = write!(
                body,
                "\"{image} -NoProfile -File inventory-{:08x}.ps1 -Target host{:05}.contoso.example\"",
                dice.below(1 << 32),
                dice.below(100_000)
            );
        }
    }
}

fn value(body: &mut String, dice: &mut Dice, row: usize, name: &str) {
    let image = IMAGES[row % IMAGES.len()];
    match name {
        "Timestamp" | "ProcessCreationTime" => time(body, dice),
        "DeviceId" | "SHA1" | "MD5" => {
            body.push('"');
            hexadecimal(body, dice, if name == "MD5" { 32 } else { 40 });
            body.push('"');
        }
        "DeviceName" => {
            let _ = write!(body, "\"host{:05}.contoso.example\"", dice.below(1500));
        }
        "ActionType" => body.push_str("\"ProcessCreated\""),
        "FileName" | "InitiatingProcessFileName" => {
            let _ = write!(body, "\"{}\"", dice.pick(&IMAGES));
        }
        "FolderPath" => {
            let _ = write!(body, "\"C:\\\\Windows\\\\System32\\\\{image}\"");
        }
        "FileSize" if dice.below(8) == 0 => body.push_str("null"),
        "FileSize" => {
            let _ = write!(body, "{}", dice.below(40_000_000));
        }
        "ProcessVersionInfoCompanyName" => body.push_str("\"Microsoft Corporation\""),
        "LocalIP" => {
            let _ = write!(body, "\"10.0.{}.{}\"", dice.below(256), dice.below(256));
        }
        "LocalPort" => {
            let _ = write!(body, "{}", 49_152 + dice.below(16_384));
        }
        "LogonType" if dice.below(4) == 0 => body.push_str("\"\""),
        "LogonType" => body.push_str("\"Interactive \u{2013} R\u{e9}seau\""),
        "ProcessId" | "InitiatingProcessId" => {
            let _ = write!(body, "{}", 4 * dice.below(20_000));
        }
        "ProcessCommandLine" | "InitiatingProcessCommandLine" => command_line(body, dice, image),
        "ProcessIntegrityLevel" => {
            let _ = write!(body, "\"{}\"", dice.pick(&["System", "Medium", "High"]));
        }
        "ProcessTokenElevation" => body.push_str("\"TokenElevationTypeDefault\""),
        "AccountDomain" => body.push_str("\"nt authority\""),
        "AccountName" => {
            let _ = write!(body, "\"user{:04}\"", dice.below(2500));
        }
        "AccountSid" => {
            let _ = write!(
                body,
                "\"S-1-5-21-{}-{}-{}-{}\"",
                dice.below(1 << 31),
                dice.below(1 << 31),
                dice.below(1 << 31),
                dice.below(9999)
            );
        }
        "LogonId" if dice.below(8) == 0 => body.push_str("{}"),
        "LogonId" => {
            let _ = write!(body, "{}", dice.below(1 << 40));
        }
        "IsProcessRemoteSession" => {
            let _ = write!(body, "{}", dice.below(2));
        }
        "ReportId" => {
            let _ = write!(body, "{}", dice.below(1 << 48));
        }
        _ => {
            let _ = write!(
                body,
                "{{\"@odata.type\":\"#microsoft.graph.security.dynamicColumnValue\",\"Session\":{},\"Origin\":\"{:08x}\"}}",
                dice.below(64),
                dice.below(1 << 32)
            );
        }
    }
}

/// The answer as JSON text.
pub(crate) fn answer(rows: usize) -> String {
    let mut dice = Dice(20_261_121);
    let mut body = String::with_capacity(rows * 1_400 + 4_096);
    body.push_str("{\"@odata.context\":\"https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.security.huntingQueryResults\",\"schema\":[");
    for (index, (name, type_name)) in COLUMNS.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(
            body,
            "{comma}{{\"name\":\"{name}\",\"type\":\"{type_name}\"}}"
        );
    }
    body.push_str("],\"results\":[");
    for row in 0..rows {
        body.push_str(if row > 0 { ",{" } else { "{" });
        for (index, (name, type_name)) in COLUMNS.iter().enumerate() {
            if index > 0 {
                body.push(',');
            }
            if *type_name == "SByte" {
                let _ = write!(body, "\"{name}@odata.type\":\"#SByte\",");
            }
            let _ = write!(body, "\"{name}\":");
            value(&mut body, &mut dice, row, name);
        }
        body.push('}');
    }
    body.push_str("]}");
    body
}

//! The sample as a whole: its shape, and that its identifiers agree.

mod frame;
mod stories;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use arrow::{
    array::{Array, RecordBatch},
    datatypes::{DataType, TimeUnit},
};
use defender_schema::Type;

use self::frame::Frame;
use super::{SampleOptions, generate};

/// A Saturday at half past eight.
const NOW: u64 = 1_795_249_800;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

type Sample = BTreeMap<String, Vec<RecordBatch>>;

/// The sample that most tests look at, made once.
fn sample() -> &'static Sample {
    static SAMPLE: LazyLock<Sample> = LazyLock::new(|| seeded(7));
    &SAMPLE
}

fn seeded(seed: u64) -> Sample {
    generate(&SampleOptions { seed, now: at(NOW) })
}

#[test]
fn the_same_options_give_the_same_tables() {
    let first = sample();
    assert_eq!(first, &seeded(7));
    let other = seeded(8);
    assert_ne!(first["DeviceProcessEvents"], other["DeviceProcessEvents"]);
    assert_ne!(
        first["DeviceInfo"], other["DeviceInfo"],
        "devices have other ids"
    );
}

#[test]
fn every_table_has_about_as_many_rows_as_it_should() {
    let sample = sample();
    let rows = |name: &str| -> usize { sample[name].iter().map(RecordBatch::num_rows).sum() };
    let total: usize = sample.keys().map(|name| rows(name)).sum();
    assert!((90_000..130_000).contains(&total), "{total} rows in all");
    for (name, least) in [
        ("AlertEvidence", 40),
        ("AlertInfo", 15),
        ("BehaviorEntities", 4),
        ("BehaviorInfo", 2),
        ("CloudAppEvents", 3_000),
        ("DeviceEvents", 4_000),
        ("DeviceFileCertificateInfo", 1_000),
        ("DeviceFileEvents", 8_000),
        ("DeviceImageLoadEvents", 12_000),
        ("DeviceInfo", 1_500),
        ("DeviceLogonEvents", 2_500),
        ("DeviceNetworkEvents", 18_000),
        ("DeviceNetworkInfo", 1_500),
        ("DeviceProcessEvents", 12_000),
        ("DeviceRegistryEvents", 6_000),
        ("DeviceTvmSecureConfigurationAssessment", 180),
        ("DeviceTvmSecureConfigurationAssessmentKB", 9),
        ("DeviceTvmSoftwareInventory", 150),
        ("DeviceTvmSoftwareVulnerabilities", 60),
        ("DeviceTvmSoftwareVulnerabilitiesKB", 7),
        ("EmailAttachmentInfo", 500),
        ("EmailEvents", 2_500),
        ("EmailPostDeliveryEvents", 5),
        ("EmailUrlInfo", 1_500),
        ("EntraIdSignInEvents", 4_000),
        ("ExposureGraphEdges", 30),
        ("ExposureGraphNodes", 40),
        ("IdentityDirectoryEvents", 150),
        ("IdentityInfo", 54),
        ("IdentityLogonEvents", 3_500),
        ("IdentityQueryEvents", 400),
        ("OAuthAppInfo", 15),
        ("UrlClickEvents", 150),
    ] {
        assert!(rows(name) >= least, "{name} has {} rows", rows(name));
    }
    assert_eq!(sample.len(), 33);
}

#[test]
fn columns_are_those_of_the_schema() {
    for (name, batches) in sample() {
        let table = defender_schema::table(name).unwrap_or_else(|| panic!("no table {name}"));
        for field in batches[0].schema().fields() {
            let column = table.column(field.name());
            let column = column.unwrap_or_else(|| panic!("no column {name}.{}", field.name()));
            let expected = match column.ty {
                Type::Bool => DataType::Boolean,
                Type::Int => DataType::Int32,
                Type::Long => DataType::Int64,
                Type::Real => DataType::Float64,
                Type::DateTime => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
                Type::Guid | Type::String | Type::Dynamic => DataType::Utf8,
            };
            assert_eq!(field.data_type(), &expected, "{name}.{}", field.name());
        }
    }
}

#[test]
fn dynamic_columns_hold_json() {
    for (name, batches) in sample() {
        let table = defender_schema::table(name).expect("a table");
        let frame = Frame::new(batches);
        let is_json = |column: &str| {
            table
                .column(column)
                .is_some_and(|column| column.ty == Type::Dynamic)
                || column == "AdditionalFields"
        };
        for field in batches[0]
            .schema()
            .fields()
            .iter()
            .filter(|field| is_json(field.name()))
        {
            let texts: BTreeSet<&str> = (0..frame.rows())
                .map(|row| frame.text(row, field.name()))
                .collect();
            for text in texts.into_iter().filter(|text| !text.is_empty()) {
                let parsed: Result<serde_json::Value, _> = serde_json::from_str(text);
                assert!(parsed.is_ok(), "{name}.{}: {text}", field.name());
            }
        }
    }
}

#[test]
fn times_are_sorted_in_the_window_and_in_ticks() {
    let now = i64::try_from(NOW).expect("a number of seconds") * 1_000_000_000;
    let mut odd = 0;
    for (name, batches) in sample() {
        let frame = Frame::new(batches);
        if !frame.has("Timestamp") {
            continue;
        }
        let times: Vec<i64> = (0..frame.rows())
            .map(|row| frame.time(row, "Timestamp"))
            .collect();
        assert!(times.is_sorted(), "{name} is not sorted");
        for time in times {
            assert!(
                time < now && time >= now - 30 * 86_400_000_000_000,
                "{name}: {time}"
            );
            assert_eq!(time % 100, 0, "{name}: {time}");
            odd += usize::from(time % 1_000 != 0);
        }
    }
    assert!(odd > 50_000, "most times have seven digits: {odd}");
}

/// The tables in which a process of a device did something.
const CAUSED: [&str; 7] = [
    "DeviceNetworkEvents",
    "DeviceFileEvents",
    "DeviceRegistryEvents",
    "DeviceLogonEvents",
    "DeviceImageLoadEvents",
    "DeviceEvents",
    "DeviceProcessEvents",
];

#[test]
fn whatever_did_something_was_created_before() {
    let sample = sample();
    let processes = Frame::new(&sample["DeviceProcessEvents"]);
    let mut created = BTreeMap::new();
    for row in 0..processes.rows() {
        let key = (
            processes.text(row, "DeviceId"),
            processes.long(row, "ProcessId"),
            processes.time(row, "ProcessCreationTime"),
        );
        let file = (
            processes.text(row, "FileName"),
            processes.text(row, "ProcessCommandLine"),
        );
        assert_eq!(
            created.insert(key, file),
            None,
            "two processes are one: {key:?}"
        );
    }
    let start = i64::try_from(NOW).expect("seconds") * 1_000_000_000 - 30 * 86_400_000_000_000;
    for name in CAUSED {
        let frame = Frame::new(&sample[name]);
        for row in 0..frame.rows() {
            let key = (
                frame.text(row, "DeviceId"),
                frame.long(row, "InitiatingProcessId"),
                frame.time(row, "InitiatingProcessCreationTime"),
            );
            assert!(
                key.2 <= frame.time(row, "Timestamp"),
                "{name}: from the future: {key:?}"
            );
            if key.2 >= start && key.1 != 4 {
                let file = (
                    frame.text(row, "InitiatingProcessFileName"),
                    frame.text(row, "InitiatingProcessCommandLine"),
                );
                assert_eq!(created.get(&key), Some(&file), "{name}: {key:?}");
            }
        }
    }
}

#[test]
fn processes_of_people_belong_to_a_logon() {
    let sample = sample();
    let logons = Frame::new(&sample["DeviceLogonEvents"]);
    let known: BTreeSet<_> = (0..logons.rows())
        .map(|row| {
            (
                logons.text(row, "DeviceId"),
                logons.text(row, "AccountSid"),
                logons.long(row, "LogonId"),
            )
        })
        .collect();
    let processes = Frame::new(&sample["DeviceProcessEvents"]);
    let mut people = 0;
    let first = processes.time(0, "Timestamp");
    for row in 0..processes.rows() {
        let begun = processes.time(row, "Timestamp") > first + 86_400_000_000_000;
        if begun && processes.text(row, "AccountDomain") == "contoso" {
            let key = (
                processes.text(row, "DeviceId"),
                processes.text(row, "AccountSid"),
                processes.long(row, "LogonId"),
            );
            assert!(known.contains(&key), "no logon for {key:?}");
            people += 1;
        }
    }
    assert!(people > 5_000, "{people} processes of people");
}

#[test]
fn a_file_has_one_set_of_digests() {
    let sample = sample();
    let mut digests: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let frames: Vec<Frame<'_>> = CAUSED
        .iter()
        .map(|name| Frame::new(&sample[*name]))
        .collect();
    for frame in &frames {
        for prefix in ["", "InitiatingProcess"] {
            let [one, two, three] = ["SHA1", "SHA256", "MD5"].map(|name| format!("{prefix}{name}"));
            if !frame.has(&one) {
                continue;
            }
            for row in 0..frame.rows() {
                let sha1 = frame.text(row, &one);
                let others = (frame.text(row, &two), frame.text(row, &three));
                if sha1.is_empty() {
                    continue;
                }
                assert_eq!((sha1.len(), others.0.len(), others.1.len()), (40, 64, 32));
                assert_eq!(*digests.entry(sha1).or_insert(others), others);
            }
        }
    }
    assert!(digests.len() > 5_000);
}

#[test]
fn mail_tables_join() {
    let sample = sample();
    let mail = Frame::new(&sample["EmailEvents"]);
    let messages: BTreeSet<_> = mail.set("NetworkMessageId");
    assert_eq!(messages.len(), mail.rows(), "one row for each message");
    for name in [
        "EmailAttachmentInfo",
        "EmailUrlInfo",
        "EmailPostDeliveryEvents",
        "UrlClickEvents",
    ] {
        let frame = Frame::new(&sample[name]);
        assert!(frame.set("NetworkMessageId").is_subset(&messages), "{name}");
    }
    let links = Frame::new(&sample["EmailUrlInfo"]);
    let links: BTreeSet<_> = (0..links.rows())
        .map(|row| (links.text(row, "NetworkMessageId"), links.text(row, "Url")))
        .collect();
    let clicks = Frame::new(&sample["UrlClickEvents"]);
    for row in 0..clicks.rows() {
        let click = (
            clicks.text(row, "NetworkMessageId"),
            clicks.text(row, "Url"),
        );
        assert!(links.contains(&click), "{click:?}");
    }
    let counted: i64 = (0..mail.rows())
        .map(|row| mail.int(row, "AttachmentCount"))
        .sum();
    let attachments = Frame::new(&sample["EmailAttachmentInfo"]).rows();
    assert_eq!(usize::try_from(counted), Ok(attachments));
}

#[test]
fn alerts_have_evidence_that_exists() {
    let sample = sample();
    let alerts = Frame::new(&sample["AlertInfo"]).set("AlertId");
    let evidence = Frame::new(&sample["AlertEvidence"]);
    assert_eq!(evidence.set("AlertId"), alerts);
    let mut devices = Frame::new(&sample["DeviceInfo"]).set("DeviceId");
    assert_eq!(devices.len(), 21);
    devices.insert("");
    assert!(evidence.set("DeviceId").is_subset(&devices));
    let behaviors = Frame::new(&sample["BehaviorInfo"]).set("BehaviorId");
    assert_eq!(
        Frame::new(&sample["BehaviorEntities"]).set("BehaviorId"),
        behaviors
    );
}

#[test]
fn accounts_and_devices_are_the_same_everywhere() {
    let sample = sample();
    let identities = Frame::new(&sample["IdentityInfo"]);
    let mut known: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for row in 0..identities.rows() {
        let ids = (
            identities.text(row, "AccountObjectId"),
            identities.text(row, "OnPremSid"),
        );
        known.insert(identities.text(row, "AccountUpn"), ids);
    }
    for name in [
        "EntraIdSignInEvents",
        "CloudAppEvents",
        "IdentityLogonEvents",
    ] {
        let frame = Frame::new(&sample[name]);
        let upn = if frame.has("AccountUpn") {
            "AccountUpn"
        } else {
            "AccountId"
        };
        for row in 0..frame.rows() {
            let object_id = frame.text(row, "AccountObjectId");
            assert_eq!(known[frame.text(row, upn)].0, object_id, "{name}");
        }
    }
    let processes = Frame::new(&sample["DeviceProcessEvents"]);
    for row in 0..processes.rows() {
        if let Some(ids) = known.get(processes.text(row, "AccountUpn")) {
            let found = (
                processes.text(row, "AccountObjectId"),
                processes.text(row, "AccountSid"),
            );
            assert_eq!(&found, ids);
        }
    }
    let devices = Frame::new(&sample["DeviceInfo"]);
    let names: BTreeMap<_, _> = (0..devices.rows())
        .map(|row| {
            (
                devices.text(row, "DeviceId"),
                devices.text(row, "DeviceName"),
            )
        })
        .collect();
    for name in CAUSED {
        let frame = Frame::new(&sample[name]);
        for row in 0..frame.rows() {
            assert_eq!(
                names[frame.text(row, "DeviceId")],
                frame.text(row, "DeviceName")
            );
        }
    }
}

#[test]
fn no_two_devices_have_an_address_on_one_day() {
    let sample = sample();
    let frame = Frame::new(&sample["DeviceNetworkEvents"]);
    let mut holders = BTreeMap::new();
    for row in 0..frame.rows() {
        let day = frame.time(row, "Timestamp") / 86_400_000_000_000;
        let holder = frame.text(row, "DeviceName");
        let key = (day, frame.text(row, "LocalIP"));
        assert_eq!(*holders.entry(key).or_insert(holder), holder, "{key:?}");
    }
    let addresses: BTreeSet<_> = holders.keys().map(|(_, address)| address).collect();
    assert!(
        addresses.len() > 40,
        "workstations change their addresses: {}",
        addresses.len()
    );
}

#[test]
fn addresses_are_set_aside_for_examples() {
    let is_fine = |address: &str| {
        ["192.0.2.", "198.51.100.", "203.0.113.", "10."]
            .iter()
            .any(|net| address.starts_with(net))
    };
    for (name, batches) in sample() {
        let frame = Frame::new(batches);
        for column in [
            "RemoteIP",
            "LocalIP",
            "IPAddress",
            "PublicIP",
            "SenderIPv4",
            "FileOriginIP",
        ] {
            if frame.has(column) {
                let odd = frame
                    .set(column)
                    .into_iter()
                    .find(|it| !it.is_empty() && !is_fine(it));
                assert_eq!(odd, None, "{name}.{column}");
            }
        }
    }
}

#[test]
fn times_at_the_edge_are_no_fault() {
    for seconds in [0, 1, 86_400 * 3, u64::MAX / 4] {
        let Some(now) = UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) else {
            continue;
        };
        assert_eq!(generate(&SampleOptions { seed: 1, now }).len(), 33);
    }
}

#[test]
fn nothing_is_null_but_what_may_be() {
    let sample = sample();
    for name in CAUSED {
        let batch = &sample[name][0];
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let filled = column.len() > column.null_count();
            assert!(filled, "{name}.{} is empty throughout", field.name());
        }
    }
}

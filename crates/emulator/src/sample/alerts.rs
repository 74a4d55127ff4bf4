//! Alerts and behaviours: what the services noticed, which is never all of it.

use std::{fmt::Write, net::Ipv4Addr};

use arrow::array::RecordBatch;

use super::{
    calendar::Calendar, columns::Columns, endpoint_tables::write_address, software::Text,
    world::World,
};

/// What reached the desk of the security team.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) alerts: Vec<Alert>,
    pub(super) behaviors: Vec<Behavior>,
}

/// An alert with its evidence.
#[derive(Debug)]
pub(super) struct Alert {
    pub(super) time: i64,
    pub(super) id: String,
    pub(super) title: &'static str,
    pub(super) category: &'static str,
    pub(super) severity: &'static str,
    pub(super) service: &'static str,
    pub(super) detection: &'static str,
    /// Techniques as JSON text.
    pub(super) techniques: &'static str,
    pub(super) evidence: Vec<Evidence>,
}

/// A thing that belongs to an alert.
#[derive(Debug)]
pub(super) enum Evidence {
    Device(usize),
    Account(usize),
    Process(usize),
    File {
        device: usize,
        path: Text,
        content: usize,
    },
    Address(Ipv4Addr),
    Link(Text),
    Message {
        id: String,
        subject: Text,
        recipient: usize,
    },
    App {
        id: String,
        name: &'static str,
    },
    Mailbox(usize),
    Value {
        device: usize,
        key: &'static str,
        name: &'static str,
        data: &'static str,
    },
}

impl Evidence {
    fn kind(&self) -> &'static str {
        match self {
            Self::Device(_) => "Machine",
            Self::Account(_) => "User",
            Self::Process(_) => "Process",
            Self::File { .. } => "File",
            Self::Address(_) => "Ip",
            Self::Link(_) => "Url",
            Self::Message { .. } => "MailMessage",
            Self::App { .. } => "OAuthApplication",
            Self::Mailbox(_) => "Mailbox",
            Self::Value { .. } => "RegistryValue",
        }
    }
}

/// Something noticed that is less than an alert.
#[derive(Debug)]
pub(super) struct Behavior {
    pub(super) time: i64,
    pub(super) id: String,
    pub(super) action: &'static str,
    pub(super) title: &'static str,
    pub(super) techniques: &'static str,
    pub(super) category: &'static str,
    pub(super) account: usize,
    pub(super) address: Ipv4Addr,
    pub(super) start: i64,
}

impl Desk {
    /// Drops what lies outside of the window and puts the rest in order.
    pub(super) fn settle(&mut self, calendar: Calendar) {
        self.alerts.retain(|row| calendar.contains(row.time));
        self.alerts.sort_by_key(|row| row.time);
        self.behaviors.retain(|row| calendar.contains(row.time));
        self.behaviors.sort_by_key(|row| row.time);
    }
}

/// Adds the tables about alerts and behaviours.
pub(super) fn tables(world: &World, add: &mut impl FnMut(&str, RecordBatch)) {
    add("AlertInfo", alerts(world));
    add("AlertEvidence", evidence(world));
    add("BehaviorInfo", behaviors(world));
    add("BehaviorEntities", entities(world));
}

fn alerts(world: &World) -> RecordBatch {
    let mut columns = Columns::of(&world.alerts.alerts);
    columns
        .time("Timestamp", |row| row.time)
        .text("AlertId", |row| &row.id)
        .text("Title", |row| row.title)
        .text("Category", |row| row.category)
        .text("Severity", |row| row.severity)
        .text("ServiceSource", |row| row.service)
        .text("DetectionSource", |row| row.detection)
        .text("AttackTechniques", |row| row.techniques);
    columns.finish()
}

/// A thing and the alert it belongs to.
type Row<'w> = (&'w Alert, &'w Evidence);

#[expect(clippy::too_many_lines, reason = "one table, column by column")]
fn evidence(world: &World) -> RecordBatch {
    let rows: Vec<(&Alert, &Evidence)> = world
        .alerts
        .alerts
        .iter()
        .flat_map(|alert| alert.evidence.iter().map(move |evidence| (alert, evidence)))
        .collect();
    let company = &world.company;
    let process = move |row: &Row<'_>| match row.1 {
        Evidence::Process(place) => Some(&world.processes[*place]),
        _ => None,
    };
    let image = move |row: &Row<'_>| process(row).map(|it| &world.software.images[it.image]);
    let content = move |row: &Row<'_>| match row.1 {
        Evidence::File { content, .. } => Some(&world.contents[*content]),
        _ => image(row).map(|image| &world.contents[image.content]),
    };
    let device = move |row: &Row<'_>| match row.1 {
        Evidence::Device(device)
        | Evidence::File { device, .. }
        | Evidence::Value { device, .. } => Some(*device),
        _ => process(row).map(|process| process.device),
    };
    let account = move |row: &Row<'_>| match row.1 {
        Evidence::Account(account) | Evidence::Mailbox(account) => {
            Some(&company.accounts[*account])
        }
        Evidence::Message { recipient, .. } => Some(&company.accounts[*recipient]),
        _ => process(row).map(|process| &company.accounts[process.account]),
    };
    let path = move |row: &Row<'_>| -> &str {
        // The rows outlive this call, as does what they refer to.
        image(row).map_or("", |image| image.path.as_ref())
    };
    let mut columns = Columns::of(&rows);
    columns
        .time("Timestamp", |row| row.0.time)
        .text("AlertId", |row| row.0.id.as_str())
        .text("Title", |row| row.0.title)
        .written("Categories", |row, text| {
            let _ = write!(text, "[\"{}\"]", row.0.category);
        })
        .text("AttackTechniques", |row| row.0.techniques)
        .text("ServiceSource", |row| row.0.service)
        .text("DetectionSource", |row| row.0.detection)
        .text("EntityType", |row| row.1.kind())
        .text("EvidenceRole", |row| match row.1 {
            Evidence::Device(_) | Evidence::Account(_) | Evidence::Mailbox(_) => "Impacted",
            _ => "Related",
        })
        .text("Severity", |row| row.0.severity)
        .written("FileName", move |row, text| {
            let path = match row.1 {
                Evidence::File { path, .. } => path.as_ref(),
                _ => path(row),
            };
            text.push_str(path.rsplit('\\').next().unwrap_or(path));
        })
        .written("FolderPath", move |row, text| match row.1 {
            Evidence::File { path, .. } => text.push_str(path),
            _ => text.push_str(path(row)),
        })
        .text("SHA1", move |row| {
            content(row).map_or("", |content| content.sha1())
        })
        .text("SHA256", move |row| {
            content(row).map_or("", |content| content.sha256())
        })
        .long_or("FileSize", move |row| {
            content(row).map(|content| content.size)
        })
        .written("RemoteIP", |row, text| {
            if let Evidence::Address(address) = row.1 {
                write_address(text, *address);
            }
        })
        .written("RemoteUrl", |row, text| {
            if let Evidence::Link(link) = row.1 {
                text.push_str(link);
            }
        })
        .text("AccountName", move |row| {
            account(row).map_or("", |account| &account.name)
        })
        .text("AccountDomain", move |row| {
            account(row).map_or("", |account| account.domain)
        })
        .text("AccountSid", move |row| {
            account(row).map_or("", |account| &account.sid)
        })
        .text("AccountObjectId", move |row| {
            account(row).map_or("", |account| &account.object_id)
        })
        .text("AccountUpn", move |row| {
            account(row).map_or("", |account| &account.upn)
        })
        .text("DeviceId", move |row| {
            device(row).map_or("", |it| &company.devices[it].id)
        })
        .text("DeviceName", move |row| {
            device(row).map_or("", |it| &company.devices[it].name)
        })
        .written("NetworkMessageId", |row, text| {
            if let Evidence::Message { id, .. } = row.1 {
                text.push_str(id);
            }
        })
        .written("EmailSubject", |row, text| {
            if let Evidence::Message { subject, .. } = row.1 {
                text.push_str(subject);
            }
        })
        .text("Application", |row| match row.1 {
            Evidence::App { name, .. } => name,
            _ => "",
        })
        .written("OAuthApplicationId", |row, text| {
            if let Evidence::App { id, .. } = row.1 {
                text.push_str(id);
            }
        })
        .text("ProcessCommandLine", move |row| {
            process(row).map_or("", |it| &it.command)
        })
        .text("RegistryKey", |row| value(row).map_or("", |(key, ..)| key))
        .text("RegistryValueName", |row| {
            value(row).map_or("", |(_, name, _)| name)
        })
        .text("RegistryValueData", |row| {
            value(row).map_or("", |(.., data)| data)
        })
        .text("AdditionalFields", |_| "{}");
    columns.finish()
}

/// Key, name and data of a registry value.
fn value(row: &Row<'_>) -> Option<(&'static str, &'static str, &'static str)> {
    match row.1 {
        Evidence::Value {
            key, name, data, ..
        } => Some((key, name, data)),
        _ => None,
    }
}

fn behaviors(world: &World) -> RecordBatch {
    let accounts = &world.company.accounts;
    let mut columns = Columns::of(&world.alerts.behaviors);
    columns
        .time("Timestamp", |row| row.time)
        .text("BehaviorId", |row| &row.id)
        .text("Title", |row| row.title)
        .written("Description", move |row, text| {
            let _ = write!(text, "{}: {}", row.title, accounts[row.account].upn);
        })
        .written("Categories", |row, text| {
            let _ = write!(text, "[\"{}\"]", row.category);
        })
        .text("AttackTechniques", |row| row.techniques)
        .text("ServiceSource", |_| "Microsoft Defender for Cloud Apps")
        .text("DetectionSource", |_| "Microsoft Defender for Cloud Apps")
        .text("DataSources", |_| "[\"Microsoft 365\"]")
        .text("AccountUpn", move |row| &accounts[row.account].upn)
        .text("AccountObjectId", move |row| {
            &accounts[row.account].object_id
        })
        .time("StartTime", |row| row.start)
        .time("EndTime", |row| row.time)
        .text("AdditionalFields", |_| "{}")
        .text("ActionType", |row| row.action);
    columns.finish()
}

fn entities(world: &World) -> RecordBatch {
    let accounts = &world.company.accounts;
    let rows: Vec<(&Behavior, bool)> = world
        .alerts
        .behaviors
        .iter()
        .flat_map(|row| [(row, true), (row, false)])
        .collect();
    let account = move |row: &(&Behavior, bool)| row.1.then(|| &accounts[row.0.account]);
    let mut columns = Columns::of(&rows);
    columns
        .time("Timestamp", |row| row.0.time)
        .text("BehaviorId", |row| row.0.id.as_str())
        .text("ActionType", |row| row.0.action)
        .written("Categories", |row, text| {
            let _ = write!(text, "[\"{}\"]", row.0.category);
        })
        .text("ServiceSource", |_| "Microsoft Defender for Cloud Apps")
        .text("DetectionSource", |_| "Microsoft Defender for Cloud Apps")
        .text("DataSources", |_| "[\"Microsoft 365\"]")
        .text("EntityType", |row| if row.1 { "User" } else { "Ip" })
        .text(
            "EntityRole",
            |row| if row.1 { "Impacted" } else { "Related" },
        )
        .text("AccountName", move |row| {
            account(row).map_or("", |account| &account.name)
        })
        .text("AccountDomain", move |row| {
            account(row).map_or("", |account| account.domain)
        })
        .text("AccountSid", move |row| {
            account(row).map_or("", |account| &account.sid)
        })
        .text("AccountObjectId", move |row| {
            account(row).map_or("", |account| &account.object_id)
        })
        .text("AccountUpn", move |row| {
            account(row).map_or("", |account| &account.upn)
        })
        .written("RemoteIP", |row, text| {
            if !row.1 {
                write_address(text, row.0.address);
            }
        })
        .text("Application", |_| "Microsoft 365")
        .text("AdditionalFields", |_| "{}");
    columns.finish()
}

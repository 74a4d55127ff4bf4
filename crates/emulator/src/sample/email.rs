//! Mail: messages, what they carry, and what people click.

use std::{collections::BTreeSet, fmt::Write, net::Ipv4Addr};

use arrow::array::RecordBatch;

use super::{
    calendar::{Calendar, SECOND},
    columns::Columns,
    company::TENANT,
    endpoint_tables::write_address,
    software::Text,
    world::World,
};

/// What the mail service saw.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    pub(super) messages: Vec<Message>,
    pub(super) clicks: Vec<Click>,
    pub(super) later: Vec<Removal>,
}

/// A message to one recipient.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) time: i64,
    pub(super) id: String,
    pub(super) sender: Text,
    pub(super) sender_name: Text,
    /// The account inside that sent it.
    pub(super) sender_account: Option<usize>,
    pub(super) sender_ip: Ipv4Addr,
    pub(super) recipient: Text,
    pub(super) recipient_account: Option<usize>,
    pub(super) subject: Text,
    pub(super) delivery: Delivery,
    /// What was found wrong with it at the time; nothing if empty.
    pub(super) threat: &'static str,
    pub(super) attachments: Vec<Attachment>,
    pub(super) links: Vec<Text>,
    /// Messages alike have the same number.
    pub(super) cluster: i64,
    /// Whether the sender's domain vouches for it.
    pub(super) authenticated: bool,
}

/// Where a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Inbox,
    Junk,
    Blocked,
    Sent,
}

/// A file in a message.
#[derive(Clone, Debug)]
pub(super) struct Attachment {
    pub(super) name: Text,
    pub(super) content: usize,
}

/// A click on a link that Safe Links checked.
#[derive(Debug)]
pub(super) struct Click {
    pub(super) time: i64,
    pub(super) url: Text,
    pub(super) account: usize,
    pub(super) message: String,
    pub(super) address: Ipv4Addr,
    pub(super) allowed: bool,
}

/// A message taken out of a mailbox after delivery.
#[derive(Debug)]
pub(super) struct Removal {
    pub(super) time: i64,
    pub(super) message: String,
    pub(super) recipient: Text,
    pub(super) threat: &'static str,
    pub(super) by_admin: bool,
}

impl Mailbox {
    /// Drops what lies outside of the window and puts the rest in order.
    pub(super) fn settle(&mut self, calendar: Calendar) {
        self.messages.retain(|row| calendar.contains(row.time));
        self.messages.sort_by_key(|row| row.time);
        // What refers to a message goes with it.
        let kept: BTreeSet<&str> = self.messages.iter().map(|row| row.id.as_str()).collect();
        let is_kept = |time, id: &str| calendar.contains(time) && kept.contains(id);
        self.clicks.retain(|row| is_kept(row.time, &row.message));
        self.clicks.sort_by_key(|row| row.time);
        self.later.retain(|row| is_kept(row.time, &row.message));
        self.later.sort_by_key(|row| row.time);
    }
}

/// Adds the tables about mail.
pub(super) fn tables(world: &World, add: &mut impl FnMut(&str, RecordBatch)) {
    add("EmailEvents", messages(world));
    add("EmailAttachmentInfo", attachments(world));
    add("EmailUrlInfo", links(world));
    add("EmailPostDeliveryEvents", removals(world));
    add("UrlClickEvents", clicks(world));
}

fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// The host of a link.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}

fn report_id<R>(columns: &mut Columns<'_, R>, of: impl Fn(&R) -> (&str, i64)) {
    columns.written("ReportId", move |row, text| {
        let (id, time) = of(row);
        let _ = write!(text, "{id}-{}", time / 100 % 1_000_000_007);
    });
}

fn detection(threat: &str) -> &'static str {
    match threat {
        "Phish" => "{\"Phish\":[\"URL malicious reputation\"]}",
        "Spam" => "{\"Spam\":[\"Mixed analysis detection\"]}",
        "Malware" => "{\"Malware\":[\"File detonation\"]}",
        _ => "",
    }
}

fn messages(world: &World) -> RecordBatch {
    let accounts = &world.company.accounts;
    let object_id = move |account: Option<usize>| {
        account.map_or("", |account| accounts[account].object_id.as_str())
    };
    let gone: BTreeSet<&str> = world
        .mail
        .later
        .iter()
        .map(|row| row.message.as_str())
        .collect();
    let mut columns = Columns::of(&world.mail.messages);
    columns
        .time("Timestamp", |row| row.time)
        .text("NetworkMessageId", |row| &row.id)
        .written("InternetMessageId", |row, text| {
            let _ = write!(
                text,
                "<{:X}.{}@{}>",
                row.cluster,
                &row.id[..8],
                domain(&row.sender)
            );
        })
        .text("SenderMailFromAddress", |row| &row.sender)
        .text("SenderFromAddress", |row| &row.sender)
        .text("SenderDisplayName", |row| &row.sender_name)
        .text("SenderObjectId", move |row| object_id(row.sender_account))
        .text("SenderMailFromDomain", |row| domain(&row.sender))
        .text("SenderFromDomain", |row| domain(&row.sender))
        .written("SenderIPv4", |row, text| write_address(text, row.sender_ip))
        .text("SenderIPv6", |_| "")
        .text("RecipientEmailAddress", |row| &row.recipient)
        .text("RecipientObjectId", move |row| {
            object_id(row.recipient_account)
        })
        .text("Subject", |row| &row.subject)
        .long("EmailClusterId", |row| row.cluster)
        .text("EmailDirection", |row| {
            match (row.sender_account, row.recipient_account) {
                (Some(_), Some(_)) => "Intra-org",
                (Some(_), None) => "Outbound",
                (None, _) => "Inbound",
            }
        })
        .text("DeliveryAction", |row| match row.delivery {
            Delivery::Inbox | Delivery::Sent => "Delivered",
            Delivery::Junk => "Junked",
            Delivery::Blocked => "Blocked",
        })
        .text("DeliveryLocation", |row| match row.delivery {
            Delivery::Inbox => "Inbox/folder",
            Delivery::Sent => "On-premises/external",
            Delivery::Junk => "Junk folder",
            Delivery::Blocked => "Quarantine",
        })
        .text("ThreatTypes", |row| row.threat)
        .text("ThreatNames", |_| "")
        .text("DetectionMethods", |row| detection(row.threat))
        .text("ConfidenceLevel", |row| match row.threat {
            "Phish" => "{\"Phish\":\"High\"}",
            "Spam" => "{\"Spam\":\"Normal\"}",
            _ => "",
        })
        .int("BulkComplaintLevel", |row| {
            Some(if row.threat == "Spam" { 6 } else { 0 })
        })
        .text("EmailAction", |row| match row.delivery {
            Delivery::Blocked => "Send to quarantine",
            Delivery::Junk => "Move message to user's Junk Email folder",
            Delivery::Inbox | Delivery::Sent => "No action taken",
        })
        .text("AuthenticationDetails", |row| {
            if row.authenticated {
                "{\"SPF\":\"pass\",\"DKIM\":\"pass\",\"DMARC\":\"pass\",\"CompAuth\":\"pass\"}"
            } else {
                "{\"SPF\":\"pass\",\"DKIM\":\"none\",\"DMARC\":\"none\",\"CompAuth\":\"none\"}"
            }
        })
        .int("AttachmentCount", |row| {
            i32::try_from(row.attachments.len()).ok()
        })
        .int("UrlCount", |row| i32::try_from(row.links.len()).ok())
        .text("EmailLanguage", |_| "en")
        .text("LatestDeliveryAction", |row| match row.delivery {
            Delivery::Inbox | Delivery::Sent => "Delivered",
            Delivery::Junk => "Junked",
            Delivery::Blocked => "Blocked",
        })
        .text("LatestDeliveryLocation", |row| match row.delivery {
            Delivery::Inbox if gone.contains(row.id.as_str()) => "Quarantine",
            Delivery::Inbox => "Inbox/folder",
            Delivery::Sent => "On-premises/external",
            Delivery::Junk => "Junk folder",
            Delivery::Blocked => "Quarantine",
        });
    report_id(&mut columns, |row| (&row.id, row.time));
    columns.finish()
}

fn attachments(world: &World) -> RecordBatch {
    let accounts = &world.company.accounts;
    let messages = &world.mail.messages;
    let rows: Vec<_> = messages
        .iter()
        .flat_map(|message| message.attachments.iter().map(move |file| (message, file)))
        .collect();
    let content = move |row: &(&Message, &Attachment)| &world.contents[row.1.content];
    let mut columns = Columns::of(&rows);
    columns
        .time("Timestamp", |row| row.0.time)
        .text("NetworkMessageId", |row| row.0.id.as_str())
        .text("SenderFromAddress", |row| row.0.sender.as_ref())
        .text("SenderDisplayName", |row| row.0.sender_name.as_ref())
        .text("RecipientEmailAddress", |row| row.0.recipient.as_ref())
        .text("RecipientObjectId", move |row| {
            row.0
                .recipient_account
                .map_or("", |account| accounts[account].object_id.as_str())
        })
        .text("FileName", |row| row.1.name.as_ref())
        .text("FileType", |row| {
            row.1.name.rsplit_once('.').map_or("", |(_, end)| end)
        })
        .text("SHA256", move |row| content(row).sha256())
        .long("FileSize", move |row| content(row).size)
        .text("ThreatTypes", |row| row.0.threat)
        .text("DetectionMethods", |row| detection(row.0.threat));
    report_id(&mut columns, |row| (&row.0.id, row.0.time));
    columns.finish()
}

fn links(world: &World) -> RecordBatch {
    let messages = &world.mail.messages;
    let rows: Vec<_> = messages
        .iter()
        .flat_map(|message| message.links.iter().map(move |link| (message, link)))
        .collect();
    let mut columns = Columns::of(&rows);
    columns
        .time("Timestamp", |row| row.0.time)
        .text("NetworkMessageId", |row| row.0.id.as_str())
        .text("Url", |row| row.1.as_ref())
        .text("UrlDomain", |row| host(row.1))
        .text("UrlLocation", |_| "Body");
    report_id(&mut columns, |row| (&row.0.id, row.0.time));
    columns.finish()
}

fn removals(world: &World) -> RecordBatch {
    let mut columns = Columns::of(&world.mail.later);
    columns
        .time("Timestamp", |row| row.time)
        .text("NetworkMessageId", |row| &row.message)
        .text("Action", |_| "Moved to quarantine")
        .text("ActionType", |row| match (row.by_admin, row.threat) {
            (true, _) => "Manual Remediation",
            (false, "Malware") => "Malware ZAP",
            (false, _) => "Phish ZAP",
        })
        .text("ActionTrigger", |row| {
            if row.by_admin {
                "AdminAction"
            } else {
                "SpecialAction"
            }
        })
        .text("ActionResult", |_| "Success")
        .text("RecipientEmailAddress", |row| &row.recipient)
        .text("DeliveryLocation", |_| "Quarantine")
        .text("SourceLocation", |_| "Inbox/folder")
        .text("ThreatTypes", |row| row.threat)
        .text("DetectionMethods", |row| detection(row.threat));
    report_id(&mut columns, |row| (&row.message, row.time));
    columns.finish()
}

fn clicks(world: &World) -> RecordBatch {
    let accounts = &world.company.accounts;
    let mut columns = Columns::of(&world.mail.clicks);
    columns
        .time("Timestamp", |row| row.time)
        .text("Url", |row| &row.url)
        .text("ActionType", |row| {
            if row.allowed {
                "ClickAllowed"
            } else {
                "ClickBlocked"
            }
        })
        .text("AccountUpn", move |row| &accounts[row.account].upn)
        .text("Workload", |_| "Email")
        .text("NetworkMessageId", |row| &row.message)
        .text("ThreatTypes", |row| if row.allowed { "" } else { "Phish" })
        .written("IPAddress", |row, text| write_address(text, row.address))
        .bool("IsClickedThrough", |row| Some(row.allowed))
        .written("UrlChain", |row, text| {
            let _ = write!(text, "[\"{}\"]", row.url);
        })
        .text("AppName", |_| "Mail")
        .text("AppVersion", |_| "0.0.0000")
        .text("TenantId", |_| TENANT)
        .text("Type", |_| "UrlClickEvents")
        .time("TimeGenerated", |row| row.time + SECOND);
    report_id(&mut columns, |row| (&row.message, row.time));
    columns.finish()
}

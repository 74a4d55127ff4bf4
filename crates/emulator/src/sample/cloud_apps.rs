//! Activities in cloud apps, and the apps that people have let in.

use std::{fmt::Write, net::Ipv4Addr};

use arrow::array::RecordBatch;

use super::{
    calendar::Calendar, columns::Columns, company::TENANT, endpoint_tables::write_address,
    identity::Place, software::Text, world::World,
};

/// What the cloud services saw.
#[derive(Debug, Default)]
pub(super) struct Tenant {
    pub(super) activities: Vec<Activity>,
    pub(super) apps: Vec<App>,
}

/// Something that an account did in a cloud app.
#[derive(Debug)]
pub(super) struct Activity {
    pub(super) time: i64,
    pub(super) action: &'static str,
    pub(super) application: Application,
    pub(super) account: usize,
    pub(super) address: Ipv4Addr,
    pub(super) place: Place,
    pub(super) agent: &'static str,
    pub(super) object: (&'static str, Text),
    /// Members of the raw event as JSON, after those that every event has.
    pub(super) details: Text,
    /// The app that acted for the account.
    pub(super) through: Text,
}

/// The app an activity took place in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Application {
    Exchange,
    SharePoint,
    OneDrive,
    Teams,
    Office,
}

impl Application {
    fn name(self) -> &'static str {
        match self {
            Self::Exchange => "Microsoft Exchange Online",
            Self::SharePoint => "Microsoft SharePoint Online",
            Self::OneDrive => "Microsoft OneDrive for Business",
            Self::Teams => "Microsoft Teams",
            Self::Office => "Microsoft 365",
        }
    }

    fn id(self) -> i32 {
        match self {
            Self::Exchange => 20_893,
            Self::SharePoint => 20_892,
            Self::OneDrive => 15_600,
            Self::Teams => 28_375,
            Self::Office => 11_161,
        }
    }

    fn workload(self) -> &'static str {
        match self {
            Self::Exchange => "Exchange",
            Self::SharePoint => "SharePoint",
            Self::OneDrive => "OneDrive",
            Self::Teams => "MicrosoftTeams",
            Self::Office => "AzureActiveDirectory",
        }
    }
}

/// An app that was given access.
#[derive(Clone, Debug)]
pub(super) struct App {
    pub(super) time: i64,
    pub(super) id: String,
    pub(super) principal: String,
    pub(super) name: &'static str,
    pub(super) added: i64,
    pub(super) publisher: &'static str,
    pub(super) privilege: &'static str,
    pub(super) permissions: &'static [&'static str],
    pub(super) users: i32,
    pub(super) by_admin: bool,
    pub(super) origin: &'static str,
    pub(super) owner: String,
}

impl Tenant {
    /// Drops what lies outside of the window and puts the rest in order.
    pub(super) fn settle(&mut self, calendar: Calendar) {
        self.activities.retain(|row| calendar.contains(row.time));
        self.activities.sort_by_key(|row| row.time);
        self.apps.retain(|row| calendar.contains(row.time));
        self.apps.sort_by_key(|row| row.time);
    }
}

/// Adds the tables about cloud apps.
pub(super) fn tables(world: &World, add: &mut impl FnMut(&str, RecordBatch)) {
    add("CloudAppEvents", activities(world));
    add("OAuthAppInfo", apps(world));
}

fn activities(world: &World) -> RecordBatch {
    let account = move |row: &Activity| &world.company.accounts[row.account];
    let mut columns = Columns::of(&world.cloud.activities);
    columns
        .time("Timestamp", |row| row.time)
        .text("ActionType", |row| row.action)
        .text("Application", |row| row.application.name())
        .int("ApplicationId", |row| Some(row.application.id()))
        .int("AppInstanceId", |_| Some(0))
        .text("AccountObjectId", move |row| &account(row).object_id)
        .text("AccountId", move |row| &account(row).upn)
        .text("AccountDisplayName", move |row| &account(row).display)
        .bool("IsAdminOperation", |row| Some(row.action.starts_with("Consent")))
        .text("DeviceType", |_| "Desktop")
        .text("OSPlatform", |row| if row.agent.contains("Windows NT") { "Windows 10" } else { "" })
        .written("IPAddress", |row, text| write_address(text, row.address))
        .bool("IsAnonymousProxy", |_| Some(false))
        .text("CountryCode", |row| row.place.0)
        .text("City", |row| row.place.1)
        .text("Isp", |row| if row.place.0 == "IS" { "Adatum Hosting" } else { "Proseware Telecom" })
        .text("UserAgent", |row| row.agent)
        .text("ActivityType", |row| match row.action {
            "FileDownloaded" => "Download",
            "FileUploaded" => "Upload",
            "New-InboxRule" => "Create",
            "FileModified" => "Edit",
            "MailItemsAccessed" | "FileAccessed" => "View",
            _ => "Basic",
        })
        .written("ActivityObjects", move |row, text| {
            let _ = write!(
                text,
                "[{{\"Type\":\"{}\",\"Role\":\"Target object\",\"Name\":\"{}\"}},{{\"Type\":\"Account\",\
                 \"Role\":\"Actor\",\"Id\":\"{}\"}}]",
                row.object.0,
                row.object.1,
                account(row).object_id
            );
        })
        .text("ObjectName", |row| &row.object.1)
        .text("ObjectType", |row| row.object.0)
        .text("AccountType", |_| "Regular")
        .bool("IsExternalUser", |_| Some(false))
        .bool("IsImpersonated", |_| Some(false))
        .text("IPTags", |_| "[]")
        .text("IPCategory", |row| if row.place.0 == "IS" { "Cloud provider" } else { "Corporate" })
        .text("UserAgentTags", |_| "[]")
        .written("RawEventData", move |row, text| {
            let _ = write!(
                text,
                "{{\"Operation\":\"{}\",\"OrganizationId\":\"{TENANT}\",\"UserId\":\"{}\",\
                 \"Workload\":\"{}\",\"ClientIP\":\"{}\",\"ObjectId\":\"{}\"",
                row.action,
                account(row).upn,
                row.application.workload(),
                row.address,
                row.object.1
            );
            if !row.details.is_empty() {
                text.push(',');
                text.push_str(&row.details);
            }
            text.push('}');
        })
        .text("AdditionalFields", |_| "{}")
        .text("LastSeenForUser", |row| match row.place.0 {
            "IS" => "{\"ActionType\":4,\"CountryCode\":-1,\"ISP\":-1}",
            _ => "{\"ActionType\":0,\"CountryCode\":0,\"ISP\":0}",
        })
        .text("UncommonForUser", |row| match row.place.0 {
            "IS" => "[\"CountryCode\",\"ISP\",\"UserAgent\"]",
            _ => "[]",
        })
        .text("AuditSource", |_| "Defender for Cloud Apps app connector")
        .text("OAuthAppId", |row| &row.through)
        .written("ReportId", |row, text| {
            let _ = write!(text, "{}_{}", row.time / 100, row.application.id());
        });
    columns.finish()
}

fn apps(world: &World) -> RecordBatch {
    let now = world.calendar.now;
    let mut columns = Columns::of(&world.cloud.apps);
    columns
        .time("Timestamp", |row| row.time)
        .written("ReportId", |row, text| {
            let _ = write!(text, "{}_{}", row.id, row.time / 1_000_000_000);
        })
        .text("OAuthAppId", |row| &row.id)
        .text("ServicePrincipalId", |row| &row.principal)
        .text("AppName", |row| row.name)
        .time("AddedOnTime", |row| row.added)
        .time("LastModifiedTime", |row| row.added)
        .text("AppStatus", |_| "Enabled")
        .written("VerifiedPublisher", |row, text| {
            if row.publisher.is_empty() {
                text.push_str("{}");
            } else {
                let _ = write!(text, "{{\"displayName\":\"{}\"}}", row.publisher);
            }
        })
        .text("PrivilegeLevel", |row| row.privilege)
        .written("Permissions", |row, text| {
            text.push('[');
            for (place, permission) in row.permissions.iter().enumerate() {
                let comma = if place == 0 { "" } else { "," };
                let _ = write!(
                    text,
                    "{comma}{{\"PermissionValue\":\"{permission}\",\"PermissionType\":\"Delegated\",\
                     \"TargetAppDisplayName\":\"Microsoft Graph\"}}"
                );
            }
            text.push(']');
        })
        .int("ConsentedUsersCount", |row| Some(row.users))
        .bool("IsAdminConsented", |row| Some(row.by_admin))
        .text("AppOrigin", |row| row.origin)
        .time("LastUsedTime", move |row| row.time.min(now))
        .text("AppOwnerTenantId", |row| &row.owner);
    columns.finish()
}

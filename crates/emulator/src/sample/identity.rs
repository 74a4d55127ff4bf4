//! Accounts, their sign-ins on premises and in the cloud, and what is asked of the directory.

use std::{fmt::Write, net::Ipv4Addr};

use arrow::array::RecordBatch;

use super::{
    calendar::{Calendar, DAY, HOUR},
    columns::Columns,
    company::{Account, PEOPLE, SITES, TENANT},
    endpoint_tables::write_address,
    software::Text,
    world::World,
};

/// What identity services saw.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) logons: Vec<DirectoryLogon>,
    pub(super) changes: Vec<DirectoryChange>,
    pub(super) queries: Vec<DirectoryQuery>,
    pub(super) sign_ins: Vec<SignIn>,
}

/// An authentication that a domain controller or Microsoft Entra ID saw.
#[derive(Debug)]
pub(super) struct DirectoryLogon {
    pub(super) time: i64,
    pub(super) application: &'static str,
    pub(super) kind: &'static str,
    pub(super) protocol: &'static str,
    pub(super) failure: &'static str,
    pub(super) account: usize,
    pub(super) device: Option<usize>,
    pub(super) address: Ipv4Addr,
    pub(super) destination: Option<usize>,
    pub(super) location: &'static str,
}

/// A change in the directory.
#[derive(Debug)]
pub(super) struct DirectoryChange {
    pub(super) time: i64,
    pub(super) action: &'static str,
    pub(super) account: usize,
    pub(super) target: usize,
    pub(super) device: usize,
    pub(super) additional: Text,
}

/// A question to the directory.
#[derive(Debug)]
pub(super) struct DirectoryQuery {
    pub(super) time: i64,
    pub(super) action: &'static str,
    pub(super) kind: &'static str,
    pub(super) target: Text,
    pub(super) query: Text,
    pub(super) account: usize,
    pub(super) device: usize,
}

/// A sign-in to Microsoft Entra ID.
#[derive(Clone, Debug)]
pub(super) struct SignIn {
    pub(super) time: i64,
    pub(super) application: (&'static str, Text),
    pub(super) interactive: bool,
    pub(super) error: i32,
    pub(super) account: usize,
    pub(super) address: Ipv4Addr,
    pub(super) place: Place,
    pub(super) session: String,
    pub(super) device: Option<usize>,
    pub(super) agent: &'static str,
    pub(super) client: &'static str,
    pub(super) resource: &'static str,
    pub(super) risk: i32,
    pub(super) mfa: bool,
    pub(super) request: String,
}

/// Where an address is said to be: country, city, latitude, longitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) &'static str,
);

impl Place {
    /// Where a site of Contoso is.
    pub(super) fn site(site: usize) -> Self {
        let site = &SITES[site];
        Self(site.country, site.city, site.latitude, site.longitude)
    }
}

impl Directory {
    /// Drops what lies outside of the window and puts the rest in order.
    pub(super) fn settle(&mut self, calendar: Calendar) {
        macro_rules! settle {
            ($($rows:ident)*) => {$(
                self.$rows.retain(|row| calendar.contains(row.time));
                self.$rows.sort_by_key(|row| row.time);
            )*};
        }
        settle!(logons changes queries sign_ins);
    }
}

/// Adds the tables about identities.
pub(super) fn tables(world: &World, add: &mut impl FnMut(&str, RecordBatch)) {
    add("IdentityInfo", info(world));
    add("IdentityLogonEvents", logons(world));
    add("IdentityDirectoryEvents", changes(world));
    add("IdentityQueryEvents", queries(world));
    add("EntraIdSignInEvents", sign_ins(world));
}

fn info(world: &World) -> RecordBatch {
    let company = &world.company;
    let calendar = world.calendar;
    let mut rows = Vec::new();
    // Each account is written once in two weeks and whenever it changes.
    for back in [29, 15, 1] {
        for (place, account) in company.accounts_of_entra() {
            let shift = i64::try_from(place).unwrap_or(0) * 91_000_100;
            let person = place
                .checked_sub(PEOPLE)
                .map(|person| &company.people[person]);
            rows.push((calendar.day(back) + 3 * HOUR + shift, account, person));
        }
    }
    rows.retain(|row| calendar.contains(row.0));
    let is_admin = |account: &Account| account.name.starts_with("adm-");
    let mut columns = Columns::of(&rows);
    columns
        .time("Timestamp", |row| row.0)
        .written("ReportId", |row, text| {
            let _ = write!(text, "{}_{}", row.1.object_id, row.0 / 1_000_000_000);
        })
        .text("AccountObjectId", |row| row.1.object_id.as_str())
        .text("AccountUpn", |row| row.1.upn.as_str())
        .text("OnPremSid", |row| row.1.sid.as_str())
        .text("AccountDisplayName", |row| row.1.display.as_str())
        .text("AccountName", |row| row.1.name.as_str())
        .text("AccountDomain", |_| "contoso.com")
        .int("CriticalityLevel", move |row| is_admin(row.1).then_some(1))
        .text("Type", |row| {
            if row.1.name.starts_with("svc-") {
                "ServiceAccount"
            } else {
                "User"
            }
        })
        .written("DistinguishedName", |row, text| {
            let unit = if row.2.is_some() { "People" } else { "Service" };
            let _ = write!(text, "CN={},OU={unit},DC=contoso,DC=com", row.1.display);
        })
        .text("GivenName", |row| row.2.map_or("", |person| person.given))
        .text("Surname", |row| row.2.map_or("", |person| person.surname))
        .text("Department", |row| {
            row.2.map_or("", |person| person.department)
        })
        .text("JobTitle", |row| row.2.map_or("", |person| person.title))
        .text("EmailAddress", |row| row.1.upn.as_str())
        .text("City", |row| {
            row.2.map_or("", |person| SITES[person.site].city)
        })
        .text("Country", |row| {
            row.2.map_or("", |person| SITES[person.site].country)
        })
        .bool("IsAccountEnabled", |_| Some(true))
        .text("Manager", |row| match row.2 {
            Some(person) if person.department != "Executive" => {
                &world.company.accounts[PEOPLE].display
            }
            _ => "",
        })
        .text("Phone", |row| {
            row.2.map_or("", |person| person.phone.as_str())
        })
        .time("CreatedDateTime", move |_| calendar.start - 400 * DAY)
        .text("CompanyName", |_| "Contoso")
        .text("TenantId", |_| TENANT)
        .text("SourceProviders", |_| "[\"ActiveDirectory\",\"EntraID\"]")
        .text("AssignedRoles", move |row| {
            if is_admin(row.1) {
                "[\"Helpdesk Administrator\"]"
            } else {
                "[]"
            }
        })
        .text("GroupMembership", move |row| {
            if is_admin(row.1) {
                "[\"Domain Users\",\"Server Operators\",\"Workstation Admins\"]"
            } else {
                "[\"Domain Users\"]"
            }
        })
        .text("Tags", |_| "[]");
    columns.finish()
}

/// The columns about the account that did it.
fn account<'a, R>(columns: &mut Columns<'a, R>, world: &'a World, of: impl Fn(&R) -> usize + Copy) {
    let account = move |row: &R| &world.company.accounts[of(row)];
    columns
        .text("AccountName", move |row| &account(row).name)
        .text("AccountDomain", move |row| account(row).domain)
        .text("AccountUpn", move |row| &account(row).upn)
        .text("AccountSid", move |row| &account(row).sid)
        .text("AccountObjectId", move |row| &account(row).object_id)
        .text("AccountDisplayName", move |row| &account(row).display);
}

/// A report id as the identity tables have it: text.
fn report_id<R>(columns: &mut Columns<'_, R>, time: impl Fn(&R) -> i64) {
    columns.written("ReportId", move |row, text| {
        let time = time(row);
        let _ = write!(
            text,
            "{:x}-{:x}",
            time / 100,
            super::random::mix(time.unsigned_abs())
        );
    });
}

fn logons(world: &World) -> RecordBatch {
    let devices = &world.company.devices;
    let name =
        move |device: Option<usize>| device.map_or("", |device| devices[device].name.as_str());
    let mut columns = Columns::of(&world.identity.logons);
    columns
        .time("Timestamp", |row| row.time)
        .text("ActionType", |row| {
            if row.failure.is_empty() {
                "LogonSuccess"
            } else {
                "LogonFailed"
            }
        })
        .text("Application", |row| row.application)
        .text("LogonType", |row| row.kind)
        .text("Protocol", |row| row.protocol)
        .text("FailureReason", |row| row.failure);
    account(&mut columns, world, |row| row.account);
    columns
        .text("DeviceName", move |row| name(row.device))
        .text("DeviceType", |row| {
            if row.device.is_some() {
                "Workstation"
            } else {
                ""
            }
        })
        .text("OSPlatform", |row| {
            if row.device.is_some() {
                "Windows11"
            } else {
                ""
            }
        })
        .written("IPAddress", |row, text| write_address(text, row.address))
        .text("DestinationDeviceName", move |row| name(row.destination))
        .written("DestinationIPAddress", move |row, text| {
            if let Some(device) = row.destination {
                write_address(text, world.company.address(device, row.time));
            }
        })
        .int("DestinationPort", |row| row.destination.map(|_| 88))
        .text("TargetDeviceName", move |row| name(row.destination))
        .text("Location", |row| row.location)
        .text("AdditionalFields", |row| match row.protocol {
            "Ntlm" => "{\"Category\":\"Lateral Movement\",\"FROM.DEVICE\":\"\"}",
            _ => "{}",
        });
    report_id(&mut columns, |row| row.time);
    columns.finish()
}

fn changes(world: &World) -> RecordBatch {
    let company = &world.company;
    let mut columns = Columns::of(&world.identity.changes);
    columns
        .time("Timestamp", |row| row.time)
        .text("ActionType", |row| row.action)
        .text("Application", |_| "Active Directory")
        .text("TargetAccountUpn", move |row| {
            &company.accounts[row.target].upn
        })
        .text("TargetAccountDisplayName", move |row| {
            &company.accounts[row.target].display
        })
        .text("DestinationDeviceName", |_| "dc01.contoso.com")
        .text("DestinationIPAddress", |_| "10.10.0.15")
        .text("Protocol", |_| "Ldap");
    account(&mut columns, world, |row| row.account);
    columns
        .text("DeviceName", move |row| &company.devices[row.device].name)
        .written("IPAddress", move |row, text| {
            write_address(text, company.address(row.device, row.time));
        })
        .text("AdditionalFields", |row| &row.additional);
    report_id(&mut columns, |row| row.time);
    columns.finish()
}

fn queries(world: &World) -> RecordBatch {
    let company = &world.company;
    let mut columns = Columns::of(&world.identity.queries);
    columns
        .time("Timestamp", |row| row.time)
        .text("ActionType", |row| row.action)
        .text("Application", |_| "Active Directory")
        .text("QueryType", |row| row.kind)
        .text("QueryTarget", |row| &row.target)
        .text("Query", |row| &row.query)
        .text("Protocol", |row| match row.action {
            "LDAP query" => "Ldap",
            "SAMR query" => "Samr",
            _ => "Dns",
        });
    account(&mut columns, world, |row| row.account);
    columns
        .text("DeviceName", move |row| &company.devices[row.device].name)
        .written("IPAddress", move |row, text| {
            write_address(text, company.address(row.device, row.time));
        })
        .text("DestinationDeviceName", |_| "dc01.contoso.com")
        .text("DestinationIPAddress", |_| "10.10.0.15")
        .int("DestinationPort", |row| match row.action {
            "LDAP query" => Some(389),
            "SAMR query" => Some(445),
            _ => Some(53),
        })
        .text("AdditionalFields", |_| "{}");
    report_id(&mut columns, |row| row.time);
    columns.finish()
}

fn sign_ins(world: &World) -> RecordBatch {
    let company = &world.company;
    let account = move |row: &SignIn| &company.accounts[row.account];
    let device = move |row: &SignIn| row.device.map(|device| &company.devices[device]);
    let mut columns = Columns::of(&world.identity.sign_ins);
    columns
        .time("Timestamp", |row| row.time)
        .text("Application", |row| row.application.0)
        .text("ApplicationId", |row| &row.application.1)
        .text("LogonType", |row| {
            if row.interactive {
                "[\"interactiveUser\"]"
            } else {
                "[\"nonInteractiveUser\"]"
            }
        })
        .int("ErrorCode", |row| Some(row.error))
        .text("CorrelationId", |row| &row.request)
        .text("SessionId", |row| &row.session)
        .text("AccountDisplayName", move |row| &account(row).display)
        .text("AccountObjectId", move |row| &account(row).object_id)
        .text("AccountUpn", move |row| &account(row).upn)
        .bool("IsConfidentialClient", |_| Some(false))
        .int("IsExternalUser", |_| Some(0))
        .bool("IsGuestUser", |_| Some(false))
        .text("ResourceDisplayName", |row| row.resource)
        .text("ResourceTenantId", |_| TENANT)
        .text("DeviceName", move |row| {
            device(row).map_or("", |device| &device.name)
        })
        .text("EntraIdDeviceId", move |row| {
            device(row).map_or("", |device| &device.entra_id)
        })
        .text("OSPlatform", |row| {
            if row.device.is_some() {
                "Windows 11"
            } else {
                ""
            }
        })
        .text("DeviceTrustType", |row| match row.device {
            Some(_) => "Hybrid Azure AD joined",
            None => "",
        })
        .int("IsManaged", |row| Some(i32::from(row.device.is_some())))
        .int("IsCompliant", |row| Some(i32::from(row.device.is_some())))
        .text("AuthenticationRequirement", |row| {
            if row.mfa {
                "multiFactorAuthentication"
            } else {
                "singleFactorAuthentication"
            }
        })
        .int("TokenIssuerType", |_| Some(0))
        .int("RiskLevelAggregated", |row| Some(row.risk))
        .int("RiskDetails", |_| Some(0))
        .int("RiskState", |row| Some(if row.risk > 10 { 4 } else { 0 }))
        .text("UserAgent", |row| row.agent)
        .text("ClientAppUsed", |row| row.client)
        .text("Browser", |row| match row.agent {
            agent if agent.contains("Edg/142") => "Edge 142.0.0",
            agent if agent.contains("Edg/141") => "Edge 141.0.0",
            _ => "",
        })
        .int("ConditionalAccessStatus", |row| {
            Some(i32::from(row.error == 53_003))
        })
        .written("IPAddress", |row, text| write_address(text, row.address))
        .text("Country", |row| row.place.0)
        .text("City", |row| row.place.1)
        .text("Latitude", |row| row.place.2)
        .text("Longitude", |row| row.place.3)
        .text("RequestId", |row| &row.request);
    report_id(&mut columns, |row| row.time);
    columns.finish()
}

//! The tables of device events as columns.

use std::{fmt::Write, net::Ipv4Addr};

use arrow::array::RecordBatch;

use super::{
    calendar::DAY,
    columns::Columns,
    company::{Account, Device},
    events::{Connection, Event, FileChange, Load, Logon, Process, RegistryChange, Source},
    software::{Content, Image, Software},
    world::World,
};

/// Adds the tables of device events.
pub(super) fn tables(world: &World, add: &mut impl FnMut(&str, RecordBatch)) {
    add("DeviceProcessEvents", processes(world));
    add("DeviceNetworkEvents", connections(world));
    add("DeviceFileEvents", files(world));
    add("DeviceRegistryEvents", registry(world));
    add("DeviceLogonEvents", logons(world));
    add("DeviceImageLoadEvents", loads(world));
    add("DeviceEvents", events(world));
    add("DeviceFileCertificateInfo", certificates(world));
}

/// A row that a process caused, which is most of what devices report.
trait Caused {
    fn time(&self) -> i64;
    fn actor(&self) -> usize;
    fn action(&self) -> &str;
}

macro_rules! caused {
    ($($row:ty => |$self:ident| $action:expr;)*) => {$(
        impl Caused for $row {
            fn time(&self) -> i64 {
                self.time
            }
            fn actor(&self) -> usize {
                self.actor
            }
            fn action(&self) -> &str {
                let $self = self;
                $action
            }
        }
    )*};
}

caused! {
    Connection => |row| row.action;
    FileChange => |row| row.action;
    RegistryChange => |row| row.action;
    Event => |row| row.action;
    Logon => |row| if row.failure.is_empty() { "LogonSuccess" } else { "LogonFailed" };
    Load => |_row| "ImageLoaded";
}

/// A created process with what is known about its parent.
struct Created<'w> {
    process: &'w Process,
    parent: usize,
}

impl Caused for Created<'_> {
    fn time(&self) -> i64 {
        self.process.created
    }
    fn actor(&self) -> usize {
        self.parent
    }
    fn action(&self) -> &'static str {
        "ProcessCreated"
    }
}

/// What the columns look things up in.
#[derive(Clone, Copy)]
struct Lookup<'w>(&'w World);

impl<'w> Lookup<'w> {
    fn process(self, place: usize) -> &'w Process {
        &self.0.processes[place]
    }
    fn image(self, process: &Process) -> &'w Image {
        &self.0.software.images[process.image]
    }
    fn content(self, place: usize) -> &'w Content {
        &self.0.contents[place]
    }
    fn account(self, process: &Process) -> &'w Account {
        &self.0.company.accounts[process.account]
    }
    fn device(self, place: usize) -> &'w Device {
        &self.0.company.devices[place]
    }
}

/// An address; nothing for the one that stands for none.
pub(super) fn write_address(text: &mut String, address: Ipv4Addr) {
    if !address.is_unspecified() {
        // Writing to a string does not fail.
        let _ = write!(text, "{address}");
    }
}

/// The part of a path after the last separator.
fn file_name(path: &str) -> &str {
    path.rsplit(['\\', '/']).next().unwrap_or(path)
}

fn write_unique(text: &mut String, process: &Process) {
    let device = i64::try_from(process.device).unwrap_or(0);
    let _ = write!(
        text,
        "{}",
        (process.created / 100 - device) % (400 * DAY) + process.id
    );
}

/// The columns that begin every table: when, where, what.
fn begin<'a, R: Caused>(columns: &mut Columns<'a, R>, world: &'a World) {
    let look = Lookup(world);
    let device = move |row: &R| look.device(look.process(row.actor()).device);
    columns
        .time("Timestamp", R::time)
        .text("DeviceId", move |row| &device(row).id)
        .text("DeviceName", move |row| &device(row).name)
        .text("ActionType", R::action)
        .report_id();
}

/// Who or what did it: the columns that start with `InitiatingProcess`.
fn actor<'a, R: Caused>(columns: &mut Columns<'a, R>, world: &'a World) {
    let look = Lookup(world);
    let process = move |row: &R| look.process(row.actor());
    let account = move |row: &R| look.account(process(row));
    let image = move |row: &R| look.image(process(row));
    let content = move |row: &R| look.content(image(row).content);
    let parent = move |row: &R| process(row).parent.map(|place| look.process(place));
    columns
        .text("InitiatingProcessAccountDomain", move |row| {
            account(row).domain
        })
        .text("InitiatingProcessAccountName", move |row| {
            &account(row).name
        })
        .text("InitiatingProcessAccountSid", move |row| &account(row).sid)
        .text("InitiatingProcessAccountUpn", move |row| &account(row).upn)
        .text("InitiatingProcessAccountObjectId", move |row| {
            &account(row).object_id
        })
        .text("InitiatingProcessSHA1", move |row| content(row).sha1())
        .text("InitiatingProcessSHA256", move |row| content(row).sha256())
        .text("InitiatingProcessMD5", move |row| content(row).md5())
        .text("InitiatingProcessFileName", move |row| &image(row).name)
        .text("InitiatingProcessFolderPath", move |row| &image(row).path)
        .long("InitiatingProcessFileSize", move |row| content(row).size)
        .text("InitiatingProcessVersionInfoCompanyName", move |row| {
            image(row).maker.company
        })
        .text("InitiatingProcessVersionInfoProductName", move |row| {
            image(row).maker.product
        })
        .text("InitiatingProcessVersionInfoProductVersion", move |row| {
            image(row).maker.version
        })
        .text("InitiatingProcessVersionInfoInternalFileName", move |row| {
            &image(row).internal_name
        })
        .text("InitiatingProcessVersionInfoOriginalFileName", move |row| {
            &image(row).original_name
        })
        .text("InitiatingProcessVersionInfoFileDescription", move |row| {
            image(row).description
        })
        .long("InitiatingProcessId", move |row| process(row).id)
        .text("InitiatingProcessCommandLine", move |row| {
            &process(row).command
        })
        .time("InitiatingProcessCreationTime", move |row| {
            process(row).created
        })
        .long_or("InitiatingProcessParentId", move |row| {
            parent(row).map(|parent| parent.id)
        })
        .text("InitiatingProcessParentFileName", move |row| {
            parent(row).map_or("", |parent| look.image(parent).name.as_ref())
        })
        .time_or("InitiatingProcessParentCreationTime", move |row| {
            parent(row).map(|parent| parent.created)
        })
        .long("InitiatingProcessSessionId", move |row| {
            process(row).session
        })
        .bool("IsInitiatingProcessRemoteSession", move |row| {
            Some(process(row).remote.is_some())
        })
        .text("InitiatingProcessRemoteSessionDeviceName", move |row| {
            process(row)
                .remote
                .map_or("", |device| world.company.short_name(device))
        })
        .written("InitiatingProcessUniqueId", move |row, text| {
            write_unique(text, process(row));
        });
}

/// The two columns about the token of the process that did it, which most tables have.
fn token<'a, R: Caused>(columns: &mut Columns<'a, R>, world: &'a World) {
    let look = Lookup(world);
    let process = move |row: &R| look.process(row.actor());
    columns
        .text("InitiatingProcessIntegrityLevel", move |row| {
            process(row).integrity
        })
        .text("InitiatingProcessTokenElevation", move |row| {
            process(row).elevation()
        });
}

fn processes(world: &World) -> RecordBatch {
    let look = Lookup(world);
    let mut rows: Vec<Created<'_>> = world
        .processes
        .iter()
        .filter(|process| world.calendar.contains(process.created))
        .filter_map(|process| process.parent.map(|parent| Created { process, parent }))
        .collect();
    rows.sort_by_key(|row| row.process.created);
    let image = move |row: &Created<'_>| look.image(row.process);
    let content = move |row: &Created<'_>| look.content(image(row).content);
    let account = move |row: &Created<'_>| look.account(row.process);
    let mut columns = Columns::of(&rows);
    begin(&mut columns, world);
    columns
        .text("FileName", move |row| &image(row).name)
        .text("FolderPath", move |row| &image(row).path)
        .text("SHA1", move |row| content(row).sha1())
        .text("SHA256", move |row| content(row).sha256())
        .text("MD5", move |row| content(row).md5())
        .long("FileSize", move |row| content(row).size)
        .text("ProcessVersionInfoCompanyName", move |row| {
            image(row).maker.company
        })
        .text("ProcessVersionInfoProductName", move |row| {
            image(row).maker.product
        })
        .text("ProcessVersionInfoProductVersion", move |row| {
            image(row).maker.version
        })
        .text("ProcessVersionInfoInternalFileName", move |row| {
            &image(row).internal_name
        })
        .text("ProcessVersionInfoOriginalFileName", move |row| {
            &image(row).original_name
        })
        .text("ProcessVersionInfoFileDescription", move |row| {
            image(row).description
        })
        .long("ProcessId", |row| row.process.id)
        .text("ProcessCommandLine", |row| &row.process.command)
        .text("ProcessIntegrityLevel", |row| row.process.integrity)
        .text("ProcessTokenElevation", |row| row.process.elevation())
        .time("ProcessCreationTime", |row| row.process.created)
        .text("AccountDomain", move |row| account(row).domain)
        .text("AccountName", move |row| &account(row).name)
        .text("AccountSid", move |row| &account(row).sid)
        .text("AccountUpn", move |row| &account(row).upn)
        .text("AccountObjectId", move |row| &account(row).object_id)
        .long("LogonId", |row| row.process.logon)
        .long("CreatedProcessSessionId", |row| row.process.session)
        .bool("IsProcessRemoteSession", |row| {
            Some(row.process.remote.is_some())
        })
        .written("ProcessUniqueId", |row, text| {
            write_unique(text, row.process);
        })
        .long("InitiatingProcessLogonId", move |row| {
            look.process(row.parent).logon
        })
        .text("InitiatingProcessSignerType", move |row| {
            match look.image(look.process(row.parent)).maker.signer {
                "" => "Unknown",
                signer if signer.starts_with("Microsoft") => "OsVendor",
                _ => "Pca",
            }
        })
        .text("InitiatingProcessSignatureStatus", move |row| {
            let signer = look.image(look.process(row.parent)).maker.signer;
            if signer.is_empty() {
                "Unsigned"
            } else {
                "Valid"
            }
        })
        .text("AdditionalFields", |_| "");
    actor(&mut columns, world);
    token(&mut columns, world);
    columns.finish()
}

fn connections(world: &World) -> RecordBatch {
    let mut columns = Columns::of(&world.connections);
    begin(&mut columns, world);
    let reach = |address: Ipv4Addr| {
        if address.is_private() {
            "Private"
        } else {
            "Public"
        }
    };
    columns
        .written("RemoteIP", |row, text| write_address(text, row.remote))
        .int("RemotePort", |row| Some(row.port))
        .text("RemoteUrl", |row| &row.url)
        .written("LocalIP", |row, text| write_address(text, row.local))
        .int("LocalPort", |row| Some(row.local_port))
        .text("Protocol", |row| row.protocol)
        .text("LocalIPType", move |row| reach(row.local))
        .text("RemoteIPType", move |row| reach(row.remote))
        .text("AdditionalFields", |_| "");
    actor(&mut columns, world);
    token(&mut columns, world);
    columns.finish()
}

fn files(world: &World) -> RecordBatch {
    let look = Lookup(world);
    let mut columns = Columns::of(&world.files);
    begin(&mut columns, world);
    let content = move |row: &FileChange| look.content(row.content);
    let asked = move |row: &FileChange| {
        row.request
            .map(|(account, ..)| &world.company.accounts[account])
    };
    columns
        .text("FileName", |row| file_name(&row.path))
        .text("FolderPath", |row| &row.path)
        .text("SHA1", move |row| content(row).sha1())
        .text("SHA256", move |row| content(row).sha256())
        .text("MD5", move |row| content(row).md5())
        .long("FileSize", move |row| content(row).size)
        .text("FileOriginUrl", |row| &row.origin)
        .text("FileOriginReferrerUrl", |row| &row.referrer)
        .written("FileOriginIP", |row, text| {
            write_address(text, row.origin_ip.unwrap_or(Ipv4Addr::UNSPECIFIED));
        })
        .text("PreviousFolderPath", |row| &row.previous)
        .text("PreviousFileName", |row| file_name(&row.previous))
        .text("RequestProtocol", |row| {
            if row.request.is_some() {
                "SMB"
            } else {
                "Local"
            }
        })
        .written("RequestSourceIP", move |row, text| {
            if let Some((_, device, _)) = row.request {
                write_address(text, world.company.address(device, row.time));
            }
        })
        .text("RequestAccountName", move |row| {
            asked(row).map_or("", |account| &account.name)
        })
        .text("RequestAccountDomain", move |row| {
            asked(row).map_or("", |account| account.domain)
        })
        .text("RequestAccountSid", move |row| {
            asked(row).map_or("", |account| &account.sid)
        })
        .text("ShareName", |row| {
            row.request.map_or("", |(.., share)| share)
        })
        .text("AdditionalFields", |_| "");
    actor(&mut columns, world);
    token(&mut columns, world);
    columns.finish()
}

fn registry(world: &World) -> RecordBatch {
    let mut columns = Columns::of(&world.registry);
    begin(&mut columns, world);
    columns
        .text("RegistryKey", |row| &row.key)
        .text("RegistryValueType", |row| match row.data.as_ref() {
            "Binary Data" => "Binary",
            data if data.len() < 3 && data.bytes().all(|byte| byte.is_ascii_digit()) => "Dword",
            _ => "String",
        })
        .text("RegistryValueName", |row| &row.value)
        .text("RegistryValueData", |row| &row.data)
        .text("PreviousRegistryKey", |_| "")
        .text("PreviousRegistryValueName", |_| "")
        .text("PreviousRegistryValueData", |row| &row.previous);
    actor(&mut columns, world);
    token(&mut columns, world);
    columns.finish()
}

fn logons(world: &World) -> RecordBatch {
    let mut columns = Columns::of(&world.logons);
    begin(&mut columns, world);
    let account = move |row: &Logon| &world.company.accounts[row.account];
    let address = move |row: &Logon| match row.source {
        Source::Here => None,
        Source::Device(device) => Some(world.company.address(device, row.time)),
        Source::Outside(address) => Some(address),
    };
    columns
        .text("LogonType", |row| row.kind)
        .text("AccountDomain", move |row| account(row).domain)
        .text("AccountName", move |row| &account(row).name)
        .text("AccountSid", move |row| &account(row).sid)
        .text("Protocol", |row| row.protocol)
        .text("FailureReason", |row| row.failure)
        .bool("IsLocalAdmin", |row| {
            row.failure.is_empty().then_some(row.admin)
        })
        .long(
            "LogonId",
            |row| if row.failure.is_empty() { row.id } else { 0 },
        )
        .text("RemoteDeviceName", move |row| match row.source {
            Source::Device(device) => world.company.short_name(device),
            Source::Here | Source::Outside(_) => "",
        })
        .written("RemoteIP", move |row, text| {
            write_address(text, address(row).unwrap_or(Ipv4Addr::UNSPECIFIED));
        })
        .text("RemoteIPType", move |row| match address(row) {
            None => "",
            Some(address) if address.is_private() => "Private",
            Some(_) => "Public",
        })
        .int("RemotePort", move |row| address(row).is_some().then_some(0))
        .text("AdditionalFields", |row| match (row.source, row.failure) {
            (Source::Here, "") => "{\"IsLocalLogon\":true}",
            _ => "{\"IsLocalLogon\":false}",
        });
    actor(&mut columns, world);
    token(&mut columns, world);
    columns.finish()
}

fn loads(world: &World) -> RecordBatch {
    let mut columns = Columns::of(&world.loads);
    begin(&mut columns, world);
    let image = move |row: &Load| &world.software.images[row.image];
    let content = move |row: &Load| &world.contents[image(row).content];
    columns
        .text("FileName", move |row| &image(row).name)
        .text("FolderPath", move |row| &image(row).path)
        .text("SHA1", move |row| content(row).sha1())
        .text("SHA256", move |row| content(row).sha256())
        .text("MD5", move |row| content(row).md5())
        .long("FileSize", move |row| content(row).size);
    actor(&mut columns, world);
    token(&mut columns, world);
    columns.finish()
}

fn events(world: &World) -> RecordBatch {
    let look = Lookup(world);
    let mut columns = Columns::of(&world.events);
    begin(&mut columns, world);
    let target = move |row: &Event| row.target.map(|place| look.process(place));
    let content = move |row: &Event| match (row.content, target(row)) {
        (Some(place), _) => Some(look.content(place)),
        (None, Some(process)) => Some(look.content(look.image(process).content)),
        (None, None) => None,
    };
    let path = move |row: &'_ Event| -> String {
        match target(row) {
            Some(process) => look.image(process).path.to_string(),
            None => row.path.to_string(),
        }
    };
    columns
        .written("FileName", move |row, text| {
            text.push_str(file_name(&path(row)));
        })
        .written("FolderPath", move |row, text| text.push_str(&path(row)))
        .text("SHA1", move |row| content(row).map_or("", Content::sha1))
        .text("SHA256", move |row| {
            content(row).map_or("", Content::sha256)
        })
        .text("MD5", move |row| content(row).map_or("", Content::md5))
        .long_or("FileSize", move |row| {
            content(row).map(|content| content.size)
        })
        .text("AccountDomain", move |row| {
            target(row).map_or("", |it| look.account(it).domain)
        })
        .text("AccountName", move |row| {
            target(row).map_or("", |it| &look.account(it).name)
        })
        .text("AccountSid", move |row| {
            target(row).map_or("", |it| &look.account(it).sid)
        })
        .text("RemoteUrl", |row| &row.url)
        .long_or("ProcessId", move |row| {
            target(row).map(|process| process.id)
        })
        .text("ProcessCommandLine", move |row| {
            target(row).map_or("", |it| it.command.as_ref())
        })
        .time_or("ProcessCreationTime", move |row| {
            target(row).map(|process| process.created)
        })
        .written("RemoteIP", |row, text| {
            write_address(
                text,
                row.remote
                    .map_or(Ipv4Addr::UNSPECIFIED, |(address, _)| address),
            );
        })
        .int("RemotePort", |row| row.remote.map(|(_, port)| port))
        .text("AdditionalFields", |row| &row.additional)
        .long("InitiatingProcessLogonId", move |row| {
            look.process(row.actor).logon
        });
    actor(&mut columns, world);
    columns.finish()
}

/// A signature that a device has checked.
struct Signature<'w> {
    time: i64,
    device: &'w Device,
    image: &'w Image,
}

fn certificates(world: &World) -> RecordBatch {
    let calendar = world.calendar;
    let mut rows = Vec::new();
    let installed = Software::INSTALLED;
    for (number, device) in (0_i64..).zip(&world.company.devices) {
        if device.name.starts_with("build") {
            continue;
        }
        for (place, image) in (0_i64..).zip(&world.software.images[..installed]) {
            // Each file is checked once and again after its update; a third is not seen here.
            if (place + number) % 3 == 0 {
                continue;
            }
            let spread = (place * 7_919 + number * 104_729) % 25;
            let time = calendar.day(27 - spread) + (place * 611_953_100 + number * 70_001_300);
            rows.push(Signature {
                time,
                device,
                image,
            });
        }
    }
    for process in &world.processes {
        if process.image >= installed {
            let device = &world.company.devices[process.device];
            let image = &world.software.images[process.image];
            rows.push(Signature {
                time: process.created + 900_000,
                device,
                image,
            });
        }
    }
    rows.retain(|row| calendar.contains(row.time));
    rows.sort_by_key(|row| row.time);
    let content = move |row: &Signature<'_>| &world.contents[row.image.content];
    let is_signed = |row: &Signature<'_>| !row.image.maker.signer.is_empty();
    let is_microsoft = |row: &Signature<'_>| row.image.maker.company.starts_with("Microsoft");
    let mut columns = Columns::of(&rows);
    columns
        .time("Timestamp", |row| row.time)
        .text("DeviceId", |row| &row.device.id)
        .text("DeviceName", |row| &row.device.name)
        .text("SHA1", move |row| content(row).sha1())
        .bool("IsSigned", move |row| Some(is_signed(row)))
        .text("SignatureType", move |row| {
            match (is_signed(row), is_microsoft(row)) {
                (false, _) => "",
                (true, true) => "Catalog",
                (true, false) => "Embedded",
            }
        })
        .text("Signer", |row| row.image.maker.signer)
        .text("SignerHash", move |row| {
            if is_signed(row) {
                &content(row).sha1()[..40]
            } else {
                ""
            }
        })
        .text("Issuer", move |row| {
            match (is_signed(row), is_microsoft(row)) {
                (false, _) => "",
                (true, true) => "Microsoft Windows Production PCA 2011",
                (true, false) => "Woodgrove Code Signing CA 3",
            }
        })
        .time_or("CertificateCreationTime", move |row| {
            is_signed(row).then(|| calendar.start - 200 * DAY)
        })
        .time_or("CertificateExpirationTime", move |row| {
            is_signed(row).then(|| calendar.start + 180 * DAY)
        })
        .bool("IsTrusted", move |row| Some(is_signed(row)))
        .bool("IsRootSignerMicrosoft", move |row| {
            is_signed(row).then(|| is_microsoft(row))
        })
        .report_id();
    columns.finish()
}

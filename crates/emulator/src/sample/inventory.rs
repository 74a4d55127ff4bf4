//! Devices and their network adapters, as they report themselves through the day.

use std::fmt::Write;

use arrow::array::RecordBatch;

use super::{
    calendar::{HOUR, MINUTE},
    columns::Columns,
    company::{Device, DeviceKind, PEOPLE, SITES, WEB_SERVER},
    endpoint_tables::write_address,
    random::mix,
    world::World,
};

/// Adds the two tables about the state of devices.
pub(super) fn tables(world: &World, add: &mut impl FnMut(&str, RecordBatch)) {
    let rows = snapshots(world);
    add("DeviceInfo", device_info(world, &rows));
    add("DeviceNetworkInfo", network_info(world, &rows));
}

/// The state of a device at a time.
struct Snapshot<'w> {
    time: i64,
    place: usize,
    device: &'w Device,
}

fn snapshots(world: &World) -> Vec<Snapshot<'_>> {
    let mut rows = Vec::new();
    for (place, device) in world.company.devices.iter().enumerate() {
        let phase = i64::try_from(mix(place as u64) % 8_000).unwrap_or(0) * 1_000_000_100;
        let mut time = world.calendar.start + phase;
        let mut round = 0;
        while time < world.calendar.now {
            rows.push(Snapshot {
                time,
                place,
                device,
            });
            round += 1;
            let shift = i64::try_from(mix(round) % 9_000_000).unwrap_or(0) * 100;
            time += 7 * HOUR + 40 * MINUTE + shift;
        }
    }
    rows.sort_by_key(|row| row.time);
    rows
}

/// Platform, version, release, type and distribution.
pub(super) fn platform(kind: DeviceKind) -> [&'static str; 5] {
    match kind {
        DeviceKind::Workstation => ["Windows11", "10.0", "25H2", "Workstation", "Windows 11"],
        DeviceKind::Server => [
            "WindowsServer2022",
            "10.0",
            "21H2",
            "Server",
            "Windows Server 2022",
        ],
        DeviceKind::Linux => ["Linux", "24.4", "", "Server", "Ubuntu"],
    }
}

fn device_info(world: &World, rows: &[Snapshot<'_>]) -> RecordBatch {
    let is_linux = |row: &Snapshot<'_>| row.device.kind == DeviceKind::Linux;
    let mut columns = Columns::of(rows);
    columns
        .time("Timestamp", |row| row.time)
        .text("DeviceId", |row| &row.device.id)
        .text("DeviceName", |row| &row.device.name)
        .text("ClientVersion", |row| match row.device.kind {
            DeviceKind::Linux => "101.25082.0003",
            _ => "10.8805.26100.6899",
        })
        .written("PublicIP", |row, text| match row.place {
            WEB_SERVER => text.push_str("192.0.2.10"),
            _ => write_address(text, SITES[row.device.site].public),
        })
        .text("OSArchitecture", |_| "64-bit")
        .text("OSPlatform", |row| platform(row.device.kind)[0])
        .long_or("OSBuild", |row| match row.device.kind {
            DeviceKind::Workstation => Some(26_200),
            DeviceKind::Server => Some(20_348),
            DeviceKind::Linux => None,
        })
        .text("OSVersion", |row| platform(row.device.kind)[1])
        .text("OSVersionInfo", |row| platform(row.device.kind)[2])
        .text("OSDistribution", |row| platform(row.device.kind)[4])
        .bool("IsAzureADJoined", |row| {
            Some(row.device.kind == DeviceKind::Workstation)
        })
        .text("JoinType", |row| match row.device.kind {
            DeviceKind::Workstation => "Hybrid Azure AD Join",
            DeviceKind::Server => "Domain Joined",
            DeviceKind::Linux => "Not Domain Joined",
        })
        .text("AadDeviceId", |row| match row.device.kind {
            DeviceKind::Workstation => &row.device.entra_id,
            _ => "",
        })
        .written("LoggedOnUsers", |row, text| {
            if row.device.kind == DeviceKind::Workstation {
                let account = &world.company.accounts[PEOPLE + row.place];
                let _ = write!(
                    text,
                    "[{{\"UserName\":\"{}\",\"DomainName\":\"CONTOSO\",\"Sid\":\"{}\"}}]",
                    account.name, account.sid
                );
            } else {
                text.push_str("[]");
            }
        })
        .text("RegistryDeviceTag", |row| {
            if row.place == WEB_SERVER { "dmz" } else { "" }
        })
        .text("MachineGroup", |row| match row.device.kind {
            DeviceKind::Workstation => "Workstations",
            _ => "Servers",
        })
        .text("OnboardingStatus", |_| "Onboarded")
        .text("DeviceCategory", |_| "Endpoint")
        .text("DeviceType", |row| platform(row.device.kind)[3])
        .text("Model", |row| match row.device.kind {
            DeviceKind::Workstation => "Adatum Book 14 G3",
            _ => "Virtual Machine",
        })
        .text("Vendor", |row| match row.device.kind {
            DeviceKind::Workstation => "Adatum",
            _ => "Microsoft Corporation",
        })
        .bool("IsInternetFacing", |row| Some(row.place == WEB_SERVER))
        .text("SensorHealthState", |_| "Active")
        .bool("IsExcluded", |_| Some(false))
        .text("ExposureLevel", move |row| match row.place {
            WEB_SERVER => "High",
            _ if is_linux(row) => "Medium",
            _ => "Low",
        })
        .text("AssetValue", |row| match row.device.kind {
            DeviceKind::Workstation => "Normal",
            _ => "High",
        })
        .bool("IsTransient", |_| Some(false))
        .text("Site", |row| SITES[row.device.site].city)
        .text("AdditionalFields", |_| "{}")
        .report_id();
    columns.finish()
}

fn network_info(world: &World, rows: &[Snapshot<'_>]) -> RecordBatch {
    let mut columns = Columns::of(rows);
    columns
        .time("Timestamp", |row| row.time)
        .text("DeviceId", |row| &row.device.id)
        .text("DeviceName", |row| &row.device.name)
        .text("NetworkAdapterName", |row| &row.device.entra_id)
        .text("MacAddress", |row| &row.device.mac)
        .text("NetworkAdapterType", |row| match row.device.kind {
            DeviceKind::Workstation => "Wireless80211",
            _ => "Ethernet",
        })
        .text("NetworkAdapterStatus", |_| "Up")
        .text("TunnelType", |_| "None")
        .text("ConnectedNetworks", |_| {
            "[{\"Name\":\"contoso.com\",\"IsConnectedToInternet\":true,\"Category\":\"DomainAuthenticated\"}]"
        })
        .text("DnsAddresses", |_| "[\"10.10.0.15\"]")
        .text("IPv4Dhcp", |row| match row.device.kind {
            DeviceKind::Workstation => "10.10.0.15",
            _ => "",
        })
        .text("DefaultGateways", |row| match row.device.kind {
            DeviceKind::Workstation if row.device.site == 0 => "[\"10.20.4.1\"]",
            DeviceKind::Workstation => "[\"10.20.8.1\"]",
            _ => "[\"10.10.0.1\"]",
        })
        .written("IPAddresses", move |row, text| {
            text.push_str("[{\"IPAddress\":\"");
            write_address(text, world.company.address(row.place, row.time));
            text.push_str("\",\"SubnetPrefix\":24,\"AddressType\":\"Private\"}]");
        })
        .text("OnboardingStatus", |_| "Onboarded")
        .report_id();
    columns.finish()
}

//! What happens on workstations on any day: starts, sign-ins, office work, updates.

use std::net::Ipv4Addr;

use super::{
    background_noise,
    calendar::{DAY, DAYS, HOUR, MINUTE, SECOND, is_workday},
    company::{CLERK, DeviceKind, FILE_SERVER, PEOPLE, SALES, SUPPORT},
    events::{Session, Source},
    office_work, startup,
    world::World,
};

/// Hosts that browsers and services of Contoso talk to.
pub(super) const HOSTS: [&str; 28] = [
    "outlook.office365.com",
    "outlook.office365.com",
    "login.microsoftonline.com",
    "contoso.sharepoint.com",
    "contoso.sharepoint.com",
    "contoso-my.sharepoint.com",
    "graph.microsoft.com",
    "teams.microsoft.com",
    "edge.microsoft.com",
    "www.bing.com",
    "www.bing.com",
    "res.cdn.office.net",
    "substrate.office.com",
    "www.fabrikam.com",
    "portal.fabrikam.com",
    "www.northwind.example",
    "planner.northwind.example",
    "news.tailspin.example",
    "cdn.tailspin.example",
    "weather.wingtip.example",
    "ads.wingtip.example",
    "maps.litware.example",
    "static.litware.example",
    "shop.adatum.example",
    "wiki.proseware.example",
    "video.proseware.example",
    "travel.margie.example",
    "bank.woodgrove.example",
];

/// The address that stands for a service on the internet.
pub(super) fn service(host: &str) -> Ipv4Addr {
    let sum = host.bytes().fold(7_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    let last = u8::try_from(1 + sum % 110).unwrap_or(1);
    match sum % 3 {
        0 => Ipv4Addr::new(198, 51, 100, 20 + last),
        _ => Ipv4Addr::new(203, 0, 113, last),
    }
}

/// Every start of every device, then every day of every person.
pub(super) fn generate(world: &mut World) {
    for device in 0..world.company.devices.len() {
        match world.company.devices[device].kind {
            DeviceKind::Workstation => {
                for back in (0..DAYS + 9).rev() {
                    let day = world.calendar.day(back);
                    // Workstations are restarted for their updates on Mondays.
                    if is_workday(day) && !is_workday(day - DAY) {
                        let time = world
                            .random
                            .time(day + 7 * HOUR, day + 7 * HOUR + 25 * MINUTE);
                        startup::boot(world, device, time);
                    }
                }
            }
            DeviceKind::Server => {
                for back in [DAYS + 3, 12] {
                    let day = world.calendar.day(back);
                    let time = world
                        .random
                        .time(day + 2 * HOUR, day + 2 * HOUR + 30 * MINUTE);
                    startup::boot(world, device, time);
                }
            }
            DeviceKind::Linux => {}
        }
    }
    for back in (0..=DAYS).rev() {
        let day = world.calendar.day(back);
        if !is_workday(day) {
            continue;
        }
        for person in 0..world.company.people.len() {
            let has_part = [CLERK, SUPPORT, SALES].contains(&person);
            if has_part || !world.random.chance(8) {
                day_of(world, person, day);
            }
        }
    }
}

/// A day of one person: sign in, open the usual programs, work, lock.
fn day_of(world: &mut World, person: usize, day: i64) {
    let (device, account) = (person, PEOPLE + person);
    let start = world
        .random
        .time(day + 7 * HOUR + 40 * MINUTE, day + 8 * HOUR + 50 * MINUTE);
    let end = world
        .random
        .time(day + 16 * HOUR + 20 * MINUTE, day + 18 * HOUR + 10 * MINUTE);
    let logon = world.log_on(device, start, "Interactive", account, Source::Here);
    if world.random.chance(15) {
        let earlier = world.random.time(start - MINUTE, start - 4 * SECOND);
        world.log_on(device, earlier, "Interactive", account, Source::Here);
        if let Some(mistyped) = world.logons.last_mut() {
            mistyped.failure = "InvalidUserNameOrPassword";
        }
    }
    let boot = world.boot(device, start).clone();
    let mut at = start;
    let mut next = |world: &mut World| {
        at += world.random.time(100_000_000, 6 * SECOND);
        at
    };
    let t = next(world);
    let init = world.spawn(
        boot.winlogon,
        t,
        "userinit.exe",
        r"C:\Windows\system32\userinit.exe",
    );
    let process = &mut world.processes[init];
    process.account = account;
    process.logon = logon;
    process.integrity = "Medium";
    let t = next(world);
    let explorer = world.spawn(init, t, "explorer.exe", r"C:\Windows\Explorer.EXE");
    let t = next(world);
    let command = "\"C:\\Program Files\\Microsoft OneDrive\\OneDrive.exe\" /background";
    let onedrive = world.spawn(explorer, t, "OneDrive.exe", command);
    let t = next(world);
    let teams = world.spawn(
        explorer,
        t,
        "ms-teams.exe",
        "\"ms-teams.exe\" msteams:system-initiated",
    );
    let t = next(world);
    let command = "\"C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE\" ";
    let outlook = world.spawn(explorer, t, "OUTLOOK.EXE", command);
    let t = next(world);
    let command = "\"C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe\" --profile-directory=Default";
    let browser = world.spawn(explorer, t, "msedge.exe", command);
    for (process, libraries) in [
        (explorer, ["ntdll.dll", "kernel32.dll", "urlmon.dll"]),
        (outlook, ["ntdll.dll", "mso.dll", "wininet.dll"]),
        (browser, ["ntdll.dll", "crypt32.dll", "winhttp.dll"]),
    ] {
        let created = world.processes[process].created;
        for (place, library) in (1..).zip(libraries) {
            world.load(process, created + place * 310_000, library);
        }
    }
    let session = Session {
        device,
        account,
        day,
        start,
        end,
        explorer,
        outlook,
        browser,
        teams,
        onedrive,
    };
    let count = world.random.between(26, 38);
    for _ in 0..count {
        let time = world.random.time(start + 2 * MINUTE, end);
        office_work::activity(world, &session, time);
    }
    for _ in 0..12 {
        let time = world.random.time(start - 20 * MINUTE, end + 40 * MINUTE);
        let boot = world.boot(device, time).clone();
        background_noise::background(world, &boot, time);
    }
    for _ in 0..3 {
        let time = world.random.time(start + HOUR, end);
        world.log_on(device, time, "Unlock", account, Source::Here);
        world.log_on(
            FILE_SERVER,
            time + 4 * SECOND,
            "Network",
            account,
            Source::Device(device),
        );
    }
    world.sessions.push(session);
}

/// The libraries that every PowerShell loads.
pub(super) fn powershell_libraries(world: &mut World, shell: usize) {
    let created = world.processes[shell].created;
    let libraries = [
        "ntdll.dll",
        "mscoree.dll",
        "clr.dll",
        "System.Management.Automation.ni.dll",
        "amsi.dll",
    ];
    for (place, library) in (1..).zip(libraries) {
        world.load(shell, created + place * 530_000, library);
    }
}

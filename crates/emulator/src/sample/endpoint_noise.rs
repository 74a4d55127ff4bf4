//! What happens on workstations on any day: starts, sign-ins, office work, updates.

use std::net::Ipv4Addr;

use super::{
    background_noise,
    calendar::{DAY, DAYS, HOUR, MINUTE, SECOND, is_workday},
    company::{
        CLERK, DOMAIN_CONTROLLER, DeviceKind, FILE_SERVER, PEOPLE, SALES, SQL_SERVER, SUPPORT,
    },
    events::{Session, Source},
    startup,
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

const DOCUMENTS: [&str; 14] = [
    "Budget 2027 draft.xlsx",
    "Supplier list.xlsx",
    "Weekly report.docx",
    "Offer Fabrikam.docx",
    "Price list.xlsx",
    "Holiday plan.xlsx",
    "Kick-off.pptx",
    "Minutes.docx",
    "Contract draft.docx",
    "Forecast.xlsx",
    "Stock count.xlsx",
    "Onboarding.docx",
    "Route plan.xlsx",
    "Quarterly review.pptx",
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
        activity(world, &session, time);
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

fn activity(world: &mut World, session: &Session, time: i64) {
    match world.random.below(20) {
        0..=6 => browse(world, session, time),
        7..=11 => document(world, session, time),
        12..=13 => mail(world, session, time),
        14..=15 => sync(world, session, time),
        16 => download(world, session, time),
        17 => meeting(world, session, time),
        18 => settings(world, session, time),
        _ => trade(world, session, time),
    }
}

fn browse(world: &mut World, session: &Session, time: i64) {
    let client = world.random.between(5, 180);
    let command = format!(
        "\"C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe\" --type=renderer \
         --lang=en-GB --renderer-client-id={client} --launch-time-ticks={}",
        world.random.between(100_000_000, 999_999_999)
    );
    let renderer = world.spawn(session.browser, time, "msedge.exe", command);
    world.processes[renderer].integrity = "Low";
    let pages = world.random.between(2, 4);
    let mut at = time;
    for _ in 0..pages {
        at += world.random.time(50_000_000, 40 * SECOND);
        let host = world.random.pick(&HOSTS);
        if world.random.chance(30) {
            resolve(world, session.browser, at, host);
        }
        world.connect(session.browser, at + 40_000_000, service(host), 443, host);
    }
}

/// A name that `actor` looked up.
pub(super) fn resolve(world: &mut World, actor: usize, time: i64, host: &str) {
    let text = format!(
        "{{\"DnsQueryString\":\"{host}\",\"DnsQueryResult\":\"[{{\\\"Result\\\":\\\"{}\\\"}}]\"}}",
        service(host)
    );
    world.event(actor, time, "DnsQueryResponse").additional = text.into();
}

fn home(world: &World, account: usize) -> String {
    format!(r"C:\Users\{}\", world.company.accounts[account].name)
}

fn document(world: &mut World, session: &Session, time: i64) {
    let name = world.random.pick(&DOCUMENTS);
    let program = match name.rsplit('.').next() {
        Some("xlsx") => "EXCEL.EXE",
        Some("pptx") => "POWERPNT.EXE",
        _ => "WINWORD.EXE",
    };
    let path = format!("{}OneDrive - Contoso\\{name}", home(world, session.account));
    let command =
        format!("\"C:\\Program Files\\Microsoft Office\\root\\Office16\\{program}\" \"{path}\"");
    let office = world.spawn(session.explorer, time, program, command);
    for (place, library) in (1..).zip(["ntdll.dll", "mso.dll", "crypt32.dll", "winhttp.dll"]) {
        world.load(office, time + place * 420_000, library);
    }
    if program == "EXCEL.EXE" && world.random.chance(25) {
        world.load(office, time + 3 * SECOND, "VBE7.DLL");
    }
    world.connect(
        office,
        time + SECOND,
        service("substrate.office.com"),
        443,
        "substrate.office.com",
    );
    let size = world.random.between(14_000, 900_000);
    let saves = world.random.between(1, 3);
    let mut at = time;
    for _ in 0..saves {
        at += world.random.time(MINUTE, 12 * MINUTE);
        let content = world.content(size);
        world.file(office, at, "FileModified", path.clone(), content);
    }
    let key = user_key(
        world,
        session.account,
        r"Software\Microsoft\Office\16.0\Common\Open Find",
    );
    world.set_value(office, time + 5 * SECOND, key, "LastFile", name);
    if world.random.chance(12) {
        let command = "splwow64.exe 8192";
        world.spawn(office, at, "splwow64.exe", command);
    }
}

fn user_key(world: &World, account: usize, rest: &str) -> String {
    format!(
        r"HKEY_CURRENT_USER\{}\{rest}",
        world.company.accounts[account].sid
    )
}

fn mail(world: &mut World, session: &Session, time: i64) {
    let host = "outlook.office365.com";
    world.connect(session.outlook, time, service(host), 443, host);
    world.connect(session.outlook, time + 9 * SECOND, service(host), 443, host);
    if world.random.chance(25) {
        let name = world.random.pick(&DOCUMENTS);
        let path = format!(
            r"{}AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\{}\{name}",
            home(world, session.account),
            world.random.hex(8).to_uppercase()
        );
        let size = world.random.between(20_000, 400_000);
        let content = world.content(size);
        world.file(
            session.outlook,
            time + 12 * SECOND,
            "FileCreated",
            path,
            content,
        );
    }
    let key = user_key(
        world,
        session.account,
        r"Software\Microsoft\Office\16.0\Outlook\Security",
    );
    world.set_value(
        session.outlook,
        time + SECOND,
        key,
        "LastSyncTime",
        format!("{}", time / SECOND),
    );
}

fn sync(world: &mut World, session: &Session, time: i64) {
    let host = "contoso-my.sharepoint.com";
    world.connect(session.onedrive, time, service(host), 443, host);
    let files = world.random.between(1, 3);
    for place in 0..files {
        let name = world.random.pick(&DOCUMENTS);
        let path = format!(
            "{}OneDrive - Contoso\\Team\\{name}",
            home(world, session.account)
        );
        let size = world.random.between(9_000, 600_000);
        let content = world.content(size);
        let action = if world.random.chance(40) {
            "FileCreated"
        } else {
            "FileModified"
        };
        world.file(
            session.onedrive,
            time + place * SECOND,
            action,
            path,
            content,
        );
    }
    let key = user_key(
        world,
        session.account,
        r"Software\Microsoft\OneDrive\Accounts\Business1",
    );
    world.set_value(
        session.onedrive,
        time + 4 * SECOND,
        key,
        "LastKnownCloudFilesEnabled",
        "1",
    );
}

fn download(world: &mut World, session: &Session, time: i64) {
    let host = world.random.pick(&[
        "portal.fabrikam.com",
        "www.northwind.example",
        "shop.adatum.example",
    ]);
    let number = world.random.between(1000, 9999);
    let name = format!("Delivery note {number}.pdf");
    let path = format!("{}Downloads\\{name}", home(world, session.account));
    let size = world.random.between(30_000, 2_000_000);
    let content = world.content(size);
    world.connect(session.browser, time, service(host), 443, host);
    let file = world.file(
        session.browser,
        time + 2 * SECOND,
        "FileCreated",
        path.clone(),
        content,
    );
    file.origin = format!("https://{host}/documents/{number}").into();
    file.origin_ip = Some(service(host));
    let renamed = world.file(
        session.browser,
        time + 3 * SECOND,
        "FileRenamed",
        path.clone(),
        content,
    );
    renamed.previous = format!("{path}.crdownload").into();
    let command = format!("\"C:\\Program Files\\Wingtip\\Reader\\WtReader.exe\" \"{path}\"");
    let reader = world.spawn(session.explorer, time + 8 * SECOND, "WtReader.exe", command);
    world.load(reader, time + 8 * SECOND + 700_000, "WtCore.dll");
    world.load(reader, time + 8 * SECOND + 900_000, "ntdll.dll");
    world
        .event(
            session.browser,
            time + 2 * SECOND,
            "BrowserLaunchedToOpenUrl",
        )
        .url = format!("https://{host}/documents/{number}").into();
}

fn meeting(world: &mut World, session: &Session, time: i64) {
    for place in 0..3 {
        let remote = Ipv4Addr::new(203, 0, 113, 118);
        let at = time + place * 20 * MINUTE;
        world.connection(
            session.teams,
            at,
            "ConnectionSuccess",
            (remote, 3478),
            "",
            "Udp",
        );
    }
    if world.random.chance(40) {
        world.event(session.teams, time + 6 * MINUTE, "ScreenshotTaken");
    }
}

fn settings(world: &mut World, session: &Session, time: i64) {
    let rest = world.random.pick(&[
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\Explorer\UserAssist",
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\Search\Flighting",
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\Themes\Personalize",
        r"Control Panel\Desktop",
    ]);
    let key = user_key(world, session.account, rest);
    for place in 0..4 {
        let value = world.random.hex(6).to_uppercase();
        world.set_value(
            session.explorer,
            time + place * SECOND,
            key.clone(),
            value,
            "Binary Data",
        );
    }
    if world.random.chance(10) {
        let key = user_key(
            world,
            session.account,
            r"SOFTWARE\Microsoft\Windows\CurrentVersion\Run",
        );
        let data = "\"C:\\Program Files\\Microsoft OneDrive\\OneDrive.exe\" /background";
        world.set_value(session.onedrive, time + 9 * SECOND, key, "OneDrive", data);
    }
    if world.random.chance(20) {
        let serial = world.random.hex(12).to_uppercase();
        let text = format!(
            "{{\"DriveLetter\":\"E:\",\"BusType\":\"Usb\",\"Manufacturer\":\"Adatum\",\
             \"SerialNumber\":\"{serial}\"}}"
        );
        world
            .event(session.explorer, time + 30 * SECOND, "UsbDriveMounted")
            .additional = text.into();
    }
}

/// What the department does that others do not.
fn trade(world: &mut World, session: &Session, time: i64) {
    let person = session.account - PEOPLE;
    match world.company.people[person].department {
        "Engineering" => {
            let code = world.spawn(
                session.explorer,
                time,
                "Code.exe",
                "\"C:\\Program Files\\Microsoft VS Code\\Code.exe\" C:\\src\\shop",
            );
            let command = "powershell.exe -NoLogo -NoProfile -Command \"git status\"";
            let shell = world.spawn(code, time + 20 * SECOND, "powershell.exe", command);
            powershell_libraries(world, shell);
            world.spawn(
                shell,
                time + 21 * SECOND,
                "conhost.exe",
                r"\??\C:\Windows\system32\conhost.exe 0x4",
            );
            let git = world.spawn(
                shell,
                time + 22 * SECOND,
                "git.exe",
                "git.exe pull --rebase",
            );
            world.connect(
                git,
                time + 23 * SECOND,
                Ipv4Addr::new(10, 10, 0, 20),
                443,
                "git.contoso.com",
            );
        }
        "IT" => {
            let command = world.random.pick(&[
                "powershell.exe -NoProfile -File C:\\Tools\\Get-Licences.ps1",
                "powershell.exe -ExecutionPolicy RemoteSigned -File C:\\Tools\\New-Starter.ps1",
                "powershell.exe -NoProfile -Command Get-ADUser -Filter * | Measure-Object",
            ]);
            let shell = world.spawn(session.explorer, time, "powershell.exe", command);
            powershell_libraries(world, shell);
            world
                .event(shell, time + 2 * SECOND, "PowerShellCommand")
                .additional = "{\"Command\":\"Get-ADUser\"}".into();
            let address = world.company.address(DOMAIN_CONTROLLER, time);
            world.connect(shell, time + 3 * SECOND, address, 389, "");
            let command = world
                .random
                .pick(&["whoami.exe", "ipconfig.exe /all", "nslookup dc01"]);
            let image = if command.starts_with("who") {
                "whoami.exe"
            } else if command.starts_with("ip") {
                "ipconfig.exe"
            } else {
                "nslookup.exe"
            };
            world.spawn(shell, time + 40 * SECOND, image, command);
        }
        _ => {
            let command = "\"C:\\Program Files\\Northwind\\Planner\\NwPlanner.exe\" -s sql01";
            let planner = world.spawn(session.explorer, time, "NwPlanner.exe", command);
            let address = world.company.address(SQL_SERVER, time);
            world.connect(planner, time + SECOND, address, 1433, "sql01.contoso.com");
            let (account, device) = (session.account, session.device);
            world.log_on(
                SQL_SERVER,
                time + SECOND,
                "Network",
                account,
                Source::Device(device),
            );
        }
    }
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

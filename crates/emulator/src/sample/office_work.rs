//! What people do at a workstation: browse, write, read mail, share files, their trade.

use std::net::Ipv4Addr;

use super::{
    calendar::{MINUTE, SECOND},
    company::{DOMAIN_CONTROLLER, PEOPLE, SQL_SERVER},
    endpoint_noise::{HOSTS, powershell_libraries, service},
    events::{Session, Source},
    world::World,
};

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

/// One thing that somebody does at their workstation.
pub(super) fn activity(world: &mut World, session: &Session, time: i64) {
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
fn resolve(world: &mut World, actor: usize, time: i64, host: &str) {
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

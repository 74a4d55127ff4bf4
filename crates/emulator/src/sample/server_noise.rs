//! What happens on servers on any day: sign-ins, backups, deployments, queries, failures.

use std::net::Ipv4Addr;

use super::{
    calendar::{DAYS, HOUR, MINUTE, SECOND, is_workday},
    company::{
        ADMINISTRATOR, BACKUP, BUILD_SERVER, DEPLOY, DOMAIN_CONTROLLER, FILE_SERVER, JUMP_SERVER,
        PEOPLE, SQL_SERVER, SUPPORT, SUPPORT_ADMIN, WEB_SERVER,
    },
    endpoint_noise::{powershell_libraries, service},
    events::{Process, Source},
    world::World,
};

/// Every day of every server.
pub(super) fn generate(world: &mut World) {
    for back in (0..=DAYS).rev() {
        let day = world.calendar.day(back);
        backup(world, day);
        web(world, day);
        database(world, day);
        domain(world, day);
        spray(world, day);
        if is_workday(day) {
            administration(world, day);
            if back % 6 == 2 {
                deployment(world, day);
            }
        }
    }
}

/// Moves a process to another account, with what follows from it.
fn run_as(world: &mut World, process: usize, account: usize, logon: i64) {
    let process: &mut Process = &mut world.processes[process];
    process.account = account;
    process.logon = logon;
    process.integrity = "High";
}

fn backup(world: &mut World, day: i64) {
    for server in [FILE_SERVER, SQL_SERVER, WEB_SERVER] {
        let time = world.random.time(day + HOUR, day + 2 * HOUR);
        let logon = world.log_on(server, time, "Network", BACKUP, Source::Device(FILE_SERVER));
        let boot = world.boot(server, time).clone();
        let command = "robocopy.exe D:\\Shares E:\\Backup /MIR /R:1 /W:1 /LOG:C:\\Logs\\backup.log";
        let copy = world.spawn(boot.schedule(), time + 5 * SECOND, "robocopy.exe", command);
        run_as(world, copy, BACKUP, logon);
        let content = world.content(48_201);
        world.file(
            copy,
            time + 50 * MINUTE,
            "FileModified",
            r"C:\Logs\backup.log",
            content,
        );
        let files = world.random.between(6, 12);
        for place in 0..files {
            let name = world.random.between(100, 999);
            let size = world.random.between(10_000, 80_000_000);
            let content = world.content(size);
            let path = format!(r"E:\Backup\Set{name}\part{place}.tsb");
            world.file(
                copy,
                time + 10 * SECOND + place * MINUTE,
                "FileCreated",
                path,
                content,
            );
        }
    }
}

/// Requests to the web server, most of them harmless, some of them scanners.
fn web(world: &mut World, day: i64) {
    for _ in 0..26 {
        let time = world.random.time(day, day + 24 * HOUR);
        let boot = world.boot(WEB_SERVER, time).clone();
        let Some(worker) = boot.role else { continue };
        let remote = Ipv4Addr::new(
            192,
            0,
            2,
            u8::try_from(world.random.between(20, 120)).unwrap_or(20),
        );
        let from = (
            remote,
            i32::try_from(world.random.between(20_000, 60_000)).unwrap_or(0),
        );
        world.connection(
            boot.kernel,
            time,
            "InboundConnectionAccepted",
            from,
            "",
            "Tcp",
        );
        if let Some(inbound) = world.connections.last_mut() {
            inbound.local_port = 443;
        }
        if world.random.chance(6) {
            world
                .event(boot.kernel, time, "InboundInternetScanInspected")
                .remote = Some(from);
        }
        if world.random.chance(25) {
            let name = format!("{}.json", world.random.hex(12));
            let size = world.random.between(600, 9_000);
            let content = world.content(size);
            let path = format!(r"C:\inetpub\forms\App_Data\submissions\{name}");
            world.file(worker, time + SECOND, "FileCreated", path, content);
        }
        if world.random.chance(12) {
            let address = world.company.address(SQL_SERVER, time);
            world.connect(worker, time + SECOND, address, 1433, "sql01.contoso.com");
        }
        if world.random.chance(5) {
            let command = concat!(
                "\"C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\csc.exe\" /noconfig ",
                "/fullpaths @\"C:\\Windows\\Temp\\forms.cmdline\""
            );
            let compiler = world.spawn(worker, time + 2 * SECOND, "csc.exe", command);
            world.spawn(
                compiler,
                time + 3 * SECOND,
                "cvtres.exe",
                "cvtres.exe /NOLOGO /READONLY",
            );
        }
    }
}

fn database(world: &mut World, day: i64) {
    for hour in [5, 11, 17, 23] {
        let time = world
            .random
            .time(day + hour * HOUR, day + hour * HOUR + 30 * MINUTE);
        let boot = world.boot(SQL_SERVER, time).clone();
        let Some(engine) = boot.role else { continue };
        let content = world.content(7_340_032);
        let path = format!(r"D:\SQL\Log\Planner_{}.trn", time / SECOND);
        world.file(engine, time, "FileCreated", path, content);
        let key = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\MSSQLServer\MSSQLServer\Backup";
        world.set_value(
            engine,
            time + SECOND,
            key,
            "LastLog",
            format!("{}", time / SECOND),
        );
        world.connect(
            engine,
            time + SECOND,
            service("settings-win.data.microsoft.com"),
            443,
            "",
        );
    }
}

fn domain(world: &mut World, day: i64) {
    for _ in 0..14 {
        let time = world.random.time(day + 7 * HOUR, day + 19 * HOUR);
        let person = world.random.index(15);
        let source = Source::Device(person);
        world.log_on(DOMAIN_CONTROLLER, time, "Network", PEOPLE + person, source);
        let boot = world.boot(DOMAIN_CONTROLLER, time).clone();
        if let Some(server) = boot.role {
            let host = world
                .random
                .pick(&["ns1.fabrikam.com", "ns1.northwind.example"]);
            world.connect(server, time + SECOND, service(host), 53, "");
        }
        let client = world.company.address(person, time);
        let from = (
            client,
            i32::try_from(world.random.between(49_152, 65_535)).unwrap_or(0),
        );
        world.connection(
            boot.lsass,
            time,
            "InboundConnectionAccepted",
            from,
            "",
            "Tcp",
        );
        if let Some(inbound) = world.connections.last_mut() {
            inbound.local_port = 389;
        }
    }
    let time = world.random.time(day + 3 * HOUR, day + 4 * HOUR);
    let boot = world.boot(DOMAIN_CONTROLLER, time).clone();
    world.spawn(
        boot.schedule(),
        time,
        "gpupdate.exe",
        "gpupdate.exe /target:computer",
    );
    let key = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\State";
    world.set_value(
        boot.schedule(),
        time + SECOND,
        key,
        "EndTimeLo",
        format!("{}", time / SECOND),
    );
}

/// The internet tries the built-in account of the web server.
fn spray(world: &mut World, day: i64) {
    let tries = world.random.between(4, 9);
    for _ in 0..tries {
        let time = world.random.time(day, day + 24 * HOUR);
        let last = u8::try_from(world.random.between(20, 120)).unwrap_or(20);
        let source = Source::Outside(Ipv4Addr::new(192, 0, 2, last));
        world.log_on(WEB_SERVER, time, "Network", ADMINISTRATOR, source);
        if let Some(attempt) = world.logons.last_mut() {
            attempt.failure = "InvalidUserNameOrPassword";
            attempt.admin = false;
        }
    }
}

/// The support engineer works on servers through the jump server.
fn administration(world: &mut World, day: i64) {
    let time = world.random.time(day + 9 * HOUR, day + 10 * HOUR);
    let session = world.session(SUPPORT, day);
    let client = world.spawn(session.explorer, time, "mstsc.exe", "mstsc.exe /v:jump01");
    let address = world.company.address(JUMP_SERVER, time);
    world.connect(client, time + SECOND, address, 3389, "jump01.contoso.com");
    let source = Source::Device(SUPPORT);
    let logon = world.log_on(
        JUMP_SERVER,
        time + 3 * SECOND,
        "RemoteInteractive",
        SUPPORT_ADMIN,
        source,
    );
    let boot = world.boot(JUMP_SERVER, time).clone();
    let init = world.spawn(
        boot.winlogon,
        time + 4 * SECOND,
        "userinit.exe",
        "userinit.exe",
    );
    run_as(world, init, SUPPORT_ADMIN, logon);
    world.processes[init].remote = Some(SUPPORT);
    world.processes[init].session = 2;
    let explorer = world.spawn(
        init,
        time + 5 * SECOND,
        "explorer.exe",
        r"C:\Windows\Explorer.EXE",
    );
    let console = world.spawn(explorer, time + MINUTE, "mmc.exe", "mmc.exe dsa.msc");
    let controller = world.company.address(DOMAIN_CONTROLLER, time);
    world.connect(console, time + MINUTE + SECOND, controller, 389, "");
    let command = "powershell.exe -NoProfile -File C:\\Admin\\Check-Backups.ps1 -Server file01";
    let shell = world.spawn(explorer, time + 9 * MINUTE, "powershell.exe", command);
    powershell_libraries(world, shell);
    let files = world.company.address(FILE_SERVER, time);
    world.connect(
        shell,
        time + 9 * MINUTE + SECOND,
        files,
        5985,
        "file01.contoso.com",
    );
    let source = Source::Device(JUMP_SERVER);
    world.log_on(
        FILE_SERVER,
        time + 9 * MINUTE + 2 * SECOND,
        "Network",
        SUPPORT_ADMIN,
        source,
    );
    let report = world.content(18_220);
    world.file(
        shell,
        time + 11 * MINUTE,
        "FileCreated",
        r"C:\Admin\Reports\backups.csv",
        report,
    );
}

/// A release of the forms site, from the build server.
fn deployment(world: &mut World, day: i64) {
    let time = world.random.time(day + 13 * HOUR, day + 15 * HOUR);
    let source = Source::Device(BUILD_SERVER);
    let logon = world.log_on(WEB_SERVER, time, "Network", DEPLOY, source);
    let boot = world.boot(WEB_SERVER, time).clone();
    let command = "powershell.exe -NonInteractive -File C:\\Deploy\\Install-Forms.ps1";
    let shell = world.spawn(boot.hosts[5], time + SECOND, "powershell.exe", command);
    run_as(world, shell, DEPLOY, logon);
    powershell_libraries(world, shell);
    for name in [
        "default.aspx",
        "form.aspx",
        "upload.aspx",
        r"bin\Forms.Web.dll",
    ] {
        let size = world.random.between(2_000, 300_000);
        let content = world.content(size);
        let path = format!(r"C:\inetpub\forms\{name}");
        world.file(shell, time + 5 * SECOND, "FileModified", path, content);
    }
}

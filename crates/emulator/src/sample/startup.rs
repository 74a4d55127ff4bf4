//! A device starts: the processes that are there before anybody signs in.

use super::{
    calendar::SECOND,
    company::{
        APP_POOL, DOMAIN_CONTROLLER, FILE_SERVER, LOCAL_SERVICE, NETWORK_SERVICE, SQL_SERVER,
        SYSTEM, WEB_SERVER,
    },
    events::{Boot, Process},
    world::World,
};

/// Starts a device at a time.
pub(super) fn boot(world: &mut World, device: usize, time: i64) {
    let kernel = world.start(Process {
        device,
        image: world.software.find("ntoskrnl.exe"),
        id: 4,
        created: time,
        command: "".into(),
        account: SYSTEM,
        logon: 999,
        integrity: "System",
        session: 0,
        parent: None,
        remote: None,
    });
    let mut at = time;
    let mut next = |world: &mut World| {
        at += world.random.time(20_000_000, 2 * SECOND);
        at
    };
    let t = next(world);
    let smss = world.spawn(kernel, t, "smss.exe", r"\SystemRoot\System32\smss.exe");
    let t = next(world);
    world.spawn(
        smss,
        t,
        "csrss.exe",
        r"%SystemRoot%\system32\csrss.exe ObjectDirectory=\Windows",
    );
    let t = next(world);
    let wininit = world.spawn(smss, t, "wininit.exe", "wininit.exe");
    let t = next(world);
    let winlogon = world.spawn(smss, t, "winlogon.exe", "winlogon.exe");
    world.processes[winlogon].session = 1;
    let t = next(world);
    let services = world.spawn(wininit, t, "services.exe", "services.exe");
    let t = next(world);
    let lsass = world.spawn(wininit, t, "lsass.exe", "lsass.exe");
    let t = next(world);
    world.spawn(winlogon, t, "dwm.exe", "\"dwm.exe\"");
    let t = next(world);
    let hosts = service_hosts(world, services, t);
    let t = next(world);
    world.spawn(
        services,
        t,
        "spoolsv.exe",
        r"C:\Windows\System32\spoolsv.exe",
    );
    let t = next(world);
    let defender = world.spawn(services, t, "MsMpEng.exe", "\"MsMpEng.exe\"");
    let t = next(world);
    world.spawn_service(services, t, "NisSrv.exe", "\"NisSrv.exe\"", LOCAL_SERVICE);
    let t = next(world);
    let sense = world.spawn(services, t, "MsSense.exe", "\"MsSense.exe\"");
    let t = next(world);
    world.spawn(sense, t, "SenseNdr.exe", "\"SenseNdr.exe\" 0x0");
    let t = next(world);
    let search = world.spawn(
        services,
        t,
        "SearchIndexer.exe",
        r"C:\Windows\system32\SearchIndexer.exe /Embedding",
    );
    let t = next(world);
    let management = world.spawn(
        services,
        t,
        "Microsoft.Management.Services.IntuneWindowsAgent.exe",
        "\"Microsoft.Management.Services.IntuneWindowsAgent.exe\"",
    );
    let t = next(world);
    let role = role(world, device, services, t);
    world.boots.entry(device).or_default().push(Boot {
        time,
        kernel,
        winlogon,
        services,
        lsass,
        hosts,
        defender,
        sense,
        management,
        search,
        role,
    });
}

/// The service hosts, in the order that [`Boot::hosts`] has them.
fn service_hosts(world: &mut World, services: usize, time: i64) -> Vec<usize> {
    let commands = [
        ("svchost.exe -k netsvcs -p -s Schedule", SYSTEM),
        (
            "svchost.exe -k LocalServiceNetworkRestricted -p -s Dhcp",
            LOCAL_SERVICE,
        ),
        (
            "svchost.exe -k NetworkService -p -s Dnscache",
            NETWORK_SERVICE,
        ),
        ("svchost.exe -k netsvcs -p -s wuauserv", SYSTEM),
        ("svchost.exe -k RPCSS -p", NETWORK_SERVICE),
        ("svchost.exe -k DcomLaunch -p", SYSTEM),
    ];
    let mut at = time;
    let start = |(command, account): (&str, usize)| {
        at += world.random.time(3_000_000, 40_000_000);
        let command = format!(r"C:\Windows\system32\{command}");
        world.spawn_service(services, at, "svchost.exe", command, account)
    };
    commands.map(start).to_vec()
}

/// What the device is there for.
fn role(world: &mut World, device: usize, services: usize, time: i64) -> Option<usize> {
    match device {
        DOMAIN_CONTROLLER => {
            Some(world.spawn(services, time, "dns.exe", r"C:\Windows\system32\dns.exe"))
        }
        FILE_SERVER => {
            Some(world.spawn(services, time, "TsAgent.exe", "\"TsAgent.exe\" --service"))
        }
        SQL_SERVER => {
            let command = "\"sqlservr.exe\" -sMSSQLSERVER";
            Some(world.spawn_service(services, time, "sqlservr.exe", command, NETWORK_SERVICE))
        }
        WEB_SERVER => {
            let command = r"C:\Windows\system32\svchost.exe -k iissvcs";
            let host = world.spawn_service(services, time, "svchost.exe", command, SYSTEM);
            world.spawn(
                services,
                time + SECOND,
                "LwForms.exe",
                "\"LwForms.exe\" --port 8410",
            );
            let command = concat!(
                r#"c:\windows\system32\inetsrv\w3wp.exe -ap "FormsPool" -v "v4.0" "#,
                r#"-l "webengine4.dll" -a \\.\pipe\iisipm7c0d -h "C:\inetpub\temp\FormsPool.config""#
            );
            Some(world.spawn_service(host, time + 2 * SECOND, "w3wp.exe", command, APP_POOL))
        }
        _ => None,
    }
}

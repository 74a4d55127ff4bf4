//! What a workstation does by itself: updates, scans, inventory, management.

use super::{
    calendar::{MINUTE, SECOND},
    company::DOMAIN_CONTROLLER,
    endpoint_noise::{powershell_libraries, service},
    events::Boot,
    world::World,
};

/// What a device does by itself.
pub(super) fn background(world: &mut World, boot: &Boot, time: i64) {
    match world.random.below(12) {
        0 | 1 => {
            let command = "taskhostw.exe -RegisterDevice -ProtectionStateChanged";
            world.spawn(boot.schedule(), time, "taskhostw.exe", command);
        }
        2 => {
            let guid = world.random.guid();
            let command = format!(r"C:\Windows\system32\DllHost.exe /Processid:{{{guid}}}");
            world.spawn(boot.hosts[5], time, "dllhost.exe", command);
        }
        3 => {
            let worker = world.spawn(
                boot.hosts[3],
                time,
                "MoUsoCoreWorker.exe",
                r"C:\Windows\System32\mousocoreworker.exe -Embedding",
            );
            let host = "ctldl.windowsupdate.com";
            world.connect(worker, time + SECOND, service(host), 80, host);
            let key = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\WindowsUpdate\Orchestrator";
            world.set_value(
                worker,
                time + 2 * SECOND,
                key,
                "LastScan",
                format!("{}", time / SECOND),
            );
        }
        4 => {
            let number = world.random.between(100, 900);
            let command =
                format!("\"SearchProtocolHost.exe\" Global\\UsGthrFltPipeMssGthrPipe{number}");
            world.spawn(boot.search, time, "SearchProtocolHost.exe", command);
        }
        5 => {
            let command = "\"MpCmdRun.exe\" SignatureUpdate -ScheduleJob -RestrictPrivileges";
            let update = world.spawn(boot.defender, time, "MpCmdRun.exe", command);
            let content = world.content(1_904_640);
            let path = r"C:\ProgramData\Microsoft\Windows Defender\Definition Updates\Updates\mpavdlta.vdm";
            world.file(update, time + 3 * SECOND, "FileCreated", path, content);
            let key = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows Defender\Signature Updates";
            world.set_value(
                boot.defender,
                time + 5 * SECOND,
                key,
                "AVSignatureVersion",
                "1.441.212.0",
            );
        }
        6 => {
            let host = world.random.pick(&[
                "winatp-gw-weu.microsoft.com",
                "settings-win.data.microsoft.com",
            ]);
            world.connect(boot.sense, time, service(host), 443, host);
            world.connect(boot.sense, time + 5 * MINUTE, service(host), 443, host);
        }
        7 => managed_script(world, boot, time),
        8 => {
            let address = world.company.address(DOMAIN_CONTROLLER, time);
            world.connect(boot.lsass, time, address, 88, "");
            world.connect(boot.lsass, time + SECOND, address, 389, "");
            world.connect(boot.resolver(), time, address, 53, "");
        }
        9 => {
            // Inventory reads the memory of lsass too; the access is narrow.
            let provider = world.spawn(
                boot.hosts[5],
                time,
                "WmiPrvSE.exe",
                r"C:\Windows\system32\wbem\wmiprvse.exe -Embedding",
            );
            let event = world.event(provider, time + SECOND, "OpenProcessApiCall");
            event.target = Some(boot.lsass);
            event.additional = "{\"DesiredAccess\":\"0x1410\"}".into();
        }
        10 => {
            let key =
                r"HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Services\Tcpip\Parameters\Interfaces";
            for value in ["LeaseObtainedTime", "LeaseTerminatesTime", "DhcpIPAddress"] {
                let data = format!("{}", time / SECOND);
                world.set_value(boot.hosts[1], time + SECOND, key, value, data);
            }
        }
        _ => {
            let command = "\"MicrosoftEdgeUpdate.exe\" /ua /installsource scheduler";
            let update = world.spawn(boot.schedule(), time, "MicrosoftEdgeUpdate.exe", command);
            world.connect(
                update,
                time + SECOND,
                service("edge.microsoft.com"),
                443,
                "edge.microsoft.com",
            );
            world
                .event(boot.defender, time + 50 * SECOND, "AntivirusScanCompleted")
                .additional = "{\"ScanTypeIndex\":\"Quick\"}".into();
        }
    }
}

/// Device management runs encoded PowerShell too, as SYSTEM: the benign half of a hunt.
fn managed_script(world: &mut World, boot: &Boot, time: i64) {
    let command = "\"agentexecutor.exe\" -powershell \"C:\\Program Files (x86)\\Microsoft Intune \
                   Management Extension\\Policies\\Scripts\\inventory.ps1\"";
    let agent = world.spawn(boot.management, time, "AgentExecutor.exe", command);
    let script = "Get-CimInstance Win32_OperatingSystem | Out-Null";
    let encoded = super::intrusions::encoded_command(script);
    let command =
        format!("powershell.exe -NoProfile -ExecutionPolicy Bypass -EncodedCommand {encoded}");
    let shell = world.spawn(agent, time + SECOND, "powershell.exe", command);
    powershell_libraries(world, shell);
    world.spawn(
        shell,
        time + 2 * SECOND,
        "conhost.exe",
        r"\??\C:\Windows\system32\conhost.exe 0x4",
    );
    let name = format!("__PSScriptPolicyTest_{}.ps1", world.random.hex(8));
    let content = world.content(60);
    world.file(
        shell,
        time + 2 * SECOND,
        "FileCreated",
        format!(r"C:\Windows\Temp\{name}"),
        content,
    );
}

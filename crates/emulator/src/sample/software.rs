//! The programs and libraries that run at Contoso, and the digests of files.

use std::{borrow::Cow, collections::BTreeMap};

use super::random::Random;

/// Text that is either written in the source or made for a row.
pub(super) type Text = Cow<'static, str>;

/// What a file holds: its digests and size. The same content has the same place everywhere.
#[derive(Debug)]
pub(super) struct Content {
    /// SHA-1, SHA-256 and MD5 one after the other.
    digests: String,
    pub(super) size: i64,
}

impl Content {
    /// Content that nothing else has.
    pub(super) fn new(random: &mut Random, size: i64) -> Self {
        Self {
            digests: random.hex(40 + 64 + 32),
            size,
        }
    }

    pub(super) fn sha1(&self) -> &str {
        &self.digests[..40]
    }

    pub(super) fn sha256(&self) -> &str {
        &self.digests[40..104]
    }

    pub(super) fn md5(&self) -> &str {
        &self.digests[104..]
    }
}

/// Who made a program.
#[derive(Debug)]
pub(super) struct Maker {
    pub(super) company: &'static str,
    pub(super) product: &'static str,
    pub(super) version: &'static str,
    /// Who signed the file; nobody if empty.
    pub(super) signer: &'static str,
}

/// An executable file or library.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) name: Text,
    /// The whole path; the service calls it the folder.
    pub(super) path: Text,
    pub(super) maker: &'static Maker,
    pub(super) internal_name: Text,
    pub(super) original_name: Text,
    pub(super) description: &'static str,
    pub(super) content: usize,
}

const fn microsoft(product: &'static str, version: &'static str, signer: &'static str) -> Maker {
    Maker {
        company: "Microsoft Corporation",
        product,
        version,
        signer,
    }
}

const fn maker(company: &'static str, product: &'static str, version: &'static str) -> Maker {
    Maker {
        company,
        product,
        version,
        signer: company,
    }
}

static WINDOWS: Maker = microsoft(
    "Microsoft® Windows® Operating System",
    "10.0.26100.6899",
    "Microsoft Windows",
);
static OFFICE: Maker = microsoft(
    "Microsoft Office",
    "16.0.19328.20190",
    "Microsoft Corporation",
);
static EDGE: Maker = microsoft("Microsoft Edge", "142.0.3595.65", "Microsoft Corporation");
static TEAMS: Maker = microsoft(
    "Microsoft Teams",
    "25275.2601.4002.2815",
    "Microsoft Corporation",
);
static ONEDRIVE: Maker = microsoft(
    "Microsoft OneDrive",
    "25.194.1005.3",
    "Microsoft Corporation",
);
static DEFENDER: Maker = microsoft(
    "Microsoft Defender Antivirus",
    "4.18.25090.3009",
    "Microsoft Windows Publisher",
);
static SENSE: Maker = microsoft(
    "Microsoft Defender for Endpoint",
    "10.8805.26100.6899",
    "Microsoft Windows Publisher",
);
static DOTNET: Maker = microsoft(
    "Microsoft® .NET Framework",
    "4.8.9310.0",
    "Microsoft Corporation",
);
static INTUNE: Maker = microsoft(
    "Microsoft Intune Management Extension",
    "1.94.101.0",
    "Microsoft Corporation",
);
static SQL: Maker = microsoft(
    "Microsoft SQL Server",
    "16.0.4215.2",
    "Microsoft Corporation",
);
static CODE: Maker = microsoft("Visual Studio Code", "1.105.1", "Microsoft Corporation");
static READER: Maker = maker("Wingtip Software", "Wingtip PDF Reader", "11.2.0.418");
static PLANNER: Maker = maker("Northwind Systems", "Northwind Planner", "7.4.1");
static FORMS: Maker = maker("Litware Forms GmbH", "Litware Forms", "4.2.0");
static BACKUP: Maker = maker("Tailspin Data", "Tailspin Backup Agent", "9.1.3");
static GIT: Maker = maker("The Git Development Community", "Git", "2.51.1.1");
/// A file that says nothing about itself.
pub(super) static UNKNOWN: Maker = maker("", "", "");

const SYSTEM32: &str = r"C:\Windows\System32\";
const OFFICE16: &str = r"C:\Program Files\Microsoft Office\root\Office16\";
const FRAMEWORK: &str = r"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\";
const SENSE_FOLDER: &str = r"C:\Program Files\Windows Defender Advanced Threat Protection\";
const DEFENDER_FOLDER: &str =
    r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.25090.3009-0\";

/// File, folder, maker, description, size in kilobytes.
type Entry = (
    &'static str,
    &'static str,
    &'static Maker,
    &'static str,
    i64,
);

#[rustfmt::skip] // a table reads by lines
static ENTRIES: [Entry; 96] = [
    ("ntoskrnl.exe", SYSTEM32, &WINDOWS, "NT Kernel & System", 12_190),
    ("smss.exe", SYSTEM32, &WINDOWS, "Windows Session Manager", 182),
    ("csrss.exe", SYSTEM32, &WINDOWS, "Client Server Runtime Process", 42),
    ("wininit.exe", SYSTEM32, &WINDOWS, "Windows Start-Up Application", 521),
    ("winlogon.exe", SYSTEM32, &WINDOWS, "Windows Log-on Application", 944),
    ("services.exe", SYSTEM32, &WINDOWS, "Services and Controller app", 730),
    ("lsass.exe", SYSTEM32, &WINDOWS, "Local Security Authority Process", 83),
    ("svchost.exe", SYSTEM32, &WINDOWS, "Host Process for Windows Services", 88),
    ("fontdrvhost.exe", SYSTEM32, &WINDOWS, "Usermode Font Driver Host", 893),
    ("dwm.exe", SYSTEM32, &WINDOWS, "Desktop Window Manager", 131),
    ("userinit.exe", SYSTEM32, &WINDOWS, "Userinit Logon Application", 51),
    ("explorer.exe", r"C:\Windows\", &WINDOWS, "Windows Explorer", 2_780),
    ("sihost.exe", SYSTEM32, &WINDOWS, "Shell Infrastructure Host", 147),
    ("taskhostw.exe", SYSTEM32, &WINDOWS, "Host Process for Windows Tasks", 105),
    ("RuntimeBroker.exe", SYSTEM32, &WINDOWS, "Runtime Broker", 158),
    ("backgroundTaskHost.exe", SYSTEM32, &WINDOWS, "Background Task Host", 32),
    ("dllhost.exe", SYSTEM32, &WINDOWS, "COM Surrogate", 42),
    ("conhost.exe", SYSTEM32, &WINDOWS, "Console Window Host", 1_012),
    ("cmd.exe", SYSTEM32, &WINDOWS, "Windows Command Processor", 331),
    ("powershell.exe", r"C:\Windows\System32\WindowsPowerShell\v1.0\", &WINDOWS, "Windows PowerShell", 454),
    ("spoolsv.exe", SYSTEM32, &WINDOWS, "Spooler SubSystem App", 936),
    ("SearchIndexer.exe", SYSTEM32, &WINDOWS, "Microsoft Windows Search Indexer", 987),
    ("SearchProtocolHost.exe", SYSTEM32, &WINDOWS, "Microsoft Windows Search Protocol Host", 456),
    ("WmiPrvSE.exe", r"C:\Windows\System32\wbem\", &WINDOWS, "WMI Provider Host", 511),
    ("MoUsoCoreWorker.exe", SYSTEM32, &WINDOWS, "MoUSO Core Worker Process", 3_310),
    ("usoclient.exe", SYSTEM32, &WINDOWS, "UsoClient", 131),
    ("TrustedInstaller.exe", r"C:\Windows\servicing\", &WINDOWS, "Windows Modules Installer", 205),
    ("schtasks.exe", SYSTEM32, &WINDOWS, "Task Scheduler Configuration Tool", 262),
    ("net.exe", SYSTEM32, &WINDOWS, "Net Command", 74),
    ("net1.exe", SYSTEM32, &WINDOWS, "Net Command", 186),
    ("whoami.exe", SYSTEM32, &WINDOWS, "whoami - displays logged on user information", 98),
    ("ipconfig.exe", SYSTEM32, &WINDOWS, "IP Configuration Utility", 49),
    ("nslookup.exe", SYSTEM32, &WINDOWS, "nslookup", 109),
    ("nltest.exe", SYSTEM32, &WINDOWS, "Microsoft Logon Server Test Utility", 558),
    ("systeminfo.exe", SYSTEM32, &WINDOWS, "Displays system information", 121),
    ("tasklist.exe", SYSTEM32, &WINDOWS, "Lists the current running tasks", 123),
    ("gpupdate.exe", SYSTEM32, &WINDOWS, "Microsoft Group Policy Update Utility", 41),
    ("rundll32.exe", SYSTEM32, &WINDOWS, "Windows host process (Rundll32)", 84),
    ("regsvr32.exe", SYSTEM32, &WINDOWS, "Microsoft(C) Register Server", 41),
    ("msiexec.exe", SYSTEM32, &WINDOWS, "Windows® installer", 164),
    ("reg.exe", SYSTEM32, &WINDOWS, "Registry Console Tool", 94),
    ("sc.exe", SYSTEM32, &WINDOWS, "Service Control Manager Configuration Tool", 86),
    ("curl.exe", SYSTEM32, &WINDOWS, "The curl executable", 624),
    ("tar.exe", SYSTEM32, &WINDOWS, "bsdtar archive tool", 55),
    ("robocopy.exe", SYSTEM32, &WINDOWS, "Microsoft Robocopy", 160),
    ("mmc.exe", SYSTEM32, &WINDOWS, "Microsoft Management Console", 1_934),
    ("mstsc.exe", SYSTEM32, &WINDOWS, "Remote Desktop Connection", 1_610),
    ("notepad.exe", SYSTEM32, &WINDOWS, "Notepad", 360),
    ("dns.exe", SYSTEM32, &WINDOWS, "Domain Name System (DNS) Server", 1_790),
    ("w3wp.exe", r"C:\Windows\System32\inetsrv\", &WINDOWS, "IIS Worker Process", 39),
    ("csc.exe", FRAMEWORK, &DOTNET, "Visual C# Command Line Compiler", 2_760),
    ("cvtres.exe", FRAMEWORK, &DOTNET, "Microsoft® Resource File To COFF Object Conversion", 53),
    ("ngen.exe", FRAMEWORK, &DOTNET, "Microsoft Common Language Runtime native compiler", 182),
    ("MsMpEng.exe", DEFENDER_FOLDER, &DEFENDER, "Antimalware Service Executable", 285),
    ("MpCmdRun.exe", DEFENDER_FOLDER, &DEFENDER, "Microsoft Malware Protection Command Line", 1_280),
    ("NisSrv.exe", DEFENDER_FOLDER, &DEFENDER, "Microsoft Network Realtime Inspection", 3_330),
    ("MsSense.exe", SENSE_FOLDER, &SENSE, "Windows Defender Advanced Threat Protection", 556),
    ("SenseIR.exe", SENSE_FOLDER, &SENSE, "Windows Defender Sense Incident Response", 4_020),
    ("SenseNdr.exe", SENSE_FOLDER, &SENSE, "Windows Defender Sense Network Detection", 8_700),
    ("AgentExecutor.exe", r"C:\Program Files (x86)\Microsoft Intune Management Extension\", &INTUNE, "Agent Executor", 97),
    ("Microsoft.Management.Services.IntuneWindowsAgent.exe", r"C:\Program Files (x86)\Microsoft Intune Management Extension\", &INTUNE, "Intune Windows Agent", 412),
    ("WINWORD.EXE", OFFICE16, &OFFICE, "Microsoft Word", 1_650),
    ("EXCEL.EXE", OFFICE16, &OFFICE, "Microsoft Excel", 69_300),
    ("POWERPNT.EXE", OFFICE16, &OFFICE, "Microsoft PowerPoint", 1_870),
    ("OUTLOOK.EXE", OFFICE16, &OFFICE, "Microsoft Outlook", 44_700),
    ("ONENOTE.EXE", OFFICE16, &OFFICE, "Microsoft OneNote", 2_500),
    ("OfficeClickToRun.exe", r"C:\Program Files\Common Files\Microsoft Shared\ClickToRun\", &OFFICE, "Microsoft Office Click-to-Run (SxS)", 14_500),
    ("splwow64.exe", r"C:\Windows\", &WINDOWS, "Print driver host for applications", 192),
    ("ms-teams.exe", r"C:\Program Files\WindowsApps\MSTeams_25275.2601.4002.2815_x64__8wekyb3d8bbwe\", &TEAMS, "Microsoft Teams", 51_200),
    ("OneDrive.exe", r"C:\Program Files\Microsoft OneDrive\", &ONEDRIVE, "Microsoft OneDrive", 4_900),
    ("msedge.exe", r"C:\Program Files (x86)\Microsoft\Edge\Application\", &EDGE, "Microsoft Edge", 4_470),
    ("MicrosoftEdgeUpdate.exe", r"C:\Program Files (x86)\Microsoft\EdgeUpdate\", &EDGE, "Microsoft Edge Update", 210),
    ("WtReader.exe", r"C:\Program Files\Wingtip\Reader\", &READER, "Wingtip PDF Reader", 5_720),
    ("WtUpdate.exe", r"C:\Program Files\Wingtip\Reader\", &READER, "Wingtip Updater", 640),
    ("NwPlanner.exe", r"C:\Program Files\Northwind\Planner\", &PLANNER, "Northwind Planner", 9_300),
    ("LwForms.exe", r"C:\Program Files\Litware\Forms\", &FORMS, "Litware Forms Service", 7_100),
    ("TsAgent.exe", r"C:\Program Files\Tailspin\Backup\", &BACKUP, "Tailspin Backup Agent", 3_800),
    ("Code.exe", r"C:\Program Files\Microsoft VS Code\", &CODE, "Visual Studio Code", 182_000),
    ("git.exe", r"C:\Program Files\Git\cmd\", &GIT, "Git for Windows", 46),
    ("sqlservr.exe", r"C:\Program Files\Microsoft SQL Server\MSSQL16.MSSQLSERVER\MSSQL\Binn\", &SQL, "SQL Server Windows NT - 64 Bit", 610),
    ("ntdll.dll", SYSTEM32, &WINDOWS, "NT Layer DLL", 2_130),
    ("kernel32.dll", SYSTEM32, &WINDOWS, "Windows NT BASE API Client DLL", 770),
    ("crypt32.dll", SYSTEM32, &WINDOWS, "Crypto API32", 1_430),
    ("wininet.dll", SYSTEM32, &WINDOWS, "Internet Extensions for Win32", 2_540),
    ("winhttp.dll", SYSTEM32, &WINDOWS, "Windows HTTP Services", 1_150),
    ("urlmon.dll", SYSTEM32, &WINDOWS, "OLE32 Extensions for Win32", 2_010),
    ("amsi.dll", SYSTEM32, &WINDOWS, "Anti-Malware Scan Interface", 107),
    ("samlib.dll", SYSTEM32, &WINDOWS, "SAM Library DLL", 147),
    ("dbghelp.dll", SYSTEM32, &WINDOWS, "Windows Image Helper", 2_290),
    ("clr.dll", FRAMEWORK, &DOTNET, "Microsoft .NET Runtime Common Language Runtime", 11_000),
    ("mscoree.dll", SYSTEM32, &DOTNET, "Microsoft .NET Runtime Execution Engine", 400),
    ("System.Management.Automation.ni.dll", r"C:\Windows\assembly\NativeImages_v4.0.30319_64\System.Manaa57fc8cc#\", &WINDOWS, "System.Management.Automation", 34_900),
    ("VBE7.DLL", r"C:\Program Files\Microsoft Office\root\VFS\ProgramFilesCommonX64\Microsoft Shared\VBA\VBA7.1\", &OFFICE, "Visual Basic Design Time Environment", 3_350),
    ("mso.dll", OFFICE16, &OFFICE, "Microsoft Office component", 27_400),
    ("wwlib.dll", OFFICE16, &OFFICE, "Microsoft Word", 47_800),
    ("WtCore.dll", r"C:\Program Files\Wingtip\Reader\", &READER, "Wingtip PDF Core", 18_200),
];

/// Every image, and where each name is.
#[derive(Debug)]
pub(super) struct Software {
    pub(super) images: Vec<Image>,
    names: BTreeMap<Text, usize>,
}

impl Software {
    /// What is installed; its contents go to the front of `contents`.
    pub(super) fn new(random: &mut Random, contents: &mut Vec<Content>) -> Self {
        let mut software = Self {
            images: Vec::new(),
            names: BTreeMap::new(),
        };
        for (name, folder, maker, description, size) in &ENTRIES {
            let size = size * 1024 + random.below(1024) / 8 * 8;
            contents.push(Content::new(random, size));
            let stem = name.rsplit_once('.').map_or(*name, |(stem, _)| stem);
            software.add(Image {
                name: Cow::Borrowed(name),
                path: format!("{folder}{name}").into(),
                maker,
                internal_name: Cow::Borrowed(stem),
                original_name: Cow::Borrowed(name),
                description,
                content: contents.len() - 1,
            });
        }
        software
    }

    /// Adds an image that was not installed by anybody's will.
    pub(super) fn add(&mut self, image: Image) -> usize {
        self.names.insert(image.name.clone(), self.images.len());
        self.images.push(image);
        self.images.len() - 1
    }

    /// The image with this file name.
    #[expect(
        clippy::expect_used,
        reason = "the names are in the source and every one is used"
    )]
    pub(super) fn find(&self, name: &str) -> usize {
        *self.names.get(name).expect("a program that is installed")
    }

    /// The images that were installed by the company's own will; they come first.
    pub(super) const INSTALLED: usize = ENTRIES.len();
}

//! What is installed on devices, what is wrong with it, and how devices are configured.

use std::fmt::Write;

use arrow::array::RecordBatch;

use super::{
    calendar::{DAY, HOUR},
    columns::Columns,
    company::{Device, DeviceKind, WEB_SERVER},
    inventory::platform,
    random::mix,
    world::World,
};

/// Adds the tables of vulnerability management.
pub(super) fn tables(world: &World, add: &mut impl FnMut(&str, RecordBatch)) {
    let rows = installations(world);
    add("DeviceTvmSoftwareInventory", software_inventory(&rows));
    add("DeviceTvmSoftwareVulnerabilities", vulnerabilities(&rows));
    add(
        "DeviceTvmSoftwareVulnerabilitiesKB",
        vulnerability_knowledge(world),
    );
    add(
        "DeviceTvmSecureConfigurationAssessment",
        configuration(world),
    );
    add(
        "DeviceTvmSecureConfigurationAssessmentKB",
        configuration_knowledge(),
    );
}

/// A version of a product, and what is wrong with it.
struct Product {
    vendor: &'static str,
    name: &'static str,
    version: &'static str,
    /// Whether it is on workstations, on servers.
    on: (bool, bool),
    end_of_support: &'static str,
    /// CVE, severity, and the update that closes it. The numbers are beyond those given out.
    flaws: &'static [(&'static str, &'static str, &'static str)],
}

const fn product(
    (vendor, name, version): (&'static str, &'static str, &'static str),
    on: (bool, bool),
    flaws: &'static [(&'static str, &'static str, &'static str)],
) -> Product {
    Product {
        vendor,
        name,
        version,
        on,
        end_of_support: "",
        flaws,
    }
}

static PRODUCTS: [Product; 12] = [
    product(
        ("microsoft", "windows_11", "10.0.26200.6899"),
        (true, false),
        &[(
            "CVE-2026-900204",
            "Medium",
            "November 2026 Security Updates",
        )],
    ),
    product(
        ("microsoft", "windows_server_2022", "10.0.20348.4297"),
        (false, true),
        &[(
            "CVE-2026-900204",
            "Medium",
            "November 2026 Security Updates",
        )],
    ),
    product(
        ("microsoft", "office", "16.0.19328.20190"),
        (true, false),
        &[],
    ),
    product(
        ("microsoft", "edge_chromium-based", "142.0.3595.65"),
        (true, true),
        &[("CVE-2026-900311", "High", "Microsoft Edge 142.0.3595.80")],
    ),
    product(
        ("microsoft", "teams", "25275.2601.4002.2815"),
        (true, false),
        &[],
    ),
    product(
        ("microsoft", ".net_framework", "4.8.9310.0"),
        (true, true),
        &[],
    ),
    product(
        ("microsoft", "defender", "4.18.25090.3009"),
        (true, true),
        &[],
    ),
    product(
        ("wingtip", "pdf_reader", "11.2.0.418"),
        (true, false),
        &[
            ("CVE-2026-900120", "High", "Wingtip PDF Reader 11.2.1"),
            ("CVE-2026-900121", "Low", "Wingtip PDF Reader 11.2.1"),
        ],
    ),
    product(("northwind", "planner", "7.4.1"), (true, false), &[]),
    product(
        ("tailspin", "backup_agent", "9.1.3"),
        (false, true),
        &[("CVE-2026-900077", "Medium", "Tailspin Backup Agent 9.2")],
    ),
    Product {
        vendor: "adatum",
        name: "printer_tool",
        version: "2.0.4",
        on: (true, false),
        end_of_support: "EOS Version",
        flaws: &[],
    },
    product(
        ("litware", "forms", "4.2.0"),
        (false, false),
        &[
            ("CVE-2026-900017", "Critical", "Litware Forms 4.2.3"),
            ("CVE-2026-900018", "High", "Litware Forms 4.2.3"),
        ],
    ),
];

/// A product on a device, with one of its flaws or none.
struct Installation<'w> {
    device: &'w Device,
    product: &'static Product,
}

fn installations(world: &World) -> Vec<Installation<'_>> {
    let mut rows = Vec::new();
    for (place, device) in world.company.devices.iter().enumerate() {
        for product in &PRODUCTS {
            let installed = match device.kind {
                DeviceKind::Workstation => product.on.0,
                DeviceKind::Server => product.on.1,
                DeviceKind::Linux => false,
            };
            if installed || (place == WEB_SERVER && product.vendor == "litware") {
                rows.push(Installation { device, product });
            }
        }
    }
    rows
}

/// The columns that inventory and vulnerabilities share.
fn installed<'a, R>(columns: &mut Columns<'a, R>, of: impl Fn(&R) -> &Installation<'a> + Copy) {
    columns
        .text("DeviceId", move |row| of(row).device.id.as_str())
        .text("DeviceName", move |row| of(row).device.name.as_str())
        .text("OSPlatform", move |row| platform(of(row).device.kind)[0])
        .text("OSVersion", move |row| platform(of(row).device.kind)[2])
        .text("OSArchitecture", |_| "x64")
        .text("SoftwareVendor", move |row| of(row).product.vendor)
        .text("SoftwareName", move |row| of(row).product.name)
        .text("SoftwareVersion", move |row| of(row).product.version);
}

fn software_inventory(rows: &[Installation<'_>]) -> RecordBatch {
    let mut columns = Columns::of(rows);
    installed(&mut columns, |row| row);
    columns
        .text("EndOfSupportStatus", |row| row.product.end_of_support)
        .time_or("EndOfSupportDate", |row| {
            (!row.product.end_of_support.is_empty()).then_some(1_735_603_200_000_000_000)
        })
        .written("ProductCodeCpe", |row, text| {
            let Product {
                vendor,
                name,
                version,
                ..
            } = row.product;
            let _ = write!(text, "cpe:2.3:a:{vendor}:{name}:{version}:*:*:*:*:*:*:*");
        });
    columns.finish()
}

fn vulnerabilities(installations: &[Installation<'_>]) -> RecordBatch {
    let rows: Vec<_> = installations
        .iter()
        .flat_map(|row| row.product.flaws.iter().map(move |flaw| (row, flaw)))
        .collect();
    let mut columns = Columns::of(&rows);
    installed(&mut columns, |row| row.0);
    columns
        .text("CveId", |row| row.1.0)
        .text("VulnerabilitySeverityLevel", |row| row.1.1)
        .text("RecommendedSecurityUpdate", |row| row.1.2)
        .text("CveTags", |row| match row.1.0 {
            "CVE-2026-900017" => "[\"ExploitAvailable\"]",
            _ => "[]",
        });
    columns.finish()
}

fn vulnerability_knowledge(world: &World) -> RecordBatch {
    let rows = [
        (
            "CVE-2026-900017",
            "9.8",
            true,
            34,
            "Litware Forms accepts files of any kind at its upload address without sign-in.",
            "litware:forms",
        ),
        (
            "CVE-2026-900018",
            "8.1",
            false,
            34,
            "Litware Forms stores its database password in a file that anyone on the server can read.",
            "litware:forms",
        ),
        (
            "CVE-2026-900077",
            "5.5",
            false,
            120,
            "Tailspin Backup Agent writes passwords to its log.",
            "tailspin:backup_agent",
        ),
        (
            "CVE-2026-900120",
            "7.8",
            false,
            61,
            "Wingtip PDF Reader runs code from a crafted document.",
            "wingtip:pdf_reader",
        ),
        (
            "CVE-2026-900121",
            "3.3",
            false,
            61,
            "Wingtip PDF Reader leaks the name of the user.",
            "wingtip:pdf_reader",
        ),
        (
            "CVE-2026-900204",
            "6.2",
            false,
            11,
            "A local user can read memory of the kernel.",
            "microsoft:windows",
        ),
        (
            "CVE-2026-900311",
            "8.8",
            false,
            4,
            "A page can leave the sandbox of the browser.",
            "microsoft:edge_chromium-based",
        ),
    ];
    let calendar = world.calendar;
    let mut columns = Columns::of(&rows);
    columns
        .text("CveId", |row| row.0)
        .text("CvssScore", |row| row.1)
        .bool("IsExploitAvailable", |row| Some(row.2))
        .text("VulnerabilitySeverityLevel", |row| match row.1 {
            score if score >= "9" => "Critical",
            score if score >= "7" => "High",
            score if score >= "4" => "Medium",
            _ => "Low",
        })
        .time("LastModifiedTime", move |row| {
            calendar.day(row.3 / 2) + 9 * HOUR
        })
        .time("PublishedDate", move |row| calendar.day(row.3))
        .text("VulnerabilityDescription", |row| row.4)
        .written("AffectedSoftware", |row, text| {
            let _ = write!(text, "[\"{}\"]", row.5);
        });
    columns.finish()
}

/// Id, category, subcategory, impact, name, what to do, and the share that does not comply.
type Setting = (
    &'static str,
    &'static str,
    &'static str,
    f64,
    &'static str,
    &'static str,
    u64,
);

static SETTINGS: [Setting; 9] = [
    (
        "scid-2010",
        "Security controls",
        "Antivirus",
        9.0,
        "Turn on antivirus",
        "Set it in a policy",
        0,
    ),
    (
        "scid-2012",
        "Security controls",
        "Antivirus",
        9.0,
        "Turn on real-time protection",
        "Set it in a policy",
        0,
    ),
    (
        "scid-96",
        "Network",
        "Firewall",
        7.0,
        "Turn on the firewall in the domain",
        "Set it in a policy",
        5,
    ),
    (
        "scid-2500",
        "Security controls",
        "Attack Surface Reduction",
        9.0,
        "Block Office from making child processes",
        "Set the rule to block",
        100,
    ),
    (
        "scid-2502",
        "Security controls",
        "Attack Surface Reduction",
        9.0,
        "Block reading credentials from lsass",
        "Set the rule to block",
        45,
    ),
    (
        "scid-25",
        "Accounts",
        "Password Policy",
        5.0,
        "Require long passwords",
        "Set it in the domain policy",
        10,
    ),
    (
        "scid-3011",
        "OS",
        "Services",
        4.0,
        "Turn off the print spooler on servers",
        "Disable the service",
        30,
    ),
    (
        "scid-71",
        "Network",
        "Protocols",
        6.0,
        "Turn off SMB 1",
        "Remove the feature",
        3,
    ),
    (
        "scid-6095",
        "Security controls",
        "BitLocker",
        5.0,
        "Encrypt drives",
        "Set it in a policy",
        15,
    ),
];

fn configuration(world: &World) -> RecordBatch {
    let midnight = world.calendar.day(0);
    let mut rows = Vec::new();
    for (place, device) in (0_u64..).zip(&world.company.devices) {
        if device.kind == DeviceKind::Linux {
            continue;
        }
        for (number, setting) in (0_u64..).zip(&SETTINGS) {
            let complies = mix(place * 31 + number) % 100 >= setting.6;
            let place = i64::try_from(place).unwrap_or(0);
            rows.push((
                midnight - DAY + 4 * HOUR + place * 37_000_300,
                device,
                setting,
                complies,
            ));
        }
    }
    rows.sort_by_key(|row| row.0);
    let mut columns = Columns::of(&rows);
    columns
        .text("DeviceId", |row| row.1.id.as_str())
        .text("DeviceName", |row| row.1.name.as_str())
        .text("OSPlatform", |row| platform(row.1.kind)[0])
        .time("Timestamp", |row| row.0)
        .text("ConfigurationId", |row| row.2.0)
        .text("ConfigurationCategory", |row| row.2.1)
        .text("ConfigurationSubcategory", |row| row.2.2)
        .real("ConfigurationImpact", |row| row.2.3)
        .bool("IsCompliant", |row| Some(row.3))
        .bool("IsApplicable", |_| Some(true))
        .text(
            "Context",
            |row| if row.3 { "[[\"1\"]]" } else { "[[\"0\"]]" },
        )
        .bool("IsExpectedUserImpact", |row| {
            Some(row.2.2 == "Attack Surface Reduction")
        });
    columns.finish()
}

fn configuration_knowledge() -> RecordBatch {
    let mut columns = Columns::of(&SETTINGS);
    columns
        .text("ConfigurationId", |row| row.0)
        .real("ConfigurationImpact", |row| row.3)
        .text("ConfigurationName", |row| row.4)
        .text("ConfigurationDescription", |row| row.4)
        .text(
            "RiskDescription",
            |_| "Intruders look for devices without it.",
        )
        .text("ConfigurationCategory", |row| row.1)
        .text("ConfigurationSubcategory", |row| row.2)
        .text("ConfigurationBenchmarks", |_| "[]")
        .text("Tags", |_| "[\"baseline\"]")
        .text("RemediationOptions", |row| row.5);
    columns.finish()
}

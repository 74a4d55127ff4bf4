//! Tables, columns and values that are called otherwise today.

use kql_syntax::tree::{ExpressionKind, LiteralValue, Query, StatementKind};
use kql_syntax::{Node, Span};

use super::Finding;
use super::rules::{GONE_TABLE, RENAMED_COLUMN, RENAMED_VALUE};

/// Columns that queries still name, and what they are called today.
///
/// Source: <https://learn.microsoft.com/defender-xdr/advanced-hunting-schema-changes>
const COLUMNS: &[(&str, &str)] = &[
    ("ComputerName", "DeviceName"),
    ("DeviceObjectId", "AadDeviceId"),
    ("EventTime", "Timestamp"),
    ("EventType", "ActionType"),
    ("FinalEmailAction", "EmailAction"),
    ("FinalEmailActionPolicy", "EmailActionPolicy"),
    ("FinalEmailActionPolicyGuid", "EmailActionPolicyGuid"),
    ("MachineId", "DeviceId"),
    ("MalwareDetectionMethod", "DetectionMethods"),
    ("MalwareFilterVerdict", "ThreatTypes"),
    ("PhishDetectionMethod", "DetectionMethods"),
    ("PhishFilterVerdict", "ThreatTypes"),
];

/// Columns, values that they had, and what those are today.
///
/// Source: <https://learn.microsoft.com/defender-xdr/advanced-hunting-schema-changes>
const VALUES: &[(&str, &str, &str)] = &[
    ("ActionType", "UsbDriveMount", "UsbDriveMounted"),
    ("ActionType", "UsbDriveUnmount", "UsbDriveUnmounted"),
    (
        "ActionType",
        "WriteProcessMemoryApiCall",
        "WriteToLsassProcessMemory",
    ),
    ("DetectionSource", "WindowsDefenderAtp", "EDR"),
    ("DetectionSource", "WindowsDefenderAv", "Antivirus"),
    (
        "DetectionSource",
        "WindowsDefenderSmartScreen",
        "SmartScreen",
    ),
    ("DetectionSource", "CustomerTI", "Custom TI"),
    (
        "DetectionSource",
        "OfficeATP",
        "Microsoft Defender for Office 365",
    ),
    ("DetectionSource", "MTP", "Microsoft Defender XDR"),
    (
        "DetectionSource",
        "AzureATP",
        "Microsoft Defender for Identity",
    ),
    ("DetectionSource", "CustomDetection", "Custom detection"),
    (
        "DetectionSource",
        "AutomatedInvestigation",
        "Automated investigation",
    ),
    (
        "DetectionSource",
        "ThreatExperts",
        "Microsoft Threat Experts",
    ),
    ("DetectionSource", "3rd party TI", "3rd Party sensors"),
    (
        "ServiceSource",
        "Microsoft Defender ATP",
        "Microsoft Defender for Endpoint",
    ),
    (
        "ServiceSource",
        "Microsoft Threat Protection",
        "Microsoft Defender XDR",
    ),
    (
        "ServiceSource",
        "Office 365 ATP",
        "Microsoft Defender for Office 365",
    ),
    (
        "ServiceSource",
        "Azure ATP",
        "Microsoft Defender for Identity",
    ),
];

/// Names of tables that are gone, unless the query defines them itself.
pub(super) fn gone_tables(tree: &Query) -> Vec<Finding> {
    let defines = |name: &str| {
        tree.nodes().any(|node| match node {
            Node::Statement(statement) => match &statement.kind {
                StatementKind::Let(binding) => binding.name.text == name,
                _ => false,
            },
            _ => false,
        })
    };
    tree.nodes()
        .filter_map(|node| {
            let Node::Expression(expression) = node else {
                return None;
            };
            let ExpressionKind::Name(name) = &expression.kind else {
                return None;
            };
            let gone = defender_schema::gone_table(&name.text)?;
            if defines(&name.text) {
                return None;
            }
            let how = match gone.note.strip_prefix("gone since ") {
                Some(since) => format!("is gone since {since}"),
                None => format!("is gone: {}", gone.note),
            };
            let message = format!("the table '{}' {how}", gone.name);
            let hint = format!("read {}", gone.replacements.join(" and "));
            Some(Finding::new(&GONE_TABLE, expression.span, message).hint(hint))
        })
        .collect()
}

/// The finding about a column that does not exist, when it did, and its name of today; whether the
/// table at hand has that is another question.
pub(super) fn renamed_column(name: &str, span: Span) -> Option<(Finding, &'static str)> {
    let (old, new) = COLUMNS.iter().find(|(old, _)| *old == name)?;
    let message = format!("the column '{old}' is called '{new}' today");
    let finding = Finding::new(&RENAMED_COLUMN, span, message).hint(format!("write {new}"));
    Some((finding, new))
}

/// Comparisons with values that are called otherwise today.
pub(super) fn renamed_values(tree: &Query) -> Vec<Finding> {
    let mut findings = Vec::new();
    for node in tree.nodes() {
        let Node::Expression(expression) = node else {
            continue;
        };
        let (left, right): (_, Vec<_>) = match &expression.kind {
            ExpressionKind::Comparison(comparison) => {
                (&comparison.left, vec![comparison.right.as_ref()])
            }
            ExpressionKind::In(found) => (&found.left, found.right.iter().collect()),
            _ => continue,
        };
        let ExpressionKind::Name(column) = &left.kind else {
            continue;
        };
        for value in right {
            let ExpressionKind::Literal(literal) = &value.kind else {
                continue;
            };
            let LiteralValue::String { value: text, .. } = &literal.value else {
                continue;
            };
            let known = VALUES
                .iter()
                .find(|(name, old, _)| *name == column.text && old.eq_ignore_ascii_case(text));
            if let Some((name, old, new)) = known {
                let message = format!("the value '{old}' of {name} is '{new}' today");
                let finding = Finding::new(&RENAMED_VALUE, value.span, message);
                findings.push(finding.hint(format!("compare with \"{new}\"")));
            }
        }
    }
    findings
}

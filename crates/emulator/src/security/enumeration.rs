//! Graph's names for sources, and those that a client has to ask for.
//!
//! Source: <https://learn.microsoft.com/graph/api/resources/security-alert>,
//! <https://learn.microsoft.com/graph/best-practices-concept#handling-future-members-in-evolvable-enumerations>

use serde_json::{Map, Value};

use crate::request::Asked;

/// What stands for a name that came later than `unknownFutureValue`.
const LATER: &str = "unknownFutureValue";

/// Sources by their names in the hunting tables: the service, and its name as a detector.
const SOURCES: &[(&str, &str, &str)] = &[
    (
        "Microsoft Defender for Endpoint",
        "microsoftDefenderForEndpoint",
        "microsoftDefenderForEndpoint",
    ),
    (
        "Microsoft Defender for Identity",
        "microsoftDefenderForIdentity",
        "microsoftDefenderForIdentity",
    ),
    (
        "Microsoft Defender for Cloud Apps",
        "microsoftDefenderForCloudApps",
        "cloudAppSecurity",
    ),
    (
        "Microsoft Defender for Office 365",
        "microsoftDefenderForOffice365",
        "microsoftDefenderForOffice365",
    ),
    (
        "Microsoft 365 Defender",
        "microsoft365Defender",
        "microsoft365Defender",
    ),
    (
        "AAD Identity Protection",
        "azureAdIdentityProtection",
        "azureAdIdentityProtection",
    ),
    (
        "App Governance",
        "microsoftAppGovernance",
        "appGovernanceDetection",
    ),
    (
        "Microsoft Data Loss Prevention",
        "dataLossPrevention",
        "microsoftDataLossPrevention",
    ),
    (
        "Microsoft Defender for Cloud",
        "microsoftDefenderForCloud",
        "microsoftDefenderForCloud",
    ),
    (
        "Microsoft Sentinel",
        "microsoftSentinel",
        "microsoftSentinel",
    ),
];

/// Detectors that are no services.
const DETECTORS: &[(&str, &str)] = &[
    ("Antivirus", "antivirus"),
    ("SmartScreen", "smartScreen"),
    ("Custom TI", "customTi"),
    ("Custom detection", "customDetection"),
    ("Automated investigation", "automatedInvestigation"),
    ("Microsoft Threat Experts", "microsoftThreatExperts"),
    // The sensor itself.
    ("EDR", "microsoftDefenderForEndpoint"),
];

/// Names that came later, by their property.
const NEWER: &[(&str, &[&str])] = &[
    (
        "serviceSource",
        &["microsoftDefenderForCloud", "microsoftSentinel"],
    ),
    (
        "detectionSource",
        &["microsoftDefenderForCloud", "microsoftSentinel"],
    ),
    ("status", &["awaitingAction"]),
];

/// `serviceSource` of an alert.
pub(super) fn service(name: &str) -> &'static str {
    let known = SOURCES.iter().find(|(known, ..)| *known == name);
    known.map_or("unknown", |(_, service, _)| service)
}

/// `detectionSource` of an alert.
pub(super) fn detector(name: &str) -> &'static str {
    let service = SOURCES.iter().find(|(known, ..)| *known == name);
    let detector = DETECTORS.iter().find(|(known, _)| *known == name);
    service
        .map(|(_, _, name)| *name)
        .or_else(|| detector.map(|(_, name)| *name))
        .unwrap_or("unknown")
}

/// Whether the client wants the names that came later.
pub(super) fn asked_for(asked: &Asked) -> bool {
    asked.header("prefer").is_some_and(|preferences| {
        preferences
            .split(',')
            .any(|preference| preference.trim() == "include-unknown-enum-members")
    })
}

/// Replaces the names that came later, in expanded alerts too.
pub(super) fn hide_newer(row: &mut Map<String, Value>) {
    for (property, newer) in NEWER {
        if let Some(Value::String(name)) = row.get_mut(*property)
            && newer.contains(&name.as_str())
        {
            LATER.clone_into(name);
        }
    }
    let alerts = row.get_mut("alerts").and_then(Value::as_array_mut);
    for alert in alerts.into_iter().flatten() {
        if let Value::Object(alert) = alert {
            hide_newer(alert);
        }
    }
}

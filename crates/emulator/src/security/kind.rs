//! What a property is compared with: a moment without quotes, a name of its enumeration, or text.
//!
//! Sources: <https://learn.microsoft.com/graph/api/resources/security-alert>,
//! <https://learn.microsoft.com/graph/api/resources/security-incident>,
//! <https://learn.microsoft.com/defender-endpoint/api/alerts>,
//! <https://learn.microsoft.com/defender-endpoint/api/machine>

use super::collection::Collection;

/// The type of a property that can be filtered by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// `Edm.DateTimeOffset`.
    Time,
    /// An enumeration with these names, in any case.
    Names(&'static [&'static str]),
    /// Text or a number: what does not fit is equal to nothing.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// In ticks; datetimes stand without quotes.
    Time(i64),
}

const SEVERITY: &[&str] = &[
    "unknown",
    "informational",
    "low",
    "medium",
    "high",
    "unknownFutureValue",
];
const ALERT_STATUS: &[&str] = &[
    "unknown",
    "new",
    "inProgress",
    "resolved",
    "unknownFutureValue",
];
const INCIDENT_STATUS: &[&str] = &[
    "active",
    "resolved",
    "inProgress",
    "redirected",
    "unknownFutureValue",
    "awaitingAction",
];
const CLASSIFICATION: &[&str] = &[
    "unknown",
    "falsePositive",
    "truePositive",
    "informationalExpectedActivity",
    "unknownFutureValue",
];
const DETERMINATION: &[&str] = &[
    "unknown",
    "apt",
    "malware",
    "securityPersonnel",
    "securityTesting",
    "unwantedSoftware",
    "other",
    "multiStagedAttack",
    "compromisedAccount",
    "phishing",
    "maliciousUserActivity",
    "notMalicious",
    "notEnoughDataToValidate",
    "confirmedUserActivity",
    "lineOfBusinessApplication",
    "unknownFutureValue",
];
const SERVICE_SOURCE: &[&str] = &[
    "unknown",
    "microsoftDefenderForEndpoint",
    "microsoftDefenderForIdentity",
    "microsoftDefenderForCloudApps",
    "microsoftDefenderForOffice365",
    "microsoft365Defender",
    "azureAdIdentityProtection",
    "microsoftAppGovernance",
    "dataLossPrevention",
    "unknownFutureValue",
    "microsoftDefenderForCloud",
    "microsoftSentinel",
    "microsoftInsiderRiskManagement",
    "microsoftThreatIntelligence",
];
const ENDPOINT_SEVERITY: &[&str] = &["UnSpecified", "Informational", "Low", "Medium", "High"];
const ENDPOINT_STATUS: &[&str] = &["Unknown", "New", "InProgress", "Resolved"];
const HEALTH_STATUS: &[&str] = &[
    "Active",
    "Inactive",
    "ImpairedCommunication",
    "NoSensorData",
    "NoSensorDataImpairedCommunication",
    "Unknown",
];
const RISK_SCORE: &[&str] = &["None", "Informational", "Low", "Medium", "High"];
const EXPOSURE_LEVEL: &[&str] = &["None", "Low", "Medium", "High"];
const ONBOARDING_STATUS: &[&str] = &[
    "Onboarded",
    "CanBeOnboarded",
    "Unsupported",
    "InsufficientInfo",
];
const DEVICE_VALUE: &[&str] = &["Normal", "Low", "High"];

impl Kind {
    /// That of `property` in `collection`.
    pub(super) fn of(collection: Collection, property: &str) -> Self {
        use Collection::{Alerts, AlertsV2, Incidents, Machines};
        match (collection, property) {
            (
                _,
                "createdDateTime" | "lastUpdateDateTime" | "alertCreationTime" | "lastUpdateTime"
                | "lastEventTime" | "lastSeen",
            ) => Self::Time,
            (AlertsV2 | Incidents, "severity") => Self::Names(SEVERITY),
            (AlertsV2 | Incidents, "classification") => Self::Names(CLASSIFICATION),
            (AlertsV2 | Incidents, "determination") => Self::Names(DETERMINATION),
            (AlertsV2, "status") => Self::Names(ALERT_STATUS),
            (AlertsV2, "serviceSource") => Self::Names(SERVICE_SOURCE),
            (Incidents, "status") => Self::Names(INCIDENT_STATUS),
            (Alerts, "severity") => Self::Names(ENDPOINT_SEVERITY),
            (Alerts, "status") => Self::Names(ENDPOINT_STATUS),
            (Machines, "healthStatus") => Self::Names(HEALTH_STATUS),
            (Machines, "riskScore") => Self::Names(RISK_SCORE),
            (Machines, "exposureLevel") => Self::Names(EXPOSURE_LEVEL),
            (Machines, "onboardingStatus") => Self::Names(ONBOARDING_STATUS),
            (Machines, "deviceValue") => Self::Names(DEVICE_VALUE),
            _ => Self::Other,
        }
    }

    /// Refuses what a property of this type cannot be compared with.
    ///
    /// # Errors
    ///
    /// The service's sentence.
    pub(super) fn check(self, comparison: Comparison, literal: &Literal) -> Result<(), String> {
        let (left, right) = match (self, literal) {
            (Self::Other, _) | (_, Literal::Null) | (Self::Time, Literal::Time(_)) => return Ok(()),
            (Self::Names(names), Literal::Text(name)) => {
                let is_known = names.iter().any(|known| known.eq_ignore_ascii_case(name));
                return if is_known {
                    Ok(())
                } else {
                    Err(format!(
                        "Invalid filter clause: The string '{name}' is not a valid enumeration type \
                         constant."
                    ))
                };
            }
            (Self::Time, literal) => ("Edm.DateTimeOffset", edm(literal)),
            (Self::Names(_), literal) => ("Edm.String", edm(literal)),
        };
        let operator = match comparison {
            Comparison::Equal => "Equal",
            Comparison::NotEqual => "NotEqual",
            Comparison::Greater => "GreaterThan",
            Comparison::GreaterOrEqual => "GreaterThanOrEqual",
            Comparison::Less => "LessThan",
            Comparison::LessOrEqual => "LessThanOrEqual",
        };
        Err(format!(
            "Invalid filter clause: A binary operator with incompatible types was detected. Found \
             operand types '{left}' and '{right}' for operator kind '{operator}'."
        ))
    }
}

/// What `OData` calls the type of a literal.
fn edm(literal: &Literal) -> &'static str {
    match literal {
        Literal::Null => "Edm.Untyped",
        Literal::Bool(_) => "Edm.Boolean",
        Literal::Number(_) => "Edm.Double",
        Literal::Text(_) => "Edm.String",
        Literal::Time(_) => "Edm.DateTimeOffset",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::filter::Filter;

    fn read(collection: Collection, filter: &str) -> Result<Filter, String> {
        Filter::parse(filter, collection.filterable(), |property| {
            Kind::of(collection, property)
        })
    }

    #[test]
    fn a_moment_has_no_quotes_and_an_enumeration_only_its_names() {
        use Collection::{Alerts, AlertsV2, Incidents, Machines};
        for (collection, filter) in [
            (AlertsV2, "createdDateTime ge '2026-11-01T00:00:00Z'"),
            (Incidents, "lastUpdateDateTime lt 7"),
            (Alerts, "alertCreationTime gt '2026-11-01T00:00:00Z'"),
            (Machines, "lastSeen gt '2026-11-01'"),
        ] {
            let error = read(collection, filter).unwrap_err();
            assert!(error.contains("incompatible types"), "{filter}: {error}");
        }
        for (collection, filter) in [
            (AlertsV2, "severity eq 'enormous'"),
            (AlertsV2, "status in ('new','old')"),
            (Incidents, "not (status eq 'new')"),
            (Alerts, "severity ne 'critical'"),
            (Machines, "riskScore eq 'Severe' or riskScore eq 'High'"),
        ] {
            let error = read(collection, filter).unwrap_err();
            assert!(error.contains("valid enumeration"), "{filter}: {error}");
        }
        for (collection, filter) in [
            (
                AlertsV2,
                "createdDateTime ge 2026-11-01T00:00:00Z and severity eq 'HIGH'",
            ),
            (
                Incidents,
                "status eq 'awaitingAction' or classification eq null",
            ),
            (Alerts, "assignedTo eq 'x' and status ne 'Resolved'"),
            (Machines, "healthStatus in ('Active','Inactive')"),
        ] {
            read(collection, filter).unwrap();
        }
    }
}

//! The collections beside hunting: alerts and incidents of Graph, alerts and machines of Defender
//! for Endpoint, over the same rows as the hunting tables.
//!
//! Sources: <https://learn.microsoft.com/graph/api/security-list-alerts_v2>,
//! <https://learn.microsoft.com/graph/api/security-list-incidents>,
//! <https://learn.microsoft.com/defender-endpoint/api/get-alerts>,
//! <https://learn.microsoft.com/defender-endpoint/api/get-machines>

mod answer;
mod enumeration;
mod filter;
mod options;
mod story;
mod tables;

pub(crate) use answer::list;

use crate::hosts::Api;

/// A collection, and which of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) collection: Collection,
    pub(crate) id: Option<String>,
}

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collection {
    /// Graph's `security/alerts_v2`.
    AlertsV2,
    /// Graph's `security/incidents`.
    Incidents,
    /// Defender for Endpoint's `alerts`.
    Alerts,
    /// Defender for Endpoint's `machines`.
    Machines,
}

impl Collection {
    /// The API that has it.
    pub(crate) fn api(self) -> Api {
        match self {
            Self::AlertsV2 | Self::Incidents => Api::Graph,
            Self::Alerts | Self::Machines => Api::Mde,
        }
    }

    /// The application roles and the delegated permissions that open it, the least first.
    fn permissions(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::AlertsV2 => (
                &["SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All"],
                &["SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All"],
            ),
            Self::Incidents => (
                &[
                    "SecurityIncident.Read.All",
                    "SecurityIncident.ReadWrite.All",
                ],
                &[
                    "SecurityIncident.Read.All",
                    "SecurityIncident.ReadWrite.All",
                ],
            ),
            Self::Alerts => (
                &["Alert.Read.All", "Alert.ReadWrite.All"],
                &["Alert.Read", "Alert.ReadWrite"],
            ),
            Self::Machines => (
                &["Machine.Read.All", "Machine.ReadWrite.All"],
                &["Machine.Read", "Machine.ReadWrite"],
            ),
        }
    }

    /// The properties that may be filtered by, as the collection's page lists them.
    fn filterable(self) -> &'static [&'static str] {
        match self {
            Self::AlertsV2 => &[
                "assignedTo",
                "classification",
                "determination",
                "createdDateTime",
                "lastUpdateDateTime",
                "severity",
                "serviceSource",
                "status",
            ],
            Self::Incidents => &[
                "assignedTo",
                "classification",
                "createdDateTime",
                "determination",
                "lastUpdateDateTime",
                "severity",
                "status",
            ],
            Self::Alerts => &[
                "alertCreationTime",
                "lastUpdateTime",
                "incidentId",
                "investigationId",
                "id",
                "assignedTo",
                "detectionSource",
                "lastEventTime",
                "status",
                "severity",
                "category",
            ],
            Self::Machines => &[
                "computerDnsName",
                "id",
                "version",
                "deviceValue",
                "aadDeviceId",
                "machineTags",
                "lastSeen",
                "exposureLevel",
                "onboardingStatus",
                "lastIpAddress",
                "healthStatus",
                "osPlatform",
                "riskScore",
                "rbacGroupId",
            ],
        }
    }

    /// How many rows a page has when nobody says.
    fn page(self) -> usize {
        match self {
            Self::AlertsV2 => 100,
            Self::Incidents => 50,
            Self::Alerts | Self::Machines => 10_000,
        }
    }

    /// The largest `$top`. For alerts of Graph it is not documented: as much as is asked for in
    /// practice.
    fn most(self) -> usize {
        match self {
            Self::AlertsV2 => 2_000,
            Self::Incidents => 50,
            Self::Alerts | Self::Machines => 10_000,
        }
    }

    /// What is newest comes first, by this.
    fn time(self) -> &'static str {
        match self {
            Self::AlertsV2 | Self::Incidents => "createdDateTime",
            Self::Alerts => "alertCreationTime",
            Self::Machines => "lastSeen",
        }
    }

    /// Its name in `$metadata`.
    fn metadata(self) -> &'static str {
        match self {
            Self::AlertsV2 => "security/alerts_v2",
            Self::Incidents => "security/incidents",
            Self::Alerts => "Alerts",
            Self::Machines => "Machines",
        }
    }

    /// What may be expanded.
    fn expandable(self) -> Option<&'static str> {
        match self {
            Self::Incidents => Some("alerts"),
            Self::Alerts => Some("evidence"),
            _ => None,
        }
    }
}

//! What can be listed, and what each collection takes.

use crate::hosts::Api;

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Collection {
    /// Graph's `security/alerts_v2`.
    AlertsV2,
    /// Graph's `security/incidents`.
    Incidents,
    /// Defender for Endpoint's `alerts`.
    Alerts,
    /// Defender for Endpoint's `machines`.
    Machines,
    /// The users of one of its alerts or machines.
    Users,
    /// The files of one of its alerts.
    Files,
    /// The addresses of one of its alerts.
    Ips,
    /// The domains of one of its alerts.
    Domains,
}

impl Collection {
    /// The API that has it.
    pub(super) fn api(self) -> Api {
        match self {
            Self::AlertsV2 | Self::Incidents => Api::Graph,
            _ => Api::Mde,
        }
    }

    /// The application roles and the delegated permissions that open it, the least first.
    pub(super) fn permissions(self) -> (&'static [&'static str], &'static [&'static str]) {
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
            Self::Users => (&["User.Read.All"], &["User.Read.All"]),
            Self::Files => (&["File.Read.All"], &["File.Read.All"]),
            Self::Ips => (&["Ip.Read.All"], &["Ip.Read.All"]),
            Self::Domains => (&["URL.Read.All"], &["URL.Read.All"]),
        }
    }

    /// The properties that may be filtered by, as the collection's page lists them.
    pub(super) fn filterable(self) -> &'static [&'static str] {
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
            Self::Users | Self::Files | Self::Ips | Self::Domains => &[],
        }
    }

    /// How many rows a page has when nobody says.
    pub(super) fn page(self) -> usize {
        match self {
            Self::AlertsV2 => 100,
            Self::Incidents => 50,
            _ => 10_000,
        }
    }

    /// The largest `$top`. For alerts of Graph it is not documented: as much as is asked for in
    /// practice.
    pub(super) fn most(self) -> usize {
        match self {
            Self::AlertsV2 => 2_000,
            Self::Incidents => 50,
            _ => 10_000,
        }
    }

    /// What is newest comes first, by this.
    pub(super) fn time(self) -> &'static str {
        match self {
            Self::AlertsV2 | Self::Incidents => "createdDateTime",
            Self::Alerts => "alertCreationTime",
            _ => "lastSeen",
        }
    }

    /// Its name in `$metadata`.
    pub(super) fn metadata(self) -> &'static str {
        match self {
            Self::AlertsV2 => "security/alerts_v2",
            Self::Incidents => "security/incidents",
            Self::Alerts => "Alerts",
            Self::Machines => "Machines",
            Self::Users => "Users",
            Self::Files => "Files",
            Self::Ips => "Ips",
            Self::Domains => "Domains",
        }
    }

    /// What may be expanded.
    pub(super) fn expandable(self) -> Option<&'static str> {
        match self {
            Self::Incidents => Some("alerts"),
            Self::Alerts => Some("evidence"),
            _ => None,
        }
    }
}

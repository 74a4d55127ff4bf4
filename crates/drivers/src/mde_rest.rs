//! Microsoft Defender for Endpoint: alerts, machines and the rest of its API.

use defender_core::DataEnvironment;
use defender_http::Quota;
use defender_table::ColumnType::{Bool, DateTime, Dynamic, Long, String};

use crate::{Collection, CollectionsDescription};

/// `GET {host}/api/alerts`, `/api/machines` and the other collections.
///
/// Source: <https://learn.microsoft.com/defender-endpoint/api/exposed-apis-list>
pub const MDE_REST: CollectionsDescription = CollectionsDescription {
    environment: DataEnvironment::Mde,
    collections: &[ALERTS, MACHINES],
    evolvable_enums: false,
    page_cap: Some(10_000),
    retired: &[],
    quota: Quota {
        calls_per_minute: 100,
        ..Quota::CALLS
    },
    documentation: "https://learn.microsoft.com/defender-endpoint/api/exposed-apis-list",
};

/// Source: <https://learn.microsoft.com/defender-endpoint/api/alerts>
const ALERTS: Collection = Collection {
    path: "alerts",
    key: "id",
    time: "alertCreationTime",
    filters: &[
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
    brief: &[
        "alertCreationTime",
        "id",
        "severity",
        "status",
        "category",
        "title",
        "computerDnsName",
    ],
    application_role: "Alert.Read.All",
    delegated_scope: "Alert.Read",
    columns: &[
        ("id", String),
        ("incidentId", Long),
        ("investigationId", Long),
        ("assignedTo", String),
        ("severity", String),
        ("status", String),
        ("classification", String),
        ("determination", String),
        ("investigationState", String),
        ("detectionSource", String),
        ("detectorId", String),
        ("category", String),
        ("threatFamilyName", String),
        ("threatName", String),
        ("title", String),
        ("description", String),
        ("alertCreationTime", DateTime),
        ("firstEventTime", DateTime),
        ("lastEventTime", DateTime),
        ("lastUpdateTime", DateTime),
        ("resolvedTime", DateTime),
        ("machineId", String),
        ("computerDnsName", String),
        ("rbacGroupName", String),
        ("aadTenantId", String),
        ("relatedUser", Dynamic),
        ("loggedOnUsers", Dynamic),
        ("mitreTechniques", Dynamic),
        ("comments", Dynamic),
        ("evidence", Dynamic),
    ],
    documentation: "https://learn.microsoft.com/defender-endpoint/api/get-alerts",
};

/// Source: <https://learn.microsoft.com/defender-endpoint/api/machine>
const MACHINES: Collection = Collection {
    path: "machines",
    key: "id",
    time: "lastSeen",
    filters: &[
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
    brief: &[
        "lastSeen",
        "id",
        "computerDnsName",
        "osPlatform",
        "healthStatus",
        "riskScore",
        "exposureLevel",
    ],
    application_role: "Machine.Read.All",
    delegated_scope: "Machine.Read",
    columns: &[
        ("id", String),
        ("computerDnsName", String),
        ("firstSeen", DateTime),
        ("lastSeen", DateTime),
        ("osPlatform", String),
        ("osProcessor", String),
        ("version", String),
        ("osBuild", Long),
        ("lastIpAddress", String),
        ("lastExternalIpAddress", String),
        ("healthStatus", String),
        ("onboardingStatus", String),
        ("deviceValue", String),
        ("riskScore", String),
        ("exposureLevel", String),
        ("rbacGroupId", Long),
        ("rbacGroupName", String),
        ("isAadJoined", Bool),
        ("aadDeviceId", String),
        ("machineTags", Dynamic),
        ("ipAddresses", Dynamic),
    ],
    documentation: "https://learn.microsoft.com/defender-endpoint/api/get-machines",
};

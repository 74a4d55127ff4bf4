//! Microsoft Graph: alerts and incidents.

use defender_core::DataEnvironment;
use defender_http::Quota;
use defender_table::ColumnType::{DateTime, Dynamic, String};

use crate::{Collection, CollectionsDescription};

/// `GET {host}/v1.0/security/alerts_v2` and `/security/incidents`.
///
/// Source: <https://learn.microsoft.com/graph/api/resources/security-api-overview>
pub const SECURITY_GRAPH: CollectionsDescription = CollectionsDescription {
    environment: DataEnvironment::SecurityGraph,
    collections: &[ALERTS_V2, INCIDENTS],
    evolvable_enums: true,
    page_cap: None,
    retired: &[(
        "security/alerts",
        "the legacy alerts API, security/alerts, was retired on 31 August 2026: ask \
         security/alerts_v2, whose properties have other names",
    )],
    quota: Quota {
        calls_per_minute: 150,
        calls_per_hour: 9_000,
        ..Quota::CALLS
    },
    documentation: "https://learn.microsoft.com/graph/api/resources/security-api-overview",
};

/// Source: <https://learn.microsoft.com/graph/api/resources/security-alert>
const ALERTS_V2: Collection = Collection {
    path: "security/alerts_v2",
    key: "id",
    time: "createdDateTime",
    filters: &[
        "assignedTo",
        "classification",
        "determination",
        "createdDateTime",
        "lastUpdateDateTime",
        "severity",
        "serviceSource",
        "status",
    ],
    brief: &[
        "createdDateTime",
        "id",
        "severity",
        "status",
        "category",
        "title",
        "productName",
        "incidentId",
    ],
    application_role: "SecurityAlert.Read.All",
    delegated_scope: "SecurityAlert.Read.All",
    columns: &[
        ("id", String),
        ("providerAlertId", String),
        ("incidentId", String),
        ("status", String),
        ("severity", String),
        ("classification", String),
        ("determination", String),
        ("serviceSource", String),
        ("productName", String),
        ("detectionSource", String),
        ("detectorId", String),
        ("tenantId", String),
        ("title", String),
        ("description", String),
        ("recommendedActions", String),
        ("category", String),
        ("assignedTo", String),
        ("alertWebUrl", String),
        ("incidentWebUrl", String),
        ("actorDisplayName", String),
        ("threatDisplayName", String),
        ("threatFamilyName", String),
        ("mitreTechniques", Dynamic),
        ("createdDateTime", DateTime),
        ("lastUpdateDateTime", DateTime),
        ("resolvedDateTime", DateTime),
        ("firstActivityDateTime", DateTime),
        ("lastActivityDateTime", DateTime),
        ("alertPolicyId", String),
        ("systemTags", Dynamic),
        ("additionalData", Dynamic),
        ("customDetails", Dynamic),
        ("comments", Dynamic),
        ("evidence", Dynamic),
    ],
    documentation: "https://learn.microsoft.com/graph/api/security-list-alerts_v2",
};

/// Source: <https://learn.microsoft.com/graph/api/resources/security-incident>
const INCIDENTS: Collection = Collection {
    path: "security/incidents",
    key: "id",
    time: "createdDateTime",
    filters: &[
        "assignedTo",
        "classification",
        "createdDateTime",
        "determination",
        "lastUpdateDateTime",
        "severity",
        "status",
    ],
    brief: &[
        "createdDateTime",
        "id",
        "severity",
        "status",
        "displayName",
        "assignedTo",
        "lastUpdateDateTime",
    ],
    application_role: "SecurityIncident.Read.All",
    delegated_scope: "SecurityIncident.Read.All",
    columns: &[
        ("id", String),
        ("displayName", String),
        ("tenantId", String),
        ("incidentWebUrl", String),
        ("redirectIncidentId", String),
        ("status", String),
        ("severity", String),
        ("classification", String),
        ("determination", String),
        ("assignedTo", String),
        ("createdDateTime", DateTime),
        ("lastUpdateDateTime", DateTime),
        ("lastModifiedBy", String),
        ("resolvingComment", String),
        ("summary", String),
        ("description", String),
        ("customTags", Dynamic),
        ("systemTags", Dynamic),
        ("comments", Dynamic),
    ],
    documentation: "https://learn.microsoft.com/graph/api/security-list-incidents",
};

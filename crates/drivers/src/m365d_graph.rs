//! Microsoft Graph: advanced hunting.

use defender_core::DataEnvironment;

use crate::Description;

/// `POST {host}/v1.0/security/runHuntingQuery`.
///
/// Source: <https://learn.microsoft.com/graph/api/security-security-runhuntingquery>
pub const M365D_GRAPH: Description = Description {
    environment: DataEnvironment::M365dGraph,
    takes_timespan: true,
    annotated: true,
    application_role: "ThreatHunting.Read.All",
    delegated_scope: "ThreatHunting.Read.All",
    row_cap: 100_000,
    documentation: "https://learn.microsoft.com/graph/api/security-security-runhuntingquery",
};

//! Microsoft Graph: advanced hunting.

use std::time::Duration;

use defender_core::DataEnvironment;
use defender_http::Quota;

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
    quota: Quota {
        cycle: Some(Duration::from_mins(15)),
        ..Quota::CALLS
    },
    documentation: "https://learn.microsoft.com/graph/api/security-security-runhuntingquery",
};

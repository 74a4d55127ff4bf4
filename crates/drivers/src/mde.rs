//! Microsoft Defender for Endpoint: advanced queries.

use defender_core::DataEnvironment;

use crate::Description;

/// `POST {host}/api/advancedqueries/run`; ends on 1 February 2027.
///
/// Source: <https://learn.microsoft.com/defender-endpoint/api/run-advanced-query-api>
pub const MDE: Description = Description {
    environment: DataEnvironment::Mde,
    takes_timespan: false,
    annotated: false,
    application_role: "AdvancedQuery.Read.All",
    delegated_scope: "AdvancedQuery.Read",
    row_cap: 100_000,
    documentation: "https://learn.microsoft.com/defender-endpoint/api/run-advanced-query-api",
};

//! Microsoft Defender for Endpoint: advanced queries.

use std::time::Duration;

use defender_core::DataEnvironment;
use defender_http::Quota;

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
    quota: Quota {
        running_per_hour: Some(Duration::from_mins(10)),
        running_per_day: Some(Duration::from_hours(3)),
        ..Quota::CALLS
    },
    documentation: "https://learn.microsoft.com/defender-endpoint/api/run-advanced-query-api",
};

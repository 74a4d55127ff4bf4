//! Microsoft 365 Defender: advanced hunting.

use std::time::Duration;

use defender_core::DataEnvironment;
use defender_http::Quota;

use crate::Description;

/// `POST {host}/api/advancedhunting/run`; ends on 1 February 2027.
///
/// Source: <https://learn.microsoft.com/defender-xdr/api-advanced-hunting>
pub const M365D: Description = Description {
    environment: DataEnvironment::M365d,
    takes_timespan: false,
    annotated: false,
    application_role: "AdvancedHunting.Read.All",
    delegated_scope: "AdvancedHunting.Read",
    row_cap: 100_000,
    quota: Quota {
        cycle: Some(Duration::from_mins(15)),
        ..Quota::CALLS
    },
    documentation: "https://learn.microsoft.com/defender-xdr/api-advanced-hunting",
};

//! Which permission each operation needs in each environment, and whether a token has it.

use defender_core::DataEnvironment;
use defender_query::Claims;

use crate::arguments::Operation;

/// The permissions that allow one operation in one environment; any of them does, and the first
/// is the least.
#[derive(Debug)]
pub(crate) struct Permissions {
    environment: DataEnvironment,
    operation: Operation,
    /// As an application has them, in `roles`.
    pub(crate) roles: &'static [&'static str],
    /// As a user delegates them, in `scp`.
    pub(crate) scopes: &'static [&'static str],
}

const fn row(
    environment: DataEnvironment,
    operation: Operation,
    roles: &'static [&'static str],
    scopes: &'static [&'static str],
) -> Permissions {
    Permissions {
        environment,
        operation,
        roles,
        scopes,
    }
}

const THREAT_HUNTING: &[&str] = &["ThreatHunting.Read.All"];
const SECURITY_ALERT: &[&str] = &["SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All"];
const SECURITY_INCIDENT: &[&str] = &[
    "SecurityIncident.Read.All",
    "SecurityIncident.ReadWrite.All",
];

/// Sources: <https://learn.microsoft.com/graph/permissions-reference>,
/// <https://learn.microsoft.com/defender-endpoint/api/exposed-apis-list>,
/// <https://learn.microsoft.com/defender-xdr/api-supported>
pub(crate) static TABLE: &[Permissions] = &[
    row(
        DataEnvironment::M365dGraph,
        Operation::Hunting,
        THREAT_HUNTING,
        THREAT_HUNTING,
    ),
    row(
        DataEnvironment::M365dGraph,
        Operation::Alerts,
        SECURITY_ALERT,
        SECURITY_ALERT,
    ),
    row(
        DataEnvironment::M365dGraph,
        Operation::Incidents,
        SECURITY_INCIDENT,
        SECURITY_INCIDENT,
    ),
    row(
        DataEnvironment::SecurityGraph,
        Operation::Hunting,
        THREAT_HUNTING,
        THREAT_HUNTING,
    ),
    row(
        DataEnvironment::SecurityGraph,
        Operation::Alerts,
        SECURITY_ALERT,
        SECURITY_ALERT,
    ),
    row(
        DataEnvironment::SecurityGraph,
        Operation::Incidents,
        SECURITY_INCIDENT,
        SECURITY_INCIDENT,
    ),
    row(
        DataEnvironment::Mde,
        Operation::Hunting,
        &["AdvancedQuery.Read.All"],
        &["AdvancedQuery.Read"],
    ),
    row(
        DataEnvironment::Mde,
        Operation::Alerts,
        &["Alert.Read.All", "Alert.ReadWrite.All"],
        &["Alert.Read", "Alert.ReadWrite"],
    ),
    row(
        DataEnvironment::Mde,
        Operation::Machines,
        &["Machine.Read.All", "Machine.ReadWrite.All"],
        &["Machine.Read", "Machine.ReadWrite"],
    ),
    row(
        DataEnvironment::M365d,
        Operation::Hunting,
        &["AdvancedHunting.Read.All"],
        &["AdvancedHunting.Read"],
    ),
    row(
        DataEnvironment::M365d,
        Operation::Incidents,
        &["Incident.Read.All", "Incident.ReadWrite.All"],
        &["Incident.Read", "Incident.ReadWrite"],
    ),
];

/// What `operation` needs in `environment`; `None` where there is no such operation.
pub(crate) fn needed(
    environment: DataEnvironment,
    operation: Operation,
) -> Option<&'static Permissions> {
    TABLE
        .iter()
        .find(|row| row.environment == environment && row.operation == operation)
}

impl Permissions {
    /// Whether the token is a user's rather than an application's.
    fn is_delegated(claims: &Claims) -> bool {
        !claims.scopes.is_empty()
    }

    /// Those that would do for the kind of token that `claims` are of.
    pub(crate) fn of(&self, claims: &Claims) -> &'static [&'static str] {
        if Self::is_delegated(claims) {
            self.scopes
        } else {
            self.roles
        }
    }

    /// The one that the token has, if any.
    pub(crate) fn granted(&self, claims: &Claims) -> Option<&'static str> {
        let has = if Self::is_delegated(claims) {
            &claims.scopes
        } else {
            &claims.roles
        };
        self.of(claims)
            .iter()
            .copied()
            .find(|name| has.iter().any(|had| had.eq_ignore_ascii_case(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_ask_for_the_permission_that_the_table_has() {
        let mut checked = 0;
        for environment in DataEnvironment::ALL {
            let Ok(collections) = defender_query::QueryProvider::new(environment).collections()
            else {
                continue;
            };
            for collection in collections.collections {
                let operation = match collection.path.rsplit('/').next().unwrap() {
                    "alerts" | "alerts_v2" => Operation::Alerts,
                    "incidents" => Operation::Incidents,
                    "machines" => Operation::Machines,
                    other => panic!("{other} is in no table"),
                };
                let row = needed(environment, operation).unwrap();
                assert_eq!(row.roles[0], collection.application_role);
                assert_eq!(row.scopes[0], collection.delegated_scope);
                checked += 1;
            }
        }
        assert_eq!(checked, 6);
    }

    #[test]
    fn every_environment_can_hunt_or_says_why_not_and_the_guide_names_every_permission() {
        let guide = include_str!("../../../docs/guides/registering-the-application.md");
        for row in TABLE {
            for name in row.roles.iter().chain(row.scopes) {
                assert!(guide.contains(&format!("`{name}`")), "{name}");
            }
        }
        for environment in DataEnvironment::ALL {
            assert_eq!(
                needed(environment, Operation::Hunting).is_some(),
                environment != DataEnvironment::Local
            );
        }
    }
}

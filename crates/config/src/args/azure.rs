//! The lowest layer: what the variables of Azure's own clients give.

use std::collections::BTreeMap;

use defender_core::{Result, SecretRef, WrittenName};

use super::ConnectionArgs;
use crate::{ConnectionKey, Origin};

/// The variables, and what each gives.
const VARIABLES: [(&str, ConnectionKey); 9] = [
    ("AZURE_TENANT_ID", ConnectionKey::TenantId),
    ("AZURE_CLIENT_ID", ConnectionKey::ClientId),
    ("AZURE_CLIENT_SECRET", ConnectionKey::ClientSecret),
    ("AZURE_CLIENT_CERTIFICATE_PATH", ConnectionKey::Certificate),
    (
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        ConnectionKey::PrivateKeySecret,
    ),
    (
        "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
        ConnectionKey::SendX5c,
    ),
    ("AZURE_USERNAME", ConnectionKey::Username),
    ("AZURE_FEDERATED_TOKEN_FILE", ConnectionKey::AssertionFile),
    ("AZURE_AUTHORITY_HOST", ConnectionKey::Authority),
];

/// The variable that gives `key`, if there is one.
pub(crate) fn variable(key: ConnectionKey) -> Option<&'static str> {
    let found = VARIABLES.iter().find(|(_, given)| *given == key)?;
    Some(found.0)
}

impl ConnectionArgs {
    /// The parts that the Azure variables of `environment` give, such as `AZURE_TENANT_ID`.
    ///
    /// They are meant as the lowest layer: `from_azure(environment).merge(file).merge(call)`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](defender_core::ErrorKind::Config) naming the variable whose value is not sound.
    ///
    /// Source: <https://learn.microsoft.com/dotnet/api/azure.identity.environmentcredential>
    pub fn from_azure(environment: &BTreeMap<String, String>) -> Result<Self> {
        let mut args = Self::default();
        for (variable, key) in VARIABLES {
            let Some(value) = environment
                .get(variable)
                .filter(|value| !value.trim().is_empty())
            else {
                continue;
            };
            // A secret goes before a certificate, and both before a user, in the page's order.
            let second = match key {
                ConnectionKey::Certificate => args.has(ConnectionKey::ClientSecret),
                ConnectionKey::Username => {
                    args.has(ConnectionKey::ClientSecret) || args.has(ConnectionKey::Certificate)
                }
                _ => false,
            };
            if second {
                continue;
            }
            let origin = Origin::Variable(variable.to_owned());
            if key.is_secret() {
                let reference = SecretRef::Env {
                    variable: WrittenName::of_variable(variable),
                    setting: variable.to_owned(),
                };
                args.set_reference(key, reference, origin);
            } else if key == ConnectionKey::Authority && !value.contains("://") {
                // Azure's own clients take the host alone.
                args.set(key, &format!("https://{}", value.trim()), origin)?;
            } else {
                args.set(key, value, origin)?;
            }
        }
        Ok(args)
    }
}

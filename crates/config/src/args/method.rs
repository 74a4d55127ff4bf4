//! Who signs in by these parts, and what is missing.

use defender_core::{Error, ErrorKind, Result};

use super::{ConnectionArgs, azure};
use crate::{ConnectionKey, Method, Origin, shape};

impl ConnectionArgs {
    /// Who signs in, and with what, as far as these parts say.
    ///
    /// A sign-in type that is not a user's says so itself. Otherwise a token goes first; then a
    /// user name means a user, even beside a secret, as in MSTICPy; then a certificate, then a
    /// secret, then the file of an assertion.
    pub fn method(&self) -> Option<Method> {
        use ConnectionKey as Key;
        if let Some(method) = self.auth_type().and_then(Method::of) {
            return Some(method);
        }
        if self.has(Key::AccessToken) {
            Some(Method::ExistingToken)
        } else if self.delegated_auth() != Some(false) && self.has(Key::Username)
            || self.delegated_auth() == Some(true)
        {
            Some(Method::Delegated)
        } else if self.has(Key::Certificate) {
            Some(Method::Certificate)
        } else if self.has(Key::ClientSecret) {
            Some(Method::ClientSecret)
        } else if self.has(Key::AssertionFile) {
            Some(Method::WorkloadIdentity)
        } else if self.auth_type().is_some() && self.delegated_auth() != Some(false) {
            Some(Method::Delegated)
        } else {
            None
        }
    }

    /// Whether a user and a secret are both given, and neither is ruled out.
    pub fn is_ambiguous(&self) -> bool {
        self.auth_type().and_then(Method::of).is_none()
            && self.delegated_auth().is_none()
            && self.has(ConnectionKey::Username)
            && self.has(ConnectionKey::ClientSecret)
    }

    /// Checks that not both a user and a secret are given: in one call, or one connection string,
    /// they exclude each other.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] naming where both came from.
    ///
    /// Source: <https://msticpy.readthedocs.io/en/latest/data_acquisition/DataProv-MSDefender.html>
    pub fn require_one_method(&self) -> Result<()> {
        let (user, secret) = (ConnectionKey::Username, ConnectionKey::ClientSecret);
        if !(self.has(user) && self.has(secret)) {
            return Ok(());
        }
        let (first, second) = (self.origin(user), self.origin(secret));
        let from = if first == second {
            format!("{user} and {secret}, both from {first},")
        } else {
            format!("{user}, from {first}, and {secret}, from {second},")
        };
        Err(
            Error::new(ErrorKind::Usage, format!("{from} exclude each other")).with_hint(format!(
                "give {user} to sign in as a user, or {secret} to sign in as the application"
            )),
        )
    }

    /// What is still needed before anybody can sign in, all of it.
    pub fn missing(&self) -> Vec<&'static str> {
        let lacking = self.lacking().into_iter();
        lacking
            .map(|keys| match keys {
                [one] => one.name(),
                _ => "one of client_secret, certificate or username",
            })
            .collect()
    }

    /// What is still needed: of each several keys, one.
    fn lacking(&self) -> Vec<&'static [ConnectionKey]> {
        let mut lacking = Vec::new();
        let mut need = |keys: &'static [ConnectionKey]| {
            if !keys.iter().any(|key| self.has(*key)) {
                lacking.push(keys);
            }
        };
        let method = self.method();
        if method.is_none_or(Method::needs_identity) {
            need(&[ConnectionKey::TenantId]);
            need(&[ConnectionKey::ClientId]);
        }
        match method {
            None => need(&[
                ConnectionKey::ClientSecret,
                ConnectionKey::Certificate,
                ConnectionKey::Username,
            ]),
            Some(Method::ClientSecret) => need(&[ConnectionKey::ClientSecret]),
            Some(Method::Certificate) => need(&[ConnectionKey::Certificate]),
            _ => {}
        }
        lacking
    }

    /// Checks that what names the application and the tenant has the form of such a name: a secret
    /// in its place would be shown wherever the name is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming where it came from, never the value.
    pub fn require_ids(&self) -> Result<()> {
        let wrong = |key, what: &str, hint: &str| {
            let message = format!("{key}, from {}, {what}", self.origin(key));
            Err(Error::new(ErrorKind::Config, message).with_hint(hint))
        };
        if self.client_id().is_some_and(|id| !shape::is_id(id.get())) {
            return wrong(
                ConnectionKey::ClientId,
                "is not an application's id",
                "an id looks like 11111111-2222-3333-4444-555555555555; a secret belongs in \
                 client_secret",
            );
        }
        if self
            .tenant_id()
            .is_some_and(|tenant| !shape::is_tenant(tenant.get()))
        {
            return wrong(
                ConnectionKey::TenantId,
                "is neither a tenant's id nor a domain",
                "an id looks like 11111111-2222-3333-4444-555555555555, a domain like contoso.com",
            );
        }
        Ok(())
    }

    /// Checks that nothing is [`missing`](Self::missing).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming everything that is, and the ways to give it.
    pub fn require_complete(&self) -> Result<()> {
        let missing = self.missing();
        if missing.is_empty() {
            return Ok(());
        }
        let lacking = self.lacking();
        let keys = || lacking.iter().copied().flatten().copied();
        let options: Vec<&str> = keys().flat_map(options).copied().collect();
        // A secret of the variables is sent for the application of the variables alone.
        let by_variables = self
            .origins()
            .all(|origin| matches!(origin, Origin::Variable(_)));
        let variables: Vec<&str> = keys()
            .filter(|_| by_variables)
            .filter_map(azure::variable)
            .collect();
        let ways = format!("as options ({})", options.join(", "));
        let ways = match variables.join(", ") {
            none if none.is_empty() => format!("in a connection string or {ways}"),
            variables => format!("in a connection string, {ways} or as variables ({variables})"),
        };
        Err(Error::new(
            ErrorKind::Config,
            format!("the connection lacks {}", joined(&missing)),
        )
        .with_hint(format!(
            "give them in the Args of DataProviders.MicrosoftDefender, {ways}"
        )))
    }
}

/// The options of the command that give a part of an identity.
fn options(key: ConnectionKey) -> &'static [&'static str] {
    match key {
        ConnectionKey::TenantId => &["--tenant-id"],
        ConnectionKey::ClientId => &["--client-id"],
        ConnectionKey::ClientSecret => &[
            "--client-secret-env",
            "--client-secret-file",
            "--client-secret-prompt",
        ],
        ConnectionKey::Certificate => &["--certificate"],
        ConnectionKey::Username => &["--username"],
        _ => &[],
    }
}

/// `a, b and c`.
fn joined(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

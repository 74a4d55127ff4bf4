//! Which credential the arguments of a connection ask for, and what it is made of.

#[cfg(feature = "certificate")]
pub(crate) mod certificate;
mod delegated;
#[cfg(feature = "token-cache")]
mod homeless;
mod machine;
mod material;
mod quiet;

use std::sync::Arc;

use defender_config::{ConnectionArgs, ConnectionKey, Method};
use defender_core::{Clock, Credential, Error, ErrorKind, Result, Transport};
use defender_credentials::{Authority, Delegated, ExistingToken};
use url::Url;

use crate::Options;
use crate::connect::owned;
use crate::shared::Shared;

pub(crate) use delegated::store;
pub(crate) use material::{Material, fetch};
pub(crate) use quiet::Quiet;

/// Where somebody signs in, and over what.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    pub(crate) options: &'a Options,
    pub(crate) shared: &'a Shared,
    /// The sign-in host.
    pub(crate) login: Url,
    pub(crate) transport: Arc<dyn Transport>,
}

/// A credential, and the user's side of it where a user signs in.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) credential: Arc<dyn Credential>,
    pub(crate) delegated: Option<Arc<Delegated>>,
}

impl Place<'_> {
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.options.clock)
    }

    /// The tenant that `args` name, where users and applications are known.
    fn authority(&self, args: &ConnectionArgs) -> Result<Authority> {
        args.require_complete()?;
        let given = args.tenant_id();
        let tenant = owned(given.clone())
            .or_else(|| self.variable("AZURE_TENANT_ID"))
            .ok_or_else(|| lacks(ConnectionKey::TenantId))?;
        Authority::new(self.login.clone(), tenant).map_err(|error| match &given {
            Some(given) if given.quotable().is_none() => error.reworded(|text| {
                if text.ends_with("cannot be a tenant") {
                    format!("{given} cannot be a tenant")
                } else {
                    text
                }
            }),
            _ => error,
        })
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.options.variable(name)
    }

    #[cfg(feature = "certificate")]
    fn warn(&self, text: &str) {
        self.options.prompt.warning(text);
    }

    /// Keeps the application's tokens in memory, and beyond when that is asked for.
    #[cfg(any(
        feature = "client-secret",
        feature = "certificate",
        feature = "workload-identity"
    ))]
    fn kept<C: Credential + 'static>(
        &self,
        credential: C,
        args: &ConnectionArgs,
        owner: defender_credentials::Owner,
    ) -> Made {
        use defender_credentials::{Cached, Stored};

        let clock = self.clock();
        let credential: Arc<dyn Credential> = if args.token_cache() == Some(true) {
            let store = store(self.options, self.shared, args, false);
            let stored = Stored::new(credential, owner, store, Arc::clone(&clock));
            Arc::new(Cached::new(stored, clock))
        } else {
            Arc::new(Cached::new(credential, clock))
        };
        Made {
            credential,
            delegated: None,
        }
    }

    /// Keeps tokens in memory only: whoever hands them out has a cache of their own.
    #[cfg(any(
        feature = "environment",
        feature = "managed-identity",
        feature = "azure-cli"
    ))]
    fn cached<C: Credential + 'static>(&self, credential: C) -> Made {
        Made {
            credential: Arc::new(defender_credentials::Cached::new(credential, self.clock())),
            delegated: None,
        }
    }
}

/// Makes the credential that `args` ask for, of the secrets in `material`.
#[cfg_attr(
    not(feature = "certificate"),
    expect(clippy::unused_async, reason = "the files of a certificate take time")
)]
pub(crate) async fn credential(
    place: &Place<'_>,
    args: &ConnectionArgs,
    material: Material,
) -> Result<Made> {
    args.require_complete()?;
    match args.method() {
        Some(Method::ClientSecret) => client_secret(place, args, material),
        #[cfg(feature = "certificate")]
        Some(Method::Certificate) => certificate::credential(place, args, material).await,
        #[cfg(not(feature = "certificate"))]
        Some(Method::Certificate) => Err(unavailable("a certificate", "certificate")),
        Some(Method::Delegated) => delegated::credential(place, args),
        Some(Method::ExistingToken) => {
            let token = material
                .access_token
                .ok_or_else(|| lacks(ConnectionKey::AccessToken))?;
            let credential = ExistingToken::new(token, place.clock());
            Ok(Made {
                credential: Arc::new(credential),
                delegated: None,
            })
        }
        Some(Method::WorkloadIdentity) => machine::workload_identity(place, args),
        Some(Method::Environment) => machine::environment(place, args),
        Some(Method::ManagedIdentity) => machine::managed_identity(place, args),
        Some(Method::AzureCli) => machine::azure_cli(place, args),
        _ => Err(Error::new(
            ErrorKind::Config,
            "the connection does not say how to sign in",
        )),
    }
}

fn lacks(key: ConnectionKey) -> Error {
    Error::new(ErrorKind::Config, format!("the connection has no {key}"))
}

#[cfg_attr(
    all(
        feature = "client-secret",
        feature = "certificate",
        feature = "browser",
        feature = "device-code",
        feature = "environment",
        feature = "workload-identity",
        feature = "managed-identity",
        feature = "azure-cli"
    ),
    expect(dead_code, reason = "with every feature everything is available")
)]
fn unavailable(what: &str, feature: &str) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!("this build cannot sign in with {what}"),
    )
    .with_hint(format!("build it with feature {feature}"))
}

#[cfg(feature = "client-secret")]
fn client_secret(place: &Place<'_>, args: &ConnectionArgs, material: Material) -> Result<Made> {
    let authority = place.authority(args)?;
    let client_id = owned(args.client_id()).ok_or_else(|| lacks(ConnectionKey::ClientId))?;
    let secret = material
        .client_secret
        .ok_or_else(|| lacks(ConnectionKey::ClientSecret))?;
    let owner = defender_credentials::Owner::application(&authority, &client_id);
    let credential = defender_credentials::ClientSecret::new(
        authority,
        client_id,
        secret,
        Arc::clone(&place.transport),
        place.clock(),
    );
    Ok(place.kept(credential, args, owner))
}

#[cfg(not(feature = "client-secret"))]
fn client_secret(_: &Place<'_>, _: &ConnectionArgs, _: Material) -> Result<Made> {
    Err(unavailable("a secret", "client-secret"))
}

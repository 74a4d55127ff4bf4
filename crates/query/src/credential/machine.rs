//! Identities that the surroundings give: an assertion's file, variables, the machine, the CLI.

#[cfg(any(
    feature = "workload-identity",
    feature = "environment",
    feature = "managed-identity",
    feature = "azure-cli"
))]
use std::sync::Arc;

use defender_config::ConnectionArgs;
#[cfg(feature = "workload-identity")]
use defender_config::ConnectionKey;
use defender_core::Result;

use super::{Made, Place};
#[cfg(any(feature = "workload-identity", feature = "azure-cli"))]
use crate::connect::owned;

/// The application, with the assertion in a file that something else keeps fresh.
#[cfg(feature = "workload-identity")]
pub(super) fn workload_identity(place: &Place<'_>, args: &ConnectionArgs) -> Result<Made> {
    use defender_core::{Error, ErrorKind};

    const FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
    let client_id = owned(args.client_id())
        .or_else(|| place.variable("AZURE_CLIENT_ID"))
        .ok_or_else(|| super::lacks(ConnectionKey::ClientId))?;
    let file = args.assertion_file();
    let may_quote = file.as_ref().is_some_and(|file| file.quotable().is_some());
    let (path, setting) = match (file, place.variable(FILE)) {
        (Some(file), _) => (file.get().to_owned(), file.origin().to_owned()),
        (None, Some(path)) => (path.into(), FILE.to_owned()),
        (None, None) => {
            return Err(
                Error::new(ErrorKind::Config, "there is no assertion to sign in with").with_hint(
                    format!("set AssertionFile, --assertion-file or the variable {FILE}"),
                ),
            );
        }
    };
    let path = place.options.expanded(&path).unwrap_or(path);
    let authority = place.authority(args)?;
    let owner = defender_credentials::Owner::application(&authority, &client_id);
    let file = if may_quote {
        defender_credentials::AssertionFile::new(path, setting)
    } else {
        defender_credentials::AssertionFile::from_elsewhere(path, setting)
    };
    let credential = defender_credentials::ClientAssertion::new(
        authority,
        client_id,
        Arc::new(file),
        Arc::clone(&place.transport),
        place.clock(),
    );
    Ok(place.kept(credential, args, owner))
}

#[cfg(not(feature = "workload-identity"))]
pub(super) fn workload_identity(_: &Place<'_>, _: &ConnectionArgs) -> Result<Made> {
    Err(super::unavailable("an assertion", "workload-identity"))
}

/// What the `AZURE_` variables say, except for a tenant and a login host that `args` decide.
#[cfg(feature = "environment")]
#[expect(
    clippy::unnecessary_wraps,
    reason = "a build without the feature fails here"
)]
pub(super) fn environment(place: &Place<'_>, args: &ConnectionArgs) -> Result<Made> {
    let decided = args.authority().is_some() || args.cloud().is_some();
    let credential = defender_credentials::EnvironmentCredential::new(
        |name| match name {
            "AZURE_AUTHORITY_HOST" if decided => None,
            name => place.variable(name),
        },
        place.login.clone(),
        Arc::clone(&place.transport),
        place.clock(),
    );
    let credential = match args.tenant_id() {
        Some(tenant) => credential.in_tenant(tenant.get()),
        None => credential,
    };
    Ok(place.cached(credential))
}

#[cfg(not(feature = "environment"))]
pub(super) fn environment(_: &Place<'_>, _: &ConnectionArgs) -> Result<Made> {
    Err(super::unavailable("the environment", "environment"))
}

/// The machine's identity, or the one that `ClientId` names among several.
#[cfg(feature = "managed-identity")]
pub(super) fn managed_identity(place: &Place<'_>, args: &ConnectionArgs) -> Result<Made> {
    use defender_credentials::{IdentityId, ManagedIdentity, ManagedIdentityOptions};
    use defender_http::{HttpOptions, HttpTransport, Traced};

    let identity = match args.client_id() {
        Some(client_id) => IdentityId::Client(client_id.get().to_owned()),
        None => IdentityId::System,
    };
    let options = ManagedIdentityOptions {
        identity,
        ..ManagedIdentityOptions::default()
    };
    // The machine's own addresses are behind no proxy.
    let transport = match &place.options.transport {
        Some(transport) => Arc::clone(transport),
        None => Arc::new(Traced::new(HttpTransport::new(&HttpOptions {
            proxy: None,
            environment: std::collections::BTreeMap::new(),
            ..place.options.http.clone()
        })?)),
    };
    let credential = ManagedIdentity::new(
        |name| place.variable(name),
        options,
        transport,
        place.clock(),
    );
    Ok(place.cached(credential))
}

#[cfg(not(feature = "managed-identity"))]
pub(super) fn managed_identity(_: &Place<'_>, _: &ConnectionArgs) -> Result<Made> {
    Err(super::unavailable("a managed identity", "managed-identity"))
}

/// Whoever is signed in to the Azure CLI.
#[cfg(feature = "azure-cli")]
#[expect(
    clippy::unnecessary_wraps,
    reason = "a build without the feature fails here"
)]
pub(super) fn azure_cli(place: &Place<'_>, args: &ConnectionArgs) -> Result<Made> {
    let runner = Arc::clone(&place.options.commands);
    let credential = defender_credentials::AzureCli::new(owned(args.tenant_id()), runner);
    Ok(place.cached(credential))
}

#[cfg(not(feature = "azure-cli"))]
pub(super) fn azure_cli(_: &Place<'_>, _: &ConnectionArgs) -> Result<Made> {
    Err(super::unavailable("the Azure CLI", "azure-cli"))
}

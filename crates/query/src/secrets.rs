//! Where the secrets of a connection come from when the caller brings no resolver.

use std::sync::Arc;

use defender_config::{ConnectionArgs, EnvironmentSecrets, Settings};
use defender_core::SecretResolver;

use crate::Options;
use crate::shared::Shared;

#[cfg(feature = "key-vault")]
mod key_vault;

#[cfg(feature = "key-vault")]
pub(crate) use key_vault::OpenVaults;

/// The environment and, with feature `key-vault`, the vaults that the settings name.
#[cfg_attr(
    not(feature = "key-vault"),
    expect(unused_variables, reason = "only vaults need them")
)]
pub(crate) fn resolver(
    options: &Options,
    settings: Option<&Settings>,
    args: &ConnectionArgs,
    shared: &Shared,
) -> Arc<dyn SecretResolver> {
    let environment = Arc::new(EnvironmentSecrets::new(options.environment.clone()));
    #[cfg(feature = "key-vault")]
    return Arc::new(key_vault::ConnectionSecrets::new(
        options,
        settings,
        args,
        shared,
        environment,
    ));
    #[cfg(not(feature = "key-vault"))]
    environment
}

/// Writes a secret into the vaults that `settings` name.
#[cfg(feature = "key-vault")]
pub(crate) async fn write(
    options: &Options,
    settings: &Settings,
    shared: &Shared,
    reference: &defender_core::SecretRef,
    value: &defender_core::SecretString,
) -> defender_core::Result<()> {
    let environment = Arc::new(EnvironmentSecrets::new(options.environment.clone()));
    let args = ConnectionArgs::default();
    key_vault::ConnectionSecrets::new(options, Some(settings), &args, shared, environment)
        .write(reference, value)
        .await
}

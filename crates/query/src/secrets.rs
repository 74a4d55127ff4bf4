//! Where the secrets of a connection come from when the caller brings no resolver.

use std::sync::Arc;

use defender_config::{ConnectionArgs, EnvironmentSecrets, Settings};
use defender_core::SecretResolver;

use crate::Options;

#[cfg(feature = "key-vault")]
mod key_vault;

#[cfg(feature = "key-vault")]
pub(crate) use key_vault::OpenVaults;

/// Without feature `key-vault` no vault is opened.
#[cfg(not(feature = "key-vault"))]
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenVaults {}

/// The environment and, with feature `key-vault`, the vaults that the settings name.
#[cfg_attr(
    not(feature = "key-vault"),
    expect(unused_variables, reason = "only vaults need them")
)]
pub(crate) fn resolver(
    options: &Options,
    settings: Option<&Settings>,
    args: &ConnectionArgs,
    vaults: &OpenVaults,
) -> Arc<dyn SecretResolver> {
    let environment = Arc::new(EnvironmentSecrets::new(options.environment.clone()));
    #[cfg(feature = "key-vault")]
    return Arc::new(key_vault::ConnectionSecrets::new(
        options,
        settings,
        args,
        vaults,
        environment,
    ));
    #[cfg(not(feature = "key-vault"))]
    environment
}

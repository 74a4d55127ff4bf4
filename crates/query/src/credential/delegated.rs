//! Signing in as a user: who is asked, how, and where the sign-in is kept.

use std::path::PathBuf;
use std::sync::Arc;

use defender_config::{AuthType, ConnectionArgs, ConnectionKey};
use defender_core::Result;
use defender_credentials::{
    Cached, Delegated, DelegatedOptions, NoInput, PublicClient, SignIn, TokenStore,
};

#[cfg(feature = "token-cache")]
use super::homeless::Homeless;
use super::{Made, Place, lacks};
use crate::Options;
use crate::connect::owned;
use crate::shared::Shared;

pub(super) fn credential(place: &Place<'_>, args: &ConnectionArgs) -> Result<Made> {
    let client_id = owned(args.client_id()).ok_or_else(|| lacks(ConnectionKey::ClientId))?;
    let client = PublicClient::new(
        place.authority(args)?,
        client_id,
        Arc::clone(&place.transport),
        place.clock(),
    );
    let sign_in = sign_in(place, &client, args.auth_type())?;
    let store = store(place.options, place.shared, args, true);
    let options = DelegatedOptions {
        username: owned(args.username()),
        ..DelegatedOptions::default()
    };
    let delegated = Arc::new(Delegated::new(client, sign_in, store, options));
    Ok(Made {
        credential: Arc::new(Cached::new(Arc::clone(&delegated), place.clock())),
        delegated: Some(delegated),
    })
}

/// How a person is asked; a browser unless something else is said, and nobody where nobody may
/// be asked.
#[cfg_attr(
    all(feature = "browser", feature = "device-code"),
    expect(
        clippy::unnecessary_wraps,
        reason = "a build without one of the features fails here"
    )
)]
pub(super) fn sign_in(
    place: &Place<'_>,
    client: &PublicClient,
    kind: Option<AuthType>,
) -> Result<Arc<dyn SignIn>> {
    if !place.options.input {
        return Ok(Arc::new(NoInput));
    }
    match kind {
        #[cfg(feature = "device-code")]
        Some(AuthType::Device) => Ok(Arc::new(defender_credentials::DeviceCode::new(
            client.clone(),
            Arc::clone(&place.options.prompt),
        ))),
        #[cfg(not(feature = "device-code"))]
        Some(AuthType::Device) => Err(super::unavailable("a device code", "device-code")),
        #[cfg(feature = "browser")]
        _ => Ok(Arc::new(defender_credentials::BrowserSignIn::new(
            client.clone(),
            Arc::clone(&place.options.prompt),
            place.options.browser.clone(),
        ))),
        #[cfg(not(feature = "browser"))]
        _ => {
            let _ = client;
            Err(super::unavailable("a browser", "browser"))
        }
    }
}

/// Where tokens are kept: beyond this process when `args` or, without a word there, `by_default`
/// say so and there is a place for them.
pub(crate) fn store(
    options: &Options,
    shared: &Shared,
    args: &ConnectionArgs,
    by_default: bool,
) -> Arc<dyn TokenStore> {
    if !args.token_cache().unwrap_or(by_default) {
        return shared.memory(options);
    }
    if let Some(store) = &options.token_store {
        return Arc::clone(store);
    }
    match cache_file(options, args) {
        Some(path) => shared.file(options, path),
        #[cfg(feature = "token-cache")]
        None => Arc::new(Homeless::new(shared.memory(options), options)),
        #[cfg(not(feature = "token-cache"))]
        None => shared.memory(options),
    }
}

/// The file that tokens are kept in: the settings' or the platform's.
pub(crate) fn cache_file(options: &Options, args: &ConnectionArgs) -> Option<PathBuf> {
    if let Some(path) = args.location() {
        return options.expanded(path.get());
    }
    #[cfg(feature = "token-cache")]
    return defender_credentials::token_cache_path(|name| {
        options.environment.get(name).map(Into::into)
    });
    #[cfg(not(feature = "token-cache"))]
    None
}

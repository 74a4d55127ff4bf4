//! Signs in as a user: silently where that is possible, by asking a person where it is not.

use std::sync::Arc;

use async_trait::async_trait;
use defender_core::{AccessToken, Credential, Error, ErrorKind, Result, TokenRequest};

use crate::{Account, PublicClient, SignIn, TokenStore};

/// What there is to say about a user's sign-in besides the way.
#[derive(Clone, Debug, Default)]
pub struct DelegatedOptions {
    /// Who must sign in; another account is an error. `None`: who is signed in, or anybody.
    pub username: Option<String>,
    /// Whether the sign-in page lets the person choose among accounts.
    pub select_account: bool,
}

/// Signs in as a user: silently where that is possible, by asking a person where it is not.
///
/// A token that is kept comes first, then a kept refresh token, for whatever scope; when the
/// authority wants to see the person, or nobody is signed in, `sign_in` asks them. Put
/// [`Cached`](crate::Cached) around it: it keeps many callers from asking at once.
#[derive(Debug)]
pub struct Delegated {
    client: PublicClient,
    sign_in: Arc<dyn SignIn>,
    store: Arc<dyn TokenStore>,
    options: DelegatedOptions,
}

impl Delegated {
    /// Users of `client`, who sign in by `sign_in` (or not at all: [`NoInput`](crate::NoInput))
    /// and whose tokens `store` keeps.
    pub fn new(
        client: PublicClient,
        sign_in: Arc<dyn SignIn>,
        store: Arc<dyn TokenStore>,
        options: DelegatedOptions,
    ) -> Self {
        Self {
            client,
            sign_in,
            store,
            options,
        }
    }

    /// Asks a person to sign in although somebody may be signed in already, as `login` does.
    ///
    /// # Errors
    ///
    /// As [`Credential::token`].
    pub async fn sign_in(&self, request: &TokenRequest) -> Result<(AccessToken, Option<Account>)> {
        let _ = (
            &self.client,
            &self.sign_in,
            &self.store,
            &self.options,
            request,
        );
        Err(Error::new(ErrorKind::Credential, "not signed in"))
    }

    /// The accounts that are signed in with this application, the newest last; only the one that
    /// the options name, if they do.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when the store cannot be read.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        let kept = self.store.kept().await?;
        Ok(kept
            .into_iter()
            .filter_map(|kept| kept.owner.account)
            .collect())
    }
}

#[async_trait]
impl Credential for Delegated {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        Ok(self.sign_in(request).await?.0)
    }
}

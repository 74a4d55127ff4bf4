//! A credential whose errors hold nothing that its settings took from elsewhere.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use defender_core::{AccessToken, Credential, Redaction, Result, TokenRequest};

/// A credential whose errors and `Debug` pass a gate.
pub(crate) struct Quiet {
    inner: Arc<dyn Credential>,
    hidden: Redaction,
}

impl Quiet {
    /// `inner`, whose errors do not quote what is `hidden`.
    pub(crate) fn over(inner: Arc<dyn Credential>, hidden: Redaction) -> Arc<dyn Credential> {
        Arc::new(Self { inner, hidden })
    }
}

impl fmt::Debug for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hidden.apply(&format!("{:?}", self.inner)))
    }
}

#[async_trait]
impl Credential for Quiet {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let token = self.inner.token(request).await;
        token.map_err(|error| self.hidden.error(error))
    }
}

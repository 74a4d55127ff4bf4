//! An application that signs users in: it has an id and no secret.

use std::fmt;
use std::sync::Arc;

use defender_core::{Clock, Transport};

use crate::Authority;
use crate::token_endpoint::TokenEndpoint;

/// An application that signs users in: it has an id and no secret.
///
/// It is registered as a "mobile and desktop application" with the redirect address
/// `http://localhost`, and with public client flows allowed for device codes.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/msal-client-applications>
#[derive(Clone)]
pub struct PublicClient {
    pub(crate) endpoint: Arc<TokenEndpoint>,
    pub(crate) client_id: String,
}

impl PublicClient {
    /// The application `client_id` at `authority`.
    pub fn new(
        authority: Authority,
        client_id: impl Into<String>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let endpoint = Arc::new(TokenEndpoint {
            authority,
            transport,
            clock,
        });
        Self {
            endpoint,
            client_id: client_id.into(),
        }
    }

    /// Where it signs users in.
    pub fn authority(&self) -> &Authority {
        &self.endpoint.authority
    }

    /// The application's id.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.endpoint.clock
    }
}

impl fmt::Debug for PublicClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicClient")
            .field("endpoint", &self.endpoint)
            .field("client_id", &self.client_id)
            .finish()
    }
}

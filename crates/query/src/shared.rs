//! What the connections of one provider share: vaults, token stores, transports.

#[cfg(feature = "token-cache")]
use std::path::Path;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use defender_core::{Result, Transport};
use defender_credentials::{MemoryStore, TokenStore};
use defender_http::{HttpOptions, HttpTransport};

use crate::Options;
#[cfg(feature = "key-vault")]
use crate::secrets::OpenVaults;

/// What the connections of one provider share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared {
    #[cfg(feature = "key-vault")]
    pub(crate) vaults: OpenVaults,
    stores: Arc<Mutex<Stores>>,
    transports: Arc<Mutex<Vec<Opened>>>,
}

/// A transport, and what it was made of.
type Opened = (HttpOptions, Arc<dyn Transport>);

#[derive(Debug, Default)]
struct Stores {
    memory: Option<Arc<dyn TokenStore>>,
    #[cfg(feature = "token-cache")]
    files: Vec<(PathBuf, Arc<dyn TokenStore>)>,
}

impl Shared {
    /// The store that lives as long as the provider.
    pub(crate) fn memory(&self, options: &Options) -> Arc<dyn TokenStore> {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = stores
            .memory
            .get_or_insert_with(|| Arc::new(MemoryStore::new(Arc::clone(&options.clock))));
        Arc::clone(memory)
    }

    /// The store in the file at `path`; one per file, so that its users take turns.
    #[cfg(feature = "token-cache")]
    pub(crate) fn file(&self, options: &Options, path: PathBuf) -> Arc<dyn TokenStore> {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, store)) = stores.files.iter().find(|(known, _)| *known == path) {
            return Arc::clone(store);
        }
        let store: Arc<dyn TokenStore> = Arc::new(file_store(options, &path));
        stores.files.push((path, Arc::clone(&store)));
        store
    }

    /// The transport of these options; one for all connections, since making one costs more than a
    /// query, and its connections are kept.
    pub(crate) fn transport(&self, http: HttpOptions) -> Result<Arc<dyn Transport>> {
        let mut opened = self
            .transports
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((_, transport)) = opened.iter().find(|(known, _)| *known == http) {
            return Ok(Arc::clone(transport));
        }
        let transport: Arc<dyn Transport> = Arc::new(HttpTransport::new(&http)?);
        opened.push((http, Arc::clone(&transport)));
        Ok(transport)
    }

    /// Without feature `token-cache` tokens live as long as the provider.
    #[cfg(not(feature = "token-cache"))]
    pub(crate) fn file(&self, options: &Options, _: PathBuf) -> Arc<dyn TokenStore> {
        self.memory(options)
    }
}

#[cfg(feature = "token-cache")]
fn file_store(options: &Options, path: &Path) -> defender_credentials::FileStore {
    let (clock, prompt) = (Arc::clone(&options.clock), Arc::clone(&options.prompt));
    #[cfg(feature = "key-store")]
    {
        let variable = |name: &str| options.environment.get(name).map(Into::into);
        if let Some(key) = defender_credentials::KeyStore::new(path, variable) {
            return defender_credentials::FileStore::with_key(path, Arc::new(key), clock, prompt);
        }
    }
    defender_credentials::FileStore::new(path, clock, prompt)
}

#[cfg(all(test, feature = "client-secret"))]
mod tests {
    use std::time::Duration;

    use defender_config::{ConnectionArgs, ConnectionKey};
    use defender_core::{DataEnvironment, SecretRef};

    use crate::{Connection, QueryProvider};

    #[tokio::test]
    async fn one_transport_serves_all_connections_that_are_made_alike() {
        let provider = QueryProvider::new(DataEnvironment::M365dGraph);
        let identity = |tenant: &str, timeout: Option<u64>| {
            let mut args = ConnectionArgs::default()
                .with(ConnectionKey::TenantId, tenant)
                .unwrap()
                .with(
                    ConnectionKey::ClientId,
                    "11111111-2222-3333-4444-555555555555",
                )
                .unwrap()
                .with(
                    ConnectionKey::ClientSecret,
                    SecretRef::Inline("made-up-canary".into()),
                )
                .unwrap();
            if let Some(timeout) = timeout.map(Duration::from_secs) {
                args = args.with(ConnectionKey::Timeout, timeout).unwrap();
            }
            provider.identity(Connection::from_args(args))
        };
        let opened = || provider.shared.transports.lock().unwrap().len();
        identity("a.example", None).await.unwrap();
        identity("b.example", None).await.unwrap();
        assert_eq!(opened(), 1);
        identity("c.example", Some(5)).await.unwrap();
        assert_eq!(opened(), 2);
    }
}

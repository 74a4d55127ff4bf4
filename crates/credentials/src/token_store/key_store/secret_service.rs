//! The Secret Service of a Linux desktop, over its message bus.
//!
//! Source: <https://specifications.freedesktop.org/secret-service-spec/latest/>

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use secret_service::{Collection, EncryptionType, Error, SecretService as Service};

use super::{SERVICE, Secrets, Unavailable};

/// How long the store may take to answer; a bus may have to start it first.
const PATIENCE: Duration = Duration::from_secs(5);

const TYPE: &str = "application/octet-stream";

#[derive(Debug)]
pub(super) struct SecretService {
    /// The address of the message bus.
    bus: String,
}

impl SecretService {
    /// The one of the session that `variable` describes, if that has a message bus.
    pub(super) fn new(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let text = |name| variable(name)?.into_string().ok();
        let named = text("DBUS_SESSION_BUS_ADDRESS").filter(|address| !address.is_empty());
        let usual = || {
            let socket = PathBuf::from(text("XDG_RUNTIME_DIR")?).join("bus");
            let exists = socket.is_absolute() && socket.exists();
            exists.then(|| format!("unix:path={}", socket.display()))
        };
        let bus = named.or_else(usual)?;
        Some(Self { bus })
    }

    /// Does `work` with the default collection, unless that is locked.
    fn with<T: Send>(
        &self,
        work: impl AsyncFnOnce(&Collection<'_>) -> Result<T, Error> + Send,
    ) -> Result<T, Unavailable> {
        let asked = async move || {
            let bus = zbus::connection::Builder::address(self.bus.as_str())?;
            let connection = bus.build().await?;
            let service = Service::connect_with_existing(EncryptionType::Dh, connection).await?;
            let collection = service.get_default_collection().await?;
            if collection.is_locked().await? {
                return Err(Error::Locked);
            }
            work(&collection).await
        };
        let limited = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| Unavailable(error.to_string()))?;
            let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, asked()).await });
            let late = |_| Unavailable(format!("no answer within {} s", PATIENCE.as_secs()));
            answer.map_err(late)?.map_err(unavailable)
        };
        // A thread of its own: a caller's may not wait for a runtime.
        std::thread::scope(|scope| {
            let thread = scope.spawn(limited);
            let ended = thread.join();
            ended.unwrap_or_else(|_| Err(Unavailable("it was not asked to the end".into())))
        })
    }
}

impl Secrets for SecretService {
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.with(async |collection| {
            match collection.search_items(attributes(name)).await?.first() {
                Some(item) => item.get_secret().await.map(Some),
                None => Ok(None),
            }
        })
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), Unavailable> {
        self.with(async |collection| {
            let item = collection.create_item(SERVICE, attributes(name), secret, true, TYPE);
            item.await.map(drop)
        })
    }
}

fn attributes(name: &str) -> HashMap<&str, &str> {
    HashMap::from([("service", SERVICE), ("username", name)])
}

fn unavailable(error: Error) -> Unavailable {
    Unavailable(match error {
        Error::Locked => "it is locked".into(),
        Error::NoResult => "it has no default collection".into(),
        error => error.to_string(),
    })
}

//! Starting and stopping the emulator.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::certificates::Authority;
use crate::error::{Error, Result};
use crate::listener::{Entrance, accept};
use crate::log::RecordedRequest;
use crate::options::Options;
use crate::registration::SignInPolicy;
use crate::router::Router;
use crate::settings::{self, Files};

/// Starts emulators.
#[derive(Debug)]
pub struct Emulator;

impl Emulator {
    /// Listens, and returns when every address can be connected to.
    ///
    /// Must be called within a Tokio runtime; connections are served by tasks of that runtime.
    ///
    /// # Errors
    ///
    /// - [`Error::NotLoopback`]: an address that other machines could reach.
    /// - [`Error::Listen`]: an address that is taken.
    /// - [`Error::Options`]: two tenants with one identifier.
    /// - [`Error::Certificates`], [`Error::TemporaryFiles`]: the machine does not let us.
    pub async fn start(options: Options) -> Result<Running> {
        let authority = Arc::new(Authority::new()?);
        let http = listen(options.listen).await?;
        let https = match options.https {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let proxy = match options.proxy {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let settings_yaml = settings::yaml(&options);
        let files = Files::write(authority.ca_pem(), &settings_yaml)?;
        let addresses = Addresses {
            http: address(&http)?,
            https: https.as_ref().map(address).transpose()?,
            proxy: proxy.as_ref().map(address).transpose()?,
        };
        let environment = settings::environment(&options, &files, addresses.http, addresses.proxy);
        let proxy_url = addresses
            .proxy
            .map(|address| settings::proxy_url(address, options.proxy_credentials.as_ref()));
        let users = options
            .tenants
            .iter()
            .map(|tenant| {
                let names = tenant.users.iter().map(|user| user.name.clone());
                (tenant.name.clone(), names.collect())
            })
            .collect();
        let router = Arc::new(Router::new(options)?);

        let (closing, closed) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let entrances = [
            (Some(http), Entrance::Plain),
            (https, Entrance::Tls(Arc::clone(&authority))),
            (proxy, Entrance::Proxy(Arc::clone(&authority))),
        ];
        for (listener, entrance) in entrances {
            if let Some(listener) = listener {
                tasks.spawn(accept(
                    listener,
                    entrance,
                    Arc::clone(&router),
                    closed.clone(),
                ));
            }
        }
        Ok(Running {
            router,
            addresses,
            ca_pem: authority.ca_pem().to_owned(),
            settings_yaml,
            environment,
            users,
            proxy_url,
            files,
            closing,
            tasks,
        })
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    if !address.ip().is_loopback() {
        return Err(Error::NotLoopback(address));
    }
    TcpListener::bind(address)
        .await
        .map_err(|source| Error::Listen { address, source })
}

fn address(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().map_err(Error::TemporaryFiles)
}

#[derive(Debug, Clone, Copy)]
struct Addresses {
    http: SocketAddr,
    https: Option<SocketAddr>,
    proxy: Option<SocketAddr>,
}

/// An emulator at work; dropping it stops it.
pub struct Running {
    router: Arc<Router>,
    addresses: Addresses,
    ca_pem: String,
    settings_yaml: String,
    environment: Vec<(String, String)>,
    users: Vec<(String, Vec<String>)>,
    proxy_url: Option<String>,
    files: Files,
    closing: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Running {
    /// Where plain HTTP is served, such as `http://127.0.0.1:40123`.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.addresses.http)
    }

    /// Where HTTPS is served, if at all.
    pub fn https_url(&self) -> Option<String> {
        self.addresses
            .https
            .map(|address| format!("https://{address}"))
    }

    /// The forward proxy, if there is one, with the credentials it asks for.
    pub fn proxy_url(&self) -> Option<String> {
        self.proxy_url.clone()
    }

    /// The certificate of the throw-away authority, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// A `msticpyconfig.yaml` with a `MicrosoftDefender` section for the first tenant and a
    /// `MicrosoftDefender-Name` section for each further one.
    pub fn settings_yaml(&self) -> &str {
        &self.settings_yaml
    }

    /// Environment variables under which an unmodified client reaches the emulator.
    ///
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`, `NODE_USE_ENV_PROXY`; `SSL_CERT_FILE` and its like for
    /// other clients, `WGETRC`, `JAVA_TOOL_OPTIONS`; `MSTICPYCONFIG`; and `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`,
    /// `AZURE_CLIENT_SECRET`, `AZURE_AUTHORITY_HOST` of the first application. The files they
    /// name are gone when the emulator stops.
    ///
    /// A client that keeps to the quotas of the services keeps to them here as well, since it asks
    /// the services' own names: of `defender-query`, `PacerOptions { counted: false, .. }` asks as
    /// fast as it can, and so does a client of [`http_url`](Self::http_url), which is on loopback.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// Who can sign in: the name of each tenant, then its users' names.
    ///
    /// ```no_run
    /// # async fn example() -> defender_emulator::Result<()> {
    /// let running = defender_emulator::Emulator::start(Default::default()).await?;
    /// for (tenant, users) in running.users() {
    ///     println!("{tenant}: {}", users.join(", "));
    /// }
    /// # Ok(()) }
    /// ```
    pub fn users(&self) -> &[(String, Vec<String>)] {
        &self.users
    }

    /// The folder of the files that [`environment`](Self::environment) names.
    pub fn folder(&self) -> &Path {
        self.files.folder()
    }

    /// What was asked so far, in the order in which it ended: with an answer, or with a client that
    /// did not wait for it, whose [`status`](RecordedRequest::status) is 0.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.router.requests()
    }

    /// Lets another policy apply to the user of this name from now on; false without such a user.
    pub fn set_policy(&self, user: &str, policy: SignInPolicy) -> bool {
        self.router.directory.set_policy(user, policy)
    }

    /// Ends the sessions and refresh tokens of the user of this name; false without such a user.
    pub fn revoke(&self, user: &str) -> bool {
        self.router.directory.revoke(user)
    }

    /// Enters a device's user code as the user of this name, or declines it without one; false
    /// without such a code or user.
    pub fn answer_device(&self, user_code: &str, user: Option<&str>) -> bool {
        self.router.directory.answer_device(user_code, user)
    }

    /// Takes no more connections, lets the requests under way end, and returns when they have.
    pub async fn shutdown(mut self) {
        self.closing.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.closing.send_replace(true);
        self.tasks.detach_all();
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Running")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

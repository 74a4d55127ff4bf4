//! What a client is given to find the emulator: a settings file and environment variables.

mod abandoned;

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use openssl::base64::encode_block;
use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::identifiers::Identifiers;
use crate::options::{IdentityEndpoint, Options, ProxyCredentials};
use crate::trust_store;

/// The files that live as long as the emulator does.
#[derive(Debug)]
pub(crate) struct Files {
    folder: TempDir,
    /// Locked for as long as the folder is in use.
    _lock: File,
}

impl Files {
    pub(crate) fn write(ca_pem: &str, settings: &str) -> Result<Self> {
        abandoned::remove(&std::env::temp_dir());
        let store = trust_store::of(ca_pem.as_bytes())?;
        let write = || {
            let folder = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
            let lock = File::create_new(folder.path().join(LOCK))?;
            // A file system without locks keeps what killed processes leave.
            let _ = lock.try_lock();
            let files = Self {
                folder,
                _lock: lock,
            };
            let wget = format!("ca_certificate = {}\n", files.ca().display());
            private(&files.ca())?.write_all(ca_pem.as_bytes())?;
            private(&files.settings())?.write_all(settings.as_bytes())?;
            private(&files.trust_store())?.write_all(&store)?;
            private(&files.wget())?.write_all(wget.as_bytes())?;
            Ok(files)
        };
        write().map_err(Error::TemporaryFiles)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The same for Java.
    fn trust_store(&self) -> PathBuf {
        self.folder.path().join("ca.jks")
    }

    /// The settings of a wget that is built with `GnuTLS`, which reads no variable for it.
    fn wget(&self) -> PathBuf {
        self.folder.path().join("wgetrc")
    }

    fn settings(&self) -> PathBuf {
        self.folder.path().join("msticpyconfig.yaml")
    }
}

/// How the names of the folders begin.
const PREFIX: &str = "defender-emulator-";

/// The file in a folder by which it is known, and known to be in use.
const LOCK: &str = "in-use";

/// A new file of the user's alone: there are secrets in it.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A `msticpyconfig.yaml` with a section for each tenant.
pub(crate) fn yaml(options: &Options) -> String {
    let mut text = String::from(
        "# Written by the emulator; it and the secrets in it are good until the emulator stops.\n\
         DataProviders:\n",
    );
    // Hunting and the older APIs read the one, MSTICPy's SecurityGraph the other.
    for family in ["MicrosoftDefender", "MicrosoftGraph"] {
        for (index, tenant) in options.tenants.iter().enumerate() {
            let Some(application) = tenant.applications.first() else {
                continue;
            };
            let section = match index {
                0 => family.to_owned(),
                _ => format!("{family}-{}", tenant.name),
            };
            let secret = application
                .secrets
                .iter()
                .find(|secret| secret.expires.is_none_or(|end| end > (options.clock)()))
                .map(|secret| secret.value.expose_secret());
            let mut lines = vec![
                format!("  {}:\n    Args:\n", quoted(&section)),
                format!("      TenantId: {}\n", quoted(&tenant.id)),
                format!("      ClientId: {}\n", quoted(&application.client_id)),
            ];
            if let Some(secret) = secret {
                lines.push(format!("      ClientSecret: {}\n", quoted(secret)));
            }
            lines.push(format!("      Cloud: {}\n", tenant.cloud.setting()));
            text.extend(lines);
        }
    }
    text
}

/// A JSON string, which is a double-quoted scalar of YAML too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The variables that hold the file of the authority, one for each kind of client.
const TRUSTED: [&str; 8] = [
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "DENO_CERT",
    "AWS_CA_BUNDLE",
];

/// The variable that every Java virtual machine reads options from.
const JAVA_OPTIONS: &str = "JAVA_TOOL_OPTIONS";

/// What makes a Java virtual machine trust the authority and go through the proxy; it asks for no
/// credentials on its own.
fn java_options(trust_store: &Path, proxy: Option<SocketAddr>) -> String {
    let mut options = vec![
        format!("-Djavax.net.ssl.trustStore={}", trust_store.display()),
        "-Djavax.net.ssl.trustStoreType=JKS".to_owned(),
        format!(
            "-Djavax.net.ssl.trustStorePassword={}",
            trust_store::PASSWORD
        ),
    ];
    if let Some(address) = proxy {
        for scheme in ["http", "https"] {
            options.push(format!("-D{scheme}.proxyHost={}", address.ip()));
            options.push(format!("-D{scheme}.proxyPort={}", address.port()));
        }
        options.push("-Dhttp.nonProxyHosts=localhost|127.*|[::1]".to_owned());
    }
    options.join(" ")
}

/// Names and values for the command under test.
pub(crate) fn environment(
    options: &Options,
    files: &Files,
    http: SocketAddr,
    proxy: Option<SocketAddr>,
) -> Vec<(String, String)> {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    let ca = files.ca().display().to_string();
    if let Some(address) = proxy {
        let url = proxy_url(address, options.proxy_credentials.as_ref());
        // curl reads the lower-case names first, and they may be inherited.
        pairs.push(("HTTPS_PROXY", url.clone()));
        pairs.push(("https_proxy", url.clone()));
        // Without TLS, so that nothing goes out past the proxy. curl knows the lower case alone.
        pairs.push(("HTTP_PROXY", url.clone()));
        pairs.push(("http_proxy", url));
        let direct = "localhost,127.0.0.1,::1".to_owned();
        pairs.push(("NO_PROXY", direct.clone()));
        pairs.push(("no_proxy", direct));
    }
    for name in TRUSTED {
        pairs.push((name, ca.clone()));
    }
    pairs.push(("WGETRC", files.wget().display().to_string()));
    // Without it fetch goes past the proxy.
    pairs.push(("NODE_USE_ENV_PROXY", "1".to_owned()));
    pairs.push((JAVA_OPTIONS, java_options(&files.trust_store(), proxy)));
    pairs.push(("MSTICPYCONFIG", files.settings().display().to_string()));
    if let Some(tenant) = options.tenants.first() {
        pairs.push(("AZURE_TENANT_ID", tenant.id.clone()));
        pairs.push((
            "AZURE_AUTHORITY_HOST",
            format!("https://{}", tenant.cloud.login()),
        ));
        if let Some(application) = tenant.applications.first() {
            pairs.push(("AZURE_CLIENT_ID", application.client_id.clone()));
            if let Some(secret) = application.secrets.first() {
                pairs.push((
                    "AZURE_CLIENT_SECRET",
                    secret.value.expose_secret().to_owned(),
                ));
            }
        }
    }
    match options.identity_endpoint {
        None => {}
        Some(IdentityEndpoint::Imds) => {
            pairs.push((
                "AZURE_POD_IDENTITY_AUTHORITY_HOST",
                format!("http://{http}"),
            ));
        }
        Some(IdentityEndpoint::AppService) => {
            pairs.push(("IDENTITY_ENDPOINT", format!("http://{http}/msi/token")));
            pairs.push(("IDENTITY_HEADER", identity_header(options.seed)));
        }
    }
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What callers of App Service's endpoint for identities have to show.
pub(crate) fn identity_header(seed: u64) -> String {
    Identifiers::new(seed.wrapping_add(0x1d)).next()
}

/// The proxy's address, with what it asks for.
pub(crate) fn proxy_url(address: SocketAddr, credentials: Option<&ProxyCredentials>) -> String {
    let Some(credentials) = credentials else {
        return format!("http://{address}");
    };
    let encode = |text: &str| {
        url::form_urlencoded::byte_serialize(text.as_bytes())
            .collect::<String>()
            .replace('+', "%20")
    };
    format!(
        "http://{}:{}@{address}",
        encode(&credentials.user),
        encode(credentials.password.expose_secret())
    )
}

/// What a client with `credentials` puts after `Basic`.
pub(crate) fn basic(credentials: &ProxyCredentials) -> String {
    encode_block(
        format!(
            "{}:{}",
            credentials.user,
            credentials.password.expose_secret()
        )
        .as_bytes(),
    )
}

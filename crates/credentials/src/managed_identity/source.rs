//! Where managed identities are asked for, and how.

use std::path::PathBuf;

use bytes::Bytes;
use defender_core::{Error, ErrorKind, Result, is_loopback};
use http::HeaderValue;
use url::{Host, Url};

use super::{IdentityId, arc, get};

/// The metadata service of virtual machines.
const METADATA_HOST: &str = "http://169.254.169.254";

/// A place that gives tokens to what runs there.
pub(super) enum Source {
    /// The metadata service of virtual machines.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>
    Machine { url: Url },
    /// App Service, Functions and Container Apps.
    ///
    /// Source: <https://learn.microsoft.com/azure/app-service/overview-managed-identity>
    AppService { url: Url, header: HeaderValue },
    /// A server that Azure Arc manages.
    ///
    /// Source: <https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication>
    Arc { url: Url, folder: PathBuf },
}

impl Source {
    /// The place that `variable` describes, or what is wrong with the description.
    pub(super) fn find(
        variable: &impl Fn(&str) -> Option<String>,
        arc_folder: Option<PathBuf>,
    ) -> Result<Self, String> {
        let get = |name| variable(name).filter(|value| !value.trim().is_empty());
        let Some(endpoint) = get("IDENTITY_ENDPOINT") else {
            let host = get("AZURE_POD_IDENTITY_AUTHORITY_HOST");
            let name = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
            let mut url = address(name, host.as_deref().unwrap_or(METADATA_HOST))?;
            url.set_path("/metadata/identity/oauth2/token");
            return Ok(Self::Machine { url });
        };
        let url = address("IDENTITY_ENDPOINT", &endpoint)?;
        if get("IDENTITY_SERVER_THUMBPRINT").is_some() {
            return Err("managed identities of Service Fabric are not supported".to_owned());
        }
        if let Some(header) = get("IDENTITY_HEADER") {
            let mut header = HeaderValue::from_str(header.trim())
                .map_err(|_| "IDENTITY_HEADER cannot be sent as a header".to_owned())?;
            header.set_sensitive(true);
            return Ok(Self::AppService { url, header });
        }
        if get("IMDS_ENDPOINT").is_some() {
            let folder = arc_folder
                .or_else(|| arc::folder(variable))
                .ok_or("Azure Arc does not say where its files are: ProgramData is not set")?;
            return Ok(Self::Arc { url, folder });
        }
        Err("IDENTITY_ENDPOINT is set without IDENTITY_HEADER or IMDS_ENDPOINT".to_owned())
    }

    pub(super) fn url(&self) -> &Url {
        match self {
            Self::Machine { url } | Self::AppService { url, .. } | Self::Arc { url, .. } => url,
        }
    }

    /// Only virtual machines are not announced by the environment.
    pub(super) fn needs_probe(&self) -> bool {
        matches!(self, Self::Machine { .. })
    }

    /// Whether `identity` can be asked for here.
    pub(super) fn check(&self, identity: &IdentityId) -> Result<()> {
        if matches!(self, Self::Arc { .. }) && *identity != IdentityId::System {
            return Err(Error::new(
                ErrorKind::Config,
                "a server that Azure Arc manages has its own identity only",
            )
            .with_hint("leave out the identity's id"));
        }
        Ok(())
    }

    /// A request without the header that the metadata service insists on: it is refused at once.
    pub(super) fn probe(&self) -> Result<http::Request<Bytes>> {
        let mut url = self.url().clone();
        url.query_pairs_mut()
            .append_pair("api-version", "2018-02-01");
        get(&url, &[])
    }

    /// The request for a token; `proof` is what Azure Arc asks for.
    pub(super) fn request(
        &self,
        resource: &str,
        identity: &IdentityId,
        proof: Option<&HeaderValue>,
    ) -> Result<http::Request<Bytes>> {
        let version = match self {
            Self::Machine { .. } => "2018-02-01",
            Self::AppService { .. } => "2019-08-01",
            Self::Arc { .. } => "2020-06-01",
        };
        let mut url = self.url().clone();
        let mut query = url.query_pairs_mut();
        query.append_pair("api-version", version);
        query.append_pair("resource", resource);
        match identity {
            IdentityId::System => {}
            IdentityId::Client(id) => drop(query.append_pair("client_id", id)),
            IdentityId::Object(id) => drop(query.append_pair("object_id", id)),
            // The metadata service has a name of its own for it.
            IdentityId::Resource(id) if self.needs_probe() => {
                query.append_pair("msi_res_id", id);
            }
            IdentityId::Resource(id) => drop(query.append_pair("mi_res_id", id)),
        }
        drop(query);
        let yes = HeaderValue::from_static("true");
        match (self, proof) {
            (Self::AppService { header, .. }, _) => get(&url, &[("x-identity-header", header)]),
            (_, None) => get(&url, &[("metadata", &yes)]),
            (_, Some(proof)) => get(&url, &[("metadata", &yes), ("authorization", proof)]),
        }
    }
}

/// An address of this machine or its neighbourhood, or one that is encrypted: what is sent there
/// is a proof of identity.
fn address(variable: &str, text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|_| format!("{variable} is not an address"))?;
    let near = match url.host() {
        Some(Host::Ipv4(address)) => address.is_link_local() || address.is_private(),
        Some(Host::Ipv6(address)) => address.is_unicast_link_local(),
        Some(Host::Domain(_)) | None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if near || is_loopback(&url) => Ok(url),
        _ => Err(format!(
            "{variable} is neither an https address nor one of this machine"
        )),
    }
}

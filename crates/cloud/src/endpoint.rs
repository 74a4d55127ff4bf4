//! Where one environment lives in one cloud: host, path, sign-in and audience, each on its own.

use std::fmt;

use defender_core::{DataEnvironment, Error, ErrorKind, Result, Scope, WrittenName};
use url::Url;

use crate::root::{check_api_root, check_root, host_of};
use crate::{Cloud, table};

/// Where one environment lives in one cloud.
///
/// The audience of the token is not derived from the host: a regional host takes a token for the
/// global audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The environment.
    pub environment: DataEnvironment,
    /// The cloud.
    pub cloud: Cloud,
    /// The sign-in host's root, such as `https://login.microsoftonline.com/`.
    pub authority: Url,
    /// The API's root, such as `https://graph.microsoft.com/`.
    pub host: Url,
    /// The resource that a token is asked for, without a closing slash.
    pub audience: String,
    /// The first part of the path, `api` or `v1.0`.
    pub version: String,
    /// What follows the version for a hunting query; empty where the query is itself a path.
    pub path: &'static str,
    /// Who says that this is the host.
    pub host_source: Source,
    /// Who says that this is the audience.
    pub audience_source: Source,
}

/// Who says that a host or an audience is the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Source {
    /// Microsoft's documentation prints it.
    Documented,
    /// MSTICPy uses it.
    Msticpy,
    /// It follows from the documented ones, and nobody has said so.
    Inferred,
    /// The caller gave it.
    Caller,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Documented => "documented",
            Self::Msticpy => "msticpy",
            Self::Inferred => "inferred",
            Self::Caller => "given",
        })
    }
}

impl Cloud {
    /// Where `environment` lives in this cloud.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Config`]: the environment does not exist in this cloud; the hint says what
    ///   does. No other cloud is ever taken instead.
    /// - [`ErrorKind::Usage`]: [`DataEnvironment::Local`] has no endpoint.
    pub fn endpoint(self, environment: DataEnvironment) -> Result<Endpoint> {
        table::endpoint(self, environment)
    }

    /// The sign-in host's root in this cloud.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>
    pub fn authority(self) -> Url {
        table::url(table::login(self))
    }
}

impl Endpoint {
    /// The API's root with its version: what paths are appended to.
    pub fn base(&self) -> Url {
        join(&self.host, &self.version)
    }

    /// The whole address that a query goes to.
    pub fn url(&self) -> Url {
        join(&self.base(), self.path)
    }

    /// The scope that a token is asked for.
    pub fn scope(&self) -> Scope {
        Scope::default_of(&self.audience)
    }

    /// The same endpoint behind another API root; the audience stays the cloud's.
    ///
    /// # Errors
    ///
    /// As [`check_api_root`]; and [`ErrorKind::Config`] when `root` is a host of another cloud,
    /// since sign-in and API must change clouds together.
    pub fn with_api_root(self, root: Url) -> Result<Self> {
        check_api_root(self.environment, &root)?;
        if root.path() != "/" && table::cloud_of(&root).is_some() {
            let host = root.origin().ascii_serialization();
            return Err(Error::new(
                ErrorKind::Config,
                format!("the API root {host} has the path {}", root.path()),
            )
            .with_hint("leave the path out; another version is set by apiVersion, --api-version"));
        }
        if let Some(home) = table::cloud_of(&root).filter(|home| {
            table::login(*home) != table::login(self.cloud)
                || (*home == Cloud::Gcc) != (self.cloud == Cloud::Gcc) && !is_graph(&root)
        }) {
            return Err(Error::new(
                ErrorKind::Config,
                format!(
                    "the API root {} belongs to the cloud {home}, the connection is for {}",
                    root.origin().ascii_serialization(),
                    self.cloud
                ),
            )
            .with_hint(format!(
                "set the cloud to {home} instead of the API root, so that sign-in, audience and \
                 API change together"
            )));
        }
        Ok(Self {
            host: with_slash(root),
            host_source: Source::Caller,
            ..self
        })
    }

    /// The same endpoint with another sign-in host.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] unless it is `https`, or `http` on loopback; and when it is another
    /// cloud's sign-in host, which would get a secret that is not for it.
    pub fn with_authority(self, authority: Url) -> Result<Self> {
        check_root("authority", &authority)?;
        if let Some(home) = table::cloud_of_login(&authority)
            .filter(|home| table::login(*home) != table::login(self.cloud))
        {
            return Err(Error::new(
                ErrorKind::Config,
                format!(
                    "the authority {} signs in to the cloud {home}, the connection is for {}",
                    authority.origin().ascii_serialization(),
                    self.cloud
                ),
            )
            .with_hint(
                "set the cloud to the tenant's and leave the authority out; each cloud has its own",
            ));
        }
        Ok(Self {
            authority: with_slash(authority),
            ..self
        })
    }

    /// The same endpoint in another version of the API, such as `beta`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when `version` is not made of letters, digits, dots, `_`, `-` and
    /// slashes.
    pub fn with_version(self, version: &str) -> Result<Self> {
        let version = version.trim().trim_matches('/');
        let sound = !version.is_empty()
            && version.split('/').all(|part| {
                !part.is_empty()
                    && part != "."
                    && part != ".."
                    && part
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            });
        if !sound {
            return Err(Error::new(
                ErrorKind::Config,
                match WrittenName::of_words(version).shown() {
                    Some(version) => format!("the API version '{version}' is not a path"),
                    None => "the API version is not a path".to_owned(),
                },
            )
            .with_hint("it is a word such as v1.0, beta or api"));
        }
        Ok(Self {
            version: version.to_owned(),
            ..self
        })
    }
}

fn is_graph(root: &Url) -> bool {
    host_of(root) == "graph.microsoft.com"
}

fn with_slash(mut root: Url) -> Url {
    if !root.path().ends_with('/') {
        let path = format!("{}/", root.path());
        root.set_path(&path);
    }
    root
}

/// `root` and `tail` with one slash between them, whatever either brings.
fn join(root: &Url, tail: &str) -> Url {
    let mut joined = root.clone();
    joined.set_path(&format!(
        "{}/{}",
        root.path().trim_end_matches('/'),
        tail.trim_start_matches('/')
    ));
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Endpoint {
        Cloud::Global.endpoint(DataEnvironment::M365dGraph).unwrap()
    }

    #[test]
    fn roots_join_without_double_slashes() {
        for root in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/"] {
            let endpoint = graph().with_api_root(root.parse().unwrap()).unwrap();
            assert_eq!(
                endpoint.url().as_str(),
                "http://127.0.0.1:8080/v1.0/security/runHuntingQuery"
            );
            assert_eq!(endpoint.host_source, Source::Caller);
        }
        let behind = graph()
            .with_api_root("https://gateway.example/graph".parse().unwrap())
            .unwrap();
        assert_eq!(
            behind.url().as_str(),
            "https://gateway.example/graph/v1.0/security/runHuntingQuery"
        );
        assert_eq!(behind.audience, "https://graph.microsoft.com");
    }

    #[test]
    fn a_known_host_takes_no_path() {
        let error = graph()
            .with_api_root("https://graph.microsoft.com/beta".parse().unwrap())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.hint().unwrap().contains("--api-version"));
    }

    #[test]
    fn a_host_of_another_cloud_is_refused() {
        let error = graph()
            .with_api_root("https://graph.microsoft.us".parse().unwrap())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the API root https://graph.microsoft.us belongs to the cloud gcc-high, the \
             connection is for global"
        );
        let mde = Cloud::Global.endpoint(DataEnvironment::Mde).unwrap();
        assert!(
            mde.clone()
                .with_api_root(
                    "https://api-gcc.securitycenter.microsoft.us"
                        .parse()
                        .unwrap()
                )
                .is_err()
        );
        let eu = mde
            .with_api_root(
                "https://api-eu.securitycenter.microsoft.com"
                    .parse()
                    .unwrap(),
            )
            .unwrap();
        assert_eq!(eu.audience, "https://api.securitycenter.microsoft.com");
        let gcc = Cloud::Gcc.endpoint(DataEnvironment::M365dGraph).unwrap();
        assert!(
            gcc.with_api_root("https://graph.microsoft.com".parse().unwrap())
                .is_ok()
        );
    }

    #[test]
    fn dod_and_gcc_high_share_a_sign_in_host_but_not_their_graph() {
        let dod = Cloud::Dod.endpoint(DataEnvironment::M365dGraph).unwrap();
        assert_eq!(dod.host.as_str(), "https://dod-graph.microsoft.us/");
        let other = Cloud::GccHigh
            .endpoint(DataEnvironment::M365dGraph)
            .unwrap();
        assert_eq!(other.authority, dod.authority);
        assert_ne!(other.audience, dod.audience);
    }

    #[test]
    fn a_version_is_a_path_and_nothing_else() {
        let beta = graph().with_version("/beta/").unwrap();
        assert_eq!(
            beta.url().as_str(),
            "https://graph.microsoft.com/beta/security/runHuntingQuery"
        );
        for wrong in ["", "../x", "v1.0?x", "a b", "https://x"] {
            assert_eq!(
                graph().with_version(wrong).unwrap_err().kind(),
                ErrorKind::Config,
                "{wrong}"
            );
        }
    }

    #[test]
    fn an_authority_is_https_or_loopback() {
        assert!(
            graph()
                .with_authority("http://login.example".parse().unwrap())
                .is_err()
        );
        let local = graph()
            .with_authority("http://localhost:1234".parse().unwrap())
            .unwrap();
        assert_eq!(local.authority.as_str(), "http://localhost:1234/");
    }

    #[test]
    fn another_clouds_authority_is_refused() {
        let at = |cloud: Cloud, authority: &str| {
            cloud
                .endpoint(DataEnvironment::M365dGraph)
                .unwrap()
                .with_authority(authority.parse().unwrap())
        };
        let error = at(Cloud::GccHigh, "https://login.microsoftonline.com").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the authority https://login.microsoftonline.com signs in to the cloud global, the \
             connection is for gcc-high"
        );
        for (cloud, authority) in [
            (Cloud::Global, "https://login.microsoftonline.us/"),
            (Cloud::Eu, "https://LOGIN.microsoftonline.us./"),
            (Cloud::Gcc, "https://login.chinacloudapi.cn"),
            (Cloud::Dod, "https://login.windows.net"),
        ] {
            assert!(at(cloud, authority).is_err(), "{cloud} at {authority}");
        }
        for (cloud, authority) in [
            (Cloud::Global, "https://login.windows.net"),
            (Cloud::Uk, "https://login.microsoftonline.com"),
            (Cloud::Gcc, "https://login.microsoftonline.com"),
            (Cloud::Dod, "https://login.microsoftonline.us"),
            (Cloud::Dod, "https://sign-in.example"),
        ] {
            assert!(at(cloud, authority).is_ok(), "{cloud} at {authority}");
        }
    }

    #[test]
    fn files_have_no_endpoint() {
        let error = Cloud::Global.endpoint(DataEnvironment::Local).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
}

//! The tables: every environment's host, path and audience in every cloud.
//!
//! The documented MSTICPy table is the default for the regions it knows; newer hosts stand in for
//! regions it lacks. Where that table says that Microsoft 365 Defender is not available in the
//! government clouds, Microsoft's own government page has hosts, and the page wins.

use std::fmt::Write as _;

use defender_core::{DataEnvironment, Error, ErrorKind, Result};
use url::Url;

use crate::root::host_of;
use crate::{Cloud, Endpoint, Source};

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The cloud.
    pub cloud: Cloud,
    /// The environment.
    pub environment: DataEnvironment,
    /// Where it lives; `None` when it does not exist there.
    pub endpoint: Option<Endpoint>,
}

/// Every environment that has endpoints, in every cloud and region.
pub fn table() -> impl Iterator<Item = Row> {
    Cloud::ALL.into_iter().flat_map(|cloud| {
        DataEnvironment::ALL
            .into_iter()
            .filter(|environment| *environment != DataEnvironment::Local)
            .map(move |environment| Row {
                cloud,
                environment,
                endpoint: endpoint(cloud, environment).ok(),
            })
    })
}

/// The sign-in hosts.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>
pub(crate) fn login(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::GccHigh | Cloud::Dod => "https://login.microsoftonline.us/",
        Cloud::China => "https://login.partner.microsoftonline.cn/",
        _ => "https://login.microsoftonline.com/",
    }
}

/// Microsoft Defender for Endpoint.
///
/// Sources: <https://learn.microsoft.com/defender-endpoint/api/exposed-apis-list>,
/// <https://learn.microsoft.com/defender-endpoint/gov>,
/// <https://msticpy.readthedocs.io/en/latest/data_acquisition/DataProv-MSDefender.html>
fn mde(cloud: Cloud) -> Option<(&'static str, Source)> {
    Some(match cloud {
        Cloud::Global => (
            "https://api.securitycenter.microsoft.com/",
            Source::Documented,
        ),
        Cloud::Us => (
            "https://api-us.securitycenter.microsoft.com/",
            Source::Documented,
        ),
        Cloud::Eu => (
            "https://api-eu.securitycenter.microsoft.com/",
            Source::Documented,
        ),
        Cloud::Uk => (
            "https://api-uk.securitycenter.microsoft.com/",
            Source::Documented,
        ),
        Cloud::Gcc => (
            "https://api-gcc.securitycenter.microsoft.us/",
            Source::Documented,
        ),
        Cloud::GccHigh | Cloud::Dod => (
            "https://api-gov.securitycenter.microsoft.us/",
            Source::Documented,
        ),
        newer => (newer_host(newer)?, Source::Documented),
    })
}

/// Microsoft 365 Defender.
///
/// Sources: <https://learn.microsoft.com/defender-xdr/api-supported>,
/// <https://learn.microsoft.com/defender-xdr/usgov>,
/// <https://msticpy.readthedocs.io/en/latest/data_acquisition/DataProv-MSDefender.html>
fn m365d(cloud: Cloud) -> Option<(&'static str, Source)> {
    Some(match cloud {
        Cloud::Global => ("https://api.security.microsoft.com/", Source::Documented),
        Cloud::Us => ("https://api-us.security.microsoft.com/", Source::Msticpy),
        Cloud::Eu => ("https://api-eu.security.microsoft.com/", Source::Msticpy),
        Cloud::Uk => ("https://api-uk.security.microsoft.com/", Source::Msticpy),
        Cloud::Gcc => ("https://api-gcc.security.microsoft.us/", Source::Documented),
        Cloud::GccHigh | Cloud::Dod => {
            ("https://api-gov.security.microsoft.us/", Source::Documented)
        }
        // These hosts are documented for Defender for Endpoint; at the global one both answer.
        newer => (newer_host(newer)?, Source::Inferred),
    })
}

/// The regions that only the newer naming has.
fn newer_host(cloud: Cloud) -> Option<&'static str> {
    match cloud {
        Cloud::Au => Some("https://au.api.security.microsoft.com/"),
        Cloud::Swa => Some("https://swa.api.security.microsoft.com/"),
        Cloud::Ina => Some("https://ina.api.security.microsoft.com/"),
        Cloud::Aea => Some("https://aea.api.security.microsoft.com/"),
        _ => None,
    }
}

/// Microsoft Graph with its security API, which China does not have.
///
/// Source: <https://learn.microsoft.com/graph/deployments>
fn graph(cloud: Cloud) -> Option<(&'static str, Source)> {
    Some(match cloud {
        Cloud::China => return None,
        Cloud::GccHigh => ("https://graph.microsoft.us/", Source::Documented),
        Cloud::Dod => ("https://dod-graph.microsoft.us/", Source::Documented),
        _ => ("https://graph.microsoft.com/", Source::Documented),
    })
}

type Hosts = fn(Cloud) -> Option<(&'static str, Source)>;

/// Which table an environment's hosts are in, and the version and path of its queries.
fn service(environment: DataEnvironment) -> Option<(Hosts, &'static str, &'static str)> {
    match environment {
        DataEnvironment::Mde => Some((mde, "api", "advancedqueries/run")),
        DataEnvironment::M365d => Some((m365d, "api", "advancedhunting/run")),
        DataEnvironment::M365dGraph => Some((graph, "v1.0", "security/runHuntingQuery")),
        DataEnvironment::SecurityGraph => Some((graph, "v1.0", "")),
        _ => None,
    }
}

pub(crate) fn endpoint(cloud: Cloud, environment: DataEnvironment) -> Result<Endpoint> {
    let Some((hosts, version, path)) = service(environment) else {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("the environment {environment} has no endpoint in any cloud"),
        )
        .with_hint("it reads files on this machine"));
    };
    let (host, host_source) = hosts(cloud).ok_or_else(|| absent(cloud, environment))?;
    let (audience, audience_source) = audience(cloud, environment, hosts, host);
    Ok(Endpoint {
        environment,
        cloud,
        authority: url(login(cloud)),
        host: url(host),
        audience: audience.trim_end_matches('/').to_owned(),
        version: version.to_owned(),
        path,
        host_source,
        audience_source,
    })
}

/// The resource that a token is for.
///
/// Microsoft prints one audience per API for the commercial cloud and none per region, so a
/// region takes the global one. In the government clouds it is the host, as MSTICPy has it for MDE.
fn audience(
    cloud: Cloud,
    environment: DataEnvironment,
    hosts: Hosts,
    host: &'static str,
) -> (&'static str, Source) {
    let is_graph = matches!(
        environment,
        DataEnvironment::M365dGraph | DataEnvironment::SecurityGraph
    );
    if is_graph {
        return (host, Source::Documented);
    }
    if cloud.is_region() {
        let global = hosts(Cloud::Global).map_or(host, |(global, _)| global);
        return (global, Source::Inferred);
    }
    if cloud == Cloud::Global {
        return (host, Source::Documented);
    }
    // MSTICPy sends M365D to the MDE API, so nobody has said what the government's audience is.
    let source = match environment {
        DataEnvironment::Mde => Source::Msticpy,
        _ => Source::Inferred,
    };
    (host, source)
}

fn absent(cloud: Cloud, environment: DataEnvironment) -> Error {
    let there: Vec<_> = DataEnvironment::ALL
        .into_iter()
        .filter(|other| service(*other).is_some_and(|(hosts, ..)| hosts(cloud).is_some()))
        .map(DataEnvironment::name)
        .collect();
    let there = if there.is_empty() {
        format!(
            "no Defender or Graph security API does: there is sign-in at {} and Key Vault at {}",
            login(cloud)
                .trim_start_matches("https://")
                .trim_end_matches('/'),
            cloud.key_vault().suffix
        )
    } else {
        format!("there are {}", there.join(", "))
    };
    Error::new(
        ErrorKind::Config,
        format!("{environment} does not exist in the cloud {cloud}"),
    )
    .with_hint(format!(
        "{there}; a tenant of another cloud needs that cloud's name"
    ))
}

/// The cloud that `root` is a host of, when the table knows it.
///
/// The regions' hosts belong to the commercial cloud.
pub(crate) fn cloud_of(root: &Url) -> Option<Cloud> {
    let host = host_of(root);
    if host == "microsoftgraph.chinacloudapi.cn" {
        return Some(Cloud::China);
    }
    table()
        .find(|row| {
            row.endpoint
                .as_ref()
                .is_some_and(|endpoint| endpoint.host.host_str() == Some(host))
        })
        .map(|row| row.cloud)
}

/// The cloud that signs in at `authority`; `None` when the host is not Microsoft's.
pub(crate) fn cloud_of_login(authority: &Url) -> Option<Cloud> {
    match host_of(authority) {
        "login.microsoftonline.com" | "login.windows.net" => Some(Cloud::Global),
        "login.microsoftonline.us" => Some(Cloud::GccHigh),
        "login.partner.microsoftonline.cn" | "login.chinacloudapi.cn" => Some(Cloud::China),
        _ => None,
    }
}

pub(crate) fn url(text: &str) -> Url {
    #[expect(
        clippy::expect_used,
        reason = "the addresses of the tables are literals, and a test parses each"
    )]
    Url::parse(text).expect("a literal of the tables, or a checked name in one")
}

/// The tables as the page `docs/reference/clouds.md`.
pub fn markdown() -> String {
    let mut page = String::from(HEAD);
    for environment in DataEnvironment::ALL {
        if environment == DataEnvironment::Local {
            continue;
        }
        let _ = write!(page, "\n## {environment}\n\n");
        if let Some(day) = environment.retirement() {
            let _ = write!(page, "This API ends on {day}.\n\n");
        }
        page.push_str(
            "| cloud | address | audience | host is | audience is |\n|---|---|---|---|---|\n",
        );
        for row in table().filter(|row| row.environment == environment) {
            match row.endpoint {
                Some(endpoint) => {
                    let _ = writeln!(
                        page,
                        "| `{}` | {} | {} | {} | {} |",
                        row.cloud,
                        endpoint.url(),
                        endpoint.audience,
                        endpoint.host_source,
                        endpoint.audience_source
                    );
                }
                None => {
                    let _ = writeln!(page, "| `{}` | does not exist | | | |", row.cloud);
                }
            }
        }
    }
    page.push_str("\n## Sign-in and Key Vault\n\n| cloud | also called | sign-in | Key Vault suffix | Key Vault audience |\n|---|---|---|---|---|\n");
    for cloud in Cloud::ALL {
        let aliases: Vec<_> = cloud
            .aliases()
            .iter()
            .map(|alias| format!("`{alias}`"))
            .collect();
        let vaults = cloud.key_vault();
        let _ = writeln!(
            page,
            "| `{cloud}` | {} | {} | {} | {} |",
            aliases.join(", "),
            login(cloud),
            vaults.suffix,
            vaults.audience
        );
    }
    page.push_str(TAIL);
    page
}

const HEAD: &str = "# Clouds

<!-- Generated from crates/cloud; `UPDATE_DOCS=1 cargo test -p defender-cloud` writes it anew. -->

Where each data environment lives in each cloud.
A cloud's name is read in any case, and `_` counts as `-`.
`defender clouds` prints the same tables.

The last two columns say who says so.
*documented*: Microsoft's documentation prints it.
*msticpy*: MSTICPy uses it.
*inferred*: it follows from the documented ones, and nobody has said so.
";

const TAIL: &str = "
## How the tables were made

Host and audience are two things.
Microsoft prints one audience per API for the commercial cloud and none per region, so a regional host takes a token for the global audience.
In the government clouds the audience is the host, as MSTICPy has it for MDE.

The hosts of `global`, `us`, `eu`, `uk` and the government clouds are those that MSTICPy's documentation lists.
The regions it lacks, `au`, `swa`, `ina` and `aea`, have Microsoft's newer hosts.
The newer hosts of the other regions, such as `https://eu.api.security.microsoft.com`, can be given as `apiRoot`.

MSTICPy's documentation says that M365D is not available in the government clouds.
Microsoft's page for government customers has hosts for it there, and this project follows the page.

Azure's names `usgov` and `gov` mean `gcc-high`.
The Department of Defense has its own Microsoft Graph; everything else of it is that of GCC High.

In China neither advanced hunting nor the Graph security API exists.
Asking for one is an error; no other cloud is taken instead.

Sources:
[Defender for Endpoint](https://learn.microsoft.com/defender-endpoint/api/exposed-apis-list),
[its government page](https://learn.microsoft.com/defender-endpoint/gov),
[Defender XDR for government](https://learn.microsoft.com/defender-xdr/usgov),
[Microsoft Graph](https://learn.microsoft.com/graph/deployments),
[Entra ID](https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud),
[MSTICPy](https://msticpy.readthedocs.io/en/latest/data_acquisition/DataProv-MSDefender.html).
";

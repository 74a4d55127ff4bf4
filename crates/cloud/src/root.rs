//! Addresses that a person may give instead of the table's: what is accepted, and for what.

use defender_core::{DataEnvironment, Error, ErrorKind, Result, is_loopback};
use url::Url;

/// Reads `text` as the root of a service and checks it as [`check_root`] does.
///
/// `what` names it in messages: `authority`, `API root`.
///
/// # Errors
///
/// [`ErrorKind::Config`] when it is no address, or not one that a secret may be sent to.
pub fn parse_root(what: &str, text: &str) -> Result<Url> {
    let root = Url::parse(text.trim()).map_err(|error| {
        Error::new(
            ErrorKind::Config,
            format!("the {what} is not an address: {error}"),
        )
        .with_hint(format!("write the {what} as https://host/"))
    })?;
    check_root(what, &root)?;
    Ok(root)
}

/// Checks that `root` is an address that tokens and secrets may be sent to.
///
/// It is `https`, or `http` on loopback; it has no user, query or fragment.
///
/// # Errors
///
/// [`ErrorKind::Config`] otherwise.
pub fn check_root(what: &str, root: &Url) -> Result<()> {
    let refuse = |message: String, hint: &str| {
        Err(Error::new(ErrorKind::Config, message).with_hint(hint.to_owned()))
    };
    if root.host().is_none() {
        return refuse(
            format!("the {what} has no host"),
            "write it as https://host/",
        );
    }
    if !root.username().is_empty() || root.password().is_some() {
        return refuse(
            format!("the {what} holds a user name"),
            "write it without anything before the '@'",
        );
    }
    if root.query().is_some() || root.fragment().is_some() {
        return refuse(
            format!("the {what} has a query or a fragment"),
            "write it as https://host/ only",
        );
    }
    match root.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(root) => Ok(()),
        scheme => refuse(
            format!(
                "the {what} {scheme}://{} would carry secrets unprotected",
                root.host_str().unwrap_or_default()
            ),
            "use https; http is for loopback addresses only",
        ),
    }
}

/// The host as the tables spell it: a dot at its end changes nothing about where it leads.
pub(crate) fn host_of(root: &Url) -> &str {
    let host = root.host_str().unwrap_or_default();
    host.strip_suffix('.').unwrap_or(host)
}

/// Checks that `root` may be the API root of `environment`.
///
/// A host of Microsoft's that serves another environment is refused by name; a host that is not
/// Microsoft's (a gateway, an emulator) is taken as it is.
///
/// # Errors
///
/// [`ErrorKind::Config`] when the host serves another environment, or as [`check_root`].
pub fn check_api_root(environment: DataEnvironment, root: &Url) -> Result<()> {
    check_root("API root", root)?;
    let host = host_of(root);
    let served = match serves(host) {
        Served::Unknown => return Ok(()),
        Served::Nothing(what) => {
            return Err(Error::new(
                ErrorKind::Config,
                format!("{host} is {what}, not an API root of {environment}"),
            )
            .with_hint(known_root(environment)));
        }
        Served::Environments(served) => served,
    };
    if served.contains(&environment) {
        return Ok(());
    }
    let names: Vec<_> = served.iter().map(|served| served.name()).collect();
    Err(Error::new(
        ErrorKind::Config,
        format!(
            "the API root {host} serves {}, not {environment}",
            names.join(" and ")
        ),
    )
    .with_hint(format!(
        "use the environment {}, or {}",
        names.join(" or "),
        known_root(environment)
    )))
}

fn known_root(environment: DataEnvironment) -> String {
    match environment {
        DataEnvironment::Mde => "an API root such as https://api.securitycenter.microsoft.com",
        DataEnvironment::M365d => "an API root such as https://api.security.microsoft.com",
        DataEnvironment::M365dGraph | DataEnvironment::SecurityGraph => {
            "an API root such as https://graph.microsoft.com"
        }
        _ => "no API root: this environment has none",
    }
    .to_owned()
}

enum Served {
    Environments(&'static [DataEnvironment]),
    Nothing(&'static str),
    Unknown,
}

fn serves(host: &str) -> Served {
    use DataEnvironment::{M365d, M365dGraph, Mde, SecurityGraph};
    match host {
        "graph.microsoft.com"
        | "graph.microsoft.us"
        | "dod-graph.microsoft.us"
        | "microsoftgraph.chinacloudapi.cn" => Served::Environments(&[M365dGraph, SecurityGraph]),
        "security.microsoft.com" | "security.microsoft.us" | "securitycenter.microsoft.com" => {
            Served::Nothing("the portal")
        }
        "login.microsoftonline.com"
        | "login.microsoftonline.us"
        | "login.partner.microsoftonline.cn"
        | "login.chinacloudapi.cn" => Served::Nothing("a sign-in host"),
        // Both APIs answer at the newer hosts, told apart by their paths.
        "api.security.microsoft.com" => Served::Environments(&[Mde, M365d]),
        _ if host.ends_with(".api.security.microsoft.com") => Served::Environments(&[Mde, M365d]),
        _ if host.ends_with(".securitycenter.microsoft.com")
            || host.ends_with(".securitycenter.microsoft.us")
            || host.ends_with(".securitycenter.windows.com") =>
        {
            Served::Environments(&[Mde])
        }
        _ if host.ends_with(".security.microsoft.com")
            || host.ends_with(".security.microsoft.us") =>
        {
            Served::Environments(&[M365d])
        }
        _ => Served::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DataEnvironment::{M365d, M365dGraph, Mde, SecurityGraph};

    fn check(environment: DataEnvironment, root: &str) -> Result<()> {
        check_api_root(environment, &Url::parse(root).unwrap())
    }

    #[test]
    fn a_host_serves_its_own_environments_only() {
        let hosts: [(&str, &[DataEnvironment]); 10] = [
            ("https://api.securitycenter.microsoft.com", &[Mde]),
            ("https://api.securitycenter.microsoft.com./", &[Mde]),
            ("https://api-eu.securitycenter.microsoft.com", &[Mde]),
            ("https://api-gov.securitycenter.microsoft.us", &[Mde]),
            ("https://api.securitycenter.windows.com", &[Mde]),
            ("https://api.security.microsoft.com", &[Mde, M365d]),
            ("https://AU.api.security.microsoft.com", &[Mde, M365d]),
            ("https://api-us.security.microsoft.com", &[M365d]),
            ("https://api-gov.security.microsoft.us", &[M365d]),
            ("https://graph.microsoft.com", &[M365dGraph, SecurityGraph]),
        ];
        for (host, served) in hosts {
            for environment in [M365dGraph, Mde, M365d, SecurityGraph] {
                assert_eq!(
                    check(environment, host).is_ok(),
                    served.contains(&environment),
                    "{environment} at {host}"
                );
            }
        }
    }

    #[test]
    fn the_refusal_names_the_right_environment() {
        let error = check(M365d, "https://api.securitycenter.microsoft.com").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the API root api.securitycenter.microsoft.com serves MDE, not M365D"
        );
        assert_eq!(
            error.hint().unwrap(),
            "use the environment MDE, or an API root such as https://api.security.microsoft.com"
        );
        let error = check(Mde, "https://graph.microsoft.us").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the API root graph.microsoft.us serves M365DGraph and SecurityGraph, not MDE"
        );
        let error = check(Mde, "https://security.microsoft.com").unwrap_err();
        assert_eq!(
            error.to_string(),
            "security.microsoft.com is the portal, not an API root of MDE"
        );
    }

    #[test]
    fn strange_hosts_are_taken_but_not_unprotected_ones() {
        for fine in [
            "https://gateway.example/defender",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://localhost",
        ] {
            check(Mde, fine).unwrap();
        }
        for (wrong, message) in [
            (
                "http://gateway.example",
                "the API root http://gateway.example would carry secrets unprotected",
            ),
            (
                "http://127.0.0.1.example",
                "the API root http://127.0.0.1.example would carry secrets unprotected",
            ),
            (
                "https://user:canary@gateway.example",
                "the API root holds a user name",
            ),
            (
                "https://gateway.example?key=canary",
                "the API root has a query or a fragment",
            ),
            ("mailto:someone", "the API root has no host"),
        ] {
            let error = check(Mde, wrong).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert!(!format!("{error:?}").contains("canary"));
        }
    }

    #[test]
    fn text_that_is_no_address_is_refused() {
        let error = parse_root("authority", "login.microsoftonline.com").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the authority is not an address: relative URL without a base"
        );
        assert_eq!(
            parse_root("authority", " https://login.example/ ").unwrap(),
            Url::parse("https://login.example/").unwrap()
        );
    }
}

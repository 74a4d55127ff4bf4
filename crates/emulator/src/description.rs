//! A file that describes tenants and what is registered in them.

mod entry;
mod file;
mod vaults;

use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::options::{IdentityEndpoint, Options, Quotas, Tenant};
use crate::sign_in::SignIn;
use entry::read_bounded;

/// Tenants, applications and limits, read from YAML or JSON.
///
/// ```
/// let description = defender_emulator::Description::parse(
///     "
/// tenants:
///   - id: 44444444-4444-4444-4444-444444444444
///     name: Contoso
///     domain: contoso.example
///     cloud: global
///     applications:
///       - client_id: 44444444-4444-4444-4444-aaaaaaaaaaaa
///         client_secret: made-up
///         roles:
///           graph: [ThreatHunting.Read.All]
///           mde: []
///         redirect_uris: ['http://localhost', {uri: 'https://app.example/', platform: web}]
///     users:
///       - {name: analyst@contoso.example, policy: second-factor}
///       - {name: admin@contoso.example, administrator: true}
///     vaults:
///       - name: contoso-vault           # contoso-vault.vault.azure.net
///         readers: [44444444-4444-4444-4444-aaaaaaaaaaaa]  # without it every application
///         access: policies              # or roles, the default: the words of a refusal
///         secrets:
///           - {name: Hunting-Secret, value: made-up}
///           - {name: Old-Secret, value: made-up, expires: 2020-01-01T00:00:00Z}
/// quotas: true
/// ",
/// )?;
/// assert_eq!(description.tenants[0].name, "Contoso");
/// # Ok::<(), defender_emulator::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Description {
    /// The tenants, the default one first.
    pub tenants: Vec<Tenant>,
    /// Calls allowed per tenant and application.
    pub quotas: Option<Quotas>,
    /// How long an access token is good for.
    pub token_lifetime: Option<Duration>,
    /// How people behave at the sign-in pages.
    pub sign_in: Option<SignIn>,
    /// The endpoint for managed identities that clients are told of.
    pub identity_endpoint: Option<IdentityEndpoint>,
}

impl Description {
    /// Reads a description; files that it names are looked for in the working folder.
    ///
    /// # Errors
    ///
    /// [`Error::Description`], with the line, never with the text around it.
    pub fn parse(text: &str) -> Result<Self> {
        file::parse(text, Path::new("")).map_err(Error::Description)
    }

    /// Reads a description from a file; files that it names are looked for beside it.
    ///
    /// # Errors
    ///
    /// [`Error::Description`], also when the file cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_bounded(path)
            .and_then(utf8)
            .map_err(|source| Error::File {
                path: path.to_owned(),
                source,
            })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        file::parse(&text, folder)
            .map_err(|what| Error::Description(format!("{}: {what}", path.display())))
    }

    /// Puts what the description says into `options`; what it does not mention stays.
    pub fn apply(self, options: &mut Options) {
        if !self.tenants.is_empty() {
            options.tenants = self.tenants;
        }
        if self.quotas.is_some() {
            options.quotas = self.quotas;
        }
        if let Some(lifetime) = self.token_lifetime {
            options.token_lifetime = lifetime;
        }
        if let Some(sign_in) = self.sign_in {
            options.sign_in = sign_in;
        }
        if self.identity_endpoint.is_some() {
            options.identity_endpoint = self.identity_endpoint;
        }
    }
}

/// The text that bytes are in UTF-8.
fn utf8(bytes: Vec<u8>) -> std::io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let sound = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = sound.split(|byte| *byte == b'\n').count();
        std::io::Error::other(format!(
            "line {line} is not UTF-8; save the file as UTF-8, or convert it (iconv -f \
             WINDOWS-1252 -t UTF-8)"
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use secrecy::ExposeSecret;

    use super::*;
    use crate::hosts::{Api, Cloud};
    use crate::options::VaultAccess;
    use crate::registration::{ManagedIdentity, Platform, SignInPolicy};
    use crate::sign_in::{Browser, DeviceOutcome};

    #[test]
    fn everything_in_a_file_arrives() {
        let description = Description::parse(
            r#"
tenants:
  - id: "0042"
    cloud: gcc-high
    applications:
      - client_id: 1e5
        name: hunter
        secrets:
          - {value: "old", expires: "2020-01-01T00:00:00Z"}
          - {value: "new"}
        roles: {m365d: [AdvancedHunting.Read.All]}
    vaults:
      - name: one-vault
        access: policies
        closed: true
        secrets:
          - {name: a, value: "first"}
          - {name: A, value: "second", enabled: false, not_before: "2020-01-01T00:00:00Z"}
          - {name: b, value: "0042", version: "0a", content_type: text/plain}
      - {name: two-vault, readers: []}
quotas: {per_minute: 2, per_hour: 3}
token_lifetime_seconds: 60
"#,
        )
        .unwrap();
        let tenant = &description.tenants[0];
        assert_eq!((tenant.id.as_str(), tenant.name.as_str()), ("0042", "0042"));
        assert_eq!(tenant.cloud, Cloud::UsGovernment);
        let application = &tenant.applications[0];
        assert_eq!(application.client_id, "1e5");
        assert_eq!(application.secrets[0].value.expose_secret(), "old");
        assert_eq!(
            application.secrets[0].expires,
            Some(SystemTime::UNIX_EPOCH + Duration::from_hours((50 * 365 + 12) * 24))
        );
        assert_eq!(application.secrets[1].expires, None);
        assert_eq!(application.roles.len(), 1);
        let [one, two] = tenant.vaults.as_slice() else {
            panic!("{:?}", tenant.vaults);
        };
        assert_eq!((one.access, one.closed), (VaultAccess::Policies, true));
        assert_eq!(one.readers[0], "1e5");
        assert!(two.readers.is_empty());
        let [first, second, third] = one.secrets.as_slice() else {
            panic!("{:?}", one.secrets);
        };
        assert_ne!(first.version, second.version);
        assert!(first.enabled && !second.enabled);
        assert!(second.not_before.is_some() && second.expires.is_none());
        assert_eq!(third.value.expose_secret(), "0042");
        assert_eq!(third.version, "0a");
        let mut options = Options::default();
        description.apply(&mut options);
        assert_eq!(options.token_lifetime, Duration::from_mins(1));
        assert_eq!(options.quotas.unwrap().per_minute, 2);
        assert_eq!(options.tenants.len(), 1);
    }

    #[test]
    fn a_mistake_is_told_without_the_secret_beside_it() {
        let error = Description::parse(
            "tenants:\n  - id: a\n    applications:\n      - client_id: b\n        client_secret: canary-7c1d\n        rolls: {}\n",
        )
        .unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("rolls"), "{text}");
        assert!(!text.contains("canary-7c1d"), "{text}");
    }

    #[test]
    fn what_signing_in_needs_arrives() {
        let key = openssl::rsa::Rsa::generate(2048).unwrap();
        let pem = String::from_utf8(key.public_key_to_pem().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("issuer.pem"), pem).unwrap();
        let path = folder.path().join("tenants.yaml");
        std::fs::write(
            &path,
            r#"
tenants:
  - id: a
    domain: a.example
    applications:
      - client_id: b
        consented: false
        public_client_flows: false
        redirect_uris: ["http://localhost", {uri: "https://b.example/", platform: web}]
        scopes: {graph: [ThreatHunting.Read.All]}
        federated: [{issuer: "https://issuer.example", subject: s, key: issuer.pem}]
      - {client_id: c, managed_identity: system}
      - {client_id: d, managed_identity: {resource_id: /d}}
    users:
      - {name: one@a.example, password: p, policy: second-factor, id: "0042"}
      - {name: two@a.example, administrator: true}
    vaults:
      - name: one-vault
        writers: [b]
        challenge_resource: https://vault.evil.example
        secrets: [{name: a, value: b, deleted: true}]
  - {id: e, domain: e.example}
sign_in:
  browser: page
  account: two@a.example
  device: {outcome: decline, pending: 3, slow_down: [2], interval_seconds: 1, paced: true}
  code_seconds: 5
  refresh_seconds: 6
  refresh_tokens_reusable: false
  assertions_reusable: false
identity_endpoint: app-service
"#,
        )
        .unwrap();
        let description = Description::read(&path).unwrap();
        let tenant = &description.tenants[0];
        let [b, c, d] = tenant.applications.as_slice() else {
            panic!("{:?}", tenant.applications);
        };
        assert!(!b.consented && !b.public_client_flows);
        let platforms: Vec<_> = b.redirect_uris.iter().map(|uri| uri.platform).collect();
        assert_eq!(platforms, [Platform::Native, Platform::Web]);
        assert_eq!(b.scopes[&Api::Graph], ["ThreatHunting.Read.All"]);
        assert_eq!(b.federated[0].audience, "api://AzureADTokenExchange");
        assert_eq!(c.managed_identity, Some(ManagedIdentity::System));
        let resource_id = "/d".to_owned();
        assert_eq!(
            d.managed_identity,
            Some(ManagedIdentity::User { resource_id })
        );
        assert_eq!(tenant.users[0].id, "0042");
        assert_eq!(tenant.users[0].policy, SignInPolicy::SecondFactor);
        assert!(tenant.users[0].password.is_some() && tenant.users[1].administrator);
        assert_eq!(description.tenants[1].users[0].name, "analyst@e.example");
        let vault = &tenant.vaults[0];
        assert_eq!(vault.writers, ["b"]);
        assert!(vault.secrets[0].deleted && vault.challenge_resource.is_some());
        assert!(vault.readers.contains(&"one@a.example".to_owned()));
        let mut options = Options::default();
        description.apply(&mut options);
        let sign_in = options.sign_in;
        assert_eq!(sign_in.browser, Browser::Page);
        assert_eq!(sign_in.account.as_deref(), Some("two@a.example"));
        assert_eq!(sign_in.device.outcome, DeviceOutcome::Decline);
        assert_eq!((sign_in.device.pending, sign_in.device.paced), (3, true));
        assert_eq!(sign_in.device.interval, Duration::from_secs(1));
        assert_eq!(sign_in.device.lifetime, Duration::from_mins(15));
        assert_eq!(sign_in.code_lifetime, Duration::from_secs(5));
        assert_eq!(sign_in.refresh_lifetime, Duration::from_secs(6));
        assert!(!sign_in.refresh_tokens_reusable && !sign_in.assertions_reusable);
        assert_eq!(
            options.identity_endpoint,
            Some(IdentityEndpoint::AppService)
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let text =
            "tenants: [{id: a, applications: [{client_id: b, certificates: [nowhere.pem]}]}]";
        let error = Description::parse(text).unwrap_err().to_string();
        assert!(error.contains("nowhere.pem"), "{error}");
        let error = Description::read(Path::new("nowhere.yaml")).unwrap_err();
        assert!(error.to_string().contains("nowhere.yaml"), "{error}");
    }
}

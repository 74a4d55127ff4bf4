//! What can be said about settings without asking anybody.

use defender_core::SecretRef;

use crate::node::Place;
use crate::provider::{FAMILIES, read, sections};
use crate::secret::NAME_OF_VARIABLE;
use crate::shape::is_id;
use crate::sources::Paths;
use crate::{ConnectionArgs, ConnectionKey, Finding, KeyVaultSettings, Origin};

/// What is said of a secret that is neither a variable nor in a vault.
pub(crate) const PLAIN_SECRET: &str = "is a secret that stands in the file as text";

/// Everything that is wrong or doubtful in the sections of the providers.
pub(crate) fn validate(
    root: &Place<'_>,
    paths: Paths<'_>,
    key_vault: Option<&KeyVaultSettings>,
) -> Vec<Finding> {
    let sources = paths.sources;
    let mut findings = Vec::new();
    for family in &FAMILIES {
        for (instance, place) in sections(root, family) {
            let args = read(&place, paths, &mut findings);
            let section = Section {
                path: &instance.path,
                line: place.line(),
                args: &args,
            };
            section.identities(&mut findings);
            section.method(&mut findings);
            section.plain_secrets(&mut findings);
            section.references(sources, key_vault, &mut findings);
            section.files(&mut findings);
        }
        for (name, place) in root.entries() {
            let hidden = crate::provider::Family::of_legacy(name)
                .is_some_and(|found| std::ptr::eq(found, family))
                && !sections(root, family)
                    .iter()
                    .any(|(instance, _)| instance.path == place.path());
            if hidden {
                findings.push(Finding::warning(
                    place.path(),
                    place.line(),
                    format!("is not used: DataProviders.{} is there too", family.section),
                ));
            }
        }
    }
    findings
}

struct Section<'a> {
    path: &'a str,
    line: Option<u64>,
    args: &'a ConnectionArgs,
}

impl Section<'_> {
    /// The path and line of the setting that gave `key`.
    fn place(&self, key: ConnectionKey) -> (String, Option<u64>) {
        match self.args.place(key) {
            Some(Origin::Setting { path, line }) => (path.clone(), *line),
            _ => (self.path.to_owned(), self.line),
        }
    }

    fn warn(&self, key: ConnectionKey, message: &str) -> Finding {
        let (path, line) = self.place(key);
        Finding::warning(path, line, message)
    }

    fn identities(&self, findings: &mut Vec<Finding>) {
        if let Some(tenant) = self.args.tenant_id() {
            let tenant = tenant.get();
            if ["common", "organizations", "consumers"].contains(&tenant.to_lowercase().as_str()) {
                findings.push(
                    self.warn(ConnectionKey::TenantId, "does not name one tenant")
                        .with_hint("write the tenant's id or one of its domains"),
                );
            } else if !is_id(tenant) && !is_domain(tenant) {
                findings.push(
                    self.warn(ConnectionKey::TenantId, "is neither an id nor a domain")
                        .with_hint("an id looks like 11111111-2222-3333-4444-555555555555"),
                );
            }
        }
        if self.args.client_id().is_some_and(|id| !is_id(id.get())) {
            findings.push(
                self.warn(ConnectionKey::ClientId, "is not an application's id")
                    .with_hint("it looks like 11111111-2222-3333-4444-555555555555"),
            );
        }
        if let Some(SecretRef::Inline(secret)) = self.args.reference(ConnectionKey::ClientSecret)
            && is_id(defender_core::ExposeSecret::expose_secret(secret))
        {
            findings.push(
                self.warn(
                    ConnectionKey::ClientSecret,
                    "looks like the secret's id rather than its value",
                )
                .with_hint("the portal shows the value once, when the secret is made"),
            );
        }
    }

    fn method(&self, findings: &mut Vec<Finding>) {
        let given = |key| self.args.has(key);
        if given(ConnectionKey::Certificate) && given(ConnectionKey::ClientSecret) {
            findings.push(self.warn(
                ConnectionKey::ClientSecret,
                "a certificate and a client secret are given; the secret is unused",
            ));
        }
        if given(ConnectionKey::PrivateKey) && !given(ConnectionKey::Certificate) {
            findings.push(self.warn(
                ConnectionKey::PrivateKey,
                "a private key is given without its certificate",
            ));
        }
        let missing = self.args.missing();
        if !missing.is_empty() {
            findings.push(
                Finding::warning(
                    self.path,
                    self.line,
                    format!("lacks {}", missing.join(", ")),
                )
                .with_hint("a call has to give what the settings lack"),
            );
        }
    }

    /// Secrets that everybody reads who can read the file.
    fn plain_secrets(&self, findings: &mut Vec<Finding>) {
        for (key, reference) in self.args.references() {
            let is_told = || {
                let (path, _) = self.place(key);
                findings.iter().any(|finding| finding.path == path)
            };
            let is_in_file = matches!(self.args.place(key), Some(Origin::Setting { .. }));
            let is_plain = matches!(reference, SecretRef::Inline(_)) && key.is_secret();
            if is_in_file && is_plain && !is_told() {
                let finding = self.warn(key, PLAIN_SECRET);
                findings.push(
                    finding.with_hint("write {EnvironmentVar: NAME}, or {KeyVault: } for a vault"),
                );
            }
        }
    }

    fn references(
        &self,
        sources: &crate::Sources,
        key_vault: Option<&KeyVaultSettings>,
        findings: &mut Vec<Finding>,
    ) {
        for (key, reference) in self.args.references() {
            let (path, line) = self.place(key);
            match reference {
                SecretRef::Env { variable, .. } => {
                    let set = sources
                        .environment
                        .get(variable.get())
                        .is_some_and(|value| !value.is_empty());
                    if !set {
                        findings.push(match variable.shown() {
                            Some(name) => Finding::error(
                                path,
                                line,
                                format!("the environment variable {name} is not set"),
                            ),
                            None => Finding::error(
                                path,
                                line,
                                "names an environment variable that is not set",
                            )
                            .with_hint(format!("EnvironmentVar {NAME_OF_VARIABLE}")),
                        });
                    }
                }
                SecretRef::Vault { vault: None, .. } => {
                    let named = key_vault.is_some_and(|vault| vault.vault_name.is_some());
                    if !named {
                        findings.push(
                            Finding::error(path, line, "refers to a Key Vault, and none is named")
                                .with_hint("give KeyVault.VaultName, or write vault/name"),
                        );
                    }
                }
                // The rest is there, or is for whoever fetches it to judge.
                _ => {}
            }
        }
    }

    fn files(&self, findings: &mut Vec<Finding>) {
        for (key, file) in [
            (ConnectionKey::Certificate, self.args.certificate()),
            (ConnectionKey::PrivateKey, self.args.private_key()),
            (ConnectionKey::AssertionFile, self.args.assertion_file()),
        ] {
            let Some(file) = file else { continue };
            match std::fs::metadata(file.get()) {
                Ok(found) if found.is_file() && found.len() == 0 => {
                    let (path, line) = self.place(key);
                    findings.push(Finding::error(path, line, "names a file that is empty"));
                }
                Ok(found) if found.is_file() => {}
                _ => findings.push(self.warn(key, "names no file")),
            }
        }
    }
}

fn is_domain(text: &str) -> bool {
    text.contains('.')
        && text.split('.').all(|label| {
            !label.is_empty()
                && label
                    .chars()
                    .all(|letter| letter.is_alphanumeric() || letter == '-')
        })
}

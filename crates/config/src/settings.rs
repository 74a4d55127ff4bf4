//! Everything that a settings file says, typed; loading it does no network.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use defender_core::{DataEnvironment, Error, ErrorKind, Result};

use crate::node::{Node, Place};
use crate::provider::{self, Instance, ProviderArgs};
use crate::sources::{self, Paths, Sources};
use crate::{
    AzureSettings, ConnectionKey, Described, Finding, KeyVaultSettings, Origin, Proxies, Timeouts,
    azure, describe, document, known, layers, placeholder, placement, shape, validate,
};

/// Everything that a settings file says.
///
/// Sections are read when they are asked for: one that is wrong fails only the connections that
/// use it.
///
/// A clone shares the file's text: every connection has one.
#[derive(Clone)]
pub struct Settings {
    path: Option<PathBuf>,
    sources: Arc<Sources>,
    root: Arc<Node>,
    azure: AzureSettings,
    key_vault: Option<KeyVaultSettings>,
    proxies: Proxies,
    http_timeout: Option<Timeouts>,
    query_folders: Vec<PathBuf>,
    findings: Vec<Finding>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads the settings that `sources` lead to; where there is no file, they are empty.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the file is not sound, with line and column and without any
    /// value; [`ErrorKind::Io`] when it cannot be read.
    pub fn load(sources: &Sources) -> Result<Self> {
        let (path, findings) = sources.choose();
        let text = path.as_deref().map(sources::read).transpose()?;
        Self::build(path, text.as_deref().unwrap_or_default(), sources, findings)
    }

    /// Reads settings from `text`, with neither file nor environment.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn parse(text: &str) -> Result<Self> {
        Self::build(None, text, &Sources::default(), Vec::new())
    }

    fn build(
        path: Option<PathBuf>,
        text: &str,
        sources: &Sources,
        mut findings: Vec<Finding>,
    ) -> Result<Self> {
        let name = path.as_ref().map_or_else(
            || "the settings".to_owned(),
            |path| path.display().to_string(),
        );
        let root = layers::merge(document::parse(&name, text)?, &sources.environment)?;
        let place = Place::root(&root);
        findings.extend(known::check(&place));
        findings.extend(placement::check(&place));
        findings.extend(placeholder::check(&place));
        azure::section(&place, "DataProviders", &mut findings);
        let azure = AzureSettings::read(&place, &mut findings);
        let key_vault = KeyVaultSettings::read(&place, &mut findings);
        let proxies = Proxies::read(&place, &mut findings);
        let http_timeout = http_timeout(&place, &mut findings);
        let query_folders = query_folders(&place, sources, &mut findings);
        Ok(Self {
            path,
            sources: Arc::new(sources.clone()),
            root: Arc::new(root),
            azure,
            key_vault,
            proxies,
            http_timeout,
            query_folders,
            findings,
        })
    }

    /// The file that was read.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    fn paths(&self) -> Paths<'_> {
        Paths {
            sources: &self.sources,
            file: self.path.as_deref(),
        }
    }

    /// What loading noticed: unknown names, general settings that are wrong, a `MSTICPYCONFIG`
    /// that names no file.
    pub fn warnings(&self) -> &[Finding] {
        &self.findings
    }

    /// Everything that is wrong or doubtful, the sections of every provider included.
    pub fn validate(&self) -> Vec<Finding> {
        let mut findings = self.findings.clone();
        let of_sections = validate::validate(
            &Place::root(&self.root),
            self.paths(),
            self.key_vault.as_ref(),
        );
        // What is no value yet is no secret either.
        findings.extend(of_sections.into_iter().filter(|finding| {
            let is_told = self.findings.iter().any(|one| one.path == finding.path);
            finding.message != validate::PLAIN_SECRET || !is_told
        }));
        let root = Place::root(&self.root);
        for (custom, folder) in custom_queries(&root, &mut Vec::new()) {
            if !self.sources.expand(Path::new(&folder)).exists() {
                let message = format!("names '{}', which is not there", shape::shown(&folder));
                let finding = Finding::warning(custom.path(), custom.line(), message);
                findings.push(finding.with_hint(
                    "write the path of a folder or file of queries; a relative one counts from \
                     the working folder",
                ));
            }
        }
        if self.path.is_some() && root.entries().next().is_none() {
            let finding = Finding::warning("", None, "the file holds no settings");
            findings.push(finding.with_hint("'defender config init' writes a file to fill in"));
        }
        findings.sort_by_key(|finding| finding.line.unwrap_or(0));
        findings
    }

    /// Every setting with its value where that is harmless, its reference, or `***`.
    pub fn describe(&self) -> Vec<Described> {
        describe::describe(&Place::root(&self.root))
    }

    /// The sections that connections to `environment` can be made from.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when `environment` has no connection settings.
    pub fn instances(&self, environment: DataEnvironment) -> Result<Vec<Instance>> {
        let root = Place::root(&self.root);
        let (_, sections) = provider::of(&root, environment)?;
        Ok(sections.into_iter().map(|(instance, _)| instance).collect())
    }

    /// The section of `environment` that goes by `name`, taken as [`provider`](Self::provider)
    /// takes it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when there is no such section; the hint lists the instances.
    pub fn instance(&self, environment: DataEnvironment, name: &str) -> Result<Instance> {
        match provider::choose(&Place::root(&self.root), environment, Some(name))? {
            Some((instance, _)) => Ok(instance),
            None => Err(self.without_section(environment)),
        }
    }

    /// What the section of `environment` and `instance` says.
    ///
    /// M365DGraph, MDE and M365D read `DataProviders.MicrosoftDefender[-instance]`, SecurityGraph
    /// reads `DataProviders.MicrosoftGraph[-instance]`; then MSTICPy's old sections. An instance
    /// is taken exactly, or in another case where only one fits; there is no falling back.
    /// A section without a cloud has that of `Azure.cloud`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when there is no such section (the hint lists the instances), or
    /// when a value in it is not sound.
    pub fn provider(
        &self,
        environment: DataEnvironment,
        instance: Option<&str>,
    ) -> Result<ProviderArgs> {
        self.find_provider(environment, instance)?
            .ok_or_else(|| self.without_section(environment))
    }

    /// What to say where nothing says how to connect.
    fn without_section(&self, environment: DataEnvironment) -> Error {
        let looked_at = self.sources.candidates();
        if self.path.is_none() && !looked_at.is_empty() {
            let looked_at: Vec<String> = looked_at
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            return Error::new(ErrorKind::Config, "there is no settings file").with_hint(format!(
                "write one with defender config init (it is looked for at {}), give the \
                 connection as options, or try --demo, which needs neither",
                looked_at.join(", ")
            ));
        }
        let missing = format!("the settings have no section for {environment}");
        let error = Error::new(ErrorKind::Config, missing);
        let root = Place::root(&self.root);
        let mut strays = placement::check(&root);
        strays.extend(known::misspelt_providers(&root));
        if let Some(stray) = strays.into_iter().next() {
            // Most likely the one that is missing.
            let error = error.with_source(Error::new(ErrorKind::Config, stray.to_string()));
            return match stray.hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            };
        }
        let file = self.path.as_ref().map_or_else(
            || "there is no settings file".to_owned(),
            |path| format!("the settings file is {}", path.display()),
        );
        error.with_hint(if environment == DataEnvironment::SecurityGraph {
            format!(
                "{file}; add DataProviders.MicrosoftGraph, give the connection as options, or ask \
                 M365DGraph, which has the same lists and reads MicrosoftDefender"
            )
        } else {
            format!(
                "{file}; add DataProviders.MicrosoftDefender, or give the connection as options"
            )
        })
    }

    /// As [`provider`](Self::provider), with `None` when there is no section for `environment` at
    /// all and no instance is named: a call may then give everything itself.
    ///
    /// # Errors
    ///
    /// As [`provider`](Self::provider).
    pub fn find_provider(
        &self,
        environment: DataEnvironment,
        instance: Option<&str>,
    ) -> Result<Option<ProviderArgs>> {
        let root = Place::root(&self.root);
        let Some((instance, place)) = provider::choose(&root, environment, instance)? else {
            return Ok(None);
        };
        let mut findings = Vec::new();
        let mut args = provider::read(&place, self.paths(), &mut findings);
        let unfilled = placeholder::of(&place);
        // What else is wrong with such a value is wrong with the document's.
        findings.retain(|finding| unfilled.iter().all(|other| other.path != finding.path));
        findings.extend(unfilled);
        Finding::check(&findings)?;
        if !args.has(ConnectionKey::Cloud)
            && let Some(cloud) = &self.azure.cloud
        {
            let origin = Origin::Setting {
                path: "Azure.cloud".to_owned(),
                line: root
                    .find("Azure")
                    .and_then(|azure| azure.find("cloud"))
                    .and_then(|cloud| cloud.line()),
            };
            args.set(ConnectionKey::Cloud, cloud, origin)?;
        }
        Ok(Some(ProviderArgs {
            instance,
            args,
            warnings: findings,
        }))
    }

    /// What the section `Azure` says.
    pub fn azure(&self) -> &AzureSettings {
        &self.azure
    }

    /// What the section `KeyVault` says.
    pub fn key_vault(&self) -> Option<&KeyVaultSettings> {
        self.key_vault.as_ref()
    }

    /// What `msticpy.Proxies` says.
    pub fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// What `msticpy.http_timeout` says.
    pub fn http_timeout(&self) -> Option<Timeouts> {
        self.http_timeout
    }

    /// The folders of own queries: `QueryDefinitions.Custom`, relative to the working folder.
    pub fn query_folders(&self) -> &[PathBuf] {
        &self.query_folders
    }
}

fn http_timeout(root: &Place<'_>, findings: &mut Vec<Finding>) -> Option<Timeouts> {
    let place = root
        .find("msticpy")
        .and_then(|section| section.find("http_timeout"))
        .or_else(|| root.find("http_timeout"))?;
    Timeouts::read(place.node).unwrap_or_else(|message| {
        findings.push(
            Finding::error(place.path(), place.line(), message)
                .with_hint("it is left out; write seconds, or a duration such as 1m30s"),
        );
        None
    })
}

fn query_folders(root: &Place<'_>, sources: &Sources, findings: &mut Vec<Finding>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for (_, folder) in custom_queries(root, findings) {
        let folder = sources.expand(Path::new(&folder));
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

/// The paths in `QueryDefinitions.Custom` as they are written, each with its setting.
fn custom_queries<'a>(root: &Place<'a>, findings: &mut Vec<Finding>) -> Vec<(Place<'a>, String)> {
    // The documents show the section below `msticpy` too.
    let places = [root.find("QueryDefinitions"), {
        root.find("msticpy")
            .and_then(|section| section.find("QueryDefinitions"))
    }];
    let mut folders = Vec::new();
    for place in places.into_iter().flatten() {
        if let Some(custom) = place.find("Custom") {
            let listed = azure::list(&custom, findings);
            folders.extend(listed.into_iter().map(|folder| (custom.clone(), folder)));
        }
    }
    folders
}

//! The sections of the Defender providers, one for each instance.

use std::collections::BTreeMap;

use defender_core::{DataEnvironment, Error, ErrorKind, Result, nearest};

use crate::key::folded;
use crate::node::{Kind, Node, Place};
use crate::secret::{self, Value};
use crate::setting::{Setting, Wrong};
use crate::sources::Paths;
use crate::{ConnectionArgs, ConnectionKey, Finding, Origin, shape};

/// The sections of one kind of provider.
pub(crate) struct Family {
    /// Its name under `DataProviders`, before any `-Instance`.
    pub(crate) section: &'static str,
    /// The section at the top that MSTICPy used before.
    pub(crate) legacy: &'static str,
}

pub(crate) static FAMILIES: [Family; 2] = [
    Family {
        section: "MicrosoftDefender",
        legacy: "MDATPApp",
    },
    Family {
        section: "MicrosoftGraph",
        legacy: "SecurityGraphApp",
    },
];

impl Family {
    /// The family that `environment` reads.
    fn of(environment: DataEnvironment) -> Result<&'static Self> {
        match environment {
            DataEnvironment::M365dGraph | DataEnvironment::Mde | DataEnvironment::M365d => {
                Ok(&FAMILIES[0])
            }
            DataEnvironment::SecurityGraph => Ok(&FAMILIES[1]),
            other => Err(Error::new(
                ErrorKind::Usage,
                format!("the environment {other} has no connection settings"),
            )),
        }
    }

    /// The family of a section under `DataProviders`.
    pub(crate) fn of_section(name: &str) -> Option<&'static Self> {
        FAMILIES
            .iter()
            .find(|family| instance(name, family.section).is_some())
    }

    /// The family of a section at the top.
    pub(crate) fn of_legacy(name: &str) -> Option<&'static Self> {
        FAMILIES
            .iter()
            .find(|family| instance(name, family.legacy).is_some())
    }
}

/// The instance that `name` stands for in `section`; an empty one is the section itself.
fn instance<'a>(name: &'a str, section: &str) -> Option<&'a str> {
    let front = name.get(..section.len())?;
    if !front.eq_ignore_ascii_case(section) {
        return None;
    }
    match &name[section.len()..] {
        "" => Some(""),
        rest => rest.strip_prefix('-').filter(|rest| !rest.is_empty()),
    }
}

/// One section of settings that a connection can be made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The name after the `-`; `None` is the section without one.
    pub name: Option<String>,
    /// The section's path, such as `DataProviders.MicrosoftDefender-Contoso`.
    pub path: String,
}

/// What one section says about a connection.
#[derive(Clone, Debug)]
pub struct ProviderArgs {
    /// Which section.
    pub instance: Instance,
    /// Its values.
    pub args: ConnectionArgs,
    /// What is doubtful in it.
    pub warnings: Vec<Finding>,
}

/// Every section of `environment`: those under `DataProviders`, then old ones they do not hide.
pub(crate) fn sections<'a>(root: &Place<'a>, family: &Family) -> Vec<(Instance, Place<'a>)> {
    let mut found: Vec<(Instance, Place<'a>)> = Vec::new();
    let providers = root.find("DataProviders");
    let current = providers
        .iter()
        .flat_map(Place::entries)
        .map(|(name, place)| (name, family.section, place));
    let old = root
        .entries()
        .map(|(name, place)| (name, family.legacy, place));
    for (name, section, place) in current.chain(old) {
        let Some(name) = instance(name, section) else {
            continue;
        };
        let name = (!name.is_empty()).then_some(name);
        if found.iter().any(|(known, _)| known.name.as_deref() == name) {
            continue;
        }
        let instance = Instance {
            name: name.map(ToOwned::to_owned),
            path: place.path(),
        };
        found.push((instance, place));
    }
    found
}

/// The sections of `environment`, see [`sections`].
pub(crate) fn of<'a>(
    root: &Place<'a>,
    environment: DataEnvironment,
) -> Result<(&'static Family, Vec<(Instance, Place<'a>)>)> {
    let family = Family::of(environment)?;
    Ok((family, sections(root, family)))
}

/// The section that goes by `wanted`; `None` when there is no section at all and none is wanted.
pub(crate) fn choose<'a>(
    root: &Place<'a>,
    environment: DataEnvironment,
    wanted: Option<&str>,
) -> Result<Option<(Instance, Place<'a>)>> {
    let (family, sections) = of(root, environment)?;
    let names = || {
        let names: Vec<_> = sections
            .iter()
            // MSTICPy's name for the section without an instance.
            .map(|(instance, _)| shape::shown(instance.name.as_deref().unwrap_or("Default")))
            .collect();
        names.join(", ")
    };
    let base = |sections: &[(Instance, Place<'a>)]| {
        sections
            .iter()
            .find(|(instance, _)| instance.name.is_none())
            .cloned()
    };
    let Some(wanted) = wanted.map(str::trim).filter(|wanted| !wanted.is_empty()) else {
        if let Some(base) = base(&sections) {
            return Ok(Some(base));
        }
        if sections.is_empty() {
            return Ok(None);
        }
        return Err(Error::new(
            ErrorKind::Config,
            format!(
                "the settings have instances of {} but no section without one: {}",
                family.section,
                names()
            ),
        )
        .with_hint("name an instance, such as --instance NAME"));
    };
    let exact = sections
        .iter()
        .find(|(instance, _)| instance.name.as_deref() == Some(wanted));
    if let Some(found) = exact {
        return Ok(Some(found.clone()));
    }
    let similar: Vec<_> = sections
        .iter()
        .filter(|(instance, _)| {
            instance
                .name
                .as_deref()
                .is_some_and(|name| name.eq_ignore_ascii_case(wanted))
        })
        .collect();
    match similar.as_slice() {
        [found] => Ok(Some((*found).clone())),
        // MSTICPy's name for the section without an instance.
        [] if wanted.eq_ignore_ascii_case("Default") && base(&sections).is_some() => {
            Ok(base(&sections))
        }
        [] => {
            let known = names();
            let known = if wanted.contains([',', ';']) {
                "each instance has an option of its own: --instance A --instance B; \
                 --all-instances asks all"
                    .to_owned()
            } else if known.is_empty() {
                "the settings have none".to_owned()
            } else {
                format!("known instances are {known}")
            };
            Err(Error::new(
                ErrorKind::Config,
                format!(
                    "the settings have no section {}-{}",
                    family.section,
                    shape::shown(wanted)
                ),
            )
            .with_hint(known))
        }
        _ => Err(Error::new(
            ErrorKind::Config,
            format!(
                "more than one instance of {} is called '{}' in some case: {}",
                family.section,
                shape::shown(wanted),
                names()
            ),
        )
        .with_hint("write it exactly as one of them")),
    }
}

/// The section below a provider's that was meant as its `Args`, such as `Arg` or `Arguments`.
pub(crate) fn misspelt_args<'a>(section: &Place<'a>) -> Option<Place<'a>> {
    if section.find("Args").is_some() {
        return None;
    }
    let mut entries = section.entries();
    let found = entries.find(|(name, place)| {
        let is_close = nearest(name, ["Args"]).is_some()
            || ["arguments", "argument", "arg", "parameters", "settings"]
                .contains(&folded(name).as_str());
        is_close && ConnectionKey::find(name).is_none() && matches!(place.node.kind, Kind::Map(_))
    });
    found.map(|(_, place)| place)
}

/// Reads the values of a section; what is wrong with them goes to `findings`.
pub(crate) fn read(
    section: &Place<'_>,
    paths: Paths<'_>,
    findings: &mut Vec<Finding>,
) -> ConnectionArgs {
    let mut args = ConnectionArgs::default();
    let place = section.find("Args").unwrap_or_else(|| section.clone());
    if !matches!(place.node.kind, Kind::Map(_) | Kind::Null) {
        findings.push(crate::placement::not_a_section(
            &place,
            "is not a mapping of keys",
        ));
        return args;
    }
    if let Some(meant) = misspelt_args(section) {
        let finding = Finding::error(meant.path(), meant.line(), "unknown setting, not used");
        findings.push(finding.with_hint("did you mean Args?"));
    }
    let mut seen: BTreeMap<ConnectionKey, &Node> = BTreeMap::new();
    for (name, entry) in place.entries() {
        let Some(key) = ConnectionKey::find(name) else {
            continue;
        };
        if let Some(before) = seen.insert(key, entry.node) {
            if before != entry.node {
                findings.push(
                    Finding::error(
                        entry.path(),
                        entry.line(),
                        format!("{key} is given twice, in two spellings and with two values"),
                    )
                    .with_hint("leave one of them out"),
                );
            }
            continue;
        }
        let origin = match &entry.node.variable {
            Some(variable) => Origin::Variable(variable.clone()),
            None => Origin::Setting {
                path: entry.path(),
                line: entry.line(),
            },
        };
        match secret::read(&entry) {
            Ok(Value::Empty) => {}
            Ok(Value::Reference(reference)) => args.set_reference(key, reference, origin),
            Ok(Value::Text(text)) => match Setting::read(key, text) {
                Ok(setting) => args.take(key, setting, Some(origin)),
                Err(Wrong { what, hint }) => {
                    findings.push(Finding::error(entry.path(), entry.line(), what).with_hint(hint));
                }
            },
            Err(message) => findings.push(Finding::error(entry.path(), entry.line(), message)),
        }
    }
    args.change_paths(|path| paths.expand(path));
    if args.is_ambiguous() {
        let place = section.find("Args").unwrap_or_else(|| section.clone());
        findings.push(
            Finding::warning(
                place.path(),
                place.line(),
                "a user and a client secret are given; the user signs in and the secret is unused",
            )
            .with_hint("set DelegatedAuth to true or false to say which"),
        );
    }
    args
}

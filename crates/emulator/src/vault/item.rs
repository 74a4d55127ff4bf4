//! What a path leads to in a vault.

use http::Method;

use crate::endpoint;
use crate::path::Path;
use crate::request::Place;

/// A vault, and what of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) vault: String,
    pub(crate) item: Item,
}

impl Endpoint {
    /// A vault is the host or, at a loopback address, named in the path.
    pub(crate) fn of(place: Place, host: &str, path: &Path) -> Option<Self> {
        let (vault, start) = match (place, path.words().as_slice()) {
            (Place::Host(row), _) => (row.vault(host)?, 0),
            (Place::Direct(_), ["vaults", _, ..]) => (path.part(1), 2),
            (Place::Direct(_), _) => return None,
        };
        let item = item(&path.parts(start));
        Some(Self { vault, item })
    }
}

impl endpoint::Endpoint for Endpoint {
    fn methods(&self) -> &'static [Method] {
        self.item.methods()
    }
}

/// What a vault keeps things under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collection {
    Secrets,
    Certificates,
    Keys,
}

impl Collection {
    /// The part of a path.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Secrets => "secrets",
            Self::Certificates => "certificates",
            Self::Keys => "keys",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Secrets, Self::Certificates, Self::Keys]
            .into_iter()
            .find(|collection| collection.name().eq_ignore_ascii_case(name))
    }
}

/// What of a vault a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// One thing, in its current version when none is named.
    One {
        collection: Collection,
        name: String,
        version: Option<String>,
    },
    /// A list of things, or of the versions of the one that is named.
    List {
        collection: Collection,
        name: Option<String>,
    },
    /// The policy of a certificate.
    Policy { name: String },
    /// What was deleted: one thing, or all.
    Deleted {
        collection: Collection,
        name: Option<String>,
    },
    /// A deleted thing that is to come back.
    Recover {
        collection: Collection,
        name: String,
    },
    /// Nothing.
    Nothing,
}

impl Item {
    /// The methods that are taken for it.
    pub(super) fn methods(&self) -> &'static [Method] {
        match self {
            Self::One {
                collection,
                version,
                ..
            } => match (collection, version) {
                (Collection::Secrets, None) => {
                    &[Method::GET, Method::PUT, Method::PATCH, Method::DELETE]
                }
                (Collection::Certificates, None) => &[Method::GET, Method::PATCH, Method::DELETE],
                (Collection::Keys, _) => &[Method::GET],
                (_, Some(_)) => &[Method::GET, Method::PATCH],
            },
            Self::Policy { .. } => &[Method::GET, Method::PATCH],
            Self::Deleted { name: Some(_), .. } => &[Method::GET, Method::DELETE],
            Self::Recover { .. } => &[Method::POST],
            _ => &[Method::GET],
        }
    }

    /// What it is a part of.
    pub(super) fn collection(&self) -> Option<Collection> {
        match self {
            Self::One { collection, .. }
            | Self::List { collection, .. }
            | Self::Deleted { collection, .. }
            | Self::Recover { collection, .. } => Some(*collection),
            Self::Policy { .. } => Some(Collection::Certificates),
            Self::Nothing => None,
        }
    }

    /// The name in it, if it is about one thing.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::One { name, .. } | Self::Policy { name } | Self::Recover { name, .. } => {
                Some(name)
            }
            Self::Deleted { name, .. } => name.as_deref(),
            Self::List { .. } | Self::Nothing => None,
        }
    }
}

/// What the parts of a path mean.
fn item(segments: &[&str]) -> Item {
    let Some((first, rest)) = segments.split_first() else {
        return Item::Nothing;
    };
    let name = rest.first().map(|name| (*name).to_owned());
    let deleted = first
        .get(..7)
        .filter(|start| start.eq_ignore_ascii_case("deleted"))
        .and_then(|_| Collection::named(first.get(7..)?));
    if let Some(collection) = deleted {
        return match (name, rest) {
            (name, [] | [_]) => Item::Deleted { collection, name },
            (Some(name), [_, recover]) if recover.eq_ignore_ascii_case("recover") => {
                Item::Recover { collection, name }
            }
            _ => Item::Nothing,
        };
    }
    let Some(collection) = Collection::named(first) else {
        return Item::Nothing;
    };
    match (name, rest) {
        (name @ None, _) => Item::List { collection, name },
        (name, [_, versions]) if versions.eq_ignore_ascii_case("versions") => {
            Item::List { collection, name }
        }
        (Some(name), [_, policy])
            if collection == Collection::Certificates && policy.eq_ignore_ascii_case("policy") =>
        {
            Item::Policy { name }
        }
        (Some(name), [_] | [_, _]) => Item::One {
            collection,
            name,
            version: rest.get(1).map(|version| (*version).to_owned()),
        },
        _ => Item::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::Host;
    use crate::request::Scheme;

    #[test]
    fn a_vaults_paths_are_its_own_or_below_its_name() {
        let secret = Endpoint {
            vault: "contoso".to_owned(),
            item: Item::One {
                collection: Collection::Secrets,
                name: "n".to_owned(),
                version: None,
            },
        };
        let of = |place, host, path| Endpoint::of(place, host, &Path::parse(path));
        let host = "Contoso.vault.azure.cn";
        let place = Place::Host(Host::named(host).unwrap());
        assert_eq!(of(place, host, "/secrets/n/").as_ref(), Some(&secret));
        let direct = |path| of(Place::Direct(Scheme::Http), "127.0.0.1", path);
        assert_eq!(direct("/vaults/contoso/secrets/n"), Some(secret));
        assert_eq!(direct("/secrets/n"), None, "no vault is named");
    }
}

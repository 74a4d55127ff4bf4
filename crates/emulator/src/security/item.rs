//! What a path leads to among the collections: rows, one of them, what belongs to it, or a count.

use std::collections::BTreeMap;

use super::collection::Collection;
use crate::endpoint::Endpoint;
use crate::hosts::Api;
use crate::path::{self, Path};
use crate::request::Place;

/// Rows of a collection, or how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(super) rows: Rows,
    /// The rest of the path is `$count`.
    pub(super) count: bool,
}

/// Which rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rows {
    /// A whole collection.
    All(Collection),
    /// The one of this identifier.
    One(Collection, String),
    /// What belongs to the row of this identifier.
    Related {
        of: Collection,
        id: String,
        what: Related,
    },
    /// `machines/findbyip(…)`, with its parameters.
    FindByIp(BTreeMap<String, String>),
    /// `machines/findbytag`, whose parameters stand in the query.
    FindByTag,
}

/// What belongs to an alert, an incident or a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Related {
    /// The alerts of a machine or an incident.
    Alerts,
    /// The one device of an alert.
    Machine,
    /// The one user of an alert.
    User,
    Files,
    Ips,
    Domains,
    /// Who has signed in to a machine.
    LogonUsers,
}

impl Item {
    pub(crate) fn of(path: &Path, place: Place) -> Option<Self> {
        let item = match path.words().as_slice() {
            ["api", "v1.0", "alerts" | "machines", ..] => endpoint_item(path, 2),
            ["api", "alerts" | "machines", ..] => endpoint_item(path, 1),
            ["v1.0" | "beta", "security", "alerts_v2" | "incidents", ..] => graph_item(path),
            _ => None,
        };
        item.filter(|item| place.has(|host| host.has_defender(item.collection().api())))
    }

    /// What the rows are.
    pub(super) fn collection(&self) -> Collection {
        match &self.rows {
            Rows::All(collection) | Rows::One(collection, _) => *collection,
            Rows::Related { of, what, .. } => match (of, what) {
                (Collection::Incidents, _) => Collection::AlertsV2,
                (_, Related::Alerts) => Collection::Alerts,
                (_, Related::Machine) => Collection::Machines,
                (_, Related::User | Related::LogonUsers) => Collection::Users,
                (_, Related::Files) => Collection::Files,
                (_, Related::Ips) => Collection::Ips,
                (_, Related::Domains) => Collection::Domains,
            },
            Rows::FindByIp(_) | Rows::FindByTag => Collection::Machines,
        }
    }

    /// Whether the answer is one row and not a list of rows.
    pub(super) fn is_single(&self) -> bool {
        matches!(
            self.rows,
            Rows::One(..)
                | Rows::Related {
                    what: Related::Machine | Related::User,
                    ..
                }
        )
    }
}

impl Endpoint for Item {
    fn api(&self) -> Option<Api> {
        Some(self.collection().api())
    }
}

/// What a path of Graph leads to, below `security`.
fn graph_item(path: &Path) -> Option<Item> {
    let words = path.words();
    let collection = match *words.get(2)? {
        "alerts_v2" => Collection::AlertsV2,
        "incidents" => Collection::Incidents,
        _ => return None,
    };
    let of_one = |what| Rows::Related {
        of: collection,
        id: path.part(3),
        what,
    };
    let (rest, count) = without_count(words.get(3..)?);
    let rows = match (collection, rest) {
        (_, []) => Rows::All(collection),
        (_, [_]) => Rows::One(collection, path.part(3)),
        (Collection::Incidents, [_, "alerts"]) => of_one(Related::Alerts),
        _ => return None,
    };
    counted(rows, count)
}

/// What a path of Defender for Endpoint leads to, whose collection is the part at `start`.
fn endpoint_item(path: &Path, start: usize) -> Option<Item> {
    let words = path.words();
    let collection = match *words.get(start)? {
        "alerts" => Collection::Alerts,
        "machines" => Collection::Machines,
        _ => return None,
    };
    let id = path.part(start + 1);
    let (rest, count) = without_count(words.get(start + 1..)?);
    let rows = match (collection, rest) {
        (_, []) => Rows::All(collection),
        (Collection::Machines, [name]) if is_export(name) => return None,
        (Collection::Machines, ["findbytag"]) => Rows::FindByTag,
        (Collection::Machines, [name]) if name.starts_with("findbyip(") => {
            Rows::FindByIp(path::function(&id)?.1)
        }
        (_, [_]) => Rows::One(collection, id),
        (_, [_, what]) => Rows::Related {
            of: collection,
            id,
            what: related(collection, what)?,
        },
        _ => return None,
    };
    counted(rows, count)
}

/// Whether this part below `machines`, in small letters, is one of the exports of vulnerability
/// management, which are documented and not emulated.
///
/// Source: <https://learn.microsoft.com/defender-endpoint/api/get-assessment-methods-properties>
pub(crate) fn is_export(name: &str) -> bool {
    name.ends_with("bymachine") || name.ends_with("export")
}

/// One row is not counted.
fn counted(rows: Rows, count: bool) -> Option<Item> {
    let item = Item { rows, count };
    (!(item.count && item.is_single())).then_some(item)
}

fn without_count<'w>(words: &'w [&'w str]) -> (&'w [&'w str], bool) {
    match words {
        [rest @ .., "$count"] => (rest, true),
        rest => (rest, false),
    }
}

/// What of a row of Defender for Endpoint this is.
fn related(of: Collection, name: &str) -> Option<Related> {
    match (of, name) {
        (Collection::Machines, "alerts") => Some(Related::Alerts),
        (Collection::Machines, "logonusers") => Some(Related::LogonUsers),
        (Collection::Alerts, "machine") => Some(Related::Machine),
        (Collection::Alerts, "user") => Some(Related::User),
        (Collection::Alerts, "files") => Some(Related::Files),
        (Collection::Alerts, "ips") => Some(Related::Ips),
        (Collection::Alerts, "domains") => Some(Related::Domains),
        _ => None,
    }
}

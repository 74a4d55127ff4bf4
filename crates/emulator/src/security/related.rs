//! What belongs to an alert or a machine of Defender for Endpoint, and machines found otherwise
//! than by their identifier.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::collection::Collection;
use super::item::Item;
use super::item::{Related, Rows};
use super::story::{Alert, alerts, documents, endpoint_alert, graph_alert, ordered};
use super::tables::{Fields, Tables, filled, list, moment, text};
use crate::api::Refused;
use crate::request::Asked;
use crate::ticks::{self, DAY, SECOND};

/// Who signed in where, and how.
const LOGONS: &str = "DeviceLogonEvents | where ActionType == 'LogonSuccess' \
                      | summarize FirstSeen = min(Timestamp), LastSeen = max(Timestamp), \
                      LogonTypes = make_set(LogonType), Logons = count() \
                      by DeviceId, AccountDomain, AccountName, AccountSid";

/// How far from the time that is asked for a machine may have had an address.
const AROUND: i64 = 15 * 60 * SECOND;

/// The rows that `item` means, the newest first; a row that is not there is an error.
pub(super) async fn found(
    tables: Tables<'_>,
    item: &Item,
    asked: &Asked,
    expanded: bool,
) -> Result<Vec<Map<String, Value>>, Refused> {
    match &item.rows {
        Rows::All(collection) => Ok(documents(tables, *collection, expanded).await),
        Rows::One(collection, id) => {
            let mut all = documents(tables, *collection, expanded).await;
            let place = all
                .iter()
                .position(|row| is_called(*collection, row, id))
                .ok_or_else(|| missing(*collection, id))?;
            Ok(vec![all.swap_remove(place)])
        }
        Rows::Related { of, id, what } => related(tables, *of, id, *what, expanded).await,
        Rows::FindByIp(parameters) => by_address(tables, parameters).await,
        Rows::FindByTag => by_tag(tables, asked).await,
    }
}

/// Whether `id` names the row: a machine answers to its computer's name too.
///
/// Source: <https://learn.microsoft.com/defender-endpoint/api/get-machine-by-id>
fn is_called(collection: Collection, row: &Map<String, Value>, id: &str) -> bool {
    row["id"] == *id
        || (collection == Collection::Machines
            && row["computerDnsName"]
                .as_str()
                .is_some_and(|name| !name.is_empty() && name.eq_ignore_ascii_case(id)))
}

fn missing(collection: Collection, id: &str) -> Refused {
    Refused::new(
        StatusCode::NOT_FOUND,
        "ResourceNotFound",
        format!("{} {id} was not found", collection.metadata()),
    )
}

async fn related(
    tables: Tables<'_>,
    of: Collection,
    id: &str,
    what: Related,
    expanded: bool,
) -> Result<Vec<Map<String, Value>>, Refused> {
    if of == Collection::Machines {
        let all = documents(tables, of, false).await;
        let machine = all
            .iter()
            .find(|row| is_called(of, row, id))
            .and_then(|row| row["id"].as_str())
            .ok_or_else(|| missing(of, id))?;
        if what == Related::LogonUsers {
            return Ok(logon_users(tables, machine).await);
        }
        let all = alerts(tables).await;
        let own = all.iter().filter(|alert| alert.is_of_endpoint());
        let own = own.filter(|alert| {
            let mut evidence = alert.evidence.iter();
            evidence.any(|row| text(row, "DeviceId") == machine)
        });
        let documents = own.map(|alert| endpoint_alert(alert, tables.tenant, expanded));
        return Ok(ordered(Collection::Alerts, documents.collect()));
    }
    let all = alerts(tables).await;
    if of == Collection::Incidents {
        let own = all
            .iter()
            .filter(|alert| alert.incident.to_string() == id)
            .map(|alert| graph_alert(alert, tables.tenant));
        let own = ordered(Collection::AlertsV2, own.collect());
        return if own.is_empty() {
            Err(missing(of, id))
        } else {
            Ok(own)
        };
    }
    let alert = all
        .iter()
        .find(|alert| alert.is_of_endpoint() && text(&alert.info, "AlertId") == id)
        .ok_or_else(|| missing(of, id))?;
    match what {
        Related::Machine => {
            let device = alert.first("DeviceId").unwrap_or_default();
            let machines = documents(tables, Collection::Machines, false).await;
            let machine = machines.into_iter().find(|row| row["id"] == *device);
            Ok(vec![machine.ok_or_else(|| {
                missing(Collection::Machines, "of the alert")
            })?])
        }
        Related::User => {
            let user = user(tables, alert).await;
            Ok(vec![user.ok_or_else(|| {
                missing(Collection::Users, "of the alert")
            })?])
        }
        Related::Files => Ok(files(alert)),
        Related::Ips => Ok(distinct(alert, "RemoteIP", "id", |address| address)),
        Related::Domains => Ok(distinct(alert, "RemoteUrl", "host", host)),
        Related::Alerts | Related::LogonUsers => Ok(Vec::new()),
    }
}

/// Source: <https://learn.microsoft.com/defender-endpoint/api/get-machine-log-on-users>
async fn logon_users(tables: Tables<'_>, machine: &str) -> Vec<Map<String, Value>> {
    let logons = tables.rows(LOGONS).await;
    let own = logons
        .iter()
        .filter(|row| text(row, "DeviceId") == machine)
        .map(|row| logon_user(&[row]));
    ordered(Collection::Users, own.collect())
}

/// A user by the rows of [`LOGONS`] about it, of which there is at least one.
fn logon_user(rows: &[&Fields]) -> Value {
    let times = |name: &'static str| {
        let texts = rows.iter().map(move |row| text(row, name));
        texts.filter_map(ticks::parse)
    };
    let types: BTreeSet<String> = rows
        .iter()
        .flat_map(|row| match list(row, "LogonTypes") {
            Value::Array(types) => types,
            _ => Vec::new(),
        })
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let first = rows.first().copied();
    let named = |name| first.map_or("", |row| text(row, name));
    let only_network = types.iter().all(|name| name == "Network");
    json!({
        "id": format!("{}\\{}", named("AccountDomain"), named("AccountName")),
        "accountName": named("AccountName"),
        "accountDomain": named("AccountDomain"),
        "accountSid": first.map(|row| filled(row, "AccountSid")),
        "firstSeen": times("FirstSeen").min().map(moment),
        "lastSeen": times("LastSeen").max().map(moment),
        "logonTypes": types.into_iter().collect::<Vec<_>>().join(", "),
        "isDomainAdmin": false,
        "isOnlyNetworkUser": only_network,
    })
}

/// The user of an alert, with where it signs in.
///
/// Source: <https://learn.microsoft.com/defender-endpoint/api/get-alert-related-user-info>
async fn user(tables: Tables<'_>, alert: &Alert) -> Option<Map<String, Value>> {
    let row = alert
        .evidence
        .iter()
        .find(|row| !text(row, "AccountName").is_empty())?;
    let (name, domain) = (text(row, "AccountName"), text(row, "AccountDomain"));
    let logons = tables.rows(LOGONS).await;
    let mut own: Vec<&Fields> = logons
        .iter()
        .filter(|logon| {
            text(logon, "AccountName").eq_ignore_ascii_case(name)
                && text(logon, "AccountDomain").eq_ignore_ascii_case(domain)
        })
        .collect();
    own.sort_by_key(|row| row.get("Logons").and_then(Value::as_i64));
    let machine = |row: Option<&&Fields>| row.map(|row| filled(row, "DeviceId"));
    let mut user = logon_user(&own);
    user["id"] = format!("{domain}\\{name}").into();
    user["accountName"] = name.into();
    user["accountDomain"] = domain.into();
    user["accountSid"] = filled(row, "AccountSid");
    user["mostPrevalentMachineId"] = machine(own.last()).into();
    user["leastPrevalentMachineId"] = machine(own.first()).into();
    user["logOnMachinesCount"] = own.len().into();
    match user {
        Value::Object(user) => Some(user),
        _ => None,
    }
}

/// The files of an alert, each once; what the alert's tables do not say is null.
///
/// Source: <https://learn.microsoft.com/defender-endpoint/api/get-alert-related-files-info>
fn files(alert: &Alert) -> Vec<Map<String, Value>> {
    let mut seen = BTreeSet::new();
    let mut files = Vec::new();
    for row in &alert.evidence {
        let (sha1, sha256) = (text(row, "SHA1"), text(row, "SHA256"));
        if (sha1.is_empty() && sha256.is_empty()) || !seen.insert((sha1, sha256)) {
            continue;
        }
        let file = json!({
            "sha1": filled(row, "SHA1"),
            "sha256": filled(row, "SHA256"),
            "md5": null,
            "globalPrevalence": null,
            "globalFirstObserved": null,
            "globalLastObserved": null,
            "size": row.get("FileSize"),
            "fileType": null,
            "isPeFile": null,
            "filePublisher": null,
            "fileProductName": null,
            "signer": null,
            "issuer": null,
            "signerHash": null,
            "isValidCertificate": null,
            "determinationType": "Unknown",
            "determinationValue": null,
        });
        if let Value::Object(file) = file {
            files.push(file);
        }
    }
    files
}

/// What `read` makes of a column of the evidence, each once, as rows of one property.
///
/// Sources: <https://learn.microsoft.com/defender-endpoint/api/get-alert-related-ip-info>,
/// <https://learn.microsoft.com/defender-endpoint/api/get-alert-related-domain-info>
fn distinct(
    alert: &Alert,
    column: &str,
    property: &str,
    read: impl for<'t> Fn(&'t str) -> &'t str,
) -> Vec<Map<String, Value>> {
    let mut seen = BTreeSet::new();
    alert
        .evidence
        .iter()
        .map(|row| read(text(row, column)))
        .filter(|value| !value.is_empty() && seen.insert(*value))
        .map(|value| Map::from_iter([(property.to_owned(), value.into())]))
        .collect()
}

/// The host of an address, which may stand without its scheme.
fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = authority.rsplit('@').next().unwrap_or_default();
    name.split(':').next().unwrap_or_default()
}

/// Machines that had an internal address around a time.
///
/// Source: <https://learn.microsoft.com/defender-endpoint/api/find-machines-by-ip>
async fn by_address(
    tables: Tables<'_>,
    parameters: &BTreeMap<String, String>,
) -> Result<Vec<Map<String, Value>>, Refused> {
    let required = |name: &str| parameters.get(name).ok_or_else(|| missing_parameter(name));
    let (ip, timestamp) = (required("ip")?, required("timestamp")?);
    if ip.parse::<std::net::IpAddr>().is_err() {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            "InvalidIpAddress",
            format!("'{ip}' is not an IP address"),
        ));
    }
    let now = ticks::from_system_time(tables.now());
    let time = ticks::parse(timestamp)
        .filter(|time| (now.saturating_sub(30 * DAY)..=now).contains(time))
        .ok_or_else(|| {
            Refused::new(
                StatusCode::BAD_REQUEST,
                "InvalidInput",
                format!("the timestamp '{timestamp}' is not in the past 30 days"),
            )
        })?;
    let within = format!(
        "where Timestamp between (datetime({}) .. datetime({}))",
        moment(time.saturating_sub(AROUND)),
        moment(time.saturating_add(AROUND))
    );
    let adapters = format!("DeviceNetworkInfo | {within} | project DeviceId, IPAddresses");
    let connections = format!("DeviceNetworkEvents | {within} | distinct DeviceId, LocalIP");
    let mut devices = BTreeSet::new();
    for row in tables.rows(&adapters).await {
        let addresses = list(&row, "IPAddresses");
        let mut addresses = addresses.as_array().into_iter().flatten();
        if addresses.any(|address| address["IPAddress"] == **ip) {
            devices.insert(text(&row, "DeviceId").to_owned());
        }
    }
    for row in tables.rows(&connections).await {
        if text(&row, "LocalIP") == ip {
            devices.insert(text(&row, "DeviceId").to_owned());
        }
    }
    let mut machines = documents(tables, Collection::Machines, false).await;
    machines.retain(|row| row["id"].as_str().is_some_and(|id| devices.contains(id)));
    Ok(machines)
}

/// Machines that carry a tag, or one that begins so.
///
/// Source: <https://learn.microsoft.com/defender-endpoint/api/find-machines-by-tag>
async fn by_tag(tables: Tables<'_>, asked: &Asked) -> Result<Vec<Map<String, Value>>, Refused> {
    let query = asked.uri.query().unwrap_or_default();
    let parameter = |wanted: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.into_owned())
    };
    let tag = parameter("tag")
        .filter(|tag| !tag.is_empty())
        .ok_or_else(|| missing_parameter("tag"))?;
    let begins = match parameter("useStartsWithFilter").as_deref() {
        None => false,
        Some(value) if value.eq_ignore_ascii_case("true") => true,
        Some(value) if value.eq_ignore_ascii_case("false") => false,
        Some(value) => {
            return Err(Refused::new(
                StatusCode::BAD_REQUEST,
                "InvalidInput",
                format!("'{value}' is neither true nor false"),
            ));
        }
    };
    let fits = |own: &str| own == tag || (begins && own.starts_with(&tag));
    let mut machines = documents(tables, Collection::Machines, false).await;
    machines.retain(|row| {
        let mut tags = row["machineTags"].as_array().into_iter().flatten();
        tags.any(|own| own.as_str().is_some_and(fits))
    });
    Ok(machines)
}

fn missing_parameter(name: &str) -> Refused {
    Refused::new(
        StatusCode::BAD_REQUEST,
        "MissingRequiredParameter",
        format!("the parameter '{name}' is missing"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_in_whatever_stands_in_the_column() {
        for (address, expected) in [
            ("https://a.example/x?y", "a.example"),
            ("a.example", "a.example"),
            ("http://user@a.example:8080", "a.example"),
            ("", ""),
        ] {
            assert_eq!(host(address), expected, "{address}");
        }
    }
}

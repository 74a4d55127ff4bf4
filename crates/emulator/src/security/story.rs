//! Alerts, the incidents that they belong to, and machines, as each API tells them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::collection::Collection;
use super::enumeration;
use super::tables::{Fields, Tables, filled, list, text};
use crate::ticks;

/// An alert of the same device or account within this time joins the incident.
const TOGETHER: i64 = 3 * ticks::DAY;
/// The first incident's number.
const FIRST: usize = 1001;

/// One alert with what belongs to it.
pub(super) struct Alert {
    pub(super) info: Fields,
    pub(super) evidence: Vec<Fields>,
    pub(super) incident: usize,
}

impl Alert {
    /// Whether Defender for Endpoint knows it.
    pub(super) fn is_of_endpoint(&self) -> bool {
        text(&self.info, "ServiceSource") == "Microsoft Defender for Endpoint"
    }

    /// What the evidence says first under this name.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        let mut values = self.evidence.iter().map(|row| text(row, name));
        values.find(|value| !value.is_empty())
    }
}

/// Every row of a collection, in the API's own properties; the newest first.
pub(super) async fn documents(
    tables: Tables<'_>,
    collection: Collection,
    expanded: bool,
) -> Vec<Map<String, Value>> {
    let documents: Vec<Value> = match collection {
        Collection::Machines => {
            let latest = "DeviceInfo | summarize FirstSeen = min(Timestamp), \
                          arg_max(Timestamp, *) by DeviceId";
            tables.rows(latest).await.iter().map(machine).collect()
        }
        Collection::AlertsV2 => alerts(tables)
            .await
            .iter()
            .map(|alert| graph_alert(alert, tables.tenant))
            .collect(),
        Collection::Alerts => alerts(tables)
            .await
            .iter()
            .filter(|alert| alert.is_of_endpoint())
            .map(|alert| endpoint_alert(alert, tables.tenant, expanded))
            .collect(),
        Collection::Incidents => incidents(&alerts(tables).await, tables.tenant, expanded),
        // There are none by themselves.
        Collection::Users | Collection::Files | Collection::Ips | Collection::Domains => Vec::new(),
    };
    ordered(collection, documents)
}

/// Rows of a collection, the newest first.
pub(super) fn ordered(
    collection: Collection,
    mut documents: Vec<Value>,
) -> Vec<Map<String, Value>> {
    let time = collection.time();
    let at = |document: &Value| document[time].as_str().and_then(ticks::parse);
    documents.sort_by_key(|document| std::cmp::Reverse(at(document)));
    documents
        .into_iter()
        .filter_map(|document| match document {
            Value::Object(document) => Some(document),
            _ => None,
        })
        .collect()
}

/// Alerts in the order of time, each with the number of its incident.
pub(super) async fn alerts(tables: Tables<'_>) -> Vec<Alert> {
    let mut evidence: BTreeMap<String, Vec<Fields>> = BTreeMap::new();
    for row in tables.rows("AlertEvidence").await {
        evidence
            .entry(text(&row, "AlertId").to_owned())
            .or_default()
            .push(row);
    }
    let mut infos = tables.rows("AlertInfo").await;
    let at = |row: &Fields| ticks::parse(text(row, "Timestamp")).unwrap_or_default();
    infos.sort_by_key(|row| (at(row), text(row, "AlertId").to_owned()));
    // Who was met last, when, and in which incident.
    let mut met: BTreeMap<String, (i64, usize)> = BTreeMap::new();
    let mut next = FIRST;
    let mut alerts = Vec::with_capacity(infos.len());
    for info in infos {
        let evidence = evidence.remove(text(&info, "AlertId")).unwrap_or_default();
        let now = at(&info);
        let names: BTreeSet<String> = evidence
            .iter()
            .flat_map(|row| ["DeviceId", "AccountObjectId"].map(|name| text(row, name).to_owned()))
            .filter(|name| !name.is_empty())
            .collect();
        let known = names
            .iter()
            .filter_map(|name| met.get(name))
            .find(|(time, _)| now - time <= TOGETHER)
            .map(|(_, incident)| *incident);
        let incident = known.unwrap_or_else(|| {
            next += 1;
            next - 1
        });
        for name in names {
            met.insert(name, (now, incident));
        }
        alerts.push(Alert {
            info,
            evidence,
            incident,
        });
    }
    alerts
}

fn web_url(kind: &str, id: &str, tenant: &str) -> String {
    format!("https://security.microsoft.com/{kind}/{id}?tid={tenant}")
}

/// Source: <https://learn.microsoft.com/graph/api/resources/security-alert>
pub(super) fn graph_alert(alert: &Alert, tenant: &str) -> Value {
    let info = &alert.info;
    let id = text(info, "AlertId");
    let incident = alert.incident.to_string();
    let time = filled(info, "Timestamp");
    let evidence: Vec<Value> = alert
        .evidence
        .iter()
        .map(|row| graph_evidence(row, &time))
        .collect();
    json!({
        "id": id,
        "providerAlertId": id,
        "incidentId": incident,
        "status": "new",
        "severity": text(info, "Severity").to_lowercase(),
        "classification": null,
        "determination": null,
        "serviceSource": enumeration::service(text(info, "ServiceSource")),
        "detectionSource": enumeration::detector(text(info, "DetectionSource")),
        "productName": text(info, "ServiceSource"),
        "detectorId": null,
        "tenantId": tenant,
        "title": text(info, "Title"),
        "description": text(info, "Title"),
        "recommendedActions": "",
        "category": text(info, "Category"),
        "assignedTo": null,
        "alertWebUrl": web_url("alerts", id, tenant),
        "incidentWebUrl": web_url("incidents", &incident, tenant),
        "actorDisplayName": null,
        "threatDisplayName": null,
        "threatFamilyName": null,
        "mitreTechniques": techniques(info),
        "createdDateTime": time,
        "lastUpdateDateTime": time,
        "resolvedDateTime": null,
        "firstActivityDateTime": time,
        "lastActivityDateTime": time,
        "systemTags": [],
        "comments": [],
        "evidence": evidence,
    })
}

/// The techniques' numbers: `T1059.001` of `PowerShell (T1059.001)`.
fn techniques(info: &Fields) -> Value {
    let list = list(info, "AttackTechniques");
    let names = list.as_array().into_iter().flatten();
    names
        .filter_map(Value::as_str)
        .map(|name| match name.rsplit_once('(') {
            Some((_, number)) => number.trim_end_matches(')').to_owned(),
            None => name.to_owned(),
        })
        .collect()
}

/// Source: <https://learn.microsoft.com/graph/api/resources/security-alertevidence>
fn graph_evidence(row: &Fields, time: &Value) -> Value {
    let account = || {
        json!({
            "accountName": filled(row, "AccountName"),
            "domainName": filled(row, "AccountDomain"),
            "userSid": filled(row, "AccountSid"),
            "azureAdUserId": filled(row, "AccountObjectId"),
            "userPrincipalName": filled(row, "AccountUpn"),
        })
    };
    let file = || {
        json!({
            "sha1": filled(row, "SHA1"),
            "sha256": filled(row, "SHA256"),
            "fileName": filled(row, "FileName"),
            "filePath": filled(row, "FolderPath"),
            "fileSize": row.get("FileSize"),
        })
    };
    let device = filled(row, "DeviceId");
    let (kind, more) = match text(row, "EntityType") {
        "Machine" => (
            "device",
            json!({"mdeDeviceId": device, "deviceDnsName": filled(row, "DeviceName")}),
        ),
        "User" => ("user", json!({"userAccount": account()})),
        "Process" => (
            "process",
            json!({
                "mdeDeviceId": device,
                "processCommandLine": filled(row, "ProcessCommandLine"),
                "imageFile": file(),
                "userAccount": account(),
            }),
        ),
        "File" => (
            "file",
            json!({"mdeDeviceId": device, "fileDetails": file()}),
        ),
        "Ip" => ("ip", json!({"ipAddress": filled(row, "RemoteIP")})),
        "Url" => ("url", json!({"url": filled(row, "RemoteUrl")})),
        "MailMessage" => (
            "analyzedMessage",
            json!({
                "networkMessageId": filled(row, "NetworkMessageId"),
                "subject": filled(row, "EmailSubject"),
                "recipientEmailAddress": filled(row, "AccountUpn"),
            }),
        ),
        "OAuthApplication" => (
            "oauthApplication",
            json!({
                "appId": filled(row, "OAuthApplicationId"),
                "displayName": filled(row, "Application"),
            }),
        ),
        "Mailbox" => (
            "mailbox",
            json!({
                "primaryAddress": filled(row, "AccountUpn"),
                "upn": filled(row, "AccountUpn"),
                "userAccount": account(),
            }),
        ),
        "RegistryValue" => (
            "registryValue",
            json!({
                "mdeDeviceId": device,
                "registryKey": filled(row, "RegistryKey"),
                "registryValueName": filled(row, "RegistryValueName"),
                "registryValue": filled(row, "RegistryValueData"),
            }),
        ),
        _ => ("alert", json!({})),
    };
    let mut evidence = json!({
        "@odata.type": format!("#microsoft.graph.security.{kind}Evidence"),
        "createdDateTime": time,
        "verdict": "unknown",
        "remediationStatus": "none",
        "remediationStatusDetails": null,
        "roles": [],
        "detailedRoles": [],
        "tags": [],
    });
    if let (Value::Object(evidence), Value::Object(more)) = (&mut evidence, more) {
        evidence.extend(more);
    }
    evidence
}

/// Source: <https://learn.microsoft.com/defender-endpoint/api/alerts>
pub(super) fn endpoint_alert(alert: &Alert, tenant: &str, expanded: bool) -> Value {
    let info = &alert.info;
    let first = |name: &str| alert.first(name).map_or(Value::Null, Value::from);
    let time = filled(info, "Timestamp");
    let user = first("AccountName");
    let mut document = json!({
        "id": text(info, "AlertId"),
        "incidentId": alert.incident,
        "investigationId": null,
        "assignedTo": null,
        "severity": text(info, "Severity"),
        "status": "New",
        "classification": null,
        "determination": null,
        "investigationState": "UnsupportedAlertType",
        "detectionSource": text(info, "DetectionSource").replace(' ', ""),
        "detectorId": null,
        "category": text(info, "Category"),
        "threatFamilyName": null,
        "title": text(info, "Title"),
        "description": text(info, "Title"),
        "alertCreationTime": time,
        "firstEventTime": time,
        "lastEventTime": time,
        "lastUpdateTime": time,
        "resolvedTime": null,
        "machineId": first("DeviceId"),
        "computerDnsName": first("DeviceName"),
        "rbacGroupName": null,
        "aadTenantId": tenant,
        "threatName": null,
        "mitreTechniques": techniques(info),
        "relatedUser": if user.is_null() { Value::Null } else {
            json!({"userName": user, "domainName": first("AccountDomain")})
        },
        "loggedOnUsers": [],
        "comments": [],
        "evidence": [],
    });
    if expanded {
        document["evidence"] = alert
            .evidence
            .iter()
            .map(|row| {
                json!({
                    "entityType": text(row, "EntityType"),
                    "evidenceCreationTime": time,
                    "sha1": filled(row, "SHA1"),
                    "sha256": filled(row, "SHA256"),
                    "fileName": filled(row, "FileName"),
                    "filePath": filled(row, "FolderPath"),
                    "processCommandLine": filled(row, "ProcessCommandLine"),
                    "ipAddress": filled(row, "RemoteIP"),
                    "url": filled(row, "RemoteUrl"),
                    "accountName": filled(row, "AccountName"),
                    "domainName": filled(row, "AccountDomain"),
                    "userSid": filled(row, "AccountSid"),
                    "aadUserId": filled(row, "AccountObjectId"),
                    "userPrincipalName": filled(row, "AccountUpn"),
                })
            })
            .collect();
    }
    document
}

/// Source: <https://learn.microsoft.com/graph/api/resources/security-incident>
fn incidents(alerts: &[Alert], tenant: &str, expanded: bool) -> Vec<Value> {
    let mut groups: BTreeMap<usize, Vec<&Alert>> = BTreeMap::new();
    for alert in alerts {
        groups.entry(alert.incident).or_default().push(alert);
    }
    let weight = |alert: &&&Alert| match text(&alert.info, "Severity") {
        "High" => 3,
        "Medium" => 2,
        "Low" => 1,
        _ => 0,
    };
    groups
        .into_iter()
        .filter_map(|(number, alerts)| {
            let (first, last) = (alerts.first()?, alerts.last()?);
            let worst = alerts.iter().max_by_key(weight)?;
            let title = text(&worst.info, "Title");
            let name = match alerts.len() {
                1 => title.to_owned(),
                count => format!("{title} and {} more", count - 1),
            };
            let id = number.to_string();
            let mut document = json!({
                "id": id,
                "tenantId": tenant,
                "status": "active",
                "incidentWebUrl": web_url("incidents", &id, tenant),
                "redirectIncidentId": null,
                "displayName": name,
                "createdDateTime": filled(&first.info, "Timestamp"),
                "lastUpdateDateTime": filled(&last.info, "Timestamp"),
                "assignedTo": null,
                "classification": "unknown",
                "determination": "unknown",
                "severity": text(&worst.info, "Severity").to_lowercase(),
                "customTags": [],
                "systemTags": [],
                "description": null,
                "lastModifiedBy": null,
                "resolvingComment": null,
                "summary": null,
                "comments": [],
            });
            if expanded {
                document["alerts"] = alerts
                    .iter()
                    .map(|alert| graph_alert(alert, tenant))
                    .collect();
            }
            Some(document)
        })
        .collect()
}

/// Source: <https://learn.microsoft.com/defender-endpoint/api/machine>
fn machine(row: &Fields) -> Value {
    json!({
        "id": text(row, "DeviceId"),
        "computerDnsName": text(row, "DeviceName"),
        "firstSeen": filled(row, "FirstSeen"),
        "lastSeen": filled(row, "Timestamp"),
        "osPlatform": text(row, "OSPlatform"),
        "osProcessor": "x64",
        "version": filled(row, "OSVersionInfo"),
        "osBuild": row.get("OSBuild"),
        "lastIpAddress": null,
        "lastExternalIpAddress": filled(row, "PublicIP"),
        "healthStatus": "Active",
        "onboardingStatus": filled(row, "OnboardingStatus"),
        "deviceValue": "Normal",
        "riskScore": "None",
        "exposureLevel": filled(row, "ExposureLevel"),
        "rbacGroupId": 0,
        "rbacGroupName": filled(row, "MachineGroup"),
        "isAadJoined": row.get("IsAzureADJoined"),
        "aadDeviceId": filled(row, "AadDeviceId"),
        "machineTags": match text(row, "RegistryDeviceTag") {
            "" => json!([]),
            tag => json!([tag]),
        },
        "ipAddresses": [],
    })
}

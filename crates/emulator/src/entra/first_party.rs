//! Microsoft's own public clients, which every tenant has without registering them.
//!
//! Source: <https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in>

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::resource::Resource;
use crate::hosts::{Api, Cloud};
use crate::options::Tenant;
use crate::registration::{Application, RedirectUri};

/// "Microsoft Graph Command Line Tools", what `Connect-MgGraph` signs in with.
const GRAPH_TOOLS: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";

/// The other clients: identifier and name.
///
/// Their permissions are fixed: Microsoft has authorized them for its APIs in advance, and no
/// consent adds to that. Which those are is documented for none of them; that the APIs of Defender
/// are not among them is an inference.
const CLIENTS: &[(&str, &str)] = &[
    (
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "Microsoft Azure CLI",
    ),
    (
        "1950a258-227b-4e31-a9cf-717495945fc2",
        "Microsoft Azure PowerShell",
    ),
    ("872cd9fa-d31f-45e0-9eab-6e460a02d1f1", "Visual Studio"),
    ("aebc6443-996d-45c2-90f0-388ff96faa56", "Visual Studio Code"),
];

/// What those may do in Graph: what Azure CLI's tokens say.
const PREAUTHORIZED: [&str; 4] = [
    "AuditLog.Read.All",
    "Directory.AccessAsUser.All",
    "Group.ReadWrite.All",
    "User.ReadWrite.All",
];

/// Adds them to a tenant; one that is described in it stays as it is described.
pub(super) fn add_to(tenant: &mut Tenant) {
    let mut own: Vec<Application> = CLIENTS
        .iter()
        .map(|(client_id, name)| {
            let scopes = PREAUTHORIZED.map(str::to_owned).to_vec();
            client(
                client_id,
                name,
                BTreeMap::from([(Api::Graph, scopes)]),
                tenant.cloud,
            )
        })
        .collect();
    // Its permissions are asked for when it is used; those that hunting needs were granted.
    let hunting = Application::new(GRAPH_TOOLS, SecretString::default()).scopes;
    let hunting = hunting.into_iter().filter(|(api, _)| *api == Api::Graph);
    own.push(client(
        GRAPH_TOOLS,
        "Microsoft Graph Command Line Tools",
        hunting.collect(),
        tenant.cloud,
    ));
    own.retain(|client| tenant.application(&client.client_id).is_none());
    tenant.applications.extend(own);
}

fn client(
    client_id: &str,
    name: &str,
    scopes: BTreeMap<Api, Vec<String>>,
    cloud: Cloud,
) -> Application {
    let native = format!("https://{}/common/oauth2/nativeclient", cloud.login());
    Application {
        name: name.to_owned(),
        secrets: Vec::new(),
        redirect_uris: vec![
            RedirectUri::native("http://localhost"),
            RedirectUri::native(native),
        ],
        roles: BTreeMap::new(),
        scopes,
        exposes: Vec::new(),
        ..Application::new(client_id, SecretString::default())
    }
}

/// Whether `application` may ever have `permissions` at `resource`: what Microsoft has not
/// authorized one of its clients for, nobody can consent to.
pub(super) fn may_have(
    application: &Application,
    resource: &Resource,
    permissions: &[String],
) -> bool {
    let id = application.client_id.to_ascii_lowercase();
    let graph = resource.apis.contains(&Api::Graph);
    if id == GRAPH_TOOLS {
        return graph || resource.is_own();
    }
    if !CLIENTS.iter().any(|(known, _)| *known == id) || resource.is_own() {
        return true;
    }
    if resource.vault {
        return true;
    }
    let scopes = application.scopes.get(&Api::Graph);
    graph
        && permissions.iter().all(|wanted| {
            wanted == ".default"
                || scopes
                    .into_iter()
                    .flatten()
                    .any(|name| name.eq_ignore_ascii_case(wanted))
        })
}

//! Which delegated permissions there are at a resource.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::first_party;
use super::refusal::Refusal;
use super::resource::{Resource, resource, resource_name};
use super::scope::Scope;
use crate::hosts::Api;
use crate::options::Tenant;
use crate::registration::Application;
use crate::request::Asked;

/// The names of every API, in lower case.
fn documented() -> &'static BTreeSet<(Api, String)> {
    static NAMES: OnceLock<BTreeSet<(Api, String)>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names = BTreeSet::new();
        let mut api = None;
        for line in include_str!("permissions.txt").lines() {
            match line {
                "@graph" => api = Some(Api::Graph),
                "@mde" => api = Some(Api::Mde),
                "@m365d" => api = Some(Api::M365d),
                line if line.starts_with('#') => {}
                line => names.extend(
                    line.split_whitespace()
                        .filter_map(|name| Some((api?, name.to_ascii_lowercase()))),
                ),
            }
        }
        names
    })
}

/// Checks that every resource in `scope` is there, that it has the permissions that are asked
/// for, and that the application may ever have them.
pub(super) fn check_scope(
    asked: &Asked,
    tenant: &Tenant,
    application: &Application,
    scope: &Scope,
) -> Result<(), Refusal> {
    for part in std::iter::once(scope).chain(&scope.others) {
        let resource = resource(asked, tenant, &resource_name(tenant, part))?;
        let unknown = part
            .permissions
            .iter()
            .find(|name| *name != ".default" && !exists(tenant, &resource, name));
        if let Some(name) = unknown {
            return Err(Refusal::scope_unknown(application, name, &resource.id()));
        }
        if !first_party::may_have(application, &resource, &part.permissions) {
            return Err(Refusal::preauthorization(application, &resource.id()));
        }
    }
    Ok(())
}
/// Whether the resource has a permission of this name; Entra ID does not regard its case.
fn exists(tenant: &Tenant, resource: &Resource, name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let registered = |api: &Api| {
        tenant
            .applications
            .iter()
            .filter_map(|application| application.scopes.get(api))
            .flatten()
            .any(|known| known.eq_ignore_ascii_case(name))
    };
    resource
        .apis
        .iter()
        .any(|api| documented().contains(&(*api, lower.clone())) || registered(api))
        || (resource.vault && lower == "user_impersonation")
        || resource
            .exposed
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_api_has_its_own() {
        let has = |api, name: &str| documented().contains(&(api, name.to_owned()));
        assert!(has(Api::Graph, "threathunting.read.all"));
        assert!(has(Api::Graph, "user.read"));
        assert!(has(Api::Mde, "advancedquery.read"));
        assert!(has(Api::M365d, "advancedhunting.read"));
        assert!(!has(Api::Graph, "advancedquery.read"));
        assert!(!has(Api::Mde, "threathunting.read.all"));
        assert!(documented().len() > 700);
    }
}

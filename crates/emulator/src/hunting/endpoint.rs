//! Where queries are run.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Map, Value};

use crate::endpoint::{self, GET, POST};
use crate::hosts::Api;
use crate::path::{self, Path};
use crate::request::Place;

/// An API's endpoint for queries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(super) api: Api,
    /// The parameters of Graph's function, which stand in the path.
    pub(super) parameters: Option<BTreeMap<String, String>>,
}

impl Endpoint {
    /// The one of `api` whose query stands in the body.
    pub(crate) fn action(api: Api) -> Self {
        Self {
            api,
            parameters: None,
        }
    }

    /// Microsoft 365 Defender's is not documented below `/api/v1.0`.
    pub(crate) fn of(path: &Path, place: Place) -> Option<Self> {
        let has = |api| place.has(|host| host.has_defender(api));
        match path.words().as_slice() {
            ["api", "advancedqueries", "run"] | ["api", "v1.0", "advancedqueries", "run"]
                if has(Api::Mde) =>
            {
                Some(Self::action(Api::Mde))
            }
            ["api", "advancedhunting", "run"] if has(Api::M365d) => Some(Self::action(Api::M365d)),
            // OData allows actions and functions with their namespace too.
            [version @ ("v1.0" | "beta"), "security", action] if has(Api::Graph) => {
                let name = action
                    .strip_prefix("microsoft.graph.security.")
                    .unwrap_or(action);
                if name == "runhuntingquery" {
                    return Some(Self::action(Api::Graph));
                }
                let sent = path.part(2);
                let (name, parameters) = path::function(sent.get(action.len() - name.len()..)?)?;
                // Version 1.0 does not have this function.
                (name == "getrunhuntingquery" && *version == "beta").then_some(Self {
                    api: Api::Graph,
                    parameters: Some(parameters),
                })
            }
            _ => None,
        }
    }

    /// The query of a request, before it is checked.
    pub(crate) fn query(&self, body: &[u8]) -> Option<String> {
        if let Some(parameters) = &self.parameters {
            return parameters.get("query").cloned();
        }
        let body: Map<String, Value> = serde_json::from_slice(body).ok()?;
        let (_, query) = body
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("query"))?;
        query.as_str().map(str::to_owned)
    }
}

impl endpoint::Endpoint for Endpoint {
    fn methods(&self) -> &'static [Method] {
        match self.parameters {
            Some(_) => GET,
            None => POST,
        }
    }

    fn api(&self) -> Option<Api> {
        Some(self.api)
    }
}

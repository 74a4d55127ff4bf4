//! What Graph has besides hunting and lists: batches of requests, and who a user is.

mod batch;
mod user_info;

use bytes::Bytes;
use http::{Method, Response};

pub(crate) use batch::Within;

use crate::endpoint::{self, GET_OR_POST, POST};
use crate::entra::Directory;
use crate::hosts::{Api, Host};
use crate::path::Path;
use crate::request::{Asked, Place};

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// Several requests in one.
    Batch,
    /// Who the user of a token is.
    UserInfo,
}

impl Endpoint {
    /// Version 1 has user information at the authority.
    pub(crate) fn of(path: &Path, place: Place) -> Option<Self> {
        let graph = |host: &Host| host.apis.contains(&Api::Graph);
        match path.words().as_slice() {
            ["v1.0" | "beta", "$batch"] if place.has(graph) => Some(Self::Batch),
            ["oidc", "userinfo"] | [_, "openid", "userinfo"]
                if place.has(|host| graph(host) || host.login) =>
            {
                Some(Self::UserInfo)
            }
            _ => None,
        }
    }
}

impl endpoint::Endpoint for Endpoint {
    fn methods(&self) -> &'static [Method] {
        match self {
            Self::Batch => POST,
            Self::UserInfo => GET_OR_POST,
        }
    }

    fn api(&self) -> Option<Api> {
        Some(Api::Graph)
    }
}

/// Answers a request to Graph; those of a batch go through `router`.
pub(crate) async fn answer(
    endpoint: Endpoint,
    directory: &Directory,
    router: &dyn Within,
    asked: &Asked,
) -> Response<Bytes> {
    match endpoint {
        Endpoint::Batch => batch::answer(directory, router, asked).await,
        Endpoint::UserInfo => user_info::answer(directory, asked),
    }
}

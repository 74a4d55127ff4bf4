//! What the router knows of an endpoint before a service answers there.

use http::Method;

use crate::hosts::Api;

pub(crate) const GET: &[Method] = &[Method::GET];
pub(crate) const POST: &[Method] = &[Method::POST];
pub(crate) const GET_OR_POST: &[Method] = &[Method::GET, Method::POST];

/// An endpoint of a service, as its path names it.
pub(crate) trait Endpoint {
    /// The methods that it takes.
    fn methods(&self) -> &'static [Method] {
        GET
    }

    /// The API that answers, and whose errors a refusal has.
    fn api(&self) -> Option<Api> {
        None
    }

    /// The tenant in the path of a sign-in, or what stands for all tenants.
    fn authority(&self) -> Option<&str> {
        None
    }
}

//! Entra ID: authorities, grants, tokens.

mod admin_consent;
mod assertion;
mod authorization_code;
mod authorize;
mod client_credentials;
mod device_code;
mod directory;
mod documents;
mod endpoint;
mod first_party;
mod form;
mod grant;
mod jwt;
mod managed_identity;
mod on_behalf_of;
mod page;
mod password;
mod permissions;
mod proof;
mod redirect;
mod refresh_token;
mod refusal;
mod resource;
mod scope;
mod session;
mod state;
mod token;
mod user_token;
mod wish;

pub(crate) use directory::Directory;
pub(crate) use endpoint::Endpoint;
pub(crate) use jwt::{Claims, TokenFault};

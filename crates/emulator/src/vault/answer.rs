//! The vault's side of an exchange: challenge, token, permission, secret.

use bytes::Bytes;
use http::{Response, StatusCode};

use super::content;
use super::item::{Collection, Endpoint, Item};
use super::operation::Operation;
use super::refused::{Refused, dressed};
use super::vaults::Vaults;
use crate::entra::Claims;
use crate::hosts;
use crate::options::{Tenant, Vault, VaultAccess};
use crate::reply;
use crate::request::{Asked, Place};

/// The versions of the API that are known.
const API_VERSIONS: [&str; 11] = [
    "2015-06-01",
    "2016-10-01",
    "7.0",
    "7.1",
    "7.2",
    "7.3",
    "7.4",
    "7.5",
    "7.6",
    "2025-07-01",
    "2026-04-01",
];

impl Vaults {
    pub(crate) fn answer(&self, endpoint: &Endpoint, asked: &Asked) -> Response<Bytes> {
        let name = &endpoint.vault;
        let Some((tenant, vault)) = self.find(name, asked.place.cloud()) else {
            return reply::text(
                StatusCode::NOT_FOUND,
                &format!("the emulator has no vault {name}"),
            );
        };
        let found = self
            .authorize(asked, tenant)
            .and_then(|claims| self.serve(asked, tenant, vault, &endpoint.item, &claims));
        match found {
            Ok(response) => response,
            Err(refused) => {
                let mut response = refused.response(asked);
                if refused.status == StatusCode::UNAUTHORIZED {
                    reply::set(
                        &mut response,
                        "www-authenticate",
                        &challenge(asked, tenant, vault),
                    );
                }
                response
            }
        }
    }

    /// Checks signature, audience, issuer and lifetime, in this order.
    ///
    /// The words for a token that is missing, made out to another audience or by another issuer are
    /// Key Vault's; those for a broken or an expired one are not documented.
    fn authorize(&self, asked: &Asked, tenant: &Tenant) -> Result<Claims, Refused> {
        let token = asked.bearer().ok_or_else(|| {
            Refused::unauthorized("AKV10000: Request is missing a Bearer or PoP token.")
        })?;
        let claims = self
            .directory
            .verified(token, Some(tenant.cloud))
            .map_err(|_| {
                Refused::unauthorized("[BearerReadAccessTokenFailed] Error validating token.")
            })?;
        let expected = match asked.place {
            Place::Host(host) => format!("https://{}", host.name),
            Place::Direct(_) => asked.origin.clone(),
        };
        let audience = claims.aud.trim_end_matches('/');
        // One address stands for the vaults of every cloud there.
        let fits = audience.eq_ignore_ascii_case(&expected)
            || hosts::vault_resource(audience)
                .is_some_and(|cloud| cloud.is_none_or(|cloud| cloud == tenant.cloud));
        if !fits {
            return Err(Refused::unauthorized(format!(
                "AKV10022: Invalid audience. Expected {expected}, found: {}.",
                claims.aud
            )));
        }
        let issuer = format!("{}/{}/", tenant.cloud.issuer(), tenant.id);
        if claims.iss != issuer {
            return Err(Refused::unauthorized(format!(
                "AKV10032: Invalid issuer. Expected one of {issuer}, found {}.",
                claims.iss
            )));
        }
        let now = self.directory.site.unix_seconds();
        if now < claims.nbf || now >= claims.exp {
            return Err(Refused::unauthorized(
                "[TokenExpired] Error validating token.",
            ));
        }
        Ok(claims)
    }

    /// Whether the caller may, and what there is.
    fn serve(
        &self,
        asked: &Asked,
        tenant: &Tenant,
        vault: &Vault,
        item: &Item,
        claims: &Claims,
    ) -> Result<Response<Bytes>, Refused> {
        require_version(asked)?;
        if vault.closed {
            return Err(Refused::forbidden(
                "ForbiddenByFirewall",
                format!(
                    "Client address is not authorized and caller is not a trusted service.\r\n\
                 Client address: 127.0.0.1\r\nCaller: {}\r\nVault: {};location=westeurope",
                    caller(claims),
                    vault.name
                ),
            ));
        }
        let home = content::Home {
            vault,
            cloud: tenant.cloud,
            base: match asked.place {
                Place::Host(_) => asked.origin.clone(),
                Place::Direct(_) => format!("{}/vaults/{}", asked.origin, vault.name),
            },
            shelves: &self.shelves,
            now: self.directory.site.now(),
        };
        let (Some(collection), Some(operation)) =
            (item.collection(), Operation::of(item, &asked.method))
        else {
            return Err(Refused::bad_parameter(format!(
                "Method {} does not allow operation '{}'",
                asked.method,
                asked.uri.path().rsplit('/').next().unwrap_or_default()
            )));
        };
        let may = |known: &[String]| known.iter().any(|known| is_caller(known, claims));
        if !may(operation.permitted(vault)) {
            let below = item
                .name()
                .map(|name| format!("/{}/{name}", collection.name()))
                .unwrap_or_default();
            return Err(not_permitted(vault, claims, collection, operation, &below));
        }
        if let Some(name) = item.name() {
            content::check_name(name)?;
        }
        let body = match item {
            Item::List { name, .. } => home.list(asked, collection, name.as_deref())?,
            Item::Deleted { name: None, .. } => home.list_deleted(asked, collection)?,
            Item::Deleted {
                name: Some(name), ..
            } if operation == Operation::Purge => {
                home.purge(collection, name)?;
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::NO_CONTENT;
                return Ok(dressed(response, asked));
            }
            Item::Deleted {
                name: Some(name), ..
            } => home.deleted(collection, name)?,
            Item::Recover { name, .. } => home.recover(collection, name)?,
            Item::Policy { name } if operation == Operation::Update => {
                home.update_policy(name, &asked.body)?
            }
            Item::Policy { name } => home.policy(name)?,
            Item::One { name, version, .. } => {
                let version = version.as_deref();
                match operation {
                    Operation::Set => home.set(name, &asked.body)?,
                    Operation::Update => home.update(collection, name, version, &asked.body)?,
                    Operation::Delete => home.delete(collection, name)?,
                    _ => home.get(collection, name, version)?,
                }
            }
            Item::Nothing => return Err(Refused::bad_parameter("nothing is there")),
        };
        Ok(dressed(reply::json(StatusCode::OK, &body), asked))
    }
}

/// What a vault says it wants.
///
/// Source: <https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses>
fn challenge(asked: &Asked, tenant: &Tenant, vault: &Vault) -> String {
    let (authority, resource) = match asked.place {
        Place::Host(host) => (
            format!("https://{}", host.cloud.login()),
            format!("https://{}", host.name),
        ),
        Place::Direct(_) => (asked.origin.clone(), asked.origin.clone()),
    };
    let resource = vault.challenge_resource.clone().unwrap_or(resource);
    format!(
        "Bearer authorization=\"{authority}/{}\", resource=\"{resource}\"",
        tenant.id
    )
}

/// Whether an entry of a vault's readers or writers is whoever shows these claims.
fn is_caller(known: &str, claims: &Claims) -> bool {
    let own = if claims.idtyp == "app" {
        [&claims.appid, &claims.oid]
    } else {
        [&claims.upn, &claims.oid]
    };
    own.iter()
        .any(|name| !name.is_empty() && known.eq_ignore_ascii_case(name))
}

fn require_version(asked: &Asked) -> Result<(), Refused> {
    let query = asked.uri.query().unwrap_or_default();
    let Some((_, version)) = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name.eq_ignore_ascii_case("api-version"))
    else {
        return Err(Refused::bad_parameter("api-version must be specified"));
    };
    let released = version
        .split_once("-preview")
        .map_or(&*version, |(front, _)| front);
    if API_VERSIONS.contains(&released) {
        return Ok(());
    }
    Err(Refused::bad_parameter(format!(
        "The specified version ({version}) is not recognized. Consider using the latest \
         supported version ({}).",
        API_VERSIONS[API_VERSIONS.len() - 1]
    )))
}

fn caller(claims: &Claims) -> String {
    if claims.idtyp == "app" {
        format!("appid={};iss={}", claims.appid, claims.iss)
    } else {
        format!(
            "name={};appid={};oid={};iss={}",
            claims.unique_name, claims.appid, claims.oid, claims.iss
        )
    }
}

fn not_permitted(
    vault: &Vault,
    claims: &Claims,
    collection: Collection,
    operation: Operation,
    below: &str,
) -> Refused {
    let caller = caller(claims);
    let things = collection.name();
    match vault.access {
        VaultAccess::Policies => Refused::forbidden(
            "ForbiddenByPolicy",
            format!(
                "The user, group or application '{caller}' does not have {things} {} \
                 permission on key vault '{};location=westeurope'. For help resolving this \
                 issue, please see https://go.microsoft.com/fwlink/?linkid=2125287",
                operation.policy(),
                vault.name
            ),
        ),
        VaultAccess::Roles => {
            let action = format!("Microsoft.KeyVault/vaults/{}", operation.action(collection));
            Refused::forbidden(
                "ForbiddenByRbac",
                format!(
                    "Caller is not authorized to perform action on resource.\r\nIf role \
                     assignments, deny assignments or role definitions were changed recently, \
                     please observe propagation time.\r\nCaller: {caller}\r\nAction: '{action}'\r\n\
                     Resource: '{}{below}'\r\nAssignment: (not found)\r\n\
                     DenyAssignmentId: null\r\nDecisionReason: null \r\n\
                     Vault: {};location=westeurope\r\n",
                    vault.name, vault.name
                ),
            )
        }
    }
}

//! The error numbers of Entra ID that this crate has advice for.
//!
//! Source: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>

use defender_core::ErrorKind::{self, Credential, Permission, Service, Throttled};

/// What an error number means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) kind: ErrorKind,
    /// What to do next.
    pub(crate) hint: &'static str,
}

/// What is known of `AADSTS<number>`.
pub(crate) fn known(number: u64) -> Option<Known> {
    let position = TABLE.binary_search_by_key(&number, |(number, ..)| *number);
    let (_, kind, hint) = TABLE[position.ok()?];
    Some(Known { kind, hint })
}

const SIGN_IN_AGAIN: &str = "sign in again";
const WAIT: &str = "wait, then try again";

/// Sorted by number.
const TABLE: [(u64, ErrorKind, &str); 90] = [
    (
        50011,
        Credential,
        "register http://localhost as a redirect address of kind 'Mobile and desktop applications'",
    ),
    (
        50012,
        Credential,
        "register this certificate with the application, and check that it is still there",
    ),
    (
        50013,
        Credential,
        "sign in with a new assertion: this one is damaged, old or not for this authority",
    ),
    (
        50020,
        Credential,
        "sign in with an account of this tenant, or ask an administrator to invite this one",
    ),
    (
        50027,
        Credential,
        "check the assertion: it is damaged, or not meant for this authority",
    ),
    (50034, Credential, "check the user name and the tenant"),
    (
        50048,
        Credential,
        "check client_id: the assertion was made for another application",
    ),
    (
        50053,
        Credential,
        "wait, or ask an administrator: the account or this address is blocked",
    ),
    (
        50055,
        Credential,
        "the user's password has expired: change it first",
    ),
    (
        50057,
        Credential,
        "the user account is disabled: ask an administrator",
    ),
    (50059, Credential, "give tenant_id"),
    (
        50072,
        Credential,
        "sign in with the browser: multi-factor authentication must be set up first",
    ),
    (
        50074,
        Credential,
        "sign in with the browser: multi-factor authentication is needed",
    ),
    (
        50076,
        Credential,
        "sign in with the browser: multi-factor authentication is needed",
    ),
    (
        50078,
        Credential,
        "sign in with the browser: multi-factor authentication is needed again",
    ),
    (
        50079,
        Credential,
        "sign in with the browser: multi-factor authentication must be set up first",
    ),
    (50089, Credential, SIGN_IN_AGAIN),
    (
        50097,
        Credential,
        "sign in with the browser on a device that the organisation knows",
    ),
    (
        50105,
        Permission,
        "ask an administrator to assign this user to the application",
    ),
    (50126, Credential, "check the user name and the password"),
    (
        50128,
        Credential,
        "check tenant_id (an id or a verified domain)",
    ),
    (
        50131,
        Credential,
        "a conditional access policy blocks this sign-in: ask an administrator which one",
    ),
    (50132, Credential, SIGN_IN_AGAIN),
    (50133, Credential, SIGN_IN_AGAIN),
    (50147, Credential, "begin the sign-in again"),
    (
        50158,
        Credential,
        "sign in with the browser: the organisation asks for more proof",
    ),
    (50173, Credential, SIGN_IN_AGAIN),
    (
        50194,
        Credential,
        "give tenant_id: the application signs in to its own tenant only",
    ),
    (50196, Throttled, WAIT),
    (51004, Credential, "check the user name and the tenant"),
    (
        53000,
        Credential,
        "sign in with the browser on a device that the organisation manages",
    ),
    (
        53001,
        Credential,
        "sign in with the browser on a device that is joined to the domain",
    ),
    (
        53002,
        Credential,
        "a conditional access policy does not allow this application: ask an administrator",
    ),
    (
        53003,
        Credential,
        "a conditional access policy blocks this sign-in: ask an administrator which one",
    ),
    (
        53004,
        Credential,
        "sign in with the browser: multi-factor authentication must be set up first",
    ),
    (
        53011,
        Credential,
        "the user is blocked for risk: ask an administrator",
    ),
    (
        54005,
        Credential,
        "begin the sign-in again: its code was used already",
    ),
    (
        65001,
        Permission,
        "ask an administrator of the tenant to consent to what the application asks for",
    ),
    (
        65004,
        Permission,
        "sign in again and accept what the application asks for",
    ),
    (
        65005,
        Permission,
        "add the API's permission to the application, then consent to it",
    ),
    (70000, Credential, SIGN_IN_AGAIN),
    (
        70001,
        Credential,
        "check client_id, and that the application is not disabled",
    ),
    (70002, Credential, "check the client secret"),
    (70008, Credential, SIGN_IN_AGAIN),
    (
        70011,
        Credential,
        "check the audience and the cloud; a scope is one audience followed by /.default",
    ),
    (70016, Credential, "finish the sign-in in the browser"),
    (
        70018,
        Credential,
        "begin the sign-in again and enter the code as it is shown",
    ),
    (
        70019,
        Credential,
        "begin the sign-in again: its code has expired",
    ),
    (
        70020,
        Credential,
        "begin the sign-in again: its code has expired",
    ),
    (70043, Credential, SIGN_IN_AGAIN),
    (
        90002,
        Credential,
        "check tenant_id (an id or a verified domain) and that the cloud is the tenant's",
    ),
    (90006, Service, WAIT),
    (
        90008,
        Permission,
        "ask an administrator of the tenant to consent to what the application asks for",
    ),
    (90024, Service, WAIT),
    (90033, Service, WAIT),
    (
        90038,
        Credential,
        "the tenant is in another cloud: set `cloud` to it",
    ),
    (90055, Throttled, WAIT),
    (
        90093,
        Permission,
        "ask an administrator of the tenant to consent to what the application asks for",
    ),
    (
        90094,
        Permission,
        "ask an administrator of the tenant to consent to what the application asks for",
    ),
    (
        500_011,
        Credential,
        "the tenant does not know this service: check the cloud and the audience, and that the tenant has the product",
    ),
    (
        500_133,
        Credential,
        "sign in with a new assertion: this one has expired",
    ),
    (
        501_051,
        Permission,
        "ask an administrator to assign the application to a role of the service",
    ),
    (
        501_481,
        Credential,
        "begin the sign-in again: its answer belongs to another sign-in",
    ),
    (
        530_034,
        Credential,
        "the user is blocked for risk: ask an administrator",
    ),
    (
        530_035,
        Credential,
        "sign in with the browser: security defaults block this way",
    ),
    (
        650_052,
        Permission,
        "the tenant does not have this product: check the audience, or ask an administrator to enable it",
    ),
    (
        650_056,
        Permission,
        "add the API's permission to the application, then consent to it",
    ),
    (
        650_057,
        Permission,
        "add the API's permission to the application, then consent to it",
    ),
    (
        700_011,
        Credential,
        "check client_id, tenant_id and cloud: the application must be registered in, or consented to by, this tenant",
    ),
    (
        700_016,
        Credential,
        "check client_id, tenant_id and cloud: the application must be registered in, or consented to by, this tenant",
    ),
    (
        700_021,
        Credential,
        "check client_id: the assertion was made for another application",
    ),
    (
        700_023,
        Credential,
        "check authority and tenant_id: the assertion was made for another address",
    ),
    (
        700_024,
        Credential,
        "set this machine's clock right: the assertion is too old or not valid yet",
    ),
    (
        700_025,
        Credential,
        "the application is a public client: leave out the secret or certificate",
    ),
    (
        700_027,
        Credential,
        "register this certificate with the application, and check that it has not expired",
    ),
    (
        700_030,
        Credential,
        "the certificate's subject is not among those that the application trusts: add it, or register the certificate itself",
    ),
    (700_082, Credential, SIGN_IN_AGAIN),
    (700_084, Credential, SIGN_IN_AGAIN),
    (
        700_211,
        Credential,
        "add a federated credential with this issuer to the application",
    ),
    (
        700_212,
        Credential,
        "correct the audience of the application's federated credential",
    ),
    (
        700_213,
        Credential,
        "correct the subject of the application's federated credential",
    ),
    (
        900_023,
        Credential,
        "check tenant_id: it is an id (a GUID) or a verified domain",
    ),
    (
        900_382,
        Credential,
        "tenant, authority and audience are of different clouds: set `cloud` to the tenant's",
    ),
    (
        900_439,
        Credential,
        "the tenant is in a government cloud: set `cloud` to it",
    ),
    (
        1_002_012,
        Credential,
        "check the audience and the cloud; a scope is one audience followed by /.default",
    ),
    (
        7_000_112,
        Credential,
        "the application is disabled in this tenant: ask an administrator to enable it",
    ),
    (
        7_000_215,
        Credential,
        "give the secret's value, not its id; if it is lost, add a new secret to the application",
    ),
    (
        7_000_218,
        Credential,
        "give a client secret or certificate, or allow public client flows for the application",
    ),
    (
        7_000_222,
        Credential,
        "add a new client secret to the application, or use a certificate",
    ),
    (
        7_000_229,
        Credential,
        "the tenant does not know the application: an administrator must consent to it there",
    ),
];

/// Every number of the table.
#[cfg(test)]
pub(crate) fn numbers() -> impl Iterator<Item = u64> {
    TABLE.iter().map(|(number, ..)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_every_number_is_found() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (number, kind, hint) in TABLE {
            assert_eq!(known(number), Some(Known { kind, hint }));
        }
        assert_eq!(known(1), None);
    }
}

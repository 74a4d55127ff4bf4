//! Secrets from Azure Key Vault, as one [`SecretResolver`](defender_core::SecretResolver) with
//! those that are kept elsewhere.
//!
//! [`VaultSecrets`] fetches a secret when it is used, keeps it, and needs the permission `get`
//! only. It knows the [`Credential`](defender_core::Credential) trait and no credential; in which
//! cloud the vaults are, [`Vaults`] says in plain strings.
//!
//! A token goes to the host of the vault that it was asked for and to no other: what a vault
//! names as its resource is checked against the vault's own host before a token for it is asked.

mod challenge;
mod host_name;
mod location;
mod refusal;
mod vault_secrets;

pub use location::Vaults;
pub use vault_secrets::VaultSecrets;

//! Key Vault: vaults, their secrets, and who may get them.

mod answer;
mod certificate;
mod content;
mod deletion;
mod item;
mod list;
mod operation;
mod refused;
mod shelf;

pub(crate) use answer::answer;
pub(crate) use item::{Collection, Item, item};
pub(crate) use refused::outage;
pub(crate) use shelf::Shelves;

use crate::error::{Error, Result};
use crate::hosts::is_vault_name;
use crate::options::Tenant;

/// Checks that every vault has a name that a host can have, and one of its own.
pub(crate) fn check(tenants: &[Tenant]) -> Result<()> {
    let mut seen = Vec::new();
    for tenant in tenants {
        for vault in &tenant.vaults {
            if !is_vault_name(&vault.name) {
                return Err(Error::Options(format!(
                    "'{}' cannot be a vault: its name has 3 to 24 letters, digits and '-'",
                    vault.name
                )));
            }
            let key = (tenant.cloud, vault.name.to_ascii_lowercase());
            if seen.contains(&key) {
                return Err(Error::Options(format!(
                    "two vaults have the name {}",
                    vault.name
                )));
            }
            seen.push(key);
        }
    }
    Ok(())
}

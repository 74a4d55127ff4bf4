//! All vaults, and what they hold by now.

use std::sync::Arc;

use super::shelf::Shelves;
use crate::entra::Directory;
use crate::error::{Error, Result};
use crate::hosts::{Cloud, is_vault_name};
use crate::options::{Tenant, Vault};

/// The vaults of every tenant, in every cloud.
pub(crate) struct Vaults {
    pub(super) directory: Arc<Directory>,
    pub(super) shelves: Shelves,
    tenants: Vec<Tenant>,
}

impl Vaults {
    /// # Errors
    ///
    /// [`Error::Options`]: a name that a host cannot have, or that two vaults have.
    pub(crate) fn new(tenants: &[Tenant], directory: Arc<Directory>) -> Result<Self> {
        check(tenants)?;
        Ok(Self {
            directory,
            shelves: Shelves::default(),
            tenants: tenants.to_vec(),
        })
    }

    /// The vault of this name in `cloud`, in any cloud when `None`, and the tenant it trusts.
    pub(crate) fn find(&self, name: &str, cloud: Option<Cloud>) -> Option<(&Tenant, &Vault)> {
        self.tenants
            .iter()
            .filter(|tenant| cloud.is_none_or(|cloud| cloud == tenant.cloud))
            .find_map(|tenant| {
                let vault = tenant
                    .vaults
                    .iter()
                    .find(|vault| vault.name.eq_ignore_ascii_case(name))?;
                Some((tenant, vault))
            })
    }
}

/// Checks that every vault has a name that a host can have, and one of its own.
fn check(tenants: &[Tenant]) -> Result<()> {
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

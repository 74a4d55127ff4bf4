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
mod vaults;

pub(crate) use item::Endpoint;
pub(crate) use refused::outage;
pub(crate) use vaults::Vaults;

//! Secrets from Azure Key Vault.

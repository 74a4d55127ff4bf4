//! msticpyconfig.yaml and connection strings, typed; secrets stay references.
//!
//! Loading settings opens no connection and fetches no secret. A value that names a secret stays
//! a [`SecretRef`](defender_core::SecretRef) until it is used.
//!
//! ```
//! use defender_config::{ConnectionString, Settings};
//! use defender_core::DataEnvironment;
//!
//! let settings = Settings::parse(
//!     "DataProviders:
//!        MicrosoftDefender-Contoso:
//!          Args:
//!            TenantId: contoso.com
//!            ClientId: 11111111-2222-3333-4444-555555555555
//!            ClientSecret: {EnvironmentVar: CONTOSO_SECRET}",
//! )?;
//! let file = settings.provider(DataEnvironment::M365dGraph, Some("contoso"))?.args;
//! let call = ConnectionString::parse("tenant_id='fabrikam.com'")?.into_args();
//! let args = file.merge(call);
//! assert_eq!(args.tenant_id().map(|tenant| tenant.get()), Some("fabrikam.com"));
//! args.require_complete()?;
//! # Ok::<(), defender_core::Error>(())
//! ```

mod args;
mod azure;
mod connection_string;
mod describe;
mod document;
mod edit;
mod finding;
mod given;
mod http;
mod key;
mod known;
mod layers;
mod method;
mod node;
mod placeholder;
mod placement;
mod provider;
mod secret;
mod setting;
mod settings;
mod shape;
mod sources;
mod timeout;
mod validate;

pub use args::ConnectionArgs;
pub use azure::{AzureSettings, KeyVaultSettings};
pub use connection_string::ConnectionString;
pub use describe::Described;
pub use edit::{NewValue, with_value};
pub use finding::{Finding, Severity};
pub use given::Given;
pub use http::{Proxies, Proxy, ResolvedProxy};
pub use key::{ConnectionKey, Origin};
pub use method::{AuthType, Method};
pub use placement::setting_path;
pub use provider::{Instance, ProviderArgs};
pub use secret::{EnvironmentSecrets, vault_reference, vault_secret_name};
pub use setting::{AssertionAlgorithm, Setting};
pub use settings::Settings;
pub use shape::is_id;
pub use sources::Sources;
pub use timeout::{Timeouts, timeout};

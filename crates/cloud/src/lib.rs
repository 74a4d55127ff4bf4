//! Where each Microsoft Defender data environment lives in each cloud.
//!
//! Pure data: nothing here opens a connection.
//!
//! ```
//! use defender_cloud::Cloud;
//! use defender_core::DataEnvironment;
//!
//! let cloud: Cloud = "usgov".parse()?;
//! let endpoint = cloud.endpoint(DataEnvironment::M365dGraph)?;
//! assert_eq!(endpoint.url().as_str(), "https://graph.microsoft.us/v1.0/security/runHuntingQuery");
//! assert_eq!(endpoint.authority.as_str(), "https://login.microsoftonline.us/");
//! # Ok::<(), defender_core::Error>(())
//! ```

mod cloud;
mod endpoint;
mod key_vault;
mod root;
mod table;

pub use cloud::Cloud;
pub use endpoint::{Endpoint, Source};
pub use key_vault::KeyVault;
pub use root::{check_api_root, check_root, parse_root};
pub use table::{Row, markdown, table};

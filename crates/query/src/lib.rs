//! Ask Microsoft Defender questions in KQL: from settings to rows.
//!
//! ```no_run
//! use defender_query::{
//!     Connection, DataEnvironment, Options, QueryProvider, Settings, Sources,
//! };
//!
//! # async fn hunt() -> Result<(), Box<dyn std::error::Error>> {
//! // The library reads neither the environment nor the working folder by itself.
//! let options = Options { environment: std::env::vars().collect(), ..Options::default() };
//! let settings = Settings::load(&Sources {
//!     environment: options.environment.clone(),
//!     folder: std::env::current_dir().ok(),
//!     home: std::env::home_dir(),
//!     ..Sources::default()
//! })?;
//! let provider = QueryProvider::with_options(DataEnvironment::M365dGraph, options)
//!     .connect(Connection::from_settings(&settings, None))
//!     .await?;
//! let table = provider
//!     .exec_query("DeviceProcessEvents | where FileName =~ 'powershell.exe' | take 100")
//!     .await?;
//! println!("{} rows, complete: {}", table.row_count(), table.is_complete());
//! for batch in table.batches() {
//!     println!("{:?}", batch.schema());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! 1. [`Settings`] are read from `msticpyconfig.yaml`; loading them opens no connection.
//! 2. A [`Connection`] says which tenant and as whom: from settings, a connection string, or the
//!    call itself. A call's value beats the file's.
//! 3. [`QueryProvider::connect`] signs in and returns a [`ConnectedProvider`], the only thing
//!    that can run a query.
//! 4. [`ConnectedProvider::exec_query`] returns a [`Table`] of Arrow batches, or
//!    [`ConnectedProvider::query`] the same as a stream.
//!
//! # Signing in
//!
//! The connection says how: a secret, a certificate, an assertion, a token, the `AZURE_`
//! variables, the machine's identity, the Azure CLI, or a user; in every environment alike.
//! [`QueryProvider::connect`] gets the first token. Later ones are renewed by themselves before
//! they end or when the service refuses one, with one request for any number of queries.
//! A user is asked through [`Options::prompt`], and only where [`Options::input`] is true;
//! elsewhere whoever is not signed in already is an [`ErrorKind::Credential`].
//! [`QueryProvider::identity`] signs in without a query.
//!
//! # Parts of one's own
//!
//! A [`Driver`], a [`Credential`], a [`Transport`], a [`TokenStore`] and the rest are traits that
//! can be implemented with what is here: the types in their signatures are re-exported, and so are
//! the crates [`async_trait`](mod@async_trait), [`bytes`], [`http`], [`url`], [`secrecy`] and [`arrow`]. The layers
//! below, whole, are in [`layers`].
//!
//! # Files
//!
//! With feature `local`, [`Connection::to_folders`] takes the place of a tenant, and the same
//! KQL runs over files.

#[cfg(feature = "local")]
mod advice;
mod connect;
mod connected;
mod connection;
mod connections;
mod consent;
mod credential;
mod fan_out;
mod identity;
pub mod layers;
mod library;
#[cfg(feature = "local")]
pub mod lint;
#[cfg(feature = "local")]
mod local;
mod prompt;
mod provider;
mod resume;
mod secrets;
mod shared;
#[cfg(feature = "local")]
mod testing;

pub use connected::ConnectedProvider;
pub use connection::{Connection, LocalData};
pub use connections::{ConnectionInfo, Connections};
pub use fan_out::{
    Ask, Failure, FanOut, FanOutOptions, FanOutProgress, Finished, NoProgress, Plainly,
};
pub use identity::Identity;
#[cfg(feature = "local")]
pub use kql_engine::{DateOrder, Reading, panic_is_caught};
#[cfg(feature = "local")]
pub use local::hunting_tables;
pub use provider::{Options, QueryProvider, list_data_environments};
pub use resume::{Begun, Question, ResumeFile};
#[cfg(feature = "local")]
pub use testing::{test_query, unnoticed_filters};

pub use defender_cloud::{Cloud, Endpoint};
pub use defender_config::{
    AuthType, ConnectionArgs, ConnectionKey, ConnectionString, Method, Settings, Sources,
};
pub use defender_core::{
    AccessToken, Body, Clock, Credential, DataEnvironment, Error, ErrorKind, ExposeSecret,
    ManualClock, Result, Scope, SecretRef, SecretResolver, SecretString, TokenId, TokenRequest,
    Transport, moment,
};
pub use defender_core::{async_trait, bytes, http, secrecy, url};
pub use defender_credentials::{
    Account, BrowserPrompt, Claims, DeviceCodePrompt, Kept, KeptToken, MemoryStore, NewTokens,
    Owner, Selection, SignInPrompt, TokenStore, claims,
};
#[cfg(feature = "browser")]
pub use defender_credentials::{Browser, BrowserOptions, NoBrowser, SystemBrowser};
#[cfg(feature = "azure-cli")]
pub use defender_credentials::{CommandOutput, CommandRunner, SystemCommands};
#[cfg(feature = "token-cache")]
pub use defender_credentials::{FileStore, token_cache_path};
pub use defender_drivers::{
    AllRows, Capabilities, Collection, CollectionRequest, Collections, CollectionsDescription,
    Counted, Cursor, Description, Driver, Limits, NoStore, Progress, Query, RowLimit, Slice,
    SliceStore, SplitOptions, Splitting, Unseen, Watch,
};
pub use defender_http::{
    HttpOptions, HttpTransport, Limit, Notice, PaceKey, Pacer, PacerOptions, Pause, ProxySettings,
    Quota, RetryPolicy, Silent, SystemClock, Traced, Usage, Wait, WaitReason,
};
pub use defender_queries as queries;
pub use defender_table::{
    Answer, Cell, Column, ColumnType, Completeness, CsvOptions, DatetimeMode, Event, Format,
    Provenance, Summary, Table, Timespan, Warning, WarningKind, Writer, WriterOptions, arrow,
};

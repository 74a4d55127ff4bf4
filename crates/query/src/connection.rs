//! Which tenant, which section, as whom: everything `connect` is told.

use std::fmt;
use std::path::PathBuf;

use defender_config::{ConnectionArgs, ConnectionKey, ConnectionString, Settings};
use defender_core::{DataEnvironment, Result, WrittenName};

/// A file, or a folder of files, that local queries read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalData {
    /// The file or the folder.
    pub path: PathBuf,
    /// The table that all of its rows belong to; without it, they belong to those that the files
    /// are named after. With it, the format of a file whose name tells none is told by its first
    /// bytes.
    pub table: Option<String>,
    /// What messages call it, where that is not its path.
    pub shown: Option<String>,
}

impl LocalData {
    /// The tables that the files at `path` are named after.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }
}

/// What to connect to, and as whom.
///
/// MSTICPy's forms of `connect` are all here: nothing ([`from_settings`](Self::from_settings)
/// without an instance), an instance, a connection string, and keywords
/// ([`with`](Self::with)), which beat whatever is below them.
///
/// ```
/// use defender_query::{Connection, ConnectionArgs, ConnectionKey};
///
/// let connection = Connection::from_string("tenant_id='contoso.com';client_id='made-up'")?
///     .with(ConnectionArgs::default().with(ConnectionKey::Cloud, "gcc")?);
/// # Ok::<(), defender_query::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Connection {
    pub(crate) settings: Option<Settings>,
    pub(crate) instance: Option<String>,
    pub(crate) base: Option<ConnectionArgs>,
    pub(crate) call: ConnectionArgs,
    /// What the column `Instance` says in place of the section's name.
    pub(crate) called: Option<String>,
    /// What messages call it, where there are several.
    pub(crate) alias: Option<String>,
    pub(crate) data: Vec<LocalData>,
    #[cfg(feature = "local")]
    pub(crate) reading: crate::Reading,
}

/// Names are shown where they are made of words: a secret may stand in the place of one.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |name: &Option<String>| {
            let name = name.as_ref().map(WrittenName::of_words)?;
            Some(name.quoted_or("(not shown)"))
        };
        f.debug_struct("Connection")
            .field("settings", &self.settings)
            .field("instance", &shown(&self.instance))
            .field("base", &self.base)
            .field("call", &self.call)
            .field("called", &shown(&self.called))
            .field("alias", &shown(&self.alias))
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// The section of the provider's environment in `settings`: `MicrosoftDefender`, or
    /// `MicrosoftDefender-<instance>`.
    pub fn from_settings(settings: &Settings, instance: Option<&str>) -> Self {
        Self {
            settings: Some(settings.clone()),
            instance: instance.map(str::to_owned),
            ..Self::default()
        }
    }

    /// A connection string: `tenant_id='…'; client_id='…'; client_secret='…'`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](defender_core::ErrorKind::Config) when it cannot be read; no value
    /// is in the message.
    pub fn from_string(text: &str) -> Result<Self> {
        Ok(Self {
            base: Some(ConnectionString::parse(text)?.into_args()),
            ..Self::default()
        })
    }

    /// Keywords alone.
    pub fn from_args(args: ConnectionArgs) -> Self {
        Self {
            base: Some(args),
            ..Self::default()
        }
    }

    /// Folders of files for the environment `Local`: a table is a file or folder named after it.
    pub fn to_folders(folders: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        Self::to_data(folders.into_iter().map(LocalData::new))
    }

    /// Files and folders for the environment `Local`, which may be given the name of a table.
    pub fn to_data(data: impl IntoIterator<Item = LocalData>) -> Self {
        Self {
            data: data.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Reads the files of [`to_folders`](Self::to_folders) in another way: which of two numbers of
    /// a date is the month, and how large a record may be.
    #[cfg(feature = "local")]
    #[must_use]
    pub fn with_reading(mut self, reading: crate::Reading) -> Self {
        self.reading = reading;
        self
    }

    /// Puts keywords on top.
    #[must_use]
    pub fn with(mut self, args: ConnectionArgs) -> Self {
        self.call = self.call.merge(args);
        self
    }

    /// Names it: the column `Instance` of several connections' rows says `name` in place of the
    /// section's name.
    #[must_use]
    pub fn called(mut self, name: impl Into<String>) -> Self {
        self.called = Some(name.into());
        self
    }

    /// Proxies and timeouts come from these settings, also when a connection string names the
    /// tenant.
    #[must_use]
    pub fn with_network_of(mut self, settings: &Settings) -> Self {
        self.settings.get_or_insert_with(|| settings.clone());
        self
    }

    /// Whether settings, connection string or keywords name a way to sign in; a section that
    /// cannot be read counts as one, so that its error is told where it is used.
    pub fn says_how_to_sign_in(&self, environment: DataEnvironment) -> bool {
        if self.call.method().is_some() {
            return true;
        }
        if let Some(base) = &self.base {
            return base.method().is_some();
        }
        self.settings.as_ref().is_some_and(|settings| {
            match settings.find_provider(environment, self.instance.as_deref()) {
                Ok(found) => found.is_some_and(|found| found.args.method().is_some()),
                Err(_) => !self.call.has(ConnectionKey::ClientId),
            }
        })
    }
}

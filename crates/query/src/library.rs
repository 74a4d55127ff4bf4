//! The query library of a provider: queries by name, and those of one's own.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use defender_core::{Clock, Result};
use defender_drivers::Query;
use defender_queries::{
    CustomQuery, Definition, Filter, Finding, Library, Parameters, Rendered, Search,
};
use defender_table::{Answer, Table};

use crate::{ConnectedProvider, QueryProvider};

/// The queries of a provider, read when they are first asked for.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    library: OnceLock<Arc<Library>>,
    clock: Arc<dyn Clock>,
}

impl Shelf {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            library: OnceLock::new(),
            clock,
        }
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    fn library(&self) -> &Library {
        self.library.get_or_init(|| Arc::new(Library::built_in()))
    }

    fn library_mut(&mut self) -> &mut Library {
        // A connected provider keeps the queries that there were when it was connected.
        let _ = self.library();
        let library = self.library.get_mut();
        Arc::make_mut(library.unwrap_or_else(|| unreachable!("it was just made")))
    }
}

/// The queries that the provider knows: the built-in ones, and those that are added.
///
/// ```
/// use defender_query::queries::{CustomQuery, Parameter, Parameters, Search};
/// use defender_query::{DataEnvironment, QueryProvider};
///
/// let mut provider = QueryProvider::new(DataEnvironment::M365dGraph);
/// provider.add_custom_query(CustomQuery {
///     name: "logons".into(),
///     families: vec!["Mine".into()],
///     text: "DeviceLogonEvents | where DeviceName == {host}".into(),
///     parameters: vec![Parameter { name: "host".into(), ..Parameter::default() }],
///     ..CustomQuery::default()
/// })?;
/// assert_eq!(provider.list_queries(Some("mine.")), ["Mine.logons"]);
/// let rendered = provider.render("logons", &Parameters::from([("host", "srv01")]))?;
/// assert_eq!(rendered.text, r#"DeviceLogonEvents | where DeviceName == "srv01""#);
///
/// let by_technique = Search { technique: vec!["^T1490".into()], ..Search::default() };
/// assert_eq!(provider.search(&by_technique)?, ["Hunting.Impact.shadow_copies_deleted"]);
/// # Ok::<(), defender_query::Error>(())
/// ```
impl QueryProvider {
    /// The whole library; queries of other environments are in it too.
    pub fn library(&self) -> &Library {
        self.shelf.library()
    }

    /// The whole library, to be changed.
    pub fn library_mut(&mut self) -> &mut Library {
        self.shelf.library_mut()
    }

    /// The dotted names of the queries of this environment, those that hold `text` in any case.
    pub fn list_queries(&self, text: Option<&str>) -> Vec<&str> {
        self.library().list_queries(&self.filter(text))
    }

    /// The dotted names of the queries of this environment that `search` finds.
    ///
    /// # Errors
    ///
    /// Those of [`Library::search`].
    pub fn search(&self, search: &Search) -> Result<Vec<&str>> {
        self.library().search(search, &self.filter(None))
    }

    /// What a query asks and takes, in words.
    ///
    /// # Errors
    ///
    /// Those of [`Library::get_query`].
    pub fn query_help(&self, name: &str) -> Result<String> {
        self.library().query_help(name, Some(self.environment))
    }

    /// A query's definition.
    ///
    /// # Errors
    ///
    /// Those of [`Library::get_query`].
    pub fn get_query(&self, name: &str) -> Result<&Definition> {
        self.library().get_query(name, Some(self.environment))
    }

    /// A query's text with these parameters, which nothing is asked for.
    ///
    /// # Errors
    ///
    /// Those of [`Library::render`].
    pub fn render(&self, name: &str, parameters: &Parameters) -> Result<Rendered> {
        let now = self.shelf.clock.now();
        self.library()
            .render(name, Some(self.environment), parameters, now)
    }

    /// Adds the queries of a file in MSTICPy's format; their number, and what is doubtful.
    ///
    /// # Errors
    ///
    /// Those of [`Library::import_query_file`].
    pub fn import_query_file(&mut self, path: &Path) -> Result<(usize, Vec<Finding>)> {
        self.library_mut().import_query_file(path)
    }

    /// Adds the queries of files and folders, such as those of
    /// [`Settings::query_folders`](crate::Settings::query_folders); what is wrong or doubtful.
    pub fn import_query_paths<P: AsRef<Path>>(&mut self, paths: &[P]) -> Vec<Finding> {
        self.library_mut().import(paths)
    }

    /// Adds a query made in code.
    ///
    /// # Errors
    ///
    /// Those of [`Library::add_custom_query`].
    pub fn add_custom_query(&mut self, query: CustomQuery) -> Result<Vec<Finding>> {
        self.library_mut().add_custom_query(query)
    }

    fn filter(&self, text: Option<&str>) -> Filter {
        Filter {
            environment: Some(self.environment),
            substring: text.map(str::to_owned),
            ..Filter::default()
        }
    }
}

impl ConnectedProvider {
    /// The queries that the provider had when it was connected.
    pub fn library(&self) -> &Library {
        self.shelf.library()
    }

    /// Runs the query `name` with these parameters, and returns every row of the answer.
    ///
    /// ```no_run
    /// # async fn f(provider: defender_query::ConnectedProvider) -> defender_query::Result<()> {
    /// use defender_query::queries::Parameters;
    ///
    /// let parameters = Parameters::from([("ip_address", "203.0.113.7"), ("start", "-7d")]);
    /// let table = provider.run_query("M365D.ip_connections", &parameters).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Library::render`], before anything is sent, and of
    /// [`exec_query`](Self::exec_query).
    pub async fn run_query(&self, name: &str, parameters: &Parameters) -> Result<Table> {
        Table::collect(self.query_by_name(name, parameters).await?).await
    }

    /// The same as a stream: batches, then a summary.
    ///
    /// # Errors
    ///
    /// As [`run_query`](Self::run_query).
    pub async fn query_by_name(&self, name: &str, parameters: &Parameters) -> Result<Answer> {
        let (environment, now) = (self.environment(), self.shelf.clock.now());
        let library = self.library();
        let rendered = library.render(name, Some(environment), parameters, now)?;
        self.query(&Query::new(rendered.text)).await
    }
}

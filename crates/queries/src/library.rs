//! The queries of any number of definition files, found by name and rendered.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use defender_core::{DataEnvironment, Error, ErrorKind, Result, nearest, read_bounded, utf8};

use crate::definition::{Definition, Language, Parameter};
use crate::environments::is_for;
use crate::finding::{Finding, Severity};
use crate::folders;
use crate::help::help;
use crate::names::{valid_name, valid_path};
use crate::reading;
use crate::rendering::{self, Rendered};
use crate::search::Search;
use crate::template::Template;
use crate::value::Parameters;

/// The most bytes of a file of definitions.
pub(crate) const LONGEST: u64 = 16 << 20;

/// Query definitions, each under the dotted name `family.query`.
///
/// ```
/// use std::time::SystemTime;
/// use defender_queries::{CustomQuery, Library, Parameter, Parameters};
///
/// let mut library = Library::new();
/// library.add_custom_query(CustomQuery {
///     name: "logons".into(),
///     families: vec!["Mine".into()],
///     text: "DeviceLogonEvents | where DeviceName == {host}".into(),
///     parameters: vec![Parameter { name: "host".into(), ..Parameter::default() }],
///     ..CustomQuery::default()
/// })?;
/// let parameters = Parameters::from([("host", "x\" or true //")]);
/// let rendered = library.render("Mine.logons", None, &parameters, SystemTime::UNIX_EPOCH)?;
/// assert_eq!(rendered.text, r#"DeviceLogonEvents | where DeviceName == "x\" or true //""#);
/// # Ok::<(), defender_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Library {
    entries: Vec<Entry>,
}

/// A definition under one of its families.
#[derive(Clone, Debug)]
struct Entry {
    path: String,
    /// The same name as MSTICPy's attribute.
    valid: String,
    definition: Arc<Definition>,
    /// The environments in which no later definition has replaced it.
    environments: Vec<DataEnvironment>,
}

/// Which queries to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only queries that this environment can run: declared for it or for an environment
    /// [compatible](crate::compatible) with it, and over tables that it has.
    pub environment: Option<DataEnvironment>,
    /// Only queries that name the environment itself.
    pub declared_only: bool,
    /// Only dotted names that hold this text, in any case.
    pub substring: Option<String>,
}

/// A query made in code.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomQuery {
    /// Its name.
    pub name: String,
    /// The families it is found under; `Custom` when there are none.
    pub families: Vec<String>,
    /// What it asks; its name when empty.
    pub description: String,
    /// The environments it is for; every hunting environment when there are none.
    pub environments: Vec<DataEnvironment>,
    /// The template.
    pub text: String,
    /// Its parameters; every name in braces needs one.
    pub parameters: Vec<Parameter>,
}

impl Library {
    /// A library without queries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the definition files of `paths` in their order: of each folder and those below it
    /// every `*.yaml`, then every `*.yml`.
    ///
    /// A file or query that is not valid is left out and reported, and loading goes on. A query
    /// replaces an earlier one of the same name and environment, with a notice.
    pub fn load<P: AsRef<Path>>(paths: &[P]) -> (Self, Vec<Finding>) {
        let mut library = Self::new();
        let findings = library.import(paths);
        (library, findings)
    }

    /// Adds the definition files of `paths`, as [`load`](Self::load) reads them; what is wrong
    /// with them.
    pub fn import<P: AsRef<Path>>(&mut self, paths: &[P]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for path in paths {
            for file in folders::files(path.as_ref(), &mut findings) {
                match self.import_query_file(&file) {
                    Ok((_, found)) => findings.extend(found),
                    Err(error) => {
                        findings.push(Finding::error(error.to_string()).within(Some(&file)));
                    }
                }
            }
        }
        findings
    }

    /// Adds the queries of one file, whatever its environments; the number that were added, and
    /// what is wrong with the file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when the file cannot be read.
    pub fn import_query_file(&mut self, path: &Path) -> Result<(usize, Vec<Finding>)> {
        let bytes = read_bounded(path, LONGEST).map_err(|source| {
            Error::new(ErrorKind::Io, "the file cannot be read").with_source(source)
        })?;
        let text = match utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let finding = Finding::error(error.to_string()).within(Some(path));
                return Ok((0, vec![finding]));
            }
        };
        Ok(self.add_text(&text, Some(path)))
    }

    /// Adds the queries of the text of a definition file; `file` names it in findings.
    pub fn add_text(&mut self, text: &str, file: Option<&Path>) -> (usize, Vec<Finding>) {
        let (definitions, mut findings) = reading::definitions(text);
        let count = definitions.len();
        for mut definition in definitions {
            definition.file = file.map(Path::to_owned);
            findings.extend(self.add(definition));
        }
        let findings = findings
            .into_iter()
            .map(|finding| finding.within(file))
            .collect();
        (count, findings)
    }

    /// Adds a query made in code; a query that it replaces is reported.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the template is not valid or uses a parameter that is not
    /// declared.
    pub fn add_custom_query(&mut self, query: CustomQuery) -> Result<Vec<Finding>> {
        let refused = |message: String| {
            Error::new(
                ErrorKind::Config,
                format!("the query '{}' is not valid: {message}", query.name),
            )
        };
        if query.name.trim().is_empty() || query.text.trim().is_empty() {
            return Err(refused("it needs a name and a text".to_owned()));
        }
        let environments = if query.environments.is_empty() {
            vec![
                DataEnvironment::M365dGraph,
                DataEnvironment::Mde,
                DataEnvironment::M365d,
            ]
        } else {
            query.environments.clone()
        };
        let language = if environments == [DataEnvironment::SecurityGraph] {
            Language::Odata
        } else {
            Language::Kql
        };
        let find = |name: &str| {
            query
                .parameters
                .iter()
                .find(|parameter| parameter.name == name)
        };
        let template = Template::parse(&query.text, language, |name| find(name)?.format.as_deref())
            .map_err(refused)?;
        if let Some(hole) = template.holes().find(|hole| find(&hole.name).is_none()) {
            return Err(refused(format!(
                "the parameter '{}' is not declared",
                hole.name
            )));
        }
        let mut parameters = query.parameters;
        parameters.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(self.add(Definition {
            description: if query.description.is_empty() {
                query.name.clone()
            } else {
                query.description
            },
            name: query.name,
            families: if query.families.is_empty() {
                vec!["Custom".to_owned()]
            } else {
                query.families
            },
            environments,
            other_environments: Vec::new(),
            language,
            data_source: None,
            tags: Vec::new(),
            uri: None,
            metadata: serde_json::Map::new(),
            parameters,
            text: query.text,
            file: None,
            line: None,
            template,
            written: None,
        }))
    }

    fn add(&mut self, definition: Definition) -> Vec<Finding> {
        let mut findings = Vec::new();
        let definition = Arc::new(definition);
        let mut families = definition.families.clone();
        families.dedup();
        for family in families {
            let path = format!("{family}.{}", definition.name);
            for earlier in self.entries.iter_mut().filter(|entry| entry.path == path) {
                let before = earlier.environments.len();
                earlier
                    .environments
                    .retain(|environment| !definition.environments.contains(environment));
                let nowhere = definition.environments.is_empty() && before == 0;
                if earlier.environments.len() < before || nowhere {
                    findings.push(replaced(&path, &definition, &earlier.definition));
                }
            }
            let replaces_others = definition.environments.is_empty();
            self.entries.retain(|entry| {
                entry.path != path
                    || !entry.environments.is_empty()
                    || (entry.definition.environments.is_empty() && !replaces_others)
            });
            self.entries.push(Entry {
                valid: valid_path(&path),
                path,
                definition: Arc::clone(&definition),
                environments: definition.environments.clone(),
            });
        }
        findings
    }

    /// How many names there are, a query counted once for each of its families.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no queries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The dotted names of the queries that `filter` lets through, sorted.
    pub fn list_queries(&self, filter: &Filter) -> Vec<&str> {
        let substring = filter.substring.as_ref().map(|text| text.to_lowercase());
        let mut names: Vec<&str> = self
            .entries
            .iter()
            .filter(|entry| entry.can_run(filter))
            .map(|entry| entry.path.as_str())
            .filter(|path| {
                substring
                    .as_ref()
                    .is_none_or(|text| path.to_lowercase().contains(text))
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Every query that `filter` lets through, with its dotted name, in that order.
    pub fn queries(&self, filter: &Filter) -> Vec<(&str, &Definition)> {
        let names = self.list_queries(filter);
        let mut queries: Vec<(&str, &Definition)> = self
            .entries
            .iter()
            .filter(|entry| entry.can_run(filter) && names.contains(&entry.path.as_str()))
            .map(|entry| (entry.path.as_str(), &*entry.definition))
            .collect();
        queries.sort_by_key(|(name, _)| *name);
        queries
    }

    /// The dotted names of the queries that `search` finds among those of `filter`, sorted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when a term is not a regular expression.
    pub fn search(&self, search: &Search, filter: &Filter) -> Result<Vec<&str>> {
        if search.is_empty() {
            return Ok(Vec::new());
        }
        let terms = search.compile()?;
        let mut names: Vec<&str> = self
            .queries(filter)
            .into_iter()
            .filter(|(path, definition)| terms.match_query(path, definition))
            .map(|(path, _)| path)
            .collect();
        names.dedup();
        Ok(names)
    }

    /// The definition that `name` means: a dotted name, the end of one, a query's own name, or one
    /// that it had before.
    ///
    /// With an environment, its own queries come before those of environments
    /// [compatible](crate::compatible) with it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when there is none, with the nearest name, or when several families
    /// have one, with their names.
    pub fn get_query(
        &self,
        name: &str,
        environment: Option<DataEnvironment>,
    ) -> Result<&Definition> {
        self.find(name, environment).map(|entry| &*entry.definition)
    }

    /// The present dotted name of the query that `name` means, when `name` is a former one.
    ///
    /// # Errors
    ///
    /// As [`get_query`](Self::get_query).
    pub fn renamed(
        &self,
        name: &str,
        environment: Option<DataEnvironment>,
    ) -> Result<Option<&str>> {
        let entry = self.find(name, environment)?;
        let is_former = !entry.is(name) && !entry.ends_with(name);
        Ok(is_former.then_some(entry.path.as_str()))
    }

    /// What the query asks and takes, in words.
    ///
    /// # Errors
    ///
    /// As [`get_query`](Self::get_query).
    pub fn query_help(&self, name: &str, environment: Option<DataEnvironment>) -> Result<String> {
        let entry = self.find(name, environment)?;
        let definition = &entry.definition;
        let mut text = format!("{}\n\n{}\n", entry.path, help(definition));
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\nEnvironments: {}\n\nQuery\n-----\n{}\n",
            definition.environment_names().join(", "),
            definition.text
        );
        Ok(text)
    }

    /// Makes a query text of the query `name` and `parameters`; `now` is what relative times
    /// count from.
    ///
    /// The caller's value comes before the query's default, that before the file's. Missing
    /// `start` and `end` become a day before and after `now`, and the result says so.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`]: as [`get_query`](Self::get_query); a parameter is not known, is
    /// missing, or its value does not fit its type or its place.
    pub fn render(
        &self,
        name: &str,
        environment: Option<DataEnvironment>,
        parameters: &Parameters,
        now: SystemTime,
    ) -> Result<Rendered> {
        let entry = self.find(name, environment)?;
        rendering::render(&entry.definition, &entry.path, parameters, now)
    }

    fn find(&self, name: &str, environment: Option<DataEnvironment>) -> Result<&Entry> {
        let declared = Filter {
            environment,
            declared_only: true,
            substring: None,
        };
        let usable = Filter {
            declared_only: false,
            ..declared.clone()
        };
        for filter in [declared, usable] {
            // A query over a table that the environment lacks can be asked for all the same: the
            // service knows its tables best.
            let candidates = || self.entries.iter().filter(|entry| entry.is_of(&filter));
            for fits in [Entry::is, Entry::ends_with, Entry::was] {
                let found: Vec<&Entry> = candidates().filter(|entry| fits(entry, name)).collect();
                if let Some(entry) = one_of(&found, name)? {
                    return Ok(entry);
                }
            }
        }
        Err(self.missing(name, environment))
    }

    fn missing(&self, name: &str, environment: Option<DataEnvironment>) -> Error {
        let elsewhere: Vec<&Entry> = self
            .entries
            .iter()
            .filter(|entry| entry.ends_with(name))
            .collect();
        if let (Some(environment), Some(entry)) = (environment, elsewhere.first()) {
            let places = entry.definition.environment_names();
            return Error::new(
                ErrorKind::Usage,
                format!("the query '{}' is not for {environment}", entry.path),
            )
            .with_hint(format!("it is for {}", places.join(", ")));
        }
        let error = Error::new(
            ErrorKind::Usage,
            format!("there is no query '{}'", name.escape_debug()),
        );
        let filter = Filter {
            environment,
            ..Filter::default()
        };
        let names = self.list_queries(&filter);
        // The right name of another family says more than a name that looks like it.
        if let Some((_, last)) = name.rsplit_once('.') {
            let last = last.to_ascii_lowercase();
            let namesakes: Vec<String> = names
                .iter()
                .filter(|path| path.to_ascii_lowercase().rsplit('.').next() == Some(&last))
                .map(|path| format!("'{path}'"))
                .collect();
            if !namesakes.is_empty() {
                return error.with_hint(format!("did you mean {}?", namesakes.join(" or ")));
            }
        }
        let short = || names.iter().filter_map(|path| path.rsplit('.').next());
        if let Some(near) = nearest(name, names.iter().copied().chain(short())) {
            return error.with_hint(format!("did you mean '{near}'?"));
        }
        // A family too few or of another name hides that the last part is nearly right.
        let meant = name
            .rsplit_once('.')
            .and_then(|(_, last)| nearest(last, short()));
        let meant = names.iter().find(|path| path.rsplit('.').next() == meant);
        match meant {
            Some(path) => error.with_hint(format!("did you mean '{path}'?")),
            None => error,
        }
    }
}

/// The entry that is meant when all of `found` are the same definition.
fn one_of<'a>(found: &[&'a Entry], name: &str) -> Result<Option<&'a Entry>> {
    let Some(first) = found.first() else {
        return Ok(None);
    };
    if found
        .iter()
        .all(|entry| Arc::ptr_eq(&entry.definition, &first.definition))
    {
        return Ok(Some(first));
    }
    let mut paths: Vec<&str> = found.iter().map(|entry| entry.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    if paths.len() == 1 {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("the query '{}' differs between environments", paths[0]),
        )
        .with_hint("name the environment"));
    }
    Err(Error::new(
        ErrorKind::Usage,
        format!(
            "several families have a query '{name}': {}",
            paths.join(", ")
        ),
    )
    .with_hint("name it with its family"))
}

fn replaced(path: &str, by: &Definition, earlier: &Definition) -> Finding {
    let place = match (&earlier.file, earlier.line) {
        (Some(file), Some(line)) => format!("{}:{line}", file.display()),
        (Some(file), None) => file.display().to_string(),
        (None, _) => "code".to_owned(),
    };
    Finding::new(
        Severity::Notice,
        format!("'{path}' replaces the one of {place}"),
    )
    .of(&by.name)
    .at(by.line)
}

impl Entry {
    /// Whether the filter's environment has the query and every table that it reads.
    fn can_run(&self, filter: &Filter) -> bool {
        let has_tables = |environment| self.definition.tables_missing_in(environment).is_empty();
        self.is_of(filter) && filter.environment.is_none_or(has_tables)
    }

    /// Whether the query is of the filter's environment.
    fn is_of(&self, filter: &Filter) -> bool {
        filter.environment.is_none_or(|wanted| {
            if filter.declared_only {
                self.environments.contains(&wanted)
            } else {
                is_for(&self.environments, wanted)
            }
        })
    }

    fn is(&self, name: &str) -> bool {
        self.path == name || self.valid == name || self.valid == valid_path(name)
    }

    /// Whether `name` is one that the query had before, or the end of one.
    fn was(&self, name: &str) -> bool {
        let family = self.path.strip_suffix(&self.definition.name);
        self.definition.former_names().iter().any(|former| {
            let path = format!("{}{former}", family.unwrap_or_default()).to_ascii_lowercase();
            path.strip_suffix(&name.to_ascii_lowercase())
                .is_some_and(|before| before.is_empty() || before.ends_with('.'))
        })
    }

    fn ends_with(&self, name: &str) -> bool {
        let ends = |path: &str, name: &str| {
            path.strip_suffix(name)
                .is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        ends(&self.path, name)
            || ends(&self.valid, name)
            || self.valid.rsplit('.').next() == Some(valid_name(name).as_str())
            || self.path.eq_ignore_ascii_case(name)
    }
}

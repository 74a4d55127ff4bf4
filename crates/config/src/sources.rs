//! Where settings are looked for, in MSTICPy's order.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use defender_core::{Error, ErrorKind, Result, expand_home, is_plain_path, open_file, utf8};

use crate::Finding;
use crate::document::MAX_BYTES;

const FILE_NAME: &str = "msticpyconfig.yaml";
const VARIABLE: &str = "MSTICPYCONFIG";

/// Where settings are looked for.
///
/// The first of these that is a file: [`file`](Self::file), the one that `MSTICPYCONFIG` names,
/// `msticpyconfig.yaml` in the working folder, `.msticpy/msticpyconfig.yaml` in the home folder.
#[derive(Clone, Default)]
pub struct Sources {
    /// A file that the caller names: it has to be there.
    pub file: Option<PathBuf>,
    /// The environment variables.
    pub environment: BTreeMap<String, String>,
    /// The working folder.
    pub folder: Option<PathBuf>,
    /// The home folder.
    pub home: Option<PathBuf>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("file", &self.file)
            .field("folder", &self.folder)
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

impl Sources {
    /// Every place that is looked at, in order.
    pub fn candidates(&self) -> Vec<PathBuf> {
        let mut candidates = Vec::new();
        candidates.extend(self.file.clone());
        candidates.extend(self.variable());
        candidates.extend(self.folder.as_ref().map(|folder| folder.join(FILE_NAME)));
        candidates.extend(
            self.home
                .as_ref()
                .map(|home| home.join(".msticpy").join(FILE_NAME)),
        );
        candidates
    }

    /// The file that is taken, and what was passed over although somebody named it.
    pub(crate) fn choose(&self) -> (Option<PathBuf>, Vec<Finding>) {
        if let Some(file) = &self.file {
            return (Some(self.expand(file)), Vec::new());
        }
        let mut findings = Vec::new();
        if let Some(named) = self.variable() {
            if named.is_file() {
                return (Some(named), findings);
            }
            findings.push(
                Finding::warning(
                    "",
                    None,
                    if is_plain_path(&named.display().to_string()) {
                        format!("{VARIABLE} names {}, which is not a file", named.display())
                    } else {
                        format!("{VARIABLE} does not name a file")
                    },
                )
                .with_hint(format!("correct or unset {VARIABLE}")),
            );
        }
        let found = self.candidates().into_iter().find(|path| path.is_file());
        (found, findings)
    }

    fn variable(&self) -> Option<PathBuf> {
        self.environment
            .get(VARIABLE)
            .filter(|value| !value.trim().is_empty())
            .map(|value| self.expand(Path::new(value.trim())))
    }

    /// `path` with `~` as the home folder, and relative to the working folder.
    pub(crate) fn expand(&self, path: &Path) -> PathBuf {
        let path = expand_home(path, self.home.as_deref()).unwrap_or_else(|| path.to_owned());
        match &self.folder {
            Some(folder) => folder.join(path),
            None => path,
        }
    }
}

/// Expands paths that stand in a settings file.
#[derive(Clone, Copy)]
pub(crate) struct Paths<'a> {
    pub(crate) sources: &'a Sources,
    /// The settings file.
    pub(crate) file: Option<&'a Path>,
}

impl Paths<'_> {
    /// `path` with `~` as the home folder; relative to the settings file, and to the working
    /// folder where only there is such a file.
    pub(crate) fn expand(&self, path: &Path) -> PathBuf {
        let here = self.sources.expand(path);
        if path.is_absolute() || path.starts_with("~") {
            return here;
        }
        match self.file.and_then(Path::parent) {
            Some(folder) => {
                let beside = self.sources.expand(&folder.join(path));
                if !beside.exists() && here.exists() {
                    here
                } else {
                    beside
                }
            }
            None => here,
        }
    }
}

/// The text of the settings file at `path`.
pub(crate) fn read(path: &Path) -> Result<String> {
    let wrong = |what: String| Error::new(ErrorKind::Config, what);
    let name = path.display();
    let file = open_file(path).map_err(|error| {
        let message = format!("the settings file {name} cannot be opened");
        Error::new(ErrorKind::Io, message).with_source(error)
    })?;
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| {
            Error::new(
                ErrorKind::Io,
                format!("the settings file {name} cannot be read"),
            )
            .with_source(error)
        })?;
    if bytes.len() > MAX_BYTES {
        return Err(wrong(format!("{name} is larger than {MAX_BYTES} bytes"))
            .with_hint("is it a settings file?"));
    }
    utf8(bytes).map_err(|error| {
        let message = format!("the settings file {name} cannot be read");
        Error::new(ErrorKind::Io, message).with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_msticpys_with_the_callers_file_first() {
        let sources = Sources {
            file: Some("/given.yaml".into()),
            environment: [(VARIABLE.to_owned(), "~/named.yaml".to_owned())].into(),
            folder: Some("/here".into()),
            home: Some("/home/me".into()),
        };
        assert_eq!(
            sources.candidates(),
            [
                "/given.yaml",
                "/home/me/named.yaml",
                "/here/msticpyconfig.yaml",
                "/home/me/.msticpy/msticpyconfig.yaml"
            ]
            .map(PathBuf::from)
        );
    }

    #[test]
    fn variables_are_not_in_the_debug_output() {
        let sources = Sources {
            environment: [("SECRET".to_owned(), "canary".to_owned())].into(),
            ..Sources::default()
        };
        assert!(!format!("{sources:?}").contains("canary"));
    }
}

//! `externaldata`: documents that are files below an allowed folder.

mod format;
mod mapping;
mod place;
mod rows;

use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use kql_semantics::bound::{Column, Expr};

use self::format::Format;
use self::rows::{Ignored, Rows};
use super::{Flow, Planner};
use crate::catalog;
use crate::datum::Datum;
use crate::{Catalog, EngineError};

impl Planner<'_> {
    pub(super) fn external(
        &self,
        columns: &[Column],
        addresses: &[Expr],
        properties: &[(String, Expr)],
        span: Range<usize>,
    ) -> Result<Flow, EngineError> {
        let failed = |message: String| EngineError::Data {
            message,
            span: Some(span.clone()),
        };
        let refused = |message: String| EngineError::runtime(message).about(span.clone());
        let folders = &self.options.external_data;
        if folders.is_empty() {
            return Err(EngineError::unsupported(
                "externaldata without a folder of local copies",
                span,
            ));
        }
        let mut format = None;
        let mut ignored = Ignored::default();
        let mut mapping = None;
        for (name, value) in properties {
            let value = self.constant(value)?;
            match name.as_str() {
                "format" => {
                    let text = value.display();
                    let Some(found) = Format::named(&text) else {
                        return Err(EngineError::unsupported(
                            format!("externaldata with format '{text}'"),
                            span,
                        ));
                    };
                    format = Some(found);
                }
                "ignorefirstrecord" => ignored.first = is_true(&value),
                "ignorelastrecord" => ignored.last = is_true(&value),
                "ingestionmapping" => mapping = Some(value.display().into_owned()),
                _ => {
                    return Err(EngineError::unsupported(
                        format!("externaldata with '{name}'"),
                        span,
                    ));
                }
            }
        }
        self.catalog.note_read(Catalog::EXTERNAL_DATA);
        let mut rows = Rows::new(columns, mapping.as_deref()).map_err(refused)?;
        for address in addresses {
            let address = self.constant(address)?;
            let address = address.display();
            // Only the place is shown: the rest of an address may be a secret.
            let Some(path) = place::place(&address) else {
                return Err(refused(
                    "the address of this externaldata names no file below the allowed folder"
                        .to_owned(),
                ));
            };
            let places: Vec<PathBuf> = folders.iter().map(|one| one.join(&path)).collect();
            let found = folders.iter().zip(&places).find_map(|(folder, shown)| {
                Some((
                    folder.canonicalize().ok()?,
                    shown.canonicalize().ok()?,
                    shown,
                ))
            });
            let Some((folder, found, shown)) = found else {
                let names: Vec<String> =
                    places.iter().map(|one| one.display().to_string()).collect();
                return Err(failed(format!(
                    "externaldata reads local copies only, and there is no {}",
                    names.join(" or ")
                )));
            };
            let unread =
                |error: String| failed(format!("cannot read {}: {error}", shown.display()));
            let inside = |found: PathBuf| {
                if found.starts_with(&folder) {
                    return Ok(found);
                }
                Err(refused(format!(
                    "{} leads out of the folder that externaldata may read",
                    shown.display()
                )))
            };
            let (mut found, mut named) = (inside(found)?, shown.clone());
            if found.is_dir() {
                named = place::document(&found).map_err(unread)?;
                let only = named.canonicalize();
                found = inside(only.map_err(|error| unread(error.to_string()))?)?;
            }
            let text = self.document(&found).map_err(unread)?;
            let format = format.unwrap_or_else(|| Format::of(&named));
            rows.read(&text, format, ignored, &place::shown(&address))
                .map_err(unread)?;
        }
        let (arrays, count) = rows.finish();
        self.literal_rows(columns, arrays, count)
    }

    /// The text of a document, never more than the query may hold.
    fn document(&self, path: &Path) -> Result<String, String> {
        let file = catalog::open(path).map_err(|error| error.to_string())?;
        let gzip = path.extension().is_some_and(|one| one == "gz");
        let source: Box<dyn Read> = if gzip {
            Box::new(MultiGzDecoder::new(file))
        } else {
            Box::new(file)
        };
        let most = self.options.memory_limit.unwrap_or(usize::MAX) as u64;
        let mut text = String::new();
        source
            .take(most.saturating_add(1))
            .read_to_string(&mut text)
            .map_err(|error| error.to_string())?;
        if text.len() as u64 > most {
            return Err(format!("it is larger than {most} bytes"));
        }
        Ok(text)
    }
}

/// A flag of `with (…)`, which may stand in quotes.
fn is_true(value: &Datum<'_>) -> bool {
    value
        .as_bool()
        .unwrap_or_else(|| value.display().eq_ignore_ascii_case("true"))
}

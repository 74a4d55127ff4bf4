//! `externaldata`: documents that are files below an allowed folder.

use std::io::Read;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;
use kql_semantics::ScalarType;
use kql_semantics::bound::{Column, Expr};
use serde_json::Value as Json;

use super::{Flow, Planner};
use crate::catalog;
use crate::column::Builder;
use crate::convert;
use crate::datum::Datum;
use crate::dynamic;
use crate::text::separated::Records;
use crate::{Catalog, EngineError};

/// How a document is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Separated(u8),
    Lines,
    Raw,
    Json,
    MultiJson,
}

impl Format {
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "csv" => Self::Separated(b','),
            "tsv" => Self::Separated(b'\t'),
            "psv" => Self::Separated(b'|'),
            "scsv" => Self::Separated(b';'),
            "sohsv" => Self::Separated(1),
            "txt" => Self::Lines,
            "raw" => Self::Raw,
            "json" => Self::Json,
            "multijson" => Self::MultiJson,
            _ => return None,
        })
    }

    /// By the name of the document; separated by commas where it tells nothing.
    fn of(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy());
        let name = name.unwrap_or_default();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        name.rsplit_once('.')
            .and_then(|(_, extension)| Self::named(extension))
            .unwrap_or(Self::Separated(b','))
    }
}

/// The place of a document below the folder; `None` where the address leaves it.
fn place(address: &str) -> Option<PathBuf> {
    // What follows a semicolon is a secret, what follows a question mark a signature.
    let address = address.split([';', '?', '#']).next()?.trim();
    let relative = match address.split_once("://") {
        Some((scheme, rest)) => {
            let known = ["https", "http", "abfss"];
            if !known.iter().any(|one| scheme.eq_ignore_ascii_case(one)) {
                return None;
            }
            let (host, path) = rest.split_once('/')?;
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{}/{path}", host.to_ascii_lowercase())
        }
        None => address.to_owned(),
    };
    let path = PathBuf::from(relative);
    let inside = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    (inside && path.components().next().is_some()).then_some(path)
}

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
        let mut skip_first = false;
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
                "ignorefirstrecord" => {
                    skip_first = value
                        .as_bool()
                        .unwrap_or_else(|| value.display().eq_ignore_ascii_case("true"));
                }
                _ => {
                    return Err(EngineError::unsupported(
                        format!("externaldata with '{name}'"),
                        span,
                    ));
                }
            }
        }
        self.catalog.note_read(Catalog::EXTERNAL_DATA);
        let mut rows = Rows::new(columns);
        for address in addresses {
            let address = self.constant(address)?;
            let address = address.display();
            // Only the place is shown: the rest of an address may be a secret.
            let Some(path) = place(&address) else {
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
            if !found.starts_with(&folder) {
                return Err(refused(format!(
                    "{} leads out of the folder that externaldata may read",
                    shown.display()
                )));
            }
            let text = self
                .document(&found)
                .map_err(|error| failed(format!("cannot read {}: {error}", shown.display())))?;
            let format = format.unwrap_or_else(|| Format::of(&path));
            rows.read(&text, format, skip_first)
                .map_err(|error| failed(format!("cannot read {}: {error}", shown.display())))?;
        }
        let count = rows.count;
        let arrays = rows.builders.into_iter().map(Builder::finish).collect();
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

/// The rows read so far.
struct Rows<'a> {
    columns: &'a [Column],
    builders: Vec<Builder>,
    count: usize,
}

impl<'a> Rows<'a> {
    fn new(columns: &'a [Column]) -> Self {
        Self {
            columns,
            builders: columns.iter().map(|one| Builder::new(one.ty, 0)).collect(),
            count: 0,
        }
    }

    fn read(&mut self, text: &str, format: Format, skip_first: bool) -> Result<(), String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let skipped = usize::from(skip_first);
        match format {
            Format::Separated(separator) => {
                let mut records = Records::new(text.as_bytes(), separator);
                let mut left = skipped;
                while let Some(record) = records.next().map_err(|error| error.to_string())? {
                    if left > 0 {
                        left -= 1;
                    } else if !record.is_blank() {
                        self.texts(record.cells().map_err(|error| error.to_string())?);
                    }
                }
            }
            Format::Lines => {
                for line in text.lines().skip(skipped) {
                    self.texts(std::iter::once(line));
                }
            }
            Format::Raw => self.texts(std::iter::once(text)),
            Format::Json => {
                for (at, line) in text.lines().enumerate().skip(skipped) {
                    if line.trim().is_empty() {
                        continue;
                    }
                    let value: Json = serde_json::from_str(line).map_err(|error| {
                        format!("line {} is no JSON object: {error}; a document over several lines has the format multijson", at + 1)
                    })?;
                    self.object(&value, at + 1)?;
                }
            }
            Format::MultiJson => {
                let values = serde_json::Deserializer::from_str(text).into_iter::<Json>();
                let mut number = 0;
                for value in values {
                    let value = value.map_err(|error| error.to_string())?;
                    let list = match value {
                        Json::Array(list) => list,
                        other => vec![other],
                    };
                    for one in &list {
                        number += 1;
                        self.object(one, number)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A row of texts, by position.
    fn texts<'t>(&mut self, mut texts: impl Iterator<Item = &'t str>) {
        for (builder, column) in self.builders.iter_mut().zip(self.columns) {
            builder.push(
                &texts
                    .next()
                    .map_or(Datum::Null, |text| typed(text, column.ty)),
            );
        }
        self.count += 1;
    }

    /// A row of properties, by name.
    fn object(&mut self, value: &Json, number: usize) -> Result<(), String> {
        let Json::Object(entries) = value else {
            return Err(format!("record {number} is no JSON object"));
        };
        for (builder, column) in self.builders.iter_mut().zip(self.columns) {
            let value = match entries.get(&*column.name) {
                None | Some(Json::Null) => Datum::Null,
                Some(Json::String(text)) => typed(text, column.ty),
                Some(other) => {
                    let value = Datum::dynamic(dynamic::from_json(other));
                    convert::to_type(&value, column.ty).into_owned()
                }
            };
            builder.push(&value);
        }
        self.count += 1;
        Ok(())
    }
}

fn typed(text: &str, ty: ScalarType) -> Datum<'static> {
    match ty {
        ScalarType::Dynamic => convert::parse_json(text),
        _ => convert::to_type(&Datum::text(text), ty).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::place;

    #[test]
    fn an_address_is_a_place_below_the_folder() {
        let cases = [
            ("https://Host/a/b.csv?sig=secret", Some("host/a/b.csv")),
            ("https://host/a.csv;secret", Some("host/a.csv")),
            ("b.csv", Some("b.csv")),
            ("https://host/../../etc/passwd", None),
            ("../b.csv", None),
            ("/etc/passwd", None),
            ("file:///etc/passwd", None),
            ("https://host", None),
            ("", None),
        ];
        for (address, expected) in cases {
            assert_eq!(
                place(address).as_deref(),
                expected.map(Path::new),
                "{address}"
            );
        }
    }
}

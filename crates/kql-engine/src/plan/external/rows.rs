//! The rows that documents become.

use std::borrow::Cow;

use arrow::array::ArrayRef;
use kql_semantics::ScalarType;
use kql_semantics::bound::Column;
use serde_json::Value as Json;

use super::format::{Format, Record};
use super::mapping::{self, Change, From};
use crate::column::Builder;
use crate::convert;
use crate::datum::Datum;
use crate::dynamic::path::{Step, follow};
use crate::dynamic::{self, Dynamic};
use crate::functions::{bags, dates};

/// Which records of a document are rows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ignored {
    pub(super) first: bool,
    pub(super) last: bool,
}

/// The rows read so far.
pub(super) struct Rows<'a> {
    columns: &'a [Column],
    builders: Vec<Builder>,
    count: usize,
    /// Where the columns are in a record of cells and in one of properties.
    places: Vec<(From, From)>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(columns: &'a [Column], mapping: Option<&str>) -> Result<Self, String> {
        let places = match mapping {
            None => mapping::by_name_and_order(columns),
            Some(text) => mapping::written(text, columns)?
                .into_iter()
                .map(|from| (from.clone(), from))
                .collect(),
        };
        Ok(Self {
            columns,
            builders: columns.iter().map(|one| Builder::new(one.ty, 0)).collect(),
            count: 0,
            places,
        })
    }

    pub(super) fn finish(self) -> (Vec<ArrayRef>, usize) {
        let arrays = self.builders.into_iter().map(Builder::finish).collect();
        (arrays, self.count)
    }

    /// Adds the records of a document.
    pub(super) fn read(
        &mut self,
        text: &str,
        format: Format,
        ignored: Ignored,
        address: &str,
    ) -> Result<(), String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut end = usize::MAX;
        if ignored.last {
            let mut count: usize = 0;
            format.records(text, &mut |_| {
                count += 1;
                Ok(())
            })?;
            end = count.saturating_sub(1);
        }
        let start = usize::from(ignored.first);
        let mut number = 0;
        format.records(text, &mut |record| {
            number += 1;
            if number > start && number <= end {
                self.record(&record, number, address)
            } else {
                Ok(())
            }
        })
    }

    fn record(&mut self, record: &Record<'_>, number: usize, address: &str) -> Result<(), String> {
        let document = match record {
            Record::Object(value @ Json::Object(_)) => Some(dynamic::from_json(value)),
            Record::Object(_) => return Err(format!("record {number} is no JSON object")),
            Record::Cells(_) => None,
        };
        let places = self.places.iter().zip(self.columns);
        for (((cell, property), column), builder) in places.zip(&mut self.builders) {
            let from = if document.is_some() { property } else { cell };
            let value = match (from, record) {
                (From::Nowhere, _) => Datum::Null,
                (From::Constant(text), _) => typed(text, column.ty),
                (From::Address, _) => typed(address, column.ty),
                (From::Number, _) => {
                    let number = Datum::Long(i64::try_from(number).unwrap_or(i64::MAX));
                    convert::to_type(&number, column.ty).into_owned()
                }
                (From::Cell(at), Record::Cells(cells)) => cells
                    .get(*at)
                    .map_or(Datum::Null, |text| typed(text, column.ty)),
                (From::Path(steps, change), Record::Object(_)) => {
                    let document = document.as_deref().unwrap_or_default();
                    let found = follow(document, steps);
                    found.map_or(Datum::Null, |value| {
                        changed(value, steps, *change, &self.places, column.ty)
                    })
                }
                (From::Cell(_), Record::Object(_)) => {
                    return Err(format!(
                        "the ingestionMapping of {} has an Ordinal, and properties have a Path",
                        column.name
                    ));
                }
                (From::Path(..), Record::Cells(_)) => {
                    return Err(format!(
                        "the ingestionMapping of {} has a Path, and cells have an Ordinal",
                        column.name
                    ));
                }
            };
            builder.push(&value);
        }
        self.count += 1;
        Ok(())
    }
}

/// A value as the column has it.
fn changed(
    value: &[u8],
    steps: &[Step],
    change: Change,
    places: &[(From, From)],
    ty: ScalarType,
) -> Datum<'static> {
    let value: Cow<'_, [u8]> = match (change, dynamic::view(value)) {
        (Change::UnixTime(ticks_per_unit), _) => {
            let since = Datum::dynamic(value).unwrapped();
            let moment = dates::unix_time(&since, ticks_per_unit);
            return convert::to_type(&moment, ty).into_owned();
        }
        (Change::ArrayToBag, Dynamic::Array(items)) => {
            let parts: Vec<(&str, &[u8])> = items
                .iter()
                .filter_map(|item| match dynamic::view(item) {
                    Dynamic::Object(entries) => Some(entries.iter()),
                    _ => None,
                })
                .flatten()
                .collect();
            dynamic::object(&parts).into()
        }
        (Change::DropMapped, Dynamic::Object(entries)) => {
            let other = places.iter().filter_map(|(_, from)| match from {
                From::Path(path, _) => path.strip_prefix(steps).filter(|rest| !rest.is_empty()),
                _ => None,
            });
            bags::without(entries, &other.collect::<Vec<_>>()).into()
        }
        _ => value.into(),
    };
    match dynamic::view(&value) {
        Dynamic::String(text) => typed(text, ty),
        _ => convert::to_type(&Datum::dynamic(value), ty).into_owned(),
    }
}

fn typed(text: &str, ty: ScalarType) -> Datum<'static> {
    match ty {
        ScalarType::Dynamic => convert::parse_json(text),
        _ => convert::to_type(&Datum::text(text), ty).into_owned(),
    }
}

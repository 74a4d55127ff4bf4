//! What the service knows beyond the rows, from tables that stand in for it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use kql_semantics::ScalarType;
use kql_semantics::bound::{Column, Expr, Step};

use super::plugins::Networks;
use super::steps::batch_of;
use super::{Flow, Planner};
use crate::EngineError;
use crate::catalog::Loaded;
use crate::column::{Builder, Reader};
use crate::convert;
use crate::datum::Datum;
use crate::dynamic;
use crate::expression::{Kernel, kernel};
use crate::functions::networks;

/// The table that stands in for the service's profiles of files.
const PROFILES: &str = "FileProfile";

/// The table that stands in for the service's knowledge of where addresses are.
const PLACES: &str = "GeoIp";

/// How many records the service enriches when the query does not say.
const RECORDS: usize = 100;

/// The values of a table's column, in the order of its rows; none where it is missing.
fn values_of(
    table: &Loaded,
    name: &str,
    ty: ScalarType,
) -> Result<Option<Vec<Datum<'static>>>, EngineError> {
    let Some(at) = table
        .columns
        .iter()
        .position(|(known, _)| known.eq_ignore_ascii_case(name))
    else {
        return Ok(None);
    };
    let own = table.columns[at].1;
    let mut values = Vec::new();
    for array in table.column(at)? {
        let reader = Reader::new(&array, own);
        values.extend(
            (0..array.len()).map(|row| convert::to_type(&reader.get(row), ty).into_owned()),
        );
    }
    Ok(Some(values))
}

impl Planner<'_> {
    /// A table of the catalog that a function reads, or what to provide for it.
    fn stand_in(&self, table: &str, function: &str) -> Result<Arc<Loaded>, EngineError> {
        if self.catalog.table_names().iter().any(|name| name == table) {
            return self.catalog.load(table);
        }
        Err(EngineError::Unsupported {
            what: format!("{function} without a table named {table}"),
            span: None,
        })
    }

    /// `invoke FileProfile(hash, count)`: the first `count` rows get what the table knows.
    pub(super) fn enrich(
        &self,
        flow: Flow,
        name: &str,
        arguments: &[Expr],
        outputs: &[Column],
        step: &Step,
    ) -> Result<Flow, EngineError> {
        let unsupported = |what: String| EngineError::unsupported(what, step.span.range());
        let (PROFILES, [hash, rest @ ..]) = (name, arguments) else {
            // The binder reads such a table itself where there is one.
            return Err(unsupported(format!(
                "invoke {name}() without a table named {name}"
            )));
        };
        if !flow.carried.is_empty() {
            return Err(unsupported(format!("invoke {name}() inside a body")));
        }
        let table =
            self.stand_in(PROFILES, "invoke FileProfile()")
                .map_err(|error| match error {
                    EngineError::Unsupported { what, .. } => unsupported(what),
                    other => other,
                })?;
        let most = match rest.first() {
            Some(count) => self.count(count)?,
            None => RECORDS,
        };
        let mut rows_of: HashMap<String, usize> = HashMap::new();
        for column in ["SHA1", "SHA256", "MD5"] {
            let hashes = values_of(&table, column, ScalarType::String)?.unwrap_or_default();
            for (row, hash) in hashes.iter().enumerate() {
                let hash = hash.display();
                if !hash.is_empty() {
                    rows_of.entry(hash.to_lowercase()).or_insert(row);
                }
            }
        }
        let known: Vec<Option<Vec<Datum<'static>>>> = outputs
            .iter()
            .map(|output| values_of(&table, &output.name, output.ty))
            .collect::<Result<_, _>>()?;
        let (rows_of, known) = (Arc::new(rows_of), Arc::new(known));
        let (plan, _) = self.with_values(&flow, &[hash])?;
        let width = flow.columns.len();
        let ty = hash.ty;
        let added: Vec<ScalarType> = outputs.iter().map(|one| one.ty).collect();
        let mut present = flow.columns.clone();
        present.extend(outputs.iter().map(|one| (one.id, one.ty)));
        let found = self.whole("enrich", vec![plan], &present, move |batches, schema| {
            let rows = &batches[0];
            let hashes = Reader::new(rows.column(width), ty);
            let places: Vec<Option<usize>> = (0..rows.num_rows())
                .map(|row| {
                    let hash = hashes.get(row).display().to_lowercase();
                    (row < most).then(|| rows_of.get(&hash).copied()).flatten()
                })
                .collect();
            let mut arrays: Vec<ArrayRef> = rows.columns()[..width].to_vec();
            for (values, ty) in known.iter().zip(&added) {
                let mut builder = Builder::new(*ty, places.len());
                for place in &places {
                    let value = place.and_then(|row| values.as_ref()?.get(row));
                    builder.push(value.unwrap_or(&Datum::Null));
                }
                arrays.push(builder.finish());
            }
            let batch = batch_of(schema, arrays, rows.num_rows())?;
            Ok(super::slices(&batch))
        })?;
        let found = self.without_null_text(found)?;
        self.keep(found, &self.demanded(&step.columns))
    }

    /// Where an address is, by the narrowest network of the table `GeoIp` around it.
    ///
    /// Its columns are `Network` (an address or CIDR) and any of `Country`, `State`, `City`,
    /// `Latitude`, `Longitude`.
    pub(super) fn places_of_addresses(&self) -> Result<Kernel, EngineError> {
        let table = self.stand_in(PLACES, "function geo_info_from_ip_address()")?;
        let Some(written) = values_of(&table, "Network", ScalarType::String)? else {
            return Err(EngineError::runtime(format!(
                "the table {PLACES} has no column Network"
            )));
        };
        let columns: Vec<(&str, Vec<Datum<'static>>)> = [
            ("country", ScalarType::String),
            ("state", ScalarType::String),
            ("city", ScalarType::String),
            ("latitude", ScalarType::Real),
            ("longitude", ScalarType::Real),
        ]
        .into_iter()
        .filter_map(|(name, ty)| {
            let values = values_of(&table, name, ty).transpose()?;
            Some(values.map(|values| (name, values)))
        })
        .collect::<Result<_, _>>()?;
        let known = Networks::new(
            written
                .iter()
                .enumerate()
                .map(|(row, network)| (row as u64, networks::ipv6(&network.display()))),
        );
        let bags: Vec<Vec<u8>> = (0..written.len())
            .map(|row| {
                let parts: Vec<(&str, Cow<'_, [u8]>)> = columns
                    .iter()
                    .filter_map(|(name, values)| Some((*name, values.get(row)?)))
                    .filter(|(_, value)| !value.is_null() && !value.display().is_empty())
                    .map(|(name, value)| (name, value.to_dynamic()))
                    .collect();
                dynamic::object(&parts)
            })
            .collect();
        Ok(kernel(move |values| {
            let Some((address, _)) = networks::ipv6(&values[0].display()) else {
                return Ok(Datum::Null);
            };
            let row = known.around(address).first();
            let bag = row.and_then(|row| bags.get(usize::try_from(*row).ok()?));
            Ok(bag.map_or(Datum::Null, |bag| Datum::dynamic(bag.clone())))
        }))
    }
}

//! Scalar functions, by family.

pub(crate) mod arithmetic;
mod arrays;
pub(crate) mod bags;
mod conditional;
mod conversions;
pub(crate) mod dates;
mod decompose;
mod distributions;
mod encoding;
mod fits;
mod geography;
pub(crate) mod hashing;
mod markup;
pub(crate) mod networks;
mod numbers;
mod patterns;
mod punycode;
mod random;
mod series;
mod signals;
pub(crate) mod sketches;
mod strings;
pub(crate) mod terms;
mod units;
mod urls;
mod zones;

use std::borrow::Cow;

use kql_semantics::ScalarType;

use crate::EngineError;
use crate::datum::Datum;
use crate::dynamic::{self, Dynamic};
use crate::expression::Kernel;

/// A call to be compiled: everything known about it but its rows.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    /// The type of the result.
    pub(crate) ty: ScalarType,
    pub(crate) types: Vec<ScalarType>,
    /// Values of the arguments that are constants.
    pub(crate) constants: Vec<Option<Datum<'static>>>,
    pub(crate) now: Option<i64>,
}

impl Call {
    pub(crate) fn len(&self) -> usize {
        self.types.len()
    }

    pub(crate) fn constant(&self, at: usize) -> Option<&Datum<'static>> {
        self.constants.get(at)?.as_ref()
    }

    /// A constant argument as text.
    pub(crate) fn constant_text(&self, at: usize) -> Option<Cow<'_, str>> {
        self.constant(at).map(Datum::display)
    }
}

/// The work of a call; `None` for functions this engine does not have.
pub(crate) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    for family in [
        conditional::kernel_of,
        conversions::kernel_of,
        patterns::kernel_of,
        strings::kernel_of,
        dates::kernel_of,
        zones::kernel_of,
        arrays::kernel_of,
        bags::kernel_of,
        numbers::kernel_of,
        networks::kernel_of,
        urls::kernel_of,
        encoding::kernel_of,
        hashing::kernel_of,
        series::kernel_of,
        fits::kernel_of,
        decompose::kernel_of,
        signals::kernel_of,
        sketches::kernel_of,
        distributions::kernel_of,
        units::kernel_of,
        punycode::kernel_of,
        markup::kernel_of,
        random::kernel_of,
        geography::kernel_of,
    ] {
        if let Some(kernel) = family(call)? {
            return Ok(Some(kernel));
        }
    }
    Ok(None)
}

/// The elements of an array.
pub(crate) fn items(value: &Datum<'_>) -> Option<Vec<Datum<'static>>> {
    let Datum::Dynamic(bytes) = value else {
        return None;
    };
    match dynamic::view(bytes) {
        Dynamic::Array(items) => Some(
            items
                .iter()
                .map(|item| Datum::dynamic(item.to_vec()).unwrapped())
                .collect(),
        ),
        _ => None,
    }
}

/// The encoded elements of an array.
pub(crate) fn raw_items<'v>(value: &'v Datum<'_>) -> Option<Vec<&'v [u8]>> {
    let Datum::Dynamic(bytes) = value else {
        return None;
    };
    match dynamic::view(bytes) {
        Dynamic::Array(items) => Some(items.iter().collect()),
        _ => None,
    }
}

/// An array of values.
pub(crate) fn array(values: &[Datum<'_>]) -> Datum<'static> {
    let encoded: Vec<Cow<'_, [u8]>> = values.iter().map(Datum::to_dynamic).collect();
    Datum::dynamic(dynamic::array(&encoded))
}

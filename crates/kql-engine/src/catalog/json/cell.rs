//! One value of a row, on its way into its column.

use std::collections::HashSet;
use std::fmt;

use arrow::array::ArrayRef;
use defender_table::{Noted, Noting};
use kql_semantics::ScalarType;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use super::wrapped;
use crate::catalog::files::Source;
use crate::catalog::guess::Guess;
use crate::catalog::infer::Kind;
use crate::catalog::moments::Moments;
use crate::catalog::times::{self, DateOrder};
use crate::catalog::{fit, guess, infer, losses};
use crate::column::{self, Builder};
use crate::convert;
use crate::datum::Datum;
use crate::decimal::Decimal;
use crate::dynamic::{self, Doubt};

/// The values that a column has room for at first: it may be one of very many.
const FIRST: usize = 64;

/// A column that rows are read into.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what is known of a column, each beside any other"
)]
pub(super) struct Column {
    pub(super) name: String,
    /// Unknown until the first value that is not null.
    pub(super) ty: Option<ScalarType>,
    /// Whether the type is settled; otherwise it widens with what comes.
    pub(super) settled: bool,
    pub(super) builder: Option<Builder>,
    /// One more than the last row that has a value.
    pub(super) filled: usize,
    /// Whether it has whole numbers that a real would round.
    large: bool,
    /// Whether it is text because a number would not come back as it is written.
    written: bool,
    /// Whether its type is one that somebody declared, as the service has it.
    declared: bool,
    moments: Moments,
    /// How many of its times have digits below 100 ns.
    pub(super) finer: usize,
}

impl Column {
    /// A column of a known type.
    pub(super) fn settled(name: &str, ty: ScalarType, declared: bool) -> Self {
        Self {
            ty: Some(ty),
            settled: true,
            declared,
            ..Self::open(name)
        }
    }

    /// A column whose type its values tell.
    pub(super) fn open(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ty: None,
            settled: false,
            builder: None,
            filled: 0,
            large: false,
            written: false,
            declared: false,
            moments: Moments::default(),
            finer: 0,
        }
    }

    /// Takes a value of row `row`; `store` ends when an inferred type must change. A value that is
    /// none of a settled type is the error.
    fn take(
        &mut self,
        value: &Datum<'_>,
        kind: ScalarType,
        row: usize,
        store: &mut bool,
    ) -> Result<(), String> {
        let ty = self.widen(kind, store);
        if !*store {
            return Ok(());
        }
        let value = match (value, ty) {
            // A text among values of other types is that text, not what it may hold.
            (Datum::String(text), ScalarType::Dynamic) => Datum::dynamic(dynamic::string(text)),
            (Datum::String(_), ScalarType::String) => value.borrowed(),
            // As in JSON, not as `tostring` has it.
            (Datum::Bool(value), ScalarType::String) => {
                Datum::text(if *value { "true" } else { "false" })
            }
            _ if self.settled => {
                let Some(fitted) = fit::fitted(value, ty) else {
                    let shown = match value {
                        Datum::Bool(true) => "true".into(),
                        Datum::Bool(false) => "false".into(),
                        other => other.display(),
                    };
                    return Err(fit::misfit(&self.name, &shown, ty));
                };
                fitted
            }
            _ => convert::to_type(value, ty),
        };
        self.push(&value, ty, row);
        Ok(())
    }

    /// Takes a list or an object.
    fn take_nested(&mut self, value: Vec<u8>, ty: ScalarType, row: usize) -> Result<(), String> {
        let value = Datum::dynamic(value);
        let found = convert::to_type(&value, ty).into_owned();
        if found.is_null() {
            return Err(fit::misfit(&self.name, &value.display(), ty));
        }
        self.push(&found, ty, row);
        Ok(())
    }

    fn push(&mut self, value: &Datum<'_>, ty: ScalarType, row: usize) {
        let builder = self
            .builder
            .get_or_insert_with(|| Builder::new(ty, FIRST.min(row + 1)));
        builder.push_nulls(row.saturating_sub(self.filled));
        builder.push(value);
        self.filled = row + 1;
    }

    /// The values of `rows` rows, for which only those were pushed that are there: a row costs what
    /// it has, not what all others have.
    pub(super) fn finish(&mut self, ty: ScalarType, rows: usize) -> ArrayRef {
        let filled = std::mem::take(&mut self.filled);
        match self.builder.take() {
            Some(mut builder) => {
                builder.push_nulls(rows.saturating_sub(filled));
                builder.finish()
            }
            None => column::repeated(&Datum::Null, ty, rows),
        }
    }

    /// Makes text of what would not come back as a number.
    fn write(&mut self, store: &mut bool) {
        if !self.written {
            self.written = true;
            *store &= self.ty.is_none_or(|ty| ty == ScalarType::String);
            self.ty = Some(ScalarType::String);
        }
    }

    /// What its values tell of its type: of texts of moments, how those are written.
    pub(super) fn kind(&self) -> Kind {
        match self.ty {
            Some(ScalarType::DateTime) => Kind::Cells(Guess::of_moments(self.moments)),
            ty => Kind::Known(ty.unwrap_or(ScalarType::String)),
        }
    }

    /// The type of a text, when all others of the column are looked at as well.
    fn kind_of(&mut self, value: &str, order: Option<DateOrder>) -> ScalarType {
        // Only where it matters: a datetime does not narrow what is text already.
        let bytes = value.as_bytes();
        let is_date = (bytes.len() >= 19 && bytes[10] == b'T')
            || order.is_some_and(|order| times::numbered(value, order).is_some());
        let matters = matches!(self.ty, None | Some(ScalarType::DateTime)) && is_date;
        if matters && self.moments.see(value, order) {
            ScalarType::DateTime
        } else {
            ScalarType::String
        }
    }

    fn widen(&mut self, kind: ScalarType, store: &mut bool) -> ScalarType {
        match self.ty {
            Some(ty) if self.settled || self.written => ty,
            Some(ty) => {
                let mut wide = infer::widened(ty, kind);
                if wide == ScalarType::Real && self.large {
                    self.written = true;
                    wide = ScalarType::String;
                }
                if wide != ty {
                    self.ty = Some(wide);
                    *store = false;
                }
                wide
            }
            None => {
                self.ty = Some(kind);
                kind
            }
        }
    }
}

/// What a row is that would be a row of nulls.
#[derive(Debug, Clone, Copy)]
pub(super) enum Strange {
    NoColumn,
    NoValue,
    /// Lists and objects wherever its table has single values.
    Columns,
}

/// Why the reading of a row ended before its end.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what was met on the way, each beside any other"
)]
pub(super) struct State {
    /// It may be more than a row.
    pub(super) wrapped: bool,
    /// It has a number that must be read as it is written.
    pub(super) inexact: bool,
    /// It shares no column with its table, or none that has a value.
    pub(super) strange: Option<Strange>,
    /// Under a key that is not a column of its table it has what may hold others.
    pub(super) nested: bool,
    /// What is wrong with a value.
    pub(super) misfit: Option<String>,
    /// Under the last key it has a list or an object.
    pub(super) list: bool,
    /// Under the last key it has the values of several rows: a list, or an object whose keys are
    /// their numbers.
    pub(super) numbered: bool,
    /// In a dynamic value it has a number that is no long.
    pub(super) real: bool,
    /// What is not kept of a value.
    pub(super) lost: Option<String>,
}

/// Puts the next value into a column.
pub(super) struct Cell<'r> {
    pub(super) column: &'r mut Column,
    pub(super) row: usize,
    pub(super) store: &'r mut bool,
    pub(super) state: &'r mut State,
    /// Whether a nested value makes more than a row of what it is in.
    pub(super) wraps: bool,
    /// Whoever looks at types only goes on after a value that does not fit.
    pub(super) lenient: bool,
    pub(super) source: &'r Source,
}

impl Cell<'_> {
    fn take<E: Error>(self, value: &Datum<'_>, kind: ScalarType) -> Result<(), E> {
        if self.column.declared && *self.store {
            match (value, self.column.ty) {
                (Datum::String(text), Some(ScalarType::Dynamic)) => {
                    let (value, doubt) = encoded(text);
                    let lost = losses::of(text, doubt);
                    self.state.lost = self.state.lost.take().or(lost);
                    self.column.push(&value, ScalarType::Dynamic, self.row);
                    return Ok(());
                }
                (Datum::Real(_), Some(ScalarType::Dynamic | ScalarType::Real)) => {
                    self.state.real = true;
                }
                (Datum::String(text), Some(ty)) if times::is_time(ty) && times::is_finer(text) => {
                    self.column.finer += 1;
                }
                _ => {}
            }
        }
        let mut outcome = self.column.take(value, kind, self.row, self.store);
        if let (Err(what), Datum::String(written), Some(ScalarType::DateTime), false) =
            (&mut outcome, value, self.column.ty, self.lenient)
        {
            match self.source.moment(&self.column.name, written) {
                Ok(value) => {
                    self.column.push(&value, ScalarType::DateTime, self.row);
                    outcome = Ok(());
                }
                Err(error) => *what = error.to_string(),
            }
        }
        self.settle(outcome)
    }

    fn settle<E: Error>(self, outcome: Result<(), String>) -> Result<(), E> {
        match outcome {
            Err(_) if self.lenient => *self.store = false,
            Err(what) => {
                self.state.misfit = Some(what);
                return Err(E::custom("a value of another type"));
            }
            Ok(()) => {}
        }
        Ok(())
    }

    /// The type that decides what becomes of a nested value; `None` where only types are wanted.
    fn nested<E: Error>(&mut self) -> Result<Option<ScalarType>, E> {
        if self.wraps {
            self.state.wrapped = true;
            return Err(E::custom("more than a row"));
        }
        self.state.nested |= !self.column.declared;
        self.state.list = true;
        let ty = self.column.widen(ScalarType::Dynamic, self.store);
        Ok(self.store.then_some(ty))
    }

    /// A nested value as text.
    fn as_it_is<E: Error>(&mut self, value: &Json, noted: Noted) -> Result<String, E> {
        self.state.real |= noted.real;
        match noted.key {
            None => Ok(value.to_string()),
            Some(key) => Err(twice(&key)),
        }
    }

    /// Whether a number of a column of whole or exact numbers, or of truth, may be another one than
    /// this real: `4.9999999999999999999` is written so.
    fn is_rounded(&self, value: f64) -> bool {
        match self.column.ty {
            Some(ScalarType::Int | ScalarType::Long | ScalarType::Bool) => {
                value.fract() == 0.0 && value.is_finite()
            }
            Some(ScalarType::Decimal) => true,
            _ => false,
        }
    }

    /// Whether a real would lose how a number is written.
    fn is_inexact(&self) -> bool {
        !self.column.settled || self.column.ty == Some(ScalarType::String)
    }
}

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Cell<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.take(&Datum::Bool(value), ScalarType::Bool)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        if !self.column.settled && value.unsigned_abs() > 1 << 53 {
            self.column.large = true;
            if self.column.ty == Some(ScalarType::Real) {
                self.column.write(self.store);
            }
        }
        self.take(&Datum::Long(value), ScalarType::Long)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            #[expect(clippy::cast_precision_loss, reason = "past the largest long")]
            Err(_) => self.visit_f64(value as f64),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        if self.is_inexact() || self.is_rounded(value) {
            self.state.inexact = true;
            return Err(E::custom("a number that must be read as it is written"));
        }
        self.take(&Datum::Real(value), ScalarType::Real)
    }

    /// A number that is no long, as it is written.
    fn visit_bytes<E: Error>(self, number: &[u8]) -> Result<(), E> {
        let text = std::str::from_utf8(number).map_err(E::custom)?;
        let value: f64 = text.parse().map_err(E::custom)?;
        if !self.column.settled && !guess::comes_back(text) {
            self.column.write(self.store);
        }
        if self.column.ty == Some(ScalarType::String)
            && (self.column.settled || self.column.written)
        {
            return self.take(&Datum::text(text), ScalarType::String);
        }
        if self.column.settled && self.is_rounded(value) {
            let exact = Decimal::parse(text).filter(|_| !fit::is_beyond_reals(value));
            let exact = exact.map_or(Datum::text(text), Datum::Decimal);
            return self.take(&exact, ScalarType::String);
        }
        if !value.is_finite() {
            let name = &self.column.name;
            let what = format!(
                "has {} in column {name}, which no real holds",
                fit::in_short(text)
            );
            self.state.misfit = Some(what);
            return Err(E::custom("a number that no real holds"));
        }
        self.take(&Datum::Real(value), ScalarType::Real)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        if self.wraps && wrapped::may_hold(value) {
            self.state.wrapped = true;
            return Err(E::custom("more than a row"));
        }
        self.state.nested |= !self.column.declared && wrapped::may_hold(value);
        if self.column.settled {
            return self.take(&Datum::text(value), ScalarType::String);
        }
        let order = self.source.reading.date_order;
        let kind = self.column.kind_of(value, order);
        // A conversion of KQL would take the first number for the month.
        let moment = order.filter(|_| kind == ScalarType::DateTime);
        match moment.and_then(|order| times::numbered(value, order)) {
            Some(moment) => self.take(&Datum::DateTime(moment), kind),
            None => self.take(&Datum::text(value), kind),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, list: A) -> Result<(), A::Error> {
        let ty = self.nested()?;
        self.state.numbered = true;
        let real = &mut self.state.real;
        let Some(ty) = ty else {
            return Encode { real }.visit_seq(list).map(|_| ());
        };
        if ty == ScalarType::String {
            let mut noted = Noted::default();
            let value = Noting(&mut noted).visit_seq(list)?;
            let text = self.as_it_is(&value, noted)?;
            self.column.push(&Datum::text(text), ty, self.row);
            return Ok(());
        }
        let value = Encode { real }.visit_seq(list)?;
        let outcome = self.column.take_nested(value, ty, self.row);
        self.settle(outcome)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<(), A::Error> {
        let ty = self.nested()?;
        let real = &mut self.state.real;
        let Some(ty) = ty else {
            return Encode { real }.visit_map(map).map(|_| ());
        };
        if ty == ScalarType::String {
            let mut noted = Noted::default();
            let value = Noting(&mut noted).visit_map(map)?;
            self.state.numbered = value.as_object().is_some_and(|members| {
                let mut keys = members.keys();
                keys.all(|key| key.parse::<u64>().is_ok()) && !members.is_empty()
            });
            let text = self.as_it_is(&value, noted)?;
            self.column.push(&Datum::text(text), ty, self.row);
            return Ok(());
        }
        let value = Encode { real }.visit_map(map)?;
        let outcome = self.column.take_nested(value, ty, self.row);
        self.settle(outcome)
    }
}

/// Passes over a value, unless it makes more than a row of what it is in.
pub(super) struct Glance<'r> {
    pub(super) state: &'r mut State,
}

impl Glance<'_> {
    fn more<E: Error>(self) -> E {
        self.state.wrapped = true;
        E::custom("more than a row")
    }
}

impl<'de> DeserializeSeed<'de> for Glance<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Glance<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        if wrapped::may_hold(value) {
            return Err(self.more());
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(self.more())
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(self.more())
    }
}

/// JSON in a text, as the service gives dynamic columns, and what it may not hold; what is no JSON
/// stays text.
pub(in crate::catalog) fn encoded(text: &str) -> (Datum<'static>, Doubt) {
    if text.is_empty() {
        return (Datum::Null, Doubt::default());
    }
    dynamic::parse_noting(text, |bytes, doubt| (Datum::dynamic(bytes.to_vec()), doubt))
}

/// Encodes a JSON value as a dynamic, without a tree in between; a key that an object has twice is
/// an error.
struct Encode<'s> {
    /// Set where a number is no long.
    real: &'s mut bool,
}

impl<'de> DeserializeSeed<'de> for Encode<'_> {
    type Value = Vec<u8>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Vec<u8>, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Encode<'_> {
    type Value = Vec<u8>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Vec<u8>, E> {
        Ok(dynamic::null())
    }

    fn visit_bool<E>(self, value: bool) -> Result<Vec<u8>, E> {
        Ok(dynamic::bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Vec<u8>, E> {
        Ok(dynamic::long(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Vec<u8>, E> {
        match i64::try_from(value) {
            Ok(value) => Ok(dynamic::long(value)),
            #[expect(clippy::cast_precision_loss, reason = "past the largest long")]
            Err(_) => self.visit_f64(value as f64),
        }
    }

    fn visit_f64<E>(self, value: f64) -> Result<Vec<u8>, E> {
        *self.real = true;
        Ok(dynamic::real(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Vec<u8>, E> {
        Ok(dynamic::string(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u8>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(Encode { real: self.real })? {
            items.push(item);
        }
        Ok(dynamic::array(&items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<u8>, A::Error> {
        let mut entries: Vec<(String, Vec<u8>)> = Vec::new();
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(twice(&key));
            }
            entries.push((key, map.next_value_seed(Encode { real: self.real })?));
        }
        Ok(dynamic::object(&entries))
    }
}

fn twice<E: Error>(key: &str) -> E {
    E::custom(format!("an object has the key '{key}' twice"))
}

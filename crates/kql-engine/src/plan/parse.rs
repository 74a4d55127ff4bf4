//! `parse` and `parse-where`.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use kql_semantics::bound::{Parse, ParseMode, ParsePart};
use kql_semantics::{ColumnId, ScalarType};
use regex::Regex;

use super::steps::batch_of;
use super::transform::Each;
use super::{Flow, Planner};
use crate::EngineError;
use crate::column::{Builder, Reader};
use crate::convert;
use crate::datum::Datum;
use crate::error::Foreign;
use crate::functions::terms::regex;

/// A pattern as a regular expression and the columns of its groups.
#[derive(Clone)]
struct Pattern {
    regex: Regex,
    /// The group of each column.
    names: Vec<String>,
    /// A value that does not convert fails the match.
    strict: bool,
    types: Vec<ScalarType>,
}

fn pattern(parse: &Parse) -> Result<(Pattern, Vec<(ColumnId, ScalarType)>), EngineError> {
    let as_written = pattern_of(parse, Cow::Borrowed);
    match (as_written, &parse.mode) {
        // The service takes a parenthesis without its other half for a character.
        (Err(error), ParseMode::Regex(_)) => {
            pattern_of(parse, |literal| Cow::Owned(balanced(literal))).map_err(|_| error)
        }
        (answer, _) => answer,
    }
}

/// A regular expression whose parentheses without their other half are escaped.
fn balanced(text: &str) -> String {
    let (mut open, mut alone) = (Vec::new(), Vec::new());
    let (mut escaped, mut in_class) = (false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => open.push(at),
            ')' if !in_class && open.pop().is_none() => alone.push(at),
            _ => {}
        }
    }
    alone.extend(open);
    let mut out = String::with_capacity(text.len() + alone.len());
    for (at, letter) in text.char_indices() {
        if alone.contains(&at) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

fn pattern_of<'p>(
    parse: &'p Parse,
    read: impl Fn(&'p str) -> Cow<'p, str>,
) -> Result<(Pattern, Vec<(ColumnId, ScalarType)>), EngineError> {
    let mut text = String::new();
    let mut outputs: Vec<(ColumnId, ScalarType)> = Vec::new();
    let regex_mode = matches!(parse.mode, ParseMode::Regex(_));
    let (flags, greedy) = match &parse.mode {
        ParseMode::Regex(flags) => (
            format!("(?{})", flags.replace('U', "")).replace("(?)", ""),
            !flags.contains('U'),
        ),
        _ => ("(?s)".to_owned(), false),
    };
    text.push_str(&flags);
    if !regex_mode {
        text.push('^');
    }
    let parts = &parse.pattern;
    for (at, part) in parts.iter().enumerate() {
        let last = parts[at + 1..]
            .iter()
            .all(|rest| matches!(rest, ParsePart::Text(text) if text.is_empty()));
        match part {
            ParsePart::Text(literal) if regex_mode => text.push_str(&read(literal)),
            ParsePart::Text(literal) => text.push_str(&regex::escape(literal)),
            ParsePart::Star if at == 0 && regex_mode => {}
            ParsePart::Star => text.push_str(if last && !regex_mode { ".*" } else { ".*?" }),
            ParsePart::Capture { column, ty } => {
                let shape = match ty {
                    ScalarType::Bool if regex_mode => Some("(?i:true|false)"),
                    ScalarType::Int | ScalarType::Long => Some(r"[+-]?\d+"),
                    ScalarType::Real | ScalarType::Decimal if regex_mode => {
                        Some(r"[+-]?\d+(?:\.\d+)?")
                    }
                    ScalarType::Real | ScalarType::Decimal => {
                        Some(r"[+-]?\d*\.?\d+(?:[eE][+-]?\d+)?")
                    }
                    _ => None,
                };
                let any = if (last && !regex_mode) || (greedy && regex_mode) {
                    ".*"
                } else {
                    ".*?"
                };
                let space = if shape.is_some() { r"\s*?" } else { "" };
                let taken = match (shape, &parse.mode) {
                    (Some(shape), ParseMode::Relaxed) => format!("{shape}|{any}"),
                    (Some(shape), _) => shape.to_owned(),
                    (None, _) => any.to_owned(),
                };
                text.push_str(&format!("{space}(?P<k{}>{taken}){space}", outputs.len()));
                outputs.push((*column, *ty));
            }
        }
    }
    if !regex_mode {
        text.push('$');
    }
    let compiled = regex(&text)?;
    let pattern = Pattern {
        regex: compiled,
        types: outputs.iter().map(|(_, ty)| *ty).collect(),
        names: (0..outputs.len()).map(|at| format!("k{at}")).collect(),
        strict: matches!(parse.mode, ParseMode::Simple),
    };
    Ok((pattern, outputs))
}

impl Pattern {
    fn apply(&self, text: &str) -> Option<Vec<Datum<'static>>> {
        let found = self.regex.captures(text)?;
        let mut values = vec![Datum::Null; self.types.len()];
        for (slot, (name, ty)) in self.names.iter().zip(&self.types).enumerate() {
            let raw = found.name(name).map_or("", |one| one.as_str());
            let value = convert::to_type(&Datum::text(raw.to_owned()), *ty).into_owned();
            if self.strict && value.is_null() && *ty != ScalarType::String {
                return None;
            }
            values[slot] = value;
        }
        Some(values)
    }
}

impl Planner<'_> {
    pub(super) fn parse(
        &self,
        flow: Flow,
        parse: &Parse,
        columns: &[(ColumnId, ScalarType)],
    ) -> Result<Flow, EngineError> {
        let (pattern, outputs) = pattern(parse)?;
        let matched_only = parse.matched_only;
        self.row_wise(
            "parse",
            flow,
            &parse.input,
            &outputs,
            columns,
            matched_only,
            move |text| pattern.apply(text),
        )
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one private seam for three operators"
    )]
    pub(super) fn row_wise(
        &self,
        title: &'static str,
        flow: Flow,
        input: &kql_semantics::bound::Expr,
        outputs: &[(ColumnId, ScalarType)],
        columns: &[(ColumnId, ScalarType)],
        matched_only: bool,
        work: impl Fn(&str) -> Option<Vec<Datum<'static>>> + Send + Sync + 'static,
    ) -> Result<Flow, EngineError> {
        let (plan, _) = self.with_values(&flow, &[input])?;
        let base = flow.carried.len() + flow.columns.len();
        let mut present = flow.columns.clone();
        present.extend(outputs);
        let schema = self.schema_of(&flow.carried, &present);
        let out = Arc::clone(&schema);
        let types: Vec<ScalarType> = outputs.iter().map(|(_, ty)| *ty).collect();
        let ty = input.ty;
        let work = Arc::new(work);
        let plan = self.transform(
            title,
            vec![plan],
            schema,
            Arc::new(move || {
                let (out, types, work) = (Arc::clone(&out), types.clone(), Arc::clone(&work));
                Box::new(Each(move |_, batch: RecordBatch| {
                    let rows = batch.num_rows();
                    let reader = Reader::new(batch.column(base), ty);
                    let mut builders: Vec<Builder> =
                        types.iter().map(|ty| Builder::new(*ty, rows)).collect();
                    let mut mask = Vec::with_capacity(rows);
                    for row in 0..rows {
                        let values = work(&reader.get(row).display());
                        mask.push(values.is_some() || !matched_only);
                        for (at, builder) in builders.iter_mut().enumerate() {
                            let value = values.as_ref().and_then(|values| values.get(at));
                            builder.push(value.unwrap_or(&Datum::Null));
                        }
                    }
                    let mut columns = batch.columns()[..base].to_vec();
                    columns.extend(builders.into_iter().map(Builder::finish));
                    let all = batch_of(&out, columns, rows)?;
                    filter_record_batch(&all, &BooleanArray::from(mask)).ours()
                }))
            }),
        )?;
        self.keep(
            Flow {
                plan,
                columns: present,
                carried: flow.carried,
            },
            columns,
        )
    }
}

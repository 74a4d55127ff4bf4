//! An answer as bytes, within the service's caps.

use std::ops::ControlFlow;

use super::fault::QueryFault;
use super::json::{Style, write_text};
use super::value::Rows;
use super::{graph, plain};
use crate::hosts::Api;
use crate::options::Limits;

/// Writes rows until they end or are enough; more bytes than allowed are an error, more rows
/// are left out.
pub(super) fn encode(rows: Rows, style: &Style, limits: Limits) -> Result<Vec<u8>, QueryFault> {
    let columns = rows.columns.clone();
    let write_row = match style.api {
        Api::Graph => graph::write_row,
        Api::Mde | Api::M365d => plain::write_row,
    };
    let names: Vec<Vec<u8>> = columns
        .iter()
        .map(|column| {
            let mut name = Vec::new();
            write_text(&mut name, &column.name);
            name
        })
        .collect();
    let mut results = vec![b'['];
    let mut count = 0_usize;
    let mut too_large = false;
    if limits.rows > 0 {
        rows.for_each(|row| {
            if count > 0 {
                results.push(b',');
            }
            write_row(&mut results, &columns, &names, &row);
            count += 1;
            too_large = results.len() > limits.answer_bytes;
            if too_large || count == limits.rows {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
    }
    if too_large {
        return Err(QueryFault::ResultSize);
    }
    results.push(b']');
    Ok(match style.api {
        Api::Graph => graph::envelope(&columns, &results, style),
        Api::Mde | Api::M365d => plain::envelope(&columns, &results, count, style),
    })
}

//! From text to rows.

use futures::channel::oneshot;

use crate::{Catalog, EngineError, Options, ResultColumn, ResultSet};

pub(crate) fn query(
    catalog: &Catalog,
    options: &Options,
    text: &str,
    cancelled: oneshot::Receiver<()>,
) -> Result<ResultSet, EngineError> {
    let _ = (catalog, options, cancelled);
    Err(EngineError::unsupported("this query", 0..text.len()))
}

pub(crate) fn schema(
    catalog: &Catalog,
    options: &Options,
    text: &str,
    cancelled: oneshot::Receiver<()>,
) -> Result<Vec<ResultColumn>, EngineError> {
    Ok(query(catalog, options, text, cancelled)?.columns)
}

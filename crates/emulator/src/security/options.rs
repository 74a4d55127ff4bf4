//! The options of a listing, `$filter` and its companions, as the request has them.

use super::collection::Collection;
use super::filter::Filter;
use super::kind::Kind;
use crate::hosts::Api;
use crate::request::Asked;

/// What the query of a request says.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) filter: Option<Filter>,
    pub(super) top: Option<usize>,
    pub(super) skip: usize,
    pub(super) count: bool,
    pub(super) expand: bool,
    /// The oldest first, as `$orderby` says.
    pub(super) ascending: bool,
    /// What a next page's address repeats.
    pub(super) repeated: Vec<(String, String)>,
}

impl Options {
    pub(super) fn parse(collection: Collection, asked: &Asked) -> Result<Self, String> {
        let mut options = Self::default();
        let query = asked.uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let number = || {
                value
                    .parse::<usize>()
                    .map_err(|_| format!("Invalid value '{value}' for {name} query option."))
            };
            match &*name {
                "$filter" => {
                    let kind = |property: &str| Kind::of(collection, property);
                    let filter = Filter::parse(&value, collection.filterable(), kind)?;
                    options.filter = Some(filter);
                }
                "$top" => options.top = Some(number()?),
                "$skip" | "$skiptoken" => options.skip = number()?,
                "$count" => options.count = value == "true",
                "$expand" if collection.expandable() == Some(&*value) => options.expand = true,
                // Graph's page does not name it; the service takes it all the same.
                "$orderby" if collection.api() == Api::Graph => {
                    options.ascending = ascending(collection, &value)?;
                }
                "$expand" => {
                    return Err(format!("The property '{value}' cannot be expanded."));
                }
                other if other.starts_with('$') => {
                    return Err(format!("The query option '{other}' is not supported."));
                }
                _ => {}
            }
            if !matches!(&*name, "$skip" | "$skiptoken") {
                options
                    .repeated
                    .push((name.into_owned(), value.into_owned()));
            }
        }
        let most = collection.most();
        match options.top {
            Some(top) if top > most => Err(format!(
                "The limit of '{most}' for Top query has been exceeded. The value from the \
                 incoming request is '{top}'."
            )),
            _ => Ok(options),
        }
    }
}

/// Whether `order` wants the oldest first.
fn ascending(collection: Collection, order: &str) -> Result<bool, String> {
    let mut words = order.split_whitespace();
    let property = words.next().unwrap_or_default();
    let direction = words.next().unwrap_or("asc");
    let known = property.eq_ignore_ascii_case(collection.time())
        && ["asc", "desc"].contains(&direction)
        && words.next().is_none();
    if known {
        Ok(direction == "asc")
    } else {
        Err(format!(
            "Invalid $orderby clause: '{order}' cannot be used in the $orderby query option."
        ))
    }
}

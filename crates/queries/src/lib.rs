//! Parameterised query definitions for Microsoft Defender: MSTICPy's files, rendered safely.
//!
//! [`Library::load`] reads folders of definition files and reports what is wrong with them,
//! [`Library::list_queries`] and [`Library::search`] find queries, and [`Library::render`] makes a query
//! text of one and [`Parameters`]. A parameter is a value, not text: whatever it holds, it
//! stays inside of the literal, the name or the pipeline that the template gives it.
//!
//! Nothing here asks a service, and only the paths that are given are read.

mod about;
mod builtin;
mod definition;
mod environments;
mod finding;
mod folders;
mod folding;
mod format;
mod help;
mod library;
mod names;
mod node;
mod placing;
mod ranges;
mod reading;
mod rendering;
mod rules;
mod sample;
mod scanning;
mod schema;
mod search;
mod template;
mod testing;
mod time;
mod value;
mod writing;

pub use about::Entity;
pub use definition::{Definition, Kind, Language, Parameter, Type};
pub use environments::{compatible, folders};
pub use finding::{Finding, Severity};
pub use library::{CustomQuery, Filter, Library};
pub use names::valid_name;
pub use ranges::split_ranges;
pub use rendering::{Origin, Rendered, Used};
pub use rules::{RuleQuery, rule_queries};
pub use sample::Sample;
pub use schema::SCHEMA;
pub use search::Search;
pub use testing::{Mutant, QueryTest, Row, TestCase, junit, mutants};
pub use value::{Parameters, Value};

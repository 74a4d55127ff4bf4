//! The collections beside hunting: alerts and incidents of Graph, alerts and machines of Defender
//! for Endpoint, over the same rows as the hunting tables.
//!
//! Sources: <https://learn.microsoft.com/graph/api/security-list-alerts_v2>,
//! <https://learn.microsoft.com/graph/api/security-list-incidents>,
//! <https://learn.microsoft.com/defender-endpoint/api/get-alerts>,
//! <https://learn.microsoft.com/defender-endpoint/api/get-machines>,
//! <https://learn.microsoft.com/defender-endpoint/api/exposed-apis-list>

mod answer;
mod collection;
mod enumeration;
mod filter;
mod item;
mod kind;
mod options;
mod related;
mod story;
mod tables;

pub(crate) use answer::answer;
pub(crate) use item::{Item, is_export};

//! The hunting APIs of Microsoft Defender: requests, answers, errors.
//!
//! One engine, [`Hunting`], asks every API that takes KQL; what differs between them is a
//! [`Description`]. An answer becomes Arrow while it downloads, and reaches the caller only when
//! all of it has arrived. Anything that can answer a [`Query`] is a [`Driver`].
//!
//! The drivers know addresses and scopes only as the caller gives them.

mod connection;
mod decode;
mod description;
mod exchange;
mod failure;
mod hunting;
#[cfg(feature = "m365d")]
mod m365d;
#[cfg(feature = "m365d-graph")]
mod m365d_graph;
#[cfg(feature = "mde")]
mod mde;
mod pace;
mod pipeline;
mod query;
mod split;

pub use connection::{Connection, Limits, RandomIds, RequestIds};
pub use description::Description;
pub use hunting::Hunting;
#[cfg(feature = "m365d")]
pub use m365d::M365D;
#[cfg(feature = "m365d-graph")]
pub use m365d_graph::M365D_GRAPH;
#[cfg(feature = "mde")]
pub use mde::MDE;
pub use query::{Driver, Query};
pub use split::{
    AllRows, Counted, NoStore, Progress, Slice, SliceStore, SplitOptions, Splitting, Unseen,
};

pub use defender_table::{Answer, DatetimeMode, Timespan};

//! The hunting and security APIs of Microsoft Defender: requests, answers, errors.
//!
//! One engine, [`Hunting`], asks every API that takes KQL; what differs between them is a
//! [`Description`]. An answer becomes Arrow while it downloads, and reaches the caller only when
//! all of it has arrived. Anything that can answer a [`Query`] is a [`Driver`].
//!
//! Beside it [`Collections`] reads lists over `OData`: alerts, incidents, machines. A [`Watch`]
//! tells each of their rows once.
//!
//! The drivers know addresses and scopes only as the caller gives them.

mod capabilities;
mod collection;
mod connection;
mod decode;
mod description;
mod envelope;
mod exchange;
mod failure;
mod hunting;
#[cfg(feature = "m365d")]
mod m365d;
#[cfg(feature = "m365d-graph")]
mod m365d_graph;
#[cfg(feature = "mde")]
mod mde;
#[cfg(feature = "mde-rest")]
mod mde_rest;
mod pace;
mod patience;
mod pipeline;
mod query;
#[cfg(feature = "security-graph")]
mod security_graph;
mod split;
mod watch;

pub use capabilities::{Capabilities, RowLimit};
pub use collection::{Collection, CollectionRequest, Collections, CollectionsDescription};
pub use connection::{Connection, Limits, RandomIds, RequestIds};
pub use description::Description;
pub use hunting::Hunting;
#[cfg(feature = "m365d")]
pub use m365d::M365D;
#[cfg(feature = "m365d-graph")]
pub use m365d_graph::M365D_GRAPH;
#[cfg(feature = "mde")]
pub use mde::MDE;
#[cfg(feature = "mde-rest")]
pub use mde_rest::MDE_REST;
pub use query::{Driver, Query};
#[cfg(feature = "security-graph")]
pub use security_graph::SECURITY_GRAPH;
pub use split::{
    AllRows, Counted, NoStore, Progress, Slice, SliceStore, SplitOptions, Splitting, Unseen,
};
pub use watch::{Cursor, Watch};

pub use defender_table::{Answer, DatetimeMode, Timespan};

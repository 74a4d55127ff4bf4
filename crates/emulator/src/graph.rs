//! What Graph has besides hunting and lists: batches of requests, and who a user is.

mod batch;
mod user_info;

pub(crate) use batch::{Within, answer as batch};
pub(crate) use user_info::answer as user_info;

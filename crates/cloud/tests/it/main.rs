//! The tables as a whole: golden hosts, and the page that is made from them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod golden;
mod page;

//! What Graph's and Defender's APIs have in common: which tokens they take, and how they refuse.

mod refused;
mod token;

pub(crate) use refused::{Refused, error, identify, outage};
pub(crate) use token::{authenticate, authorize};

//! The drivers from outside: whole exchanges over a scripted transport.

mod exchange;
mod fixtures;
mod support;

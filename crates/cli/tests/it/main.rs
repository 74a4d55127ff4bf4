//! The built command against an emulator in this process.

mod cases;
mod command;
mod faults;
mod hosts;
mod interruption;
mod secrets;
mod service;
mod terminal;

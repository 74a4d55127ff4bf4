//! The command `defender`.
fn main() {}

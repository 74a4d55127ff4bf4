//! Panics that become the error of a damaged file say nothing by themselves.

use std::panic;

/// Leaves the rest to whatever was said before.
pub(crate) fn quiet_where_caught() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !defender_query::panic_is_caught() {
            usual(panic);
        }
    }));
}

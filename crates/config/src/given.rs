//! A value that is there to be used, and that a message shows only when it may.

use std::fmt;

use crate::{ConnectionKey, Origin};

/// The value of a key, and where it came from.
///
/// What came from a variable or a vault may be a secret in the wrong place. So nothing here turns
/// into text by itself but what a message may show: `Display` and `Debug` quote a value that was
/// written where it is used, and name the place of any other. Whoever uses the value asks for it
/// with [`get`](Self::get).
pub struct Given<'a, T: ?Sized> {
    value: &'a T,
    key: ConnectionKey,
    origin: String,
    may_quote: bool,
}

impl<'a, T: ?Sized> Given<'a, T> {
    pub(crate) fn new(value: &'a T, key: ConnectionKey, origin: String, may_quote: bool) -> Self {
        Self {
            value,
            key,
            origin,
            may_quote,
        }
    }

    /// The value, to be used.
    pub fn get(&self) -> &'a T {
        self.value
    }

    /// The value, when a message may show it.
    pub fn quotable(&self) -> Option<&'a T> {
        self.may_quote.then_some(self.value)
    }

    /// Where it came from, for messages.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl<T: fmt::Display + ?Sized> fmt::Display for Given<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.quotable() {
            Some(value) => write!(f, "'{value}'"),
            // A connection string has many values.
            None if self.origin == Origin::ConnectionString.to_string() => {
                write!(f, "the value of {} in {}", self.key, self.origin)
            }
            None => write!(f, "the value of {}", self.origin),
        }
    }
}

impl<T: ?Sized> fmt::Debug for Given<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.key, self.origin)
    }
}

impl<T: ?Sized> Clone for Given<'_, T> {
    fn clone(&self) -> Self {
        Self {
            value: self.value,
            key: self.key,
            origin: self.origin.clone(),
            may_quote: self.may_quote,
        }
    }
}

//! The first of several credentials that is configured.

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use defender_core::{AccessToken, Credential, Error, ErrorKind, Result, TokenRequest};

/// Asks its members in order and goes on only when one is not configured.
///
/// - A member that is configured and fails ends the search: to go on would sign in as somebody
///   else than was asked for, and hide what is wrong.
/// - The member that first gave a token is the only one asked from then on, so that the identity
///   does not change in the middle of a run.
/// - When it fails, the error lists what each member before it said.
///
/// ```
/// # use std::sync::Arc;
/// # use defender_core::Credential;
/// use defender_credentials::Chain;
///
/// fn first(environment: Arc<dyn Credential>, machine: Arc<dyn Credential>) -> impl Credential {
///     Chain::new([("environment", environment), ("managed identity", machine)])
/// }
/// ```
pub struct Chain {
    members: Vec<(String, Arc<dyn Credential>)>,
    winner: OnceLock<usize>,
}

impl Chain {
    /// Asks `members`, each with the name that messages call it by, in this order.
    pub fn new(
        members: impl IntoIterator<Item = (impl Into<String>, Arc<dyn Credential>)>,
    ) -> Self {
        let members = members
            .into_iter()
            .map(|(name, member)| (name.into(), member));
        Self {
            members: members.collect(),
            winner: OnceLock::new(),
        }
    }

    /// The name of the member that gave the first token, when there was one.
    pub fn winner(&self) -> Option<&str> {
        let (name, _) = self.members.get(*self.winner.get()?)?;
        Some(name)
    }
}

#[async_trait]
impl Credential for Chain {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        if let Some((_, member)) = self.winner.get().and_then(|index| self.members.get(*index)) {
            return member.token(request).await;
        }
        let mut passed = Passed(Vec::new());
        for (index, (name, member)) in self.members.iter().enumerate() {
            match member.token(request).await {
                Ok(token) => {
                    // Callers at the same moment walk the same way, so either's index will do.
                    let _ = self.winner.set(index);
                    tracing::debug!(name, "this credential of the chain is used");
                    return Ok(token);
                }
                Err(error) if error.is_not_configured() => {
                    tracing::debug!(name, %error, "this credential of the chain is not configured");
                    passed.0.push((name.clone(), error));
                }
                Err(error) => {
                    let error = error.reworded(|message| format!("{name}: {message}"));
                    return Err(match passed.into_cause("passed over before it, ") {
                        // What it has to say itself is nearer.
                        Some(before) if std::error::Error::source(&error).is_none() => {
                            error.with_source(before)
                        }
                        _ => error,
                    });
                }
            }
        }
        if passed.0.is_empty() {
            return Err(Error::new(
                ErrorKind::Config,
                "there is no credential to sign in with",
            ));
        }
        let mut error =
            Error::new(ErrorKind::Config, "no way to sign in is configured").not_configured();
        if let Some(hints) = passed.hints() {
            error = error.with_hint(hints);
        }
        Err(match passed.into_cause("") {
            Some(cause) => error.with_source(cause),
            None => error,
        })
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.members.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

/// Those that were not configured, and what they said.
struct Passed(Vec<(String, Error)>);

impl Passed {
    /// What each said, as causes one after the other.
    fn into_cause(self, front: &str) -> Option<Error> {
        let mut cause = None;
        for (name, error) in self.0.into_iter().rev() {
            let said = Error::new(error.kind(), format!("{front}{name}: {error}"));
            cause = Some(match cause {
                Some(next) => said.with_source(next),
                None => said,
            });
        }
        cause
    }

    fn hints(&self) -> Option<String> {
        let each = |(name, error): &(String, Error)| Some(format!("{name}: {}", error.hint()?));
        let hints: Vec<String> = self.0.iter().filter_map(each).collect();
        (!hints.is_empty()).then(|| hints.join("; "))
    }
}

#[cfg(test)]
mod tests;

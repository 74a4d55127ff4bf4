//! Scopes: which resource, which permissions, and what `OpenID` Connect adds.

use super::refusal::Refusal;

/// What a scope ends with when it means everything that was granted.
const DEFAULT: &str = ".default";

/// The scopes that belong to no resource.
const OPENID: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// A scope that a user's token is asked for with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Scope {
    /// The resource as it was written; nothing for Graph, whose permissions stand alone.
    pub(super) resource: Option<String>,
    /// The permissions by name, `.default` among them.
    pub(super) permissions: Vec<String>,
    /// Which of [`OPENID`] were asked for.
    pub(super) openid: Vec<&'static str>,
    /// Further resources, which an authorization may name and a token may not.
    pub(super) others: Vec<Self>,
}

impl Scope {
    /// What version 1 means by a resource.
    pub(super) fn of_resource(resource: &str) -> String {
        format!("{resource}/.default openid profile offline_access")
    }

    /// Reads a scope.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity-platform/scopes-oidc>
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut scope = Self::default();
        let mut first = true;
        for word in text.split_whitespace() {
            if let Some(openid) = OPENID.iter().find(|name| **name == word) {
                if !scope.openid.contains(openid) {
                    scope.openid.push(openid);
                }
                continue;
            }
            let (resource, permission) = match word.rsplit_once('/') {
                Some((resource, permission)) => (Some(resource.to_owned()), permission),
                None => (None, word),
            };
            // An address without a permission ends in the middle of one.
            let cut = |resource: &str| resource.is_empty() || resource.ends_with(":/");
            if permission.is_empty() || resource.as_deref().is_some_and(cut) {
                return Err(Refusal::scope(text));
            }
            if first {
                scope.resource.clone_from(&resource);
                first = false;
            }
            let place = if scope.resource == resource {
                &mut scope
            } else {
                let known = scope
                    .others
                    .iter()
                    .position(|other| other.resource == resource);
                let index = known.unwrap_or_else(|| {
                    scope.others.push(Self {
                        resource: resource.clone(),
                        ..Self::default()
                    });
                    scope.others.len() - 1
                });
                &mut scope.others[index]
            };
            place.permissions.push(permission.to_owned());
        }
        if first && scope.openid.is_empty() {
            return Err(Refusal::scope(text));
        }
        let mixed = |scope: &Self| {
            scope.permissions.len() > 1 && scope.permissions.iter().any(|name| name == DEFAULT)
        };
        if mixed(&scope) || scope.others.iter().any(mixed) {
            return Err(Refusal::scope_mixed());
        }
        Ok(scope)
    }

    pub(super) fn is_default(&self) -> bool {
        self.permissions.iter().any(|name| name == DEFAULT)
    }

    pub(super) fn asks(&self, openid: &str) -> bool {
        self.openid.contains(&openid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_without_a_resource_are_graphs() {
        let scope = Scope::parse("User.Read openid  offline_access openid").unwrap();
        assert_eq!(scope.resource, None);
        assert_eq!(scope.permissions, ["User.Read"]);
        assert_eq!(scope.openid, ["openid", "offline_access"]);
        assert!(scope.asks("openid") && !scope.asks("profile") && !scope.is_default());
    }

    #[test]
    fn a_second_resource_stands_apart() {
        let scope =
            Scope::parse("https://a.example/.default profile https://b.example//x y").unwrap();
        assert_eq!(scope.resource.as_deref(), Some("https://a.example"));
        assert!(scope.is_default());
        let others: Vec<_> = scope
            .others
            .iter()
            .map(|other| (other.resource.as_deref(), other.permissions.join(" ")))
            .collect();
        assert_eq!(
            others,
            [
                (Some("https://b.example/"), "x".to_owned()),
                (None, "y".to_owned())
            ]
        );
    }

    #[test]
    fn what_says_nothing_is_refused() {
        for wrong in [
            "",
            " ",
            "/.default",
            "https://a.example/",
            "https://a.example",
            "api://a",
            "https://a.example/.default https://a.example/x",
        ] {
            assert!(Scope::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}

//! A directory of Entra ID, as the options describe it.

use super::vault::{Vault, VaultSecret};
use crate::hosts::Cloud;
use crate::registration::{Application, ManagedIdentity, User};

/// One directory of Entra ID.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// The directory's identifier.
    pub id: String,
    /// What the directory is called; also the instance's name in the settings of
    /// [`Running::settings_yaml`](crate::Running::settings_yaml).
    pub name: String,
    /// Another way to name the directory in a path.
    pub domain: Option<String>,
    /// The cloud the directory lives in; other clouds' authorities do not know it.
    pub cloud: Cloud,
    /// What may sign in.
    pub applications: Vec<Application>,
    /// The users who may sign in; the first one is the default.
    pub users: Vec<User>,
    /// The key vaults that trust the directory.
    pub vaults: Vec<Vault>,
}

impl Tenant {
    /// The default tenant, `11111111-1111-1111-1111-111111111111`, with one application that may
    /// hunt, a machine's identity that may too, two users (`analyst@demo.example` and
    /// `admin@demo.example`) and a vault, `demo-vault`, that holds its secret under the name that MSTICPy gives it.
    pub fn demo() -> Self {
        Self::made_up('1', "Demo", "demo.example", Cloud::Global)
    }

    /// Another tenant of the global cloud, `22222222-2222-2222-2222-222222222222`.
    pub fn second() -> Self {
        Self::made_up('2', "Second", "second.example", Cloud::Global)
    }

    /// A tenant of the US government's cloud, `33333333-3333-3333-3333-333333333333`.
    pub fn government() -> Self {
        Self::made_up('3', "Government", "government.example", Cloud::UsGovernment)
    }

    fn made_up(digit: char, name: &str, domain: &str, cloud: Cloud) -> Self {
        let repeated = |count| String::from(digit).repeat(count);
        let head = format!(
            "{}-{}-{}-{}",
            repeated(8),
            repeated(4),
            repeated(4),
            repeated(4)
        );
        let client_id = format!("{head}-aaaaaaaaaaaa");
        let machine = format!("{head}-bbbbbbbbbbbb");
        let name_in_lower_case = name.to_lowercase();
        let secret = format!("{name_in_lower_case}-secret-made-up");
        Self {
            id: format!("{head}-{}", repeated(12)),
            name: name.to_owned(),
            domain: Some(domain.to_owned()),
            cloud,
            vaults: vec![Vault {
                readers: vec![
                    client_id.clone(),
                    machine.clone(),
                    format!("analyst@{domain}"),
                ],
                writers: vec![client_id.clone()],
                listers: vec![client_id.clone()],
                secrets: vec![VaultSecret::new(
                    "DataProviders-MicrosoftDefender-Args-ClientSecret",
                    secret.clone(),
                )],
                ..Vault::new(format!("{name_in_lower_case}-vault"))
            }],
            applications: vec![
                Application::new(client_id, secret),
                Application {
                    name: "hunting-machine".to_owned(),
                    ..Application::machine(machine, ManagedIdentity::System)
                },
            ],
            users: User::pair(domain),
        }
    }
    /// The user of this name.
    pub(crate) fn user(&self, name: &str) -> Option<&User> {
        let mut users = self.users.iter();
        users.find(|user| user.name.eq_ignore_ascii_case(name))
    }

    /// The application with this identifier.
    pub(crate) fn application(&self, client_id: &str) -> Option<&Application> {
        self.applications
            .iter()
            .find(|application| application.client_id.eq_ignore_ascii_case(client_id))
    }
}

//! `/{tenant}/adminconsent`: an administrator consents for the whole tenant.

use bytes::Bytes;
use http::Response;

use super::directory::{Directory, Version};
use super::form::parameters;
use super::redirect::{self, ResponseMode, registered};
use super::refusal::Refusal;
use super::user_token::consent;
use crate::request::Asked;
use crate::sign_in::Browser;

impl Directory {
    /// Grants what the application asks for or, in version 2, what `scope` names, and sends the browser back.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity-platform/v2-admin-consent>
    pub(super) fn admin_consent(
        &self,
        asked: &Asked,
        authority: &str,
        version: Version,
    ) -> Response<Bytes> {
        let sent = parameters(asked);
        let field = |name: &str| sent.get(name).map(String::as_str);
        let found = self.home(authority, asked.place, &sent).and_then(|tenant| {
            let client_id = field("client_id").ok_or_else(|| Refusal::missing("client_id"))?;
            let application = tenant
                .application(client_id)
                .ok_or_else(|| Refusal::application_not_found(client_id, tenant))?;
            let redirect_uri = field("redirect_uri").ok_or_else(Refusal::redirect_missing)?;
            registered(application, redirect_uri)
                .ok_or_else(|| Refusal::redirect(redirect_uri, application))?;
            Ok((tenant, application, redirect_uri))
        });
        let (tenant, application, redirect_uri) = match found {
            Ok(found) => found,
            Err(refusal) => return refusal.page(&self.site, asked),
        };
        let granted = if self.sign_in.browser == Browser::Deny {
            Err(Refusal::consent_denied().under("consent_required"))
        } else if !tenant.users.iter().any(|user| user.administrator) {
            Err(Refusal::administrator_needed(application))
        } else if version == Version::Two {
            field("scope")
                .ok_or_else(|| Refusal::missing("scope"))
                .and_then(|scope| self.grant_consent(asked, tenant, application, scope))
        } else {
            self.state
                .lock()
                .consents
                .insert(consent(tenant, application));
            Ok(())
        };
        let mut parameters = vec![("admin_consent", "True".to_owned())];
        match granted {
            Ok(()) => {
                parameters.push(("tenant", tenant.id.clone()));
                if let Some(scope) = field("scope") {
                    parameters.push(("scope", scope.to_owned()));
                }
            }
            Err(refusal) => parameters.extend(refusal.parameters(&self.site, asked)),
        }
        if let Some(state) = field("state") {
            parameters.push(("state", state.to_owned()));
        }
        redirect::answer(redirect_uri, ResponseMode::Query, &parameters)
    }
}

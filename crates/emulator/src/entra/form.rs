//! What a client or a browser sends: a form, a query, the cookie of a session.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};

use crate::request::Asked;

/// The cookie that stands for a browser's session.
pub(super) const SESSION: &str = "ESTSAUTHPERSISTENT";

/// The parameters of the query or, for a POST, the form.
pub(super) fn parameters(asked: &Asked) -> HashMap<String, String> {
    if asked.method == Method::POST {
        return form(asked);
    }
    url::form_urlencoded::parse(asked.uri.query().unwrap_or_default().as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// The form's fields and, from a Basic header, the client's name and secret; nothing when the
/// body says that it is something else.
///
/// A body that does not say what it is counts as a form: MSTICPy has always sent it so, and it
/// signs in.
pub(super) fn form(asked: &Asked) -> HashMap<String, String> {
    let is_form = asked
        .header(CONTENT_TYPE.as_str())
        .is_none_or(|value| value.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return HashMap::new();
    }
    let mut form: HashMap<String, String> = url::form_urlencoded::parse(&asked.body)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    if let Some((user, password)) = basic(asked) {
        form.entry("client_id".to_owned()).or_insert(user);
        form.entry("client_secret".to_owned()).or_insert(password);
    }
    form
}

/// The two halves of a Basic header, which OAuth has form-encoded before they are joined.
fn basic(asked: &Asked) -> Option<(String, String)> {
    let (scheme, credentials) = asked.header(AUTHORIZATION.as_str())?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    let plain = |text: &str| {
        url::form_urlencoded::parse(format!("v={text}").as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    Some((plain(user)?, plain(password)?))
}

/// The session that the browser shows.
pub(super) fn cookie(asked: &Asked) -> Option<&str> {
    let cookies = asked.header(COOKIE.as_str())?;
    let (_, session) = cookies
        .split(';')
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == SESSION)?;
    Some(session)
}

//! What a browser brings back from the authority, told apart from everything else that comes.

use std::time::SystemTime;

use defender_core::{Error, Redaction, SecretString};
use http::{Method, StatusCode};
use url::{Url, form_urlencoded};

use super::ResponseMode;
use super::proof::Proof;
use crate::refusal;

/// What the authority sent the browser back with.
pub(super) enum Answer {
    Code(SecretString),
    Refusal { name: String, description: String },
}

/// A request that is not the answer, and what its sender is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Foreign {
    pub(super) status: StatusCode,
    pub(super) reason: &'static str,
}

impl Foreign {
    pub(super) const fn new(status: StatusCode, reason: &'static str) -> Self {
        Self { status, reason }
    }
}

/// One request to the listener.
pub(super) struct Incoming {
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: String,
    /// Every `Host` header.
    pub(super) hosts: Vec<String>,
    /// The first `Content-Type`, without parameters.
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}

/// The answer in `incoming`, when it is meant for the listener on `port` and has the right state.
///
/// An error without the right state is not believed either: any page could send the browser here
/// with one, to end the sign-in.
pub(super) fn answer(
    incoming: &Incoming,
    port: u16,
    mode: ResponseMode,
    state: &SecretString,
) -> Result<Answer, Foreign> {
    let [host] = incoming.hosts.as_slice() else {
        return Err(Foreign::new(
            StatusCode::BAD_REQUEST,
            "the request does not say whom it is for",
        ));
    };
    let ours = ["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{port}"));
    if !ours.iter().any(|name| name.eq_ignore_ascii_case(host)) {
        // A foreign name that resolves to this machine is an attempt to reach around the browser.
        return Err(Foreign::new(
            StatusCode::MISDIRECTED_REQUEST,
            "this is not the host you asked for",
        ));
    }
    let (path, query) = match incoming.target.split_once('?') {
        Some((path, query)) => (path, query.as_bytes()),
        None => (incoming.target.as_str(), &b""[..]),
    };
    if path != "/" {
        return Err(Foreign::new(StatusCode::NOT_FOUND, "there is nothing here"));
    }
    let wanted = match mode {
        ResponseMode::Query => Method::GET,
        ResponseMode::FormPost => Method::POST,
    };
    if incoming.method != wanted {
        return Err(Foreign::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "the answer does not come this way",
        ));
    }
    let fields = match mode {
        ResponseMode::Query => query,
        ResponseMode::FormPost => {
            let form = "application/x-www-form-urlencoded";
            if !incoming.content_type.eq_ignore_ascii_case(form) {
                return Err(Foreign::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "the answer is not a form",
                ));
            }
            incoming.body.as_slice()
        }
    };
    of_fields(fields, state)
}

fn of_fields(text: &[u8], state: &SecretString) -> Result<Answer, Foreign> {
    const NOT_OURS: Foreign = Foreign::new(
        StatusCode::BAD_REQUEST,
        "this answer does not belong to the sign-in that is waiting",
    );
    let mut fields = Fields::default();
    for (name, value) in form_urlencoded::parse(text) {
        let field = match name.as_ref() {
            "state" => &mut fields.state,
            "code" => &mut fields.code,
            "error" => &mut fields.error,
            "error_description" => &mut fields.description,
            _ => continue,
        };
        if field.replace(value.into_owned()).is_some() {
            return Err(NOT_OURS);
        }
    }
    if !fields
        .state
        .is_some_and(|given| Proof::is_state(state, &given))
    {
        return Err(NOT_OURS);
    }
    match (fields.error, fields.code) {
        (Some(name), None) if !name.is_empty() => Ok(Answer::Refusal {
            name,
            description: fields.description.unwrap_or_default(),
        }),
        (None, Some(code)) if !code.is_empty() => Ok(Answer::Code(code.into())),
        _ => Err(Foreign::new(
            StatusCode::BAD_REQUEST,
            "the answer holds no code",
        )),
    }
}

#[derive(Default)]
struct Fields {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    description: Option<String>,
}

/// The error that the authority's refusal is.
pub(super) fn refusal(
    name: &str,
    description: &str,
    url: &Url,
    now: SystemTime,
    redaction: &Redaction,
) -> Error {
    let context = refusal::Context {
        url,
        client_request_id: "",
        now,
        redaction,
    };
    refusal::of_redirect(name, description, &context)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = "the-state";

    fn incoming(method: Method, target: &str, host: &str) -> Incoming {
        Incoming {
            method,
            target: target.to_owned(),
            hosts: vec![host.to_owned()],
            content_type: String::new(),
            body: Vec::new(),
        }
    }

    fn status(incoming: &Incoming, mode: ResponseMode) -> u16 {
        match answer(incoming, 4321, mode, &STATE.into()) {
            Ok(_) => 200,
            Err(foreign) => foreign.status.as_u16(),
        }
    }

    #[test]
    fn only_the_answer_to_this_sign_in_is_one() {
        for (target, expected) in [
            ("/?code=c&state=the-state", 200),
            (
                "/?state=the%2Dstate&session_state=x&code=c&client_info=y",
                200,
            ),
            ("/?error=access_denied&state=the-state", 200),
            ("/", 400),
            ("/?code=c", 400),
            ("/?code=c&state=", 400),
            ("/?code=c&state=another", 400),
            ("/?code=c&state=the-stat", 400),
            ("/?code=c&state=the-state&state=another", 400),
            ("/?code=c&code=d&state=the-state", 400),
            ("/?code=&state=the-state", 400),
            ("/?state=the-state", 400),
            ("/?code=c&error=e&state=the-state", 400),
            ("/?error=access_denied", 400),
            ("/?error=access_denied&state=another", 400),
            ("/favicon.ico", 404),
            ("/callback?code=c&state=the-state", 404),
            ("//?code=c&state=the-state", 404),
            ("http://localhost:4321/?code=c&state=the-state", 404),
            ("*", 404),
            ("", 404),
        ] {
            let incoming = incoming(Method::GET, target, "localhost:4321");
            assert_eq!(status(&incoming, ResponseMode::Query), expected, "{target}");
        }
    }

    #[test]
    fn only_this_machine_is_the_host() {
        let target = "/?code=c&state=the-state";
        for (host, expected) in [
            ("localhost:4321", 200),
            ("LocalHost:4321", 200),
            ("127.0.0.1:4321", 200),
            ("[::1]:4321", 200),
            ("localhost", 421),
            ("localhost:80", 421),
            ("evil.example:4321", 421),
            ("localhost:4321.evil.example", 421),
            ("", 421),
        ] {
            let incoming = incoming(Method::GET, target, host);
            assert_eq!(status(&incoming, ResponseMode::Query), expected, "{host}");
        }
        for hosts in [vec![], vec!["localhost:4321".to_owned(); 2]] {
            let incoming = Incoming {
                hosts,
                ..incoming(Method::GET, target, "")
            };
            assert_eq!(status(&incoming, ResponseMode::Query), 400);
        }
    }

    #[test]
    fn the_answer_comes_the_way_it_was_asked_for() {
        let post = |content_type: &str| Incoming {
            content_type: content_type.to_owned(),
            body: b"code=c&state=the-state".to_vec(),
            ..incoming(Method::POST, "/", "localhost:4321")
        };
        let form = "application/x-www-form-urlencoded";
        assert_eq!(status(&post(form), ResponseMode::FormPost), 200);
        assert_eq!(status(&post("text/plain"), ResponseMode::FormPost), 415);
        assert_eq!(status(&post(form), ResponseMode::Query), 405);
        let get = incoming(Method::GET, "/?code=c&state=the-state", "localhost:4321");
        assert_eq!(status(&get, ResponseMode::FormPost), 405);
        let head = incoming(Method::HEAD, "/?code=c&state=the-state", "localhost:4321");
        assert_eq!(status(&head, ResponseMode::Query), 405);
    }
}

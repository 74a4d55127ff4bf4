//! The pages that a person sees.

use std::fmt::Write;

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::registration::User;
use crate::reply;

/// Text as it may stand in a page and in an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// A page with a title and, below it, `body` as it is.
pub(super) fn page(status: StatusCode, title: &str, body: &str) -> Response<Bytes> {
    let title = escaped(title);
    let mut response = reply::with_type(
        status,
        "text/html; charset=utf-8",
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
             <title>{title}</title>\n<style>body{{font:16px/1.5 sans-serif;max-width:34em;\
             margin:4em auto;padding:0 1em}}button{{font:inherit;margin:.3em .6em .3em 0;\
             padding:.3em 1em}}pre{{white-space:pre-wrap}}</style></head>\n<body>\n\
             <h1>{title}</h1>\n{body}\n</body>\n</html>\n"
        ),
    );
    reply::set(&mut response, "cache-control", "no-store, no-cache");
    // What a page quotes comes from outside; nothing in it may run or be framed.
    reply::set(
        &mut response,
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    );
    reply::set(&mut response, "x-frame-options", "DENY");
    response
}

/// A form that posts itself; with a button for browsers that run no scripts.
pub(super) fn form_post(action: &str, parameters: &[(&str, String)]) -> Response<Bytes> {
    let action = escaped(action);
    let mut fields = String::new();
    for (name, value) in parameters {
        let (name, value) = (escaped(name), escaped(value));
        // Writing to a string does not fail.
        let _ = writeln!(
            fields,
            "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"
        );
    }
    let mut response = reply::with_type(
        StatusCode::OK,
        "text/html; charset=utf-8",
        format!(
            "<html><head><title>Working...</title></head><body>\
             <form method=\"POST\" name=\"hiddenform\" action=\"{action}\">\n{fields}\
             <noscript><p>Script is disabled. Click Submit to continue.</p>\
             <input type=\"submit\" value=\"Submit\"></noscript></form>\
             <script>document.forms[0].submit();</script></body></html>\n"
        ),
    );
    reply::set(&mut response, "cache-control", "no-store, no-cache");
    response
}

/// Asks which of `users` it is, and whether it agrees; the answer is posted to `action`.
pub(super) fn choose(
    title: &str,
    question: &str,
    action: &str,
    context: &str,
    users: &[&User],
    hint: Option<&str>,
) -> Response<Bytes> {
    let mut body = format!(
        "<p>{}</p>\n<form method=\"post\" action=\"{}\">\n\
         <input type=\"hidden\" name=\"ctx\" value=\"{}\">\n",
        escaped(question),
        escaped(action),
        escaped(context)
    );
    for (index, user) in users.iter().enumerate() {
        let chosen = match hint {
            Some(hint) => user.name.eq_ignore_ascii_case(hint),
            None => index == 0,
        };
        let (name, display_name) = (escaped(&user.name), escaped(&user.display_name));
        let checked = if chosen { " checked" } else { "" };
        let _ = writeln!(
            body,
            "<label><input type=\"radio\" name=\"account\" value=\"{name}\"{checked}> \
             {display_name} ({name})</label><br>"
        );
    }
    body.push_str(
        "<p><button name=\"decision\" value=\"approve\">Accept</button>\
         <button name=\"decision\" value=\"deny\">Cancel</button></p>\n</form>",
    );
    page(StatusCode::OK, title, &body)
}

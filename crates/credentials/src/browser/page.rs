//! The page that a browser shows at the end of a sign-in.

use std::fmt::Write;

use defender_core::Error;
use http::StatusCode;

use super::answer::Foreign;
use crate::grant::Identity;

/// A page without script, whatever text it shows.
#[derive(Debug)]
pub(super) struct Page {
    status: StatusCode,
    title: &'static str,
    lines: Vec<String>,
}

impl Page {
    pub(super) fn success(identity: Option<&Identity>) -> Self {
        let who = identity.map(|identity| format!("as {}", identity.account));
        let lines = who
            .into_iter()
            .chain(["You can close this page.".to_owned()]);
        Self {
            status: StatusCode::OK,
            title: "Signed in",
            lines: lines.collect(),
        }
    }

    pub(super) fn failure(error: &Error) -> Self {
        let hint = error.hint().map(|hint| format!("What to do: {hint}"));
        let lines = [error.to_string()].into_iter().chain(hint);
        Self {
            status: StatusCode::BAD_REQUEST,
            title: "Not signed in",
            lines: lines
                .chain(["You can close this page.".to_owned()])
                .collect(),
        }
    }

    pub(super) fn foreign(foreign: &Foreign) -> Self {
        Self {
            status: foreign.status,
            title: "Not the answer to this sign-in",
            lines: vec![foreign.reason.to_owned()],
        }
    }

    /// The whole answer on the wire.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut body = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <title>{title}</title>\n\
             <style>body{{font-family:sans-serif;max-width:40em;margin:4em auto;padding:0 1em}}</style>\n\
             </head>\n<body>\n<h1>{title}</h1>\n",
            title = escaped(self.title),
        );
        for line in &self.lines {
            body.push_str("<p>");
            body.push_str(&escaped(line));
            body.push_str("</p>\n");
        }
        body.push_str("</body>\n</html>\n");
        let mut head = format!("HTTP/1.1 {}\r\n", self.status);
        let length = body.len().to_string();
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("content-length", length.as_str()),
            (
                "content-security-policy",
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
            ),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("connection", "close"),
        ] {
            // Writing to a String cannot fail.
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        head.push_str(&body);
        head.into_bytes()
    }
}

/// Text as HTML that is only text, also where it says which way to read.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            other if other.is_control() => html.push(' '),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use defender_core::ErrorKind;

    use super::*;

    #[test]
    fn text_of_others_is_only_text() {
        let error = Error::new(
            ErrorKind::Credential,
            "<script>alert('x')</script> \u{202e}&\"\r\nset-cookie: a=b",
        )
        .with_hint("<b>no</b>");
        insta::assert_snapshot!(String::from_utf8(Page::failure(&error).to_bytes()).unwrap());
    }

    #[test]
    fn a_success_page_says_so() {
        let page = String::from_utf8(Page::success(None).to_bytes()).unwrap();
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
        assert!(page.contains("<h1>Signed in</h1>\n<p>You can close this page.</p>"));
        let length = page.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        assert_eq!(page.split("\r\n\r\n").nth(1).unwrap().len(), length);
    }
}

//! Answers in the few shapes that all services share.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, VARY};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::Value;

/// Below this many bytes compression is not worth a client's while.
const COMPRESSED_FROM: usize = 1024;

pub(crate) fn with_type(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(crate) fn json(status: StatusCode, body: &Value) -> Response<Bytes> {
    with_type(status, "application/json; charset=utf-8", body.to_string())
}

pub(crate) fn text(status: StatusCode, body: &str) -> Response<Bytes> {
    with_type(status, "text/plain; charset=utf-8", format!("{body}\n"))
}

/// The page of a gateway in front of the service.
pub(crate) fn html(status: StatusCode) -> Response<Bytes> {
    let reason = match status {
        // The gateway's words for it are the old ones.
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        _ => status.canonical_reason().unwrap_or_default(),
    };
    let title = format!("{} {reason}", status.as_u16());
    with_type(
        status,
        "text/html",
        format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n\
             <center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n\
             </body>\r\n</html>\r\n"
        ),
    )
}

/// Puts a header in that may hold text from outside; one that does not fit is left out.
pub(crate) fn set(response: &mut Response<Bytes>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
}

pub(crate) fn retry_after(response: &mut Response<Bytes>, seconds: u64) {
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(seconds));
}

/// Compresses a body that is worth it.
pub(crate) fn gzip(response: &mut Response<Bytes>) {
    if response.body().len() < COMPRESSED_FROM {
        return;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let compressed = encoder
        .write_all(response.body())
        .and_then(|()| encoder.finish());
    if let Ok(compressed) = compressed {
        *response.body_mut() = compressed.into();
        let headers = response.headers_mut();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
}

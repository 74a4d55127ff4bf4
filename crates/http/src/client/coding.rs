//! Content codings that are left on a body.
//!
//! The client undoes `gzip` where the header says so in lower case and alone. Names of codings are
//! the same in any case, gzip has two, and several stand in a list.
//!
//! Source: <https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1>

use std::io::{self, Write as _};

use bytes::{Buf as _, Bytes};
use flate2::write::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// How many bytes are undone at once: a thousand times as many may come of them.
const PIECE: usize = 4096;

/// The codings of a body, the outermost first.
#[derive(Debug, Default)]
pub(super) struct Codings {
    layers: Vec<MultiGzDecoder<Vec<u8>>>,
    /// What has arrived and is not undone yet.
    pending: Bytes,
    /// Whether anything has arrived: a body of nothing has no coding.
    begun: bool,
}

impl Codings {
    /// Takes those that can be undone out of `headers`.
    pub(super) fn take(headers: &mut HeaderMap) -> Self {
        let Some(layers) = gzips(headers) else {
            return Self::default();
        };
        headers.remove(CONTENT_ENCODING);
        Self {
            layers: (0..layers)
                .map(|_| MultiGzDecoder::new(Vec::new()))
                .collect(),
            ..Self::default()
        }
    }

    /// Takes a chunk; what it holds comes from [`next`](Self::next).
    pub(super) fn push(&mut self, chunk: Bytes) {
        self.begun |= !chunk.is_empty();
        self.pending = chunk;
    }

    /// The next bytes without the codings; `None` when another chunk is needed.
    pub(super) fn next(&mut self) -> io::Result<Option<Bytes>> {
        if self.layers.is_empty() {
            let chunk = std::mem::take(&mut self.pending);
            return Ok((!chunk.is_empty()).then_some(chunk));
        }
        while self.pending.has_remaining() {
            let length = self.pending.len().min(PIECE);
            let mut piece = self.pending.split_to(length);
            for layer in &mut self.layers {
                layer.write_all(&piece)?;
                piece = std::mem::take(layer.get_mut()).into();
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// The last bytes; an error where a coding has not come to its end.
    pub(super) fn end(&mut self) -> io::Result<Option<Bytes>> {
        let mut rest: Vec<u8> = Vec::new();
        for layer in self.layers.iter_mut().filter(|_| self.begun) {
            layer.write_all(&rest)?;
            layer.try_finish()?;
            rest = std::mem::take(layer.get_mut());
        }
        self.layers.clear();
        Ok((!rest.is_empty()).then(|| rest.into()))
    }
}

/// How often a body is packed with gzip; `None` where there is a coding that is not known, or none.
fn gzips(headers: &HeaderMap) -> Option<usize> {
    let mut count = 0;
    let mut any = false;
    for value in headers.get_all(CONTENT_ENCODING) {
        for coding in value.to_str().ok()?.split(',').map(str::trim) {
            any = true;
            match coding.to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => count += 1,
                "identity" | "" => {}
                _ => return None,
            }
        }
    }
    any.then_some(count)
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn codings(values: &[&'static str]) -> (Codings, HeaderMap) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, value.parse().unwrap());
        }
        (Codings::take(&mut headers), headers)
    }

    fn undone(mut codings: Codings, bytes: &[u8], size: usize) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        for chunk in bytes.chunks(size) {
            codings.push(Bytes::copy_from_slice(chunk));
            while let Some(piece) = codings.next()? {
                all.extend_from_slice(&piece);
            }
        }
        all.extend_from_slice(&codings.end()?.unwrap_or_default());
        Ok(all)
    }

    #[test]
    fn codings_are_known_in_any_case_and_in_lists() {
        let text = b"hunting ".repeat(5_000);
        let once = packed(&text);
        let two = [packed(&text[..9]), packed(&text[9..])].concat();
        for (values, bytes) in [
            (&["GZIP"][..], &once),
            (&["gzip"], &two),
            (&["X-GZip"], &once),
            (&["identity, gzip"], &once),
            (&["identity", "Gzip"], &once),
            (&["gzip,gzip"], &packed(&once)),
            (&["IDENTITY"], &text),
            (&[], &text),
        ] {
            for size in [1, 7, 4096, 1 << 20] {
                let (codings, left) = codings(values);
                assert!(left.is_empty(), "{values:?}");
                assert!(undone(codings, bytes, size).unwrap() == text, "{values:?}");
            }
        }
    }

    #[test]
    fn what_is_not_known_is_left_as_it_is() {
        for values in [&["br"][..], &["gzip, br"], &["deflate", "gzip"]] {
            let (codings, left) = codings(values);
            assert!(!left.is_empty(), "{values:?}");
            assert_eq!(undone(codings, b"as it is", 3).unwrap(), b"as it is");
        }
    }

    #[test]
    fn a_coding_that_does_not_end_is_an_error() {
        let whole = packed(b"hunting");
        for length in 1..whole.len() {
            let cut = undone(codings(&["GZIP"]).0, &whole[..length], 5);
            assert!(cut.is_err(), "{length}");
        }
        assert_eq!(undone(codings(&["GZIP"]).0, b"", 5).unwrap(), b"");
        assert!(undone(codings(&["GZIP"]).0, b"no gzip at all", 5).is_err());
    }
}

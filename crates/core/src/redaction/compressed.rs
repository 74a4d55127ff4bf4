//! What is compressed in what was decoded: gzip, zlib and bare deflate.

use std::io::Read;

use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};

use super::decoding::{GAP, Text};

/// So much of what comes out is looked at.
const MOST: u64 = 64 << 10;

/// Bare deflate has no mark of its own: shorter is noise, and few of them are tried.
const SHORTEST_BARE: usize = 16;
const MOST_BARE: usize = 4;

impl Text {
    /// What its runs are without compression; all of it stands where the run stands.
    pub(super) fn inflated(&self) -> Option<Self> {
        let mut inflated = Self::empty();
        let mut bare = 0;
        let mut start = 0;
        while start < self.bytes.len() {
            // What stands between runs was read from nowhere.
            let rest = self.places[start..].iter();
            let end = start + rest.take_while(|place| **place != (0, 0)).count();
            let run = &self.bytes[start..end];
            start = end + 1;
            if run.iter().all(|byte| (b' '..=b'~').contains(byte)) {
                // What is text is not compressed.
                continue;
            }
            let marked = run.windows(3).position(|mark| mark == [0x1F, 0x8B, 8]);
            let plain = if let Some(mark) = marked {
                plain(GzDecoder::new(&run[mark..]))
            } else if is_zlib(run) {
                plain(ZlibDecoder::new(run))
            } else if run.len() >= SHORTEST_BARE && bare < MOST_BARE {
                bare += 1;
                plain(DeflateDecoder::new(run))
            } else {
                Vec::new()
            };
            if !plain.is_empty() {
                let place = self.place(end - run.len(), end);
                for byte in plain {
                    inflated.push(byte, place);
                }
                inflated.push(GAP, (0, 0));
            }
        }
        (!inflated.bytes.is_empty()).then_some(inflated)
    }
}

/// As much as can be read.
fn plain(source: impl Read) -> Vec<u8> {
    let mut plain = Vec::new();
    let _ = source.take(MOST).read_to_end(&mut plain);
    plain
}

/// Source: <https://www.rfc-editor.org/rfc/rfc1950>
fn is_zlib(run: &[u8]) -> bool {
    match run {
        [method, flags, ..] => {
            method & 0x8F == 8 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0
        }
        _ => false,
    }
}

//! The gate that outside text passes before it becomes an error, a log line or a notice.

mod compressed;
mod decoding;
mod dense;
mod known;
mod numbers;
mod odd;
mod parts;
mod request;
mod shapes;
#[cfg(test)]
mod tests;
mod unwrapping;
mod words;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use secrecy::SecretString;

use crate::Error;
use decoding::Text;
use known::Known;

/// What stands in place of a secret.
const REDACTED: &str = "REDACTED";

/// How many encodings may lie in one another: escapes in escapes, base64 in base64.
const MOST_ESCAPES: usize = 5;
const MOST_WRAPPINGS: usize = 5;

/// How much is looked at for each byte of a text, and besides: what holds more in itself is no
/// message, and nothing of it is shown.
const MOST_WORK: usize = 600;
const WORK_OF_ANY: usize = 256 << 10;

/// Takes secrets out of text that others wrote.
///
/// It knows the secrets that were sent, and what tokens and keys look like. A service does not
/// repeat secrets, but what is in between may print the request: in a page, a header, a code, and
/// in whatever encoding. So encodings are not listed but undone, one in another, and what is found
/// is removed where it stood. Pieces of a secret count, since text may be cut anywhere; and what looks
/// like nothing that anybody writes goes too, where there is a secret that it may be.
///
/// ```
/// use bytes::Bytes;
/// use defender_core::Redaction;
///
/// let request = http::Request::get("https://api.example/")
///     .header("authorization", "Bearer some-opaque-token/8")
///     .body(Bytes::new())
///     .expect("a valid request");
/// let redaction = Redaction::of_request(&request);
/// assert_eq!(redaction.apply("no 'some-opaque-token%2f8' here"), "no 'REDACTED' here");
/// ```
#[derive(Clone, Default)]
pub struct Redaction {
    secrets: Vec<SecretString>,
    /// Made when there is text: most responses have none that becomes an error.
    known: Arc<OnceLock<Vec<Known>>>,
}

impl Redaction {
    /// Knows `secrets`, and what tokens look like.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        Self {
            secrets: secrets.into_iter().cloned().collect(),
            known: Arc::default(),
        }
    }

    /// Knows what `request` sends: its authorization, its keys, the secret fields of its form.
    pub fn of_request(request: &http::Request<Bytes>) -> Self {
        Self {
            secrets: request::secrets(request),
            known: Arc::default(),
        }
    }

    /// Knows `secret` as well.
    #[must_use]
    pub fn and(mut self, secret: &SecretString) -> Self {
        self.secrets.push(secret.clone());
        self.known = Arc::default();
        self
    }

    /// Knows what `other` knows as well.
    #[must_use]
    pub fn along_with(mut self, other: &Self) -> Self {
        if !other.is_empty() {
            self.secrets.extend(other.secrets.iter().cloned());
            self.known = Arc::default();
        }
        self
    }

    /// Whether it knows no secret; it knows what tokens look like all the same.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// `text` with `REDACTED` in place of the secrets.
    pub fn apply(&self, text: &str) -> String {
        self.redacted(text).into_owned()
    }

    /// The beginning of a body as text, without the secrets.
    ///
    /// It goes through here before anything is cut out of it or shortened.
    pub fn text(&self, body: &[u8]) -> String {
        self.apply(&String::from_utf8_lossy(body))
    }

    /// The value of the header `name`, without the secrets.
    pub fn header(&self, headers: &http::HeaderMap, name: &str) -> Option<String> {
        let value = headers.get(name)?;
        Some(self.apply(value.to_str().ok()?))
    }

    /// `error` without the secrets: in its message, its code, its ids, its hint and its causes.
    #[must_use]
    pub fn error(&self, error: Error) -> Error {
        error.rewritten(&|text| self.redacted(text))
    }

    /// Whether one of its secrets, or a piece of one, is in `text` in some encoding; what only
    /// looks like a token does not count.
    pub fn is_in(&self, text: &str) -> bool {
        let mut hits = Hits::of(self.known(), false, text);
        hits.explore(Text::of(text), 0);
        hits.explore_backwards(text);
        !hits.found.is_empty()
    }

    fn known(&self) -> &[Known] {
        self.known
            .get_or_init(|| self.secrets.iter().flat_map(Known::of).collect())
    }

    fn redacted<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut hits = Hits::of(self.known(), true, text);
        hits.explore(Text::of(text), 0);
        hits.explore_backwards(text);
        if !hits.known.is_empty() {
            hits.found.extend(odd::find(text));
        }
        hits.replaced(text)
    }
}

/// `text` with `REDACTED` in place of everything that is shaped like a token, a key or a password
/// in a request.
///
/// The last line of defence: whoever knows the secrets has [`Redaction`]. Of what is cut off a
/// longer text the shape is lost: see [`strike_out_shapes`].
pub fn redact_shapes(text: &str) -> Cow<'_, str> {
    Redaction::default().redacted(text)
}

/// `text` with the same shapes struck out letter by letter, near each of `places` at least.
///
/// Every other byte stays where it is, so that what is known by its offset or column can be shown
/// from the copy, cut however it may be. A text may be long and the places few: the rest of it is
/// not looked at, and must not be shown.
///
/// ```
/// # use defender_core::strike_out_shapes;
/// let query = "externaldata(a: string)[h'https://x/a?sig=abcdEFGH1234'] | foo";
/// let shown = strike_out_shapes(query, [query.len()]);
/// assert_eq!(shown, "externaldata(a: string)[h'https://x/a?sig=REDACTED****'] | foo");
/// ```
pub fn strike_out_shapes(text: &str, places: impl IntoIterator<Item = usize>) -> Cow<'_, str> {
    let near = |place: usize| [place.saturating_sub(NEAR), place.saturating_add(NEAR)];
    let blocks: BTreeSet<usize> = places
        .into_iter()
        .flat_map(near)
        .map(|place| place.min(text.len()) / BLOCK)
        .collect();
    let mut found = Vec::new();
    for block in blocks {
        // What begins before a block, or ends after it, has its shape all the same.
        let start = floor(text, (block * BLOCK).saturating_sub(AROUND));
        let end = floor(text, (block + 1) * BLOCK + AROUND);
        let mut hits = Hits::of(&[], true, &text[start..end]);
        hits.explore(Text::of(&text[start..end]), 0);
        let places = hits.places();
        found.extend(places.map(|(from, to)| (start + from, start + to)));
    }
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut struck = String::with_capacity(text.len());
    let mut end = 0;
    for (start, stop) in united(found) {
        struck.push_str(&text[end..start]);
        strike_out(&text[start..stop], &mut struck);
        end = stop;
    }
    struck.push_str(&text[end..]);
    Cow::Owned(struck)
}

/// How much is looked at at once, how much of what stands around it, and what is near a place: no
/// excerpt shows more.
const BLOCK: usize = 64 << 10;
const AROUND: usize = 16 << 10;
const NEAR: usize = 1 << 10;

/// Puts a letter of the same length in place of each.
fn strike_out(secret: &str, struck: &mut String) {
    let mut marks = REDACTED.chars().chain(std::iter::repeat('*'));
    for letter in secret.chars() {
        struck.push(match letter {
            '\n' | '\r' => letter,
            _ => match letter.len_utf8() {
                1 => marks.next().unwrap_or('*'),
                2 => '\u{b7}',
                3 => '\u{2022}',
                _ => '\u{1f512}',
            },
        });
    }
}

fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// `places` in order; two that touch are one.
fn united(mut places: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    places.sort_unstable();
    let mut united: Vec<(usize, usize)> = Vec::with_capacity(places.len());
    for (start, stop) in places {
        match united.last_mut() {
            Some((_, end)) if start <= *end => *end = stop.max(*end),
            _ => united.push((start, stop)),
        }
    }
    united
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redaction({} secrets)", self.secrets.len())
    }
}

/// Where secrets were found.
struct Hits<'k> {
    known: &'k [Known],
    /// Whether what looks like a token counts.
    shapes: bool,
    found: Vec<(usize, usize)>,
    /// How much may still be looked at.
    left: usize,
    /// What was looked at: two encodings may be undone in either order.
    seen: HashSet<u64>,
    all: (usize, usize),
}

impl<'k> Hits<'k> {
    fn of(known: &'k [Known], shapes: bool, text: &str) -> Self {
        Self {
            known,
            shapes,
            found: Vec::new(),
            left: text
                .len()
                .saturating_mul(MOST_WORK)
                .saturating_add(WORK_OF_ANY),
            seen: HashSet::new(),
            all: (0, text.len()),
        }
    }

    /// Looks at `text`, at what its escapes stand for, and at what is wrapped in it.
    fn explore(&mut self, text: Text, wrappings: usize) {
        let mut level = text;
        for _ in 0..=MOST_ESCAPES {
            level = level.folded().unwrap_or(level);
            if !self.seen.insert(level.fingerprint()) {
                return;
            }
            self.search(&level);
            if self.shapes {
                self.found.extend(shapes::find(&level));
            }
            if wrappings < MOST_WRAPPINGS {
                for inside in level.unwrapped() {
                    if self.left == 0 {
                        if !self.known.is_empty() {
                            self.found.push(self.all);
                        }
                        return;
                    }
                    self.search(&inside);
                    if let Some(inflated) = inside.inflated() {
                        self.explore(inflated, wrappings + 1);
                    }
                    if let Some(joined) = inside.joined() {
                        self.search(&joined);
                    }
                    // What is read from what was never wrapped is noise, and ends here.
                    if let Some(words) = inside.words() {
                        self.explore(words, wrappings + 1);
                    }
                }
            }
            if !self.known.is_empty() && wrappings == 0 {
                for inside in level.backwards().unwrapped() {
                    self.search(&inside);
                }
            }
            if !self.known.is_empty() {
                for inside in level.unwrapped_densely() {
                    self.search(&inside);
                }
            }
            match level.unescaped() {
                Some(next) => level = next,
                None => break,
            }
        }
    }

    /// Looks at what the escapes of the text stand for when it is read from its end.
    fn explore_backwards(&mut self, text: &str) {
        if self.known.is_empty() {
            return;
        }
        let mut level = Text::reversed(text);
        for _ in 0..MOST_ESCAPES {
            let Some(next) = level.unescaped() else {
                break;
            };
            level = next;
            let bare = level.bare();
            for known in self.known {
                known.find_forwards(&bare, &mut self.found);
            }
        }
    }

    fn search(&mut self, text: &Text) {
        self.left = self.left.saturating_sub(text.bytes.len());
        if self.known.is_empty() {
            return;
        }
        let bare = text.bare();
        let core = bare.core();
        for known in self.known {
            known.find(&bare, &core, &mut self.found);
        }
    }

    /// The places in order; two that touch are one.
    fn places(self) -> impl Iterator<Item = (usize, usize)> {
        united(self.found).into_iter()
    }

    fn replaced(self, text: &str) -> Cow<'_, str> {
        if self.found.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut clean = String::with_capacity(text.len());
        let mut end = 0;
        for (start, stop) in self.places() {
            clean.push_str(&text[end..start]);
            clean.push_str(REDACTED);
            end = stop;
        }
        clean.push_str(&text[end..]);
        Cow::Owned(clean)
    }
}

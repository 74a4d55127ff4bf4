//! The words of messages about signing in: a piece of a secret that is nothing else says nothing
//! about it, and without it a message cannot be read.

use super::decoding::Text;

/// Longer words are none of these.
const LONGEST: usize = 40;

/// So many letters of a word are no sign of it.
const LONGEST_REST: usize = 3;

/// Words that may be written together, as `clientSecret` is.
const WORDS: [&str; 118] = [
    "access",
    "account",
    "active",
    "administrator",
    "admin",
    "allowed",
    "answer",
    "application",
    "assertion",
    "audience",
    "authentication",
    "authority",
    "authorization",
    "authorized",
    "azure",
    "bearer",
    "cannot",
    "certificate",
    "change",
    "check",
    "client",
    "cloud",
    "code",
    "company",
    "configuration",
    "configured",
    "connection",
    "consent",
    "contact",
    "corp",
    "credential",
    "credentials",
    "default",
    "defender",
    "denied",
    "description",
    "directory",
    "domain",
    "ensure",
    "entra",
    "environment",
    "error",
    "existing",
    "expired",
    "failed",
    "file",
    "format",
    "found",
    "from",
    "given",
    "grant",
    "graph",
    "hunting",
    "identifier",
    "identity",
    "incorrect",
    "input",
    "invalid",
    "key",
    "keys",
    "login",
    "malformed",
    "microsoft",
    "missing",
    "more",
    "name",
    "new",
    "not",
    "object",
    "old",
    "organization",
    "parameter",
    "passphrase",
    "password",
    "permission",
    "permissions",
    "policy",
    "portal",
    "principal",
    "private",
    "prod",
    "production",
    "provided",
    "provider",
    "public",
    "query",
    "refresh",
    "refused",
    "registered",
    "request",
    "requested",
    "required",
    "resource",
    "response",
    "scope",
    "secret",
    "secrets",
    "security",
    "sent",
    "server",
    "service",
    "session",
    "setting",
    "settings",
    "sign",
    "signature",
    "subscription",
    "tenant",
    "test",
    "the",
    "token",
    "tokens",
    "type",
    "user",
    "username",
    "valid",
    "value",
    "vault",
];

/// Words that stand alone.
const SHORT: [&str; 42] = [
    "a", "add", "an", "and", "are", "as", "at", "be", "been", "being", "but", "by", "can", "for",
    "has", "have", "id", "if", "in", "is", "it", "its", "must", "no", "of", "on", "or", "our",
    "please", "set", "so", "that", "this", "to", "use", "used", "was", "which", "with", "you",
    "your", "yours",
];

/// Whether all of `text` from `start` to `end` is such words, to the ends of the first and the
/// last.
pub(super) fn is_ordinary(text: &Text, start: usize, end: usize) -> bool {
    let is_letter = |at: usize| text.bytes[at].is_ascii_lowercase();
    let joins = |at: usize| is_letter(at - 1) && is_letter(at) && touches(text, at);
    let mut first = start;
    while first > 0 && joins(first) && start - first < LONGEST {
        first -= 1;
    }
    let mut last = end;
    while last < text.bytes.len() && joins(last) && last - end < LONGEST {
        last += 1;
    }
    // The rest of a word that begins or ends the piece by chance is no part of it.
    let says_nothing = |from: usize, to: usize| {
        let is_cut = from < start || to > end;
        is_cut && to.min(end).saturating_sub(from.max(start)) <= LONGEST_REST
            || is_words(&text.bytes[from..to])
    };
    let mut word = first;
    for at in first..last {
        if !is_letter(at) {
            // A digit is part of no word, and neither is what no keyboard has.
            if !text.bytes[at].is_ascii_punctuation() || !says_nothing(word, at) {
                return false;
            }
            word = at + 1;
        } else if at > word && !touches(text, at) {
            if !says_nothing(word, at) {
                return false;
            }
            word = at;
        }
    }
    says_nothing(word, last)
}

/// Whether nothing was left out in front of the byte at `at`.
fn touches(text: &Text, at: usize) -> bool {
    text.places[at].0 <= text.places[at - 1].1
}

fn is_words(letters: &[u8]) -> bool {
    if letters.is_empty() || SHORT.iter().any(|word| word.as_bytes() == letters) {
        return true;
    }
    if letters.len() > LONGEST {
        return false;
    }
    // Which beginnings are made of whole words.
    let mut whole = [false; LONGEST + 1];
    whole[0] = true;
    for end in 1..=letters.len() {
        whole[end] = WORDS.iter().any(|word| {
            end >= word.len()
                && whole[end - word.len()]
                && letters[..end].ends_with(word.as_bytes())
        });
    }
    whole[letters.len()]
}

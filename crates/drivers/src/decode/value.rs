//! Walking over one value of any depth, and copying it without its annotations.

use super::reader::{Fault, Reader};

/// Takes the pieces of a value, in order.
pub(super) trait Sink {
    /// A bracket, a comma, a colon, a number, a word or a string with its quotes.
    fn push(&mut self, piece: &[u8]);

    /// Whether the member of this name (as written, between its quotes) is left out.
    fn drops(&self, key: &[u8]) -> bool;
}

/// Keeps nothing.
pub(super) struct Nowhere;

impl Sink for Nowhere {
    fn push(&mut self, _: &[u8]) {}

    fn drops(&self, _: &[u8]) -> bool {
        false
    }
}

/// Keeps compact JSON text up to a depth.
pub(super) struct Compact<'a> {
    pub(super) output: &'a mut Vec<u8>,
    pub(super) annotated: bool,
}

impl Sink for Compact<'_> {
    fn push(&mut self, piece: &[u8]) {
        self.output.extend_from_slice(piece);
    }

    fn drops(&self, key: &[u8]) -> bool {
        self.annotated && is_annotation(key)
    }
}

/// Whether a key is OData's and not the data's.
///
/// Source: <https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html>
pub(super) fn is_annotation(key: &[u8]) -> bool {
    key.ends_with(b"@odata.type")
}

/// Takes one value and gives its pieces to `sink`; returns how deep it nests.
///
/// What is open is kept in a list, so that depth costs memory and never the stack.
pub(super) fn copy(reader: &mut Reader<'_>, sink: &mut impl Sink) -> Result<usize, Fault> {
    let mut open: Vec<Open> = Vec::new();
    let mut deepest = 0;
    // The number of open brackets inside which everything is left out.
    let mut muted = usize::MAX;
    loop {
        let byte = reader.peek()?;
        let quiet = open.len() >= muted;
        match byte {
            b'{' | b'[' => {
                reader.step();
                if !quiet {
                    sink.push(&[byte]);
                }
                open.push(Open {
                    object: byte == b'{',
                    kept: 0,
                });
                deepest = deepest.max(open.len());
                let close = if byte == b'{' { b'}' } else { b']' };
                if reader.peek()? != close {
                    if byte == b'{' {
                        key(reader, sink, &mut open, &mut muted)?;
                    } else if let Some(list) = open.last_mut() {
                        list.kept = 1;
                    }
                    continue;
                }
            }
            b'"' => {
                reader.step();
                let text = reader.text()?;
                if !quiet {
                    push_text(reader.bytes(), text.range, text.escaped, sink);
                }
            }
            b'-' | b'0'..=b'9' => {
                let range = reader.number()?;
                if !quiet {
                    sink.push(&reader.bytes()[range]);
                }
            }
            _ => {
                let start = reader.position();
                reader.word()?;
                if !quiet {
                    sink.push(&reader.bytes()[start..reader.position()]);
                }
            }
        }
        // A value has ended: so may everything around it.
        loop {
            let depth = open.len();
            let Some(innermost) = open.last_mut() else {
                return Ok(deepest);
            };
            if depth == muted {
                muted = usize::MAX;
            }
            let byte = reader.peek()?;
            match (byte, innermost.object) {
                (b',', object) => {
                    reader.step();
                    if object {
                        key(reader, sink, &mut open, &mut muted)?;
                    } else {
                        if depth < muted {
                            sink.push(b",");
                        }
                        if matches!(reader.peek()?, b']' | b',') {
                            return Err(Fault::Bad("a value was expected"));
                        }
                    }
                    break;
                }
                (b'}', true) | (b']', false) => {
                    reader.step();
                    if depth <= muted.saturating_sub(1) {
                        sink.push(&[byte]);
                    }
                    open.pop();
                }
                _ => return Err(Fault::Bad("a comma or a closing bracket was expected")),
            }
        }
    }
}

struct Open {
    object: bool,
    /// How many members were not left out.
    kept: usize,
}

/// Takes a member's name and its colon.
fn key(
    reader: &mut Reader<'_>,
    sink: &mut impl Sink,
    open: &mut [Open],
    muted: &mut usize,
) -> Result<(), Fault> {
    reader.expect(b'"', "a name in quotes was expected")?;
    let text = reader.text()?;
    reader.expect(b':', "a colon was expected")?;
    let depth = open.len();
    if depth >= *muted {
        return Ok(());
    }
    if sink.drops(&reader.bytes()[text.range.clone()]) {
        *muted = depth;
        return Ok(());
    }
    if let Some(object) = open.last_mut() {
        if object.kept > 0 {
            sink.push(b",");
        }
        object.kept += 1;
    }
    push_text(reader.bytes(), text.range, text.escaped, sink);
    sink.push(b":");
    Ok(())
}

/// Copies a string as it is written, save for half surrogates, which no reader would take.
fn push_text(bytes: &[u8], range: std::ops::Range<usize>, escaped: bool, sink: &mut impl Sink) {
    sink.push(b"\"");
    let text = &bytes[range];
    if !escaped {
        sink.push(text);
        sink.push(b"\"");
        return;
    }
    let mut done = 0;
    let mut position = 0;
    while let Some(offset) = text[position..].iter().position(|byte| *byte == b'\\') {
        position += offset;
        let Some(unit) = unicode_escape(&text[position..]) else {
            position += 2;
            continue;
        };
        position += 6;
        match unit {
            0xd800..=0xdbff => {
                let low = unicode_escape(&text[position..]);
                if matches!(low, Some(0xdc00..=0xdfff)) {
                    position += 6;
                    continue;
                }
            }
            0xdc00..=0xdfff => {}
            _ => continue,
        }
        sink.push(&text[done..position - 6]);
        sink.push(b"\\ufffd");
        done = position;
    }
    sink.push(&text[done..]);
    sink.push(b"\"");
}

/// The unit of a `\uXXXX` at the beginning of `text`.
pub(super) fn unicode_escape(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| {
        Some(unit * 16 + char::from(*digit).to_digit(16)?)
    })
}

/// Appends what a string with escapes means; returns how many half surrogates became U+FFFD.
pub(super) fn unescape(text: &[u8], output: &mut Vec<u8>) -> u64 {
    let mut replaced = 0;
    let mut position = 0;
    while position < text.len() {
        let rest = &text[position..];
        let plain = rest
            .iter()
            .position(|byte| *byte == b'\\')
            .unwrap_or(rest.len());
        output.extend_from_slice(&rest[..plain]);
        position += plain;
        let rest = &text[position..];
        if let Some(unit) = unicode_escape(rest) {
            let low = rest.get(6..).and_then(unicode_escape);
            let (character, length) = match (unit, low) {
                (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                    let code = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                    (char::from_u32(code), 12)
                }
                _ => (char::from_u32(unit), 6),
            };
            replaced += u64::from(character.is_none());
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            output.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            position += length;
        } else if let Some(escaped) = rest.get(1) {
            output.push(match escaped {
                b'b' => 8,
                b'f' => 12,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                other => *other,
            });
            position += 2;
        } else {
            break;
        }
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compact(text: &str) -> String {
        let mut output = Vec::new();
        let mut sink = Compact {
            output: &mut output,
            annotated: true,
        };
        copy(&mut Reader::new(text.as_bytes(), 0), &mut sink).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn annotations_are_left_out_at_every_depth() {
        for (text, expected) in [
            (r#"{"@odata.type":"x"} "#, "{}"),
            (
                r#"{ "a" : 1 , "b@odata.type" : "y", "b" : [ ] } "#,
                r#"{"a":1,"b":[]}"#,
            ),
            (
                r#"{"a@odata.type":{"b":[{"c":1}],"d":"}"},"e":2} "#,
                r#"{"e":2}"#,
            ),
            (
                r##"[{"@odata.type":"#x","b":[{"@odata.type":"#x"},{"c@odata.type":"#Int64","c":1}]}] "##,
                r#"[{"b":[{},{"c":1}]}]"#,
            ),
            (r#"{"a":1,"@odata.type":"x"} "#, r#"{"a":1}"#),
            (
                r#"{"@odata.type":"x","a":{"@odata.type":[1,[2]]},"b":3} "#,
                r#"{"a":{},"b":3}"#,
            ),
            (
                r#"{"odata.type":1,"@odata.types":2} "#,
                r#"{"odata.type":1,"@odata.types":2}"#,
            ),
            (
                r#"["@odata.type", null, -1.50e3] "#,
                r#"["@odata.type",null,-1.50e3]"#,
            ),
        ] {
            assert_eq!(compact(text), expected);
        }
    }

    #[test]
    fn half_surrogates_become_replacement_characters() {
        assert_eq!(
            compact(r#"["\ud83d\ude00","\ud83d","\ude00x","\ud83d\u0041","\\ud83d"] "#),
            r#"["\ud83d\ude00","\ufffd","\ufffdx","\ufffd\u0041","\\ud83d"]"#
        );
        let mut output = Vec::new();
        assert_eq!(
            unescape(br"\ud83d\ude00 \ud83dx \n\/\u00e9\\", &mut output),
            1
        );
        assert_eq!(
            String::from_utf8(output).unwrap(),
            "\u{1f600} \u{fffd}x \n/\u{e9}\\"
        );
    }

    #[test]
    fn depth_costs_no_stack() {
        let depth = 1_000_000;
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let mut reader = Reader::new(text.as_bytes(), 0);
        assert_eq!(copy(&mut reader, &mut Nowhere), Ok(depth));
    }
}

//! `parse_xml`.
//!
//! Elements become properties, attributes `@name`, text `#text`; what repeats becomes an array.

use super::Call;
use crate::EngineError;
use crate::datum::Datum;
use crate::dynamic;
use crate::expression::{Kernel, kernel};

/// Longer texts are null, as the page says.
const LONGEST: usize = 1 << 20;
/// How deep elements may nest; deeper is no document anybody wrote.
const DEEPEST: usize = 256;

/// An element while its content is read.
#[derive(Debug)]
struct Element {
    name: String,
    /// Attributes and children, in order.
    parts: Vec<(String, Vec<Vec<u8>>)>,
    text: String,
}

impl Element {
    fn add(&mut self, name: &str, value: Vec<u8>) {
        match self.parts.iter_mut().find(|part| part.0 == name) {
            Some(part) => part.1.push(value),
            None => self.parts.push((name.to_owned(), vec![value])),
        }
    }

    fn finish(self) -> Vec<u8> {
        let text = self.text.trim();
        if self.parts.is_empty() {
            return if text.is_empty() {
                dynamic::null()
            } else {
                dynamic::string(text)
            };
        }
        let mut entries: Vec<(String, Vec<u8>)> = Vec::new();
        let (attributes, children): (Vec<_>, Vec<_>) = self
            .parts
            .into_iter()
            .partition(|part| part.0.starts_with('@'));
        let value = |mut list: Vec<Vec<u8>>| match list.len() {
            1 => list.remove(0),
            _ => dynamic::array(&list),
        };
        entries.extend(attributes.into_iter().map(|part| (part.0, value(part.1))));
        if !text.is_empty() {
            entries.push(("#text".to_owned(), dynamic::string(text)));
        }
        entries.extend(children.into_iter().map(|part| (part.0, value(part.1))));
        dynamic::object(&entries)
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn eat(&mut self, start: &str) -> bool {
        match self.rest.strip_prefix(start) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// What stands before `end`; `end` is gone too.
    fn until(&mut self, end: &str) -> Option<&'t str> {
        let (before, after) = self.rest.split_once(end)?;
        self.rest = after;
        Some(before)
    }

    fn name(&mut self) -> Option<&'t str> {
        let end = self
            .rest
            .find(|one: char| !(one.is_alphanumeric() || matches!(one, '_' | '-' | '.' | ':')))
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        let starts_well = name
            .chars()
            .next()
            .is_some_and(|one| one.is_alphabetic() || matches!(one, '_' | ':'));
        self.rest = rest;
        starts_well.then_some(name)
    }

    /// `name attributes >` or `name attributes />`; whether it has content.
    fn opening(&mut self) -> Option<(Element, bool)> {
        let mut element = Element {
            name: self.name()?.to_owned(),
            parts: Vec::new(),
            text: String::new(),
        };
        loop {
            let before = self.rest.len();
            self.spaces();
            if self.eat("/>") {
                return Some((element, false));
            }
            if self.eat(">") {
                return Some((element, true));
            }
            if self.rest.len() == before {
                return None;
            }
            let name = self.name()?;
            self.spaces();
            if !self.eat("=") {
                return None;
            }
            self.spaces();
            let quote = if self.eat("\"") {
                "\""
            } else if self.eat("'") {
                "'"
            } else {
                return None;
            };
            let value = plain(self.until(quote)?)?;
            let name = format!("@{name}");
            if element.parts.iter().any(|part| part.0 == name) {
                return None;
            }
            element.add(&name, dynamic::string(&value));
        }
    }

    /// Skips comments, instructions and the like; whether there was one.
    fn skipped(&mut self) -> Option<bool> {
        if self.eat("<!--") {
            self.until("-->")?;
        } else if self.eat("<?") {
            self.until("?>")?;
        } else if self.eat("<!DOCTYPE") {
            // With an inner subset the end is after its bracket.
            let end = self.rest.find('>')?;
            if self.rest[..end].contains('[') {
                self.until("]")?;
            }
            self.until(">")?;
        } else {
            return Some(false);
        }
        Some(true)
    }
}

/// Text without references.
fn plain(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (name, after) = after.split_once(';')?;
        out.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = name.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// The document as a bag with its root; `None` where it is no document.
fn document(text: &str) -> Option<Vec<u8>> {
    if text.len() > LONGEST {
        return None;
    }
    let mut reader = Reader {
        rest: text.trim_start_matches('\u{feff}'),
    };
    reader.spaces();
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Vec<u8>> = None;
    while !reader.rest.is_empty() {
        if reader.skipped()? {
            if open.is_empty() {
                reader.spaces();
            }
            continue;
        }
        let closed = if reader.eat("<![CDATA[") {
            let text = reader.until("]]>")?;
            open.last_mut()?.text.push_str(text);
            None
        } else if reader.eat("</") {
            let name = reader.name()?;
            reader.spaces();
            let element = open.pop()?;
            if !reader.eat(">") || element.name != name {
                return None;
            }
            Some(element)
        } else if reader.eat("<") {
            if root.is_some() || open.len() >= DEEPEST {
                return None;
            }
            let (element, has_content) = reader.opening()?;
            if has_content {
                open.push(element);
                None
            } else {
                Some(element)
            }
        } else {
            let end = reader.rest.find('<').unwrap_or(reader.rest.len());
            let (text, rest) = reader.rest.split_at(end);
            reader.rest = rest;
            match open.last_mut() {
                Some(element) => element.text.push_str(&plain(text)?),
                None if text.trim().is_empty() => {}
                None => return None,
            }
            None
        };
        if let Some(element) = closed {
            let name = element.name.clone();
            let value = element.finish();
            match open.last_mut() {
                Some(parent) => parent.add(&name, value),
                None => root = Some(dynamic::object(&[(name, value)])),
            }
        }
    }
    root.filter(|_| open.is_empty())
}

#[expect(clippy::unnecessary_wraps, reason = "one signature for all families")]
pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(match call.name {
        "parse_xml" => Some(kernel(|values| {
            Ok(document(&values[0].display()).map_or(Datum::Null, Datum::dynamic))
        })),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::document;
    use crate::dynamic;

    fn json(text: &str) -> Option<String> {
        document(text).map(|bytes| dynamic::json_text(&bytes))
    }

    #[test]
    fn elements_become_what_the_page_says() {
        for (xml, expected) in [
            ("<e/>", r#"{"e":null}"#),
            ("<e>text</e>", r#"{"e":"text"}"#),
            (r#"<e name="value" />"#, r#"{"e":{"@name":"value"}}"#),
            (
                r#"<e name="value">text</e>"#,
                r##"{"e":{"@name":"value","#text":"text"}}"##,
            ),
            (
                "<e> <a>text</a> <b>text</b> </e>",
                r#"{"e":{"a":"text","b":"text"}}"#,
            ),
            (
                "<e> <a>text</a> <a>text</a> </e>",
                r#"{"e":{"a":["text","text"]}}"#,
            ),
            (
                "<e> text <a>text</a> </e>",
                r##"{"e":{"#text":"text","a":"text"}}"##,
            ),
            (
                "<?xml version='1.0'?><!-- c --><a x='1&amp;2'>&#65;&lt;<![CDATA[<b>]]></a>",
                r##"{"a":{"@x":"1&2","#text":"A<<b>"}}"##,
            ),
        ] {
            assert_eq!(json(xml).as_deref(), Some(expected), "{xml}");
        }
    }

    #[test]
    fn what_is_no_document_is_null() {
        for text in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a x=1/>",
            "<a x='1' x='2'/>",
            "<a>&no;</a>",
            "</a>",
            "<1/>",
        ] {
            assert_eq!(json(text), None, "{text}");
        }
        assert_eq!(json(&"<a>".repeat(1_000)), None);
    }
}

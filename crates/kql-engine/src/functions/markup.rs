//! `parse_xml`.
//!
//! Elements become properties, attributes `@name`, text `#text`; what repeats becomes an array.
//! Names keep their prefix, and a declaration of a namespace is an attribute like others.

use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};

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
    /// The element that `tag` opens; `None` where the tag is not well-formed.
    fn opened(tag: &BytesStart<'_>) -> Option<Self> {
        let mut element = Self {
            name: name(tag.name().0)?.to_owned(),
            parts: Vec::new(),
            text: String::new(),
        };
        for attribute in tag.attributes() {
            let attribute = attribute.ok()?;
            let value = unescape(&attribute.value).ok()?;
            let name = format!("@{}", name(attribute.key.0)?);
            element.parts.push((name, vec![dynamic::string(&value)]));
        }
        Some(element)
    }

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

/// The text, if it is a name; the reader takes any for one.
fn name(text: &str) -> Option<&str> {
    let starts_well = text.starts_with(|one: char| one.is_alphabetic() || matches!(one, '_' | ':'));
    let is_of_names = |one: char| one.is_alphanumeric() || matches!(one, '_' | '-' | '.' | ':');
    (starts_well && text.chars().all(is_of_names)).then_some(text)
}

/// The document as a bag with its root; `None` where it is no document.
fn document(text: &str) -> Option<Vec<u8>> {
    if text.len() > LONGEST {
        return None;
    }
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Vec<u8>> = None;
    loop {
        let event = reader.read_event().ok()?;
        if matches!(event, Event::Start(_) | Event::Empty(_))
            && (root.is_some() || open.len() >= DEEPEST)
        {
            return None;
        }
        let closed = match event {
            Event::Start(tag) => {
                open.push(Element::opened(&tag)?);
                continue;
            }
            Event::Empty(tag) => Element::opened(&tag)?,
            // The reader compares the names.
            Event::End(_) => open.pop()?,
            Event::Text(text) => {
                match open.last_mut() {
                    Some(element) => element.text.push_str(&text),
                    None if text.trim().is_empty() => {}
                    None => return None,
                }
                continue;
            }
            Event::CData(text) => {
                open.last_mut()?.text.push_str(&text);
                continue;
            }
            Event::GeneralRef(reference) => {
                let text = &mut open.last_mut()?.text;
                match reference.resolve_char_ref().ok()? {
                    Some(letter) => text.push(letter),
                    None => text.push_str(resolve_predefined_entity(&reference)?),
                }
                continue;
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => continue,
            Event::Eof => break,
        };
        let name = closed.name.clone();
        let value = closed.finish();
        match open.last_mut() {
            Some(parent) => parent.add(&name, value),
            None => root = Some(dynamic::object(&[(name, value)])),
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
    use super::{DEEPEST, LONGEST, document};
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
            (
                "<!DOCTYPE e [<!ENTITY x 'y'>]><e xmlns='u' xmlns:p='v'><p:a p:b=\"1\"/></e>",
                r#"{"e":{"@xmlns":"u","@xmlns:p":"v","p:a":{"@p:b":"1"}}}"#,
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
            "<a>&#0;</a>",
            "<a>& </a>",
            "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
            "<a x='<!--",
            "<a/>text",
            "</a>",
            "<1/>",
        ] {
            assert_eq!(json(text), None, "{text}");
        }
        let nested = |depth| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(json(&nested(DEEPEST)).is_some());
        assert_eq!(json(&nested(DEEPEST + 1)), None);
        assert!(json(&format!("<a>{}</a>", "b".repeat(LONGEST - 7))).is_some());
        assert_eq!(json(&format!("<a>{}</a>", "b".repeat(LONGEST - 6))), None);
    }
}

//! What a document is: a row, a record around a row, an envelope around records.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Categories of the Streaming API are this and the name of the table.
const CATEGORY: &str = "AdvancedHunting-";

/// What a document is.
///
/// Source: <https://learn.microsoft.com/defender-xdr/streaming-api-event-hub>
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Row,
    /// `{"time", "category", "properties": {…}}`: a row of the table that its category names.
    Record {
        table: Option<String>,
    },
    /// `{"records": […]}`
    Envelope(Vec<Shape>),
    /// `[…]`
    List(Vec<Shape>),
}

impl Shape {
    /// Whether a first key may belong to a record or an envelope.
    pub(super) fn is_hinted(key: &str) -> bool {
        matches!(
            key,
            "records"
                | "time"
                | "Time"
                | "tenantId"
                | "category"
                | "operationName"
                | "properties"
                | "Tenant"
                | "_TimeReceivedBySvc"
        )
    }

    /// Looks at a document without keeping its values.
    pub(super) fn of(document: &[u8]) -> Result<Self, serde_json::Error> {
        let mut source = serde_json::Deserializer::from_slice(document);
        Look.deserialize(&mut source)
    }
}

struct Look;

impl<'de> DeserializeSeed<'de> for Look {
    type Value = Shape;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Shape, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look {
    type Value = Shape;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shape, A::Error> {
        let mut shapes = Vec::new();
        while let Some(shape) = list.next_element_seed(Look)? {
            shapes.push(shape);
        }
        Ok(Shape::List(shapes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let mut keys = 0;
        let mut records = None;
        let mut category = None;
        let mut timed = false;
        let mut properties = false;
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            keys += 1;
            match key.as_ref() {
                "records" => {
                    records = match map.next_value_seed(Peek)? {
                        Seen::List(shapes) => Some(shapes),
                        _ => None,
                    };
                }
                "category" => {
                    category = match map.next_value_seed(Peek)? {
                        Seen::Text(text) => Some(text),
                        _ => None,
                    };
                }
                "properties" => properties = matches!(map.next_value_seed(Peek)?, Seen::Map),
                other => {
                    timed |= matches!(other, "time" | "Time");
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(match (records, category) {
            (Some(shapes), _) if keys == 1 => Shape::Envelope(shapes),
            (_, Some(category)) if timed && properties => Shape::Record {
                table: category.strip_prefix(CATEGORY).map(str::to_owned),
            },
            _ => Shape::Row,
        })
    }
}

enum Seen {
    Map,
    Text(String),
    List(Vec<Shape>),
    Other,
}

struct Peek;

impl<'de> DeserializeSeed<'de> for Peek {
    type Value = Seen;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Seen, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Peek {
    type Value = Seen;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Seen, E> {
        Ok(Seen::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Seen, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Seen::Map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Seen, A::Error> {
        let mut shapes = Vec::new();
        while let Some(seen) = list.next_element_seed(Item)? {
            shapes.push(seen);
        }
        Ok(Seen::List(shapes))
    }
}

/// An element of `records`, which may be no list of records after all.
struct Item;

impl<'de> DeserializeSeed<'de> for Item {
    type Value = Shape;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Shape, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Item {
    type Value = Shape;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Row)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Row)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Row)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Row)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Row)
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::Row)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Shape, A::Error> {
        Look.visit_map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Shape, A::Error> {
        Peek.visit_seq(list).map(|seen| match seen {
            Seen::List(shapes) => Shape::List(shapes),
            _ => Shape::Row,
        })
    }
}

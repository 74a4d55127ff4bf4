//! Arrays that hold other columns (lists, structs, maps, unions, dictionaries, runs), and numbers
//! that are no longs.

use std::ops::Range;

use arrow::array::{Array, AsArray, Float16Array, OffsetSizeTrait, UInt64Array, UnionArray};
use arrow::datatypes::{
    DataType, Field, Int16Type, Int32Type, Int64Type, RunEndIndexType, UnionFields,
};

use super::{Cell, Column};
use crate::{ColumnType, json_text};

/// Lists, structs, maps and unions are read as JSON text, whatever the columns within them are.
#[derive(Debug)]
pub(super) enum Nested<'a> {
    Unsigned(&'a UInt64Array),
    Half(&'a Float16Array),
    /// Rows that name a value each, which several of them share.
    Shared {
        array: &'a dyn Array,
        keys: Vec<usize>,
        values: Box<Column<'a>>,
    },
    Union {
        array: &'a UnionArray,
        members: Vec<(i8, Column<'a>)>,
    },
    List {
        array: &'a dyn Array,
        /// The items of each row.
        rows: Vec<Range<usize>>,
        items: Box<Column<'a>>,
    },
    Map {
        array: &'a dyn Array,
        rows: Vec<Range<usize>>,
        names: Box<Column<'a>>,
        items: Box<Column<'a>>,
    },
    Struct {
        array: &'a dyn Array,
        members: Vec<(&'a str, Column<'a>)>,
    },
}

impl<'a> Nested<'a> {
    /// `None` for an array of another kind.
    pub(super) fn of(column_type: ColumnType, array: &'a dyn Array) -> Option<Self> {
        let list = |field: &Field, items: &'a dyn Array, rows: Vec<Range<usize>>| Self::List {
            array,
            rows,
            items: Box::new(Column::of(field, items)),
        };
        Some(match array.data_type() {
            DataType::UInt64 => Self::Unsigned(array.as_primitive()),
            DataType::Float16 => Self::Half(array.as_primitive()),
            DataType::Dictionary(..) => {
                let dictionary = array.as_any_dictionary_opt()?;
                Self::Shared {
                    array,
                    keys: dictionary.normalized_keys(),
                    values: Box::new(Column::typed(column_type, dictionary.values())),
                }
            }
            DataType::RunEndEncoded(ends, _) => match ends.data_type() {
                DataType::Int16 => Self::runs::<Int16Type>(column_type, array)?,
                DataType::Int32 => Self::runs::<Int32Type>(column_type, array)?,
                _ => Self::runs::<Int64Type>(column_type, array)?,
            },
            DataType::Union(fields, _) => Self::union(fields, array.as_union_opt()?),
            DataType::List(field) => {
                let lists = array.as_list::<i32>();
                list(field, lists.values(), between(lists.value_offsets()))
            }
            DataType::LargeList(field) => {
                let lists = array.as_list::<i64>();
                list(field, lists.values(), between(lists.value_offsets()))
            }
            DataType::ListView(field) => {
                let lists = array.as_list_view::<i32>();
                let rows = lists.value_offsets().iter().zip(lists.value_sizes());
                list(field, lists.values(), rows.map(sized).collect())
            }
            DataType::LargeListView(field) => {
                let lists = array.as_list_view::<i64>();
                let rows = lists.value_offsets().iter().zip(lists.value_sizes());
                list(field, lists.values(), rows.map(sized).collect())
            }
            DataType::FixedSizeList(field, size) => {
                let lists = array.as_fixed_size_list();
                let rows = (0..lists.len()).map(|row| sized((&lists.value_offset(row), size)));
                list(field, lists.values(), rows.collect())
            }
            DataType::Map(..) => {
                let maps = array.as_map();
                let (names, items) = maps.entries_fields();
                Self::Map {
                    array,
                    rows: between(maps.value_offsets()),
                    names: Box::new(Column::of(names, maps.keys())),
                    items: Box::new(Column::of(items, maps.values())),
                }
            }
            DataType::Struct(fields) => {
                let columns = array.as_struct().columns().iter();
                let members = fields.iter().zip(columns);
                Self::Struct {
                    array,
                    members: members
                        .map(|(field, column)| (field.name().as_str(), Column::of(field, column)))
                        .collect(),
                }
            }
            _ => return None,
        })
    }

    fn runs<R: RunEndIndexType>(column_type: ColumnType, array: &'a dyn Array) -> Option<Self> {
        let runs = array.as_run_opt::<R>()?;
        Some(Self::Shared {
            array,
            keys: (0..runs.len())
                .map(|row| runs.get_physical_index(row))
                .collect(),
            values: Box::new(Column::typed(column_type, runs.values())),
        })
    }

    fn union(fields: &UnionFields, array: &'a UnionArray) -> Self {
        let member = |(id, field): (i8, &_)| (id, Column::of(field, array.child(id)));
        let fields = fields.iter().map(|(id, field)| (id, field.as_ref()));
        Self::Union {
            array,
            members: fields.map(member).collect(),
        }
    }

    pub(super) fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Unsigned(array) if array.is_valid(row) => {
                let value = array.value(row);
                i64::try_from(value)
                    .map_or_else(|_| Cell::Json(value.to_string().into()), Cell::Long)
            }
            Self::Half(array) if array.is_valid(row) => Cell::Real(array.value(row).to_f64()),
            Self::Shared {
                array,
                keys,
                values,
            } if array.is_valid(row) => values.cell(keys[row]),
            Self::Union { array, members } => {
                let id = array.type_id(row);
                let member = members.iter().find(|(known, _)| *known == id);
                match member.map(|(_, column)| column.cell(array.value_offset(row))) {
                    None | Some(Cell::Null) => Cell::Null,
                    Some(cell) => {
                        let mut text = String::new();
                        json_text::push_cell(&mut text, &cell);
                        Cell::Json(text.into())
                    }
                }
            }
            Self::List { array, rows, items } if array.is_valid(row) => {
                let mut text = "[".to_owned();
                for at in rows[row].clone() {
                    separate(&mut text);
                    json_text::push_cell(&mut text, &items.cell(at));
                }
                text.push(']');
                Cell::Json(text.into())
            }
            Self::Map {
                array,
                rows,
                names,
                items,
            } if array.is_valid(row) => {
                let members = rows[row].clone().map(|at| {
                    // The names of a JSON object are text, whatever those of a map are.
                    let name = names.cell(at).to_string();
                    (name.into(), items.cell(at))
                });
                object(members)
            }
            Self::Struct { array, members } if array.is_valid(row) => object(
                members
                    .iter()
                    .map(|(name, column)| ((*name).into(), column.cell(row))),
            ),
            _ => Cell::Null,
        }
    }
}

fn object<'c>(
    members: impl Iterator<Item = (std::borrow::Cow<'c, str>, Cell<'c>)>,
) -> Cell<'static> {
    let mut text = "{".to_owned();
    for (name, cell) in members {
        separate(&mut text);
        json_text::push_string(&mut text, &name);
        text.push(':');
        json_text::push_cell(&mut text, &cell);
    }
    text.push('}');
    Cell::Json(text.into())
}

/// A comma, unless the list or object has just begun.
fn separate(text: &mut String) {
    if !text.ends_with(['[', '{']) {
        text.push(',');
    }
}

fn between<O: OffsetSizeTrait>(offsets: &[O]) -> Vec<Range<usize>> {
    offsets
        .windows(2)
        .map(|pair| pair[0].as_usize()..pair[1].as_usize())
        .collect()
}

fn sized<O: OffsetSizeTrait>((offset, size): (&O, &O)) -> Range<usize> {
    let start = offset.as_usize();
    start..start + size.as_usize()
}

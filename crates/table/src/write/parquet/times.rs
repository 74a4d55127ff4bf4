//! Points in time in the unit that every reader of Parquet takes.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, FixedSizeListArray, GenericListArray, MapArray,
    OffsetSizeTrait, PrimitiveArray, StructArray,
};
use arrow::datatypes::{
    DataType, Field, FieldRef, Fields, Schema, SchemaRef, Time64MicrosecondType,
    Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow::error::ArrowError;

/// How finely a Parquet file keeps points in time; lengths of time are always whole.
///
/// The services have seven decimals of a second, and so does a [`Table`](crate::Table). Spark
/// refuses a file with a column of `TIMESTAMP(NANOS)`, whether the column is asked for or not, and
/// with it do Databricks, Synapse and Fabric. `INT96`, the old type that they read and that does
/// hold nanoseconds, has no statistics, so that no reader could pass over a part of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParquetTimes {
    /// Six decimals, for every reader; what is cut off is counted in a warning.
    #[default]
    Microseconds,
    /// All that there is, for readers that take it: `DuckDB`, Polars, pandas, `pyarrow`.
    Nanoseconds,
}

/// The schema with microseconds instead of nanoseconds.
pub(super) fn schema(schema: &SchemaRef) -> SchemaRef {
    let fields: Fields = schema.fields().iter().map(field).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn field(field: &FieldRef) -> FieldRef {
    match data_type(field.data_type()) {
        Some(coarse) => Arc::new(Field::clone(field).with_data_type(coarse)),
        None => Arc::clone(field),
    }
}

/// `None` where nothing is finer than a microsecond.
fn data_type(data: &DataType) -> Option<DataType> {
    let within = |inner: &FieldRef| data_type(inner.data_type()).map(|_| field(inner));
    Some(match data {
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
        }
        DataType::Time64(TimeUnit::Nanosecond) => DataType::Time64(TimeUnit::Microsecond),
        DataType::List(items) => DataType::List(within(items)?),
        DataType::LargeList(items) => DataType::LargeList(within(items)?),
        DataType::FixedSizeList(items, size) => DataType::FixedSizeList(within(items)?, *size),
        DataType::Map(entries, sorted) => DataType::Map(within(entries)?, *sorted),
        DataType::Struct(fields) => {
            fields.iter().find_map(within)?;
            DataType::Struct(fields.iter().map(field).collect())
        }
        _ => return None,
    })
}

/// The array with microseconds instead of nanoseconds; values that lose digits are added to `lost`.
pub(super) fn array(array: &ArrayRef, lost: &mut u64) -> Result<ArrayRef, ArrowError> {
    if data_type(array.data_type()).is_none() {
        return Ok(Arc::clone(array));
    }
    Ok(match array.data_type() {
        DataType::Timestamp(_, zone) => {
            let times = divided::<TimestampNanosecondType, TimestampMicrosecondType>(array, lost);
            Arc::new(times.with_timezone_opt(zone.clone()))
        }
        DataType::Time64(_) => Arc::new(divided::<Time64NanosecondType, Time64MicrosecondType>(
            array, lost,
        )),
        DataType::List(items) => list::<i32>(array, items, lost)?,
        DataType::LargeList(items) => list::<i64>(array, items, lost)?,
        DataType::FixedSizeList(items, size) => {
            let lists = array.as_fixed_size_list();
            let values = self::array(lists.values(), lost)?;
            let nulls = lists.nulls().cloned();
            Arc::new(FixedSizeListArray::try_new(
                field(items),
                *size,
                values,
                nulls,
            )?)
        }
        DataType::Map(entries, sorted) => {
            let maps = array.as_map();
            let values: ArrayRef = Arc::new(maps.entries().clone());
            Arc::new(MapArray::try_new(
                field(entries),
                maps.offsets().clone(),
                self::array(&values, lost)?.as_struct().clone(),
                maps.nulls().cloned(),
                *sorted,
            )?)
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns().iter();
            let columns = columns
                .map(|column| self::array(column, lost))
                .collect::<Result<_, _>>()?;
            let fields = fields.iter().map(field).collect();
            Arc::new(StructArray::try_new(
                fields,
                columns,
                array.nulls().cloned(),
            )?)
        }
        _ => Arc::clone(array),
    })
}

fn list<O: OffsetSizeTrait>(
    array: &ArrayRef,
    items: &FieldRef,
    lost: &mut u64,
) -> Result<ArrayRef, ArrowError> {
    let lists = array.as_list::<O>();
    Ok(Arc::new(GenericListArray::try_new(
        field(items),
        lists.offsets().clone(),
        self::array(lists.values(), lost)?,
        lists.nulls().cloned(),
    )?))
}

/// Cuts downwards, so that no time comes to be before another that it was after.
fn divided<N, M>(array: &ArrayRef, lost: &mut u64) -> PrimitiveArray<M>
where
    N: ArrowPrimitiveType<Native = i64>,
    M: ArrowPrimitiveType<Native = i64>,
{
    let fine = array.as_primitive::<N>();
    let coarse: PrimitiveArray<M> = fine.unary(|value| value.div_euclid(1000));
    // What stands where a value is null is nobody's.
    let is_lost = |value: i64| value % 1000 != 0;
    let count = match fine.null_count() {
        0 => fine
            .values()
            .iter()
            .filter(|value| is_lost(**value))
            .count(),
        _ => fine
            .iter()
            .flatten()
            .filter(|value| is_lost(*value))
            .count(),
    };
    *lost += u64::try_from(count).unwrap_or(u64::MAX);
    coarse
}

//! Every type that Arrow has, in a column of every type that KQL has: the value is the same, or the
//! error says where it is.

use std::fmt::Display;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Date64Array, Decimal32Array,
    Decimal64Array, Decimal128Array, Decimal256Array, DictionaryArray, DurationMicrosecondArray,
    DurationMillisecondArray, DurationNanosecondArray, DurationSecondArray, FixedSizeBinaryArray,
    Float16Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
    LargeBinaryArray, LargeStringArray, ListArray, RunArray, StringArray, StringViewArray,
    StructArray, Time32MillisecondArray, Time32SecondArray, Time64MicrosecondArray,
    Time64NanosecondArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Float16Type, Int32Type, i256};
use arrow::ipc::writer::FileWriter;
use arrow::record_batch::RecordBatch;
use kql_semantics::ScalarType;
use kql_syntax::ticks::{self, UNIX_EPOCH};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;

use crate::EngineError;
use crate::catalog::files::{Others, Records, Source};
use crate::column::Reader;
use crate::datum::Datum;

const TYPES: [ScalarType; 10] = [
    ScalarType::Bool,
    ScalarType::Int,
    ScalarType::Long,
    ScalarType::Real,
    ScalarType::Decimal,
    ScalarType::DateTime,
    ScalarType::TimeSpan,
    ScalarType::Guid,
    ScalarType::String,
    ScalarType::Dynamic,
];

/// What a value of a file is, apart from how it is kept.
#[derive(Debug, Clone, PartialEq)]
enum Meant {
    Bool(bool),
    /// As [`number`] writes it.
    Number(String),
    Infinite,
    /// Nanoseconds since 1970.
    Time(i128),
    /// Nanoseconds.
    Span(i128),
    Text(String),
    /// Hexadecimal digits.
    Bytes(String),
    /// The only member of a list or a record.
    Inside(Box<Meant>),
}

use Meant::{Bool, Bytes, Infinite, Inside, Number, Span, Text, Time};

/// A number without what does not change it: `-0.50` and `-5E-1` are `-5e-1`.
fn number(text: &str) -> Option<String> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let mut exponent: i64 = exponent.parse().ok()?;
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    exponent -= i64::try_from(fraction.len()).ok()?;
    let short = all.trim_end_matches('0');
    exponent += i64::try_from(all.len() - short.len()).ok()?;
    let short = short.trim_start_matches('0');
    Some(if short.is_empty() {
        "0".to_owned()
    } else {
        format!("{sign}{short}e{exponent}")
    })
}

fn real(value: f64) -> Meant {
    if value.is_finite() {
        Number(number(&format!("{value:e}")).unwrap())
    } else {
        Infinite
    }
}

/// A whole number of `scale` decimal places.
fn scaled(value: impl Display + Copy, scale: i64) -> Meant {
    Number(number(&format!("{value}e{}", -scale)).unwrap())
}

/// A value of each type, made of the bits of `raw`, with what it is.
#[expect(clippy::too_many_lines, reason = "a line for each type")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "bits become values"
)]
fn foreign(raw: i128) -> Vec<(&'static str, ArrayRef, Meant)> {
    let wide = raw;
    let (long, short) = (raw as i64, raw as i32);
    let (float, double) = (f32::from_bits(raw as u32), f64::from_bits(raw as u64));
    let half = <Float16Type as arrow::datatypes::ArrowPrimitiveType>::Native::from_bits(raw as u16);
    let decimal = raw % 10_i128.pow(38);
    let time = i128::from(long);
    let of_day = i128::from(long.rem_euclid(86_400_000_000_000));
    let bytes = raw.to_be_bytes();
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    let part = |length: usize| {
        let values = [&bytes[16 - length..]];
        let array = FixedSizeBinaryArray::try_from_iter(values.iter()).unwrap();
        (
            Arc::new(array) as ArrayRef,
            Bytes(hex[32 - 2 * length..].to_owned()),
        )
    };
    let text = |raw: &str| Text(raw.to_owned());
    let digits = raw.to_string();
    let point = format!("{}.{:020}", long, raw.unsigned_abs() % 10_u128.pow(20));
    let guid = format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    );
    let behind = format!("{guid}{}", &hex[..2]);
    let moment = ticks::datetime_text(long.rem_euclid(ticks::TICKS_PER_DAY * 3_000_000));
    let finer = format!(
        "{}{:02}Z",
        moment.trim_end_matches('Z'),
        raw.rem_euclid(100)
    );
    let list = |item: ArrayRef| -> ArrayRef {
        let field = Arc::new(Field::new_list_field(item.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths([item.len()]);
        Arc::new(ListArray::new(field, offsets, item, None))
    };
    let record = |item: ArrayRef| -> ArrayRef {
        let field = Arc::new(Field::new("m", item.data_type().clone(), true));
        Arc::new(StructArray::from(vec![(field, item)]))
    };
    let words = |values: ArrayRef| -> ArrayRef {
        Arc::new(DictionaryArray::<Int32Type>::new(
            Int32Array::from(vec![0]),
            values,
        ))
    };
    let runs = |values: ArrayRef| -> ArrayRef {
        Arc::new(RunArray::<Int32Type>::try_new(&Int32Array::from(vec![1]), &values).unwrap())
    };
    let exact = |scale: i8| -> ArrayRef {
        let array = Decimal128Array::from(vec![decimal]);
        Arc::new(array.with_precision_and_scale(38, scale).unwrap())
    };
    let wider = |scale: i8| -> ArrayRef {
        let array = Decimal256Array::from(vec![i256::from_i128(wide)]);
        Arc::new(array.with_precision_and_scale(76, scale).unwrap())
    };
    let nanoseconds = || -> ArrayRef { Arc::new(TimestampNanosecondArray::from(vec![long])) };
    let mut all: Vec<(&'static str, ArrayRef, Meant)> = vec![
        (
            "bool",
            Arc::new(BooleanArray::from(vec![raw & 1 == 1])),
            Bool(raw & 1 == 1),
        ),
        (
            "int8",
            Arc::new(Int8Array::from(vec![raw as i8])),
            scaled(raw as i8, 0),
        ),
        (
            "int16",
            Arc::new(Int16Array::from(vec![raw as i16])),
            scaled(raw as i16, 0),
        ),
        (
            "int32",
            Arc::new(Int32Array::from(vec![short])),
            scaled(short, 0),
        ),
        (
            "int64",
            Arc::new(Int64Array::from(vec![long])),
            scaled(long, 0),
        ),
        (
            "uint8",
            Arc::new(UInt8Array::from(vec![raw as u8])),
            scaled(raw as u8, 0),
        ),
        (
            "uint16",
            Arc::new(UInt16Array::from(vec![raw as u16])),
            scaled(raw as u16, 0),
        ),
        (
            "uint32",
            Arc::new(UInt32Array::from(vec![raw as u32])),
            scaled(raw as u32, 0),
        ),
        (
            "uint64",
            Arc::new(UInt64Array::from(vec![raw as u64])),
            scaled(raw as u64, 0),
        ),
        (
            "half",
            Arc::new(Float16Array::from(vec![half])),
            real(half.to_f64()),
        ),
        (
            "float",
            Arc::new(Float32Array::from(vec![float])),
            real(float.into()),
        ),
        (
            "double",
            Arc::new(Float64Array::from(vec![double])),
            real(double),
        ),
        (
            "near",
            Arc::new(Float64Array::from(vec![long as f64 / 100.0])),
            real(long as f64 / 100.0),
        ),
        (
            "decimal32",
            Arc::new(
                Decimal32Array::from(vec![short % 1_000_000_000])
                    .with_precision_and_scale(9, 2)
                    .unwrap(),
            ),
            scaled(short % 1_000_000_000, 2),
        ),
        (
            "decimal64",
            Arc::new(
                Decimal64Array::from(vec![long % 1_000_000_000_000_000_000])
                    .with_precision_and_scale(18, 4)
                    .unwrap(),
            ),
            scaled(long % 1_000_000_000_000_000_000, 4),
        ),
        ("decimal", exact(0), scaled(decimal, 0)),
        ("decimal fraction", exact(2), scaled(decimal, 2)),
        ("decimal small", exact(38), scaled(decimal, 38)),
        ("decimal256", wider(0), scaled(wide, 0)),
        ("decimal256 fraction", wider(40), scaled(wide, 40)),
        (
            "seconds",
            Arc::new(TimestampSecondArray::from(vec![long])),
            Time(time * 1_000_000_000),
        ),
        (
            "near seconds",
            Arc::new(TimestampSecondArray::from(vec![i64::from(short)]).with_timezone("+02:00")),
            Time(i128::from(short) * 1_000_000_000),
        ),
        (
            "milliseconds",
            Arc::new(TimestampMillisecondArray::from(vec![long])),
            Time(time * 1_000_000),
        ),
        (
            "microseconds",
            Arc::new(TimestampMicrosecondArray::from(vec![long])),
            Time(time * 1000),
        ),
        ("nanoseconds", nanoseconds(), Time(time)),
        (
            "date32",
            Arc::new(Date32Array::from(vec![short])),
            Time(i128::from(short) * 86_400_000_000_000),
        ),
        (
            "date64",
            Arc::new(Date64Array::from(vec![long - long % 86_400_000])),
            Time(i128::from(long - long % 86_400_000) * 1_000_000),
        ),
        (
            "span s",
            Arc::new(DurationSecondArray::from(vec![long])),
            Span(time * 1_000_000_000),
        ),
        (
            "span ms",
            Arc::new(DurationMillisecondArray::from(vec![long])),
            Span(time * 1_000_000),
        ),
        (
            "span us",
            Arc::new(DurationMicrosecondArray::from(vec![long])),
            Span(time * 1000),
        ),
        (
            "span ns",
            Arc::new(DurationNanosecondArray::from(vec![long])),
            Span(time),
        ),
        (
            "time32 s",
            Arc::new(Time32SecondArray::from(vec![
                (of_day / 1_000_000_000) as i32,
            ])),
            Span(of_day / 1_000_000_000 * 1_000_000_000),
        ),
        (
            "time32 ms",
            Arc::new(Time32MillisecondArray::from(vec![
                (of_day / 1_000_000) as i32,
            ])),
            Span(of_day / 1_000_000 * 1_000_000),
        ),
        (
            "time64 us",
            Arc::new(Time64MicrosecondArray::from(vec![(of_day / 1000) as i64])),
            Span(of_day / 1000 * 1000),
        ),
        (
            "time64 ns",
            Arc::new(Time64NanosecondArray::from(vec![of_day as i64])),
            Span(of_day),
        ),
        (
            "digits",
            Arc::new(StringArray::from(vec![digits.as_str()])),
            text(&digits),
        ),
        (
            "point",
            Arc::new(LargeStringArray::from(vec![point.as_str()])),
            text(&point),
        ),
        (
            "guid",
            Arc::new(StringViewArray::from(vec![guid.as_str()])),
            text(&guid),
        ),
        (
            "guid and more",
            Arc::new(StringArray::from(vec![behind.as_str()])),
            text(&behind),
        ),
        (
            "written time",
            Arc::new(StringArray::from(vec![moment.as_str()])),
            text(&moment),
        ),
        (
            "finer time",
            Arc::new(StringArray::from(vec![finer.as_str()])),
            text(&finer),
        ),
        (
            "bytes",
            Arc::new(BinaryArray::from(vec![digits.as_bytes()])),
            text(&digits),
        ),
        (
            "large bytes",
            Arc::new(LargeBinaryArray::from(vec![finer.as_bytes()])),
            text(&finer),
        ),
        (
            "words",
            words(Arc::new(StringArray::from(vec![digits.as_str()]))),
            text(&digits),
        ),
        ("decimal words", words(exact(2)), scaled(decimal, 2)),
        ("time words", words(nanoseconds()), Time(time)),
        ("runs", runs(exact(2)), scaled(decimal, 2)),
        ("time runs", runs(nanoseconds()), Time(time)),
        (
            "list of words",
            list(words(exact(2))),
            Inside(Box::new(scaled(decimal, 2))),
        ),
        ("list", list(exact(2)), Inside(Box::new(scaled(decimal, 2)))),
        (
            "list of doubles",
            list(Arc::new(Float64Array::from(vec![double]))),
            Inside(Box::new(real(double))),
        ),
        (
            "list of uint64",
            list(Arc::new(UInt64Array::from(vec![raw as u64]))),
            Inside(Box::new(scaled(raw as u64, 0))),
        ),
        (
            "record of times",
            record(nanoseconds()),
            Inside(Box::new(Time(time))),
        ),
        (
            "record of lists",
            record(list(Arc::new(Int64Array::from(vec![long])))),
            Inside(Box::new(Inside(Box::new(scaled(long, 0))))),
        ),
    ];
    for (name, length) in [("byte", 1), ("bytes 4", 4), ("bytes 8", 8), ("uuid", 16)] {
        let (array, meant) = part(length);
        all.push((name, array, meant));
    }
    all
}

fn write_arrow(path: &Path, batch: &RecordBatch) -> bool {
    let file = File::create(path).unwrap();
    let mut writer = FileWriter::try_new(file, &batch.schema()).unwrap();
    writer.write(batch).and_then(|()| writer.finish()).is_ok()
}

/// Whether Parquet has such a column.
fn write_parquet(path: &Path, batch: &RecordBatch) -> bool {
    let file = File::create(path).unwrap();
    ArrowWriter::try_new(file, batch.schema(), None)
        .and_then(|mut writer| {
            writer.write(batch)?;
            writer.close()
        })
        .is_ok()
}

/// The ticks of nanoseconds; whether that is all of them.
fn in_ticks(nanoseconds: i128) -> (i128, bool) {
    (nanoseconds.div_euclid(100), nanoseconds % 100 == 0)
}

/// Whether a value is what was meant, as far as `told` lets it be less.
fn is_meant(meant: &Meant, found: &Datum<'_>, told: bool) -> bool {
    let at_epoch = i128::from(UNIX_EPOCH);
    if let Datum::Dynamic(bytes) = found {
        let json = crate::dynamic::to_json(bytes);
        return is_in_json(meant, &json, told);
    }
    match (meant, found) {
        (Bool(meant), Datum::Bool(found)) => meant == found,
        (Infinite, Datum::Real(found)) => !found.is_finite(),
        (Number(meant), Datum::Bool(found)) => *meant == scaled_text(u8::from(*found)),
        (Number(meant), Datum::Int(found)) => *meant == scaled_text(found),
        (Number(meant), Datum::Long(found)) => {
            *meant == scaled_text(found) || is_whole_real(meant, *found)
        }
        (Number(meant), Datum::Decimal(found)) => *meant == scaled_text(found),
        (Number(_), Datum::Real(found)) => real(*found) == *meant,
        (Time(meant), Datum::DateTime(found)) => {
            let (ticks, all) = in_ticks(*meant);
            i128::from(*found) == ticks + at_epoch && (all || told)
        }
        (Span(meant), Datum::TimeSpan(found)) => {
            let (ticks, all) = in_ticks(*meant);
            i128::from(*found) == ticks && (all || told)
        }
        (_, Datum::String(found)) => is_in_text(meant, found, told),
        (Bytes(meant), Datum::Guid(found)) => *meant == found.replace('-', "") && meant.len() == 32,
        (Text(meant), Datum::Guid(found)) => {
            let digits = |guid: &str| guid.replace('-', "").to_ascii_lowercase();
            !meant.starts_with('-') && digits(meant) == digits(found)
        }
        (Text(meant), Datum::DateTime(found)) => {
            let all = !super::super::times::is_finer(meant);
            super::super::times::plain(meant) == Some(*found) && (all || told)
        }
        (Text(meant), Datum::TimeSpan(found)) => {
            let all = !super::super::times::is_finer(meant);
            ticks::timespan(meant) == Some(*found) && (all || told)
        }
        (Text(meant), Datum::Real(found)) => {
            number(meant).is_some_and(|meant| real(*found) == Number(meant))
                || (told && meant.parse() == Ok(*found))
        }
        (Text(meant), Datum::Bool(_) | Datum::Int(_) | Datum::Long(_) | Datum::Decimal(_)) => {
            number(meant).is_some_and(|meant| is_meant(&Number(meant), found, told))
        }
        _ => false,
    }
}

/// Whether a whole number is a real of this shortest form, all of whose digits the long has.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "which is looked at"
)]
fn is_whole_real(meant: &str, found: i64) -> bool {
    let as_real = found as f64;
    as_real as i128 == i128::from(found) && real(as_real) == Number(meant.to_owned())
}

fn scaled_text(value: impl Display + Copy) -> String {
    number(&value.to_string()).unwrap()
}

fn is_in_text(meant: &Meant, found: &str, told: bool) -> bool {
    match meant {
        Bool(meant) => found.eq_ignore_ascii_case(&meant.to_string()),
        Number(meant) => number(found).as_ref() == Some(meant),
        Infinite => ["nan", "inf", "-inf", "infinity", "-infinity"]
            .iter()
            .any(|one| found.eq_ignore_ascii_case(one)),
        Time(_) => ticks::datetime(found)
            .is_some_and(|found| is_meant(meant, &Datum::DateTime(found), told)),
        Span(_) => ticks::timespan(found)
            .is_some_and(|found| is_meant(meant, &Datum::TimeSpan(found), told)),
        Text(meant) | Bytes(meant) => meant == found,
        Inside(_) => serde_json::from_str(found).is_ok_and(|found| is_in_json(meant, &found, told)),
    }
}

fn is_in_json(meant: &Meant, found: &serde_json::Value, told: bool) -> bool {
    use serde_json::Value as Json;
    match (meant, found) {
        (Inside(meant), Json::Array(list)) => list.len() == 1 && is_in_json(meant, &list[0], told),
        (Inside(meant), Json::Object(members)) => {
            members.len() == 1 && is_in_json(meant, &members["m"], told)
        }
        (Bool(meant), Json::Bool(found)) => meant == found,
        (Number(meant), Json::Number(written)) => {
            number(&written.to_string()).as_ref() == Some(meant)
                // Of a tie between two digits either may be written.
                || written.as_f64().is_some_and(|found| written.is_f64() && real(found) == Number(meant.clone()))
        }
        // As `parse_json` reads it.
        (Text(meant), Json::Number(found)) => number(meant) == number(&found.to_string()) || told,
        (_, Json::String(found)) => is_in_text(meant, found, told),
        _ => false,
    }
}

/// Whether a type holds the value, so that an error would be one too many.
fn must_fit(meant: &Meant, ty: ScalarType) -> bool {
    let whole = |meant: &str| {
        let (digits, exponent) = meant.split_once('e').unwrap_or((meant, "0"));
        let zeros = exponent.parse::<usize>().ok()?;
        format!("{digits}{}", "0".repeat(zeros))
            .parse::<i128>()
            .ok()
    };
    match (meant, ty) {
        (Bool(_), ScalarType::Bool)
        | (Infinite, ScalarType::Real)
        | (Span(_), ScalarType::TimeSpan)
        | (Text(_) | Bool(_), ScalarType::String) => {
            !matches!(meant, Span(span) if i64::try_from(in_ticks(*span).0).is_err())
        }
        (Number(meant), ScalarType::Int) => {
            whole(meant).is_some_and(|one| i32::try_from(one).is_ok())
        }
        (Number(meant), ScalarType::Long) => {
            whole(meant).is_some_and(|one| i64::try_from(one).is_ok())
        }
        _ => false,
    }
}

/// The value of the only row; and whether it is told that it is less than the file has.
fn read(source: &Source, ty: ScalarType) -> Result<(Datum<'static>, bool), EngineError> {
    let wanted = [("c".to_owned(), ty)];
    let mut rows = source.read_as_named(&wanted)?;
    let batch = rows.next().expect("a row")?;
    let found = Reader::new(batch.column(0), ty).get(0).into_owned();
    Ok((found, !source.losses.told("T").is_empty()))
}

/// What is wrong with the values made of `raw`.
fn complaints(raw: i128) -> Vec<String> {
    let mut found = Vec::new();
    let folder = tempfile::tempdir().unwrap();
    for (kind, array, meant) in foreign(raw) {
        let batch = RecordBatch::try_from_iter_with_nullable([("c", array, true)]).unwrap();
        for (file, write) in [
            ("T.arrow", write_arrow as fn(&Path, &RecordBatch) -> bool),
            ("T.parquet", write_parquet),
        ] {
            let path = folder.path().join(file);
            if !write(&path, &batch) {
                assert_eq!(file, "T.parquet", "{kind} {raw}");
                continue;
            }
            for ty in TYPES {
                let records = Records {
                    table: "T".to_owned(),
                    own: true,
                    others: Others::Elsewhere,
                };
                let source = Source::new(path.clone(), records);
                let wrong = match read(&source, ty) {
                    Ok((found, told)) => (!is_meant(&meant, &found, told))
                        .then(|| format!("became {found:?} (told: {told})")),
                    Err(error) => {
                        let error = error.to_string();
                        let is_placed = error.contains(&format!("{file}: row 1 has "))
                            && error.contains("in column c");
                        (!is_placed || must_fit(&meant, ty)).then_some(error)
                    }
                };
                found.extend(
                    wrong.map(|wrong| {
                        format!("{kind} of {raw} in {file} as {ty}: {meant:?} {wrong}")
                    }),
                );
            }
        }
    }
    found
}

#[test]
fn the_ends_of_every_type_are_the_same_value_or_an_error() {
    let mut found = Vec::new();
    let bits = |value: f64| i128::from(value.to_bits());
    for raw in [
        0,
        1,
        2,
        -1,
        50,
        100,
        499,
        i128::from(i32::MAX),
        i128::from(i32::MAX) + 1,
        i128::from(i64::MAX),
        i128::from(i64::MIN),
        i128::from(u64::MAX),
        (1 << 53) + 1,
        99_999_999_999_999_999_999,
        638_659_872_000_000_000,
        1_730_419_200_123_456_789,
        0x2024_1101,
        0x1234_5678,
        bits(4.99),
        bits(0.5),
        bits(1.0),
        bits(9.3e18),
        bits(f64::NAN),
        bits(f64::NEG_INFINITY),
        i128::MAX,
        i128::MIN,
    ] {
        found.extend(complaints(raw));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_value_is_the_same_or_an_error(raw in any::<i128>(), shift in 0_u32..127) {
        let found = complaints(raw >> shift);
        prop_assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

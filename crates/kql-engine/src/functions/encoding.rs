//! Functions of encodings.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::{GzDecoder, ZlibDecoder};

use super::{Call, array, items};
use crate::EngineError;
use crate::datum::Datum;
use crate::expression::{Kernel, kernel};

/// The most bytes a compressed text may become.
const MOST: u64 = 64 << 20;

fn decoded(value: &Datum<'_>) -> Option<Vec<u8>> {
    STANDARD.decode(value.display().trim()).ok()
}

fn unpacked(reader: impl Read) -> Datum<'static> {
    let mut out = Vec::new();
    match reader.take(MOST).read_to_end(&mut out) {
        Ok(_) => String::from_utf8(out).map_or_else(|_| Datum::text(""), Datum::text),
        Err(_) => Datum::text(""),
    }
}

/// The longest text that the service certainly stores as it is, since its compressor writes a
/// table of codes of this size first. How it packs longer ones is its own habit.
const STORED: usize = 100;

/// One stored block of DEFLATE, the last one.
fn store(text: &[u8], out: &mut Vec<u8>) {
    let size = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.push(1);
    out.extend(size.to_le_bytes());
    out.extend((!size).to_le_bytes());
    out.extend(text);
}

fn adler32(text: &[u8]) -> u32 {
    let (mut one, mut two) = (1_u32, 0_u32);
    for byte in text {
        one = (one + u32::from(*byte)) % 65_521;
        two = (two + one) % 65_521;
    }
    two << 16 | one
}

fn packed(body: fn(&[u8]) -> Vec<u8>) -> Kernel {
    kernel(move |values| {
        let text = values[0].display();
        if text.len() > STORED {
            return Err(EngineError::Unsupported {
                what: "compression of more than 100 bytes".to_owned(),
                span: None,
            });
        }
        Ok(Datum::text(STANDARD.encode(body(text.as_bytes()))))
    })
}

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        "base64_encode_tostring" => {
            kernel(|values| Ok(Datum::text(STANDARD.encode(values[0].display().as_bytes()))))
        }
        // What is no text when decoded stays empty, as in the service.
        "base64_decode_tostring" => kernel(|values| {
            let text = decoded(&values[0]).and_then(|bytes| String::from_utf8(bytes).ok());
            Ok(Datum::text(text.unwrap_or_default()))
        }),
        "base64_decode_toarray" => kernel(|values| {
            let Some(bytes) = decoded(&values[0]) else {
                return Ok(Datum::Null);
            };
            let list: Vec<Datum<'_>> = bytes
                .into_iter()
                .map(|byte| Datum::Long(i64::from(byte)))
                .collect();
            Ok(array(&list))
        }),
        "base64_encode_fromarray" => kernel(|values| {
            let bytes: Option<Vec<u8>> = items(&values[0]).and_then(|list| {
                list.iter()
                    .map(|one| u8::try_from(one.as_long()?).ok())
                    .collect()
            });
            Ok(Datum::text(
                bytes
                    .map(|bytes| STANDARD.encode(bytes))
                    .unwrap_or_default(),
            ))
        }),
        "base64_decode_toguid" => kernel(|values| {
            let Some(bytes) = decoded(&values[0]).filter(|bytes| bytes.len() == 16) else {
                return Ok(Datum::Null);
            };
            let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
            let digits: Vec<String> = order
                .iter()
                .map(|at| format!("{:02x}", bytes[*at]))
                .collect();
            Ok(kql_syntax::guid(&digits.concat())
                .map_or(Datum::Null, |guid| Datum::Guid(guid.into())))
        }),
        "base64_encode_fromguid" => kernel(|values| {
            let digits = values[0].display().replace('-', "");
            let bytes: Vec<u8> = (0..digits.len() / 2)
                .filter_map(|at| u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok())
                .collect();
            if bytes.len() != 16 {
                return Ok(Datum::text(""));
            }
            let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
            let mixed: Vec<u8> = order.iter().map(|at| bytes[*at]).collect();
            Ok(Datum::text(STANDARD.encode(mixed)))
        }),
        "zlib_decompress_from_base64_string" => kernel(|values| {
            let bytes = decoded(&values[0]).unwrap_or_default();
            Ok(unpacked(ZlibDecoder::new(bytes.as_slice())))
        }),
        "gzip_decompress_from_base64_string" => kernel(|values| {
            let bytes = decoded(&values[0]).unwrap_or_default();
            Ok(unpacked(GzDecoder::new(bytes.as_slice())))
        }),
        "zlib_compress_to_base64_string" => packed(|text| {
            let mut out = vec![0x78, 0x01];
            store(text, &mut out);
            out.extend(adler32(text).to_be_bytes());
            out
        }),
        "gzip_compress_to_base64_string" => packed(|text| {
            let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
            store(text, &mut out);
            let mut checksum = flate2::Crc::new();
            checksum.update(text);
            out.extend(checksum.sum().to_le_bytes());
            out.extend(checksum.amount().to_le_bytes());
            out
        }),
        _ => return Ok(None),
    }))
}

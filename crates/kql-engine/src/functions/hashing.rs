//! Hashes.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use twox_hash::XxHash64;

use super::Call;
use crate::EngineError;
use crate::datum::Datum;
use crate::expression::{Kernel, kernel};

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        "hash" | "hash_xxhash64" => kernel(|values| {
            let hash = hash(&values[0]);
            let Some(modulus) = values.get(1) else {
                return Ok(Datum::Long(hash));
            };
            Ok(match modulus.as_long() {
                Some(modulus) if modulus > 0 => Datum::Long(hash.rem_euclid(modulus)),
                _ => Datum::Null,
            })
        }),
        "hash_md5" => digest::<Md5>(),
        "hash_sha1" => digest::<Sha1>(),
        "hash_sha256" => digest::<Sha256>(),
        _ => return Ok(None),
    }))
}

/// A hash as hexadecimal digits. The service hashes the text of every value here, unlike in `hash`, and
/// has none for the empty text.
fn digest<D: Digest>() -> Kernel {
    kernel(|values| {
        let text = values[0].display();
        Ok(Datum::text(if text.is_empty() {
            String::new()
        } else {
            hexadecimal(&D::digest(text.as_bytes()))
        }))
    })
}

/// What `hash` makes of a value.
pub(crate) fn hash(value: &Datum<'_>) -> i64 {
    XxHash64::oneshot(0, &bytes_of(value)).cast_signed()
}

/// The bytes that the service hashes.
fn bytes_of(value: &Datum<'_>) -> Vec<u8> {
    match value {
        Datum::Null => Vec::new(),
        Datum::Bool(value) => vec![u8::from(*value)],
        Datum::Int(value) => value.to_le_bytes().to_vec(),
        Datum::Long(value) | Datum::DateTime(value) | Datum::TimeSpan(value) => {
            value.to_le_bytes().to_vec()
        }
        Datum::Real(value) => value.to_le_bytes().to_vec(),
        other => other.display().as_bytes().to_vec(),
    }
}

fn hexadecimal(digest: &[u8]) -> String {
    let digits: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

//! Values that are new for every row: `rand`, `new_guid`; and sizes of rows.

use std::sync::atomic::{AtomicU64, Ordering};

use kql_semantics::ScalarType;

use super::Call;
use crate::EngineError;
use crate::datum::Datum;
use crate::expression::{Kernel, kernel};

/// One number per call of a function in a query, so that two calls differ.
static CALLS: AtomicU64 = AtomicU64::new(0);

/// A sequence of numbers that look random (splitmix64); nobody may rely on them for secrets.
#[derive(Debug)]
struct Sequence(AtomicU64);

impl Sequence {
    fn new(call: &Call) -> Self {
        let number = CALLS.fetch_add(1, Ordering::Relaxed);
        let time = call.now.unwrap_or(0).cast_unsigned();
        Self(AtomicU64::new(mixed(time) ^ mixed(number.wrapping_add(1))))
    }

    fn next(&self) -> u64 {
        mixed(self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed))
    }

    /// A real of [0, 1).
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn real(&self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn mixed(value: u64) -> u64 {
    let value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ value >> 31
}

/// The bytes that the service says a value takes; `None` where it does not say.
fn size_of_type(ty: ScalarType) -> Option<i64> {
    Some(match ty {
        ScalarType::Bool => 1,
        ScalarType::Int => 4,
        ScalarType::Long | ScalarType::Real | ScalarType::DateTime | ScalarType::TimeSpan => 8,
        ScalarType::Guid => 16,
        ScalarType::String => 0,
        _ => return None,
    })
}

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    let sequence = Sequence::new(call);
    Ok(Some(match call.name {
        "rand" => kernel(move |values| {
            let share = sequence.real();
            #[expect(clippy::cast_precision_loss, reason = "the language's own conversion")]
            Ok(Datum::Real(match values.first().map(Datum::as_long) {
                Some(Some(count)) if count > 1 => (share * count as f64).floor(),
                _ => share,
            }))
        }),
        "new_guid" => kernel(move |_| {
            let high = sequence.next() & !0xF000 | 0x4000;
            let low = sequence.next() >> 2 | 1 << 63;
            let text = format!(
                "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
                high >> 32,
                high >> 16 & 0xFFFF,
                high & 0xFFFF,
                low >> 48,
                low & 0xFFFF_FFFF_FFFF
            );
            Ok(Datum::Guid(text.into()))
        }),
        "estimate_data_size" => {
            let fixed: Option<i64> = call.types.iter().map(|ty| size_of_type(*ty)).sum();
            let Some(fixed) = fixed else {
                return Err(EngineError::Unsupported {
                    what: "estimate_data_size() of a dynamic or decimal".to_owned(),
                    span: None,
                });
            };
            let texts: Vec<usize> = (0..call.len())
                .filter(|at| call.types[*at] == ScalarType::String)
                .collect();
            kernel(move |values| {
                let text: usize = texts.iter().map(|at| values[*at].display().len()).sum();
                Ok(Datum::Long(
                    fixed.saturating_add(super::strings::length(text)),
                ))
            })
        }
        _ => return Ok(None),
    }))
}

//! How values look as text, and how lenient text becomes values again.

pub(crate) mod bounded;
mod read;
pub(crate) mod separated;

pub(crate) use read::{boolean, parse_long, parse_real};

/// A real that JSON has no number for: `NaN`, `Infinity`, `-Infinity`.
pub(crate) fn real_in_json(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// A real in its shortest form: `1.0`, `0.1`, `1E+20`, `NaN`, `inf`.
pub(crate) fn real(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if value == 0.0 {
        return if value.is_sign_negative() {
            "-0.0"
        } else {
            "0.0"
        }
        .to_owned();
    }
    let size = value.abs();
    if (1e-5..1e15).contains(&size) {
        let plain = format!("{value}");
        return if plain.contains('.') {
            plain
        } else {
            format!("{plain}.0")
        };
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}E{sign}{:02}", exponent.abs())
}

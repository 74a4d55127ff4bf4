//! Decimal numbers: up to 38 digits, exact.

use std::cmp::Ordering;
use std::fmt;

/// `mantissa * 10^-scale`, without trailing zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Decimal {
    /// As bytes: an `i128` would align every value of the engine to sixteen, and half as many would
    /// fit into a line of the cache.
    mantissa: [u8; 16],
    scale: u32,
}

const DIGITS: u32 = 34;
/// Digits after the point that a text may have.
const SMALLEST: i32 = 60;

impl Decimal {
    fn new(mut mantissa: i128, mut scale: u32) -> Self {
        if mantissa == 0 {
            return Self::of(0, 0);
        }
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Self::of(mantissa, scale)
    }

    fn of(mantissa: i128, scale: u32) -> Self {
        Self {
            mantissa: mantissa.to_ne_bytes(),
            scale,
        }
    }

    fn mantissa(self) -> i128 {
        i128::from_ne_bytes(self.mantissa)
    }

    pub(crate) fn from_long(value: i64) -> Self {
        Self::of(i128::from(value), 0)
    }

    /// The shortest decimal that reads as `value`.
    pub(crate) fn from_real(value: f64) -> Option<Self> {
        value
            .is_finite()
            .then(|| Self::parse(&format!("{value:e}")))?
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (digits, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match digits.as_bytes().first()? {
            b'-' => (true, &digits[1..]),
            b'+' => (false, &digits[1..]),
            _ => (false, digits),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut mantissa: i128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            if !byte.is_ascii_digit() {
                return None;
            }
            mantissa = mantissa
                .checked_mul(10)?
                .checked_add(i128::from(byte - b'0'))?;
        }
        let mut scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        while scale < 0 {
            mantissa = mantissa.checked_mul(10)?;
            scale += 1;
        }
        if scale > SMALLEST {
            return None;
        }
        let mantissa = if negative { -mantissa } else { mantissa };
        Some(Self::new(mantissa, u32::try_from(scale).ok()?))
    }

    pub(crate) fn to_real(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    pub(crate) fn is_zero(self) -> bool {
        self.mantissa() == 0
    }

    /// The value where it has no fraction.
    pub(crate) fn whole(self) -> Option<i128> {
        (self.scale == 0).then(|| self.mantissa())
    }

    pub(crate) fn negate(self) -> Self {
        Self::of(-self.mantissa(), self.scale)
    }

    fn aligned(self, other: Self) -> Option<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        let left = self
            .mantissa()
            .checked_mul(10_i128.checked_pow(scale - self.scale)?)?;
        let right = other
            .mantissa()
            .checked_mul(10_i128.checked_pow(scale - other.scale)?)?;
        Some((left, right, scale))
    }

    pub(crate) fn add(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Self::new(left.checked_add(right)?, scale))
    }

    pub(crate) fn subtract(self, other: Self) -> Option<Self> {
        self.add(other.negate())
    }

    pub(crate) fn multiply(self, other: Self) -> Option<Self> {
        Some(Self::new(
            self.mantissa().checked_mul(other.mantissa())?,
            self.scale + other.scale,
        ))
    }

    pub(crate) fn divide(self, other: Self) -> Option<Self> {
        if other.mantissa() == 0 {
            return None;
        }
        let mut left = self.mantissa();
        let mut scale = i64::from(self.scale) - i64::from(other.scale);
        let limit = 10_i128.pow(DIGITS);
        while (left % other.mantissa() != 0 || scale < 0) && left.abs() < limit {
            left *= 10;
            scale += 1;
        }
        Some(Self::new(
            left / other.mantissa(),
            u32::try_from(scale).ok()?,
        ))
    }

    pub(crate) fn remainder(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Self::new(left.checked_rem(right)?, scale))
    }

    pub(crate) fn floor(self) -> i128 {
        self.mantissa()
            .div_euclid(10_i128.checked_pow(self.scale).unwrap_or(i128::MAX))
    }

    pub(crate) fn compare(self, other: Self) -> Ordering {
        match self.aligned(other) {
            Some((left, right, _)) => left.cmp(&right),
            None => self.to_real().total_cmp(&other.to_real()),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa().unsigned_abs().to_string();
        let scale = self.scale as usize;
        if self.mantissa() < 0 {
            out.write_str("-")?;
        }
        if scale == 0 {
            return out.write_str(&digits);
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(out, "{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    #[test]
    fn arithmetic_is_exact() {
        let one = Decimal::parse("0.1").unwrap();
        let two = Decimal::parse("0.20").unwrap();
        assert_eq!(one.add(two).unwrap().to_string(), "0.3");
        assert_eq!(one.multiply(two).unwrap().to_string(), "0.02");
        assert_eq!(one.divide(two).unwrap().to_string(), "0.5");
        assert_eq!(Decimal::parse("-1e3").unwrap().to_string(), "-1000");
        assert_eq!(Decimal::parse("x"), None);
    }
}

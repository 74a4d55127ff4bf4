//! Distributions and tests of statistics.

use super::Call;
use crate::EngineError;
use crate::datum::Datum;
use crate::expression::{Kernel, kernel};

/// Lanczos' coefficients for g = 7.
const LANCZOS: [f64; 9] = [
    0.999_999_999_999_809_9,
    676.520_368_121_885_1,
    -1_259.139_216_722_402_8,
    771.323_428_777_653_1,
    -176.615_029_162_140_6,
    12.507_343_278_686_905,
    -0.138_571_095_265_720_12,
    9.984_369_578_019_572e-6,
    1.505_632_735_149_311_6e-7,
];

/// The natural logarithm of the gamma function of a positive number.
fn log_gamma(value: f64) -> f64 {
    if value < 0.5 {
        let sine = (std::f64::consts::PI * value).sin().abs();
        return (std::f64::consts::PI / sine).ln() - log_gamma(1.0 - value);
    }
    let value = value - 1.0;
    let mut sum = LANCZOS[0];
    let mut step = 1.0;
    for coefficient in &LANCZOS[1..] {
        sum += coefficient / (value + step);
        step += 1.0;
    }
    let shifted = value + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (value + 0.5) * shifted.ln() - shifted + sum.ln()
}

/// The gamma function; whole numbers give whole factorials.
fn gamma(value: f64) -> f64 {
    if value.fract() == 0.0 {
        if value <= 0.0 {
            return f64::NAN;
        }
        if value <= 171.0 {
            let (mut product, mut factor) = (1.0, 2.0);
            while factor < value {
                product *= factor;
                factor += 1.0;
            }
            return product;
        }
        return f64::INFINITY;
    }
    if value < 0.5 {
        let sine = (std::f64::consts::PI * value).sin();
        return std::f64::consts::PI / (sine * gamma(1.0 - value));
    }
    log_gamma(value).exp()
}

/// The continued fraction of the incomplete beta function, by Lentz's method.
fn fraction(x: f64, alpha: f64, beta: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guarded = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (sum, more, less) = (alpha + beta, alpha + 1.0, alpha - 1.0);
    let mut c = 1.0;
    let mut d = 1.0 / guarded(1.0 - sum * x / more);
    let mut result = d;
    let mut step = 1.0;
    while step <= 20_000.0 {
        let twice = 2.0 * step;
        let even = step * (beta - step) * x / ((less + twice) * (alpha + twice));
        d = 1.0 / guarded(1.0 + even * d);
        c = guarded(1.0 + even / c);
        result *= d * c;
        let odd = -(alpha + step) * (sum + step) * x / ((alpha + twice) * (more + twice));
        d = 1.0 / guarded(1.0 + odd * d);
        c = guarded(1.0 + odd / c);
        let change = d * c;
        result *= change;
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
        step += 1.0;
    }
    result
}

fn log_beta(alpha: f64, beta: f64) -> f64 {
    log_gamma(alpha) + log_gamma(beta) - log_gamma(alpha + beta)
}

/// The regularised incomplete beta function.
fn beta_share(x: f64, alpha: f64, beta: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = (alpha * x.ln() + beta * (-x).ln_1p() - log_beta(alpha, beta)).exp();
    if x < (alpha + 1.0) / (alpha + beta + 2.0) {
        front * fraction(x, alpha, beta) / alpha
    } else {
        1.0 - front * fraction(1.0 - x, beta, alpha) / beta
    }
}

fn beta_density(x: f64, alpha: f64, beta: f64) -> f64 {
    let edge = |power: f64| match power.partial_cmp(&1.0) {
        Some(std::cmp::Ordering::Greater) => 0.0,
        Some(std::cmp::Ordering::Equal) => (-log_beta(alpha, beta)).exp(),
        _ => f64::INFINITY,
    };
    if x == 0.0 {
        return edge(alpha);
    }
    if x == 1.0 {
        return edge(beta);
    }
    ((alpha - 1.0) * x.ln() + (beta - 1.0) * (-x).ln_1p() - log_beta(alpha, beta)).exp()
}

/// The value whose share is `share`: halving first, then Newton's steps inside of what is left.
fn beta_inverse(share: f64, alpha: f64, beta: f64) -> f64 {
    if share >= 1.0 {
        return 1.0;
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    let mut guess = alpha / (alpha + beta);
    for _ in 0..200 {
        let error = beta_share(guess, alpha, beta) - share;
        if error > 0.0 {
            high = guess;
        } else {
            low = guess;
        }
        let slope = beta_density(guess, alpha, beta);
        let mut next = guess - error / slope;
        if !(next > low && next < high) {
            next = f64::midpoint(low, high);
        }
        if (next - guess).abs() <= 1e-17 + guess * f64::EPSILON {
            return next;
        }
        guess = next;
    }
    guess
}

/// The two-sided probability of Welch's test.
fn welch(numbers: &[f64]) -> Option<f64> {
    let &[mean1, variance1, count1, mean2, variance2, count2] = numbers else {
        return None;
    };
    let (part1, part2) = (variance1 / count1, variance2 / count2);
    let spread = part1 + part2;
    let distance = (mean1 - mean2) / spread.sqrt();
    let freedom =
        spread * spread / (part1 * part1 / (count1 - 1.0) + part2 * part2 / (count2 - 1.0));
    if !(distance.is_finite() && freedom.is_finite() && freedom > 0.0) {
        return None;
    }
    Some(beta_share(
        freedom / (freedom + distance * distance),
        freedom / 2.0,
        0.5,
    ))
}

/// The reals of a row, or none where one is none.
fn reals(values: &[Datum<'_>]) -> Option<Vec<f64>> {
    values.iter().map(Datum::as_real).collect()
}

fn nowhere(_: f64, _: f64) -> f64 {
    f64::NAN
}

/// All of the distribution is at or below zero: the service's answer, though its documentation has NaN.
fn below_zero(x: f64, alpha: f64) -> f64 {
    if (0.0..=1.0).contains(&x) && alpha < 0.0 {
        1.0
    } else {
        f64::NAN
    }
}

/// A kernel of a value and the two parameters, and what it is where a parameter is out of range.
fn of_beta(outside: fn(f64, f64) -> f64, body: fn(f64, f64, f64) -> Option<f64>) -> Kernel {
    kernel(move |values| {
        let Some(numbers) = reals(values) else {
            return Ok(Datum::Null);
        };
        let (alpha, beta) = (numbers[1], numbers[2]);
        if !(alpha > 0.0 && alpha <= 10_000.0 && beta > 0.0 && beta <= 10_000.0) {
            return Ok(Datum::Real(outside(numbers[0], alpha)));
        }
        Ok(body(numbers[0], alpha, beta).map_or(Datum::Null, Datum::Real))
    })
}

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        "gamma" => kernel(|values| {
            Ok(values[0]
                .as_real()
                .map_or(Datum::Null, |value| Datum::Real(gamma(value))))
        }),
        "beta_cdf" => of_beta(below_zero, |x, alpha, beta| {
            Some(if (0.0..=1.0).contains(&x) {
                beta_share(x, alpha, beta)
            } else {
                f64::NAN
            })
        }),
        "beta_pdf" => of_beta(nowhere, |x, alpha, beta| {
            Some(if (0.0..=1.0).contains(&x) {
                beta_density(x, alpha, beta)
            } else {
                f64::NAN
            })
        }),
        "beta_inv" => of_beta(nowhere, |share, alpha, beta| {
            (share > 0.0 && share <= 1.0).then(|| beta_inverse(share, alpha, beta))
        }),
        "welch_test" => kernel(|values| {
            let found = reals(values).and_then(|numbers| welch(&numbers));
            Ok(found.map_or(Datum::Null, Datum::Real))
        }),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::{beta_density, beta_inverse, beta_share, gamma, welch};

    fn near(one: f64, two: f64) {
        assert!((one - two).abs() <= 1e-12 * two.abs(), "{one} {two}");
    }

    #[test]
    fn the_beta_distribution() {
        near(beta_share(0.9, 10.0, 20.0), 0.999_999_999_999_959);
        near(beta_density(0.5, 10.0, 20.0), 0.746_176_019_310_951);
        near(beta_inverse(0.1, 10.0, 20.0), 0.226_415_022_388_748_97);
        // The uniform distribution.
        near(beta_share(0.3, 1.0, 1.0), 0.3);
        near(beta_inverse(0.3, 1.0, 1.0), 0.3);
    }

    #[test]
    fn gamma_of_whole_and_half_numbers() {
        near(gamma(5.0), 24.0);
        near(gamma(0.5), std::f64::consts::PI.sqrt());
        near(gamma(-0.5), -2.0 * std::f64::consts::PI.sqrt());
        assert!(gamma(0.0).is_nan());
    }

    #[test]
    fn equal_means_are_certain() {
        near(welch(&[1.0, 2.0, 10.0, 1.0, 3.0, 12.0]).unwrap(), 1.0);
        assert_eq!(welch(&[1.0, 0.0, 1.0, 1.0, 0.0, 1.0]), None);
    }
}

//! Round values on a scale.

use crate::scale::{Scale, Spacing};

/// A choice of values to mark.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ticks {
    /// Those with a label.
    pub(crate) labelled: Vec<f64>,
    /// Those with a light line and no label.
    pub(crate) light: Vec<f64>,
}

/// Choices of round values, the densest first: 1, 2 and 5 times a power of ten.
pub(crate) fn choices(scale: &Scale, most: usize) -> Vec<Ticks> {
    let (low, high) = scale.ends();
    if scale.spacing() != Spacing::Log {
        let counts = (1..=most.max(1)).rev();
        return counts
            .map(|count| plain(evenly(low, high, count)))
            .collect();
    }
    let mut choices = Vec::new();
    if high - low < 1.2 {
        let counts = (2..=most.clamp(2, 5)).rev();
        choices.extend(counts.map(|count| plain(evenly(10f64.powf(low), 10f64.powf(high), count))));
        // Over less than a factor of four, even steps have rounder values than 1, 2 and 5.
        let round = by_decades(low, high, 1, &[1.0, 2.0, 5.0]);
        if high - low > 0.6 && round.labelled.len() > 1 {
            choices.insert(0, round);
        }
    } else if high - low < 2.5 {
        choices.push(by_decades(low, high, 1, &[1.0, 2.0, 5.0]));
    }
    choices.extend([1, 2, 3, 4, 6, 10, 20, 40].map(|every| by_decades(low, high, every, &[1.0])));
    choices
}

fn plain(labelled: Vec<f64>) -> Ticks {
    Ticks {
        labelled,
        light: Vec::new(),
    }
}

/// Multiples of a round step, about `count` of them.
fn evenly(low: f64, high: f64, count: usize) -> Vec<f64> {
    let rough = (high - low) / count as f64;
    let power = rough.log10().floor();
    if !power.is_finite() {
        return Vec::new();
    }
    let mantissa = rough / 10f64.powf(power);
    let mantissa = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|round| mantissa <= *round * 1.0001);
    let (mantissa, power) = mantissa.map_or((1.0, power + 1.0), |round| (round, power));
    // Multiplying by a tenth would leave 0.30000000000000004.
    let value = |multiple: f64| match power < 0.0 {
        true => multiple * mantissa / 10f64.powf(-power),
        false => multiple * mantissa * 10f64.powf(power),
    };
    let step = value(1.0);
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    let multiples = (0..=count + 1).map(|at| first + at as f64);
    // Adding 0 makes a negative zero positive.
    multiples
        .take_while(|multiple| *multiple <= last)
        .map(|multiple| value(multiple) + 0.0)
        .collect()
}

/// `mantissas` times every so-many-th power of ten; in between, light ones.
fn by_decades(low: f64, high: f64, every: i32, mantissas: &[f64]) -> Ticks {
    let inside = |value: &f64| (low..=high).contains(&value.log10());
    let powers = (low.floor() as i32..=high.ceil() as i32).collect::<Vec<_>>();
    let is_labelled = |power: i32| power.rem_euclid(every) == 0;
    let labelled = powers.iter().filter(|power| is_labelled(**power));
    let labelled = labelled
        .flat_map(|power| {
            mantissas
                .iter()
                .map(move |mantissa| times_power(*mantissa, *power))
        })
        .filter(inside);
    let light = powers.iter().flat_map(|&power| {
        let digits = if every == 1 { 1..=9 } else { 1..=1 };
        digits.map(move |digit| (f64::from(digit), power))
    });
    let light = light
        .filter(|(digit, power)| !(is_labelled(*power) && mantissas.contains(digit)))
        .map(|(digit, power)| times_power(digit, power))
        .filter(inside);
    Ticks {
        labelled: labelled.collect(),
        light: light.collect(),
    }
}

fn times_power(mantissa: f64, power: i32) -> f64 {
    match power < 0 {
        true => mantissa / 10f64.powi(-power),
        false => mantissa * 10f64.powi(power),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_ticks_are_round() {
        assert_eq!(evenly(0.0, 1.04, 6), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(evenly(0.0, 104_000.0, 6), [0.0, 2e4, 4e4, 6e4, 8e4, 1e5]);
        assert_eq!(evenly(-0.3, 0.3, 3), [-0.2, 0.0, 0.2]);
    }

    #[test]
    fn decades_have_light_ticks_between_them() {
        let scale = Scale::fit(Spacing::Log, [1.0, 1000.0], (0.0, 300.0));
        let ticks = &choices(&scale, 8)[0];
        assert_eq!(ticks.labelled, [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(ticks.light[..8], [0.8, 0.9, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    }

    #[test]
    fn an_axis_of_logarithms_has_at_least_two_labels() {
        for tenth in 10..100 {
            for factor in [4.1, 4.9, 7.0] {
                let low = f64::from(tenth) / 10.0;
                let scale = Scale::fit(Spacing::Log, [low, low * factor], (0.0, 300.0));
                let labelled = &choices(&scale, 8)[0].labelled;
                assert!(labelled.len() >= 2, "{low} x {factor}: {labelled:?}");
            }
        }
    }

    #[test]
    fn there_are_never_too_many_ticks() {
        for values in [[1e-55, 1e55], [3.0, 3.0], [1e-9, 2e-9], [-1e59, 1e59]] {
            for spacing in [Spacing::Linear, Spacing::FromZero, Spacing::Log] {
                let scale = Scale::fit(spacing, values, (0.0, 300.0));
                let choices = choices(&scale, 8);
                assert!(choices.iter().any(|ticks| ticks.labelled.len() <= 9));
                assert!(
                    choices
                        .iter()
                        .all(|ticks| ticks.labelled.len() + ticks.light.len() < 1200)
                );
            }
        }
    }
}

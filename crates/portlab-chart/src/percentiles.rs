//! The axis of percentiles.

use crate::{axis::Axis, scale::Spacing};

/// An axis of percentiles: `1 / (1 - quantile)` by logarithms, so that one message in ten, in a hundred, in a thousand are
/// equally far apart. The maximum has no place on it.
pub fn percentiles(label: &str) -> Axis<'_> {
    Axis {
        ticks: &TICKS,
        ..Axis::new(label, Spacing::Log, percent)
    }
}

/// The place of `quantile`, in `[0, 1)`, on an axis of [`percentiles`].
pub fn place_of(quantile: f64) -> f64 {
    1.0 / (1.0 - quantile)
}

/// The percentile of a place on the axis: `99.9%` for 1000. The rest up to 100% has one or two digits.
fn percent(odds: f64) -> String {
    let digits = ((odds / 100.0).log10().ceil() + 1.0).max(0.0) as usize;
    let text = format!("{:.digits$}", 100.0 - 100.0 / odds);
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text}%")
}

/// The places that are marked.
const TICKS: [f64; 7] = [2.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_by_its_percentile() {
        let names = [
            "50%", "90%", "99%", "99.9%", "99.99%", "99.999%", "99.9999%",
        ];
        assert_eq!(TICKS.map(percent), names);
        let between = [1.0, 1.2115, 82.54, 2155.0].map(percent);
        assert_eq!(between, ["0%", "17%", "98.8%", "99.954%"]);
    }
}

//! From values to places.

/// How values are spaced along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// Evenly, from the lowest to the highest value.
    Linear,
    /// Evenly, with 0 on the axis: lengths can be compared.
    FromZero,
    /// By their logarithms: equal ratios are equally far apart. Zero and less can't be shown.
    Log,
}

/// Maps values to places along one direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    spacing: Spacing,
    /// The ends: values, or their decimal logarithms.
    low: f64,
    high: f64,
    /// The lowest and the highest value, or their decimal logarithms.
    lowest: f64,
    highest: f64,
    /// The places of the ends, in user units.
    from: f64,
    to: f64,
}

impl Scale {
    /// A scale on which all `values` that can be shown have a place between `from` and `to`, with a
    /// little room at the ends.
    pub(crate) fn fit(
        spacing: Spacing,
        values: impl IntoIterator<Item = f64>,
        (from, to): (f64, f64),
    ) -> Self {
        let shown = values.into_iter().filter_map(|value| place(spacing, value));
        let ends = shown.fold(None, |ends: Option<(f64, f64)>, value| {
            let (low, high) = ends.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        });
        let (mut low, mut high) = ends.unwrap_or((0.0, 1.0));
        if spacing == Spacing::FromZero {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        let least = match spacing {
            Spacing::Log => 0.3,
            _ => (low.abs().max(high.abs()) * 1e-6).max(1e-60),
        };
        if high - low < least {
            let more = match spacing {
                Spacing::Log => 0.3,
                _ if low == 0.0 && high == 0.0 => 1.0,
                _ => low.abs().max(high.abs()) * 0.5,
            };
            high += more;
            if spacing != Spacing::FromZero {
                low -= more;
            }
        }
        let (lowest, highest) = (low, high);
        let room = (high - low) * 0.04;
        let keeps_zero = |end: f64| spacing == Spacing::FromZero && end == 0.0;
        if !keeps_zero(low) {
            low -= room;
        }
        if !keeps_zero(high) {
            high += room;
        }
        Self {
            spacing,
            low,
            high,
            lowest,
            highest,
            from,
            to,
        }
    }

    /// A linear scale from one value to another, without room at the ends.
    pub(crate) fn exact((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        Self {
            spacing: Spacing::Linear,
            low,
            high,
            lowest: low,
            highest: high,
            from,
            to,
        }
    }

    /// The place of `value`; `None` when it can't be shown: NaN, infinities, values beyond [`FARTHEST`] and, by
    /// logarithms, 0 and less.
    pub(crate) fn at(&self, value: f64) -> Option<f64> {
        Some(self.from + self.share(value)? * (self.to - self.from))
    }

    /// The same as a share of the way between the ends: it doesn't depend on how large the scale is drawn.
    pub(crate) fn share(&self, value: f64) -> Option<f64> {
        let share = (place(self.spacing, value)? - self.low) / (self.high - self.low);
        Some(share.clamp(0.0, 1.0))
    }

    /// The place of `value`, or the lower end when it can't be shown.
    pub(crate) fn at_or_low(&self, value: f64) -> f64 {
        self.at(value).unwrap_or(self.from)
    }

    /// Whether `value` lies between the lowest and the highest value, not in the room at the ends.
    pub(crate) fn is_among(&self, value: f64) -> bool {
        place(self.spacing, value)
            .is_some_and(|place| (self.lowest..=self.highest).contains(&place))
    }

    /// The place from which bars begin: that of 0, or the lower end.
    pub(crate) fn base(&self) -> f64 {
        match self.spacing {
            Spacing::Log => self.from,
            _ => self.at_or_low(0.0),
        }
    }

    /// The lowest and the highest value, or their decimal logarithms.
    pub(crate) fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    pub(crate) fn spacing(&self) -> Spacing {
        self.spacing
    }
}

/// The value or its logarithm; `None` when it can't be shown.
fn place(spacing: Spacing, value: f64) -> Option<f64> {
    let shown = value.is_finite() && value.abs() < FARTHEST;
    match spacing {
        _ if !shown => None,
        Spacing::Log => (value > 1.0 / FARTHEST).then(|| value.log10()),
        _ => Some(value),
    }
}

/// The farthest value that is shown. No measurement is so large, and differences of larger values could overflow.
const FARTHEST: f64 = 1e60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_begin_at_zero() {
        let scale = Scale::fit(Spacing::FromZero, [5.0, 10.0], (100.0, 300.0));
        assert_eq!(scale.base(), 100.0);
        assert_eq!(scale.at(0.0), Some(100.0));
        assert!(
            scale
                .at(10.0)
                .is_some_and(|place| place > 280.0 && place < 300.0)
        );
    }

    #[test]
    fn equal_ratios_are_equally_far_apart() {
        let scale = Scale::fit(Spacing::Log, [1.0, 1000.0], (0.0, 300.0));
        let place = |value| scale.at(value).unwrap();
        assert!((place(10.0) - place(1.0) - (place(1000.0) - place(100.0))).abs() < 1e-9);
    }

    #[test]
    fn a_value_that_cannot_be_shown_has_no_place() {
        for values in [vec![], vec![0.0], vec![f64::NAN], vec![-3.0, 0.0, 7.0]] {
            let scale = Scale::fit(Spacing::Log, values, (0.0, 100.0));
            for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
                assert_eq!(scale.at(value), None);
            }
            assert!(scale.at(7.0).is_some());
        }
    }
}

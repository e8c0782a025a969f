//! The rates of a ladder: one run at each.

/// `steps` rates from `from` to `to`, each the same number of times the last: what is of interest is
/// how latency grows with load, and that is seen on every scale.
pub fn rungs(from: f64, to: f64, steps: usize) -> Vec<f64> {
    match steps {
        0 => Vec::new(),
        1 => vec![to],
        _ => (0..steps)
            .map(|step| from * (to / from).powf(step as f64 / (steps - 1) as f64))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_rise_by_equal_factors_and_end_where_they_should() {
        let rates = rungs(1_000.0, 16_000.0, 5);
        for (rate, expected) in rates.iter().zip([1e3, 2e3, 4e3, 8e3, 16e3]) {
            assert!((rate - expected).abs() < 1e-6, "{rates:?}");
        }
        assert_eq!(rungs(5.0, 7.0, 1), [7.0]);
    }
}

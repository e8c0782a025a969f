//! Numbers, written shortly.

/// A coordinate with at most one decimal. A value that isn't finite becomes 0, and others are limited to 100,000 in
/// either direction, so that a drawing is well-formed for any data.
pub(crate) fn short(value: f64) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let tenths = (value.clamp(-1e5, 1e5) * 10.0).round() as i64;
    let sign = if tenths < 0 { "-" } else { "" };
    match (tenths.abs() / 10, tenths.abs() % 10) {
        (whole, 0) => format!("{sign}{whole}"),
        (0, tenth) => format!("{sign}.{tenth}"),
        (whole, tenth) => format!("{sign}{whole}.{tenth}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinate_is_short() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.01, "0"),
            (0.25, ".3"),
            (-0.5, "-.5"),
            (12.0, "12"),
            (12.34, "12.3"),
            (-7.96, "-8"),
            (f64::NAN, "0"),
            (f64::INFINITY, "0"),
            (1e300, "100000"),
        ] {
            assert_eq!(short(value), expected, "{value}");
        }
    }
}

//! Numbers to be tried one after the other: `1,10,100`, or `1..1000x4` for 1, 4, 16, ... and 1000.

use portlab_words::units::UnitError;

/// The factor from one number to the next, unless told.
const FACTOR: f64 = 2.0;
/// More steps in one range are a typing error.
const MOST: usize = 100;

/// Why a text isn't such a range.
#[derive(Debug, thiserror::Error)]
pub enum StepsError {
    /// One of its ends isn't a number.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// It doesn't rise from a number above 0.
    #[error("{0:?} doesn't rise; write the smaller number first, above 0, such as 1..1000x4")]
    Falling(String),
    /// Its factor isn't above 1.
    #[error("{0:?} has no factor above 1; write 1..1000x4 for 1, 4, 16, ... and 1000")]
    Factor(String),
    /// It has too many steps.
    #[error("{0:?} has more than {MOST} steps; take a larger factor")]
    TooMany(String),
}

/// Reads `text`, a number or a range `A..BxF`, with `read` for the numbers: A, A·F, A·F², ... and at
/// last B. Without its factor a range doubles.
///
/// # Errors
/// When it is neither.
pub fn steps(
    text: &str,
    read: impl Fn(&str) -> Result<f64, UnitError>,
) -> Result<Vec<f64>, StepsError> {
    let Some((first, rest)) = text.split_once("..") else {
        return Ok(vec![read(text)?]);
    };
    let (last, factor) = match rest.split_once('x') {
        None => (rest, FACTOR),
        Some((last, factor)) => {
            let factor = factor
                .parse()
                .ok()
                .filter(|it: &f64| *it > 1.0 && it.is_finite());
            (
                last,
                factor.ok_or_else(|| StepsError::Factor(text.to_owned()))?,
            )
        }
    };
    let (first, last) = (read(first)?, read(last)?);
    if !(first > 0.0 && first <= last) {
        return Err(StepsError::Falling(text.to_owned()));
    }
    let mut steps = vec![first];
    let mut next = first * factor;
    while next < last {
        steps.push(next);
        next *= factor;
        if steps.len() >= MOST {
            return Err(StepsError::TooMany(text.to_owned()));
        }
    }
    if last > first {
        steps.push(last);
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_words::units;

    fn counts(text: &str) -> Result<Vec<f64>, StepsError> {
        let count = units::count("0", "1T");
        steps(text, |text| count(text).map(|count| count as f64))
    }

    #[test]
    fn a_range_rises_by_its_factor_and_ends_at_its_end() {
        assert_eq!(counts("7").unwrap(), [7.0]);
        assert_eq!(
            counts("1..1000x4").unwrap(),
            [1.0, 4.0, 16.0, 64.0, 256.0, 1000.0]
        );
        assert_eq!(counts("1..8").unwrap(), [1.0, 2.0, 4.0, 8.0]);
        assert_eq!(counts("1k..10kx10").unwrap(), [1e3, 1e4]);
        assert_eq!(counts("5..5").unwrap(), [5.0]);
        assert_eq!(
            steps("0.5..2", units::rate("0.1", "10")).unwrap(),
            [0.5, 1.0, 2.0]
        );
    }

    #[test]
    fn what_is_no_range_is_refused() {
        assert!(matches!(counts("x"), Err(StepsError::Unit(_))));
        assert!(matches!(counts("1..y"), Err(StepsError::Unit(_))));
        assert!(matches!(counts("9..1"), Err(StepsError::Falling(_))));
        assert!(matches!(counts("0..10"), Err(StepsError::Falling(_))));
        for text in ["1..9x1", "1..9x0.5", "1..9xx", "1..9x", "1..9xinf"] {
            assert!(matches!(counts(text), Err(StepsError::Factor(_))), "{text}");
        }
        assert!(matches!(counts("1..1Mx1.01"), Err(StepsError::TooMany(_))));
    }
}

//! Numbers to be tried one after the other: `1,10,100`, or `1..1000x4` for 1, 4, 16, ... and 1000.

use portlab_words::{Text, tr};

/// The factor from one number to the next, if a range has none.
const FACTOR: f64 = 2.0;
/// More steps in one range are a typing error.
const MOST: usize = 100;

/// Reads `text`, a number or a range `A..BxF`, with `read` for the numbers: A, A·F, A·F², ... and B at the end. The
/// factor is 2 if it is left out.
///
/// # Errors
/// When it is neither.
pub fn steps(text: &str, read: impl Fn(&str) -> Result<f64, Text>) -> Result<Vec<f64>, Text> {
    let Some((first, rest)) = text.split_once("..") else {
        return Ok(vec![read(text)?]);
    };
    let (last, factor) = match rest.split_once('x') {
        None => (rest, Some(FACTOR)),
        Some((last, factor)) => (last, factor.parse().ok()),
    };
    let Some(factor) = factor.filter(|it| *it > 1.0 && it.is_finite()) else {
        return Err(tr!(
            "{text:?} has no factor above 1; write 1..1000x4 for 1, 4, 16, ... and 1000",
            "{text:?} 里没有大于 1 的倍数；1、4、16……直到 1000 写作 1..1000x4"
        ));
    };
    let (first, last) = (read(first)?, read(last)?);
    if !(first > 0.0 && first <= last) {
        return Err(tr!(
            "{text:?} doesn't rise; write the smaller number first, above 0, such as 1..1000x4",
            "{text:?} 不是从小到大；请先写大于 0 的小数目，例如 1..1000x4"
        ));
    }
    let numbers = std::iter::successors(Some(first), |it| Some(it * factor));
    let mut steps: Vec<f64> = numbers.take_while(|it| *it < last).take(MOST + 1).collect();
    steps.push(last);
    if steps.len() > MOST {
        return Err(tr!(
            "{text:?} has more than {MOST} steps; take a larger factor",
            "{text:?} 超过 {MOST} 步；请把倍数取大"
        ));
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_words::units;

    fn counts(text: &str) -> Result<Vec<f64>, Text> {
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
    fn a_text_that_is_not_a_range_is_refused() {
        for (texts, reason) in [
            (&["x", "1..y"][..], "is not a"),
            (&["9..1", "0..10"], "doesn't rise"),
            (
                &["1..9x1", "1..9x0.5", "1..9xx", "1..9x", "1..9xinf"],
                "no factor above 1",
            ),
            (&["1..1Mx1.01"], "more than 100 steps"),
        ] {
            for text in texts {
                let refused = counts(text).unwrap_err().to_string();
                assert!(refused.contains(reason), "{text}: {refused}");
            }
        }
    }
}

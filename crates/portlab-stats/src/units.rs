//! Quantities, as people write and read them.

use std::time::Duration;

/// A text that is no such quantity.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UnitError {
    /// It is none at all.
    #[error("{text:?} is no {what}; write {examples}")]
    Unreadable {
        /// What was to be read.
        text: String,
        /// What it was to be.
        what: &'static str,
        /// What could be written instead.
        examples: &'static str,
    },
    /// There is no place for so much.
    #[error("{text:?} is too large a {what}; {most} is the most")]
    TooLarge {
        /// What was to be read.
        text: String,
        /// What it was to be.
        what: &'static str,
        /// The largest.
        most: u64,
    },
}

/// Reads a number of bytes: `64`, `4KiB`, `1MB`, `10k`. Decimal prefixes are powers of 1000, binary
/// ones of 1024.
///
/// # Errors
/// When it is none, or too large for this machine.
pub fn size(text: &str) -> Result<usize, UnitError> {
    let bytes = whole(text, "size", "64, 4KiB, 1MiB or 10k")?;
    usize::try_from(bytes).map_err(|_| UnitError::TooLarge {
        text: text.to_owned(),
        what: "size",
        most: usize::MAX as u64,
    })
}

/// Reads a count: `100`, `10k`, `1.5M`.
///
/// # Errors
/// When it is none, or too large.
pub fn count(text: &str) -> Result<u64, UnitError> {
    let (what, examples) = ("number", "100, 10k or 1.5M");
    // The same prefixes as for sizes, but nothing that is measured in bytes.
    if text.contains(['b', 'B', 'i']) {
        return Err(error(text, what, examples));
    }
    whole(text, what, examples)
}

/// Reads a whole number with its prefix.
fn whole(text: &str, what: &'static str, examples: &'static str) -> Result<u64, UnitError> {
    parse_size::parse_size(text).map_err(|reason| match reason {
        parse_size::Error::PosOverflow => UnitError::TooLarge {
            text: text.to_owned(),
            what,
            most: u64::MAX,
        },
        _ => error(text, what, examples),
    })
}

/// Reads a rate per second: `100`, `0.5`, `10k`, `1.5M`.
///
/// # Errors
/// When it is none, or not more than 0.
pub fn rate(text: &str) -> Result<f64, UnitError> {
    let wrong = || error(text, "rate per second", "100, 0.5, 10k or 1.5M");
    let (digits, factor) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1e3),
        None => text
            .strip_suffix('M')
            .map_or((text, 1.0), |digits| (digits, 1e6)),
    };
    let number: f64 = digits.parse().map_err(|_| wrong())?;
    let rate = number * factor;
    (rate.is_finite() && rate > 0.0)
        .then_some(rate)
        .ok_or_else(wrong)
}

/// Reads a duration: `200us`, `5ms`, `10s`, `1m`.
///
/// # Errors
/// When it is none; a number needs its unit.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    humantime::parse_duration(text).map_err(|_| error(text, "duration", "200us, 5ms, 10s or 1m"))
}

/// Writes a time, given in nanoseconds, to three digits: `850 ns`, `12.3 µs`, `4.57 ms`, `1.20 s`.
#[must_use]
pub fn nanos(nanos: f64) -> String {
    let (value, unit) = scaled(nanos, 1e3, ["ns", "µs", "ms", "s"]);
    format!("{} {unit}", three_digits(value))
}

/// Writes a duration to three digits, as [`nanos`] does.
#[must_use]
pub fn time(duration: Duration) -> String {
    nanos(duration.as_nanos() as f64)
}

/// Writes a number to three digits: `950`, `1.23k`, `45.6k`, `7.89M`.
#[must_use]
pub fn short(number: f64) -> String {
    let (value, unit) = scaled(number, 1e3, ["", "k", "M", "G"]);
    three_digits(value) + unit
}

/// Writes a rate per second, as [`short`] does: `45.6k/s`.
#[must_use]
pub fn per_s(rate: f64) -> String {
    short(rate) + "/s"
}

/// Writes a number of bytes to three digits, in powers of 1024: `512 B`, `4.00 KiB`, `1.50 MiB`.
#[must_use]
pub fn bytes(bytes: f64) -> String {
    match scaled(bytes, 1024.0, ["B", "KiB", "MiB", "GiB"]) {
        (value, "B") => format!("{value:.0} B"),
        (value, unit) => format!("{} {unit}", three_digits(value)),
    }
}

/// The unit that `value` is written in, each of them `factor` times the one before; and how many of
/// it there are.
fn scaled<const N: usize>(
    value: f64,
    factor: f64,
    units: [&'static str; N],
) -> (f64, &'static str) {
    // What would be rounded up to the next unit is written in it: 1.00k, and not 1000.
    let carries = factor - 0.5;
    let (mut value, mut index) = (value, 0);
    while value >= carries && index + 1 < N {
        value /= factor;
        index += 1;
    }
    (value, units[index])
}

/// Writes a number to three significant digits, four when it is just below the next unit.
#[must_use]
pub fn three_digits(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

fn error(text: &str, what: &'static str, examples: &'static str) -> UnitError {
    UnitError::Unreadable {
        text: text.to_owned(),
        what,
        examples,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_with_their_units() {
        assert_eq!(size("64"), Ok(64));
        assert_eq!(size("4KiB"), Ok(4096));
        assert_eq!(size("10k"), Ok(10_000));
        assert_eq!(count("10k"), Ok(10_000));
        assert_eq!(count("1.5M"), Ok(1_500_000));
        assert_eq!(
            [rate("0.5"), rate("10k"), rate("1.5M")],
            [Ok(0.5), Ok(1e4), Ok(1.5e6)]
        );
        assert_eq!(duration("200us"), Ok(Duration::from_micros(200)));
        assert_eq!(duration("1m"), Ok(Duration::from_secs(60)));
    }

    #[test]
    fn what_is_no_quantity_is_refused_with_examples() {
        for text in ["", "x", "-1", "64 potatoes"] {
            assert!(
                size(text).is_err() && count(text).is_err() && duration(text).is_err(),
                "{text:?}"
            );
        }
        assert!(count("4KiB").is_err());
        for text in ["", "k", "0", "-1", "inf", "1e400", "10kk"] {
            assert!(rate(text).is_err(), "{text:?}");
        }
        let error = duration("10").unwrap_err().to_string();
        assert!(error.contains("10s"), "{error}");
    }

    #[test]
    fn a_number_that_is_too_large_is_said_to_be() {
        for error in [
            count("99999999999999999999").unwrap_err(),
            count("99999999999G").unwrap_err(),
            size("99999999999GiB").unwrap_err(),
        ] {
            assert!(error.to_string().contains("too large"), "{error}");
        }
    }

    #[test]
    fn quantities_are_written_to_three_digits() {
        assert_eq!(
            [nanos(850.0), nanos(12_345.0), nanos(4.567e6)],
            ["850 ns", "12.3 µs", "4.57 ms"]
        );
        assert_eq!(
            [short(0.0), short(950.0), short(45_600.0)],
            ["0", "950", "45.6k"]
        );
        assert_eq!(
            [bytes(512.0), bytes(4096.0), bytes(1_572_864.0)],
            ["512 B", "4.00 KiB", "1.50 MiB"]
        );
        assert_eq!(three_digits(9.996), "10.0");
    }

    #[test]
    fn what_is_rounded_up_to_the_next_unit_is_written_in_it() {
        assert_eq!(
            [short(999.4), short(999.6), short(999_600.0), short(999.6e9)],
            ["999", "1.00k", "1.00M", "1000G"]
        );
        assert_eq!(
            [nanos(999.4), nanos(999.6), nanos(999.6e6), nanos(1.5e12)],
            ["999 ns", "1.00 µs", "1.00 s", "1500 s"]
        );
        assert_eq!(
            [bytes(1_023.0), bytes(1_023.6), bytes(1_048_570.0)],
            ["1023 B", "1.00 KiB", "1.00 MiB"]
        );
    }
}

//! Quantities, as people write and read them.

use std::time::Duration;

/// A text that is no such quantity.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} is no {what}; write {examples}")]
pub struct UnitError {
    text: String,
    what: &'static str,
    examples: &'static str,
}

/// Reads a number of bytes: `64`, `4KiB`, `1MB`, `10k`. Decimal prefixes are powers of 1000, binary
/// ones of 1024.
///
/// # Errors
/// When it is none, or too large for this machine.
pub fn size(text: &str) -> Result<usize, UnitError> {
    let wrong = || error(text, "size", "64, 4KiB, 1MiB or 10k");
    let bytes = parse_size::parse_size(text).map_err(|_| wrong())?;
    usize::try_from(bytes).map_err(|_| wrong())
}

/// Reads a count: `100`, `10k`, `1.5M`.
///
/// # Errors
/// When it is none.
pub fn count(text: &str) -> Result<u64, UnitError> {
    let wrong = || error(text, "number", "100, 10k or 1.5M");
    // The same prefixes as for sizes, but nothing that is measured in bytes.
    if text.contains(['b', 'B', 'i']) {
        return Err(wrong());
    }
    parse_size::parse_size(text).map_err(|_| wrong())
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
    let (value, unit) = match nanos {
        n if n < 1e3 => (n, "ns"),
        n if n < 1e6 => (n / 1e3, "µs"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
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
    match number {
        n if n < 1e3 => three_digits(n),
        n if n < 1e6 => three_digits(n / 1e3) + "k",
        n if n < 1e9 => three_digits(n / 1e6) + "M",
        n => three_digits(n / 1e9) + "G",
    }
}

/// Writes a number of bytes to three digits, in powers of 1024: `512 B`, `4.00 KiB`, `1.50 MiB`.
#[must_use]
pub fn bytes(bytes: f64) -> String {
    let (value, unit) = match bytes {
        n if n < 1024.0 => return format!("{n:.0} B"),
        n if n < 1_048_576.0 => (n / 1024.0, "KiB"),
        n if n < 1_073_741_824.0 => (n / 1_048_576.0, "MiB"),
        n => (n / 1_073_741_824.0, "GiB"),
    };
    format!("{} {unit}", three_digits(value))
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
    UnitError {
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
}

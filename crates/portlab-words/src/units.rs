//! Quantities, as people write and read them.

use std::time::Duration;

use crate::{Text, tr};

/// A function that reads a quantity and refuses what is out of its bounds, for an option of the command line.
pub trait Parse<T>: Fn(&str) -> Result<T, Text> + Clone + Send + Sync {}

impl<T, F: Fn(&str) -> Result<T, Text> + Clone + Send + Sync> Parse<T> for F {}

/// Returns a parser of numbers of bytes from `least` to `most`: `64`, `4KiB`, `1MB`, `10k`. Decimal
/// prefixes are powers of 1000, binary ones of 1024.
///
/// Each parser has bounds, so that no later sum overflows and no value asks for more memory than the machine has.
pub fn size(least: &'static str, most: &'static str) -> impl Parse<usize> {
    let read = |text: &str| {
        let bytes = |unit: &str| factor(unit.strip_suffix(['b', 'B']).unwrap_or(unit));
        let size = whole(text, bytes).ok_or_else(|| unreadable(text, &SIZE));
        size.map(|size| size as usize)
    };
    within(read, least, most)
}

/// Returns a parser of counts from `least` to `most`: `100`, `10k`, `1.5M`.
pub fn count(least: &'static str, most: &'static str) -> impl Parse<u64> {
    let read = |text: &str| {
        let count = whole(text, decimal).ok_or_else(|| unreadable(text, &NUMBER));
        count.map(|count| count as u64)
    };
    within(read, least, most)
}

/// Returns a parser of rates per second from `least` to `most`: `100`, `0.5`, `10k`, `1.5M`.
pub fn rate(least: &'static str, most: &'static str) -> impl Parse<f64> {
    let read = |text: &str| {
        let rate = number(text).and_then(|(number, unit)| Some(number * decimal(unit)?));
        rate.ok_or_else(|| unreadable(text, &RATE))
    };
    within(read, least, most)
}

/// Returns a parser of shares from `least` to `most`: `5%` or `0.05`.
pub fn share(least: &'static str, most: &'static str) -> impl Parse<f64> {
    let read = |text: &str| match number(text) {
        Some((share, "")) => Ok(share),
        Some((percent, "%")) => Ok(percent / 100.0),
        _ => Err(unreadable(text, &SHARE)),
    };
    within(read, least, most)
}

/// Returns a parser of durations from `least` to `most`: `200us`, `5ms`, `10s`, `1m`. A number needs
/// its unit.
pub fn duration(least: &'static str, most: &'static str) -> impl Parse<Duration> {
    let read = move |text: &str| {
        let time = humantime::parse_duration(text);
        time.map_err(|reason| match reason {
            humantime::DurationError::NumberOverflow => out_of_bounds(least, most),
            _ => unreadable(text, &DURATION),
        })
    };
    within(read, least, most)
}

/// Returns `read` with bounds, which are texts that `read` can read.
fn within<T: PartialOrd>(
    read: impl Parse<T>,
    least: &'static str,
    most: &'static str,
) -> impl Parse<T> {
    move |text: &str| {
        let value = read(text)?;
        match (read(least)?..=read(most)?).contains(&value) {
            true => Ok(value),
            false => Err(out_of_bounds(least, most)),
        }
    }
}

/// Reads a whole number with its unit, as far as an `f64` is exact: to 2^53. With a prefix, a fraction
/// is rounded: 1.3KiB are 1331 bytes.
fn whole(text: &str, factor: impl Fn(&str) -> Option<f64>) -> Option<f64> {
    let (number, unit) = number(text)?;
    let factor = factor(unit)?;
    (factor > 1.0 || number == number.round()).then(|| (number * factor).round())
}

/// Splits `text` into a number, of ASCII digits with at most one point, and the unit behind it.
fn number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (digits, unit) = text.split_at(end.unwrap_or(text.len()));
    Some((digits.parse().ok()?, unit.trim_start()))
}

/// The factor that a prefix stands for, a power of 1000.
fn decimal(prefix: &str) -> Option<f64> {
    factor(prefix).filter(|_| !prefix.contains('i'))
}

/// The factor that a prefix stands for: a power of 1000, or of 1024 with an `i`.
fn factor(prefix: &str) -> Option<f64> {
    let (letter, base) = match prefix.strip_suffix('i') {
        Some(letter) => (letter, 1024_f64),
        None => (prefix, 1000.0),
    };
    let letters = ["", "k", "m", "g", "t"];
    let power = letters
        .iter()
        .position(|it| it.eq_ignore_ascii_case(letter))?;
    (power > 0 || prefix.is_empty()).then(|| base.powi(power as i32))
}

/// Writes a time, given in nanoseconds, to three digits: `850 ns`, `12.3 µs`, `4.57 ms`, `1.20 s`.
pub fn nanos(nanos: f64) -> String {
    let (value, unit) = scaled(nanos, 1e3, ["ns", "µs", "ms", "s"]);
    format!("{} {unit}", three_digits(value))
}

/// Writes a duration to three digits, as [`nanos`] does.
pub fn time(duration: Duration) -> String {
    nanos(duration.as_nanos() as f64)
}

/// Writes a number to three digits: `950`, `1.23k`, `45.6k`, `7.89M`.
pub fn short(number: f64) -> String {
    let (value, unit) = scaled(number, 1e3, ["", "k", "M", "G"]);
    three_digits(value) + unit
}

/// Writes a rate per second, as [`short`] does: `45.6k/s`.
pub fn per_s(rate: f64) -> String {
    short(rate) + "/s"
}

/// Writes a number of bytes to three digits, in powers of 1024: `512 B`, `4.00 KiB`, `1.50 MiB`.
pub fn bytes(bytes: f64) -> String {
    match scaled(bytes, 1024.0, ["B", "KiB", "MiB", "GiB"]) {
        (value, "B") => format!("{value:.0} B"),
        (value, unit) => format!("{} {unit}", three_digits(value)),
    }
}

/// `value` in the largest of `units` that it reaches, and that unit. Each unit is `factor` times the one before.
fn scaled<const N: usize>(
    value: f64,
    factor: f64,
    units: [&'static str; N],
) -> (f64, &'static str) {
    // A value that would be rounded up to the next unit is written in that unit: 1.00k, not 1000.
    let carries = factor - 0.5;
    let (mut value, mut index) = (value, 0);
    while value >= carries && index + 1 < N {
        value /= factor;
        index += 1;
    }
    (value, units[index])
}

/// Writes a number to three significant digits, four when it is just below the next unit.
pub fn three_digits(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

/// Why `text` isn't a quantity of this kind; `kind` has examples.
fn unreadable(text: &str, kind: &Text) -> Text {
    let Text { en, zh } = kind;
    tr!("{text:?} is not a {en}", "{text:?} 不是{zh}")
}

fn out_of_bounds(least: &str, most: &str) -> Text {
    tr!(
        "it must be between {least} and {most}",
        "必须在 {least} 和 {most} 之间"
    )
}

const SIZE: Text = Text::new(
    "size; write 64, 4KiB, 1MiB or 10k",
    "字节数；可以写 64、4KiB、1MiB 或 10k",
);
const NUMBER: Text = Text::new(
    "number; write 100, 10k or 1.5M",
    "数字；可以写 100、10k 或 1.5M",
);
const RATE: Text = Text::new(
    "rate per second; write 100, 0.5, 10k or 1.5M",
    "每秒的速率；可以写 100、0.5、10k 或 1.5M",
);
const SHARE: Text = Text::new("share; write 5% or 0.05", "比例；可以写 5% 或 0.05");
const DURATION: Text = Text::new(
    "duration; write 200us, 5ms, 10s or 1m",
    "时间长度；可以写 200us、5ms、10s 或 1m",
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the parsers of sizes, counts, rates, shares and durations (in seconds) read.
    fn read(text: &str) -> [Result<f64, Text>; 5] {
        [
            size("0", "1TiB")(text).map(|it| it as f64),
            count("0", "1T")(text).map(|it| it as f64),
            rate("0.001", "10M")(text),
            share("0", "100%")(text),
            duration("0s", "1h")(text).map(|it| it.as_secs_f64()),
        ]
    }

    /// The upper bound of each parser.
    const MOST: [f64; 5] = [(1_u64 << 40) as f64, 1e12, 1e7, 1.0, 3600.0];

    #[test]
    fn quantities_are_read_with_their_units() {
        for (parser, texts) in [
            (
                0,
                "64=64 4KiB=4096 4kib=4096 1.3KiB=1331 10k=10000 1MB=1000000 1TiB=1099511627776",
            ),
            (1, "0=0 10k=10000 1.5M=1500000 1T=1000000000000"),
            (2, "0.5=0.5 10k=10000 1.5M=1500000"),
            (3, "5%=0.05 0.05=0.05 0=0"),
            (4, "200us=0.0002 1m=60"),
        ] {
            for (text, value) in texts.split(' ').filter_map(|it| it.split_once('=')) {
                assert_eq!(read(text)[parser], Ok(value.parse().unwrap()), "{text}");
            }
        }
        assert_eq!(read("4 kib")[0], Ok(4096.0));
    }

    #[test]
    fn a_text_that_is_not_a_quantity_is_refused_with_examples() {
        for text in [
            "",
            "x",
            "-1",
            "64 potatoes",
            "NaN",
            "inf",
            "1e400",
            "KiB",
            "s",
            "%",
            ".",
            "1.2.3",
            "５",
            "٣",
            "5中",
            "10kk",
            "5i",
            "+5",
        ] {
            for read in read(text) {
                let Text { en, zh } = read.unwrap_err();
                assert!(
                    en.contains("; write ") && zh.contains("；可以写 "),
                    "{text:?}: {en} {zh}"
                );
            }
        }
        for text in ["4KiB", "5B", "0.5"] {
            assert!(read(text)[1].is_err(), "{text:?}");
        }
        assert!(read("10")[4].as_ref().unwrap_err().en.contains("10s"));
    }

    #[test]
    fn a_quantity_out_of_its_bounds_is_refused_with_the_bounds() {
        let huge = "18446744073709551615.9999999999999999999";
        let nines = "9".repeat(400);
        for text in [huge, &nines] {
            for (parser, unit, bounds) in [
                (0, "", "0 and 1TiB"),
                (0, "TiB", "0 and 1TiB"),
                (1, "T", "0 and 1T"),
                (2, "k", "0.001 and 10M"),
                (3, "", "0 and 100%"),
            ] {
                let error = read(&format!("{text}{unit}"))[parser].clone().unwrap_err();
                let told = format!("it must be between {bounds}");
                assert_eq!(error.to_string(), told, "{text}");
            }
        }
        for text in ["18446744073709551615s", "1h 1ns", "99999999999999999999y"] {
            let error = read(text)[4].clone().unwrap_err();
            assert_eq!(error.en, "it must be between 0s and 1h", "{text}");
        }
        assert!(read("0")[2].is_err() && read("101%")[3].is_err());
    }

    proptest! {
        #[test]
        fn a_parser_never_panics_and_keeps_its_bounds(
            text in "([0-9.]{0,30}|[0-9eE.+-]{0,30}|\\PC{0,8}) ?([kKmMgGtT]?i?[bB]?|[nuµm]?s|[a-z]{0,5}|%|\\PC{0,3})",
        ) {
            let least = [0.0, 0.0, 0.001, 0.0, 0.0];
            for (parser, read) in read(&text).into_iter().enumerate() {
                prop_assert!(read.is_err() || read.is_ok_and(|it| (least[parser]..=MOST[parser]).contains(&it)));
            }
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
    fn a_value_rounded_up_to_the_next_unit_is_written_in_that_unit() {
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

//! How long a client pauses before it sends its next message.

use std::{fmt, str::FromStr, time::Duration};

use portlab_words::{Text, tr, units};

/// How long a client pauses before it sends its next message: always as long, or at random between two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThinkTime {
    least: Duration,
    most: Duration,
}

impl ThinkTime {
    /// The shortest pause, and the longest one.
    pub fn ends(self) -> [Duration; 2] {
        [self.least, self.most]
    }

    /// The next pause, in nanoseconds: each time between the shortest and the longest is equally likely.
    pub(crate) fn draw(self, random: &mut fastrand::Rng) -> u64 {
        let [least, most] = self.ends().map(|time| time.as_nanos() as u64);
        match least == most {
            true => least,
            false => random.u64(least..=most),
        }
    }
}

impl FromStr for ThinkTime {
    type Err = Text;

    /// Reads `10ms`, or `10ms..50ms`.
    fn from_str(text: &str) -> Result<Self, Text> {
        let read = units::duration("0s", "1h");
        let (least, most) = text.split_once("..").unwrap_or((text, text));
        let (least, most) = (read(least)?, read(most)?);
        if least > most {
            return Err(tr!(
                "the range {text:?} goes down; write the shorter time first, as in 10ms..50ms",
                "{text:?} 是递减的；请先写较短的时间，如 10ms..50ms"
            ));
        }
        Ok(Self { least, most })
    }
}

impl fmt::Display for ThinkTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { least, most } = *self;
        f.write_str(&units::time(least))?;
        match least == most {
            true => Ok(()),
            false => write!(f, "..{}", units::time(most)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_one_time_or_a_range_of_times() {
        let mut random = fastrand::Rng::with_seed(1);
        let always: ThinkTime = "10ms".parse().unwrap();
        assert_eq!(always.draw(&mut random), 10_000_000);
        let range: ThinkTime = "1us..3us".parse().unwrap();
        let drawn: Vec<_> = (0..1_000).map(|_| range.draw(&mut random)).collect();
        assert!(drawn.iter().all(|it| (1_000..=3_000).contains(it)));
        let mean = drawn.iter().sum::<u64>() as f64 / 1_000.0;
        assert!((mean - 2_000.0).abs() < 100.0, "{mean}");
        assert_eq!(range.to_string(), "1.00 µs..3.00 µs");
        for (text, part) in [
            ("50ms..10ms", "shorter time first"),
            ("10ms..", "write 200us"),
            ("..10ms", "write 200us"),
            ("2h", "between 0s and 1h"),
            ("10", "write 200us"),
        ] {
            let error = text.parse::<ThinkTime>().unwrap_err();
            assert!(error.en.contains(part), "{text}: {error}");
        }
    }
}

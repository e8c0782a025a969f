//! The statuses that count as success.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use portlab_words::{Text, tr};

/// The statuses that count as success, such as `200,204` or `2xx`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses {
    ranges: Vec<RangeInclusive<u16>>,
}

impl Statuses {
    /// Whether an answer with `status` counts as success.
    pub fn contains(&self, status: u16) -> bool {
        self.ranges.iter().any(|range| range.contains(&status))
    }
}

/// Success (2xx) and redirects (3xx).
impl Default for Statuses {
    fn default() -> Self {
        Self {
            ranges: vec![200..=299, 300..=399],
        }
    }
}

impl FromStr for Statuses {
    type Err = Text;

    fn from_str(text: &str) -> Result<Self, Text> {
        let range = |part: &str| {
            let (first, rest) = part.split_at_checked(1)?;
            let first: u16 = first.parse().ok().filter(|it| (1..=5).contains(it))?;
            match rest {
                "xx" | "XX" => Some(first * 100..=first * 100 + 99),
                _ if rest.len() != 2 || !rest.bytes().all(|it| it.is_ascii_digit()) => None,
                rest => {
                    let status = first * 100 + rest.parse::<u16>().ok()?;
                    Some(status..=status)
                }
            }
        };
        let wrong = || {
            tr!(
                "unknown status {text:?}: expected statuses such as 200, 200,204 or 2xx",
                "未知的状态码 {text:?}：应为 200、200,204 或 2xx 这样的状态码"
            )
        };
        let ranges = text
            .split(',')
            .map(|part| range(part.trim()).ok_or_else(wrong));
        let ranges = ranges.collect::<Result<_, _>>()?;
        Ok(Self { ranges })
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.ranges.iter().map(|range| match range.start() {
            start if range.start() == range.end() => start.to_string(),
            start => format!("{}xx", start / 100),
        });
        f.write_str(&names.collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read_and_written() {
        for text in ["404", "200,204", "2xx", "2xx,3xx,418"] {
            assert_eq!(text.parse::<Statuses>().unwrap().to_string(), text);
        }
        let some: Statuses = "2xx, 404".parse().unwrap();
        let contained = [199, 200, 299, 300, 404].map(|status| some.contains(status));
        assert_eq!(contained, [false, true, true, false, true]);
        for wrong in ["", "20", "2x", "600", "099", "200,", "200-204", "2०0", "ok"] {
            assert!(wrong.parse::<Statuses>().is_err(), "{wrong}");
        }
    }
}

//! Parts of a file that a client asks for: `bytes=0-99,200-,-50` (RFC 9110, 14).

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: u64,
    /// At least 1.
    pub(super) length: u64,
}

/// A client may ask for so many parts; if it asks for more, it gets the whole file.
const MOST: usize = 16;

impl Range {
    /// Reads the parts of a file of `length` bytes, without those behind its end. `None` if the field doesn't count: it is
    /// wrong, has another unit, or its parts overlap or are too many, so that they would cost more than the file.
    pub(super) fn read_all(field: &[u8], length: u64) -> Option<Vec<Self>> {
        let field = std::str::from_utf8(field).ok()?;
        let (unit, list) = field.split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let specs = list.split(',').map(|spec| spec.trim_matches([' ', '\t']));
        let specs: Vec<_> = specs.filter(|spec| !spec.is_empty()).collect();
        if specs.is_empty() || specs.len() > MOST {
            return None;
        }
        let mut ranges = Vec::new();
        for spec in specs {
            ranges.extend(Self::read(spec, length)?);
        }
        let overlap = |a: &Self, b: &Self| a.from < b.end() && b.from < a.end();
        let mut pairs = (0..ranges.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
        let overlaps = pairs.any(|(a, b)| overlap(&ranges[a], &ranges[b]));
        (!overlaps).then_some(ranges)
    }

    /// The last byte.
    pub(super) fn last(self) -> u64 {
        self.end() - 1
    }

    fn end(self) -> u64 {
        self.from + self.length
    }

    /// `None` if it is wrong, `Some(None)` if it is behind the end.
    fn read(spec: &str, length: u64) -> Option<Option<Self>> {
        let (first, last) = spec.split_once('-')?;
        let part = |from: u64, end: u64| {
            (from < end).then(|| Self {
                from,
                length: end - from,
            })
        };
        if first.is_empty() {
            let suffix = number(last)?;
            // The last bytes of an empty file are all of it, and no range can say that.
            if length == 0 && suffix > 0 {
                return None;
            }
            return Some(part(length - suffix.min(length), length));
        }
        let first = number(first)?;
        let last = match last {
            "" => u64::MAX,
            last => number(last)?,
        };
        if last < first {
            return None;
        }
        Some(part(first, last.saturating_add(1).min(length)))
    }
}

/// A number of digits; a larger one than 64 bits hold is behind the end of every file.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &str, length: u64) -> Option<Vec<(u64, u64)>> {
        let ranges = Range::read_all(field.as_bytes(), length)?;
        Some(ranges.iter().map(|it| (it.from, it.length)).collect())
    }

    #[test]
    fn a_range_is_cut_at_the_end_of_the_file() {
        for (field, ranges) in [
            ("bytes=0-0", &[(0, 1)][..]),
            ("bytes=0-99", &[(0, 100)]),
            ("bytes=90-999", &[(90, 10)]),
            ("bytes=90-99999999999999999999999", &[(90, 10)]),
            ("bytes=50-", &[(50, 50)]),
            ("bytes=-1", &[(99, 1)]),
            ("bytes=-1000", &[(0, 100)]),
            ("BYTES=0-1, ,\t5-6,", &[(0, 2), (5, 2)]),
            ("bytes=100-,0-1", &[(0, 2)]),
            ("bytes=100-", &[]),
            ("bytes=-0", &[]),
            ("bytes=99999999999999999999-", &[]),
        ] {
            assert_eq!(read(field, 100).as_deref(), Some(ranges), "{field}");
        }
        assert_eq!(read("bytes=0-", 0).as_deref(), Some(&[][..]));
        assert_eq!(read("bytes=-5", 0), None);
    }

    #[test]
    fn a_field_that_does_not_count_is_no_range() {
        let many = format!(
            "bytes={}",
            (0..17).map(|it| format!("{it}-{it},")).collect::<String>()
        );
        for field in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "lines=0-1",
            "bytes=a-b",
            "bytes=-",
            "bytes=5-4",
            "bytes=0-1,x",
            "bytes=+1-2",
            "bytes=0 -1",
            "bytes=0-5,5-6",
            "bytes=0-,-1",
            &many,
        ] {
            assert_eq!(read(field, 100), None, "{field}");
        }
    }
}

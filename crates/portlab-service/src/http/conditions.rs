//! The conditions of a request: whether the client needs the file at all, and which part of it.

use std::{
    cmp::Ordering,
    time::{Duration, UNIX_EPOCH},
};

use httpdate::HttpDate;

use super::{range::Range, status::Status};
use crate::FileFacts;

/// The fields of a request that are compared with the file (RFC 9110, 12.5.3, 13 and 14.2). The fields of a list may come
/// several times: then their values are joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Conditions {
    if_match: Option<Box<[u8]>>,
    if_none_match: Option<Box<[u8]>>,
    if_modified_since: Option<Box<[u8]>>,
    if_unmodified_since: Option<Box<[u8]>>,
    if_range: Option<Box<[u8]>>,
    range: Option<Box<[u8]>>,
    pub(super) accept_encoding: Option<Box<[u8]>>,
}

/// What the conditions come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Whole,
    Parts(Vec<Range>),
    Instead(Status),
}

impl Conditions {
    /// Takes a field, if it is one of these.
    pub(super) fn take(&mut self, name: &str, value: &[u8]) {
        let (place, is_list) = match name.len() {
            5 if name.eq_ignore_ascii_case("range") => (&mut self.range, false),
            8 if name.eq_ignore_ascii_case("if-match") => (&mut self.if_match, true),
            8 if name.eq_ignore_ascii_case("if-range") => (&mut self.if_range, false),
            13 if name.eq_ignore_ascii_case("if-none-match") => (&mut self.if_none_match, true),
            15 if name.eq_ignore_ascii_case("accept-encoding") => (&mut self.accept_encoding, true),
            17 if name.eq_ignore_ascii_case("if-modified-since") => {
                (&mut self.if_modified_since, false)
            }
            19 if name.eq_ignore_ascii_case("if-unmodified-since") => {
                (&mut self.if_unmodified_since, false)
            }
            _ => return,
        };
        *place = match place.take() {
            Some(known) if is_list => Some([&known, &b", "[..], value].concat().into()),
            // Two values of a field that may come once: neither counts.
            Some(_) => Some(Box::default()),
            None => Some(value.into()),
        };
    }

    /// Compares the conditions with the file, in the order of RFC 9110, 13.2.2. The ranges count for GET only.
    pub(super) fn outcome(&self, facts: &FileFacts, now_s: u64, is_get: bool) -> Outcome {
        let modified = http_date(facts.modified_s);
        let is_newer = |than: &[u8]| date(than).map(|than| modified > than);
        let (matches, unmodified) = (&self.if_match, &self.if_unmodified_since);
        let fails = match (matches, unmodified) {
            (Some(tags), _) => !has_tag(tags, &facts.tag, false),
            (None, Some(since)) => is_newer(since).unwrap_or(false),
            (None, None) => false,
        };
        if fails {
            return Outcome::Instead(Status::PRECONDITION_FAILED);
        }
        let is_known = match (&self.if_none_match, &self.if_modified_since) {
            (Some(tags), _) => has_tag(tags, &facts.tag, true),
            (None, Some(since)) => is_newer(since) == Some(false),
            (None, None) => false,
        };
        if is_known {
            return Outcome::Instead(Status::NOT_MODIFIED);
        }
        let Some(range) = self.range.as_ref().filter(|_| is_get) else {
            return Outcome::Whole;
        };
        if let Some(validator) = &self.if_range
            && !self.is_same(validator, facts, now_s)
        {
            return Outcome::Whole;
        }
        match Range::read_all(range, facts.length) {
            None => Outcome::Whole,
            Some(ranges) if ranges.is_empty() => Outcome::Instead(Status::RANGE_NOT_SATISFIABLE),
            Some(ranges) => Outcome::Parts(ranges),
        }
    }

    /// Whether the file is the one of which the client has a part (RFC 9110, 13.1.5). A date counts only if the file has not
    /// been modified since the second after it.
    fn is_same(&self, validator: &[u8], facts: &FileFacts, now_s: u64) -> bool {
        match validator.trim_ascii() {
            [b'"', tag @ .., b'"'] => tag == facts.tag.as_bytes(),
            text => {
                let same = date(text)
                    .map(|it| it.partial_cmp(&http_date(facts.modified_s)))
                    .is_some_and(|order| order == Some(Ordering::Equal));
                same && facts.modified_s < now_s
            }
        }
    }
}

/// The date of a number of seconds since 1970-01-01 UTC; the end of the year 9999 for a later one.
pub(super) fn http_date(seconds: u64) -> HttpDate {
    const LATEST: u64 = 253_402_300_799;
    (UNIX_EPOCH + Duration::from_secs(seconds.min(LATEST))).into()
}

/// Reads a date in any of the three forms of RFC 9110, 5.6.7.
fn date(text: &[u8]) -> Option<HttpDate> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// Whether the list has `*` or this tag (RFC 9110, 8.8.3). A weak tag, `W/"..."`, equals a strong one only in a weak
/// comparison. What follows a mistake in the list doesn't count.
fn has_tag(list: &[u8], tag: &str, weakly: bool) -> bool {
    if list.trim_ascii() == b"*" {
        return true;
    }
    let mut rest = list;
    loop {
        rest = rest.trim_ascii_start();
        while let [b',', more @ ..] = rest {
            rest = more.trim_ascii_start();
        }
        let (is_weak, quoted) = match rest {
            [b'W', b'/', b'"', quoted @ ..] => (true, quoted),
            [b'"', quoted @ ..] => (false, quoted),
            _ => return false,
        };
        let Some(length) = quoted.iter().position(|byte| *byte == b'"') else {
            return false;
        };
        if &quoted[..length] == tag.as_bytes() && (weakly || !is_weak) {
            return true;
        }
        rest = &quoted[length + 1..];
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;

    /// 1994-11-06 08:49:37.
    const MODIFIED: u64 = 784_111_777;

    fn outcome(fields: &[(&str, &str)]) -> Outcome {
        let facts = FileFacts {
            name: b"a.txt".to_vec(),
            length: 100,
            modified_s: MODIFIED,
            tag: "abc".to_owned(),
            coding: None,
            has_codings: false,
            whole: None,
            kept: OnceLock::new(),
        };
        let mut conditions = Conditions::default();
        for (name, value) in fields {
            conditions.take(name, value.as_bytes());
        }
        conditions.outcome(&facts, MODIFIED + 1000, true)
    }

    #[test]
    fn a_client_that_has_the_file_gets_304() {
        const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
        let cached = Outcome::Instead(Status::NOT_MODIFIED);
        for (fields, is_cached) in [
            (&[("If-None-Match", "\"abc\"")][..], true),
            (&[("if-none-match", "\"x\", W/\"abc\"")], true),
            (
                &[("If-None-Match", "\"x\""), ("If-None-Match", "\"abc\"")],
                true,
            ),
            (&[("If-None-Match", "*")], true),
            (&[("If-None-Match", "abc")], false),
            (&[("If-None-Match", "\"abcd\", \"a,b\"")], false),
            (&[("If-Modified-Since", SAME)], true),
            (
                &[("If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT")],
                true,
            ),
            (&[("If-Modified-Since", "Sun Nov  6 08:49:37 1994")], true),
            (&[("If-Modified-Since", BEFORE)], false),
            (&[("If-Modified-Since", "yesterday")], false),
            (
                &[("If-None-Match", "\"x\""), ("If-Modified-Since", SAME)],
                false,
            ),
        ] {
            let expected = if is_cached {
                cached.clone()
            } else {
                Outcome::Whole
            };
            assert_eq!(outcome(fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn a_client_that_wants_another_version_gets_412() {
        let failed = Outcome::Instead(Status::PRECONDITION_FAILED);
        for (fields, fails) in [
            (&[("If-Match", "\"abc\"")][..], false),
            (&[("If-Match", "*")], false),
            (&[("If-Match", "W/\"abc\"")], true),
            (&[("If-Match", "\"x\"")], true),
            (
                &[("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")],
                false,
            ),
            (
                &[("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:36 GMT")],
                true,
            ),
            (&[("If-Unmodified-Since", "x")], false),
        ] {
            let expected = if fails {
                failed.clone()
            } else {
                Outcome::Whole
            };
            assert_eq!(outcome(fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn a_part_is_sent_only_of_the_version_that_the_client_has() {
        let range = ("Range", "bytes=0-1");
        let part = Outcome::Parts(vec![Range { from: 0, length: 2 }]);
        for (validator, is_same) in [
            ("\"abc\"", true),
            ("W/\"abc\"", false),
            ("\"x\"", false),
            ("Sun, 06 Nov 1994 08:49:37 GMT", true),
            ("Sun, 06 Nov 1994 08:49:38 GMT", false),
            ("x", false),
        ] {
            let expected = if is_same {
                part.clone()
            } else {
                Outcome::Whole
            };
            assert_eq!(
                outcome(&[range, ("If-Range", validator)]),
                expected,
                "{validator}"
            );
        }
        assert_eq!(outcome(&[range]), part);
        let nothing = Outcome::Instead(Status::RANGE_NOT_SATISFIABLE);
        assert_eq!(outcome(&[("Range", "bytes=100-")]), nothing);
        assert_eq!(outcome(&[range, range]), Outcome::Whole);
    }
}

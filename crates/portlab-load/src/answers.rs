//! What answers begin with: the first one, and how often each first line came.

use std::{collections::BTreeMap, time::Instant};

use portlab_service::TextEncoding;
use portlab_stats::load::{AnswerLine, Redirect, StatusCount};

use crate::{
    ErrorAnswer, Payload, Sample,
    shown::shown,
    status::{Dialect, first_line},
};

/// What the answers of a run begin with.
///
/// The number and the length of the first lines are bounded, so that a server whose answers all differ costs no more
/// memory than others.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    first: Option<(Instant, Sample)>,
    /// The connection on which the body of the first answer, of HTTP, is still to come.
    awaits_body: Option<u32>,
    lines: Vec<FirstLine>,
    /// The index of the line that came last: most often the next answer begins with the same line.
    last: usize,
    /// Answers whose first line isn't kept.
    others: u64,
    /// Echoes. [`conclude`](Self::conclude) counts them by their first line.
    echoes: u64,
    /// How often each status of HTTP came.
    statuses: BTreeMap<u16, u64>,
    /// The first redirect, with where it leads.
    redirect: Option<Redirect>,
    /// The encoding in which answers are shown.
    encoding: TextEncoding,
}

/// A first line, and how often an answer began with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FirstLine {
    /// With the line feed, if it has one within the first [`FirstLine::LONGEST`] bytes; otherwise as
    /// many of them as there are.
    line: Box<[u8]>,
    count: u64,
    error: Option<ErrorAnswer>,
}

/// Which first line an answer has, and whether that is an error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sorted {
    /// The index of the line; `u16::MAX` if the line isn't kept.
    line: u16,
    pub(crate) error: Option<ErrorAnswer>,
}

/// How many different first lines are kept.
const LINES: usize = 16;

/// How many bytes of a random message are kept.
const RANDOM_SHOWN: usize = 12;

/// How many bytes of a redirect's location are kept.
const LONGEST_LOCATION: usize = 200;

impl FirstLine {
    /// How much of a first line is looked at, in bytes.
    pub(crate) const LONGEST: usize = 80;

    /// The line, without its end, as text without control characters.
    fn text(&self, encoding: TextEncoding) -> String {
        let cut = self.line.len() == Self::LONGEST && !self.line.ends_with(b"\n");
        shown(self.line.trim_ascii_end(), cut, encoding)
    }

    /// Whether the line is complete: later bytes don't belong to it.
    fn is_whole(line: &[u8]) -> bool {
        line.len() == Self::LONGEST || line.ends_with(b"\n")
    }

    /// Whether an answer that begins with `head` begins with this line.
    fn begins(&self, head: &[u8]) -> bool {
        head.starts_with(&self.line)
            && (head.len() == self.line.len() || Self::is_whole(&self.line))
    }
}

impl Answers {
    /// The beginning of the first answer; or, where no answer is expected, of what came first.
    pub fn first(&self) -> Option<&Sample> {
        self.first.as_ref().map(|(_, first)| first)
    }

    /// The first lines that were kept, the most frequent first.
    pub fn lines(&self) -> Vec<AnswerLine> {
        let mut lines: Vec<_> = self.lines.iter().filter(|line| line.count > 0).collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.count));
        let shown = lines.into_iter().map(|line| AnswerLine {
            line: line.text(self.encoding),
            count: line.count,
            error: line.error.map(|error| error.text().en.into()),
        });
        shown.collect()
    }

    /// The errors of the first lines in Chinese, by their English.
    pub(crate) fn errors_in_chinese(&self) -> BTreeMap<String, String> {
        let errors = self.lines.iter().filter_map(|line| line.error);
        let texts = errors.map(ErrorAnswer::text);
        texts.map(|it| (it.en.into(), it.zh.into())).collect()
    }

    /// How many answers began with other lines, which aren't kept.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// How many answers there were.
    pub fn total(&self) -> u64 {
        self.lines.iter().map(|line| line.count).sum::<u64>() + self.others
    }

    /// How often each status of HTTP came, the most frequent first.
    pub fn statuses(&self) -> Vec<StatusCount> {
        let counts = self.statuses.iter();
        let mut counts: Vec<_> = counts
            .map(|(&status, &count)| StatusCount { status, count })
            .collect();
        counts.sort_by_key(|it| std::cmp::Reverse(it.count));
        counts
    }

    /// The first redirect of HTTP.
    pub fn redirect(&self) -> Option<&Redirect> {
        self.redirect.as_ref()
    }

    /// Counts a complete answer of HTTP with this status.
    pub(crate) fn count_status(&mut self, status: u16) {
        *self.statuses.entry(status).or_default() += 1;
    }

    /// Keeps where a redirect leads, unless an earlier one is kept.
    pub(crate) fn keep_redirect(&mut self, status: u16, location: &[u8]) {
        self.redirect.get_or_insert_with(|| Redirect {
            status,
            location: Sample::of(location, LONGEST_LOCATION).to_string(),
        });
    }

    /// Adds the answers of another thread, or of another run.
    pub fn merge(&mut self, other: &Self) {
        self.encoding = other.encoding;
        if let Some((at, _)) = other.first
            && self.first.as_ref().is_none_or(|(earlier, _)| at < *earlier)
        {
            self.first.clone_from(&other.first);
        }
        self.others += other.others;
        for (&status, count) in &other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        if self.redirect.is_none() {
            self.redirect.clone_from(&other.redirect);
        }
        for new in &other.lines {
            let same = self.lines.iter().position(|old| old.line == new.line);
            match same {
                Some(at) => self.lines[at].count += new.count,
                None if self.lines.len() < LINES => self.lines.push(new.clone()),
                None => self.others += new.count,
            }
        }
    }

    /// Shows answers as text in `encoding`.
    pub(crate) fn show_in(&mut self, encoding: TextEncoding) {
        self.encoding = encoding;
        let first = self.first.take();
        self.first = first.map(|(at, first)| (at, first.in_encoding(encoding)));
    }

    /// Keeps the beginning of `bytes` as the first answer, unless one is kept.
    pub(crate) fn keep_first(&mut self, bytes: &[u8]) {
        if self.first.is_none() {
            self.first = Some((Instant::now(), Sample::of(bytes, FirstLine::LONGEST)));
        }
    }

    /// Keeps the status line of `head`, the head of an answer of HTTP on `connection`, as the first answer, unless one is
    /// kept.
    pub(crate) fn keep_first_head(&mut self, head: &[u8], connection: u32) {
        if self.first.is_none() {
            self.awaits_body = Some(connection);
            self.keep_first(first_line(head).unwrap_or(head));
        } else if self.awaits_body == Some(connection) {
            // The first answer had no body.
            self.awaits_body = None;
        }
    }

    /// Adds the beginning of a body that comes on `connection` to the first answer, if the body belongs to that answer.
    pub(crate) fn keep_first_body(&mut self, body: &[u8], connection: u32) {
        if self.awaits_body == Some(connection) && !body.is_empty() {
            self.awaits_body = None;
            let first = self.first.as_mut().expect("there is a first answer");
            let beginning = &body[..body.len().min(FirstLine::LONGEST)];
            let all = [first.1.bytes(), b" ... ", beginning].concat();
            let most = all.len() + usize::from(beginning.len() < FirstLine::LONGEST);
            first.1 = Sample::of(&all, most);
        }
    }

    /// Counts `count` answers that were the same bytes as their messages.
    pub(crate) fn count_echoes(&mut self, count: usize) {
        self.echoes += count as u64;
    }

    /// Keeps the beginning of an echo as the first answer, unless one is kept. Of random bytes a few are kept, and none
    /// as a character.
    #[inline]
    pub(crate) fn keep_first_echo(&mut self, echo: &[u8], payload: &Payload) {
        if self.first.is_none() {
            self.begin_with_echo(echo, payload);
        }
    }

    #[cold]
    fn begin_with_echo(&mut self, echo: &[u8], payload: &Payload) {
        match payload {
            Payload::Random(_) => {
                let beginning = &echo[..echo.len().min(RANDOM_SHOWN)];
                let cut = if beginning.len() < echo.len() {
                    "…"
                } else {
                    ""
                };
                self.keep_first(format!("{}{cut}", beginning.escape_ascii()).as_bytes());
            }
            Payload::Always(_) | Payload::Template(_) => self.keep_first(echo),
        }
    }

    /// Counts the echoes at the end of a run. If all messages are the same, all echoes have their first line; echoes of
    /// random messages begin with lines that aren't kept.
    pub(crate) fn conclude(&mut self, dialect: &Dialect) {
        let count = std::mem::take(&mut self.echoes);
        match dialect.message().filter(|_| count > 0) {
            Some(message) => {
                if let Some(sorted) = self.sort(message, true, dialect) {
                    self.count(sorted, count);
                }
            }
            None => self.others += count,
        }
    }

    /// The first line of an answer that begins with `head`; `whole` says that the answer ends there. `None` if more
    /// bytes are needed.
    pub(crate) fn sort(&mut self, head: &[u8], whole: bool, dialect: &Dialect) -> Option<Sorted> {
        // If the answer begins like the last one, one comparison is enough.
        if let Some(last) = self.lines.get(self.last)
            && last.begins(head)
            && (whole || FirstLine::is_whole(&last.line))
        {
            return Some(self.sorted(self.last));
        }
        let kept = &head[..head.len().min(FirstLine::LONGEST)];
        let line = match kept.iter().position(|byte| *byte == b'\n') {
            Some(end) => &kept[..=end],
            None => kept,
        };
        if !whole && !FirstLine::is_whole(line) {
            return None;
        }
        self.keep_first(head);
        if let Some(at) = self.lines.iter().position(|it| &*it.line == line) {
            self.last = at;
            return Some(self.sorted(at));
        }
        let error = dialect.error_in(kept);
        if self.lines.len() == LINES {
            let line = u16::MAX;
            return Some(Sorted { line, error });
        }
        self.last = self.lines.len();
        self.lines.push(FirstLine {
            line: line.into(),
            count: 0,
            error,
        });
        Some(self.sorted(self.last))
    }

    fn sorted(&self, at: usize) -> Sorted {
        Sorted {
            line: at as u16,
            error: self.lines[at].error,
        }
    }

    /// Counts `count` complete answers that have this first line.
    pub(crate) fn count(&mut self, sorted: Sorted, count: u64) {
        match self.lines.get_mut(usize::from(sorted.line)) {
            Some(line) => line.count += count,
            None => self.others += count,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Counts these answers, each of which comes in pieces of so many bytes, as a connection does.
    fn counted(answers: &[&[u8]], piece: usize) -> Answers {
        let (mut counted, dialect) = (Answers::default(), Dialect::default());
        for answer in answers {
            let mut head = Vec::new();
            let pieces = answer.chunks(piece).len();
            let sorted = answer.chunks(piece).enumerate().find_map(|(index, piece)| {
                head.extend_from_slice(piece);
                counted.sort(&head, index + 1 == pieces, &dialect)
            });
            counted.count(sorted.unwrap(), 1);
        }
        counted
    }

    fn counts(answers: &Answers) -> Vec<(String, u64)> {
        let lines = answers.lines().into_iter();
        lines.map(|line| (line.line, line.count)).collect()
    }

    #[test]
    fn first_lines_are_the_same_however_they_are_cut() {
        let long = [b'x'; 200];
        let answers: [&[u8]; 7] = [
            b"ok\r\n",
            b"ok\r\nmore",
            b"okay\r\n",
            b"ok",
            b"no\n",
            &long,
            &long[1..],
        ];
        for piece in [1, 2, 3, 7, 100, 1_000] {
            let counted = counted(&answers, piece);
            let cut = "x".repeat(80) + "…";
            let expected = [("ok", 2), (&cut, 2), ("okay", 1), ("ok", 1), ("no", 1)]
                .map(|(line, count)| (line.to_owned(), count));
            let mut found = counts(&counted);
            // Lines that came equally often may be in any order.
            found.sort_by_key(|it| expected.iter().position(|other| other == it));
            assert_eq!(found, expected, "{piece}");
            assert!(counted.first().unwrap().bytes().starts_with(b"ok"));
            assert_eq!(counted.total(), 7);
        }
    }

    #[test]
    fn answers_that_all_differ_take_no_more_than_a_few_lines() {
        let answers: Vec<_> = (0..1_000)
            .map(|number| format!("{number}\n").into_bytes())
            .collect();
        let answers: Vec<_> = answers.iter().map(Vec::as_slice).collect();
        let mut counted = counted(&answers, 100);
        assert_eq!((counted.lines.len(), counted.others()), (LINES, 984));
        counted.merge(&counted.clone());
        assert_eq!((counted.lines.len(), counted.total()), (LINES, 2_000));
    }

    #[test]
    fn an_error_is_recognised_even_if_its_line_is_not_kept() {
        let (mut answers, dialect) = (Answers::default(), Dialect::default());
        for number in 400..500 {
            let line = format!("HTTP/1.1 {number} no\r\n");
            let sorted = answers.sort(line.as_bytes(), true, &dialect).unwrap();
            assert_eq!(sorted.error, Some(ErrorAnswer::Status(number)));
        }
    }

    #[test]
    fn the_first_answer_of_http_is_its_status_line_and_the_beginning_of_its_own_body() {
        let ok = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
        let first = |answers: &Answers| answers.first().unwrap().to_string();
        let mut answers = Answers::default();
        answers.keep_first_head(ok, 1);
        answers.keep_first_head(ok, 2);
        for (body, connection) in [("other", 2), ("", 1), ("its own", 1), (" body", 1)] {
            answers.keep_first_body(body.as_bytes(), connection);
        }
        assert_eq!(first(&answers), "HTTP/1.1 200 OK ... its own");
        let mut without = Answers::default();
        without.keep_first_head(b"HTTP/1.1 204 No\r\n\r\n", 1);
        without.keep_first_head(ok, 1);
        without.keep_first_body(b"of the second", 1);
        assert_eq!(first(&without), "HTTP/1.1 204 No");
    }

    proptest! {
        #[test]
        fn no_answer_is_lost_in_a_merge(
            one in prop::collection::vec("[ab]{1,4}\n?", 0..60),
            other in prop::collection::vec("[ab]{1,4}\n?", 0..60),
            piece in 1..6_usize,
        ) {
            let count = |texts: &[String]| {
                let bytes: Vec<_> = texts.iter().map(String::as_bytes).collect();
                counted(&bytes, piece)
            };
            let (mut one_sum, other_sum) = (count(&one), count(&other));
            one_sum.merge(&other_sum);
            prop_assert_eq!(one_sum.total() as usize, one.len() + other.len());
            prop_assert!(one_sum.lines.len() <= LINES);
            if one_sum.others() == 0 {
                for line in &one_sum.lines {
                    let like = one.iter().chain(&other).filter(|it| it.as_bytes() == &*line.line);
                    prop_assert_eq!(line.count as usize, like.count());
                }
            }
        }
    }
}

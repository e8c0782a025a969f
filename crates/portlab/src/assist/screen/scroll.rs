//! Which lines of which rows are seen. A row may take several lines.
//!
//! Only the rows that are seen, and those that a key scrolls over, are laid out: a million rows cost nothing.

use std::ops::Range;

/// Rows in the order of their numbers. The oldest may be gone.
pub(super) trait Rows {
    /// The numbers of the rows that are kept.
    fn numbers(&self) -> Range<u64>;
    /// How many lines a row takes: at least one.
    fn lines(&self, number: u64) -> usize;
}

/// The place in the rows.
#[derive(Debug, Default)]
pub(super) struct Scroll {
    /// The lowest row that is seen, and how many of its lines are below the screen. `None`: the newest row, always.
    bottom: Option<(u64, usize)>,
}

/// A row on the screen: its number, and which of its lines are seen.
pub(super) type Part = (u64, Range<usize>);

impl Scroll {
    /// Goes to the newest row, and follows.
    pub(super) fn follow(&mut self) {
        self.bottom = None;
    }

    /// How many rows are below the screen.
    pub(super) fn below(&self, rows: &impl Rows) -> u64 {
        let newest = rows.numbers().end.saturating_sub(1);
        self.bottom
            .map_or(0, |(number, _)| newest.saturating_sub(number))
    }

    /// Scrolls `by` lines towards the oldest row, on a page of `page` lines.
    pub(super) fn up(&mut self, by: usize, page: usize, rows: &impl Rows) {
        let Some((mut number, mut hidden)) = self.place(rows) else {
            return;
        };
        hidden += by;
        while number > rows.numbers().start && hidden >= rows.lines(number) {
            hidden -= rows.lines(number);
            number -= 1;
        }
        self.bottom = Some((number, hidden.min(rows.lines(number))));
        // The page stays full: the oldest row is seen at its top.
        let (_, room) = self.upwards(page, rows);
        self.down(room, rows);
    }

    /// Scrolls `by` lines towards the newest row, and follows from there.
    pub(super) fn down(&mut self, mut by: usize, rows: &impl Rows) {
        let Some((mut number, mut hidden)) = self.place(rows) else {
            return;
        };
        while by > hidden && number + 1 < rows.numbers().end {
            by -= hidden;
            number += 1;
            hidden = rows.lines(number);
        }
        let hidden = hidden.saturating_sub(by);
        let is_newest = number + 1 >= rows.numbers().end;
        self.bottom = (!is_newest || hidden > 0).then_some((number, hidden));
    }

    /// The parts of rows that fill `page` lines, the oldest first.
    pub(super) fn parts(&self, page: usize, rows: &impl Rows) -> Vec<Part> {
        let (mut parts, mut room) = self.upwards(page, rows);
        // The rows above are gone, or the page has grown: lines below fill it.
        while room > 0
            && let Some((number, lines)) = parts.pop()
        {
            let end = rows.lines(number).min(lines.end + room);
            room -= end - lines.end;
            parts.push((number, lines.start..end));
            if number + 1 >= rows.numbers().end {
                break;
            }
            if room > 0 {
                parts.push((number + 1, 0..0));
            }
        }
        parts
    }

    /// The parts that fill the page from its lowest row upwards, and how many lines stay empty.
    fn upwards(&self, page: usize, rows: &impl Rows) -> (Vec<Part>, usize) {
        let (mut parts, mut room) = (Vec::new(), page);
        let Some((bottom, hidden)) = self.place(rows) else {
            return (parts, room);
        };
        for number in (rows.numbers().start..=bottom).rev() {
            if room == 0 {
                break;
            }
            let hidden = if number == bottom { hidden } else { 0 };
            let end = rows.lines(number).saturating_sub(hidden);
            let start = end.saturating_sub(room);
            room -= end - start;
            parts.push((number, start..end));
        }
        parts.reverse();
        (parts, room)
    }

    /// The lowest row that is seen, if there are rows.
    fn place(&self, rows: &impl Rows) -> Option<(u64, usize)> {
        let numbers = rows.numbers();
        let newest = numbers
            .end
            .checked_sub(1)
            .filter(|it| *it >= numbers.start)?;
        let (number, hidden) = self.bottom.unwrap_or((newest, 0));
        Some(match number < numbers.start {
            // The row that was seen is gone.
            true => (numbers.start, 0),
            false => (number.min(newest), hidden),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows with these numbers; row n has n % 3 + 1 lines.
    struct Some3(Range<u64>);

    impl Rows for Some3 {
        fn numbers(&self) -> Range<u64> {
            self.0.clone()
        }
        fn lines(&self, number: u64) -> usize {
            (number % 3 + 1) as usize
        }
    }

    /// Each line that is seen, as row.line.
    fn seen(scroll: &Scroll, page: usize, rows: &Some3) -> Vec<(u64, usize)> {
        let parts = scroll.parts(page, rows).into_iter();
        parts
            .flat_map(|(number, lines)| lines.map(move |line| (number, line)))
            .collect()
    }

    fn all(rows: &Some3) -> Vec<(u64, usize)> {
        let numbers = rows.numbers();
        numbers
            .flat_map(|number| (0..rows.lines(number)).map(move |line| (number, line)))
            .collect()
    }

    #[test]
    fn every_step_moves_by_its_lines_and_the_page_stays_full() {
        let rows = Some3(5..40);
        let all = all(&rows);
        for page in 1..12 {
            for step in 1..9 {
                let mut scroll = Scroll::default();
                let mut end = all.len();
                for up in [true; 60].into_iter().chain([false; 60]) {
                    if up {
                        scroll.up(step, page, &rows);
                        end = end.saturating_sub(step).max(page);
                    } else {
                        scroll.down(step, &rows);
                        end = (end + step).min(all.len());
                    }
                    assert_eq!(seen(&scroll, page, &rows), all[end - page..end]);
                }
                assert!(scroll.bottom.is_none(), "at the end it follows");
            }
        }
    }

    #[test]
    fn new_rows_move_a_screen_that_follows_and_no_other() {
        let mut scroll = Scroll::default();
        assert_eq!(seen(&scroll, 4, &Some3(0..0)), []);
        scroll.up(3, 4, &Some3(0..0));
        scroll.up(3, 4, &Some3(0..9));
        let before = seen(&scroll, 4, &Some3(0..9));
        assert_eq!(seen(&scroll, 4, &Some3(0..20)), before);
        assert!(scroll.below(&Some3(0..20)) > 10);
        // The rows that were seen are gone.
        let rest = Some3(15..20);
        assert_eq!(seen(&scroll, 4, &rest), all(&rest)[..4]);
        scroll.follow();
        assert_eq!(scroll.below(&Some3(0..20)), 0);
        assert_eq!(seen(&scroll, 2, &Some3(0..20)).last(), Some(&(19, 1)));
    }

    #[test]
    fn few_rows_need_no_scrolling() {
        let (mut scroll, rows) = (Scroll::default(), Some3(0..2));
        scroll.up(50, 10, &rows);
        assert_eq!(seen(&scroll, 10, &rows), all(&rows));
        scroll.down(50, &rows);
        assert_eq!(seen(&scroll, 10, &rows), all(&rows));
    }
}

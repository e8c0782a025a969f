//! Best and worst.

use portlab_stats::summary::Figure;

use crate::columns::Better;

/// How a figure stands among the others of its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The best median.
    Best,
    /// Not to be told from the best: the ranges over the rounds overlap.
    WithTheBest,
    /// Neither.
    None,
    /// Not to be told from the worst.
    WithTheWorst,
    /// The worst median.
    Worst,
}

/// Marks the figures of one column. Where there are fewer than two, or no side is the better one,
/// nothing is marked.
pub(crate) fn marks(figures: &[Option<Figure>], better: Better) -> Vec<Mark> {
    let mut marks = vec![Mark::None; figures.len()];
    let sign = match better {
        Better::Lower => 1.0,
        Better::Higher => -1.0,
        Better::Neither => return marks,
    };
    let known = figures
        .iter()
        .enumerate()
        .filter_map(|(at, figure)| Some((at, (*figure)?)));
    let mut ranked: Vec<(usize, Figure)> = known.collect();
    ranked.sort_by(|(_, a), (_, b)| (sign * a.median).total_cmp(&(sign * b.median)));
    let (Some(&(best, best_figure)), Some(&(worst, worst_figure))) =
        (ranked.first(), ranked.last())
    else {
        return marks;
    };
    // Where even the best and the worst can't be told apart, neither is anything.
    let same = (best_figure.median - worst_figure.median).abs() < 0.01 * worst_figure.median.abs();
    if same || overlap(best_figure, worst_figure) {
        return marks;
    }
    for (at, figure) in ranked {
        marks[at] = match at {
            at if at == best => Mark::Best,
            at if at == worst => Mark::Worst,
            _ if overlap(figure, best_figure) => Mark::WithTheBest,
            _ if overlap(figure, worst_figure) => Mark::WithTheWorst,
            _ => Mark::None,
        };
    }
    marks
}

fn overlap(a: Figure, b: Figure) -> bool {
    a.min <= b.max && b.min <= a.max
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(min: f64, median: f64, max: f64) -> Option<Figure> {
        Some(Figure { median, min, max })
    }

    #[test]
    fn the_best_and_the_worst_are_marked_and_what_cannot_be_told_from_them() {
        let figures = [
            figure(1.0, 2.0, 3.0),
            figure(2.9, 4.0, 5.0),
            None,
            figure(5.5, 6.0, 6.5),
            figure(7.0, 8.0, 9.0),
            figure(8.0, 9.0, 9.5),
        ];
        use Mark::{Best, None as Plain, WithTheBest, WithTheWorst, Worst};
        let expected = [Best, WithTheBest, Plain, Plain, WithTheWorst, Worst];
        assert_eq!(marks(&figures, Better::Lower), expected);
        assert_eq!(marks(&figures, Better::Higher)[5], Best);
        assert_eq!(marks(&figures, Better::Neither), [Plain; 6]);
    }

    #[test]
    fn one_figure_alone_is_neither_best_nor_worst() {
        assert_eq!(marks(&[figure(1.0, 1.0, 1.0)], Better::Lower), [Mark::None]);
        assert_eq!(marks(&[], Better::Lower), []);
    }

    #[test]
    fn what_cannot_be_told_apart_is_not_marked() {
        let noisy = [figure(1.0, 2.0, 6.0), figure(5.0, 7.0, 8.0)];
        assert_eq!(marks(&noisy, Better::Lower), [Mark::None; 2]);
        let alike = [figure(1.0, 1.0, 1.0), figure(1.005, 1.005, 1.005)];
        assert_eq!(marks(&alike, Better::Lower), [Mark::None; 2]);
    }
}

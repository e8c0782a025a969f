//! How evenly connections were served.

use schemars::JsonSchema;
use serde::Serialize;

/// How evenly the connections of a run were served while measuring.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fairness {
    /// How many connections were counted: all that were open at some time. A connection and those that replaced it
    /// count as one.
    pub connections: usize,
    /// How many of them got no answer at all.
    pub unserved: usize,
    /// Messages answered on the connection that was served least.
    #[serde(rename = "least_messages")]
    pub least: u64,
    /// Messages answered on the connection that was served most.
    #[serde(rename = "most_messages")]
    pub most: u64,
    /// Jain's index, in `(0, 1]`: 1 if all connections got the same number of answers, 1/n if one of n got all.
    ///
    /// Source: R. Jain, D. Chiu, W. Hawe, "A quantitative measure of fairness", DEC TR-301, 1984.
    #[serde(rename = "jain_index")]
    pub jain: f64,
}

impl Fairness {
    /// The fairness of these numbers of messages; `None` when there was no connection, or no message.
    pub fn of(served: &[u64]) -> Option<Self> {
        let (least, most) = (*served.iter().min()?, *served.iter().max()?);
        if most == 0 {
            return None;
        }
        let sum: f64 = served.iter().map(|count| *count as f64).sum();
        let squares: f64 = served.iter().map(|count| (*count as f64).powi(2)).sum();
        Some(Self {
            connections: served.len(),
            unserved: served.iter().filter(|count| **count == 0).count(),
            least,
            most,
            jain: sum * sum / (served.len() as f64 * squares),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Fairness;

    #[test]
    fn the_index_is_1_if_all_are_equal_and_1_of_n_if_one_gets_all() {
        let equal = Fairness::of(&[7, 7, 7]).unwrap();
        assert!((equal.jain - 1.0).abs() < 1e-12);
        let favourite = Fairness::of(&[0, 0, 9, 0]).unwrap();
        assert!((favourite.jain - 0.25).abs() < 1e-12);
        let Fairness {
            unserved,
            least,
            most,
            ..
        } = favourite;
        assert_eq!((unserved, least, most), (3, 0, 9));
        // (1 + 3 + 5)² / (3 (1 + 9 + 25)).
        let known = Fairness::of(&[1, 3, 5]).unwrap();
        assert!((known.jain - 81.0 / 105.0).abs() < 1e-12);
        assert_eq!((Fairness::of(&[]), Fairness::of(&[0, 0])), (None, None));
    }
}

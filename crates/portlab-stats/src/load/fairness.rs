//! How evenly connections were served.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How evenly the connections of a run were served while measuring.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Fairness {
    /// How many connections were counted: all that were open at some time. A connection and those that replaced it
    /// count as one.
    pub connections: u64,
    /// How many of them got no answer at all.
    pub unserved: u64,
    /// Messages answered on the connection that was served least.
    pub least_messages: u64,
    /// Messages answered on the connection that was served most.
    pub most_messages: u64,
    /// Jain's index, in `(0, 1]`: 1 if all connections got the same number of answers, 1/n if one of n got all.
    ///
    /// Source: R. Jain, D. Chiu, W. Hawe, "A quantitative measure of fairness", DEC TR-301, 1984.
    pub jain_index: f64,
}

impl Fairness {
    /// The fairness of these numbers of messages; `None` when there was no connection, or no message.
    pub fn of(served: &[u64]) -> Option<Self> {
        let (least_messages, most_messages) = (*served.iter().min()?, *served.iter().max()?);
        if most_messages == 0 {
            return None;
        }
        let sum: f64 = served.iter().map(|count| *count as f64).sum();
        let squares: f64 = served.iter().map(|count| (*count as f64).powi(2)).sum();
        Some(Self {
            connections: served.len() as u64,
            unserved: served.iter().filter(|count| **count == 0).count() as u64,
            least_messages,
            most_messages,
            jain_index: sum * sum / (served.len() as f64 * squares),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Fairness;

    #[test]
    fn the_index_is_1_if_all_are_equal_and_1_of_n_if_one_gets_all() {
        let equal = Fairness::of(&[7, 7, 7]).unwrap();
        assert!((equal.jain_index - 1.0).abs() < 1e-12);
        let favourite = Fairness::of(&[0, 0, 9, 0]).unwrap();
        assert!((favourite.jain_index - 0.25).abs() < 1e-12);
        let Fairness {
            unserved,
            least_messages,
            most_messages,
            ..
        } = favourite;
        assert_eq!((unserved, least_messages, most_messages), (3, 0, 9));
        // (1 + 3 + 5)² / (3 (1 + 9 + 25)).
        let known = Fairness::of(&[1, 3, 5]).unwrap();
        assert!((known.jain_index - 81.0 / 105.0).abs() < 1e-12);
        assert_eq!((Fairness::of(&[]), Fairness::of(&[0, 0])), (None, None));
    }
}

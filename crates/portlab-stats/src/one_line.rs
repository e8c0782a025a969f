//! JSON in which a long list stays short: one line for all of its pairs, or one for each of its objects, however
//! the rest is indented.

use serde::{Serialize, Serializer, ser::Error};
use serde_json::value::RawValue;

/// Writes `value` in one line.
///
/// # Errors
/// When `value` can't be JSON.
pub fn in_one_line<S: Serializer>(value: &impl Serialize, to: S) -> Result<S::Ok, S::Error> {
    let text = serde_json::to_string(value).map_err(S::Error::custom)?;
    let raw = RawValue::from_string(text).map_err(S::Error::custom)?;
    raw.serialize(to)
}

/// Writes each of `items` in a line of its own.
///
/// # Errors
/// When one can't be JSON.
pub fn one_line_each<S: Serializer>(items: &[impl Serialize], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(items.iter().map(OneLine))
}

struct OneLine<'a, T>(&'a T);

impl<T: Serialize> Serialize for OneLine<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        in_one_line(self.0, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Lists {
        #[serde(serialize_with = "in_one_line")]
        pairs: Vec<(u64, u64)>,
        #[serde(serialize_with = "one_line_each")]
        objects: Vec<Vec<u64>>,
    }

    #[test]
    fn lists_are_short_in_indented_json_and_mean_the_same() {
        let lists = Lists {
            pairs: vec![(1, 2), (3, 4)],
            objects: vec![vec![1, 2], vec![3]],
        };
        let text = serde_json::to_string_pretty(&lists).unwrap();
        let expected =
            "{\n  \"pairs\": [[1,2],[3,4]],\n  \"objects\": [\n    [1,2],\n    [3]\n  ]\n}";
        assert_eq!(text, expected);
        let value = serde_json::to_value(&lists).unwrap();
        assert_eq!(value["pairs"][1][0], 3);
    }
}

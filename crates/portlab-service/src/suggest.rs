//! A suggestion for a mistyped name.

/// The candidate with the fewest edits from `word`, if there are few enough for a suggestion.
///
/// Candidates of a very different length are not compared. If there are more than a thousand, the first thousand are
/// compared.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    candidates
        .take(MOST)
        // The difference of their lengths is a lower bound of the edits between two words.
        .filter(|candidate| length.abs_diff(candidate.chars().count()) <= enough(candidate))
        .map(|candidate| (strsim::damerau_levenshtein(&word, candidate), candidate))
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, candidate)| distance <= enough(candidate))
        .map(|(_, candidate)| candidate)
}

/// How many edits there may be between a mistyped word and `candidate`.
fn enough(candidate: &str) -> usize {
    candidate.len().div_ceil(2)
}

const MOST: usize = 1000;

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_word_is_suggested_only_if_it_is_near() {
        let names = ["alice", "bob", "你好"];
        for (word, near) in [
            ("alcie", Some("alice")),
            ("BOB", Some("bob")),
            ("您好", Some("你好")),
            ("zzzzz", None),
        ] {
            assert_eq!(nearest(word, names.into_iter()), near, "{word}");
        }
        assert_eq!(nearest(&"alice".repeat(1000), names.into_iter()), None);
    }
}

//! The order of the answers to a question.
//!
//! In the texts, the right answer is mostly in the middle, and a class would soon notice that. So the answers are
//! shuffled by a seed, the lesson and the step: one seed gives the same order every time, in both languages, on the
//! terminal and on the page.

use crate::script::{Ask, Script};

/// The seed of the pages, and of a lesson that is played without `--seed`.
pub const SEED: u64 = 1;

impl Script {
    /// The same text with the answers to each question in the order that `seed` gives them in `lesson`.
    #[must_use]
    pub fn shuffled(mut self, lesson: &str, seed: u64) -> Self {
        for step in &mut self.steps {
            if let Some(ask) = &mut step.ask {
                ask.shuffle(random(lesson, &step.key, seed));
            }
        }
        self
    }
}

impl Ask {
    fn shuffle(&mut self, mut random: fastrand::Rng) {
        let mut order: Vec<usize> = (0..self.options.len()).collect();
        random.shuffle(&mut order);
        self.options = order.iter().map(|&at| self.options[at].clone()).collect();
        let right = order.iter().position(|&at| at == self.right);
        self.right = right.expect("a permutation has every index");
    }
}

/// A generator for one question. It is seeded by the hash FNV-1a, because the hash must be the same with every compiler,
/// and the standard library doesn't promise that for its hasher.
fn random(lesson: &str, step: &str, seed: u64) -> fastrand::Rng {
    let name = format!("{lesson}/{step}");
    let bytes = name.bytes().chain(seed.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    fastrand::Rng::with_seed(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# T\n## goal\nG\n## story\nS\n## step one: One\nSay.\n### ask\nQ\n- a\n- [x] b\n- c\n\
        ### seen\n- a: A.\n## step two: Two\nSay.\n### ask\nQ\n- a\n- [x] b\n- c\n### seen\n- a: A.\n";

    fn asked(lesson: &str, seed: u64) -> Vec<(Vec<String>, String)> {
        let script = Script::parse(TEXT, &[]).unwrap().shuffled(lesson, seed);
        let asks = script.steps.into_iter().filter_map(|step| step.ask);
        asks.map(|ask| (ask.options.clone(), ask.options[ask.right].clone()))
            .collect()
    }

    #[test]
    fn the_right_answer_moves_with_its_text() {
        for seed in 0..100 {
            for (mut options, right) in asked("x", seed) {
                assert_eq!(right, "b");
                options.sort();
                assert_eq!(options, ["a", "b", "c"]);
            }
        }
    }

    #[test]
    fn seed_lesson_and_step_each_give_an_order_of_their_own() {
        let orders = |of: &dyn Fn(u64) -> Vec<String>| {
            let mut all: Vec<_> = (0..50).map(of).collect();
            all.sort();
            all.dedup();
            all.len()
        };
        assert_eq!(asked("x", 7), asked("x", 7));
        assert_eq!(orders(&|seed| asked("x", seed)[0].0.clone()), 6);
        assert_eq!(orders(&|name| asked(&name.to_string(), 1)[0].0.clone()), 6);
        assert!((0..50).any(|seed| asked("x", seed)[0].0 != asked("x", seed)[1].0));
    }
}

//! The bounded property test: each target with its seeds and 400 inputs, which are generated in each run.

use std::{fs, panic, path::PathBuf};

use proptest::{prelude::*, sample::Index, test_runner::TestRunner};

/// How many inputs of each kind a target gets.
const CASES: u32 = 200;

/// The words that are put into seeds: ends of lines, first bytes of other protocols, numbers that overflow, and
/// control sequences of terminals.
const WORDS: [&[u8]; 16] = [
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff\xfa",
    b"\xe4\xbd",
    b"\x1b[2J",
    "\u{202e}".as_bytes(),
    b"-1",
    b"0",
    b"1e308",
    b"18446744073709551615",
    b"18446744073709551616",
    b"null",
    b"\"",
    b"[[",
    b": ",
];

/// A change to an input.
#[derive(Clone, Debug)]
enum Change {
    /// Another byte replaces the one here.
    Byte(Index, u8),
    /// These bytes are removed.
    Cut(Index, Index),
    /// These bytes are doubled.
    Double(Index, Index),
    /// A word is inserted here.
    Word(Index, Index),
    /// The word replaces the number here, or the next one to the right.
    Number(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let two = any::<(Index, Index)>;
    prop_oneof![
        1 => any::<(Index, u8)>().prop_map(|(at, byte)| Change::Byte(at, byte)),
        1 => two().prop_map(|(from, to)| Change::Cut(from, to)),
        1 => two().prop_map(|(from, to)| Change::Double(from, to)),
        1 => two().prop_map(|(at, word)| Change::Word(at, word)),
        3 => two().prop_map(|(at, word)| Change::Number(at, word)),
    ]
}

impl Change {
    fn make(&self, input: &mut Vec<u8>) {
        let place = |at: &Index| at.index(input.len() + 1);
        let range = |one: &Index, other: &Index| {
            let (one, other) = (place(one), place(other));
            one.min(other)..one.max(other)
        };
        let (range, bytes) = match self {
            Self::Byte(at, byte) => {
                let at = place(at);
                (at..(at + 1).min(input.len()), vec![*byte])
            }
            Self::Cut(from, to) => (range(from, to), Vec::new()),
            Self::Double(from, to) => {
                let range = range(from, to);
                (range.end..range.end, input[range].to_vec())
            }
            Self::Word(at, word) => (place(at)..place(at), word.get(&WORDS).to_vec()),
            Self::Number(at, word) => {
                let digit = |byte: &u8| byte.is_ascii_digit();
                let from = place(at);
                let from = input[from..].iter().position(digit).map(|it| from + it);
                let from = from.unwrap_or(input.len());
                let length = input[from..].iter().take_while(|byte| digit(byte)).count();
                (from..from + length, word.get(&WORDS).to_vec())
            }
        };
        input.splice(range, bytes);
    }
}

/// Runs a target with every file of `seeds/NAME`, then with changed seeds, then with random bytes.
pub(crate) fn check(name: &str, target: fn(&[u8])) {
    let seeds = seeds(name);
    seeds.iter().for_each(|seed| target(seed));
    let config = || ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(CASES)
    };
    let run = |input: &[u8]| {
        let outcome = panic::catch_unwind(|| target(input));
        prop_assert!(outcome.is_ok(), "{}", input.escape_ascii());
        Ok(())
    };
    let changes = proptest::collection::vec(change(), 1..4);
    let mut runner = TestRunner::new(config());
    let changed = runner.run(&(any::<Index>(), changes), |(seed, changes)| {
        let mut input = seed.get(&seeds).clone();
        changes.iter().for_each(|change| change.make(&mut input));
        run(&input)
    });
    let mut runner = TestRunner::new(config());
    let bytes = proptest::collection::vec(any::<u8>(), 0..300);
    let random = runner.run(&bytes, |bytes| run(&bytes));
    changed.unwrap_or_else(|error| panic!("{name}: {error}"));
    random.unwrap_or_else(|error| panic!("{name}: {error}"));
}

fn folder() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let from_the_command_line = here.join("../../tests/fuzz");
    [here, from_the_command_line]
        .into_iter()
        .find(|folder| folder.join("seeds").is_dir())
        .expect("tests/fuzz has a folder of seeds")
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = folder().join("seeds").join(name);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let seeds = files.map(|file| fs::read(file.unwrap().path()).unwrap());
    seeds.collect()
}

#[test]
fn every_target_is_a_binary_of_its_name() {
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    let binaries = manifest.split("[[bin]]\nname = \"").skip(1);
    let binaries: Vec<_> = binaries.filter_map(|it| it.split('"').next()).collect();
    let targets: Vec<_> = crate::TARGETS.iter().map(|target| target.0).collect();
    assert_eq!(binaries, targets);
}

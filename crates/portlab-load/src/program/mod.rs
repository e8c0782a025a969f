//! What a connection says and expects, step by step: a dialogue file, or one exchange that is repeated.

mod figures;
mod read;
mod think;

use std::sync::Arc;

pub use figures::Exchanges;
pub use read::{Fault, MOST_BYTES};
pub use think::ThinkTime;

use crate::{Expect, Payload};

/// A message, and what counts as its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The bytes of the message.
    pub payload: Payload,
    /// What counts as its answer.
    pub expect: Expect,
    /// The line of the dialogue file, counted from 1, and its text; `None` without a file.
    pub source: Option<(usize, Arc<str>)>,
}

/// What a connection says and expects, step by step.
///
/// A connection goes through the steps once. After the last one it is closed, and another takes its place, which begins
/// with the first step. If some steps are repeated for ever, the steps behind them are taken when the run ends.
#[derive(Clone, Debug)]
pub struct Program {
    steps: Box<[Step]>,
    exchanges: Box<[Exchange]>,
    /// What the server sends first.
    greeting: Option<Expect>,
    /// How many messages a connection sends until it is closed; `None` if some steps are repeated for ever.
    messages: Option<u64>,
    /// The first of the steps that are taken when the run ends, and how many messages they have.
    last: (u32, u64),
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Sends the message of the exchange with this index, and waits for its answer.
    Say(u32),
    /// Pauses.
    Think(ThinkTime),
    /// Goes back to the step `to` until the steps in between were taken `times` times, or for ever.
    Again {
        to: u32,
        times: Option<u64>,
        /// How many other blocks this one is in.
        level: u8,
    },
}

/// How deep blocks may be nested.
const NESTING: usize = 8;

/// The place of a connection in its program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cursor {
    at: u32,
    /// For each open block, how many times its steps were taken.
    rounds: [u64; NESTING],
}

impl Exchange {
    pub(crate) fn parts(&self) -> (&Payload, &Expect) {
        (&self.payload, &self.expect)
    }
}

impl Program {
    /// One exchange that is repeated for ever, with a pause after each answer.
    pub fn repeating(payload: Payload, expect: Expect, think: Option<ThinkTime>) -> Self {
        let again = Step::Again {
            to: 0,
            times: None,
            level: 0,
        };
        let steps = [Some(Step::Say(0)), think.map(Step::Think), Some(again)];
        Self {
            steps: steps.into_iter().flatten().collect(),
            exchanges: Box::new([Exchange {
                payload,
                expect,
                source: None,
            }]),
            greeting: None,
            messages: None,
            last: (0, 0),
        }
    }

    /// The exchanges, in the order of the file.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// What the server sends before any message is sent.
    pub fn greeting(&self) -> Option<&Expect> {
        self.greeting.as_ref()
    }

    /// How many messages a connection sends until it is closed; `None` if it never is.
    pub fn messages(&self) -> Option<u64> {
        self.messages
    }

    /// How many messages a connection sends when the run ends.
    pub(crate) fn last_messages(&self) -> u64 {
        self.last.1
    }

    /// The pauses, in the order of the file.
    pub fn thinks(&self) -> impl Iterator<Item = ThinkTime> {
        self.steps.iter().filter_map(|step| match step {
            Step::Think(time) => Some(*time),
            _ => None,
        })
    }
}

impl Cursor {
    /// Moves to the next message; returns how long the connection pauses before it, in nanoseconds.
    pub(crate) fn advance(&mut self, program: &Program, random: &mut fastrand::Rng) -> u64 {
        let mut pause = 0;
        while let Some(step) = program.steps.get(self.at as usize) {
            match *step {
                Step::Say(_) => break,
                Step::Think(time) => pause += time.draw(random),
                // Each block contains a message, so this loop ends.
                Step::Again { to, times, level } => {
                    let rounds = &mut self.rounds[usize::from(level)];
                    *rounds += 1;
                    if times.is_none_or(|times| *rounds < times) {
                        self.at = to;
                        continue;
                    }
                    *rounds = 0;
                }
            }
            self.at += 1;
        }
        pause
    }

    /// Goes to the steps that are taken when the run ends; returns how many messages they have. `None` if they have none.
    pub(crate) fn jump_to_last(&mut self, program: &Program) -> Option<u64> {
        let (step, messages) = program.last;
        *self = Self {
            at: step,
            ..Self::default()
        };
        (messages > 0).then_some(messages)
    }

    /// Takes the message that the cursor has been moved to: the index of its exchange. `None` at the end.
    pub(crate) fn take(&mut self, program: &Program) -> Option<u32> {
        let Some(Step::Say(exchange)) = program.steps.get(self.at as usize) else {
            return None;
        };
        self.at += 1;
        Some(*exchange)
    }
}

#[cfg(test)]
mod tests {
    use portlab_service::TextEncoding;

    use super::*;

    /// The lines that a connection says, and the pauses before them in milliseconds; at most `most`.
    fn said(source: &str, most: usize) -> Vec<(u64, usize)> {
        let program = Program::read(source.as_bytes(), None, TextEncoding::default()).unwrap();
        let (mut cursor, mut random) = (Cursor::default(), fastrand::Rng::with_seed(1));
        let mut said = Vec::new();
        while said.len() < most {
            let pause = cursor.advance(&program, &mut random) / 1_000_000;
            let Some(index) = cursor.take(&program) else {
                let count = program.messages().unwrap();
                assert_eq!(said.len() as u64, count, "{source}");
                break;
            };
            let (line, _) = program.exchanges()[index as usize].source.as_ref().unwrap();
            said.push((pause, *line));
        }
        said
    }

    /// The lines that a connection says when the run ends.
    fn said_last(source: &str) -> Vec<usize> {
        let program = Program::read(source.as_bytes(), None, TextEncoding::default()).unwrap();
        let (mut cursor, mut random) = (Cursor::default(), fastrand::Rng::with_seed(1));
        let count = cursor.jump_to_last(&program).unwrap_or_default();
        let mut said = Vec::new();
        for _ in 0..count {
            cursor.advance(&program, &mut random);
            let index = cursor.take(&program).unwrap() as usize;
            said.push(program.exchanges()[index].source.as_ref().unwrap().0);
        }
        cursor.advance(&program, &mut random);
        assert!(count == 0 || cursor.take(&program).is_none(), "{source}");
        said
    }

    #[test]
    fn a_connection_goes_through_the_steps_and_blocks_are_repeated() {
        let plain = "say a\nthink 5ms\nthink 1ms\nsay b\nthink 9ms\n";
        assert_eq!(said(plain, 9), [(0, 1), (6, 4)]);
        let nested = "repeat 2\n say a\n repeat 3\n  think 1ms\n  say b\n end\nend\nsay c\n";
        let round = [(0, 2), (1, 5), (1, 5), (1, 5)];
        assert_eq!(said(nested, 99), [&round[..], &round, &[(0, 8)]].concat());
        assert_eq!(
            said("say a\nrepeat\nsay b\nend\n", 4),
            [(0, 1), (0, 3), (0, 3), (0, 3)]
        );
        // What stands behind an endless block is said at the end.
        assert_eq!(said("repeat\nsay a\nend\nsay b", 2), [(0, 2), (0, 2)]);
        assert_eq!(
            said_last("repeat\nsay a\nend\nrepeat 2\nsay b\nend\nsay c\n"),
            [5, 5, 7]
        );
        assert_eq!(said_last("repeat\nsay a\nend\nthink 1s\n"), [0; 0]);
        assert_eq!(said_last("say a\n"), [0; 0]);
        // The end of two blocks at once.
        assert_eq!(said("repeat 2\nrepeat 2\nsay a\nend\nend", 99).len(), 4);
    }
}

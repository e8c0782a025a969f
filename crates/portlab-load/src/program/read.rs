//! Reads a dialogue file.

use std::{fmt, sync::Arc};

use portlab_service::{TextEncoding, nearest};
use portlab_words::{Text, tr, units};

use super::{Exchange, NESTING, Program, Step, ThinkTime};
use crate::{Expect, Framing, Lines, Payload, Template, bytes_of_hex};

/// The longest dialogue file, in bytes.
pub const MOST_BYTES: u64 = 1 << 20;
/// The most messages in a file: for each there is a histogram.
const MOST_EXCHANGES: usize = 256;
/// The most steps in a file.
const MOST_STEPS: usize = 10_000;
/// How much of a message's text is kept for the result, in characters.
const SHOWN: usize = 40;

/// The words that a line may begin with.
const WORDS: [&str; 6] = ["say", "hex", "expect", "think", "repeat", "end"];

/// What is wrong with a dialogue file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there, and what to write.
    pub what: Text,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, what } = self;
        match f.alternate() {
            true => write!(f, "第 {line} 行：{what:#}"),
            false => write!(f, "line {line}: {what}"),
        }
    }
}

impl std::error::Error for Fault {}

/// A program as far as it has been read.
#[derive(Default)]
struct Reader {
    steps: Vec<Step>,
    exchanges: Vec<Exchange>,
    greeting: Option<Expect>,
    /// The open blocks.
    blocks: Vec<Block>,
    /// Whether the last line was a message without an `expect`.
    awaits_expect: bool,
    /// The line of the message whose answer is the end of the connection: no step may follow.
    close: Option<usize>,
    /// The first line of the block that is repeated for ever, and the step behind it.
    endless: Option<(usize, u32)>,
}

struct Block {
    line: usize,
    times: Option<u64>,
    /// The index of its first step.
    from: u32,
    /// How many messages a connection sends in one round of this block.
    messages: u64,
}

impl Program {
    /// Reads a dialogue file, whose bytes are `source`. Its messages are templates, which may contain the placeholder
    /// `{line}` if there are `lines`, and are sent in `encoding`.
    ///
    /// # Errors
    /// The first line that is wrong, and why.
    pub fn read(
        source: &[u8],
        lines: Option<&Arc<Lines>>,
        encoding: TextEncoding,
    ) -> Result<Self, Fault> {
        let mut reader = Reader::default();
        // The outermost block is the file, and is taken once.
        reader.open(0, Some(1));
        let mut number = 0;
        for bytes in source.split(|byte| *byte == b'\n') {
            number += 1;
            let read = str::from_utf8(bytes).map_err(|_| {
                Text::new(
                    "this line isn't UTF-8; save the file as UTF-8, and choose what is sent with --encoding",
                    "这一行不是 UTF-8；请把文件存为 UTF-8，发送用的编码由 --encoding 指定",
                )
            });
            let read = read.and_then(|line| {
                // Some editors begin a file with a byte order mark.
                let line = if number == 1 {
                    line.trim_start_matches('\u{feff}')
                } else {
                    line
                };
                reader.line(number, line.trim(), lines, encoding)
            });
            read.map_err(|what| Fault { line: number, what })?;
        }
        reader.finish(number)
    }
}

impl Reader {
    fn line(
        &mut self,
        number: usize,
        line: &str,
        lines: Option<&Arc<Lines>>,
        encoding: TextEncoding,
    ) -> Result<(), Text> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim_start();
        if !WORDS.contains(&word) {
            return Err(unknown(word));
        }
        if word == "expect" {
            return self.expect(
                number,
                rest.parse::<Expect>()?
                    .in_encoding(encoding)
                    .map_err(Text::of)?,
            );
        }
        self.awaits_expect = false;
        if let Some(line) = self.close {
            return Err(tr!(
                "the connection ends with the answer to line {line} (expect close), so no step can follow",
                "第 {line} 行的响应（expect close）以关闭连接结束，后面不能再有步骤"
            ));
        }
        if self.steps.len() >= MOST_STEPS {
            return Err(tr!(
                "too many steps: a file has {MOST_STEPS} at most; use repeat",
                "步骤太多：一个文件最多 {MOST_STEPS} 步；请用 repeat"
            ));
        }
        match word {
            "say" => self.say(number, rest, Template::parse(rest, lines, encoding)?)?,
            "hex" => self.say(number, rest, Template::of(bytes_of_hex(rest)?))?,
            "think" => self.steps.push(Step::Think(rest.parse::<ThinkTime>()?)),
            "repeat" => self.repeat(number, rest)?,
            _ => self.end(rest)?,
        }
        Ok(())
    }

    fn say(&mut self, number: usize, text: &str, message: Template) -> Result<(), Text> {
        if *message.sizes().start() == 0 {
            return Err(Text::new(
                "the message may be empty; it must be at least 1 byte",
                "消息可能是空的；至少要有 1 字节",
            ));
        }
        if self.exchanges.len() >= MOST_EXCHANGES {
            return Err(tr!(
                "too many messages: a file has {MOST_EXCHANGES} at most; use repeat, or --lines FILE with {{line}}",
                "消息太多：一个文件最多 {MOST_EXCHANGES} 条；请用 repeat，或用 --lines FILE 和 {{line}}"
            ));
        }
        self.steps.push(Step::Say(self.exchanges.len() as u32));
        self.exchanges.push(Exchange {
            payload: Payload::Template(Arc::new(message)),
            expect: Framing::Nothing.into(),
            source: Some((number, text.chars().take(SHOWN).collect::<String>().into())),
        });
        let block = self.blocks.last_mut().expect("the file is a block");
        block.messages = block.messages.saturating_add(1);
        self.awaits_expect = true;
        Ok(())
    }

    fn expect(&mut self, number: usize, expect: Expect) -> Result<(), Text> {
        if !std::mem::take(&mut self.awaits_expect) {
            if !self.steps.is_empty() || self.blocks.len() > 1 || self.greeting.is_some() {
                return Err(Text::new(
                    "expect stands right after its say, or before all other lines, for the server's greeting; an answer \
                     of several lines is lines:2",
                    "expect 要紧跟在 say 之后；在所有其他行之前的 expect 是服务端的欢迎信息；响应有多行时请写 lines:2",
                ));
            }
            self.greeting = Some(expect.as_greeting()?);
            return Ok(());
        }
        if expect.framing == Framing::Close {
            if self.blocks.len() > 1 {
                let begin = self.blocks.last().map_or(0, |it| it.line);
                return Err(tr!(
                    "the answer to this message is the end of its connection, and the repeat of line {begin} contains the \
                     message; write end before its say",
                    "这条消息的响应以关闭连接结束，而第 {begin} 行的 repeat 包含这条消息；请在它的 say 之前写 end"
                ));
            }
            self.close = Some(number);
        }
        let exchange = self.exchanges.last_mut();
        exchange.expect("a message was read a moment ago").expect = expect;
        Ok(())
    }

    fn repeat(&mut self, number: usize, times: &str) -> Result<(), Text> {
        let times = match times {
            "" if self.blocks.len() > 1 => {
                return Err(Text::new(
                    "a block that is repeated for ever can't be in another block; write repeat and a number, such as \
                     repeat 10",
                    "无限重复的块不能放在另一个块里；请写上次数，如 repeat 10",
                ));
            }
            "" if let Some((line, _)) = self.endless => {
                return Err(tr!(
                    "the block from line {line} on is repeated for ever already; write repeat and a number, such as \
                     repeat 10",
                    "从第 {line} 行开始的块已经无限重复；请写上次数，如 repeat 10"
                ));
            }
            "" => None,
            times => Some(units::count("1", "1T")(times)?),
        };
        // The first block is the file.
        if self.blocks.len() > NESTING {
            return Err(tr!(
                "too many blocks in each other: {NESTING} at most",
                "块嵌套太深：最多 {NESTING} 层"
            ));
        }
        self.open(number, times);
        Ok(())
    }

    fn open(&mut self, line: usize, times: Option<u64>) {
        self.blocks.push(Block {
            line,
            times,
            from: self.steps.len() as u32,
            messages: 0,
        });
    }

    fn end(&mut self, rest: &str) -> Result<(), Text> {
        if !rest.is_empty() {
            return Err(tr!(
                "end takes no value, and {rest:?} follows it",
                "end 不带值，后面却有 {rest:?}"
            ));
        }
        if self.blocks.len() == 1 {
            return Err(Text::new(
                "this end has no repeat before it",
                "这个 end 前面没有 repeat",
            ));
        }
        let block = self.blocks.pop().expect("there are two at least");
        let begin = block.line;
        if block.messages == 0 {
            return Err(tr!(
                "the block from line {begin} on has no say",
                "从第 {begin} 行开始的块里没有 say"
            ));
        }
        self.steps.push(Step::Again {
            to: block.from,
            times: block.times,
            level: (self.blocks.len() - 1) as u8,
        });
        let outer = self.blocks.last_mut().expect("the file is a block");
        match block.times {
            Some(times) => {
                let messages = block.messages.saturating_mul(times);
                outer.messages = outer.messages.saturating_add(messages);
            }
            None => {
                self.endless = Some((begin, self.steps.len() as u32));
                // From here on, the messages are those of the end of the run.
                outer.messages = 0;
            }
        }
        Ok(())
    }

    fn finish(mut self, lines: usize) -> Result<Program, Fault> {
        let file = self.blocks.remove(0);
        if let Some(open) = self.blocks.pop() {
            return Err(Fault {
                line: open.line,
                what: Text::new(
                    "this repeat has no end; write end after its last line",
                    "这个 repeat 没有 end；请在块的最后一行之后写 end",
                ),
            });
        }
        if self.exchanges.is_empty() {
            return Err(Fault {
                line: lines,
                what: Text::new(
                    "there is no say in the file; write one, such as say PING\\r\\n",
                    "文件里没有 say；请写一行，如 say PING\\r\\n",
                ),
            });
        }
        let (messages, last) = match self.endless {
            None => (Some(file.messages), (0, 0)),
            Some((_, step)) => (None, (step, file.messages)),
        };
        Ok(Program {
            steps: self.steps.into(),
            exchanges: self.exchanges.into(),
            greeting: self.greeting,
            messages,
            last,
        })
    }
}

fn unknown(word: &str) -> Text {
    let word = word.chars().take(SHOWN).collect::<String>();
    let near = nearest(&word, WORDS.into_iter());
    let Text { en, zh } = near.map_or_else(Text::default, |near| {
        tr!("; did you mean {near}?", "；您是指 {near} 吗？")
    });
    tr!(
        "unknown word {word:?}: expected say, hex, expect, think, repeat or end{en}",
        "未知的词 {word:?}：应为 say、hex、expect、think、repeat 或 end{zh}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Result<Program, Fault> {
        Program::read(source.as_bytes(), None, TextEncoding::default())
    }

    #[test]
    fn a_file_is_read_to_the_last_line() {
        let program = read(
            "\u{feff}# mail\r\n\
             expect lines:1\r\n\
             say EHLO x\\r\\n  \r\n\
             expect until:\"\\r\\n\"\r\n\
             \r\n\
             repeat 3\r\n\
             \thex 0d 0a\r\n\
             \tthink 1ms..2ms\r\n\
             end\r\n\
             say #QUIT\\n\r\n\
             expect close",
        )
        .unwrap();
        assert_eq!(program.greeting(), Some(&Framing::Lines(1).into()));
        assert_eq!(program.messages(), Some(5));
        let exchanges: Vec<_> = program
            .exchanges()
            .iter()
            .map(|it| {
                let (line, text) = it.source.clone().unwrap();
                (line, text.to_string(), it.expect.to_string())
            })
            .collect();
        let expected = [
            (3, "EHLO x\\r\\n", "until:\"\\r\\n\""),
            (7, "0d 0a", "none"),
            (10, "#QUIT\\n", "close"),
        ];
        let expected =
            expected.map(|(line, text, expect)| (line, text.to_owned(), expect.to_owned()));
        assert_eq!(exchanges, expected);
        assert_eq!(program.thinks().count(), 1);
    }

    #[test]
    fn an_error_names_its_line() {
        let deep = "repeat 2\n".repeat(9) + "say a\n";
        let many = "say a\n".repeat(257);
        for (source, line, part) in [
            ("say a\nsya b", 2, "unknown word \"sya\": expected say, hex"),
            ("sya b", 1, "did you mean say?"),
            ("\n\nxyzzy", 3, "repeat or end"),
            ("say", 1, "at least 1 byte"),
            ("say \\q", 1, "unknown escape"),
            ("say {sqe}", 1, "unknown placeholder {sqe}"),
            ("say {line}", 1, "--lines"),
            ("hex zz", 1, "zz"),
            ("say a\nexpect", 2, "unknown expectation"),
            ("say a\nexpect ehco", 2, "unknown expectation"),
            ("say a\nexpect lines:1\nexpect lines:1", 3, "lines:2"),
            ("say a\nthink 1s\nexpect lines:1", 3, "right after its say"),
            ("expect lines:1\nexpect lines:1", 2, "right after its say"),
            ("expect echo\nsay a", 1, "invalid greeting echo"),
            (
                "repeat 2\nexpect lines:1\nsay a\nend",
                2,
                "right after its say",
            ),
            ("think soon", 1, "write 200us"),
            ("repeat 0\nsay a\nend", 1, "between 1 and 1T"),
            ("repeat x\nsay a\nend", 1, "100"),
            ("say a\nend", 2, "no repeat"),
            ("say a\nrepeat 2\nsay b", 2, "no end"),
            ("repeat 2\nsay a\nend 2", 3, "end takes no value"),
            ("repeat 2\nthink 1s\nend", 3, "line 1 on has no say"),
            ("repeat 2\nrepeat\nsay a\nend\nend", 2, "for ever"),
            (
                "repeat\nsay a\nend\nrepeat\nsay b\nend",
                4,
                "from line 1 on is repeated for ever already",
            ),
            ("say a\nexpect close\nsay b", 3, "line 2 (expect close)"),
            (
                "repeat 2\nsay a\nexpect close\nend",
                3,
                "write end before its say",
            ),
            ("# nothing\n", 2, "no say"),
            ("", 1, "no say"),
            (&deep, 9, "8 at most"),
            (&many, 257, "256 at most"),
        ] {
            let fault = read(source).unwrap_err();
            assert_eq!(fault.line, line, "{source:?}: {fault}");
            assert!(fault.what.en.contains(part), "{source:?}: {fault}");
            assert!(!format!("{fault:#}").is_ascii());
        }
        let not_text = Program::read(b"say a\nsay \xff", None, TextEncoding::default());
        assert_eq!(not_text.unwrap_err().line, 2);
    }

    #[test]
    fn the_number_of_messages_saturates() {
        let program = read(&("repeat 1T\n".repeat(8) + "say a\n" + &"end\n".repeat(8))).unwrap();
        assert_eq!(program.messages(), Some(u64::MAX));
    }
}

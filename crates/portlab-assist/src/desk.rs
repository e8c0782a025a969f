//! What a person types: texts to send, and commands.

use std::{path::Path, time::Duration};

use portlab_load::bytes_of_hex;
use portlab_service::{TextEncoding, nearest};
use portlab_words::{Lang, Text, tr, units};

use crate::{By, Command, Eol, PeerId, Pieces, Recipient, Rules, Speech, Template};

/// What the typed lines have set: encoding, line end and recipient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Desk {
    /// How texts are sent.
    pub speech: Speech,
    /// To where.
    pub to: Recipient,
    /// Whether received bytes are shown in GBK and in UTF-8.
    pub both: bool,
}

/// What a typed line has done.
#[derive(Debug, Default)]
pub struct Done {
    /// The commands for the engine.
    pub commands: Vec<Command>,
    /// Whether the encodings of the rows have changed.
    pub reread: bool,
    /// Something to show to the person.
    pub said: Option<Text>,
    /// Whether the person asks for help.
    pub help: bool,
}

/// The commands: how each is written, and what it does.
pub fn help(lang: Lang) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = HELP.pick(lang).lines();
    lines.filter_map(|it| it.split_once('\t'))
}

/// The commands, a line each: how it is written, a tab, and what it does.
static HELP: Text = Text::new(
    "\
TEXT\tsend the text
//TEXT\tsend a text that begins with /
/to 2 | all\tchoose who gets what you send
/hex c4 e3\tsend bytes
/file PATH\tsend a file
/every 500ms TEXT\tsend the text every 500 ms; /every off ends it
/rule any => TEXT\tadd a rule for answers; /rule off drops all rules
/parts 2 TEXT\tsend the text in 2 parts, 500 ms apart
/drip 200ms TEXT\tsend the text byte by byte
/close [2]\tclose the connection (FIN)
/fin [2]\thalf-close: send the FIN, go on receiving
/reset [2]\treset the connection (RST)
/pause [2]\tstop reading
/resume [2]\tread again
/encoding gbk\tchange the encoding; earlier rows are read again
/both\tshow GBK and UTF-8 beside each other, or no longer
/eol lf|crlf|none\twhat follows a text that you send
/help\tshow these commands
/quit\tend",
    "\
文字\t发送这段文字
//文字\t发送以 / 开头的文字
/to 2 | all\t选择发给哪个客户端
/hex c4 e3\t按十六进制发送字节
/file 文件路径\t发送文件
/every 500ms 文字\t每 500 毫秒发送一次；/every off 停止
/rule any => 文字\t增加一条自动回答规则；/rule off 取消所有规则
/parts 2 文字\t分成 2 段发送，间隔 500 毫秒
/drip 200ms 文字\t逐字节发送
/close [2]\t关闭连接（FIN）
/fin [2]\t半关闭：发出 FIN，继续接收
/reset [2]\t复位连接（RST）
/pause [2]\t停止读取
/resume [2]\t继续读取
/encoding gbk\t换一种编码，已收到的内容重新解码
/both\tGBK 与 UTF-8 对照显示；再输入一次取消
/eol lf|crlf|none\t发送的文字后面加什么换行
/help\t显示这些命令
/quit\t结束",
);

/// The bytes of the largest file that is sent.
const MOST_FILE: u64 = 16 << 20;
/// The time between two parts.
const PART_GAP: Duration = Duration::from_millis(500);

impl Desk {
    /// The encodings in which rows are shown.
    pub fn encodings(&self) -> Vec<TextEncoding> {
        let own = self.speech.encoding;
        let other = match own.name() {
            "UTF-8" => "gbk",
            _ => "utf-8",
        };
        let other = other.parse().ok().filter(|_| self.both);
        [Some(own), other].into_iter().flatten().collect()
    }

    /// Carries out a typed line. Only `/file` reads a file; everything else is pure.
    ///
    /// # Errors
    /// When the line can't be carried out; nothing has changed then.
    pub fn typed(&mut self, line: &str) -> Result<Done, Text> {
        let line = line.trim_end_matches(['\r', '\n']);
        match line.strip_prefix('/') {
            Some(rest) if !rest.starts_with('/') => self.command(rest),
            Some(text) => self.send(text),
            None if line.is_empty() && self.speech.eol == Eol::None => Ok(Done::default()),
            None => self.send(line),
        }
    }

    fn command(&mut self, line: &str) -> Result<Done, Text> {
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest_trimmed = rest.trim();
        match name {
            "to" => {
                self.to = recipient(rest_trimmed)?;
                Ok(Done::said(match self.to {
                    Recipient::All => Text::new("to: all clients", "发给：所有客户端"),
                    Recipient::One(peer) => tr!("to: {peer}", "发给：{peer}"),
                }))
            }
            "hex" => {
                let bytes = bytes_of_hex(rest_trimmed)?;
                match bytes.is_empty() {
                    true => Err(expected("hex")),
                    false => Ok(self.bytes(bytes, Pieces::WHOLE, By::Hand)),
                }
            }
            "file" => self.file(rest_trimmed),
            "every" => self.every(rest),
            "rule" => self.rule(rest_trimmed),
            "parts" => {
                let (count, text) = two(rest, name)?;
                let count = count.parse().ok().filter(|it| (2..=1000).contains(it));
                let count = count.ok_or_else(|| expected(name))?;
                let (bytes, gap) = (self.encoded(text)?, PART_GAP);
                let most_bytes = bytes.len().div_ceil(count);
                Ok(self.bytes(bytes, Pieces { most_bytes, gap }, By::Hand))
            }
            "drip" => {
                let (gap, text) = two(rest, name)?;
                let gap = time(gap, "1ms")?;
                let (bytes, most_bytes) = (self.encoded(text)?, 1);
                Ok(self.bytes(bytes, Pieces { most_bytes, gap }, By::Hand))
            }
            "close" => self.ending(rest_trimmed, Command::Close),
            "fin" => self.ending(rest_trimmed, Command::HalfClose),
            "reset" => self.ending(rest_trimmed, Command::Reset),
            "pause" => self.ending(rest_trimmed, Command::Pause),
            "resume" => self.ending(rest_trimmed, Command::Resume),
            "encoding" => self.encoding(rest_trimmed),
            "both" => {
                self.both = !self.both;
                Ok(Done {
                    reread: true,
                    ..Done::default()
                })
            }
            "eol" => self.eol(rest_trimmed),
            "help" | "?" => Ok(Done {
                help: true,
                ..Done::default()
            }),
            "quit" | "exit" => Ok(Done::of(Command::Quit)),
            _ => Err(unknown(name)),
        }
    }

    fn send(&self, text: &str) -> Result<Done, Text> {
        Ok(self.bytes(self.encoded(text)?, Pieces::WHOLE, By::Hand))
    }

    /// The bytes of `text` with the line end.
    fn encoded(&self, text: &str) -> Result<Vec<u8>, Text> {
        let text = format!("{text}{}", self.speech.eol.text());
        self.speech.encoding.encode(&text).map_err(Text::of)
    }

    fn bytes(&self, bytes: Vec<u8>, pieces: Pieces, by: By) -> Done {
        let to = self.to;
        Done::of(Command::Send {
            to,
            bytes,
            pieces,
            by,
        })
    }

    fn file(&self, path: &str) -> Result<Done, Text> {
        if path.is_empty() {
            return Err(expected("file"));
        }
        let read = portlab_sys::input::read(Path::new(path), MOST_FILE);
        let bytes = read.map_err(|error| {
            let why = Text::system(&error);
            tr!("can't read {path:?}: {why}", "无法读文件 {path:?}：{why:#}")
        })?;
        if bytes.is_empty() {
            return Err(tr!("the file {path:?} is empty", "文件 {path:?} 是空的"));
        }
        Ok(self.bytes(bytes, Pieces::WHOLE, By::File))
    }

    fn every(&self, rest: &str) -> Result<Done, Text> {
        if rest.trim() == "off" {
            return Ok(Done::of(Command::EveryOff));
        }
        let (every, text) = two(rest, "every")?;
        let every = time(every, "10ms")?;
        let text = Template::parse(text)?;
        // A character that the encoding lacks is found now.
        text.check(self.speech)?;
        let to = self.to;
        Ok(Done::of(Command::Every { to, text, every }))
    }

    fn rule(&self, rule: &str) -> Result<Done, Text> {
        if rule == "off" {
            return Ok(Done {
                said: Some(Text::new("no rule answers now", "已取消所有规则")),
                ..Done::of(Command::RulesOff)
            });
        }
        if rule.is_empty() {
            return Err(Text::new(
                "expected /rule contains:hello => hello, client",
                "应写成 /rule contains:你好 => 你好，我是服务端",
            ));
        }
        let rules = Rules::parse(&[rule.to_owned()])?;
        rules.check(self.speech)?;
        Ok(Done {
            said: Some(tr!("new rule: {rule}", "新规则：{rule}")),
            ..Done::of(Command::AddRules(rules))
        })
    }

    fn ending(&self, to: &str, command: fn(Recipient) -> Command) -> Result<Done, Text> {
        let to = match to {
            "" => self.to,
            to => recipient(to)?,
        };
        Ok(Done::of(command(to)))
    }

    fn encoding(&mut self, label: &str) -> Result<Done, Text> {
        self.speech.encoding = label.parse()?;
        Ok(self.spoken(true))
    }

    fn eol(&mut self, name: &str) -> Result<Done, Text> {
        self.speech.eol = Eol::named(name).ok_or_else(|| expected("eol"))?;
        Ok(self.spoken(false))
    }

    /// Tells the engine and the person what is set now.
    fn spoken(&self, reread: bool) -> Done {
        let Speech { encoding, eol } = self.speech;
        let (encoding, eol) = (encoding.name(), eol.title());
        Done {
            commands: vec![Command::Speak(self.speech)],
            reread,
            said: Some(tr!(
                "encoding: {encoding}, line end: {eol}",
                "编码：{encoding}，换行：{eol:#}"
            )),
            help: false,
        }
    }
}

impl Done {
    fn of(command: Command) -> Self {
        Self {
            commands: vec![command],
            ..Self::default()
        }
    }

    fn said(text: Text) -> Self {
        Self {
            said: Some(text),
            ..Self::default()
        }
    }
}

/// Whether a typed line is for peers: a text, or a command that sends, closes or pauses.
pub fn is_for_peers(line: &str) -> bool {
    match line.strip_prefix('/') {
        Some(rest) if !rest.starts_with('/') => {
            let name = rest.split_whitespace().next().unwrap_or_default();
            let all = ["hex", "file", "parts", "drip", "close", "fin", "reset"];
            all.contains(&name) || ["pause", "resume"].contains(&name)
        }
        _ => true,
    }
}

/// The first word of `rest`, which is behind the command `name`, and the text behind it.
fn two<'a>(rest: &'a str, name: &str) -> Result<(&'a str, &'a str), Text> {
    let (word, text) = rest.trim_start().split_once(' ').unwrap_or_default();
    match text.is_empty() {
        true => Err(expected(name)),
        false => Ok((word, text)),
    }
}

fn recipient(text: &str) -> Result<Recipient, Text> {
    let number = text.strip_prefix('#').unwrap_or(text);
    match (text, number.parse()) {
        ("all", _) => Ok(Recipient::All),
        (_, Ok(number)) => Ok(Recipient::One(PeerId(number))),
        _ => Err(tr!(
            "unknown client {text:?}: expected the number of a client, such as 2, or all",
            "没有 {text:?} 这个客户端：请写客户端的编号（如 2），或 all"
        )),
    }
}

fn time(text: &str, least: &'static str) -> Result<Duration, Text> {
    let read = units::duration(least, "1h")(text);
    read.map_err(|error| {
        let why = Text::of(error);
        tr!(
            "invalid time {text:?}: {why}",
            "时间 {text:?} 无效：{why:#}"
        )
    })
}

/// How the command `name` is written: as in the help.
fn expected(name: &str) -> Text {
    let [en, zh] = Lang::ALL.map(|lang| {
        let mut forms = help(lang).map(|(form, _)| form);
        let is_it = |form: &&str| form.split(' ').next() == Some(&format!("/{name}"));
        forms.find(is_it).unwrap_or_default()
    });
    tr!("expected {en}", "应写成 {zh}")
}

fn unknown(name: &str) -> Text {
    let forms = help(Lang::En).filter_map(|(form, _)| form.strip_prefix('/'));
    let names = forms.filter_map(|it| it.split(' ').next().filter(|it| !it.starts_with('/')));
    let Text { en, zh } = match nearest(name, names) {
        Some(near) => tr!("did you mean /{near}?", "要写的是不是 /{near}？"),
        None => Text::new("/help lists the commands", "输入 /help 查看所有命令"),
    };
    tr!(
        "unknown command /{name}: {en} (to send this text, type //{name})",
        "没有 /{name} 这个命令：{zh}（要发送这段文字，请输入 //{name}）"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_the_help_is_known_and_others_get_the_nearest() {
        for (form, _) in Lang::ALL.into_iter().flat_map(help) {
            let line = form.split(['[', '|']).next().unwrap_or_default().trim();
            match Desk::default().typed(line) {
                Ok(_) => {}
                // The file doesn't exist.
                Err(why) => assert!(line.starts_with("/file"), "{line}: {why}"),
            }
        }
        for (typed, part) in [
            ("/rest", "/reset"),
            ("/qit", "/quit"),
            ("/xyzxyz", "/help"),
            ("/etc/passwd", "//etc/passwd"),
        ] {
            let why = Desk::default().typed(typed).unwrap_err();
            assert!(why.en.contains(part) && why.zh.contains(part), "{why}");
        }
    }

    /// The bytes that a line sends.
    fn sent(desk: &mut Desk, line: &str) -> Vec<u8> {
        match desk.typed(line).unwrap().commands.pop() {
            Some(Command::Send { bytes, .. }) => bytes,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_text_is_sent_in_the_encoding_and_with_the_line_end_that_were_set() {
        let mut desk = Desk::default();
        assert!(desk.typed("").unwrap().commands.is_empty());
        assert_eq!(sent(&mut desk, " 你 \r\n"), " 你 ".as_bytes());
        assert!(desk.typed("/encoding gbk").unwrap().reread);
        desk.typed("/eol crlf").unwrap();
        assert_eq!(sent(&mut desk, "你"), b"\xc4\xe3\r\n");
        assert_eq!(sent(&mut desk, ""), b"\r\n");
        assert_eq!(sent(&mut desk, "//to"), b"/to\r\n");
        // Bytes get no line end.
        assert_eq!(sent(&mut desk, "/hex 0d 0A"), b"\r\n");
        let why = desk.typed("你😀").unwrap_err();
        assert!(why.en.contains('😀') && why.zh.contains("gb18030"), "{why}");
        assert!(desk.typed("/every 1s 😀").is_err());
        // A wrong line changes nothing.
        let before = desk;
        for line in ["/encoding nosuch", "/eol", "/to", "/to x"] {
            desk.typed(line).unwrap_err();
        }
        assert_eq!(desk, before);
    }

    #[test]
    fn a_rule_is_added_by_a_line_and_a_wrong_one_is_explained() {
        let mut desk = Desk::default();
        let mut last = |line: &str| desk.typed(line).map(|mut it| it.commands.pop());
        let added = last("/rule contains:hi => hello => you").unwrap();
        let Some(Command::AddRules(rules)) = added else {
            panic!("{added:?}");
        };
        assert!(rules.answer("hi!").is_some() && rules.answer("ho").is_none());
        assert!(matches!(last("/rule off"), Ok(Some(Command::RulesOff))));
        for line in ["/rule", "/rule hi", "/rule contain:hi => x"] {
            assert!(last(line).unwrap_err().en.contains("contains:"), "{line}");
        }
    }

    #[test]
    fn both_encodings_are_the_chosen_one_and_the_other_of_gbk_and_utf_8() {
        let names = |desk: &Desk| {
            desk.encodings()
                .iter()
                .map(|it| it.name())
                .collect::<Vec<_>>()
        };
        let mut desk = Desk::default();
        assert_eq!(names(&desk), ["UTF-8"]);
        desk.typed("/both").unwrap();
        assert_eq!(names(&desk), ["UTF-8", "GBK"]);
        desk.typed("/encoding gbk").unwrap();
        assert_eq!(names(&desk), ["GBK", "UTF-8"]);
    }
}

//! What a person types: texts to send, and commands.

use std::{path::Path, time::Duration};

use portlab_load::bytes_of_hex;
use portlab_service::{TextEncoding, nearest};
use portlab_words::{Lang, Text, narrow, tr, units};

use crate::{By, Command, Eol, PeerId, Pieces, Recipient, Rules, Speech, Template};

/// What the typed lines have set: encoding, line end and recipient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Desk {
    /// How texts are sent.
    pub speech: Speech,
    /// The recipient of what is sent.
    pub to: Recipient,
    /// Whether received bytes are shown in GBK and in UTF-8.
    pub both: bool,
}

/// What a typed line has done.
#[derive(Debug, Default)]
pub struct Done {
    /// The command for the engine, if the line is one.
    pub command: Option<Command>,
    /// Whether the encodings of the rows have changed.
    pub reread: bool,
    /// Something to show to the person.
    pub said: Option<Text>,
    /// The recipient that was chosen.
    pub chosen: Option<Recipient>,
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
/pause [2]\tstop reading (all: also clients that come later)
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
/rule any => 文字\t增加一条自动答复规则；/rule off 取消所有规则
/parts 2 文字\t分成 2 段发送，间隔 500 毫秒
/drip 200ms 文字\t逐字节发送
/close [2]\t关闭连接（FIN）
/fin [2]\t半关闭：发出 FIN，继续接收
/reset [2]\t复位连接（RST）
/pause [2]\t停止读取（所有客户端：包括以后上线的）
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

    /// The names of [`Self::encodings`], as in `UTF-8+GBK`.
    pub fn encoding_names(&self) -> String {
        let all = self.encodings();
        all.iter().map(|it| it.name()).collect::<Vec<_>>().join("+")
    }

    /// Carries out a typed line. Only `/file` reads a file; everything else is pure.
    ///
    /// # Errors
    /// When the line can't be carried out; nothing has changed then.
    pub fn typed(&mut self, line: &str) -> Result<Done, Text> {
        let line = line.trim_end_matches(['\r', '\n']);
        let mut done = Done::default();
        match command_of(line) {
            Some((name, rest)) => self.carry_out(&name, rest.trim_start(), &mut done)?,
            None if line.is_empty() && self.speech.eol == Eol::None => {}
            None => {
                // The first of two slashes isn't sent.
                let text = line.strip_prefix(SLASHES).unwrap_or(line);
                done.command = Some(self.send(text, Pieces::WHOLE)?);
            }
        }
        Ok(done)
    }

    fn carry_out(&mut self, name: &str, rest: &str, done: &mut Done) -> Result<(), Text> {
        match name {
            "to" => {
                self.to = recipient(rest)?;
                done.chosen = Some(self.to);
                done.said = Some(match self.to {
                    Recipient::All => Text::new("to: all clients", "发给：所有客户端"),
                    Recipient::One(peer) => tr!("to: {peer}", "发给：{peer}"),
                });
            }
            "encoding" => {
                self.speech.encoding = rest.parse()?;
                done.reread = true;
                self.tell(done);
            }
            "eol" => {
                self.speech.eol = Eol::named(rest).ok_or_else(|| expected(name))?;
                self.tell(done);
            }
            "both" => {
                self.both = !self.both;
                done.reread = true;
            }
            "help" | "?" => done.help = true,
            "every" if narrow(rest) == "off" => {
                done.command = Some(Command::EveryOff);
                done.said = Some(Text::new("periodic sending has ended", "已停止定时发送"));
            }
            "every" => {
                done.command = Some(self.every(rest)?);
                done.said = Some(Text::new(
                    "periodic sending has begun; /every off ends it",
                    "开始定时发送；输入 /every off 停止",
                ));
            }
            "rule" if narrow(rest) == "off" => {
                done.command = Some(Command::RulesOff);
                done.said = Some(Text::new("no rule answers now", "已取消所有规则"));
            }
            "rule" => {
                let rule = rest.trim_end();
                done.command = Some(Command::AddRules(self.rules(rule)?));
                done.said = Some(tr!("new rule: {rule}", "新规则：{rule}"));
            }
            _ => done.command = Some(self.command(name, rest)?),
        }
        Ok(())
    }

    /// A command that changes nothing here.
    fn command(&self, name: &str, rest: &str) -> Result<Command, Text> {
        let to = |command: fn(Recipient) -> Command| match rest {
            "" => Ok(command(self.to)),
            to => recipient(to).map(command),
        };
        match name {
            "hex" => match bytes_of_hex(rest)? {
                bytes if bytes.is_empty() => Err(expected(name)),
                bytes => Ok(self.bytes(bytes, Pieces::WHOLE, By::Hand)),
            },
            "file" => self.file(rest.trim_end()),
            "parts" => {
                let (count, text) = two(rest, name)?;
                let count = narrow(count).parse().ok();
                let count = count.filter(|it| (2..=1000).contains(it));
                let count = count.ok_or_else(|| expected(name))?;
                let (most_bytes, gap) = (self.encoded(text)?.len().div_ceil(count), PART_GAP);
                self.send(text, Pieces { most_bytes, gap })
            }
            "drip" => {
                let (gap, text) = two(rest, name)?;
                let (most_bytes, gap) = (1, time(gap, "1ms")?);
                self.send(text, Pieces { most_bytes, gap })
            }
            "close" => to(Command::Close),
            "fin" => to(Command::HalfClose),
            "reset" => to(Command::Reset),
            "pause" => to(Command::Pause),
            "resume" => to(Command::Resume),
            "quit" | "exit" => Ok(Command::Quit),
            _ => Err(unknown(name)),
        }
    }

    fn send(&self, text: &str, pieces: Pieces) -> Result<Command, Text> {
        Ok(self.bytes(self.encoded(text)?, pieces, By::Hand))
    }

    /// The bytes of `text` with the line end.
    fn encoded(&self, text: &str) -> Result<Vec<u8>, Text> {
        let text = format!("{text}{}", self.speech.eol.text());
        self.speech.encoding.encode(&text).map_err(Text::of)
    }

    fn bytes(&self, bytes: Vec<u8>, pieces: Pieces, by: By) -> Command {
        let to = self.to;
        Command::Send {
            to,
            bytes,
            pieces,
            by,
        }
    }

    fn file(&self, path: &str) -> Result<Command, Text> {
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

    fn every(&self, rest: &str) -> Result<Command, Text> {
        let (every, text) = two(rest, "every")?;
        let every = time(every, "10ms")?;
        let text = Template::parse(text)?;
        // A character that the encoding lacks is found now.
        text.check(self.speech)?;
        let to = self.to;
        Ok(Command::Every { to, text, every })
    }

    fn rules(&self, rule: &str) -> Result<Rules, Text> {
        if rule.is_empty() {
            return Err(Text::new(
                "expected /rule contains:hello => hello, client",
                "应写成 /rule contains:你好 => 你好，我是服务端",
            ));
        }
        let rules = Rules::parse(&[rule.to_owned()])?;
        rules.check(self.speech)?;
        Ok(rules)
    }

    /// Tells the engine and the person what is set now.
    fn tell(&self, done: &mut Done) {
        let Speech { encoding, eol } = self.speech;
        let (encoding, eol) = (encoding.name(), eol.title());
        done.command = Some(Command::Speak(self.speech));
        done.said = Some(tr!(
            "encoding: {encoding}, line end: {eol}",
            "编码：{encoding}，换行：{eol:#}"
        ));
    }
}

/// Whether a typed line is for peers: a text, or a command that sends, closes or pauses.
pub fn is_for_peers(line: &str) -> bool {
    let sends = ["hex", "file", "parts", "drip"];
    let changes = ["close", "fin", "reset", "pause", "resume"];
    let is_of = |name: &str| sends.contains(&name) || changes.contains(&name);
    command_of(line).is_none_or(|(name, _)| is_of(&name))
}

/// Whether a typed line is the command that reads a file of this machine.
pub fn reads_file(line: &str) -> bool {
    command_of(line).is_some_and(|(name, _)| name == "file")
}

/// The name of the command that a typed line is, in ASCII, and what stands behind it; `None` if the line is a text.
pub(crate) fn command_of(line: &str) -> Option<(String, &str)> {
    let rest = line.strip_prefix(SLASHES)?;
    let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    (!name.starts_with(SLASHES)).then(|| (narrow(name), rest))
}

/// The slash, and what a Chinese keyboard types instead.
const SLASHES: [char; 3] = ['/', '／', '、'];

/// The first word of `rest`, which is behind the command `name`, and the text behind it.
fn two<'a>(rest: &'a str, name: &str) -> Result<(&'a str, &'a str), Text> {
    let (word, text) = rest.split_once(char::is_whitespace).unwrap_or_default();
    match text.is_empty() {
        true => Err(expected(name)),
        false => Ok((word, text)),
    }
}

fn recipient(text: &str) -> Result<Recipient, Text> {
    let ascii = narrow(text);
    match ascii.strip_prefix('#').unwrap_or(&ascii).parse() {
        Ok(number) => Ok(Recipient::One(PeerId(number))),
        Err(_) if ascii == "all" => Ok(Recipient::All),
        Err(_) => Err(tr!(
            "unknown client {text:?}: expected the number of a client, such as 2, or all",
            "没有 {text:?} 这个客户端：请写客户端的编号（如 2），或 all"
        )),
    }
}

fn time(text: &str, least: &'static str) -> Result<Duration, Text> {
    let read = units::duration(least, "1h")(&narrow(text));
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
        "unknown command /{name}: {en} (to send this text, type its first character twice: //{name})",
        "没有 /{name} 这个命令：{zh}（要发送这段文字，开头的字符请输入两次：//{name}）"
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
        match desk.typed(line).unwrap().command {
            Some(Command::Send { bytes, .. }) => bytes,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_text_is_sent_in_the_encoding_and_with_the_line_end_that_were_set() {
        let mut desk = Desk::default();
        assert!(desk.typed("").unwrap().command.is_none());
        assert_eq!(sent(&mut desk, " 你 \r\n"), " 你 ".as_bytes());
        assert!(desk.typed("/encoding gbk").unwrap().reread);
        desk.typed("/eol crlf").unwrap();
        assert_eq!(sent(&mut desk, "你"), b"\xc4\xe3\r\n");
        assert_eq!(sent(&mut desk, ""), b"\r\n");
        assert_eq!(sent(&mut desk, "//to"), b"/to\r\n");
        let speech = std::mem::take(&mut desk.speech);
        for (line, text) in [
            ("／／你好，１：", "／你好，１："),
            ("/、　", "、　"),
            ("／parts ２　　好／", "　好／"),
            ("、ｄｒｉｐ　２００ｍｓ ，", "，"),
            ("１：，；", "１：，；"),
        ] {
            assert_eq!(sent(&mut desk, line), text.as_bytes(), "{line}");
        }
        desk.speech = speech;
        // Bytes get no line end.
        assert_eq!(sent(&mut desk, "/hex 0d 0A"), b"\r\n");
        let why = desk.typed("你😀").unwrap_err();
        assert!(why.en.contains('😀') && why.zh.contains("gb18030"), "{why}");
        assert!(desk.typed("/every 1s 😀").is_err());
        for (line, said) in [("/every １s a", "/every off"), ("/every off", "ended")] {
            let done = desk.typed(line).unwrap();
            assert!(done.said.unwrap().en.contains(said), "{line}");
        }
        // A wrong line changes nothing.
        let before = desk;
        for line in ["/encoding nosuch", "/eol", "/to", "/to x"] {
            desk.typed(line).unwrap_err();
        }
        assert_eq!(desk, before);
    }

    #[test]
    fn only_the_command_for_a_file_reads_one() {
        for (line, reads) in [
            ("/file a", true),
            ("／ｆｉｌｅ a", true),
            ("//file a", false),
            ("file a", false),
            ("/hex 41", false),
        ] {
            assert_eq!(reads_file(line), reads, "{line}");
        }
    }

    #[test]
    fn a_rule_is_added_by_a_line_and_a_wrong_one_is_explained() {
        let mut desk = Desk::default();
        let mut last = |line: &str| desk.typed(line).map(|it| it.command);
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
        let mut desk = Desk::default();
        assert_eq!(desk.encoding_names(), "UTF-8");
        desk.typed("/both").unwrap();
        assert_eq!(desk.encoding_names(), "UTF-8+GBK");
        desk.typed("/encoding gbk").unwrap();
        assert_eq!(desk.encoding_names(), "GBK+UTF-8");
    }
}

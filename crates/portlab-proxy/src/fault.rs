//! The faults by name, and the grammar that sets them.
//!
//! A fault is set by its name and a value: `latency 50ms`. The value may begin with a direction: `up:` from client
//! to server, or `down:` from server to client. Without a direction, the fault is in both. The value `off` ends the
//! fault: `latency down:off`. On the command line, the same fault is an option: `--latency up:50ms`.
//!
//! Names and meanings follow Toxiproxy (<https://github.com/Shopify/toxiproxy>), where it has the fault.

use std::{collections::BTreeMap, fmt, time::Duration};

use portlab_service::nearest;
use portlab_words::{Text, tr, units};

/// The faults of one direction; none by default.
///
/// Numbers of bytes count the bytes that were sent on in this direction since the connection began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    pub(crate) latency: Duration,
    pub(crate) jitter: Duration,
    /// Bytes per second.
    pub(crate) bandwidth: Option<u64>,
    /// The average size of a piece, and the time between two.
    pub(crate) slicer: Option<(u64, Duration)>,
    /// The byte to change, counted from 1; if true, that byte only, otherwise also every multiple of its number.
    pub(crate) flip: Option<(u64, bool)>,
    pub(crate) pause: bool,
    pub(crate) half_close: Option<u64>,
    pub(crate) limit_data: Option<u64>,
    pub(crate) reset_peer: Option<u64>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) slow_close: Duration,
    /// The values as they were written, by the fault's name.
    written: BTreeMap<&'static str, String>,
}

/// The faults of both directions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// From client to server.
    pub up: Faults,
    /// From server to client.
    pub down: Faults,
}

/// A fault that can be set by its name.
#[derive(Debug)]
pub struct Fault {
    /// The name, as in Toxiproxy.
    pub name: &'static str,
    /// The form of the value.
    pub value: &'static str,
    /// The effect, in one line.
    pub about: Text,
    /// Sets the fault to a value; `None` ends it.
    set: fn(&mut Faults, Option<&str>) -> Result<(), Text>,
}

impl Settings {
    /// The settings after `lines`, one after the other; see [`Settings::line`].
    ///
    /// # Errors
    /// If a line is invalid.
    pub fn of(lines: &[&str]) -> Result<Self, Text> {
        let mut settings = Self::default();
        lines.iter().try_for_each(|line| settings.line(line))?;
        Ok(settings)
    }

    /// Changes the settings by `line`: `FAULT VALUE...`, `resume`, or `clear`. An invalid line changes nothing.
    ///
    /// # Errors
    /// If the fault is unknown, or the value is invalid.
    pub fn line(&mut self, line: &str) -> Result<(), Text> {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        let mut values: Vec<&str> = words.collect();
        if values.is_empty() {
            values.push("");
        }
        let mut changed = self.clone();
        for value in values {
            match (name, value) {
                ("clear", "") => changed = Self::default(),
                ("clear", "up") => changed.up = Faults::default(),
                ("clear", "down") => changed.down = Faults::default(),
                ("resume", "") => changed.set("pause", "off")?,
                ("resume", side) => changed.set("pause", &format!("{side}:off"))?,
                _ => changed.set(name, value)?,
            }
        }
        *self = changed;
        Ok(())
    }

    /// Sets the fault called `name`, with `_` or `-` between its words, to `value`.
    ///
    /// # Errors
    /// If the fault is unknown, or the value is invalid; nothing is changed then.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Text> {
        let plain = name.replace('-', "_");
        let fault = FAULTS.iter().find(|it| it.name == plain);
        let fault = fault.ok_or_else(|| unknown(name))?;
        let (side, amount) = match value.split_once(':') {
            Some((side, amount)) => (side, amount),
            None if matches!(value, "up" | "down" | "both") => (value, ""),
            None => ("both", value),
        };
        let wrong = |Text { en, zh }| {
            let name = fault.name;
            tr!(
                "invalid value {value:?} for {name}: {en}",
                "{name} 的值 {value:?} 无效：{zh}"
            )
        };
        if !matches!(side, "up" | "down" | "both") {
            return Err(wrong(Text::new(
                "a direction is up, down or both",
                "方向只能是 up、down 或 both",
            )));
        }
        for (its, faults) in [("up", &mut self.up), ("down", &mut self.down)] {
            if side == its || side == "both" {
                faults.set(fault, amount).map_err(wrong)?;
            }
        }
        Ok(())
    }
}

impl Faults {
    fn set(&mut self, fault: &Fault, amount: &str) -> Result<(), Text> {
        if amount == "off" {
            self.written.remove(fault.name);
            return (fault.set)(self, None);
        }
        if amount.is_empty() && !fault.value.is_empty() {
            let Fault { name, value, .. } = fault;
            return Err(tr!("write {name} {value}", "请写 {name} {value}"));
        }
        (fault.set)(self, Some(amount))?;
        self.written.insert(fault.name, amount.to_owned());
        Ok(())
    }
}

/// Writes `up: latency 50ms; down: none`.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "up: {}; down: {}", self.up, self.down)
    }
}

/// Writes the faults as they can be set again: `latency 50ms, slicer 10,1ms`; or `none`.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = self.written.iter();
        let written: Vec<String> = written
            .map(|(name, value)| format!("{name} {value}").trim_end().to_owned())
            .collect();
        match written.is_empty() {
            true => f.write_str("none"),
            false => f.write_str(&written.join(", ")),
        }
    }
}

/// The error of an unknown fault. It suggests a similar name, if there is one.
fn unknown(name: &str) -> Text {
    let names = FAULTS.iter().map(|fault| fault.name);
    let near = nearest(name, names.chain(WORDS.iter().map(|word| word.0)));
    match near {
        Some(near) => tr!(
            "unknown fault {name:?}; did you mean {near}?",
            "没有 {name:?} 这种故障；你是想写 {near} 吗？"
        ),
        None => tr!(
            "unknown fault {name:?}; `portlab proxy --help` lists the faults",
            "没有 {name:?} 这种故障；portlab proxy --help 会列出所有故障"
        ),
    }
}

fn time(text: &str) -> Result<Duration, Text> {
    units::duration("0s", "1d")(text)
}

fn timeout(text: &str) -> Result<Option<Duration>, Text> {
    time(text).map(Some)
}

/// Reads a number of bytes, 0 included.
fn bytes(text: &str) -> Result<Option<u64>, Text> {
    units::size("0", "1TiB")(text).map(|it| Some(it as u64))
}

/// Reads a number of bytes that is at least 1.
fn some_bytes(text: &str) -> Result<Option<u64>, Text> {
    match bytes(text)? {
        Some(0) => Err(Text::new(
            "the smallest value is 1; write off to end the fault",
            "最小是 1；要结束这种故障请写 off",
        )),
        bytes => Ok(bytes),
    }
}

fn slicer(text: &str) -> Result<Option<(u64, Duration)>, Text> {
    let (size, delay) = split(text);
    let delay = delay.map_or(Ok(Duration::ZERO), time)?;
    Ok(some_bytes(size)?.map(|size| (size, delay)))
}

fn flip(text: &str) -> Result<Option<(u64, bool)>, Text> {
    let (nth, once) = split(text);
    match once {
        None | Some("once") => Ok(some_bytes(nth)?.map(|nth| (nth, once.is_some()))),
        Some(_) => Err(Text::new(
            "write 100 for every 100th byte, 100,once for the 100th byte only",
            "写 100 表示每第 100 个字节，写 100,once 表示只改第 100 个字节",
        )),
    }
}

/// Divides `64,1ms` at its comma.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once(',') {
        Some((first, second)) => (first, Some(second)),
        None => (text, None),
    }
}

fn pause(text: &str) -> Result<bool, Text> {
    match text {
        "" | "on" => Ok(true),
        _ => Err(Text::new("write up, down or both", "请写 up、down 或 both")),
    }
}

/// The words that a line may be besides the faults, and their effects. The last three are for the program that runs
/// the proxy.
pub const WORDS: &[(&str, Text)] = &[
    ("resume", Text::new("Ends a pause", "结束暂停")),
    ("clear", Text::new("Ends all faults", "清除所有故障")),
    (
        "show",
        Text::new("Shows the present faults", "显示当前的故障"),
    ),
    (
        "help",
        Text::new("Lists the faults and the other words", "列出可以输入的内容"),
    ),
    ("quit", Text::new("Ends the proxy", "结束代理")),
];

/// Declares the faults, a line each: the name, which is also the field's name in [`Faults`]; the form of the value;
/// the function that reads the value; and the effect of the fault, in both languages.
macro_rules! faults {
    ($($name:ident $value:literal $read:ident => $about:literal $zh:literal,)*) => {
        /// All faults. The command line's options, its lines on stdin and its help are made of this table.
        pub const FAULTS: &[Fault] = &[$(Fault {
            name: stringify!($name),
            value: $value,
            about: Text::new($about, $zh),
            set: |faults, text| {
                faults.$name = text.map($read).transpose()?.unwrap_or_default();
                Ok(())
            },
        },)*];
    };
}

faults! {
    latency "TIME" time => "All bytes, and the close, arrive TIME later"
        "所有字节和关闭都晚 TIME 到达",
    jitter "TIME" time => "The latency is up to TIME longer or shorter, by chance; the order stays"
        "延迟随机增减，最多 TIME；顺序不变",
    bandwidth "BYTES" some_bytes => "At most BYTES a second pass on each connection"
        "每个连接每秒最多通过 BYTES",
    slicer "BYTES[,TIME]" slicer => "Pieces of BYTES on average are sent, TIME after each other"
        "切成平均 BYTES 的小块发送，每块间隔 TIME",
    pause "" pause => "Nothing is read or sent until `resume`; the sender soon blocks"
        "不读也不发，直到 resume；发送方很快会阻塞",
    half_close "BYTES" bytes => "After BYTES this direction is closed; the other one stays open"
        "传完 BYTES 后关闭这个方向，另一个方向不变",
    limit_data "BYTES" bytes => "After BYTES the connection is closed"
        "传完 BYTES 后关闭连接",
    reset_peer "BYTES" bytes => "After BYTES both sides get a reset (RST)"
        "传完 BYTES 后两端都收到 RST",
    flip "N[,once]" flip => "One bit of every Nth byte is flipped; with `,once`, of the Nth only"
        "每第 N 个字节翻转一位；加 ,once 只改第 N 个",
    timeout "TIME" timeout => "All bytes are dropped; after TIME the connection is closed, with 0s never"
        "丢弃所有字节；TIME 后关闭连接，0s 表示不关闭",
    slow_close "TIME" time => "A close arrives TIME later"
        "关闭晚 TIME 到达",
}

#[cfg(test)]
mod tests {
    use super::{FAULTS, Settings};

    #[test]
    fn a_line_sets_a_fault_in_one_direction_or_in_both() {
        for case in [
            "latency 50ms => up: latency 50ms; down: latency 50ms",
            "latency up:50ms down:1s; slicer down:10,1ms => up: latency 50ms; down: latency 1s, slicer 10,1ms",
            "pause up; flip down:7,once => up: pause; down: flip 7,once",
            "pause; resume down => up: pause; down: none",
            "pause; resume => up: none; down: none",
            "limit-data 0; limit_data up:off => up: none; down: limit_data 0",
            "latency 1s; timeout 0s; clear up => up: none; down: latency 1s, timeout 0s",
            "latency 1s; clear => up: none; down: none",
        ] {
            let (lines, expected) = case.split_once(" => ").unwrap();
            let settings = Settings::of(&lines.split("; ").collect::<Vec<_>>()).unwrap();
            assert_eq!(settings.to_string(), expected, "{lines}");
        }
        let off = Settings::of(&["latency 1s", "latency off"]).unwrap();
        assert_eq!(off, Settings::default());
    }

    #[test]
    fn an_invalid_line_gets_a_reason_and_changes_nothing() {
        for case in [
            "latancy 5ms => unknown fault \"latancy\"; did you mean latency?",
            "qit => did you mean quit?",
            " => unknown fault \"\"",
            "latency => write latency TIME",
            "latency up => write latency TIME",
            "latency 5 => \"5\" is not a duration",
            "latency 25h => between 0s and 1d",
            "latency 999999999999999y => between 0s and 1d",
            "latency down:5ms left:5ms => a direction is up, down or both",
            "bandwidth 0 => the smallest value is 1",
            "bandwidth -1 => is not a size",
            "slicer 0 => the smallest value is 1",
            "slicer 5, => is not a duration",
            "flip 5,twice => 100,once",
            "pause maybe => write up, down or both",
            "resume maybe => a direction is up, down or both",
        ] {
            let (line, expected) = case.split_once(" => ").unwrap();
            let mut settings = Settings::default();
            let error = settings.line(line).unwrap_err().to_string();
            assert!(error.contains(expected), "{line:?}: {error}");
            assert_eq!(settings, Settings::default(), "{line:?}");
        }
    }

    #[test]
    fn every_fault_can_be_set_and_ended() {
        for fault in FAULTS {
            let value = match fault.value {
                value if value.starts_with("TIME") => "1s",
                "" => "on",
                _ => "9",
            };
            let mut settings = Settings::default();
            settings.set(fault.name, value).unwrap();
            assert_ne!(settings, Settings::default(), "{}", fault.name);
            settings.set(fault.name, "off").unwrap();
            assert_eq!(settings, Settings::default(), "{}", fault.name);
        }
    }
}

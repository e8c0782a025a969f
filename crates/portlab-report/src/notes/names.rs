//! What things are called, in both languages.

use portlab_stats::{
    measure::{Better, Measure},
    record::{Counts, Kind, NotRun, Together},
};
use portlab_words::Text;

/// What a measure is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// As it stands in a sentence.
    pub title: Text,
    /// As it stands above a narrow column.
    pub short: Text,
    /// What its figures are counted in.
    pub unit: Text,
}

/// What `measure` is called where `counts` is what is counted.
#[must_use]
pub fn measure(measure: Measure, counts: Counts) -> Label {
    let chat = counts == Counts::Deliveries;
    let label = |title, short, unit| Label { title, short, unit };
    let time = || Text::new("time", "时间");
    match measure {
        Measure::MessagesPerS => {
            let [title, short, unit] = per_second(counts);
            label(title, short, unit)
        }
        Measure::LatencyP50 if chat => label(
            Text::new("median fan-out time", "扇出时间中位数"),
            Text::new("fan-out p50", "扇出 p50"),
            time(),
        ),
        Measure::LatencyP50 => label(
            Text::new("median latency", "延迟中位数"),
            Text::new("p50", "p50"),
            time(),
        ),
        Measure::LatencyP99 if chat => label(
            Text::new("99th percentile of fan-out time", "扇出时间的第 99 百分位"),
            Text::new("fan-out p99", "扇出 p99"),
            time(),
        ),
        Measure::LatencyP99 => label(
            Text::new("99th percentile of latency", "第 99 百分位延迟"),
            Text::new("p99", "p99"),
            time(),
        ),
        Measure::LatencyP999 if chat => label(
            Text::new(
                "99.9th percentile of fan-out time",
                "扇出时间的第 99.9 百分位",
            ),
            Text::new("fan-out p99.9", "扇出 p99.9"),
            time(),
        ),
        Measure::LatencyP999 => label(
            Text::new("99.9th percentile of latency", "第 99.9 百分位延迟"),
            Text::new("p99.9", "p99.9"),
            time(),
        ),
        Measure::CpuPerMessage => {
            let [title, short] = match counts {
                Counts::Connections => [
                    Text::new("CPU per connection", "每个连接的 CPU 时间"),
                    Text::new("CPU/conn", "CPU/连接"),
                ],
                Counts::Deliveries => [
                    Text::new("CPU per delivery", "每次送达的 CPU 时间"),
                    Text::new("CPU/delivery", "CPU/送达"),
                ],
                Counts::Messages | Counts::Nothing => [
                    Text::new("CPU per message", "每条消息的 CPU 时间"),
                    Text::new("CPU/msg", "CPU/消息"),
                ],
            };
            label(title, short, Text::new("CPU time", "CPU 时间"))
        }
        Measure::SwitchesPerMessage => {
            let title = match counts {
                Counts::Connections => {
                    Text::new("context switches per connection", "每个连接的上下文切换")
                }
                Counts::Deliveries => {
                    Text::new("context switches per delivery", "每次送达的上下文切换")
                }
                Counts::Messages | Counts::Nothing => {
                    Text::new("context switches per message", "每条消息的上下文切换")
                }
            };
            let short = Text::new("switches", "切换");
            label(title, short, Text::new("times", "次"))
        }
        Measure::PeakMemory => label(
            Text::new("memory at its peak", "内存峰值"),
            Text::new("memory", "内存"),
            Text::new("bytes", "字节"),
        ),
        Measure::MemoryPerConnection => label(
            match chat {
                true => Text::new("memory per member", "每个成员的内存"),
                false => Text::new("memory per connection", "每个连接的内存"),
            },
            match chat {
                true => Text::new("mem/member", "内存/成员"),
                false => Text::new("mem/conn", "内存/连接"),
            },
            Text::new("bytes", "字节"),
        ),
        Measure::Threads => label(
            Text::new("threads", "线程数"),
            Text::new("threads", "线程"),
            Text::new("threads", "个"),
        ),
        Measure::Processes => label(
            Text::new("processes", "进程数"),
            Text::new("procs", "进程"),
            Text::new("processes", "个"),
        ),
    }
}

/// The title, the short title and the unit of what is done in a second.
fn per_second(counts: Counts) -> [Text; 3] {
    match counts {
        Counts::Connections => [
            Text::new("connections per second", "每秒连接数"),
            Text::new("conns/s", "连接/秒"),
            Text::new("connections", "个连接"),
        ],
        Counts::Deliveries => [
            Text::new("deliveries per second", "每秒送达数"),
            Text::new("deliveries/s", "送达/秒"),
            Text::new("deliveries", "次送达"),
        ],
        Counts::Messages | Counts::Nothing => [
            Text::new("messages per second", "每秒消息数"),
            Text::new("msgs/s", "消息/秒"),
            Text::new("messages", "条消息"),
        ],
    }
}

/// Which of two figures is the better one, in words.
#[must_use]
pub fn better(better: Better) -> Text {
    match better {
        Better::Lower => Text::new("lower is better", "越低越好"),
        Better::Higher => Text::new("higher is better", "越高越好"),
        Better::Neither => Text::new("a fact, neither good nor bad", "只是事实，无所谓好坏"),
    }
}

/// What an entrant is, in words.
#[must_use]
pub fn kind(kind: &Kind) -> Text {
    match kind {
        Kind::Model => Text::new("model", "模型"),
        Kind::Control => Text::new("control: the same by hand", "对照：手写的同一服务"),
        Kind::Twin { .. } => Text::new(
            "twin: the same under a second name",
            "孪生：同一模型，换个名字",
        ),
        Kind::Build { .. } => Text::new(
            "the same model of another build",
            "另一个构建版本的同一模型",
        ),
        Kind::Foreign { .. } => Text::new("foreign server", "外部服务器"),
    }
}

/// What a fact sheet calls its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The family.
    Family,
    /// What the field calls it.
    Term,
    /// The idea.
    Idea,
    /// Who stands still when one connection does.
    Blocks,
    /// What one more connection costs.
    Cost,
    /// What gives way first.
    BreaksFirst,
}

impl Field {
    /// All of them, in the order of a sheet.
    pub const ALL: [Self; 6] = [
        Self::Family,
        Self::Term,
        Self::Idea,
        Self::Blocks,
        Self::Cost,
        Self::BreaksFirst,
    ];

    /// What it is called.
    #[must_use]
    pub fn title(self) -> Text {
        match self {
            Self::Family => Text::new("family", "家族"),
            Self::Term => Text::new("the field's term", "行业术语"),
            Self::Idea => Text::new("idea", "思路"),
            Self::Blocks => Text::new("blocks", "会卡住谁"),
            Self::Cost => Text::new("a connection costs", "一个连接的代价"),
            Self::BreaksFirst => Text::new("breaks first", "最先撑不住的"),
        }
    }
}

/// What work a handler does, in words: `wait:5ms` is "waits 5ms".
#[must_use]
pub fn work(work: &str) -> Text {
    let told = |en: &str, zh: &str, time: &str| Text {
        en: format!("{en} {time}").into(),
        zh: format!("{zh} {time}").into(),
    };
    match work.split_once(':') {
        Some(("wait", time)) => told("waits", "等待", time),
        Some(("block", time)) => told("blocks for", "阻塞", time),
        Some(("cpu", time)) => told("computes for", "计算", time),
        _ if work == "none" => Text::new("no work", "不做额外工作"),
        _ => Text {
            en: work.to_owned().into(),
            zh: work.to_owned().into(),
        },
    }
}

/// Why a cell with so many connections isn't run, as it is said of a server: "serves one connection
/// at a time".
#[must_use]
pub fn not_run(why: &NotRun, connections: usize) -> Text {
    match why {
        NotRun::ServesOne => Text::new("serves one connection at a time", "一次只服务一个连接"),
        NotRun::ServesFewer(capacity) => Text {
            en: format!("at most {capacity} at a time; --workers {connections} for more").into(),
            zh: format!("同时只服务 {capacity} 个连接；要更多请用 --workers {connections}").into(),
        },
        NotRun::ForeignChat => Text::new(
            "a server of others doesn't know the lines of portlab's chat",
            "外部服务器不懂 portlab 聊天的格式",
        ),
        NotRun::ControlChat => Text::new("is an echo by hand", "是手写的回声"),
        NotRun::NoHub => Text::new(
            "serves one connection at a time, so members could not hear each other",
            "一次只服务一个连接，成员之间听不到对方",
        ),
        NotRun::Told(words) => same(words),
    }
}

/// Why server and generator shared their processors.
#[must_use]
pub fn together(why: &Together) -> Text {
    match why {
        Together::OnRequest => Text::new("the command said --pin off", "命令里有 --pin off"),
        Together::OneCore => Text::new(
            "there is one core only that may be used",
            "可用的处理器核只有一个",
        ),
        Together::NotYet => Text::new(
            "this version of portlab didn't pin",
            "这个版本的 portlab 不绑核",
        ),
        Together::Refused(error) => Text {
            en: format!("the system refused: {error}").into(),
            zh: format!("系统拒绝：{error}").into(),
        },
        Together::Told(words) => same(words),
    }
}

/// Words of an older record, which it has in one language.
fn same(words: &str) -> Text {
    Text {
        en: words.to_owned().into(),
        zh: words.to_owned().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_a_name_in_both_languages_that_is_no_others() {
        let counts = [
            Counts::Messages,
            Counts::Connections,
            Counts::Deliveries,
            Counts::Nothing,
        ];
        for counts in counts {
            let labels = Measure::ALL.map(|it| measure(it, counts));
            for (at, label) in labels.iter().enumerate() {
                for text in [&label.title, &label.short, &label.unit] {
                    assert!(!text.en.is_empty() && !text.zh.is_empty());
                }
                for other in &labels[..at] {
                    assert_ne!(label.title.en, other.title.en);
                    assert_ne!(label.title.zh, other.title.zh);
                    assert_ne!(label.short.zh, other.short.zh);
                }
            }
        }
        assert!(Field::ALL.iter().all(|field| !field.title().zh.is_empty()));
    }

    #[test]
    fn why_a_cell_is_not_run_is_told_in_both_languages() {
        let few = not_run(&NotRun::ServesFewer(16), 100);
        assert_eq!(few.en, "at most 16 at a time; --workers 100 for more");
        assert_eq!(few.zh, "同时只服务 16 个连接；要更多请用 --workers 100");
        let told = not_run(&NotRun::Told("of a reason of its own".into()), 1);
        assert_eq!(
            (&told.en, &told.zh),
            (&told.zh, &"of a reason of its own".into())
        );
    }

    #[test]
    fn work_is_told_in_words() {
        assert_eq!(work("block:5ms").en, "blocks for 5ms");
        assert_eq!(work("wait:5ms").zh, "等待 5ms");
        assert_eq!(work("panic").zh, "panic");
    }
}

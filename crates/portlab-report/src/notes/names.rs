//! What things are called, in both languages.

use portlab_stats::{
    measure::{Better, Measure},
    record::{Counts, NotRun, Together},
};
use portlab_words::{Text, tr};

/// What a measure is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// As it stands in a sentence.
    pub(crate) title: Text,
    /// As it stands above a narrow column.
    pub(crate) short: Text,
}

/// What `measure` is called where `counts` is what is counted.
pub(crate) fn measure(measure: Measure, counts: Counts) -> Label {
    let chat = counts == Counts::Deliveries;
    let label = |title, short| Label { title, short };
    match measure {
        Measure::MessagesPerS => per_second(counts),
        Measure::HeavyMessagesPerS => label(
            Text::new(
                "answers per second to the heavy connection",
                "重连接每秒得到的响应数",
            ),
            Text::new("heavy/s", "重连接/秒"),
        ),
        Measure::MessagesPerCpuS => per_cpu_second(counts),
        Measure::CpusUsed => label(
            Text::new("processors used", "用了几个处理器"),
            Text::new("cpus", "处理器"),
        ),
        Measure::LatencyP50 if chat => label(
            Text::new("median fan-out time", "扇出时间中位数"),
            Text::new("fan-out p50", "扇出 p50"),
        ),
        Measure::LatencyP50 => label(
            Text::new("median latency", "延迟中位数"),
            Text::new("p50", "p50"),
        ),
        Measure::LatencyP99 if chat => label(
            Text::new("99th percentile of fan-out time", "扇出时间的 99% 分位数"),
            Text::new("fan-out p99", "扇出 p99"),
        ),
        Measure::LatencyP99 => label(
            Text::new("99th percentile of latency", "延迟的 99% 分位数"),
            Text::new("p99", "p99"),
        ),
        Measure::LatencyP999 if chat => label(
            Text::new(
                "99.9th percentile of fan-out time",
                "扇出时间的 99.9% 分位数",
            ),
            Text::new("fan-out p99.9", "扇出 p99.9"),
        ),
        Measure::LatencyP999 => label(
            Text::new("99.9th percentile of latency", "延迟的 99.9% 分位数"),
            Text::new("p99.9", "p99.9"),
        ),
        Measure::CpuPerMessage => match counts {
            Counts::Connections => label(
                Text::new("CPU per connection", "每个连接的 CPU 时间"),
                Text::new("CPU/conn", "CPU/连接"),
            ),
            Counts::Deliveries => label(
                Text::new("CPU per delivery", "每次送达的 CPU 时间"),
                Text::new("CPU/delivery", "CPU/送达"),
            ),
            Counts::Requests => label(
                Text::new("CPU per request", "每个请求的 CPU 时间"),
                Text::new("CPU/req", "CPU/请求"),
            ),
            Counts::Messages | Counts::Nothing => label(
                Text::new("CPU per message", "每条消息的 CPU 时间"),
                Text::new("CPU/msg", "CPU/消息"),
            ),
        },
        Measure::SwitchesPerMessage => label(switches(counts), Text::new("switches", "切换")),
        Measure::PeakMemory => label(
            Text::new("memory at its peak", "内存峰值"),
            Text::new("memory", "内存"),
        ),
        Measure::MemoryPerConnection if chat => label(
            Text::new("memory per member", "每个成员的内存"),
            Text::new("mem/member", "内存/成员"),
        ),
        Measure::MemoryPerConnection => label(
            Text::new("memory per connection", "每个连接的内存"),
            Text::new("mem/conn", "内存/连接"),
        ),
        Measure::Threads => label(Text::new("threads", "线程数"), Text::new("threads", "线程")),
        Measure::Processes => label(Text::new("processes", "进程数"), Text::new("procs", "进程")),
    }
}

/// What `measure` is called above a narrow column.
pub fn label_of(of: Measure, counts: Counts) -> Text {
    measure(of, counts).short
}

/// The context switches of what is counted.
fn switches(counts: Counts) -> Text {
    match counts {
        Counts::Connections => Text::new("context switches per connection", "每个连接的上下文切换"),
        Counts::Deliveries => Text::new("context switches per delivery", "每次送达的上下文切换"),
        Counts::Requests => Text::new("context switches per request", "每个请求的上下文切换"),
        Counts::Messages | Counts::Nothing => {
            Text::new("context switches per message", "每条消息的上下文切换")
        }
    }
}

/// What is done in a second.
fn per_second(counts: Counts) -> Label {
    let [title, short] = match counts {
        Counts::Connections => [
            Text::new("connections per second", "每秒连接数"),
            Text::new("conns/s", "连接/秒"),
        ],
        Counts::Deliveries => [
            Text::new("deliveries per second", "每秒送达数"),
            Text::new("deliveries/s", "送达/秒"),
        ],
        Counts::Requests => [
            Text::new("requests per second", "每秒请求数"),
            Text::new("reqs/s", "请求/秒"),
        ],
        Counts::Messages | Counts::Nothing => [
            Text::new("messages per second", "每秒消息数"),
            Text::new("msgs/s", "消息/秒"),
        ],
    };
    Label { title, short }
}

/// What is done in a second of CPU time.
fn per_cpu_second(counts: Counts) -> Label {
    let [title, short] = match counts {
        Counts::Connections => [
            Text::new("connections per second of CPU time", "每 CPU 秒连接数"),
            Text::new("conns/CPU s", "连接/CPU 秒"),
        ],
        Counts::Deliveries => [
            Text::new("deliveries per second of CPU time", "每 CPU 秒送达数"),
            Text::new("deliveries/CPU s", "送达/CPU 秒"),
        ],
        Counts::Requests => [
            Text::new("requests per second of CPU time", "每 CPU 秒请求数"),
            Text::new("reqs/CPU s", "请求/CPU 秒"),
        ],
        Counts::Messages | Counts::Nothing => [
            Text::new("messages per second of CPU time", "每 CPU 秒消息数"),
            Text::new("msgs/CPU s", "消息/CPU 秒"),
        ],
    };
    Label { title, short }
}

/// Which of two figures is the better one, in words.
pub(crate) fn better(better: Better) -> Text {
    match better {
        Better::Lower => Text::new("lower is better", "越低越好"),
        Better::Higher => Text::new("higher is better", "越高越好"),
        Better::Neither => Text::new("a fact, neither good nor bad", "只是事实，没有好坏之分"),
    }
}

/// Why a cell with so many connections isn't run, as it is said of a server: "serves one connection
/// at a time".
pub fn not_run(why: &NotRun, connections: usize) -> Text {
    match why {
        NotRun::ServesOne => Text::new("serves one connection at a time", "一次只服务一个连接"),
        NotRun::ServesFewer(capacity) => tr!(
            "at most {capacity} at a time; --workers {connections} for more",
            "同时只服务 {capacity} 个连接；要更多请用 --workers {connections}"
        ),
        NotRun::FewStacks(most) => tr!(
            "a stack for each connection, and at most {most} stacks here (vm.max_map_count)",
            "每个连接一个栈，而这里最多 {most} 个栈（vm.max_map_count）"
        ),
        NotRun::MostProcesses(most) => tr!(
            "a process for each connection, and at most {most}",
            "每个连接一个进程，最多 {most} 个"
        ),
        NotRun::ForeignChat => Text::new(
            "a foreign server doesn't speak the protocol of portlab's chat",
            "外部服务端不支持 portlab 的聊天协议",
        ),
        NotRun::ForeignRoot => Text::new(
            "serves no files: the command has no {root}",
            "不提供文件：命令里没有 {root}",
        ),
        NotRun::ForeignFiles => Text::new(
            "serves the files of {root}, and they aren't requested here",
            "提供 {root} 里的文件，而这里不请求文件",
        ),
        NotRun::ControlChat => Text::new("serves a plain echo only", "只提供简单的回显"),
        NotRun::NoHub => Text::new(
            "serves one connection at a time, so members could not exchange messages",
            "一次只服务一个连接，成员之间无法交换消息",
        ),
        NotRun::NoUring => Text::new("io_uring is forbidden here", "这里禁用了 io_uring"),
        NotRun::Told(words) => words.clone().into(),
    }
}

/// Why server and generator shared their processors.
pub(crate) fn together(why: &Together) -> Text {
    match why {
        Together::OnRequest => Text::new("the command said --pin off", "命令里有 --pin off"),
        Together::OneCore => Text::new("only one core may be used", "可用的处理器核只有一个"),
        Together::NotYet => Text::new(
            "this version of portlab didn't pin",
            "这个版本的 portlab 不绑核",
        ),
        Together::Refused(error) => tr!("the system refused: {error}", "系统拒绝：{error}"),
        Together::Told(words) => words.clone().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_measure_has_a_distinct_name_in_both_languages() {
        let counts = [
            Counts::Messages,
            Counts::Connections,
            Counts::Deliveries,
            Counts::Requests,
            Counts::Nothing,
        ];
        for counts in counts {
            let labels = Measure::ALL.map(|it| measure(it, counts));
            for (at, label) in labels.iter().enumerate() {
                for text in [&label.title, &label.short] {
                    assert!(!text.en.is_empty() && !text.zh.is_empty());
                }
                for other in &labels[..at] {
                    assert_ne!(label.title.en, other.title.en);
                    assert_ne!(label.title.zh, other.title.zh);
                    assert_ne!(label.short.zh, other.short.zh);
                }
            }
        }
    }

    #[test]
    fn the_reason_why_a_cell_is_not_run_has_both_languages() {
        let few = not_run(&NotRun::ServesFewer(16), 100);
        assert_eq!(few.en, "at most 16 at a time; --workers 100 for more");
        assert_eq!(few.zh, "同时只服务 16 个连接；要更多请用 --workers 100");
        let told = not_run(&NotRun::Told("for another reason".into()), 1);
        assert_eq!(
            (&told.en, &told.zh),
            (&told.zh, &"for another reason".into())
        );
    }
}

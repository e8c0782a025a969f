//! What the facts of a machine mean for a lesson or a load. A check is a function and a line of [`CHECKS`].

mod limits;
mod network;
mod programs;
#[cfg(test)]
mod tests;

use portlab_words::{Text, tr};

use super::{
    Diagnosis,
    finding::{Finding, Grade, Remark, worst},
    machine::Facts,
};

impl Facts {
    /// What the facts mean for a lesson or a load.
    pub fn diagnosis(&self) -> Diagnosis {
        let findings = all(self);
        let notes = findings.iter().filter(|it| it.remark.grade == Grade::Note);
        let is_well = worst(&findings) != Grade::Problem;
        let conclusion = match (is_well, notes.count()) {
            (false, _) => Text::new(
                "This machine lacks something that portlab needs.",
                "这台机器缺少 portlab 必需的条件。",
            ),
            (true, 0) => Text::new("This machine is ready.", "这台机器已经准备好了。"),
            (true, 1) => Text::new(
                "This machine is ready, with 1 note above.",
                "这台机器可以用，上面有 1 条提示。",
            ),
            (true, notes) => tr!(
                "This machine is ready, with {notes} notes above.",
                "这台机器可以用，上面有 {notes} 条提示。"
            ),
        };
        Diagnosis {
            findings,
            conclusion,
            is_well,
        }
    }
}

/// The findings of all checks, in the order in which they are shown.
pub(super) fn all(facts: &Facts) -> Vec<Finding> {
    let findings = CHECKS.iter().filter_map(|(key, about, check)| {
        let remark = check(facts)?;
        Some(Finding { key, about, remark })
    });
    findings.collect()
}

/// Judges the facts; `None` if they can't be known, or don't exist on this machine.
type Check = fn(&Facts) -> Option<Remark>;

/// The checks, each with its key in JSON and its name.
#[rustfmt::skip]
static CHECKS: &[(&str, Text, Check)] = &[
    ("loopback", Text::new("loopback", "回环地址"), network::loopback),
    ("loopback_second", Text::new("127.0.0.2", "127.0.0.2"), network::second_address),
    ("loopback_ipv6", Text::new("IPv6", "IPv6"), network::ipv6),
    ("port_8080", Text::new("port 8080", "端口 8080"), network::course_port),
    ("ports", Text::new("local ports", "本地端口"), network::ports),
    ("backlog", Text::new("accept queue", "accept 队列"), network::backlog),
    ("conntrack", Text::new("firewall", "防火墙"), network::conntrack),
    ("open_files", Text::new("open files", "打开文件数"), limits::open_files),
    ("tasks", Text::new("processes", "进程和线程"), limits::tasks),
    ("memory_maps", Text::new("memory maps", "内存映射"), limits::memory_maps),
    ("processors", Text::new("processors", "处理器"), limits::processors),
    ("memory", Text::new("memory", "内存"), limits::memory),
    ("io_uring", Text::new("io_uring", "io_uring"), limits::uring),
    ("python", Text::new("Python", "Python"), programs::python),
    ("gevent", Text::new("gevent", "gevent"), programs::gevent),
    ("terminal", Text::new("terminal", "终端"), programs::terminal),
    ("letters", Text::new("Chinese", "中文"), programs::letters),
];

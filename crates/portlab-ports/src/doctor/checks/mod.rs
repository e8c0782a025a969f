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
    let findings = CHECKS.iter().filter_map(|check| {
        let Check { key, about, look } = check;
        let remark = look(facts)?;
        Some(Finding { key, about, remark })
    });
    findings.collect()
}

struct Check {
    /// The check's name in JSON.
    key: &'static str,
    /// The check's name on screen.
    about: Text,
    /// Judges the facts; `None` if they can't be known, or don't exist on this machine.
    look: fn(&Facts) -> Option<Remark>,
}

const fn check(
    key: &'static str,
    en: &'static str,
    zh: &'static str,
    look: fn(&Facts) -> Option<Remark>,
) -> Check {
    let about = Text::new(en, zh);
    Check { key, about, look }
}

static CHECKS: &[Check] = &[
    check("loopback", "loopback", "回环地址", network::loopback),
    check(
        "loopback_second",
        "127.0.0.2",
        "127.0.0.2",
        network::second_address,
    ),
    check("loopback_ipv6", "IPv6", "IPv6", network::ipv6),
    check("port_8080", "port 8080", "端口 8080", network::course_port),
    check("ports", "local ports", "本地端口", network::ports),
    check("backlog", "accept queue", "accept 队列", network::backlog),
    check("conntrack", "firewall", "防火墙", network::conntrack),
    check("open_files", "open files", "打开文件数", limits::open_files),
    check("tasks", "processes", "进程和线程", limits::tasks),
    check("processors", "processors", "处理器", limits::processors),
    check("memory", "memory", "内存", limits::memory),
    check("io_uring", "io_uring", "io_uring", limits::uring),
    check("python", "Python", "Python", programs::python),
    check("gevent", "gevent", "gevent", programs::gevent),
    check("terminal", "terminal", "终端", programs::terminal),
    check("letters", "Chinese", "中文", programs::letters),
];

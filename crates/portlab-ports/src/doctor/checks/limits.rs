//! Checks of open files, processes, processors and memory.

use portlab_sys::limits::stacks;
use portlab_words::{Text, tr, units};

use crate::doctor::{finding::Remark, machine::Facts};

/// Open files: each connection is an open file.
pub(super) fn open_files(facts: &Facts) -> Option<Remark> {
    let (now, most) = (facts.open_files, facts.most_open_files);
    let text = match (now, most) {
        (u64::MAX, _) => tr!(
            "no limit; each connection takes one",
            "没有限制；每个连接占一个"
        ),
        _ if now == most => tr!(
            "{now} per program; each connection takes one",
            "每个程序 {now} 个；每个连接占一个"
        ),
        (_, u64::MAX) => tr!(
            "{now} per program, which a program may raise without limit, as portlab does; each connection \
             takes one (for your own programs: ulimit -n 65536)",
            "每个程序 {now} 个，程序可以自己提高，不限多少（portlab 会这样做）；每个连接占一个\
             （自己写的程序：ulimit -n 65536）"
        ),
        _ => tr!(
            "{now} per program, which a program may raise to {most}, as portlab does; each connection takes \
             one (for your own programs: ulimit -n {most})",
            "每个程序 {now} 个，程序可以自己提高到 {most} 个（portlab 会这样做）；每个连接占一个\
             （自己写的程序：ulimit -n {most}）"
        ),
    };
    let remedy = tr!(
        "allow more in this shell: sudo prlimit --pid $$ --nofile=65536; or open a new shell, if ulimit -n has \
         lowered it in this one",
        "在这个终端里放宽限制：sudo prlimit --pid $$ --nofile=65536；如果是在这个终端里用 ulimit -n 调低的，\
         也可以新开一个终端"
    );
    Some(match most {
        ..ALMOST_NONE => Remark::new(text).problem(remedy),
        ALMOST_NONE..FEW => Remark::new(text).note(remedy),
        _ => Remark::new(text),
    })
}

/// Processes and threads: some models take one for each connection.
pub(super) fn tasks(facts: &Facts) -> Option<Remark> {
    let Some(tasks) = facts.tasks else {
        return Some(Remark::new(tr!(
            "no limit on processes and threads",
            "数量没有限制"
        )));
    };
    let (most, bound) = (tasks.most, tasks.bound);
    let finding = Remark::new(tr!(
        "up to {most} processes and threads ({bound}); a server with one for each connection has no more connections",
        "一共最多 {most} 个（{bound}）；每个连接用一个进程或线程的服务端，最多到这里"
    ));
    Some(finding.note_if(most < FEW_TASKS, more_tasks(bound)))
}

fn more_tasks(bound: &str) -> Text {
    match bound {
        "ulimit -u" => tr!(
            "allow more in this shell: sudo prlimit --pid $$ --nproc=65536",
            "在这个终端里放宽限制：sudo prlimit --pid $$ --nproc=65536"
        ),
        "pids.max" => tr!(
            "the container sets it: start it with more, as in docker run --pids-limit 65536",
            "这是容器的限制：启动容器时放宽，比如 docker run --pids-limit 65536"
        ),
        _ => tr!(
            "allow more: sudo sysctl -w {bound}=65536",
            "放宽限制：sudo sysctl -w {bound}=65536"
        ),
    }
}

/// Memory maps: a coroutine with a stack takes two, as a thread does.
pub(super) fn memory_maps(facts: &Facts) -> Option<Remark> {
    let maps = facts.memory_maps?;
    let most = stacks(maps);
    let finding = Remark::new(tr!(
        "{maps} per program; a stack takes two and the rest of the program needs some, so a server with a stack for each \
         connection serves at most {most} connections",
        "每个程序 {maps} 个；一个栈占两个，程序的其他部分还要留一些，所以每个连接一个栈的服务端，最多 {most} 个连接"
    ));
    Some(finding.note_if(
        maps < FEW_MAPS,
        tr!(
            "allow more: sudo sysctl -w vm.max_map_count=65530",
            "放宽限制：sudo sysctl -w vm.max_map_count=65530"
        ),
    ))
}

/// Processors, and how many of them this program may use.
pub(super) fn processors(facts: &Facts) -> Option<Remark> {
    let has = facts.processors;
    let (online, allowed, usable) = (has.online, has.allowed, has.usable);
    let text = if usable < allowed {
        tr!(
            "{online}; this program gets the time of {usable} (a CPU quota, as containers have)",
            "{online} 个，但这个程序只分到 {usable} 个的时间（配额限制，容器里常见）"
        )
    } else if allowed < online {
        tr!(
            "{online}; this program may use {allowed} of them (see taskset)",
            "{online} 个，但这个程序只能用其中 {allowed} 个（见 taskset）"
        )
    } else {
        tr!(
            "{online}, and this program may use them all",
            "{online} 个，这个程序都可以用"
        )
    };
    Some(Remark::new(text).note_if(
        usable < 2,
        tr!(
            "server and client share one processor: compare CPU/msg, not the rates",
            "服务端和客户端只能轮流用一个：请看每条消息的 CPU 时间（CPU/msg），不要看速率"
        ),
    ))
}

/// Memory.
pub(super) fn memory(facts: &Facts) -> Option<Remark> {
    let memory = facts.memory?;
    let written = |bytes: u64| units::bytes(bytes as f64);
    let (available, total) = (written(memory.available_bytes), written(memory.total_bytes));
    let finding = Remark::new(tr!(
        "{available} of {total} available",
        "共 {total}，可用 {available}"
    ));
    Some(finding.note_if(
        memory.available_bytes < LITTLE_MEMORY_BYTES,
        tr!(
            "close other programs, or use at most a few hundred connections: --connections 100",
            "关掉一些程序，或者只用几百个连接：--connections 100"
        ),
    ))
}

/// io_uring, which one model needs.
pub(super) fn uring(facts: &Facts) -> Option<Remark> {
    let answer = facts.uring;
    let remark = Remark::new(answer.finding());
    Some(match answer.remedy() {
        None => remark,
        Some(remedy) => remark.note(remedy),
    })
}

/// With fewer files, portlab can't open its first connection.
const ALMOST_NONE: u64 = 64;
/// A load of a few thousand connections needs this many files.
const FEW: u64 = 10_000;
const FEW_TASKS: u64 = 2_000;
/// The kernel's default is 65,530.
const FEW_MAPS: u64 = 50_000;
const LITTLE_MEMORY_BYTES: u64 = 512 << 20;

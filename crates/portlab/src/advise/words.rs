//! An advice in words: ten lines at most, in two languages. The conclusions come from `portlab-stats`.

use portlab_words::{
    Lang, plural, tr,
    units::{self, bytes, nanos, per_s as rate, three_digits},
};

#[cfg(test)]
mod tests;

use std::time::Duration;

use portlab_stats::advice::{
    Advice, Answer, Blocked, Cannot, Carries, Caution, Ceiling, Change, Kind, Limit, Measured,
    Question, Resource, Shown, Why,
};

/// A line: its topic, and its text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) lead: &'static str,
    pub(super) text: String,
}

impl Line {
    fn new(lead: &'static str, text: String) -> Self {
        Self { lead, text }
    }

    /// A line that lists the first few of `told`; `None` if `told` is empty.
    fn list(lead: &'static str, told: impl Iterator<Item = String>, lang: Lang) -> Option<Self> {
        let told: Vec<String> = told.collect();
        let few = lang.first_few(told.iter().map(String::as_str));
        (!told.is_empty()).then(|| Self::new(lead, few))
    }
}

/// The option that gives this work.
pub(super) fn option(kind: Kind) -> &'static str {
    match kind {
        Kind::Wait => "--wait",
        Kind::Block => "--block",
        Kind::Cpu => "--cpu",
    }
}

/// The most lines that are printed.
const LINES: usize = 10;

/// An advice in words.
pub(super) fn lines(measured: &Measured, advice: &Advice, lang: Lang) -> Vec<Line> {
    let question = &measured.question;
    let mut lines = vec![answer(question, advice, lang)];
    lines.extend(others(advice, lang));
    let all = advice.cannot.iter();
    let (unknown, unable): (Vec<_>, Vec<_>) =
        all.partition(|it| matches!(it.why, Why::NotMeasured | Why::SomeRounds { .. }));
    let (cannot, not_known) = (
        lang.pick("can't:", "不能："),
        lang.pick("not known:", "不知道："),
    );
    lines.extend(with_reasons(cannot, &unable, lang));
    lines.extend(with_reasons(not_known, &unknown, lang));
    let lowest = advice.limits.first();
    lines.extend(lowest.map(|limit| physical(limit, question, lang)));
    lines.extend(ceilings(question, advice, lang));
    let changes = advice.changes.iter();
    lines.extend(changes.map(|change| changed(change, measured, advice, lang)));
    lines.truncate(LINES - 1);
    if advice.answer != Answer::Impossible {
        lines.push(sure(measured, advice, lang));
    }
    lines
}

/// What was asked, in a few words.
fn load(question: &Question, lang: Lang) -> String {
    let (rate, count) = (rate(question.rate_per_s), question.connections);
    if let Some(members) = question.members {
        return tr!(
            lang,
            "{rate} sent by {count} members, {members} to a room,",
            "{count} 个成员、每个聊天室 {members} 个、合计 {rate}"
        );
    }
    match question.churn {
        true => tr!(
            lang,
            "{rate}, each on a connection of its own, {count} at a time,",
            "{rate}、每条消息一个新连接、同时 {count} 个"
        ),
        false => {
            let connections = plural(count as u64, "connection");
            tr!(lang, "{rate} on {connections}", "{count} 个连接上的 {rate}")
        }
    }
}

fn answer(question: &Question, advice: &Advice, lang: Lang) -> Line {
    let load = load(question, lang);
    let within = nanos(question.within_ns as f64);
    let (lead, text) = match &advice.answer {
        Answer::Choose {
            model,
            equals,
            cpu_cores,
            memory_bytes,
            p99_ns,
            ..
        } => {
            let share = three_digits(cpu_cores * 100.0);
            let (memory, p99) = (bytes(*memory_bytes), nanos(*p99_ns));
            let mut text = tr!(
                lang,
                "{model}: it handles {load} with a p99 of {p99}, and takes {share}% of a processor and \
                 {memory}",
                "{model}：承受 {load} 时 p99 为 {p99}，占用一个处理器的 {share}%、内存 {memory}"
            );
            if !equals.is_empty() {
                let names = lang.first_few(equals.iter().map(String::as_str));
                text += &tr!(
                    lang,
                    "; no difference was measured to {names}",
                    "；与 {names} 没有测出差别"
                );
            }
            (lang.pick("choose", "选"), text)
        }
        Answer::NoModel => (
            lang.pick("none:", "都不行："),
            tr!(
                lang,
                "no model handles {load} with a p99 below {within}",
                "没有模型能在 p99 低于 {within} 时承受 {load}"
            ),
        ),
        Answer::Impossible => (
            lang.pick("impossible:", "不可能："),
            tr!(
                lang,
                "no server can handle {load}, whatever its model; nothing was measured",
                "无论什么模型，都不可能承受 {load}；没有测量"
            ),
        ),
        Answer::Undecided => (
            lang.pick("undecided:", "不能确定："),
            tr!(
                lang,
                "the measurements don't tell which model handles {load} with a p99 below {within}",
                "测量结果说明不了哪个模型能在 p99 低于 {within} 时承受 {load}"
            ),
        ),
    };
    Line::new(lead, text)
}

fn resource(resource: Resource, lang: Lang) -> &'static str {
    match resource {
        Resource::Cpu => lang.pick("CPU time", "CPU 时间"),
        Resource::Memory => lang.pick("memory", "内存"),
    }
}

fn others(advice: &Advice, lang: Lang) -> Option<Line> {
    let dearer = advice.others.iter().filter(|it| it.differs);
    let told = dearer.map(|other| {
        let [times, low, high] = [other.times, other.low, other.high].map(three_digits);
        let (model, of) = (&other.model, resource(other.resource, lang));
        tr!(
            lang,
            "{model} {times} times the {of} ({low} to {high})",
            "{model}（{of}是 {times} 倍，{low} 到 {high}）"
        )
    });
    Line::list(lang.pick("costs more:", "更贵的："), told, lang)
}

fn with_reasons(lead: &'static str, cannot: &[&Cannot], lang: Lang) -> Option<Line> {
    // Models with the same reason are named together.
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for Cannot { model, why } in cannot {
        let why = why_not(why, lang);
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, models)) => models.push(model),
            None => reasons.push((why, vec![model])),
        }
    }
    let told = reasons.iter().map(|(why, models)| {
        let models = lang.first_few(models.iter().copied());
        tr!(lang, "{models} ({why})", "{models}（{why}）")
    });
    Line::list(lead, told, lang)
}

fn why_not(why: &Why, lang: Lang) -> String {
    match why {
        Why::Carries(Carries::One) => {
            tr!(
                lang,
                "serves one connection at a time",
                "一次只服务一个连接"
            )
        }
        Why::Carries(Carries::Few(most)) => {
            let connections = plural(*most as u64, "connection");
            tr!(
                lang,
                "serves {connections} at a time; --workers gives it more",
                "同时只服务 {most} 个连接；--workers 可以加"
            )
        }
        Why::Carries(Carries::Processes(most)) => tr!(
            lang,
            "a process for each connection, and at most {most}",
            "每个连接一个进程，最多 {most} 个"
        ),
        Why::Carries(Carries::NoHub) => tr!(
            lang,
            "has no place for what members share",
            "没有地方存放成员共享的数据"
        ),
        Why::Carries(Carries::Failed(reason)) => reason.pick(lang).to_owned(),
        Why::Carries(Carries::All) | Why::NotMeasured => {
            tr!(lang, "too few measurements count", "有效的测量太少")
        }
        Why::SomeRounds { held, of } => tr!(
            lang,
            "met the bound in {held} of {of} rounds",
            "{of} 轮中只有 {held} 轮达标"
        ),
        Why::Missed { shown, p99_ns } => {
            let p99 = units::nanos(*p99_ns);
            match shown {
                Shown::TooSlow | Shown::Held | Shown::Nothing => {
                    tr!(lang, "p99 {p99}", "p99 {p99}")
                }
                Shown::Unsent => tr!(
                    lang,
                    "all its connections still waited when messages were due",
                    "消息到期时所有连接都还在等"
                ),
                Shown::Errors => tr!(lang, "errors or timeouts", "出错或超时"),
            }
        }
    }
}

fn processors(cores: usize) -> String {
    match cores {
        1 => "one processor".to_owned(),
        _ => format!("{cores} processors"),
    }
}

fn physical(limit: &Limit, question: &Question, lang: Lang) -> Line {
    let most = rate(limit.per_s());
    let share = three_digits(question.rate_per_s / limit.per_s() * 100.0);
    let time = units::time(Duration::from_nanos(limit.work().time_ns));
    let text = match limit {
        Limit::Connections { .. } => {
            let count = question.connections;
            let connections = plural(count as u64, "connection");
            tr!(
                lang,
                "{most}: {connections}, {time} for each message (Little's law); the load asked for \
                 is {share}% of it",
                "{most}：{count} 个连接，每条消息 {time}（利特尔法则）；所问的负载是它的 {share}%"
            )
        }
        Limit::Processors { cores, .. } => {
            // A connection has one message at a time, and keeps one processor busy.
            let used = (*cores).min(question.connections);
            let processors = processors(used);
            tr!(
                lang,
                "{most}: {processors} at work, {time} of computing for each message; the load asked \
                 for is {share}% of it",
                "{most}：最多 {used} 个处理器同时计算，每条消息 {time}；所问的负载是它的 {share}%"
            )
        }
    };
    Line::new(lang.pick("physical limit:", "物理极限："), text)
}

fn ceilings(question: &Question, advice: &Advice, lang: Lang) -> Option<Line> {
    let within = nanos(question.within_ns as f64);
    let known = advice.ceilings.iter();
    let known = known.filter(|(_, ceiling)| ceiling.low().or(ceiling.high()).is_some());
    let told = known.map(|(model, ceiling)| {
        let told = match *ceiling {
            Ceiling::Between {
                low_per_s,
                high_per_s,
            } => {
                let [low, high] = [low_per_s, high_per_s].map(rate);
                tr!(lang, "{low} to {high}", "{low} 到 {high}")
            }
            Ceiling::AtLeast { per_s, spoiled } => {
                let per_s = rate(per_s);
                match spoiled {
                    true => tr!(
                        lang,
                        "{per_s} or more (higher rates can't be measured here)",
                        "{per_s} 以上（更高的速率在这里测不出来）"
                    ),
                    false => tr!(lang, "{per_s} or more", "{per_s} 以上"),
                }
            }
            _ => tr!(lang, "about what was asked", "大约就是所问的速率"),
        };
        format!("{model} {told}")
    });
    let list = Line::list(lang.pick("highest rate:", "最高速率："), told, lang)?;
    let told = list.text;
    let text = tr!(
        lang,
        "with a p99 below {within}: {told}",
        "p99 低于 {within}：{told}"
    );
    Some(Line::new(list.lead, text))
}

fn changed(change: &Change, measured: &Measured, advice: &Advice, lang: Lang) -> Line {
    let chosen = match &advice.answer {
        Answer::Choose { model, .. } => model.as_str(),
        _ => "",
    };
    let text = match change {
        Change::Rate {
            above_per_s,
            choose,
        } => {
            let above = rate(*above_per_s);
            match choose {
                Some(model) => tr!(
                    lang,
                    "from {above} on choose {model}, which handles more",
                    "速率到 {above} 以上就选 {model}，它承受得更多"
                ),
                None => tr!(
                    lang,
                    "from {above} on {chosen} is too slow, and no other model is known to handle clearly \
                     more",
                    "速率到 {above} 以上，{chosen} 就不够了；有没有模型能承受得更多，测量结果说明不了"
                ),
            }
        }
        Change::Blocks(blocked) => {
            let what = measured.what_if;
            let time = units::time(Duration::from_nanos(what.map_or(0, |work| work.time_ns)));
            match blocked {
                Blocked::Same => {
                    let text = tr!(
                        lang,
                        "a driver that blocks for {time} instead of waiting: {chosen} handles that too",
                        "即使驱动不是等待而是阻塞 {time}，{chosen} 也承受得住"
                    );
                    return Line::new(lang.pick("wouldn't change it:", "不会改变它："), text);
                }
                Blocked::Choose(model) => tr!(
                    lang,
                    "if the driver blocks for {time} instead of waiting, {chosen} can't do it: choose \
                     {model}",
                    "如果驱动不是等待而是阻塞 {time}，{chosen} 就不行：选 {model}"
                ),
                Blocked::NoModel => tr!(
                    lang,
                    "if the driver blocks for {time} instead of waiting, no model that was measured can \
                     do it",
                    "如果驱动不是等待而是阻塞 {time}，测过的模型都不行"
                ),
            }
        }
        Change::Scarce {
            resource: scarce,
            choose,
            times,
        } => {
            let (scarce, times) = (resource(*scarce, lang), three_digits(*times));
            tr!(
                lang,
                "if {scarce} is scarce: {choose} takes {times} times as much as {chosen}",
                "{scarce}紧张时：{choose} 用的是 {chosen} 的 {times} 倍"
            )
        }
    };
    Line::new(lang.pick("would change it:", "什么会改变它："), text)
}

fn sure(measured: &Measured, advice: &Advice, lang: Lang) -> Line {
    let cautions = advice.cautions.iter().map(|caution| match caution {
        Caution::FewRounds(rounds) => tr!(
            lang,
            "for some model only {rounds} of them count",
            "有的模型只有 {rounds} 轮有效"
        ),
        Caution::Interrupted => tr!(lang, "the run was interrupted", "运行被中断"),
        Caution::CutShort => tr!(
            lang,
            "the time was too short for all that was planned",
            "时间不够做完全部计划"
        ),
        Caution::Wavers(models) => {
            let models = lang.first_few(models.iter().map(String::as_str));
            tr!(
                lang,
                "{models} met the bound in some rounds only",
                "{models} 只有部分轮次达标"
            )
        }
        Caution::Generator(count) => tr!(
            lang,
            "{count} measurements don't count: the generator was late, or other programs had the \
             processors",
            "有 {count} 次测量无效：负载生成器自己发送晚了，或处理器被别的程序占用"
        ),
        Caution::Busy(share) => {
            let share = three_digits(share * 100.0);
            tr!(
                lang,
                "the servers waited for a processor for {share}% of their time, because other programs ran",
                "别的程序在运行，服务端有 {share}% 的时间在等处理器"
            )
        }
        Caution::FewMessages(count) => tr!(
            lang,
            "a p99 of {count} messages is little more than the longest",
            "{count} 条消息的 p99 差不多就是最长的那条"
        ),
    });
    let cautions: Vec<String> = cautions.collect();
    let cores = measured.server_cores;
    let rounds = measured.candidates.iter().flat_map(|it| &it.shots);
    let rounds = rounds.map(|shot| shot.round).max().unwrap_or(0);
    let processors = processors(cores);
    let in_rounds = plural(rounds as u64, "round");
    let on = tr!(
        lang,
        "{in_rounds}, each server in a fresh process, on {processors}",
        "{rounds} 轮，每次测量都是新的服务端进程，服务端有 {cores} 个处理器"
    );
    let semicolon = lang.pick("; ", "；");
    let (word, because) = match cautions.is_empty() {
        true => (lang.pick("yes", "可信"), String::new()),
        false => (
            lang.pick("with care", "要小心"),
            format!("{semicolon}{}", cautions.join(semicolon)),
        ),
    };
    let text = tr!(lang, "{word}: {on}{because}", "{word}：{on}{because}");
    Line::new(lang.pick("how sure:", "有多可信："), text)
}

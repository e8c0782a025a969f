//! Python, and the terminal.

use portlab_words::{Lang, tr};

use crate::doctor::{
    finding::{Finding, Grade},
    machine::Facts,
};

/// Python, in which students write.
pub(super) fn python(facts: &Facts, lang: Lang) -> Option<Finding> {
    let finding = |text| Finding::new("python", "Python", text);
    Some(match &facts.python {
        Some(python) => {
            let (program, version) = (python.program, &python.version);
            finding(format!("{program} {version}"))
        }
        None => finding(tr!(
            lang,
            "no Python 3 is found: programs of the course can't be run here",
            "没有找到 Python 3：课程里的程序在这里运行不了"
        ))
        .graded(
            Grade::Note,
            tr!(
                lang,
                "install it: sudo apt install python3 python3-venv",
                "安装它：sudo apt install python3 python3-venv"
            ),
        ),
    })
}

/// gevent, the coroutines of the course.
pub(super) fn gevent(facts: &Facts, lang: Lang) -> Option<Finding> {
    let program = facts.python.as_ref()?.program;
    let finding = |text| Finding::new("gevent", "gevent", text);
    Some(match &facts.gevent {
        Some(version) => finding(tr!(
            lang,
            "{version}, the coroutines of the course",
            "{version}，课程里的协程用它"
        )),
        None => finding(tr!(
            lang,
            "{program} doesn't have it; the course's coroutines need it",
            "{program} 里没有安装；课程里的协程要用它"
        ))
        .graded(
            Grade::Note,
            tr!(
                lang,
                "in a folder of its own: {program} -m venv lab && lab/bin/pip install gevent; then: source lab/bin/activate",
                "装在单独的虚拟环境里：{program} -m venv lab && lab/bin/pip install gevent，然后：source lab/bin/activate"
            ),
        ),
    })
}

/// The terminal, if there is one.
pub(super) fn terminal(facts: &Facts, lang: Lang) -> Option<Finding> {
    let finding = |text| Finding::new("terminal", lang.pick("terminal", "终端"), text);
    let Some(columns) = facts.terminal.columns else {
        return Some(finding(tr!(
            lang,
            "this output goes to a file or a pipe: no colours, no live screens",
            "输出到文件或管道：没有颜色，也没有实时画面"
        )));
    };
    let finding = finding(tr!(lang, "{columns} columns wide", "宽 {columns} 列"));
    Some(if columns < NARROW {
        finding.graded(
            Grade::Note,
            tr!(
                lang,
                "make it {NARROW} columns wide or more: tables show more then",
                "把窗口拉宽到 {NARROW} 列以上，表格能显示得更全"
            ),
        )
    } else {
        finding
    })
}

/// Whether Chinese can be shown.
pub(super) fn letters(facts: &Facts, lang: Lang) -> Option<Finding> {
    let finding = |text| Finding::new("letters", lang.pick("Chinese", "中文"), text);
    let locale = match facts.terminal.locale.as_str() {
        "" => lang.pick("no locale is set", "没有设置语言环境"),
        locale => locale,
    };
    let name = &facts.terminal.name;
    Some(if !facts.terminal.is_utf8() {
        finding(tr!(
            lang,
            "may come out garbled: {locale}, which is not UTF-8",
            "可能显示成乱码：{locale}，不是 UTF-8"
        ))
        .graded(
            Grade::Note,
            tr!(
                lang,
                "set UTF-8: export LC_ALL=C.UTF-8",
                "设置成 UTF-8：export LC_ALL=C.UTF-8"
            ),
        )
    } else if facts.terminal.columns.is_some() && facts.terminal.is_poor() {
        finding(tr!(
            lang,
            "this terminal ({name}) has no glyphs for it",
            "这个终端（{name}）没有中文字形"
        ))
        .graded(
            Grade::Note,
            tr!(
                lang,
                "take a terminal of the desktop, or connect by ssh from one",
                "换用桌面上的终端，或者从那里用 ssh 登录"
            ),
        )
    } else {
        finding(tr!(
            lang,
            "can be shown ({locale}): 你好",
            "可以显示（{locale}）：你好"
        ))
    })
}

/// Tables are made for this width.
const NARROW: usize = 80;

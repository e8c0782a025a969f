//! Checks of Python and the terminal.

use portlab_words::{Text, tr};

use crate::doctor::{finding::Remark, machine::Facts};

/// Python, the language of the course.
pub(super) fn python(facts: &Facts) -> Option<Remark> {
    Some(match &facts.python {
        Some(python) => {
            let (program, version) = (python.program, &python.version);
            Remark::new(format!("{program} {version}").into())
        }
        None => Remark::new(tr!(
            "Python 3 was not found: programs of the course can't be run here",
            "没有找到 Python 3：课程里的程序在这里运行不了"
        ))
        .note(tr!(
            "install it: sudo apt install python3 python3-venv",
            "安装它：sudo apt install python3 python3-venv"
        )),
    })
}

/// gevent, the coroutines of the course.
pub(super) fn gevent(facts: &Facts) -> Option<Remark> {
    let program = facts.python.as_ref()?.program;
    Some(match &facts.gevent {
        Some(version) => Remark::new(tr!(
            "{version}, the coroutines of the course",
            "{version}，课程里的协程用它"
        )),
        None => Remark::new(tr!(
            "not installed for {program}; the course's coroutines need it",
            "{program} 里没有安装；课程里的协程要用它"
        ))
        .note(tr!(
            "install it in a virtual environment: {program} -m venv lab && lab/bin/pip install gevent; then: \
             source lab/bin/activate",
            "装在单独的虚拟环境里：{program} -m venv lab && lab/bin/pip install gevent，然后：\
             source lab/bin/activate"
        )),
    })
}

/// The terminal, if there is one.
pub(super) fn terminal(facts: &Facts) -> Option<Remark> {
    let Some(columns) = facts.terminal.columns else {
        return Some(Remark::new(tr!(
            "this output goes to a file or a pipe: no colours, no live screens",
            "输出到文件或管道：没有颜色，也没有实时画面"
        )));
    };
    let finding = Remark::new(tr!("{columns} columns wide", "宽 {columns} 列"));
    Some(finding.note_if(
        columns < NARROW,
        tr!(
            "make the window {NARROW} columns wide or more: tables show more then",
            "把窗口拉宽到 {NARROW} 列以上，表格能显示得更全"
        ),
    ))
}

/// Whether Chinese can be shown.
pub(super) fn letters(facts: &Facts) -> Option<Remark> {
    let locale = match facts.terminal.locale.as_str() {
        "" => Text::new("no locale is set", "没有设置语言环境"),
        locale => locale.to_owned().into(),
    };
    let name = &facts.terminal.name;
    Some(if !facts.terminal.is_utf8() {
        Remark::new(tr!(
            "may come out garbled: {locale}, which is not UTF-8",
            "可能显示成乱码：{locale:#}，不是 UTF-8"
        ))
        .note(tr!(
            "set UTF-8: export LC_ALL=C.UTF-8",
            "设置成 UTF-8：export LC_ALL=C.UTF-8"
        ))
    } else if facts.terminal.columns.is_some() && facts.terminal.is_poor() {
        Remark::new(tr!(
            "this terminal ({name}) has no glyphs for Chinese",
            "这个终端（{name}）没有中文字形"
        ))
        .note(tr!(
            "use a terminal of the desktop, or connect by ssh from one",
            "换用桌面上的终端，或者从那里用 ssh 登录"
        ))
    } else {
        Remark::new(tr!(
            "can be shown ({locale}): 你好",
            "可以显示（{locale:#}）：你好"
        ))
    })
}

/// Tables are made for this width.
const NARROW: usize = 80;

//! The help of the screen: all keys and all commands.

use portlab_words::{Lang, Text, wrap::wrap};
use ratatui::{
    Frame,
    layout::Rect,
    style::Stylize,
    text::{Line, Span},
    widgets::Paragraph,
};
use unicode_width::UnicodeWidthStr;

/// The keys, and what each does, behind a tab.
static KEYS: Text = Text::new(
    "\
Enter\tsend the typed text, or carry out the command
Tab\tnext recipient: all clients, #1, #2 ...
F1\tthis help
F2\tencoding: GBK or UTF-8; earlier rows are read again
F3\tGBK and UTF-8 beside each other
F4\tline end behind what you send: none, LF, CRLF
F5\tstop reading, or read again: the client's Send-Q grows
F6\tclose the connection (FIN)
F7\thalf-close: send the FIN, go on receiving
F8\treset the connection (RST)
F9\tall bytes of long rows, or their beginnings
PgUp PgDn\tscroll, as the mouse's wheel does
End\tnewest row, and follow
↑ ↓\tlines that you typed before
Ctrl-C\tend; press again to end at once
Shift\thold it to select text with the mouse",
    "\
Enter\t发送输入的文字，或执行命令
Tab\t换接收方：所有客户端、#1、#2……
F1\t显示本帮助
F2\t切换编码：GBK 或 UTF-8，已收到的内容重新解码
F3\tGBK 与 UTF-8 对照显示
F4\t发送时附加的换行：无、LF、CRLF
F5\t停止读取或继续读取：停止后客户端的 Send-Q 会增长
F6\t关闭连接（FIN）
F7\t半关闭：发出 FIN，继续接收
F8\t复位连接（RST）
F9\t显示长数据的全部字节，或只显示开头
PgUp PgDn\t翻页，也可以用鼠标滚轮
End\t回到最新一行，并跟随
↑ ↓\t以前输入过的行
Ctrl-C\t结束；再按一次立即结束
Shift\t按住它可以用鼠标选取文字",
);

/// What the signs in the rows mean.
static SIGNS: Text = Text::new(
    "\
← →\treceived, sent: one read or one send is one row
▯\ta part of a character; the other part is in the row before or behind
▸ ‖\tgets what you send; reading has stopped
● ○\tonline, offline
Recv-Q\tbytes in the kernel: received, and not read by the assistant
Send-Q\tbytes in the kernel: sent, and not acknowledged
peerQ\tthe Send-Q of the client, if the client is on this machine
␍ ␊ ␛\tcontrol characters, shown as signs",
    "\
← →\t收到、发出：一次 recv 或一次 send 是一行
▯\t不完整的字符，另一部分在上一行或下一行
▸ ‖\t发送的接收方；已停止读取
● ○\t上线、下线
Recv-Q\t内核缓冲区里的字节：已到达，助手还没有读
Send-Q\t内核缓冲区里的字节：已发送，对方还没有确认
对方Q\t客户端的 Send-Q（客户端在本机时显示）
␍ ␊ ␛\t控制字符，用符号表示",
);

/// The help in lines of at most `width` columns.
fn lines(lang: Lang, width: usize) -> Vec<Line<'static>> {
    let listed = |part: &'static Text| {
        let lines = part.pick(lang).lines();
        lines
            .filter_map(|it| it.split_once('\t'))
            .collect::<Vec<_>>()
    };
    let parts = [
        (Text::new("Keys", "按键"), listed(&KEYS)),
        (
            Text::new("Commands: type them, then Enter", "命令：输入后按回车"),
            portlab_assist::help(lang).collect(),
        ),
        (Text::new("Signs", "符号"), listed(&SIGNS)),
    ];
    let names = parts
        .iter()
        .flat_map(|(_, part)| part.iter().map(|(name, _)| name.width()));
    let column = names.max().unwrap_or(0) + 2;
    let mut lines = Vec::new();
    for (head, part) in parts {
        lines.push(Line::from(head.pick(lang).to_owned().bold()));
        for (name, text) in part {
            let mut name = format!("  {name}");
            for text in wrap(text, width.saturating_sub(column + 2).max(16)) {
                let gap = " ".repeat((column + 2).saturating_sub(name.width()));
                lines.push(Line::from(vec![
                    Span::from(name).cyan(),
                    Span::from(gap + &text),
                ]));
                name = String::new();
            }
        }
    }
    lines
}

/// Draws the help from its line `first` on, or from the last that fills the area; returns the first line that is drawn.
pub(super) fn paint(lang: Lang, first: usize, frame: &mut Frame<'_>, area: Rect) -> usize {
    let mut lines = lines(lang, area.width.into());
    let first = first.min(lines.len().saturating_sub(area.height.into()));
    let rest = lines.split_off(first);
    frame.render_widget(Paragraph::new(rest), area);
    first
}

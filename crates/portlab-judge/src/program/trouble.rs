//! Why a program doesn't become a server: what a beginner can do about it.

use std::{
    io, net::SocketAddr, os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration,
};

use portlab_service::inert;
use portlab_sys::sockets::{State, holders, sockets_at};
use portlab_words::{Text, tr};

use crate::Traceback;

/// A program that couldn't be started, or doesn't listen.
#[derive(Clone, Debug, Default)]
pub struct StartTrouble {
    /// The name of the bug; `None` if the command itself is wrong.
    pub bug: Option<&'static str>,
    /// What happened, and what to do.
    pub what: Text,
    /// The end of the program's stderr.
    pub stderr: String,
    /// The text at which the program waits for input, if it does.
    pub prompt: String,
    /// Whether the program's port may be in use.
    pub(super) may_be_taken: bool,
}

/// What a program has written, and what it is doing.
pub(super) struct Output {
    pub(super) stdout: String,
    pub(super) stderr: String,
    /// Whether it waits until something is typed.
    pub(super) reads_stdin: bool,
    /// Whether it has a UDP socket.
    pub(super) has_udp: bool,
}

impl Output {
    /// Whether the program says that its port is in use. The message is the system's, in every language.
    fn says_taken(&self) -> bool {
        let said = [&self.stderr, &self.stdout];
        let has = |what: &str| said.iter().any(|it| it.contains(what));
        has("Address already in use") || has("EADDRINUSE") || has("Errno 98")
    }
}

impl StartTrouble {
    pub(crate) fn empty() -> Self {
        Self::of_command(Text::new(
            "no command is given; write it behind --: portlab judge -- python3 server.py",
            "没有写要运行的命令；请写在 -- 后面：portlab judge -- python3 server.py",
        ))
    }

    pub(crate) fn not_found(program: &str, error: &io::Error) -> Self {
        let program = inert(program);
        Self::of_command(match error.kind() {
            io::ErrorKind::NotFound if program.contains(' ') => tr!(
                "can't start `{program}`: the quotes make one word of the whole command; write it without them: portlab \
                 judge -- {program}",
                "无法启动 `{program}`：引号把整条命令变成了一个词；请去掉引号：portlab judge -- {program}"
            ),
            io::ErrorKind::NotFound => tr!(
                "can't start {program}: the program or folder doesn't exist; check the spelling, and write python3 \
                 before the name of a Python file",
                "无法启动 {program}：没有这个程序或文件夹；请检查拼写，Python 文件的名字前面要写 python3"
            ),
            io::ErrorKind::PermissionDenied => tr!(
                "can't start {program}: it isn't executable; write python3 before the name of a Python file",
                "无法启动 {program}：它不是可执行文件；Python 文件的名字前面要写 python3"
            ),
            _ => {
                let why = Text::system(error);
                tr!(
                    "can't start {program}: {why}",
                    "无法启动 {program}：{why:#}"
                )
            }
        })
    }

    pub(crate) fn of_command(what: Text) -> Self {
        Self {
            bug: None,
            what,
            ..Self::default()
        }
    }

    /// The system refuses what is needed to start a program, such as one more descriptor.
    pub(crate) fn of_system(error: io::Error) -> Self {
        let why = Text::system(&error);
        Self::of_command(tr!(
            "can't start the program: {why}; end other programs, and try again",
            "无法启动程序：{why:#}；请先结束其他程序，然后再试"
        ))
    }

    /// The program dials `addr`, and doesn't listen.
    pub(super) fn is_client(addr: SocketAddr) -> Self {
        Self::of_command(tr!(
            "this program connects to {addr} and doesn't listen: it is a client; add --client: portlab judge --client -- \
             python3 client.py",
            "这个程序连接 {addr}，自己不监听：它是客户端；请加上 --client：portlab judge --client -- python3 client.py"
        ))
    }

    /// The program has ended instead of listening. `ports` are those that its command and its text name.
    pub(super) fn ended(status: ExitStatus, output: &Output, ports: &[u16]) -> Self {
        let is_taken = output.says_taken();
        if is_taken && let Some(what) = ports.iter().find_map(|it| holder(*it)) {
            // That isn't a bug of the program.
            return Self {
                may_be_taken: true,
                ..Self::of_command(what)
            };
        }
        let Text { en, zh } = in_words(status);
        let why = Traceback::of(&output.stderr, None).map(|it| it.error);
        let hint = why.as_deref().map(hint).unwrap_or_default();
        let may_be_taken = is_taken || why.is_none();
        let bug = match status.success() {
            true => "no-listen",
            false => "crashes-at-start",
        };
        let what = match why {
            Some(why) => tr!(
                "the program ends before it listens ({en}): {why}{hint}",
                "程序还没有监听就结束了（{zh}）：{why}{hint:#}"
            ),
            None => tr!(
                "the program ends before it listens ({en}); its socket must be bound, listen, and accept in a loop",
                "程序还没有监听就结束了（{zh}）；服务端要 bind、listen，并且在循环里 accept"
            ),
        };
        Self {
            bug: Some(bug),
            what,
            stderr: output.stderr.clone(),
            prompt: String::new(),
            may_be_taken,
        }
    }

    /// The program runs, and doesn't listen.
    pub(super) fn silent(
        waited: Duration,
        wanted: Option<u16>,
        ports: &[u16],
        output: &Output,
    ) -> Self {
        let seconds = (waited.as_secs_f64() * 10.0).round() / 10.0;
        // A prompt stands at the end of stdout, without a line end.
        let (_, prompt) = output
            .stdout
            .rsplit_once('\n')
            .unwrap_or(("", &output.stdout));
        let prompt = prompt.trim();
        let waits = ports.is_empty() && (output.reads_stdin || !prompt.is_empty());
        let what = match (wanted, ports) {
            (Some(wanted), [_, ..]) => {
                let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
                let ports = ports.join(", ");
                tr!(
                    "the program listens at port {ports}, and not at port {wanted}; judge it with --port, or let it \
                     take its port from {{port}}",
                    "程序监听的是端口 {ports}，而不是 {wanted}；请用 --port 指定要评测的端口，或者让程序使用 {{port}}"
                )
            }
            _ if waits && prompt.is_empty() => tr!(
                "the program doesn't listen after {seconds} s: it waits for input, without a prompt",
                "过了 {seconds} 秒程序还没有监听：它在等待键盘输入（没有显示提示）"
            ),
            _ if waits => {
                let prompt = inert(prompt);
                tr!(
                    "the program doesn't listen after {seconds} s: it waits for input at `{prompt}`",
                    "过了 {seconds} 秒程序还没有监听：它在 `{prompt}` 处等待输入"
                )
            }
            _ if output.has_udp => Text::new(
                "the program opens a UDP socket (SOCK_DGRAM); listen() needs a TCP socket: socket.socket(socket.AF_INET, \
                 socket.SOCK_STREAM)",
                "程序创建的是 UDP 套接字（SOCK_DGRAM）；listen() 需要 TCP 套接字：socket.socket(socket.AF_INET, \
                 socket.SOCK_STREAM)",
            ),
            _ => tr!(
                "the program runs, and doesn't listen after {seconds} s; call listen() on the bound socket, or give it \
                 more time with --start-timeout",
                "程序在运行，但过了 {seconds} 秒还没有监听；请对绑定好的套接字调用 listen()，或者用 --start-timeout 多给它时间"
            ),
        };
        Self {
            bug: Some(if waits {
                "input-before-listen"
            } else {
                "no-listen"
            }),
            what,
            stderr: output.stderr.clone(),
            prompt: prompt.to_owned(),
            may_be_taken: false,
        }
    }
}

/// What to do about an error that beginners meet.
fn hint(error: &str) -> Text {
    let has = |what: &str| error.contains(what);
    if has("Address already in use") {
        return Text::new(
            "; another program uses the port, or a connection in TIME-WAIT does: `portlab ports` lists them",
            "；端口被别的程序占用，或者还有连接处于 TIME-WAIT：`portlab ports` 会列出它们",
        );
    }
    if has("Permission denied") {
        return Text::new(
            "; ports below 1024 belong to the administrator: use a port from 1024 to 65535",
            "；1024 以下的端口只有管理员可以用：请用 1024 到 65535 之间的端口",
        );
    }
    if has("Cannot assign requested address") {
        return Text::new(
            "; the address in bind() is not of this machine: write \"\" or \"127.0.0.1\"",
            "；bind() 里的地址不是本机的：请写 \"\" 或 \"127.0.0.1\"",
        );
    }
    if has("endpoint is not connected") {
        return Text::new(
            "; recv() and send() need the socket that accept() returns, not the listening one",
            "；recv() 和 send() 要用 accept() 返回的套接字，不能用监听套接字",
        );
    }
    if has("Operation not supported") {
        return Text::new(
            "; listen() needs a TCP socket: socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
            "；listen() 需要 TCP 套接字：socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
        );
    }
    if has("Errno 22") {
        return Text::new(
            "; accept() needs a socket that listens: call server.listen(128) after bind()",
            "；accept() 之前要先监听：在 bind() 之后调用 server.listen(128)",
        );
    }
    if has("bind() takes") {
        return Text::new(
            "; bind() takes one tuple, with two pairs of parentheses: server.bind((\"\", 8080))",
            "；bind() 的参数是一个元组，要写两层括号：server.bind((\"\", 8080))",
        );
    }
    if has("'_socket.socket' objects") {
        return Text::new(
            "; write parentheses behind socket.socket: server = socket.socket()",
            "；socket.socket 后面要写括号：server = socket.socket()",
        );
    }
    if has("No such file or directory") {
        return Text::new(
            "; check the file's name and the folder in which portlab was started",
            "；请检查文件名，以及启动 portlab 时所在的文件夹",
        );
    }
    if has("IndexError") {
        return Text::new(
            "; if the program takes its port from the command line, write {port} behind its name",
            "；如果程序从命令行得到端口号，请在程序名后面写上 {port}",
        );
    }
    syntax_hint(error)
}

/// What to do about a syntax error that an editor or an input method has caused.
pub(crate) fn syntax_hint(error: &str) -> Text {
    let has = |what: &str| error.contains(what);
    // A full-width comma, bracket or quote.
    if has("invalid character") || has("invalid non-printable character") {
        return Text::new(
            "; this sign was typed with a Chinese input method: replace it by the English one",
            "；这个符号是用中文输入法打的：请换成英文（半角）符号",
        );
    }
    if has("expected ':'") {
        return Text::new(
            "; write a colon at the end of the line",
            "；这一行的末尾要写冒号",
        );
    }
    if has("IndentationError") || has("TabError") {
        return Text::new(
            "; lines of one block begin in the same column: four blanks for each level",
            "；同一层的各行要对齐：每一层缩进四个空格",
        );
    }
    if has("Non-UTF-8 code") || has("(unicode error) 'utf-8'") {
        return Text::new(
            "; the file isn't saved as UTF-8: save it as UTF-8 in the editor",
            "；这个文件没有保存成 UTF-8：请在编辑器里另存为 UTF-8",
        );
    }
    Text::default()
}

/// What holds `port`, and what to do: a program that listens there, or an ended connection.
fn holder(port: u16) -> Option<Text> {
    let mut at_port = sockets_at(port).ok()?;
    at_port.retain(|it| it.local.port() == port);
    let Some(listener) = at_port.iter().find(|it| it.state == State::Listen) else {
        let waits = at_port.iter().any(|it| it.state == State::TimeWait);
        return waits.then(|| {
            tr!(
                "the program can't start: an ended connection of an earlier run holds port {port} (TIME-WAIT); wait a \
                 minute and judge again",
                "程序无法启动：上次运行留下的连接还占着端口 {port}（TIME-WAIT）；请等一分钟再评测"
            )
        });
    };
    let holders = holders().remove(&listener.inode).unwrap_or_default();
    let Text { en, zh } = match holders.into_iter().next() {
        Some(holder) => {
            let who = format!("{} (pid {})", holder.name, holder.pid);
            Text::of(who)
        }
        None => Text::new("a program of another user", "别的用户的程序"),
    };
    Some(tr!(
        "the program can't start: port {port} is used by {en}; end that program, or use another port",
        "程序无法启动：端口 {port} 正被 {zh} 占用；请先结束那个程序，或者换一个端口"
    ))
}

/// How a program ended.
pub(crate) fn in_words(status: ExitStatus) -> Text {
    match (status.code(), status.signal()) {
        (Some(code), _) => tr!("exit code {code}", "退出码 {code}"),
        (None, Some(11)) => Text::new("segmentation fault", "段错误"),
        (None, Some(13)) => Text::new(
            "signal 13, SIGPIPE: it wrote to a connection that the client had closed",
            "信号 13（SIGPIPE）：向客户端已经关闭的连接写数据",
        ),
        (None, signal) => {
            let signal = signal.unwrap_or_default();
            tr!("signal {signal}", "信号 {signal}")
        }
    }
}

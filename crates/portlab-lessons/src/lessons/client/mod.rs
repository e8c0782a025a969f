//! The client's five steps, each with what the kernel knows afterwards; then the watcher's own client.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::fd::{AsFd, AsRawFd},
    time::Duration,
};

use portlab_service::TextEncoding;
use portlab_sys::{
    sockets::{Socket as Entry, State},
    time_wait,
};
use portlab_words::Lang;
use socket2::{Domain, Socket, Type};

use crate::{
    cast::{
        Student, accept, be_patient, courses_port, encoding, hex, is_quiet,
        kernel::{remains_once, shown, sockets_once},
        quiet_door, read_as, receive,
    },
    lesson::{Lesson, Part},
    stage::{Exit, Seen, Stage},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "client",
    part: Part::Talk,
    en: include_str!("en.md"),
    zh: include_str!("zh.md"),
    files: &[
        ("mod.rs", include_str!("mod.rs")),
        ("client.py", include_str!("client.py")),
    ],
    examples: &[
        ("fd", "5"),
        ("inode", "48213"),
        ("port", "41873"),
        ("own", "51334"),
        (
            "connected",
            "State       Recv-Q Send-Q Local           Peer            Process\n\
             LISTEN      1      128    127.0.0.1:41873 *               4711/portlab\n\
             ESTABLISHED 0      0      127.0.0.1:41873 127.0.0.1:51334 -\n\
             ESTABLISHED 0      0      127.0.0.1:51334 127.0.0.1:41873 4711/portlab",
        ),
        ("characters", "7"),
        ("bytes", "14"),
        ("hex", "c4 e3 ba c3 a3 ac b7 fe ce f1 b6 cb a3 a1"),
        ("answer_hex", "ca d5 b5 bd a3 a1"),
        ("answer", "收到！"),
        (
            "closed",
            "State     Recv-Q Send-Q Local           Peer            Process\n\
             LISTEN    0      128    127.0.0.1:41873 *               4711/portlab\n\
             TIME-WAIT 0      0      127.0.0.1:51334 127.0.0.1:41873 -",
        ),
        ("taken", ""),
        ("yours", "8080"),
        ("their_own", "51412"),
        ("their_hex", "c4 e3 ba c3 a3 ac b7 fe ce f1 b6 cb a3 a1"),
        ("their_text", "你好，服务端！"),
        ("by_hand", "hello"),
        ("marks", ""),
    ],
    examples_zh: &[],
    play,
};

fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let gbk = encoding("gbk");
    // The server of this lesson, on any free port.
    let door = quiet_door()?;
    let port = door.local_addr()?.port();
    stage.set("port", port);

    let mut act = stage.step("create")?;
    let client = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    act.set("fd", client.as_raw_fd());
    let link = std::fs::read_link(format!("/proc/self/fd/{}", client.as_raw_fd()))?;
    let link = link.to_string_lossy().into_owned();
    act.set("inode", link.trim_matches(|it: char| !it.is_ascii_digit()));
    act.seen("number", link.starts_with("socket:["));
    act.seen("nowhere", client.peer_addr().is_err() && is_quiet(port)?);
    act.end()?;

    let mut act = stage.step("connect")?;
    client.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    let mut client = TcpStream::from(client);
    let own = client.local_addr()?;
    act.set("own", own.port());
    let both = |all: &[Entry]| {
        let ends = all.iter().filter(|it| it.state == State::Established);
        ends.count() == 2
    };
    let made = sockets_once(port, both)?;
    act.set("connected", shown(&made));
    act.seen("both", both(&made));
    act.seen(
        "given",
        own.port() != port && own.ip() == Ipv4Addr::LOCALHOST,
    );
    act.end()?;

    let text = "你好，服务端！";
    let bytes = gbk.encode(text).map_err(io::Error::other)?;
    stage.set("characters", text.chars().count());
    stage.set("bytes", bytes.len());
    let mut act = stage.step("send")?;
    client.write_all(&bytes)?;
    act.set("hex", hex(&bytes));
    // Not accepted yet: the kernel keeps what has come until somebody asks.
    let with = |it: &Entry| it.local.port() == port && it.unread as usize == bytes.len();
    let waiting = sockets_once(port, |all| all.iter().any(with))?;
    act.seen("there", waiting.iter().any(with));
    act.end()?;

    let mut act = stage.step("receive")?;
    let mut server = accept(&door)?;
    let received = receive(&mut server)?;
    server.write_all(&gbk.encode("收到！").map_err(io::Error::other)?)?;
    let answer = receive(&mut client)?;
    act.set("answer_hex", hex(&answer));
    act.set("answer", read_as(gbk, &answer));
    act.seen("request", received == bytes);
    act.seen("answer", read_as(gbk, &answer) == "收到！");
    act.end()?;

    let mut act = stage.step("close")?;
    let had_room = time_wait::has_room();
    drop(client);
    act.seen("nothing", receive(&mut server)?.is_empty());
    drop(server);
    let waits = |all: &[Entry]| {
        all.iter()
            .any(|it| it.local == own && it.state == State::TimeWait)
    };
    let (left, seen) = remains_once(port, had_room, waits)?;
    act.set("closed", shown(&left));
    act.seen("left", seen);
    act.end()?;
    drop(door);

    yours(stage, gbk)
}

/// The course's task: this lesson is the network debugging assistant, the client is the watcher's.
fn yours(stage: &mut Stage<'_>, gbk: TextEncoding) -> Result<(), Exit> {
    let door = courses_port(stage)?;
    let port = door.local_addr()?.port();
    for name in ["their_own", "their_hex", "their_text"] {
        stage.set(name, "-");
    }

    let mut act = stage.task("yours")?;
    // Whoever watches starts a program; where nobody does, one is started in their place.
    let on = act.stage();
    let stand_in = if on.is_manned() {
        None
    } else {
        Some(stand_in(on, &port.to_string())?)
    };
    let Some((caller, from, received)) = who_says_something(on, &door)? else {
        act.seen("came", Seen::NotHere);
        act.seen("gbk", Seen::Moot);
        act.end()?;
        return stage.skip("by_hand");
    };
    act.set("their_own", from);
    act.set("their_hex", hex(&received));
    // Chinese in UTF-8 is hardly ever right by chance, while nearly all bytes are right in GBK.
    let as_utf8 = str::from_utf8(&received).ok();
    let as_utf8 = as_utf8.filter(|text| !text.is_ascii());
    let text = as_utf8.map_or_else(|| read_as(gbk, &received), str::to_owned);
    act.set("their_text", text.escape_debug());
    act.seen("came", true);
    act.seen("gbk", Seen::if_shown(as_utf8.is_none()));
    act.end()?;

    by_hand(stage, gbk, caller, as_utf8.is_none())?;
    drop(stand_in);
    Ok(())
}

/// The first caller who says something, the port it comes from, and what it says. Who looks in and leaves without a word, as `portlab
/// doctor` does, is let go. `None` when whoever watches goes on without.
fn who_says_something(
    stage: &mut Stage<'_>,
    door: &TcpListener,
) -> Result<Option<(TcpStream, u16, Vec<u8>)>, Exit> {
    loop {
        if !stage.wait_for(door.as_fd())? {
            return Ok(None);
        }
        // Its address comes with it: who has broken off since can't be asked.
        let (mut caller, from) = door.accept()?;
        be_patient(&caller)?;
        let port = from.port();
        stage.remark(&match stage.lang() {
            Lang::En => format!("A client has come from port {port}, and says nothing yet."),
            Lang::Zh => format!("有客户端从 {port} 号端口连上了，还没有说话。"),
        })?;
        if !stage.wait_for(caller.as_fd())? {
            return Ok(None);
        }
        match receive(&mut caller) {
            Ok(received) if !received.is_empty() => {
                return Ok(Some((caller, port, received)));
            }
            _ => stage.remark(match stage.lang() {
                Lang::En => "It left without a word.",
                Lang::Zh => "它一个字也没说就走了。",
            })?,
        }
    }
}

fn by_hand(
    stage: &mut Stage<'_>,
    gbk: TextEncoding,
    mut caller: TcpStream,
    speaks_gbk: bool,
) -> Result<(), Exit> {
    let mut act = stage.task("by_hand")?;
    let answer = act.stage().answer_by_hand("hello")?;
    let mut bytes = Vec::new();
    gbk.encode_with_marks(&answer, &mut bytes);
    let sent = read_as(gbk, &bytes);
    let marks = match act.stage().lang() {
        _ if sent == answer => "",
        Lang::En => " (What GBK doesn't have has become `?`.)",
        Lang::Zh => "（GBK 里没有的字变成了问号。）",
    };
    act.set("by_hand", sent);
    act.set("marks", marks);
    // Whoever has gone in the meantime is not answered, even if the system would take the bytes.
    let is_there = !matches!(peeked(&caller), Ok(Some(0)) | Err(_));
    let is_sent = is_there && caller.write_all(&bytes).is_ok();
    act.seen("sent", Seen::if_shown(is_sent));
    let waiting = match act.stage().lang() {
        Lang::En => "Waiting for it to hang up, three seconds at most ...",
        Lang::Zh => "正在等它挂断，最多三秒……",
    };
    act.stage().remark(waiting)?;
    caller.set_read_timeout(Some(CLOSING))?;
    let closed = is_sent && matches!(caller.read(&mut [0; 1]), Ok(0));
    act.seen(
        "closed",
        match (is_sent, closed && speaks_gbk) {
            (false, _) => Seen::Moot,
            (true, closed) => Seen::if_shown(closed),
        },
    );
    act.end()
}

/// How long a client that was answered may take to hang up.
const CLOSING: Duration = Duration::from_secs(3);

/// How many bytes can be read at once; `None` when there is nothing yet, 0 when the peer has closed.
fn peeked(stream: &TcpStream) -> io::Result<Option<usize>> {
    stream.set_nonblocking(true)?;
    let peeked = stream.peek(&mut [0; 1]);
    stream.set_nonblocking(false)?;
    match peeked {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        peeked => peeked.map(Some),
    }
}

/// The student's client: in Python where there is one, else our own.
fn stand_in(stage: &mut Stage<'_>, port: &str) -> io::Result<Student> {
    if let Some(student) = stage.student("client.py", &[port])? {
        return Ok(student);
    }
    let addr = format!("127.0.0.1:{port}");
    stage.portlab(&[
        "connect",
        &addr,
        "--encoding",
        "gbk",
        "--send",
        "你好，服务端！",
    ])
}

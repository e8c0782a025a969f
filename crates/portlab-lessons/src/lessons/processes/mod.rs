//! Processes: a number, a parent, a memory of its own, and an end that somebody must take note of.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::{net::UnixStream, process::parent_id},
};

use portlab_lab::Server;
use portlab_sys::{
    alone::Alone,
    children::{Children, Forked, leave},
    process::{command_line, status},
};
use portlab_words::Lang;

use crate::{
    cast::{
        PATIENCE,
        kernel::{once, own_pid},
        not_run, receive,
        table::table,
    },
    lesson::{Lesson, Part},
    stage::{Exit, Seen, Stage},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "processes",
    part: Part::Together,
    en: include_str!("en.md"),
    zh: include_str!("zh.md"),
    files: &[
        ("mod.rs", include_str!("mod.rs")),
        ("family.py", include_str!("family.py")),
    ],
    examples: &[
        (
            "line",
            "PID   PPID  State         Name\n\
             4711  1200  R (running)   portlab\n\
             1200  1188  S (sleeping)  bash\n\
             1188  1     S (sleeping)  tmux: server\n\
             1     0     S (sleeping)  systemd",
        ),
        ("pid", "4711"),
        ("ppid", "1200"),
        ("parent", "bash"),
        (
            "both",
            "PID   PPID  number  where in memory\n\
             4711  1200  100     0x7ffc8a3b1c4c\n\
             4719  4711  101     0x7ffc8a3b1c4c",
        ),
        ("child", "4719"),
        ("ended", "4720"),
        ("state", "Z (zombie)"),
        (
            "dead",
            "Name   portlab\nState  Z (zombie)\nPid    4720\nPPid   4711",
        ),
        (
            "told",
            "4721  portlab serve --json --bind 127.0.0.1:0\n      --service reply --reply maths\n\
             4724  portlab serve --json --bind 127.0.0.1:0\n      --service reply --reply music",
        ),
        ("first", "maths"),
        ("second", "music"),
        ("said_first", "maths"),
        ("said_second", "music"),
        ("name", "Ming"),
        ("printed", "child  4731 ['Ming', 'Ming']\nparent 4730 []"),
    ],
    examples_zh: &[
        (
            "both",
            "PID   PPID  number  内存地址\n\
             4711  1200  100     0x7ffc8a3b1c4c\n\
             4719  4711  101     0x7ffc8a3b1c4c",
        ),
        (
            "told",
            "4721  portlab serve --json --bind 127.0.0.1:0\n      --service reply --reply 数学\n\
             4724  portlab serve --json --bind 127.0.0.1:0\n      --service reply --reply 音乐",
        ),
        ("first", "数学"),
        ("second", "音乐"),
        ("said_first", "数学"),
        ("said_second", "音乐"),
        ("name", "小明"),
        ("printed", "child  4731 ['小明', '小明']\nparent 4730 []"),
    ],
    play,
};

fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    number(stage)?;
    // Forking is for a process with one thread, and so it comes before all that starts others.
    let alone = Alone::claim().map_err(io::Error::other)?;
    let mut children = Children::new()?;
    copy(stage, &mut children, &alone)?;
    zombie(stage, &mut children, &alone)?;
    arguments(stage)?;
    python(stage)
}

/// A running program has a number and a parent.
fn number(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut act = stage.step("number")?;
    let (pid, ppid) = (own_pid(), parent_id().cast_signed());
    let mut line = vec![["PID", "PPID", "State", "Name"].map(str::to_owned)];
    let mut next = Some(pid);
    while let Some(pid) = next.filter(|pid| *pid != 0 && line.len() < 5) {
        let names = ["Pid", "PPid", "State", "Name"];
        line.push(names.map(|name| status(pid, name).unwrap_or_default()));
        next = status(pid, "PPid").and_then(|it| it.parse().ok());
    }
    act.set("line", table(&line));
    act.set("pid", pid);
    act.set("ppid", ppid);
    act.set("parent", status(ppid, "Name").unwrap_or_default());
    act.seen("number", status(pid, "Pid") == Some(pid.to_string()));
    act.seen(
        "parent",
        match ppid {
            // It lives outside the container, whose processes alone are listed.
            0 => Seen::NotHere,
            _ => (status(pid, "PPid") == Some(ppid.to_string())).into(),
        },
    );
    act.end()
}

/// A child changes its number, and the parent's is as before.
fn copy(stage: &mut Stage<'_>, children: &mut Children, alone: &Alone) -> Result<(), Exit> {
    let mut act = stage.step("copy")?;
    let mut number = 100;
    let (ours, theirs) = UnixStream::pair()?;
    let child = match children.fork(alone)? {
        Forked::Parent(pid) => pid,
        Forked::Child(_) => {
            number += 1;
            tell(&number, &theirs);
            leave(true)
        }
    };
    let child = child.as_raw_nonzero().get();
    let told = line_from(&ours)?;
    let (childs_number, childs_place) = told.split_once(' ').unwrap_or((&told, ""));
    let own = own_pid();
    let place = format!("{:p}", &number);
    let where_in_memory = match act.stage().lang() {
        Lang::En => "where in memory",
        Lang::Zh => "内存地址",
    };
    let row = |pid, number: &str, place: &str| {
        let ppid = status(pid, "PPid").unwrap_or_default();
        [pid.to_string(), ppid, number.to_owned(), place.to_owned()]
    };
    act.set(
        "both",
        table(&[
            ["PID", "PPID", "number", where_in_memory].map(str::to_owned),
            row(own, &number.to_string(), &place),
            row(child, childs_number, childs_place),
        ]),
    );
    act.set("child", child);
    act.seen("born", status(child, "PPid") == Some(own.to_string()));
    act.seen("apart", (number, childs_number) == (100, "101"));
    act.seen("place", childs_place == place);
    (&ours).write_all(b".")?;
    once(|| !children.reap().is_empty());
    act.end()
}

/// A child that has ended, and that nobody has waited for yet.
fn zombie(stage: &mut Stage<'_>, children: &mut Children, alone: &Alone) -> Result<(), Exit> {
    let mut act = stage.step("zombie")?;
    let child = match children.fork(alone)? {
        Forked::Parent(pid) => pid,
        Forked::Child(_) => leave(true),
    };
    let pid = child.as_raw_nonzero().get();
    let is_zombie = || status(pid, "State").is_some_and(|state| state.starts_with('Z'));
    let was_seen = once(is_zombie);
    let names = ["Name", "State", "Pid", "PPid"];
    let dead = names.map(|name| [name.to_owned(), status(pid, name).unwrap_or_default()]);
    act.set("dead", table(&dead));
    act.set("ended", pid);
    act.set("state", status(pid, "State").unwrap_or_default());
    act.seen("zombie", was_seen);
    let reaped = children.reap();
    let reaped = reaped.iter().find(|it| it.pid == child);
    act.seen("well", reaped.is_some_and(|it| it.well));
    act.seen("gone", status(pid, "State").is_none());
    act.end()
}

/// One program twice, told different words.
fn arguments(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let words = match stage.lang() {
        Lang::En => ["maths", "music"],
        Lang::Zh => ["数学", "音乐"],
    };
    stage.set("first", words[0]);
    stage.set("second", words[1]);
    let mut act = stage.step("arguments")?;
    let start = |word| {
        let stage = act.stage();
        stage.server(&["--service", "reply", "--reply", word])
    };
    // Both run, and only then is either looked at or asked.
    let [first, second] = words.map(start);
    let servers = [first?, second?];
    let lines = servers.each_ref().map(|it| words_of(it.pid()));
    let [first, second] = servers.each_ref().map(|it| ask(it.addr()));
    let said = [first?, second?];
    let told = servers.iter().zip(&lines).map(told_of);
    act.set("told", told.collect::<Vec<_>>().join("\n"));
    act.set("said_first", &said[0]);
    act.set("said_second", &said[1]);
    act.seen(
        "listed",
        lines.iter().zip(words).all(|(it, word)| it.ends_with(word)),
    );
    act.seen("obeyed", said == words);
    drop(servers);
    act.end()
}

/// The same as a student writes it.
fn python(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let name = match stage.lang() {
        Lang::En => "Ming",
        Lang::Zh => "小明",
    };
    stage.set("name", name);
    let mut act = stage.step("python")?;
    let student = act.stage().student("family.py", &[name])?;
    let printed = student.map(|it| it.rest());
    let are_apart = |printed: &Vec<String>| match printed.as_slice() {
        [child, parent] => {
            let is_childs = child.ends_with(&format!("['{name}', '{name}']"));
            is_childs && parent.ends_with(" []")
        }
        _ => false,
    };
    act.seen("apart", printed.as_ref().map(are_apart));
    let printed = printed.map(|lines| lines.join("\n"));
    let not_run = not_run(act.stage().lang());
    act.set("printed", printed.as_deref().unwrap_or(not_run));
    act.end()
}

/// The words by which a process was started, the program's without its folder; none when it is gone.
fn words_of(pid: i32) -> String {
    let line = command_line(pid).unwrap_or_default();
    let (program, rest) = line.split_once(' ').unwrap_or((&line, ""));
    let program = program.rsplit('/').next().unwrap_or(program);
    format!("{program} {rest}")
}

/// A server and its words, which take two lines.
fn told_of((server, line): (&Server, &String)) -> String {
    let (before, after) = line.split_once(" --service").unwrap_or((line, ""));
    let pid = server.pid().to_string();
    let indent = " ".repeat(pid.len());
    format!("{pid}  {before}\n{indent}  --service{after}")
}

/// What a server answers.
fn ask(addr: std::net::SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.write_all(b"?\n")?;
    let answer = receive(&mut stream)?;
    Ok(String::from_utf8_lossy(&answer).trim().to_owned())
}

/// Tells the parent a number and where it is, and waits until the parent has looked at this process.
fn tell(number: &i32, mut parent: &UnixStream) {
    // Should the parent have gone, so has this process in a moment.
    let _ = writeln!(parent, "{number} {number:p}");
    let _ = parent.read(&mut [0]);
}

/// The next line that comes.
fn line_from(stream: &UnixStream) -> io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

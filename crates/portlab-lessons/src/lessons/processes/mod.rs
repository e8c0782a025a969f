//! Processes: each has a number, a parent and a memory of its own, and its parent must wait for its end.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::SocketAddr,
    os::unix::{net::UnixStream, process::parent_id},
};

use portlab_lab::Server;
use portlab_sys::{
    alone::Alone,
    children::{Children, Forked, leave},
    process::{command_line, status},
};
use portlab_words::table::columns;

use crate::{
    cast::{
        Client, PATIENCE,
        kernel::{once, own_pid},
    },
    stage::{Exit, Seen, Stage},
};

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    number(stage)?;
    // Only a process with one thread may fork, so these steps come before those that start threads.
    let alone = Alone::claim().map_err(io::Error::other)?;
    let mut children = Children::new()?;
    copy(stage, &mut children, &alone)?;
    zombie(stage, &mut children, &alone)?;
    arguments(stage)?;
    python(stage)?;
    by_place_and_by_name(stage)?;
    daemon(stage)
}

/// The number and the parent of this process.
fn number(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("number")?;
    let (pid, ppid) = (own_pid(), parent_id().cast_signed());
    let mut line = vec![["PID", "PPID", "State", "Name"].map(str::to_owned)];
    let mut next = Some(pid);
    while let Some(pid) = next.filter(|pid| *pid != 0 && line.len() < 5) {
        let names = ["Pid", "PPid", "State", "Name"];
        line.push(names.map(|name| status(pid, name).unwrap_or_default()));
        next = status(pid, "PPid").and_then(|it| it.parse().ok());
    }
    step.set("line", columns(&line, 2));
    step.set("pid", pid);
    step.set("ppid", ppid);
    step.set("parent", status(ppid, "Name").unwrap_or_default());
    step.seen("number", status(pid, "Pid") == Some(pid.to_string()));
    step.seen(
        "parent",
        match ppid {
            // The parent is outside the container, and only the container's processes are listed.
            0 => Seen::NotHere,
            _ => (status(pid, "PPid") == Some(ppid.to_string())).into(),
        },
    );
    step.end()
}

/// A child changes its number, and the parent's stays the same.
fn copy(stage: &mut Stage<'_>, children: &mut Children, alone: &Alone) -> Result<(), Exit> {
    let mut step = stage.step("copy")?;
    let mut number = 100;
    let (ours, theirs) = UnixStream::pair()?;
    let child = match children.fork(alone)? {
        Forked::Parent(pid) => pid,
        Forked::Child(_) => {
            number += 1;
            send_number(&number, &theirs);
            leave(true)
        }
    };
    let child = child.as_raw_nonzero().get();
    let line = line_from(&ours)?;
    let (childs_number, childs_place) = line.split_once(' ').unwrap_or((&line, ""));
    let own = own_pid();
    let place = format!("{:p}", &number);
    let where_in_memory = step.lang().pick("where in memory", "内存地址");
    let row = |pid, number: &str, place: &str| {
        let ppid = status(pid, "PPid").unwrap_or_default();
        [pid.to_string(), ppid, number.to_owned(), place.to_owned()]
    };
    let rows = [
        ["PID", "PPID", "number", where_in_memory].map(str::to_owned),
        row(own, &number.to_string(), &place),
        row(child, childs_number, childs_place),
    ];
    step.set("both", columns(&rows, 2));
    step.set("child", child);
    step.seen("born", status(child, "PPid") == Some(own.to_string()));
    step.seen("apart", (number, childs_number) == (100, "101"));
    step.seen("place", childs_place == place);
    (&ours).write_all(b".")?;
    once(|| !children.reap().is_empty());
    step.end()
}

/// A child that has ended before its parent has waited for it.
fn zombie(stage: &mut Stage<'_>, children: &mut Children, alone: &Alone) -> Result<(), Exit> {
    let mut step = stage.step("zombie")?;
    let child = match children.fork(alone)? {
        Forked::Parent(pid) => pid,
        Forked::Child(_) => leave(true),
    };
    let pid = child.as_raw_nonzero().get();
    let is_zombie = || status(pid, "State").is_some_and(|state| state.starts_with('Z'));
    let was_seen = once(is_zombie);
    let names = ["Name", "State", "Pid", "PPid"];
    let dead = names.map(|name| [name.to_owned(), status(pid, name).unwrap_or_default()]);
    step.set("dead", columns(&dead, 2));
    step.set("ended", pid);
    step.set("state", status(pid, "State").unwrap_or_default());
    step.seen("zombie", was_seen);
    let reaped = children.reap();
    let reaped = reaped.iter().find(|it| it.pid == child);
    step.seen("well", reaped.is_some_and(|it| it.well));
    step.seen("gone", status(pid, "State").is_none());
    step.end()
}

/// One program twice, with different arguments.
fn arguments(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let words = stage.lang().pick(["maths", "music"], ["数学", "音乐"]);
    stage.set("first", words[0]);
    stage.set("second", words[1]);
    let mut step = stage.step("arguments")?;
    let start = |word| {
        let stage = &mut step;
        stage.server(&["--service", "reply", "--reply", word])
    };
    // Both run before either is examined.
    let [first, second] = words.map(start);
    let servers = [first?, second?];
    let lines = servers.each_ref().map(|it| command_line_of(it.pid()));
    let [first, second] = servers.each_ref().map(|it| ask(it.addr()));
    let said = [first?, second?];
    let shown = servers.iter().zip(&lines).map(pid_and_line);
    step.set("told", shown.collect::<Vec<_>>().join("\n"));
    step.set("said_first", &said[0]);
    step.set("said_second", &said[1]);
    let are_listed = lines.iter().zip(words).all(|(it, word)| it.ends_with(word));
    step.seen("listed", are_listed);
    step.seen("obeyed", said == words);
    drop(servers);
    step.end()
}

/// A fork in Python.
fn python(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let name = stage.lang().pick("Ming", "小明");
    stage.set("name", name);
    let mut step = stage.step("python")?;
    let student = step.student("family.py", &[name])?;
    let printed = student.map(|it| it.rest().join("\n"));
    step.printed("apart", "printed", printed, |printed| {
        let lines = printed.split_once('\n');
        lines.is_some_and(|(child, parent)| {
            child.ends_with(&format!("['{name}', '{name}']")) && parent.ends_with(" []")
        })
    });
    step.end()
}

/// Arguments in a tuple and in a dictionary, in Python.
fn by_place_and_by_name(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("named")?;
    let name = step.lang().pick("Ming", "小明");
    let student = step.student("named.py", &[name])?;
    let (lines, error) = student.map(|it| (it.rest(), it.error_line())).unzip();
    let said = [format!("{name} {name}"), "exit code 0".to_owned()];
    let has = |lines: &[String], at: usize| lines.get(at..at + 2) == Some(&said[..]);
    let fails = |lines: &[String]| lines.get(4..) == Some(&["exit code 1".to_owned()]);
    step.seen("named", lines.as_deref().map(|lines| has(lines, 2)));
    let has_failed = lines.as_deref().is_some_and(fails);
    step.printed("no_comma", "error", error, |it| {
        has_failed && it.starts_with("TypeError")
    });
    let is_first = lines.as_deref().is_some_and(|lines| has(lines, 0));
    let runs = lines.map(|lines| lines.join("\n"));
    step.printed("both", "runs", runs, |_| is_first);
    step.end()
}

/// A child that its parent waits for, and one that is ended with its parent, in Python.
fn daemon(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("guard")?;
    let ordinary = outcome(&mut step, ["0.3", "ordinary"])?;
    step.printed("waits", "waits", ordinary, |printed| {
        printed.ends_with("\nparent ends\nchild ends")
    });
    let daemon = outcome(&mut step, ["60", "daemon"])?;
    let child = daemon.as_ref().map(|printed| {
        let number = printed.split_whitespace().nth(1);
        number.and_then(|it| it.parse().ok()).unwrap_or(0)
    });
    step.printed("guard", "leaves", daemon, |printed| {
        printed.ends_with("\nparent ends")
    });
    step.set("guarded", child.unwrap_or(0));
    let is_gone = |child| child > 0 && once(|| status(child, "State").is_none());
    step.seen("gone", child.map(is_gone));
    step.end()
}

/// What the student's program with a child printed until its end; `None` without Python.
fn outcome(stage: &mut Stage<'_>, arguments: [&str; 2]) -> io::Result<Option<String>> {
    let student = stage.student("guard.py", &arguments)?;
    Ok(student.map(|it| it.rest().join("\n")))
}

/// The command line of a process, without the program's folder; empty if the process is gone.
fn command_line_of(pid: i32) -> String {
    let line = command_line(pid).unwrap_or_default();
    let (program, rest) = line.split_once(' ').unwrap_or((&line, ""));
    let program = program.rsplit('/').next().unwrap_or(program);
    format!("{program} {rest}")
}

/// A server and its command line, in two lines.
fn pid_and_line((server, line): (&Server, &String)) -> String {
    let (before, after) = line.split_once(" --service").unwrap_or((line, ""));
    let pid = server.pid().to_string();
    let indent = " ".repeat(pid.len());
    format!("{pid}  {before}\n{indent}  --service{after}")
}

/// The answer of a server.
fn ask(addr: SocketAddr) -> io::Result<String> {
    let mut client = Client::connect(addr)?;
    client.send("?\n")?;
    let answer = client.receive()?.unwrap_or_default();
    Ok(answer.trim().to_owned())
}

/// Sends the parent a number and its address in memory, and waits until the parent has examined this process.
fn send_number(number: &i32, mut parent: &UnixStream) {
    // Fails only if the parent has ended; then this process ends too.
    let _ = writeln!(parent, "{number} {number:p}");
    let _ = parent.read(&mut [0]);
}

/// Reads a line.
fn line_from(stream: &UnixStream) -> io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

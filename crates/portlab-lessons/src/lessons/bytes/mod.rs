//! Bytes are not messages: two sends in one read, one character in two reads.

mod part;

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
};

use portlab_sys::sockets::Socket;

use crate::{
    cast::{
        accept, connection, encoded, encoding, hex,
        kernel::{shown, sockets_once},
        read_as,
        table::table,
    },
    lesson::{Lesson, Part},
    stage::{Exit, Stage},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "bytes",
    part: Part::Talk,
    en: include_str!("en.md"),
    zh: include_str!("zh.md"),
    files: &[
        ("mod.rs", include_str!("mod.rs")),
        ("part.rs", include_str!("part.rs")),
        ("split.py", include_str!("split.py")),
    ],
    examples: &[
        (
            "queue",
            "State       Recv-Q Send-Q Local           Peer            Process\n\
             ESTABLISHED 12     0      127.0.0.1:40231 127.0.0.1:51334 4711/portlab",
        ),
        ("read", "12"),
        ("together", "你好再见"),
        ("four", "e4 bd a0 e5"),
        (
            "error",
            "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe5 in position 3: \
             unexpected end of data",
        ),
        ("sent", "1201"),
        ("lead", "ba"),
        ("tail", "好好好�"),
        (
            "gbk_error",
            "UnicodeDecodeError: 'gbk' codec can't decode byte 0xba in position 1023: \
             incomplete multibyte sequence",
        ),
        (
            "growing",
            "e4\nbd\na0    你\ne5    你\na5    你\nbd    你好",
        ),
        ("first", "你好"),
        ("second", "再见"),
        (
            "framed",
            "00 00 00 0d e4 bd a0 e5 a5 bd 0a e5 86 8d e8 a7 81",
        ),
        ("length", "13"),
        ("length_hex", "0d"),
        ("asked", "8000000"),
        ("taken", "174592"),
        ("unsent", "65536"),
        ("unread", "109056"),
        ("arrived", "8000000"),
    ],
    examples_zh: &[],
    play,
};

fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    two_sends_in_one_read(stage)?;
    one_character_in_two_reads(stage)?;
    a_decoder_that_waits(stage)?;
    where_a_message_ends(stage)?;
    part::a_part_is_sent(stage)
}

fn two_sends_in_one_read(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut act = stage.step("together")?;
    let (mut client, mut served) = connection()?;
    client.write_all("你好".as_bytes())?;
    client.write_all("再见".as_bytes())?;
    let queue = wait_for_unread(&served, 12)?;
    act.seen("waits", queue.is_some());
    act.set("queue", queue.unwrap_or_default());
    let mut buffer = [0; 1024];
    let read = served.read(&mut buffer)?;
    let together = String::from_utf8_lossy(&buffer[..read]).into_owned();
    act.seen("one", (read, together.as_str()) == (12, "你好再见"));
    act.set("read", read);
    act.set("together", together);
    act.end()
}

fn one_character_in_two_reads(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let long = encoded("gbk", &long_text())?;
    stage.set("sent", long.len());
    let mut act = stage.step("split")?;
    let four = first_read("你好".as_bytes(), 4)?;
    act.set("four", hex(&four));
    act.seen("cut", four == [0xe4, 0xbd, 0xa0, 0xe5]);

    let block = first_read(&long, 1024)?;
    let text = read_as(encoding("gbk"), &block);
    let tail: String = text.chars().skip(text.chars().count() - 4).collect();
    act.set("lead", hex(&block[block.len() - 1..]));
    act.seen("half", block.len() == 1024 && tail == "好好好\u{fffd}");
    act.set("tail", tail);

    for (claim, name, bytes, options) in [
        ("python", "error", "你好".as_bytes(), ["4", "utf-8"]),
        ("gbk_python", "gbk_error", &long, ["1024", "gbk"]),
    ] {
        let error = students_error(act.stage(), bytes, options)?;
        let of_decoding = |error: &String| error.starts_with("UnicodeDecodeError");
        let seen = error.as_ref().map(of_decoding);
        act.seen(claim, seen);
        act.set(name, error.unwrap_or_default());
    }
    act.end()
}

fn a_decoder_that_waits(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut act = stage.step("whole")?;
    let growing = read_byte_by_byte("utf-8", "你好")?;
    let texts: Vec<_> = growing.iter().map(|[_, text]| text.as_str()).collect();
    act.seen("waits", texts[..3] == ["", "", "你"]);
    act.seen("whole", texts.last() == Some(&"你好"));
    act.set("growing", table(&growing));
    let gbk = read_byte_by_byte("gbk", &long_text())?;
    let [_, text] = gbk.last().cloned().unwrap_or_default();
    act.seen("gbk", text == long_text());
    act.end()
}

fn where_a_message_ends(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut act = stage.step("ends")?;
    let (mut client, mut served) = connection()?;
    client.write_all("你好\n再见\n".as_bytes())?;
    // Five bytes at a time: no read ends where a line does.
    let reader = BufReader::with_capacity(5, &served);
    let lines: Vec<String> = reader.lines().take(2).collect::<Result<_, _>>()?;
    act.seen("lines", lines == ["你好", "再见"]);
    for (name, line) in ["first", "second"].into_iter().zip(&lines) {
        act.set(name, line);
    }

    let message = "你好\n再见".as_bytes();
    send_message(&mut client, message)?;
    send_message(&mut client, message)?;
    let [first, second] = [receive_message(&mut served)?, receive_message(&mut served)?];
    act.seen("length", first == message && second == message);
    act.set("length", message.len());
    act.set("length_hex", format!("{:02x}", message.len()));
    let length = (message.len() as u32).to_be_bytes();
    act.set("framed", hex(&[&length, message].concat()));
    act.end()
}

/// More than a read of 1024 bytes, and odd: a letter, and 600 characters of two bytes.
fn long_text() -> String {
    format!("a{}", "好".repeat(600))
}

/// Waits until `bytes` bytes wait to be read, and shows their queue; `None` when they don't come.
fn wait_for_unread(served: &TcpStream, bytes: u32) -> io::Result<Option<String>> {
    let (own, peer) = (served.local_addr()?, served.peer_addr()?);
    let is_it = |it: &Socket| (it.local, it.remote) == (own, peer);
    let has_come = |it: &Socket| is_it(it) && it.unread == bytes;
    let mut found = sockets_once(own.port(), |all| all.iter().any(has_come))?;
    found.retain(has_come);
    Ok((!found.is_empty()).then(|| shown(&found)))
}

/// What the first read of at most `size` bytes brings, when all of `bytes` are there.
fn first_read(bytes: &[u8], size: usize) -> io::Result<Vec<u8>> {
    let (mut client, mut served) = connection()?;
    client.write_all(bytes)?;
    wait_for_unread(&served, bytes.len() as u32)?;
    let mut buffer = vec![0; size];
    let read = served.read(&mut buffer)?;
    buffer.truncate(read);
    Ok(buffer)
}

/// What a student's program says at last that reads once and decodes; `None` without Python.
fn students_error(
    stage: &mut Stage<'_>,
    bytes: &[u8],
    [size, encoding]: [&str; 2],
) -> io::Result<Option<String>> {
    let door = TcpListener::bind(("127.0.0.1", 0))?;
    let port = door.local_addr()?.port().to_string();
    let Some(student) = stage.student("split.py", &[&port, size, encoding])? else {
        return Ok(None);
    };
    let mut served = accept(&door)?;
    served.write_all(bytes)?;
    Ok(Some(student.complaint()))
}

/// Sends a text byte by byte, and what a decoder has made of it after each.
fn read_byte_by_byte(label: &str, text: &str) -> io::Result<Vec<[String; 2]>> {
    let (mut client, mut served) = connection()?;
    let (mut decoder, mut text_so_far) = (encoding(label).decoder(), String::new());
    let mut growing = Vec::new();
    for byte in encoded(label, text)? {
        client.write_all(&[byte])?;
        let mut buffer = [0; 1024];
        let read = served.read(&mut buffer)?;
        decoder.decode(&buffer[..read], false, &mut text_so_far);
        growing.push([format!("{:4}", hex(&buffer[..read])), text_so_far.clone()]);
    }
    Ok(growing)
}

fn send_message(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = message.len() as u32;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(message)
}

fn receive_message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut message)?;
    Ok(message)
}

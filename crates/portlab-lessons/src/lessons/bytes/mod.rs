//! Bytes are not messages: two sends in one read, one character in two reads.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use portlab_sys::sockets::Socket;
use portlab_words::table::columns;
use socket2::SockRef;

use crate::{
    cast::{Ends, accept, connection, encoded, encoding, hex, kernel::shown, read_as},
    stage::{Exit, Stage},
};

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    two_sends_in_one_read(stage)?;
    one_character_in_two_reads(stage)?;
    a_decoder_that_waits(stage)?;
    where_a_message_ends(stage)?;
    a_part_is_sent(stage)
}

fn two_sends_in_one_read(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("together")?;
    let (mut client, mut served) = connection()?;
    client.write_all("你好".as_bytes())?;
    client.write_all("再见".as_bytes())?;
    let queue = wait_for_unread(&served, 12)?;
    step.seen("waits", queue.is_some());
    step.set("queue", queue.unwrap_or_default());
    let mut buffer = [0; 1024];
    let read = served.read(&mut buffer)?;
    let together = String::from_utf8_lossy(&buffer[..read]).into_owned();
    step.seen("one", (read, together.as_str()) == (12, "你好再见"));
    step.set("read", read);
    step.set("together", together);
    step.end()
}

fn one_character_in_two_reads(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let long = encoded("gbk", &long_text())?;
    stage.set("sent", long.len());
    let mut step = stage.step("split")?;
    let four = first_read("你好".as_bytes(), 4)?;
    step.set("four", hex(&four));
    step.seen("cut", four == [0xe4, 0xbd, 0xa0, 0xe5]);

    let block = first_read(&long, 1024)?;
    let text = read_as(encoding("gbk"), &block);
    let tail: String = text.chars().skip(text.chars().count() - 4).collect();
    step.set("lead", hex(&block[block.len() - 1..]));
    step.seen("half", block.len() == 1024 && tail == "好好好\u{fffd}");
    step.set("tail", tail);

    for (claim, name, bytes, options) in [
        ("python", "error", "你好".as_bytes(), ["4", "utf-8"]),
        ("gbk_python", "gbk_error", &long, ["1024", "gbk"]),
    ] {
        let error = students_error(&mut step, bytes, options)?;
        step.printed(claim, name, error, |it| {
            it.starts_with("UnicodeDecodeError")
        });
    }
    step.end()
}

fn a_decoder_that_waits(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("whole")?;
    let growing = read_byte_by_byte("utf-8", "你好")?;
    let texts: Vec<_> = growing.iter().map(|[_, text]| text.as_str()).collect();
    step.seen("waits", texts[..3] == ["", "", "你"]);
    step.seen("whole", texts.last() == Some(&"你好"));
    step.set("growing", columns(&growing, 2));
    let gbk = read_byte_by_byte("gbk", &long_text())?;
    let [_, text] = gbk.last().cloned().unwrap_or_default();
    step.seen("gbk", text == long_text());
    step.end()
}

fn where_a_message_ends(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("ends")?;
    let (mut client, mut served) = connection()?;
    client.write_all("你好\n再见\n".as_bytes())?;
    // Five bytes at a time: no read ends where a line does.
    let reader = BufReader::with_capacity(5, &served);
    let lines: Vec<String> = reader.lines().take(2).collect::<Result<_, _>>()?;
    step.seen("lines", lines == ["你好", "再见"]);
    for (name, line) in ["first", "second"].into_iter().zip(&lines) {
        step.set(name, line);
    }

    let message = "你好\n再见".as_bytes();
    send_message(&mut client, message)?;
    send_message(&mut client, message)?;
    let [first, second] = [receive_message(&mut served)?, receive_message(&mut served)?];
    step.seen("length", first == message && second == message);
    step.set("length", message.len());
    step.set("length_hex", format!("{:02x}", message.len()));
    let length = (message.len() as u32).to_be_bytes();
    step.set("framed", hex(&[&length, message].concat()));
    step.end()
}

/// Shows that a non-blocking `send` takes only the bytes that fit into the buffer.
fn a_part_is_sent(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let data = vec![b'x'; 8_000_000];
    stage.set("asked", data.len());
    let mut step = stage.step("part")?;
    let (mut client, served) = connection()?;
    // Small buffers, so that the outcome is the same on every machine.
    SockRef::from(&client).set_send_buffer_size(64 << 10)?;
    SockRef::from(&served).set_recv_buffer_size(64 << 10)?;

    client.set_nonblocking(true)?;
    let taken = client.write(&data)?;
    step.set("taken", taken);
    step.seen("fewer", (1..data.len()).contains(&taken));
    let ends = Ends::of(&client)?;
    let is_all = |(unread, unsent): (u32, u32)| (unread + unsent) as usize == taken;
    let (unread, unsent) = ends.queues(&ends.once(|all| is_all(ends.queues(all)))?);
    step.set("unsent", unsent);
    step.set("unread", unread);
    step.seen("queued", is_all((unread, unsent)));

    let reader = thread::spawn(move || io::copy(&mut &served, &mut io::sink()));
    client.set_nonblocking(false)?;
    client.write_all(&data[taken..])?;
    drop(client);
    let arrived = reader.join().unwrap_or(Ok(0))?;
    step.set("arrived", arrived);
    step.seen("rest", arrived == data.len() as u64);
    step.end()
}

/// More than a read of 1024 bytes, and odd: a letter, and 600 characters of two bytes.
fn long_text() -> String {
    format!("a{}", "好".repeat(600))
}

/// Waits until `bytes` bytes are ready to be read, and returns the line of their socket; `None` when they don't come.
fn wait_for_unread(served: &TcpStream, bytes: u32) -> io::Result<Option<String>> {
    let own = served.local_addr()?;
    let has_come = |it: &Socket| (it.local, it.unread) == (own, bytes);
    let ends = Ends {
        server: own,
        client: served.peer_addr()?,
    };
    let mut found = ends.once(|ends| ends.iter().any(has_come))?;
    found.retain(has_come);
    Ok((!found.is_empty()).then(|| shown(&found)))
}

/// The bytes that one read of at most `size` bytes returns, after all of `bytes` have arrived.
fn first_read(bytes: &[u8], size: usize) -> io::Result<Vec<u8>> {
    let (mut client, mut served) = connection()?;
    client.write_all(bytes)?;
    wait_for_unread(&served, bytes.len() as u32)?;
    let mut buffer = vec![0; size];
    let read = served.read(&mut buffer)?;
    buffer.truncate(read);
    Ok(buffer)
}

/// The error of a student's program that reads once and decodes; `None` without Python.
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
    Ok(Some(student.error_line()))
}

/// Sends a text byte by byte. Returns, for each byte, the byte and the text that a decoder has produced so far.
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

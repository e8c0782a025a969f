//! Encodings: the same text as different bytes, the same bytes as different texts.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
};

use portlab_lab::Server;
use portlab_service::TextEncoding;
use portlab_words::table::columns;

use crate::{
    cast::{connect, connection, encoding, hex, read_as},
    stage::{Exit, Stage},
};

const SENTENCE: &str = "你好，服务端！";
const ANSWER: &str = "你好，客户端！";

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    one_text_two_kinds_of_bytes(stage)?;
    read_with_the_wrong_one(stage)?;
    through_three_programs(stage)?;
    uninitialised_memory(stage)?;
    what_gbk_has_no_place_for(stage)?;
    agreed(stage)
}

fn one_text_two_kinds_of_bytes(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let [utf8, gbk] = ["utf-8", "gbk"].map(encoding);
    stage.set("sentence", SENTENCE);
    stage.set("characters", SENTENCE.chars().count());
    let mut step = stage.step("bytes")?;
    let mut rows = vec![["", "UTF-8", "GBK"].map(str::to_owned)];
    for character in SENTENCE.chars().map(String::from) {
        let bytes = [bytes_of(&character, utf8)?, bytes_of(&character, gbk)?];
        let [in_utf8, in_gbk] = bytes.map(|bytes| hex(&bytes));
        rows.push([character, in_utf8, in_gbk]);
    }
    step.set("table", columns(&rows, 2));
    let (in_utf8, in_gbk) = (bytes_of(SENTENCE, utf8)?, bytes_of(SENTENCE, gbk)?);
    step.set("utf8", in_utf8.len());
    step.set("gbk", in_gbk.len());
    step.seen("utf8", in_utf8.len() == 21);
    step.seen("gbk", in_gbk.len() == 14);
    let said = step.student("encode.py", &[])?;
    let ours = [in_utf8, in_gbk].map(|bytes| format!("{} {}", bytes.len(), hex(&bytes)));
    step.seen("python", said.map(|student| student.rest() == ours));
    step.end()
}

fn read_with_the_wrong_one(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let [utf8, gbk] = ["utf-8", "gbk"].map(encoding);
    let mut step = stage.step("wrong")?;
    let arrived = carried(&bytes_of("你好", utf8)?)?;
    let mojibake = read_as(gbk, &arrived);
    let pairs = [0, 2, 4].map(|at| arrived.get(at..at + 2).unwrap_or_default());
    let texts = pairs.map(|pair| read_as(gbk, pair));
    step.set("pairs", columns(&[pairs.map(hex), texts], 2));
    step.seen("other", mojibake == "浣犲ソ");
    let back = read_as(utf8, &bytes_of(&mojibake, gbk)?);
    step.seen("back", back == "你好");
    step.set("mojibake", mojibake);
    step.set("back", back);
    let marks = read_as(utf8, &carried(&bytes_of("你好", gbk)?)?);
    let only_marks = marks.chars().all(|it| it == '\u{fffd}');
    step.seen("marks", only_marks && !marks.is_empty());
    step.set("marks", marks);
    step.end()
}

fn through_three_programs(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let [utf8, gbk] = ["utf-8", "gbk"].map(encoding);
    let mut step = stage.step("famous")?;
    // Each passes through a connection of its own: from the first program to the second, and from the second to the third.
    let pass_on = |text| -> io::Result<[Vec<u8>; 2]> {
        let first = carried(&bytes_of(text, gbk)?)?;
        let read = read_as(utf8, &first);
        let second = carried(&bytes_of(&read, utf8)?)?;
        Ok([first, second])
    };
    let [first, second] = pass_on("你")?;
    let read = read_as(utf8, &first);
    let third = read_as(gbk, &second);
    step.set("first_bytes", hex(&first));
    step.set("second_bytes", hex(&second));
    step.seen("replaced", read == "\u{fffd}\u{fffd}");
    step.set("second_reads", read);
    step.seen("famous", third == "锟斤拷");
    step.set("third_reads", &third);
    let [_, other] = pass_on("好")?;
    let other = read_as(gbk, &other);
    step.seen("lost", other == third);
    step.set("other_reads", other);
    step.end()
}

fn uninitialised_memory(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let gbk = encoding("gbk");
    let memory = [0xcc; 6];
    stage.set("memory", hex(&memory));
    let mut step = stage.step("memory")?;
    let hot = read_as(gbk, &carried(&memory)?);
    step.seen("hot", hot == "烫烫烫");
    step.set("hot", hot);
    let heap = read_as(gbk, &carried(&[0xcd; 6])?);
    step.seen("heap", heap == "屯屯屯");
    step.set("heap", heap);
    step.end()
}

fn what_gbk_has_no_place_for(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let gbk = encoding("gbk");
    let mut step = stage.step("missing")?;
    let text = "你好😀";
    let refusal = gbk.encode(text).err();
    let missing = refusal.as_ref().map(|error| error.character);
    step.seen("refused", missing == Some('😀'));
    step.set("missing", missing.unwrap_or_default());
    let mut bytes = Vec::new();
    gbk.encode_with_marks(text, &mut bytes);
    let arrived = carried(&bytes)?;
    step.set("smile_bytes", hex(&arrived));
    let read = read_as(gbk, &arrived);
    step.seen("mark", read == "你好?");
    step.set("smile_text", &read);
    let said = step.student("smile.py", &[])?;
    let said = said.map(|student| (student.rest(), student.error_line()));
    step.set("error", said.as_ref().map_or("", |(_, error)| error));
    let as_told = |(lines, error): &(Vec<String>, String)| {
        error.starts_with("UnicodeEncodeError") && lines.contains(&read)
    };
    step.seen("python", said.as_ref().map(as_told));
    step.end()
}

fn agreed(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let [utf8, gbk] = ["utf-8", "gbk"].map(encoding);
    let server = stage.server(&["--service", "reply", "--reply", ANSWER, "--encoding", "gbk"])?;
    stage.set("server", server.addr());
    let mut step = stage.step("agree")?;
    let answer = answer_of(&server, gbk)?;
    step.set("answer_bytes", hex(&answer));
    let in_gbk = read_as(gbk, &answer);
    let in_utf8 = read_as(utf8, &answer_of(&server, gbk)?);
    step.seen("gbk", in_gbk == ANSWER);
    step.seen("utf8", in_utf8.contains('\u{fffd}'));
    step.set("in_gbk", in_gbk);
    step.set("in_utf8", in_utf8);
    step.end()
}

/// The server's answer to a client, read up to the number of bytes that the answer has in `encoding`.
fn answer_of(server: &Server, encoding: TextEncoding) -> io::Result<Vec<u8>> {
    let mut client = connect(server.addr())?;
    client.write_all(&bytes_of(SENTENCE, encoding)?)?;
    let mut answer = vec![0; bytes_of(ANSWER, encoding)?.len()];
    client.read_exact(&mut answer)?;
    Ok(answer)
}

/// The bytes of a text. Fails when the encoding lacks a character.
fn bytes_of(text: &str, encoding: TextEncoding) -> io::Result<Vec<u8>> {
    encoding.encode(text).map_err(io::Error::other)
}

/// Sends a few bytes over a connection, and returns those that arrive.
fn carried(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let (mut client, mut served) = connection()?;
    client.write_all(bytes)?;
    client.shutdown(Shutdown::Write)?;
    let mut arrived = Vec::new();
    served.read_to_end(&mut arrived)?;
    Ok(arrived)
}

//! Encodings: the same text as different bytes, the same bytes as different texts.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
};

use portlab_lab::Server;
use portlab_service::TextEncoding;

use crate::{
    cast::{be_patient, connection, encoding, hex, read_as, table::table},
    lesson::{Lesson, Part},
    stage::{Exit, Stage},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "encodings",
    part: Part::Talk,
    en: include_str!("en.md"),
    zh: include_str!("zh.md"),
    files: &[
        ("mod.rs", include_str!("mod.rs")),
        ("encode.py", include_str!("encode.py")),
        ("smile.py", include_str!("smile.py")),
    ],
    examples: &[
        ("sentence", SENTENCE),
        (
            "table",
            "    UTF-8     GBK\n你  e4 bd a0  c4 e3\n好  e5 a5 bd  ba c3\n，  ef bc 8c  a3 ac\n\
             服  e6 9c 8d  b7 fe\n务  e5 8a a1  ce f1\n端  e7 ab af  b6 cb\n！  ef bc 81  a3 a1",
        ),
        ("characters", "7"),
        ("utf8", "21"),
        ("gbk", "14"),
        ("pairs", "e4 bd  a0 e5  a5 bd\n浣     犲     ソ"),
        ("mojibake", "浣犲ソ"),
        ("back", "你好"),
        ("marks", "���"),
        ("first_bytes", "c4 e3"),
        ("second_reads", "��"),
        ("second_bytes", "ef bf bd ef bf bd"),
        ("third_reads", "锟斤拷"),
        ("other_reads", "锟斤拷"),
        ("memory", "cc cc cc cc cc cc"),
        ("hot", "烫烫烫"),
        ("heap", "屯屯屯"),
        ("missing", "😀"),
        ("smile_bytes", "c4 e3 ba c3 3f"),
        ("smile_text", "你好?"),
        (
            "error",
            "UnicodeEncodeError: 'gbk' codec can't encode character '\\U0001f600' in position 2: \
             illegal multibyte sequence",
        ),
        ("server", "127.0.0.1:40231"),
        ("answer_bytes", "c4 e3 ba c3 a3 ac bf cd bb a7 b6 cb a3 a1"),
        ("in_gbk", ANSWER),
        ("in_utf8", "��ã��ͻ��ˣ�"),
    ],
    examples_zh: &[],
    play,
};

const SENTENCE: &str = "你好，服务端！";
const ANSWER: &str = "你好，客户端！";

fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let (utf8, gbk) = (encoding("utf-8"), encoding("gbk"));
    one_text_two_kinds_of_bytes(stage, utf8, gbk)?;
    read_with_the_wrong_one(stage, utf8, gbk)?;
    through_three_programs(stage, utf8, gbk)?;
    memory_that_nobody_wrote(stage, gbk)?;
    what_gbk_has_no_place_for(stage, gbk)?;
    agreed(stage, utf8, gbk)
}

fn one_text_two_kinds_of_bytes(
    stage: &mut Stage<'_>,
    utf8: TextEncoding,
    gbk: TextEncoding,
) -> Result<(), Exit> {
    stage.set("sentence", SENTENCE);
    stage.set("characters", SENTENCE.chars().count());
    let mut act = stage.step("bytes")?;
    let mut rows = vec![["", "UTF-8", "GBK"].map(str::to_owned)];
    for character in SENTENCE.chars().map(String::from) {
        let bytes = [bytes_of(&character, utf8)?, bytes_of(&character, gbk)?];
        let [in_utf8, in_gbk] = bytes.map(|bytes| hex(&bytes));
        rows.push([character, in_utf8, in_gbk]);
    }
    act.set("table", table(&rows));
    let (in_utf8, in_gbk) = (bytes_of(SENTENCE, utf8)?, bytes_of(SENTENCE, gbk)?);
    act.set("utf8", in_utf8.len());
    act.set("gbk", in_gbk.len());
    act.seen("utf8", in_utf8.len() == 21);
    act.seen("gbk", in_gbk.len() == 14);
    let said = act.stage().student("encode.py", &[])?;
    let ours = [in_utf8, in_gbk].map(|bytes| format!("{} {}", bytes.len(), hex(&bytes)));
    act.seen("python", said.map(|student| student.rest() == ours));
    act.end()
}

fn read_with_the_wrong_one(
    stage: &mut Stage<'_>,
    utf8: TextEncoding,
    gbk: TextEncoding,
) -> Result<(), Exit> {
    let mut act = stage.step("wrong")?;
    let arrived = carried(&bytes_of("你好", utf8)?)?;
    let mojibake = read_as(gbk, &arrived);
    let pairs = [0, 2, 4].map(|at| arrived.get(at..at + 2).unwrap_or_default());
    let texts = pairs.map(|pair| read_as(gbk, pair));
    act.set("pairs", table(&[pairs.map(hex), texts]));
    act.seen("other", mojibake == "浣犲ソ");
    let back = read_as(utf8, &bytes_of(&mojibake, gbk)?);
    act.seen("back", back == "你好");
    act.set("mojibake", mojibake);
    act.set("back", back);
    let marks = read_as(utf8, &carried(&bytes_of("你好", gbk)?)?);
    let only_marks = marks.chars().all(|it| it == '\u{fffd}');
    act.seen("marks", only_marks && !marks.is_empty());
    act.set("marks", marks);
    act.end()
}

fn through_three_programs(
    stage: &mut Stage<'_>,
    utf8: TextEncoding,
    gbk: TextEncoding,
) -> Result<(), Exit> {
    let mut act = stage.step("famous")?;
    // Each is a connection of its own: from the first program to the second, and on to the third.
    let pass_on = |text| -> io::Result<[Vec<u8>; 2]> {
        let first = carried(&bytes_of(text, gbk)?)?;
        let read = read_as(utf8, &first);
        let second = carried(&bytes_of(&read, utf8)?)?;
        Ok([first, second])
    };
    let [first, second] = pass_on("你")?;
    let read = read_as(utf8, &first);
    let third = read_as(gbk, &second);
    act.set("first_bytes", hex(&first));
    act.set("second_bytes", hex(&second));
    act.seen("replaced", read == "\u{fffd}\u{fffd}");
    act.set("second_reads", read);
    act.seen("famous", third == "锟斤拷");
    act.set("third_reads", &third);
    let [_, other] = pass_on("好")?;
    let other = read_as(gbk, &other);
    act.seen("lost", other == third);
    act.set("other_reads", other);
    act.end()
}

fn memory_that_nobody_wrote(stage: &mut Stage<'_>, gbk: TextEncoding) -> Result<(), Exit> {
    let memory = [0xcc; 6];
    stage.set("memory", hex(&memory));
    let mut act = stage.step("memory")?;
    let hot = read_as(gbk, &carried(&memory)?);
    act.seen("hot", hot == "烫烫烫");
    act.set("hot", hot);
    let heap = read_as(gbk, &carried(&[0xcd; 6])?);
    act.seen("heap", heap == "屯屯屯");
    act.set("heap", heap);
    act.end()
}

fn what_gbk_has_no_place_for(stage: &mut Stage<'_>, gbk: TextEncoding) -> Result<(), Exit> {
    let mut act = stage.step("missing")?;
    let text = "你好😀";
    let refusal = gbk.encode(text).err();
    let missing = refusal.as_ref().map(|error| error.character);
    act.seen("refused", missing == Some('😀'));
    act.set("missing", missing.unwrap_or_default());
    let mut bytes = Vec::new();
    gbk.encode_with_marks(text, &mut bytes);
    let arrived = carried(&bytes)?;
    act.set("smile_bytes", hex(&arrived));
    let read = read_as(gbk, &arrived);
    act.seen("mark", read == "你好?");
    act.set("smile_text", &read);
    let said = act.stage().student("smile.py", &[])?;
    let said = said.map(|student| (student.rest(), student.complaint()));
    act.set("error", said.as_ref().map_or("", |(_, error)| error));
    let as_told = |(lines, error): &(Vec<String>, String)| {
        error.starts_with("UnicodeEncodeError") && lines.contains(&read)
    };
    act.seen("python", said.as_ref().map(as_told));
    act.end()
}

fn agreed(stage: &mut Stage<'_>, utf8: TextEncoding, gbk: TextEncoding) -> Result<(), Exit> {
    let server = stage.server(&["--service", "reply", "--reply", ANSWER, "--encoding", "gbk"])?;
    stage.set("server", server.addr());
    let mut act = stage.step("agree")?;
    let answer = answer_of(&server, gbk)?;
    act.set("answer_bytes", hex(&answer));
    let (in_gbk, in_utf8) = (
        read_as(gbk, &answer),
        read_as(utf8, &answer_of(&server, gbk)?),
    );
    act.seen("gbk", in_gbk == ANSWER);
    act.seen("utf8", in_utf8.contains('\u{fffd}'));
    act.set("in_gbk", in_gbk);
    act.set("in_utf8", in_utf8);
    act.end()
}

/// What the server answers a client, as many bytes as the answer has in `encoding`.
fn answer_of(server: &Server, encoding: TextEncoding) -> io::Result<Vec<u8>> {
    let mut client = TcpStream::connect(server.addr())?;
    be_patient(&client)?;
    client.write_all(&bytes_of(SENTENCE, encoding)?)?;
    let mut answer = vec![0; bytes_of(ANSWER, encoding)?.len()];
    client.read_exact(&mut answer)?;
    Ok(answer)
}

/// The bytes of a text that its encoding has a place for.
fn bytes_of(text: &str, encoding: TextEncoding) -> io::Result<Vec<u8>> {
    encoding.encode(text).map_err(io::Error::other)
}

/// What arrives at the other end of a connection of these few bytes.
fn carried(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let (mut client, mut served) = connection()?;
    client.write_all(bytes)?;
    client.shutdown(Shutdown::Write)?;
    let mut arrived = Vec::new();
    served.read_to_end(&mut arrived)?;
    Ok(arrived)
}

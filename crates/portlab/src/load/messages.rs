//! What is sent: from the options of the command line, and from files.

use std::{path::Path, sync::Arc};

use anyhow::{Context, bail};
use portlab_load::{Lines, MOST_DIALOGUE, Payload, Program, Script, Template, bytes_of_hex};
use portlab_sys::input;
use portlab_words::{Text, tr};

use super::{ScriptArgs, plan};

/// The longest message from a file.
const MOST_PAYLOAD: u64 = 64 << 20;

/// Sets what `script` sends, as `args` say; lines are shuffled by `seed`.
pub(super) fn add_messages(
    script: &mut Script,
    args: &ScriptArgs,
    seed: u64,
) -> anyhow::Result<()> {
    let lines = lines(args, seed)?;
    if let Some(file) = &args.dialogue {
        let program = dialogue(file, lines.as_ref(), args)?;
        script.greeting = program.greeting().cloned();
        script.program = Some(Arc::new(program));
        return Ok(());
    }
    script.payload = payload(args, lines.as_ref())?;
    if args.think.is_some() || matches!(script.payload, Payload::Template(_)) {
        let (payload, expect) = (script.payload.clone(), script.expect.clone());
        script.program = Some(Arc::new(Program::repeating(payload, expect, args.think)));
    }
    Ok(())
}

/// The bytes of a message.
fn payload(args: &ScriptArgs, lines: Option<&Arc<Lines>>) -> anyhow::Result<Payload> {
    let text = args.text.as_deref();
    let bytes = if let Some(text) = text.or(lines.map(|_| LINE)) {
        let template = Template::parse(text, lines, args.encoding)?;
        if lines.is_some() && !template.has_lines() {
            bail!(not_used("--text"));
        }
        match template.bytes() {
            Some(bytes) => bytes.to_vec(),
            None if *template.sizes().start() > 0 => {
                return Ok(Payload::Template(Arc::new(template)));
            }
            // Only a line may be empty.
            None => bail!(Text::new(
                "a line of --lines is empty, and the message consists of it alone; write --text '{line}\\n', or remove \
                 the line",
                "--lines 中有空行，而消息只有这一行的内容；请写 --text '{line}\\n'，或删去空行",
            )),
        }
    } else if let Some(file) = &args.payload {
        read(file, MOST_PAYLOAD, "--payload")?
    } else if let Some(hex) = &args.hex {
        bytes_of_hex(hex)?
    } else {
        return Ok(Payload::Random(plan::size(args)));
    };
    if bytes.is_empty() {
        bail!(Text::new(
            "the message is empty; it must be at least 1 byte",
            "消息是空的；至少要有 1 字节",
        ));
    }
    Ok(Payload::Always(bytes.into()))
}

/// The message of a run with `--lines` and without `--text`.
const LINE: &str = "{line}\\n";

fn lines(args: &ScriptArgs, seed: u64) -> anyhow::Result<Option<Arc<Lines>>> {
    let Some(file) = &args.lines else {
        return Ok(None);
    };
    let lines = Lines::new(read(file, Lines::MOST, "--lines")?);
    let lines = lines.with_context(|| unusable(file, "--lines"))?;
    Ok(Some(Arc::new(match args.shuffle {
        true => lines.shuffled(seed),
        false => lines,
    })))
}

fn dialogue(file: &Path, lines: Option<&Arc<Lines>>, args: &ScriptArgs) -> anyhow::Result<Program> {
    let source = read(file, MOST_DIALOGUE, "--dialogue")?;
    let program = Program::read(&source, lines, args.encoding).map_err(|fault| {
        let (file, line) = (file.display(), fault.line);
        let Text { en, zh } = fault.what;
        tr!("{file}:{line}: {en}", "{file}:{line}：{zh}")
    })?;
    let has_lines = program.exchanges().iter().any(|it| match &it.payload {
        Payload::Template(template) => template.has_lines(),
        _ => false,
    });
    if lines.is_some() && !has_lines {
        bail!(not_used("--dialogue"));
    }
    Ok(program)
}

fn read(file: &Path, most: u64, option: &str) -> anyhow::Result<Vec<u8>> {
    input::read(file, most).with_context(|| unusable(file, option))
}

fn unusable(file: &Path, option: &str) -> Text {
    let file = file.display();
    tr!(
        "can't read {file}, the file of {option}",
        "无法读取 {option} 的文件 {file}"
    )
}

/// The error of lines that the messages of `option` don't contain.
fn not_used(option: &str) -> Text {
    tr!(
        "--lines gives lines for the placeholder {{line}}, which {option} doesn't contain; add it, or leave --lines out",
        "--lines 的内容用在占位符 {{line}} 处，而 {option} 里没有它；请加上，或去掉 --lines"
    )
}

//! `portlab lesson`: the course, live.

use std::io::{self, IsTerminal, Write};

use anstyle::Style;
use anyhow::{Context, bail};
use portlab_lessons::{
    Answers, Exit, LESSONS, Lesson, LessonRun, Pace, Part, find, order::SEED, play,
};
use portlab_service::nearest;
use portlab_sys::interrupt;
use portlab_words::{
    Lang, tr,
    wrap::{Lead, hang},
};
use serde_json::json;

use crate::{
    Verdict,
    args::{self, DIM, HEAD},
    output,
};

/// Play a lesson of the course, live on this machine
///
/// Without a name, the lessons are listed in teaching order. A lesson says what
/// it is about to do, asks what will happen, does it with real sockets,
/// processes and threads, shows what the kernel saw, and says why.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab lesson
  portlab lesson ports
  portlab lesson ports --lang zh --auto

Exit codes: 0 fine, 1 a result differs from what the lesson says, 2 could not
run, 130 ended by Ctrl-C. A lesson uses loopback only, and leaves no process and
no file.")]
pub(crate) struct Args {
    /// The lesson: its name, or its number in the list
    #[arg(value_name = "NAME", conflicts_with = "json")]
    name: Option<String>,

    /// Go on without Enter, with pauses for reading
    #[arg(long, requires = "name")]
    auto: bool,

    /// Shorten the pauses to a tenth; needs --auto
    #[arg(long, requires = "auto")]
    fast: bool,

    /// The seed of the order of the answers to choose from
    ///
    /// The default gives the order of the lesson's page. All who play with the same
    /// seed see the same order, in both languages.
    #[arg(long, value_name = "N", default_value_t = SEED, requires = "name")]
    #[arg(value_parser = args::whole(0..=u64::MAX))]
    seed: u64,

    /// List the lessons as JSON, with their titles in both languages
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let lang = args::lang();
    let Some(name) = &args.name else {
        let mut out = output::stdout();
        if args.json {
            output::print_json(&as_json())?;
        } else {
            list(&mut out, lang)?;
        }
        return Ok(Verdict::Fine);
    };
    let Some(lesson) = find(name) else {
        bail!(unknown(name, lang));
    };
    let is_interactive = io::stdin().is_terminal() && io::stdout().is_terminal();
    let pace = match (args.auto, args.fast) {
        (true, true) => Pace::Fast,
        (true, false) => Pace::Clock,
        (false, _) if is_interactive => Pace::Enter,
        (false, _) => {
            let said = lang.pick(
                "stdin or stdout isn't a terminal, so the lesson asks nothing and doesn't pause (see --auto)",
                "输入或输出不是终端，不能提问：演示程序会自动继续，不停顿（见 --auto）",
            );
            crate::tell!("{said}");
            Pace::Straight
        }
    };
    // Everything that a lesson starts ends with this process, and a lesson keeps no files.
    interrupt::leave_with(lang.pick(
        "\nThe lesson was ended. No process and no file is left.\n",
        "\n演示程序已中断，没有留下任何进程或文件。\n",
    ))?;
    let mut run = LessonRun {
        lang,
        width: width(),
        pace,
        seed: args.seed,
        program: std::env::current_exe().with_context(args::not_found)?,
        out: Box::new(output::failing_stdout(portlab_lessons::ERASE)),
        answers: Answers::stdin().context(tr!("can't read stdin", "无法读标准输入"))?,
    };
    match play(lesson, &mut run) {
        Ok(report) if report.failed.is_empty() => {
            next(lesson, lang)?;
            Ok(Verdict::Fine)
        }
        Ok(_) => Ok(Verdict::Failed),
        Err(Exit::Left) => Ok(Verdict::Fine),
        Err(exit) => {
            let name = lesson.name;
            let what = tr!(
                lang,
                "lesson {name} could not go on (`portlab doctor` says what this machine allows)",
                "演示程序 {name} 无法继续（`portlab doctor` 会说明这台机器能做什么）",
            );
            Err(anyhow::Error::new(exit).context(what))
        }
    }
}

/// The columns of the terminal; off a terminal, what `COLUMNS` says, if it is set.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok();
    let columns = columns.and_then(|columns| columns.parse().ok());
    match columns {
        Some(columns) if !io::stdout().is_terminal() => columns,
        _ => args::terminal_width(),
    }
}

/// Prints the next lesson's title, and its command.
fn next(lesson: &Lesson, lang: Lang) -> io::Result<()> {
    let place = LESSONS.iter().position(|it| it.name == lesson.name);
    let next = place.and_then(|place| LESSONS.get(place + 1));
    let Some(next) = next else { return Ok(()) };
    writeln!(
        output::stdout(),
        "{DIM}{}{DIM:#}{}\n{DIM}portlab lesson {}{DIM:#}",
        lang.pick("Next: ", "下一课："),
        next.title(lang),
        next.name,
    )
}

fn list(out: &mut impl Write, lang: Lang) -> io::Result<()> {
    let longest = LESSONS.iter().map(|lesson| lesson.name.len()).max();
    let (longest, width) = (longest.unwrap_or(0), args::prose_width());
    let mut part: Option<Part> = None;
    for (number, lesson) in (1..).zip(LESSONS) {
        if part != Some(lesson.part) {
            let gap = if part.is_some() { "\n" } else { "" };
            writeln!(out, "{gap}{HEAD}{}{HEAD:#}", lesson.part.title(lang))?;
            part = Some(lesson.part);
        }
        let number = format!("{number:>3}");
        let leads = [(&*number, number.len()), (lesson.name, longest)];
        let leads = leads.map(|(text, columns)| Lead::new(text, Style::new(), columns));
        write!(out, "{}", hang(&leads, lesson.title(lang), width))?;
    }
    let play_one = lang.pick(
        "Play one:  portlab lesson ports      Without Enter:  --auto      中文:  --lang zh",
        "学一课：portlab lesson ports    自动进行：--auto    English: --lang en",
    );
    let play_one = hang(&[], &format!("{DIM}{play_one}{DIM:#}"), width);
    write!(out, "\n{play_one}")
}

fn as_json() -> serde_json::Value {
    let lessons = (1..).zip(LESSONS).map(|(number, lesson): (usize, _)| {
        let [en, zh] = Lang::ALL;
        json!({
            "name": lesson.name,
            "number": number,
            "title": {"en": lesson.title(en), "zh": lesson.title(zh)},
            "part": {"en": lesson.part.title(en), "zh": lesson.part.title(zh)},
        })
    });
    lessons.collect()
}

/// The error for an unknown name, with the most similar name.
fn unknown(name: &str, lang: Lang) -> String {
    match nearest(name, LESSONS.iter().map(|lesson| lesson.name)) {
        Some(near) => tr!(
            lang,
            "unknown lesson {name:?}; did you mean {near}? `portlab lesson` lists all",
            "没有名为 {name:?} 的课；试试 {near}，或者用 `portlab lesson` 看目录",
        ),
        None => tr!(
            lang,
            "unknown lesson {name:?}; `portlab lesson` lists all",
            "没有名为 {name:?} 的课；用 `portlab lesson` 看目录",
        ),
    }
}

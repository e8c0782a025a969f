//! `portlab lesson`: the course, live, and as files.

mod files;

use std::{
    io::{self, IsTerminal, Write},
    num::NonZeroU16,
    path::PathBuf,
    slice,
};

use anstyle::Style;
use anyhow::{Context, bail};
use clap::builder::PossibleValuesParser;
use portlab_lessons::{
    Answers, CLEAR, Choices, Code, ERASE, Exit, LESSONS, Lesson, LessonRun, Pace, Part, find,
    listen_at, order::SEED, play, script::Script,
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
  portlab lesson client --step yours --port 9000
  portlab lesson client --save .
  portlab lesson client server --export worksheet sheets

Exit codes: 0 fine, 1 a result differs from what the lesson says, 2 could not
run, 130 ended by Ctrl-C. A lesson uses loopback only, and leaves no process
and no file behind; only --save and --export write files that stay.")]
pub(crate) struct Args {
    /// The lesson: its name, or its number in the list; several with --export
    #[arg(value_name = "NAME", conflicts_with = "json")]
    names: Vec<String>,

    /// Go on without Enter, with pauses for reading
    #[arg(long, requires = "names")]
    auto: bool,

    /// Wait for lines on stdin although it is a pipe, as the classroom page writes them
    #[arg(long, hide = true, requires = "names", conflicts_with = "auto")]
    enter: bool,

    /// Shorten the pauses to a tenth; needs --auto
    #[arg(long, requires = "auto")]
    fast: bool,

    /// The seed of the order of the answers to choose from
    ///
    /// The default gives the order of the lesson's page. All who play with the same
    /// seed see the same order, in both languages.
    #[arg(long, value_name = "N", default_value_t = SEED)]
    #[arg(value_parser = args::whole(0..=u64::MAX))]
    seed: u64,

    /// The step to start with: its number or its name
    ///
    /// The steps before it run first, without being shown.
    #[arg(long, value_name = "STEP", requires = "names")]
    step: Option<String>,

    /// The programs that are shown: python, rust or both
    ///
    /// Where a step has programs in one language only, they are shown.
    #[arg(long, value_name = "LANGUAGE", default_value = "both")]
    #[arg(value_parser = PossibleValuesParser::new(["python", "rust", "both"]))]
    code: String,

    /// Suit a projector: 20 rows and 60 columns, page by page
    ///
    /// The colours are readable on black and on white.
    #[arg(long, requires = "names")]
    projector: bool,

    /// The port at which your own program meets the lesson
    ///
    /// For lessons with a program of your own, such as client. Without it, the
    /// lesson takes 8080, or another port if 8080 is in use.
    #[arg(long, requires = "names", value_parser = args::whole(NonZeroU16::MIN..=NonZeroU16::MAX))]
    port: Option<NonZeroU16>,

    /// Write the programs of the lesson into a folder, and end
    #[arg(long, value_name = "DIR", requires = "names")]
    #[arg(conflicts_with_all = ["auto", "step", "projector", "port", "export"])]
    save: Option<PathBuf>,

    /// Write a page per lesson into a folder, to print or to show
    ///
    /// KIND is slides, worksheet, quiz or key. Without a name, all lessons are
    /// written; without --lang, a page in each language. A page needs no other
    /// file and no network.
    #[arg(long, num_args = 2, value_names = ["KIND", "DIR"])]
    #[arg(conflicts_with_all = ["auto", "step", "projector", "port", "json"])]
    export: Option<Vec<String>>,

    /// List the lessons as JSON, with their titles in both languages
    #[arg(long)]
    json: bool,
}

/// Runs the command; `asked` is the language that `--lang` asks for.
pub(crate) fn run(args: &Args, asked: Option<Lang>) -> anyhow::Result<Verdict> {
    let lang = args::lang();
    let lessons = args.names.iter().map(|name| {
        let lesson = find(name);
        lesson.ok_or_else(|| anyhow::Error::msg(unknown(name, lang)))
    });
    let lessons: Vec<&Lesson> = lessons.collect::<anyhow::Result<_>>()?;
    if let Some([kind, folder]) = args.export.as_deref().and_then(|it| it.first_chunk()) {
        let lessons = match lessons.is_empty() {
            true => LESSONS,
            false => &lessons,
        };
        let langs = asked.as_ref().map_or(&Lang::ALL[..], slice::from_ref);
        return files::export(kind, folder.as_ref(), lessons, langs, args);
    }
    let [lesson] = lessons[..] else {
        if let [_, second, ..] = lessons[..] {
            let second = second.name;
            bail!(tr!(
                lang,
                "one lesson at a time: leave out {second}, or add --export",
                "一次只能学一课：请去掉 {second}，或者加上 --export",
            ));
        }
        let mut out = output::stdout();
        if args.json {
            output::print_json(&as_json())?;
        } else {
            list(&mut out, lang)?;
        }
        return Ok(Verdict::Fine);
    };
    if let Some(folder) = &args.save {
        return files::save(lesson, args.code(), folder);
    }
    play_live(lesson, args)
}

/// Plays `lesson` on this terminal; without a terminal, it asks nothing.
fn play_live(lesson: &Lesson, args: &Args) -> anyhow::Result<Verdict> {
    let lang = args::lang();
    let choices = choices(lesson, args)?;
    let is_interactive = args.enter || (io::stdin().is_terminal() && io::stdout().is_terminal());
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
        choices,
        program: std::env::current_exe().with_context(args::not_found)?,
        out: Box::new(output::failing_stdout(&[ERASE, CLEAR])),
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

impl Args {
    fn code(&self) -> Code {
        match self.code.as_str() {
            "python" => Code::Python,
            "rust" => Code::Rust,
            _ => Code::Both,
        }
    }
}

/// What `args` choose of `lesson`.
fn choices(lesson: &Lesson, args: &Args) -> anyhow::Result<Choices> {
    let lang = args::lang();
    let first_step = match &args.step {
        None => 0,
        Some(step) => {
            let script = lesson.script(lang)?;
            let place = script.place_of(step);
            place.ok_or_else(|| anyhow::Error::msg(unknown_step(step, lesson, &script)))?
        }
    };
    if let Some(port) = args.port {
        if !lesson.has_a_port_for_the_user() {
            let name = lesson.name;
            let others = LESSONS.iter().filter(|it| it.has_a_port_for_the_user());
            let others: Vec<_> = others.map(|it| it.name).collect();
            let others = others.join(", ");
            bail!(tr!(
                lang,
                "lesson {name} has no program of yours, so it takes no --port; these lessons do: {others}",
                "课程 {name} 里没有你自己的程序，用不到 --port；用得到的有：{others}",
            ));
        }
        // The lesson listens there later.
        drop(listen_at(port)?);
    }
    Ok(Choices {
        first_step,
        code: args.code(),
        projector: args.projector,
        port: args.port,
    })
}

/// The error for an unknown step, with all steps.
fn unknown_step(step: &str, lesson: &Lesson, script: &Script) -> String {
    let steps = (1..).zip(&script.steps);
    let steps = steps.map(|(number, step)| format!("{number} {}", step.key));
    let (name, steps) = (lesson.name, steps.collect::<Vec<_>>().join(", "));
    tr!(
        args::lang(),
        "unknown step {step:?}; the steps of lesson {name} are: {steps}",
        "没有 {step:?} 这一步；课程 {name} 的步骤是：{steps}",
    )
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
    if name.parse::<i64>().is_ok() {
        let last = LESSONS.len();
        return tr!(
            lang,
            "unknown lesson {name}: lessons have the numbers 1 to {last}; `portlab lesson` lists them",
            "没有第 {name} 课：课的编号是 1 到 {last}；用 `portlab lesson` 看目录",
        );
    }
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

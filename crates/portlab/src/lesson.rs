//! `portlab lesson`: the course, live.

use std::io::{self, IsTerminal, Write};

use anyhow::{Context, bail};
use portlab_lessons::{Exit, Hall, LESSONS, Lesson, Pace, Part, find, play};
use portlab_report::Lang;
use portlab_sys::interrupt;
use serde_json::json;

use crate::{
    Verdict,
    args::{self, DIM, HEAD},
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

Exit codes: 0 fine, 1 something did not come as the lesson says, 2 could not
run, 130 ended by Ctrl-C. A lesson keeps to loopback and leaves nothing behind.")]
pub(crate) struct Args {
    /// The lesson: its name, or its number in the list
    #[arg(value_name = "NAME", conflicts_with = "json")]
    name: Option<String>,

    /// The language, en or zh; the locale's, unless given
    #[arg(long, value_name = "LANG")]
    lang: Option<Lang>,

    /// Go on by itself, with pauses to read in
    #[arg(long, requires = "name")]
    auto: bool,

    /// Shorten the pauses to a tenth; needs --auto
    #[arg(long, requires = "auto")]
    fast: bool,

    /// List the lessons as JSON, with their titles in both languages
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let lang = args::lang(args.lang);
    let Some(name) = &args.name else {
        let mut out = anstream::stdout();
        if args.json {
            writeln!(out, "{:#}", as_json())?;
        } else {
            list(&mut out, lang)?;
        }
        return Ok(Verdict::Fine);
    };
    let Some(lesson) = find(name) else {
        bail!("{}", unknown(name));
    };
    let is_manned = io::stdin().is_terminal() && io::stdout().is_terminal();
    let pace = match (args.auto, args.fast) {
        (true, true) => Pace::Fast,
        (true, false) => Pace::Clock,
        (false, _) if is_manned => Pace::Enter,
        (false, _) => {
            crate::tell!("{}", words(lang).no_terminal);
            Pace::Straight
        }
    };
    // Everything that a lesson starts is tied to this process, and it keeps no files.
    interrupt::leave_with(words(lang).interrupted)?;
    let mut hall = Hall {
        lang,
        width: width(),
        pace,
        program: std::env::current_exe().context("can't find this program's own file")?,
        out: Box::new(anstream::stdout()),
        answers: Box::new(io::stdin().lock()),
    };
    match play(lesson, &mut hall) {
        Ok(report) if report.failed.is_empty() => {
            next(lesson, lang)?;
            Ok(Verdict::Fine)
        }
        Ok(_) => Ok(Verdict::Failed),
        Err(Exit::Left) => Ok(Verdict::Fine),
        Err(exit) => {
            Err(anyhow::Error::new(exit).context(format!("lesson {} could not go on", lesson.name)))
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

/// What comes after a lesson.
fn next(lesson: &Lesson, lang: Lang) -> io::Result<()> {
    let place = LESSONS.iter().position(|it| it.name == lesson.name);
    let next = place.and_then(|place| LESSONS.get(place + 1));
    let Some(next) = next else { return Ok(()) };
    writeln!(
        anstream::stdout(),
        "{DIM}{}{DIM:#}{}\n{DIM}portlab lesson {}{DIM:#}",
        words(lang).next,
        next.title(lang),
        next.name,
    )
}

fn list(out: &mut impl Write, lang: Lang) -> io::Result<()> {
    let longest = LESSONS.iter().map(|lesson| lesson.name.len()).max();
    let longest = longest.unwrap_or(0);
    let mut part: Option<Part> = None;
    for (number, lesson) in (1..).zip(LESSONS) {
        if part != Some(lesson.part) {
            let gap = if part.is_some() { "\n" } else { "" };
            writeln!(out, "{gap}{HEAD}{}{HEAD:#}", lesson.part.title(lang))?;
            part = Some(lesson.part);
        }
        let (name, title) = (lesson.name, lesson.title(lang));
        writeln!(out, " {number:>2}  {name:<longest$}  {title}")?;
    }
    writeln!(out, "\n{DIM}{}{DIM:#}", words(lang).play_one)
}

fn as_json() -> serde_json::Value {
    let lessons = (1..).zip(LESSONS).map(|(number, lesson): (usize, _)| {
        let titles = Lang::ALL.map(|lang| (lang.to_string(), json!(lesson.title(lang))));
        let part = Lang::ALL.map(|lang| (lang.to_string(), json!(lesson.part.title(lang))));
        json!({
            "name": lesson.name,
            "number": number,
            "title": titles.into_iter().collect::<serde_json::Map<_, _>>(),
            "part": part.into_iter().collect::<serde_json::Map<_, _>>(),
        })
    });
    lessons.collect()
}

/// Why there is no such lesson, and which was meant.
fn unknown(name: &str) -> String {
    let near = |lesson: &&&Lesson| strsim::jaro_winkler(lesson.name, name);
    let nearest = LESSONS.iter().max_by(|a, b| near(a).total_cmp(&near(b)));
    let guess = nearest.filter(|lesson| near(lesson) > 0.7);
    let guess = guess.map_or_else(String::new, |lesson| format!("try {}, or ", lesson.name));
    format!("there is no lesson {name:?}; {guess}`portlab lesson` for the list")
}

/// What this command itself says.
struct Words {
    no_terminal: &'static str,
    interrupted: &'static str,
    next: &'static str,
    play_one: &'static str,
}

fn words(lang: Lang) -> Words {
    match lang {
        Lang::En => Words {
            no_terminal: "no terminal to ask on: the lesson goes on by itself, without pauses \
                          (--auto makes some)",
            interrupted: "\nThe lesson was ended. Nothing is left behind.\n",
            next: "Next: ",
            play_one: "Play one:  portlab lesson ports      By itself:  --auto      中文:  --lang zh",
        },
        Lang::Zh => Words {
            no_terminal: "这里没有终端可以提问：课程会自己进行下去，不停顿（加 --auto 会停顿）",
            interrupted: "\n课程被中断，什么也没有留下。\n",
            next: "下一课：",
            play_one: "学一课：portlab lesson ports    自动进行：--auto    English: --lang en",
        },
    }
}

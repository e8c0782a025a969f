//! Lessons with a user, who guesses and types.

use std::{
    io::{self, PipeWriter, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use libtest_mimic::Failed;
use portlab_lessons::{
    Answers, CLEAR, Choices, ERASE, Exit, Lesson, LessonRun, Pace, Report, find,
    order::SEED,
    play,
    script::{Ask, Block},
};
use portlab_sys::listening::has_listener;
use portlab_testkit::{binary, wait_until};
use portlab_words::Lang;
use socket2::SockRef;

use crate::{
    check,
    plays::{width, without_breaks},
    turn_at_the_courses_port,
};

/// An output that keeps what was written to it.
#[derive(Clone, Default)]
struct Board(Arc<Mutex<Vec<u8>>>);

impl Write for Board {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Board {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Waits until `words` have been shown.
    fn shows(&self, words: &str) -> Result<String, Failed> {
        self.shows_times(words, 1)
    }

    /// Waits until `words` have been shown so many times.
    fn shows_times(&self, words: &str, times: usize) -> Result<String, Failed> {
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(30) {
            let text = self.text();
            let said = without_breaks(&text);
            if said.matches(words).count() >= times {
                return Ok(text);
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(format!("{words:?} is not shown:\n{}", self.text()).into())
    }
}

/// A lesson that is being played, and its keyboard.
struct Watched {
    board: Board,
    keys: PipeWriter,
    lesson: JoinHandle<Result<Report, Exit>>,
}

impl Watched {
    fn begin(lesson: &'static str) -> io::Result<Self> {
        Self::begin_with(lesson, Choices::default(), Lang::En)
    }

    fn begin_with(lesson: &'static str, choices: Choices, lang: Lang) -> io::Result<Self> {
        let (answers, keys) = io::pipe()?;
        let board = Board::default();
        let out = Box::new(board.clone());
        let lesson = thread::spawn(move || {
            let mut run = LessonRun {
                lang,
                width: 80,
                pace: Pace::Enter,
                seed: SEED,
                choices,
                program: PathBuf::from(binary()),
                out,
                answers: Answers::new(answers.into()),
            };
            play(find(lesson).unwrap(), &mut run)
        });
        Ok(Self {
            board,
            keys,
            lesson,
        })
    }

    fn types(&mut self, lines: &str) -> io::Result<()> {
        self.keys.write_all(lines.as_bytes())
    }

    /// What was shown, and how it ended.
    fn end(self) -> (String, Result<Report, Exit>) {
        drop(self.keys);
        let ended = self.lesson.join().unwrap();
        (self.board.text(), ended)
    }
}

/// Plays the first lesson to a user who types `answers`. Returns what was shown, and how the lesson ended.
fn watched(answers: &str) -> (String, Result<(), Exit>) {
    let mut watched = Watched::begin("ports").unwrap();
    watched.types(answers).unwrap();
    let (shown, ended) = watched.end();
    (shown, ended.map(drop))
}

/// The course's own task: a client in GBK, answered by hand.
pub(crate) fn the_courses_client_is_answered_by_hand() -> Result<(), Failed> {
    let _turn = turn_at_the_courses_port();
    let mut lesson = Watched::begin("client")?;
    // The story, and five steps of three prompts each; then the task.
    lesson.types(&"\n".repeat(16))?;
    let text = lesson.board.shows("Waiting for your program")?;
    let port = port_behind("connect 127.0.0.1:", &text);
    let door = format!("127.0.0.1:{port}");
    // A client that only checks whether the port is open.
    drop(TcpStream::connect(&door)?);
    lesson
        .board
        .shows("closed the connection without sending a byte")?;
    // A client that resets the connection.
    let reset = TcpStream::connect(&door)?;
    SockRef::from(&reset).set_linger(Some(Duration::ZERO))?;
    drop(reset);
    lesson
        .board
        .shows("reset the connection without sending a byte")?;
    // A wrong encoding: the client ends, and the user has another try.
    let mut client = TcpStream::connect(&door)?;
    client.write_all("收到！".as_bytes())?;
    lesson
        .board
        .shows("9 bytes came; not GBK; as UTF-8: 收到！. Change encode() to encode(\"gbk\").")?;
    lesson.board.shows("run it again: the lesson waits.")?;
    check(client.read(&mut [0; 1])? == 0, "the wrong client ends")?;
    let mut client = TcpStream::connect(&door)?;
    client.set_read_timeout(Some(Duration::from_secs(30)))?;
    lesson.board.shows_times("has sent nothing yet", 4)?;
    // {no_value}: a student has forgotten the f of an f-string.
    client.write_all(b"\xc4\xe3\xba\xc3{no_value}")?;
    lesson.board.shows("it says: \"你好{no_value}\"")?;
    lesson.types("\n收到{x}\n")?;
    let mut answer = [0; 7];
    client.read_exact(&mut answer)?;
    check(answer == *b"\xca\xd5\xb5\xbd{x}", format!("{answer:?}"))?;
    drop(client);
    lesson.board.shows("The answer \"收到{x}\" was sent")?;
    lesson.types(&"\n".repeat(5))?;
    let (shown, ended) = lesson.end();
    let report = ended?;
    let holds = report.not_here.is_empty() && report.failed.is_empty();
    check(holds, shown)
}

/// The number behind the last `words` in `text`.
fn port_behind(words: &str, text: &str) -> String {
    let after = text.rsplit(words).next().unwrap_or_default();
    after.chars().take_while(char::is_ascii_digit).collect()
}

/// Enter that is pressed while the lesson waits for the user's program, which a class writes just then, ends nothing.
pub(crate) fn a_users_own_program_is_skipped_by_s_only() -> Result<(), Failed> {
    let _turn = turn_at_the_courses_port();
    let first_step = find("client").and_then(|it| it.script(Lang::En).ok()?.place_of("yours"));
    let choices = Choices {
        first_step: first_step.ok_or("a step")?,
        ..Choices::default()
    };
    let mut lesson = Watched::begin_with("client", choices, Lang::En)?;
    lesson.types("\n\ns\n")?;
    lesson.types(&"\n".repeat(4))?;
    let (shown, ended) = lesson.end();
    let prompts = shown.matches("Waiting for your program; s: skip").count();
    check(prompts == 3, format!("{prompts} prompts:\n{shown}"))?;
    check(shown.contains("No client sent anything"), shown)?;
    ended?;
    Ok(())
}

/// The user's own server gets a client when it listens. It answers in UTF-8, which is wrong here; the second try is right.
pub(crate) fn a_students_server_gets_a_client_when_it_listens() -> Result<(), Failed> {
    let says = "6 bytes came; as GBK: 鏀跺埌; as UTF-8: 收到. Change encode() to";
    with_a_students_server(says, |mut client| {
        let mut question = [0; 14];
        client.read_exact(&mut question)?;
        client.write_all("收到".as_bytes())
    })
}

/// The user's own server resets the connection as soon as it has accepted it.
pub(crate) fn a_students_server_that_resets_the_connection_does_not_end_the_lesson()
-> Result<(), Failed> {
    with_a_students_server(
        "The server reset the connection before a byte came. Look at the terminal",
        |client| SockRef::from(&client).set_linger(Some(Duration::ZERO)),
    )
}

fn with_a_students_server(
    says: &str,
    serve: impl FnOnce(TcpStream) -> io::Result<()>,
) -> Result<(), Failed> {
    let _turn = turn_at_the_courses_port();
    let mut lesson = Watched::begin("server")?;
    // The story, and five steps of three prompts each; then the task.
    lesson.types(&"\n".repeat(16))?;
    let text = lesson.board.shows("Enter when your server waits")?;
    let port = port_behind("python3 server.py ", &text);
    let addr: SocketAddr = format!("127.0.0.1:{port}").parse()?;
    // While another test starts a program, the new process has a copy of the listener that found the port.
    wait_until("no process listens at the port", || {
        has_listener(addr) != Some(true)
    });
    lesson.types("\n")?;
    lesson.board.shows("the connection was refused.")?;
    let server = TcpListener::bind(addr)?;
    lesson.types("\n")?;
    let (client, _) = server.accept()?;
    serve(client)?;
    lesson.board.shows(says)?;
    lesson.board.shows("the lesson connects once more.")?;
    lesson.types("\n")?;
    let (mut client, _) = server.accept()?;
    client.write_all(b"\xca\xd5\xb5\xbd")?;
    drop(client);
    lesson
        .board
        .shows("In the end the server closed the connection.")?;
    lesson.types(&"\n".repeat(5))?;
    let (shown, ended) = lesson.end();
    let report = ended?;
    check(shown.contains("decoded as GBK: \"收到\""), shown)?;
    check(
        report.not_here.is_empty() && report.failed.is_empty(),
        format!("{report:?}"),
    )
}

/// The user's own web server counts the characters of its page; after a diagnosis the lesson visits it again.
pub(crate) fn a_students_web_server_is_visited_until_its_pages_are_right() -> Result<(), Failed> {
    let _turn = turn_at_the_courses_port();
    let first_step = find("web-page").and_then(|it| it.script(Lang::En).ok()?.place_of("yours"));
    let choices = Choices {
        first_step: first_step.ok_or("a step")?,
        ..Choices::default()
    };
    let mut lesson = Watched::begin_with("web-page", choices, Lang::En)?;
    let text = lesson.board.shows("Enter when your server waits")?;
    let port = port_behind("python3 page.py ", &text);
    let addr: SocketAddr = format!("127.0.0.1:{port}").parse()?;
    // While another test starts a program, the new process has a copy of the listener that found the port.
    wait_until("no process listens at the port", || {
        has_listener(addr) != Some(true)
    });
    lesson.types("\n")?;
    lesson.board.shows("the connection was refused.")?;
    let server = TcpListener::bind(addr)?;
    for (length, says) in [
        (2, "Content-Length is 2: these are the page's characters."),
        (6, "this server has one page for all."),
    ] {
        lesson.types("\n")?;
        for _path in ["/", "/nothing.html"] {
            let (mut client, _) = server.accept()?;
            check(client.read(&mut [0; 1024])? > 0, "a request")?;
            client.write_all(
                format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n你好").as_bytes(),
            )?;
        }
        lesson.board.shows(says)?;
    }
    lesson.types(&"\n".repeat(5))?;
    let (shown, ended) = lesson.end();
    let report = ended?;
    check(
        report.not_here.is_empty() && report.failed.is_empty(),
        shown,
    )
}

/// With `--projector`, no screen has more than 20 rows or 60 columns, and no part of the text is lost.
pub(crate) fn its_screens_suit_a_projector(lesson: &'static Lesson) -> Result<(), Failed> {
    let lang = Lang::Zh;
    let choices = Choices {
        projector: true,
        ..Choices::default()
    };
    if lesson.name == "processes" {
        // It forks, and so needs a process of its own.
        return Ok(());
    }
    let mut played = Watched::begin_with(lesson.name, choices, lang)?;
    // Enter alone doesn't skip a user's own server, so each Enter too many is a try to meet it.
    let enters = match lesson.has_a_port_for_the_user() {
        true => 70,
        false => 200,
    };
    played.types(&"\n".repeat(enters))?;
    let (shown, ended) = played.end();
    check(
        matches!(ended, Ok(_) | Err(Exit::Left)),
        format!("{ended:?}\n{shown}"),
    )?;
    let script = lesson.script(lang)?;
    let screens: Vec<&str> = shown.split(CLEAR).collect();
    check(screens.len() > script.steps.len(), &shown)?;
    for screen in &screens {
        // The user's Enter ends the prompt's line on a terminal, and the lesson erases that line.
        let prompts = screen.replace(ERASE, "\r");
        let lines = prompts.split('\n');
        let rows = lines.clone().count();
        check(rows <= 20, format!("{rows} rows:\n{screen}"))?;
        for part in lines.flat_map(|line| line.split('\r')) {
            let columns = width(&anstream::adapter::strip_str(part).to_string());
            check(columns <= 60, format!("{columns} columns: {part}"))?;
        }
    }
    // After a claim that failed, the explanation is left out.
    if ended.is_ok_and(|report| report.failed.is_empty()) {
        let plain = anstream::adapter::strip_str(&shown).to_string();
        let programs = script
            .blocks()
            .filter(|it| matches!(it, Block::Code { .. }));
        let mut words = programs.flat_map(|it| it.text().split_whitespace());
        let cut = words.find(|it| it.is_ascii() && it.len() < 48 && !plain.contains(it));
        check(cut.is_none(), format!("{cut:?} is cut:\n{plain}"))?;
    }
    // Each step begins a screen.
    for number in 1..=script.steps.len() {
        let heading = format!("── {number}/{}  ", script.steps.len());
        let is_inside = screens.iter().any(|screen| {
            let place = screen.find(&heading);
            place.is_some_and(|at| screen[..at].contains('\n'))
        });
        check(!is_inside, format!("{heading}doesn't begin a screen"))?;
        // The lesson stays at the step of the user's own program.
        let last = script.place_of("yours").unwrap_or(script.steps.len());
        let is_shown = number > last || shown.contains(&heading);
        check(is_shown, format!("{heading}is missing:\n{shown}"))?;
    }
    Ok(())
}

pub(crate) fn a_guess_is_judged_right_or_wrong() -> Result<(), Failed> {
    let script = find("ports").unwrap().script_as_shown(Lang::En, SEED)?;
    let [right, other] = [0, 1].map(|at| {
        let ask: &Ask = script.steps[at].ask.as_ref().expect("the step asks");
        ask.right
    });
    let wrong = (other + 1) % 3;
    // The story; the first step: a right guess, its outcome, why; the second: a wrong one; then Enter to the
    // end.
    let answers = format!("\n{}\n\n\n{}\n", right + 1, wrong + 1) + &"\n".repeat(25);
    let (shown, ended) = watched(&answers);
    ended?;
    let said = without_breaks(&shown);
    for (step, verdict) in [
        ("door", "You guessed right: "),
        ("deliver", "The outcome is different: "),
        ("second", "The outcome: "),
    ] {
        let (_, step) = script.step(step).ok_or("a step is missing")?;
        let ask = step.ask.as_ref().ok_or("a question is missing")?;
        // The part before the first value.
        let right = ask.options[ask.right].split('{').next().unwrap_or_default();
        let verdict = format!("{verdict}\u{201c}{right}");
        let is_said = said.contains(&verdict);
        check(is_said, format!("{verdict} is not in\n{shown}"))?;
    }
    Ok(())
}

pub(crate) fn the_outcome_is_not_shown_before_the_guess() -> Result<(), Failed> {
    // The input ends at the question for the first guess.
    let (shown, ended) = watched("\n");
    check(matches!(ended, Err(Exit::Left)), format!("{ended:?}"))?;
    let holds = shown.contains("Which number will the system choose?");
    check(holds, &shown)?;
    check(!shown.contains("LISTEN") && !shown.contains('✓'), shown)
}

/// The outcome is shown, then there is a stop, and only then the explanation is shown.
pub(crate) fn the_reason_comes_after_a_stop() -> Result<(), Failed> {
    let told = |shown: &str| {
        let plain = anstream::adapter::strip_str(shown).to_string();
        without_breaks(&plain).contains("0 to 1023 are well known")
    };
    // Enter after the story, and no guess: the outcome is shown. The input ends at the stop.
    let (shown, ended) = watched("\n\n");
    check(matches!(ended, Err(Exit::Left)), format!("{ended:?}"))?;
    let has_outcome = shown.contains('✓') && shown.contains("The outcome: ");
    check(has_outcome && !told(&shown), &shown)?;
    let (shown, _) = watched("\n\n\n");
    check(told(&shown), shown)
}

pub(crate) fn a_user_may_leave_anywhere() -> Result<(), Failed> {
    for enters in 0..6 {
        let answers = "\n".repeat(enters) + "q\n";
        let (shown, ended) = watched(&answers);
        let said = format!("{ended:?}\n{shown}");
        check(matches!(ended, Err(Exit::Left)), said)?;
    }
    Ok(())
}

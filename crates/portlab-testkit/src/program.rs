//! The program under test, run to its end.

use std::{
    env,
    process::{Command, Output, Stdio},
    sync::LazyLock,
};

use portlab_sys::interrupt::restore_hangup;
use serde_json::Value;

/// The file of `portlab`, as cargo has built it for the running test or bench.
pub fn binary() -> &'static str {
    static BINARY: LazyLock<String> = LazyLock::new(|| {
        // Cargo passes the path to a test that it runs. For a test that is run by hand, the file is beside the folder of tests.
        env::var("CARGO_BIN_EXE_portlab").unwrap_or_else(|_| {
            let exe = env::current_exe().unwrap();
            let binary = exe.ancestors().nth(2).unwrap().join("portlab");
            binary.into_os_string().into_string().unwrap()
        })
    });
    &BINARY
}

/// Whether `cargo bench` has started this bench. `cargo test --benches` passes no `--bench`, and nothing is measured.
pub fn is_bench() -> bool {
    env::args().any(|argument| argument == "--bench")
}

/// The program with `arguments`, and with pipes for its stdout and stderr.
pub fn command(arguments: &[&str]) -> Command {
    // Under nohup, the program would ignore SIGHUP.
    restore_hangup();
    let mut command = Command::new(binary());
    // Tests read the messages in English, unless they ask for another language.
    command.args(arguments).env("PORTLAB_LANG", "en");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program, with an empty stdin, to its end.
pub fn portlab(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// The stdout of a command.
pub fn printed(arguments: &[&str]) -> String {
    String::from_utf8(portlab(arguments).stdout).unwrap()
}

/// The names of the commands that `portlab --help` lists.
pub fn commands() -> Vec<String> {
    let help = printed(&["--help"]);
    let commands = help.split("\nCommands:\n").nth(1).unwrap();
    let lines = commands.lines().take_while(|line| !line.is_empty());
    // A line that is indented further continues a description.
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Runs a command that ends with exit code 2 and prints nothing, and returns its stderr.
#[track_caller]
pub fn refused(arguments: &[&str]) -> String {
    let output = portlab(arguments);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    assert!(output.stdout.is_empty(), "{arguments:?} wrote to stdout");
    assert!(!text.contains("panicked"), "{arguments:?}: {text}");
    text
}

/// Runs `script` in bash, where `$portlab` is the program.
pub fn shell(script: &str) -> Output {
    let mut command = Command::new("bash");
    command.args(["-c", script]).env("portlab", binary());
    command.env("PORTLAB_LANG", "en").output().unwrap()
}

/// A command that runs `script` on a terminal of its own, with `$portlab` as in [`shell`]; `None` if the machine has no
/// `script(1)`.
pub fn on_a_terminal(script: &str) -> Option<Command> {
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: no `script` here");
        return None;
    }
    restore_hangup();
    let mut command = Command::new("script");
    command.args(["-qefc", script, "/dev/null"]);
    command.env("TERM", "xterm").env("portlab", binary());
    command.env("PORTLAB_LANG", "en");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(command)
}

/// The stderr of a command.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asserts that `text` contains all `parts`.
#[track_caller]
pub fn says(text: &str, parts: &[&str]) {
    let missing: Vec<_> = parts.iter().filter(|it| !text.contains(**it)).collect();
    assert!(missing.is_empty(), "{missing:?} is not in {text}");
}

/// The JSON that a command has printed.
#[track_caller]
pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The words of `line`, as arguments of a command.
pub fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

//! Workloads of HTTP: web servers side by side, and the files that they serve.

use std::{fs, path::Path};

use portlab_stats::record::{NotRun, Record};
use portlab_sys::spawn::{Signal, signal};

use super::{binary, command, folder, foreign_server, record, refused, stderr, wait_until, words};

/// Compares with a folder for temporary files of its own, which must be empty afterwards; returns the exit code and the
/// record.
fn compared(dir: &Path, line: &str, more: &[&str]) -> (Option<i32>, Record) {
    let (temporary, out) = (dir.join("tmp"), dir.join("results"));
    fs::create_dir_all(&temporary).unwrap();
    let mut compare = command(&["compare"]);
    compare.env("TMPDIR", &temporary);
    compare.arg(format!("--out={}", out.display()));
    let output = compare.args(words(line)).args(more).output().unwrap();
    assert!(is_empty(&temporary), "{}", stderr(&output));
    (output.status.code(), record(&out))
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).unwrap().next().is_none()
}

/// This program's own web server, as a foreign server of the folder `root`.
fn web_server(name: &str, root: &str) -> String {
    let portlab = binary();
    format!(
        "--server={name}='{portlab}' serve --service http --root {root} --bind 127.0.0.1:{{port}}"
    )
}

#[test]
fn web_servers_send_whole_files_on_open_and_on_short_connections() {
    let (code, record) = compared(
        &folder("compare-http"),
        "--models=iterative,threads,event-loop --workload=echo,http,http-close,http-file --connections=4 --rounds=2 \
         --duration=100ms --no-twin",
        &[&web_server("web", "{root}"), &foreign_server("echoes")],
    );
    assert_eq!(code, Some(0), "{record:?}");
    let mut measured = Vec::new();
    for cell in &record.cells {
        let name = (&*cell.workload, &*cell.model);
        let expected = match name {
            ("echo", "web") => Some(NotRun::ForeignFiles),
            ("http" | "http-close" | "http-file", "echoes") => Some(NotRun::ForeignRoot),
            ("echo" | "http" | "http-file", "iterative") => Some(NotRun::ServesOne),
            _ => None,
        };
        assert_eq!(cell.not_run, expected, "{name:?}");
        if expected.is_none() {
            assert_eq!((cell.rounds.len(), cell.errors()), (2, 0), "{cell:?}");
            assert!(cell.rounds.iter().all(|round| round.messages > 0));
            measured.push(name);
        }
    }
    assert_eq!(measured.len(), 3 + 3 + 4 + 3, "{measured:?}");
    let sizes = record.cells.iter().map(|it| it.point.size_bytes);
    let mut sizes: Vec<usize> = sizes.collect();
    sizes.dedup();
    assert_eq!(sizes, [64, 1024, 1 << 20]);
}

#[test]
fn a_web_server_that_sends_something_else_is_refused() {
    let dir = folder("compare-http-wrong");
    let copy = dir.join("copy");
    let served = |change: &str| {
        let copy = copy.display();
        let serve = web_server("it", &copy.to_string());
        let (name, serve) = serve.split_once('=').unwrap().1.split_once('=').unwrap();
        format!(
            "--server={name}=sh -c \"mkdir -p '{copy}' && cp {{root}}/* '{copy}' && cd '{copy}' && {change} && exec {serve}\""
        )
    };
    for (change, why) in [
        ("true", None),
        ("printf x >> 1024.bin", Some("exactly:1.00 KiB")),
        (
            "printf x | dd of=1024.bin bs=1 seek=1023 conv=notrunc",
            Some("exactly:1.00 KiB"),
        ),
        ("rm 1024.bin", Some("status 404")),
    ] {
        let line = "--models=none --workload=http --connections=1 --rounds=1 --duration=50ms --warmup=1ms --no-twin";
        let (code, record) = compared(&dir, line, &[&served(change)]);
        let failures = &record.cells[0].failures;
        match why {
            None => assert_eq!((code, failures.len()), (Some(0), 0), "{failures:?}"),
            Some(why) => {
                assert_eq!(code, Some(1), "{change}");
                let reason = &failures[0].reason.en;
                assert!(reason.contains("verification failed"), "{reason}");
                assert!(reason.contains(why), "{change}: {reason}");
            }
        }
    }
}

#[test]
fn an_interrupted_comparison_leaves_no_files() {
    let dir = folder("compare-http-ended");
    let mut compare = command(&["compare"]);
    compare.env("TMPDIR", &dir);
    compare.arg(format!(
        "--out={}",
        folder("compare-http-ended-out").display()
    ));
    let line = "--models=threads --workload=http --connections=1 --rounds=9 --duration=10s";
    let mut child = compare.args(words(line)).spawn().unwrap();
    wait_until("the file is there", || {
        let root = fs::read_dir(&dir).unwrap().next();
        root.is_some_and(|root| root.unwrap().path().join("1024.bin").exists())
    });
    signal(&mut child, Signal::INT).unwrap();
    child.wait().unwrap();
    assert!(is_empty(&dir));
}

#[test]
fn a_foreign_server_that_no_workload_can_measure_is_refused() {
    for (workload, server, remedy) in [
        ("http", "x=server {port}", "write it, as in mine="),
        ("echo,chat", "x=server {port} {root}", "--workload http"),
    ] {
        let (workload, server) = (
            format!("--workload={workload}"),
            format!("--server={server}"),
        );
        let text = refused(&["compare", &workload, &server]);
        assert!(text.contains(remedy) && text.contains("{root}"), "{text}");
    }
}

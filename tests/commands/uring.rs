//! Machines and containers that forbid io_uring, as a seccomp filter does here.

use std::process::Output;

use portlab_sys::uring::{Uring, forbid, uring};
use portlab_testkit::{command, json, says, stderr};
use rustix::io::Errno;

/// Runs the program where each call of io_uring fails with `errno`; `None` if this system allows no filter.
fn without_uring(errno: Errno, arguments: &[&str]) -> Option<Output> {
    let mut command = command(arguments);
    forbid(&mut command, errno);
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("not run: {error}");
            None
        }
    }
}

#[test]
fn a_server_that_may_not_use_io_uring_says_so_with_the_remedy() {
    for (errno, why) in [
        (Errno::PERM, "io_uring is forbidden here"),
        (
            Errno::NOSYS,
            "this kernel has no io_uring, or a container hides it",
        ),
    ] {
        for model in ["--model=uring", "--model=uring-textbook"] {
            let serve = ["serve", "--bind=127.0.0.1:0", model];
            let Some(output) = without_uring(errno, &serve) else {
                return;
            };
            let text = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{text}");
            says(
                &text,
                &[why, "--security-opt seccomp=unconfined", "another model"],
            );
            assert!(
                output.stdout.is_empty(),
                "a server that can't serve is listening"
            );
        }
    }
}

/// The exit code of a comparison that measured nothing is 2.
#[test]
fn a_comparison_of_nothing_fails_with_the_reason() {
    let compare = ["compare", "--models=uring", "--connections=2"];
    let Some(output) = without_uring(Errno::PERM, &compare) else {
        return;
    };
    assert_eq!(output.status.code(), Some(2));
    says(&stderr(&output), &["uring (", "io_uring is forbidden here"]);
}

#[test]
fn a_comparison_goes_on_without_the_model_that_may_not_use_io_uring() {
    let folder = portlab_testkit::folder("uring-forbidden");
    let folder = folder.to_str().unwrap();
    let compare = [
        "compare",
        "--models=uring,poll",
        "--workload=echo",
        "--connections=2",
    ];
    let short = [
        "--rounds=2",
        "--duration=50ms",
        "--warmup=10ms",
        "--out",
        folder,
    ];
    let arguments = [&compare[..], &short].concat();
    let Some(output) = without_uring(Errno::PERM, &arguments) else {
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}{text}", stderr(&output));
    says(&text, &["poll", "io_uring is forbidden here"]);
}

#[test]
fn the_doctor_says_whether_io_uring_may_be_used() {
    let Some(output) = without_uring(Errno::PERM, &["doctor", "--json"]) else {
        return;
    };
    let facts = json(&output)["machine"].clone();
    assert_eq!(facts["io_uring"], "off", "{facts}");
    // And the filter is the program's alone.
    assert_ne!(uring(), Uring::Missing);
}

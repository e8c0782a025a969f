//! The suite itself where io_uring is forbidden, as a seccomp filter does here.

use std::{env::current_exe, process::Command};

use libtest_mimic::Trial;
use portlab_sys::uring::forbid;
use portlab_testkit::trial;
use rustix::io::Errno;

/// A brief case that every model runs, and every twin.
const CASE: &str = "echo::one_byte_per_write";

pub(crate) fn of_the_suite() -> Trial {
    trial("suite::goes_on_where_io_uring_is_forbidden", || {
        let mut suite = Command::new(current_exe().expect("this program has a path"));
        forbid(suite.arg(CASE), Errno::PERM);
        let output = match suite.output() {
            Ok(output) => output,
            Err(error) => return eprintln!("not run: this system allows no filter: {error}"),
        };
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
        let (without, others): (Vec<_>, Vec<_>) = text
            .lines()
            .filter(|line| line.starts_with("test "))
            .partition(|line| line.contains("uring::"));
        // The model, its twin, and the model behind a proxy.
        assert_eq!(without.len(), 3, "{text}");
        for line in without {
            assert!(
                line.contains("[not run: io_uring is forbidden here]"),
                "{line}"
            );
            assert!(line.ends_with("ignored"), "{line}");
        }
        assert!(others.iter().any(|line| line.ends_with("ok")), "{text}");
    })
}

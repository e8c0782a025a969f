//! Files from outside, and files on a full disk: reading is bounded, and a written file is whole or unchanged.

use std::{fs, path::Path};

use portlab_testkit::{folder, names, root, stderr};

/// Runs `script` in a shell, in which `$portlab` is the program and the folder is `dir`.
fn shell(dir: &Path, script: &str) -> (Option<i32>, String) {
    let output = portlab_testkit::shell(&format!("cd '{}'; {script}", dir.display()));
    let said = stderr(&output);
    assert!(!said.contains("panicked"), "{script}: {said}");
    (output.status.code(), said)
}

#[test]
fn a_file_without_an_end_or_without_a_writer_is_refused_with_the_reason() {
    let dir = folder("read");
    fs::File::create(dir.join("huge.json"))
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    // 16 MB that are not part of a record: a value of them in memory would take 256 MB.
    let junk = "0,".repeat(8 << 20);
    let junk = format!("{{\"format\": \"portlab-comparison/3\", \"junk\": [{junk}0]}}");
    fs::write(dir.join("junk.json"), junk).unwrap();
    for (script, part) in [
        ("$portlab report huge.json", "larger than 128 MiB"),
        ("yes '' | $portlab report /dev/stdin", "larger than 128 MiB"),
        ("$portlab report /dev/zero", "is a device"),
        (
            "exec 3< <(true); wait $!; $portlab report /dev/fd/3",
            "no program writes to",
        ),
        ("mkfifo fifo; $portlab report fifo", "no program writes to"),
        ("mkdir -p results.json; $portlab report .", "is a directory"),
        (
            "$portlab load 127.0.0.1:1 --payload huge.json",
            "larger than 64 MiB",
        ),
        (
            "$portlab load 127.0.0.1:1 --payload fifo",
            "no program writes to",
        ),
        (
            "ulimit -v 100000; $portlab report junk.json",
            "is damaged: missing field",
        ),
    ] {
        let (code, said) = shell(&dir, script);
        assert_eq!(code, Some(2), "{script}: {said}");
        assert!(said.contains(part), "{script}: {said}");
    }
}

/// A comparison of a moment.
const COMPARE: &str = "$portlab compare --models=threads --no-twin --connections=1 --duration=20ms --rounds=2 \
                       --lang=en --out";

#[test]
fn on_a_full_disk_the_old_files_stay_and_no_other_file_is_left() {
    let dir = folder("full");
    let results = root().join("crates/portlab-report/testdata");
    fs::copy(results.join("results.json"), dir.join("in.json")).unwrap();
    let (code, said) = shell(&dir, &format!("{COMPARE} out"));
    assert_eq!(code, Some(0), "{said}");
    for name in ["report.html", "hgrm", "hlog", "csv", "trace.json"] {
        fs::write(dir.join(name), "old").unwrap();
    }
    let files = |dir: &Path| -> Vec<_> {
        let names = names(dir)
            .into_iter()
            .filter(|name| dir.join(name).is_file());
        names
            .map(|name| (fs::read(dir.join(&name)).unwrap(), name))
            .collect()
    };
    let before = (files(&dir), files(&dir.join("out")));
    // As on a full disk: a file takes no byte beyond the limit, here 1 KiB, and write(2) fails.
    for (script, file) in [
        ("$portlab report in.json --out report.html", "report.html"),
        ("$portlab report in.json --out new.html", "new.html"),
        ("$portlab report in.json --charts charts", "charts/"),
        (&format!("{COMPARE} out"), "out/results.json"),
        (
            "coproc $portlab serve --bind 127.0.0.1:0 --trace trace.json; read -r -u ${COPROC[0]} line; \
             addr=${line#listening on }; $portlab load ${addr%% *} --messages 100 --plain \
             --hgrm hgrm >/dev/null; code=$?; kill $COPROC_PID; wait $COPROC_PID; exit $(($? * code / 2))",
            "trace.json",
        ),
    ] {
        let (code, said) = shell(&dir, &format!("trap '' XFSZ; ulimit -f 1; {script}"));
        assert_eq!(code, Some(2), "{script}: {said}");
        assert!(
            said.contains("File too large") && said.contains(file),
            "{script}: {said}"
        );
        assert_eq!((files(&dir), files(&dir.join("out"))), before, "{script}");
    }
    assert_eq!(names(&dir.join("charts")), [""; 0]);
}

#[test]
fn links_in_the_folder_of_results_are_not_followed() {
    let dir = folder("links");
    let again = "mv out/results.json mine; cd out; ln -s ../mine results.json; ln -sf ../mine report.html; cd ..";
    let script = format!(
        "{COMPARE} out && {again} && cp mine copy && {COMPARE} out && cmp mine copy && rm copy"
    );
    let (code, said) = shell(&dir, &script);
    assert_eq!(code, Some(0), "{said}");
    let mine = fs::read(dir.join("mine")).unwrap();
    assert_eq!(names(&dir.join("out")), ["report.html", "results.json"]);
    assert!(!dir.join("out/report.html").is_symlink());
    for script in [
        "ln -s ../mine out/running.json",
        "mkfifo out/running.json",
        "ln -s .. out/traces",
    ] {
        let (code, said) = shell(&dir, &format!("{script}; {COMPARE} out --trace"));
        assert_eq!(code, Some(2), "{script}: {said}");
        assert!(said.contains("it is a link"), "{script}: {said}");
        assert_eq!(names(&dir), ["mine", "out"], "{script}");
        assert_eq!(fs::read(dir.join("mine")).unwrap(), mine);
        let _ = fs::remove_file(dir.join("out/running.json"));
    }
}

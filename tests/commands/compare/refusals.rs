//! Comparisons and servers that are refused, and why.

use super::{compare, folder, refused};

#[test]
fn a_server_that_answers_wrongly_is_not_measured_and_fails_the_comparison() {
    for (service, connections) in [("echo", 1), ("chat", 4)] {
        let dir = folder(&format!("compare-panic-{service}"));
        let line = format!(
            "--models=threads --rounds=1 --work=panic --service={service} --connections={connections}"
        );
        let output = compare(&dir, &line, &[]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{service}: {text}");
        let words = "failed: not measured: verification failed";
        assert!(text.contains(words), "{service}: {text}");
    }
}

#[test]
fn an_invalid_comparison_of_chats_is_refused_with_the_remedy() {
    for (options, remedy) in [
        (&["--connections=1"][..], "at least 2"),
        (&["--connections=10,5", "--rooms=3"], "at least 6"),
        (&["--rooms=100"], "1 to 99"),
        (&["--controls"], "leave it out"),
        (&["--threads=2"], "leave out --threads"),
        (&["--size=4096"], "--size 4080"),
    ] {
        let text = refused(&[&["compare", "--service=chat"], options].concat());
        assert!(text.contains(remedy), "{options:?}: {text}");
        assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    }
    let twins = refused(&["compare", "--workload=http,http-file", "--controls"]);
    assert!(twins.contains("serve echo only"), "{twins}");
    assert!(refused(&["compare", "--rooms=2"]).contains("--workload chat"));
    assert!(refused(&["compare", "--service=chatt"]).contains("'chat'"));
}

#[test]
fn an_invalid_option_is_refused_with_the_remedy() {
    for (options, remedy) in [
        (&["--server=x"][..], "NAME='COMMAND'"),
        (&["--server=x=python3 echo.py"], "{port}"),
        (&["--server=x='python3 {port}"], "isn't closed"),
        (&["--server=a b=echo {port}"], "invalid name"),
        (
            &["--models=threads", "--server=threads=x {port}"],
            "my-threads",
        ),
        (&["--models=none"], "no server takes part"),
        (&["--models=none,threads"], "leave out"),
        (
            &["--models=none", "--family=event"],
            "or with --family; leave out none",
        ),
        (
            &["--models=fork", "--server=fork-again=x {port}"],
            "the second time",
        ),
        (&["--rooms=0"], "between 1 and 1k"),
        (&["--size=0"], "between 1 and 64MiB"),
        (&["--depth=0"], "between 1 and 65536"),
        (
            &["--connections=1..1Mx1.2", "--size=1..1Mx1.2"],
            "1000 is the most",
        ),
        (
            &["--connections=1..100x1.1", "--rounds=500"],
            "fewer --rounds",
        ),
        (&["--duration=100us"], "between 1ms and 1h"),
        (&["--duration=99999999999s"], "between 1ms and 1h"),
        (&["--rate=1000M"], "and 10M"),
        (&["--rounds=501"], "500"),
        (&["--models=fork", "--baseline=tasks"], "choose one of fork"),
        (&["--workload=ecko"], "echo"),
        (&["--rate=1k", "--workload=echo"], "--workload rate"),
        (&["--workload=echo,churn", "--depth=2"], "choose one"),
        (&["--workload=echo,churn", "--work=wait:1ms"], "choose one"),
        (&["--workload=slow", "--connections=1"], "at least 2"),
        (&["--connections=9..1"], "smaller number first"),
        (&["--connections=1..9x1"], "factor above 1"),
        (&["--workers=0"], "1 and 65535"),
        (&["--suite=class", "--workload=echo"], "cannot be used with"),
        (&["--suite=clas"], "class"),
    ] {
        let text = refused(&[&["compare"], options].concat());
        assert!(text.contains(remedy), "{options:?}: {text}");
    }
}

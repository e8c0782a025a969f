use portlab_stats::{
    advice::{Candidate, conclude},
    fixture::{self, candidate},
};

use super::*;

/// Everything that can be said at once.
fn measured() -> Measured {
    let mut candidates: Vec<Candidate> = [("lean", 10.0), ("like-it", 10.2), ("dear", 30.0)]
        .map(|(model, cpu_us)| candidate(model, cpu_us, 4))
        .into();
    for candidate in &mut candidates {
        candidate.ceiling = Ceiling::Between {
            low_per_s: 20e3,
            high_per_s: 24e3,
        };
        let mut shot = candidate.shots[0].clone();
        if candidate.model != "dear" {
            shot.shown = Shown::TooSlow;
        }
        candidate.blocked = vec![shot];
    }
    candidates[2].shots[0].p99_ns = 7_000_000;
    candidates[2].shots[0].cpu_us_per_message = Some(29.0);
    candidates[2].ceiling = Ceiling::AtLeast {
        per_s: 30e3,
        spoiled: true,
    };
    for shot in &mut candidates[2].shots {
        shot.peak_pss_bytes = 1 << 20;
    }
    for (model, carries) in [("one", Carries::One), ("few", Carries::Few(16))] {
        let mut unable = candidate(model, 1.0, 4);
        unable.carries = carries;
        candidates.push(unable);
    }
    let mut slow = candidate("slow", 1.0, 4);
    for shot in &mut slow.shots {
        (shot.shown, shot.p99_ns) = (Shown::TooSlow, 400_000_000);
    }
    slow.shots.truncate(3);
    candidates.push(slow);
    let mut unmeasured = candidate("unmeasured", 1.0, 4);
    unmeasured.shots.clear();
    candidates.push(unmeasured);
    let mut wavers = candidate("wavers", 1.0, 4);
    wavers.shots[0].shown = Shown::TooSlow;
    wavers.shots[1].shown = Shown::Unsent;
    candidates.push(wavers);
    Measured {
        interrupted: true,
        ..fixture::measured(candidates)
    }
}

fn told(measured: &Measured, lang: Lang) -> Vec<String> {
    let lines = lines(measured, &conclude(measured), lang);
    let told = lines
        .iter()
        .map(|line| format!("{} {}", line.lead, line.text));
    told.collect()
}

#[test]
fn an_advice_is_ten_lines_at_most_and_says_all_of_it_in_both_languages() {
    for (lang, parts) in [
        (
            Lang::En,
            [
                "choose lean: it handles 5.00k/s on 500 connections with a p99 of 6.00 ms",
                "no difference was measured to like-it",
                "dear 3.00 times the CPU time (2.90 to 3.00)",
                "can't: one (serves one connection at a time), few (serves 16",
                "100k/s: 500 connections, 5.00 ms for each message (Little's law); the load asked for is 5.00%",
                "dear 30.0k/s or more (higher rates can't be measured here)",
                "from 24.0k/s on choose dear",
                "if the driver blocks for 5.00 ms instead of waiting, lean can't do it: choose dear",
                "if memory is scarce: dear takes 0.25 times as much as lean",
                "not known: unmeasured (too few measurements count), wavers (met the bound in 3 of 5",
                "how sure: with care: 5 rounds",
                "the run was interrupted",
            ],
        ),
        (
            Lang::Zh,
            [
                "选 lean：承受 500 个连接上的 5.00k/s 时 p99 为 6.00 ms",
                "与 like-it 没有测出差别",
                "dear（CPU 时间是 3.00 倍，2.90 到 3.00）",
                "one（一次只服务一个连接）",
                "利特尔法则",
                "dear 30.0k/s 以上（更高的速率在这里测不出来）",
                "24.0k/s 以上就选 dear",
                "如果驱动不是等待而是阻塞 5.00 ms，lean 就不行：选 dear",
                "内存紧张时：dear 用的是 lean 的 0.25 倍",
                "不知道： unmeasured（有效的测量太少）、wavers（5 轮中只有 3 轮达标）",
                "有多可信： 要小心：5 轮",
                "运行被中断",
            ],
        ),
    ] {
        let told = told(&measured(), lang);
        assert!(told.len() <= LINES, "{told:#?}");
        let all = told.join("\n");
        for part in parts {
            assert!(all.contains(part), "{part}\n{all}");
        }
        assert!(!all.contains(['{', '}']), "{all}");
    }
}

#[test]
fn one_round_is_told_in_the_singular_and_an_interrupted_run_says_why_it_is_short() {
    let mut asked = measured();
    for candidate in &mut asked.candidates {
        candidate.shots.truncate(1);
    }
    let told = told(&asked, Lang::En).join("\n");
    assert!(
        told.contains("1 round, each server in a fresh process"),
        "{told}"
    );
    assert!(!told.contains("the time was too short"), "{told}");
    let unknown = "not known: lean, like-it, dear and 3 more (too few measurements count)";
    assert!(told.contains(unknown), "{told}");
}

#[test]
fn what_is_impossible_is_told_with_the_law_and_nothing_else() {
    let mut asked = measured();
    asked.question.rate_per_s = 200e3;
    for candidate in &mut asked.candidates {
        candidate.shots.clear();
    }
    let told = told(&asked, Lang::En);
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].starts_with("impossible: no server can handle 200k/s"));
    assert!(
        told[1].contains("the load asked for is 200% of it"),
        "{told:#?}"
    );
}

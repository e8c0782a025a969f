//! A server that is slow.

use portlab_conformance::experiments::{Trouble, Weight};
use portlab_sys::{meter, process};
use portlab_words::{Text, tr};

use super::{
    experiment::{ANY, ClientExperiment},
    run::{QUIET, Settled},
    start::Door,
};

pub(super) const waits_without_cpu: ClientExperiment = ClientExperiment {
    about: [
        "uses no CPU while it waits for an answer",
        "等待回答时不占用 CPU",
    ],
    names: &["busy-loop"],
    unless: &[&["crashes"]],
    run: |exam| {
        let mut run = exam.asked()?;
        exam.record
            .add(Text::new("portlab doesn't answer", "portlab 不回答"));
        match run.settle(exam.patience / 2) {
            Settled::Spinning => Err(Trouble::Bug("busy-loop")),
            _ => Ok(()),
        }
    },
    ..ANY
};

pub(super) const has_a_timeout: ClientExperiment = ClientExperiment {
    about: ["has a timeout", "设置了超时"],
    weight: Weight::May,
    names: &["no-timeout"],
    unless: &[&["crashes", "busy-loop"]],
    run: |exam| {
        let mut run = exam.asked()?;
        run.settle(QUIET);
        let below = meter::below(run.started().run.root()).unwrap_or_default();
        if run.is_over()
            || !below
                .iter()
                .any(|pid| process::receives_without_limit(*pid))
        {
            return Ok(());
        }
        exam.record.add(Text::new(
            "portlab doesn't answer, and the client waits in recv() without a time limit",
            "portlab 不回答，客户端在 recv() 里无限期等待",
        ));
        Err(Trouble::Bug("no-timeout"))
    },
    ..ANY
};

pub(super) const sends_everything: ClientExperiment = ClientExperiment {
    about: [
        "sends everything to a server that reads slowly",
        "服务端读得慢，也能把数据发完",
    ],
    fits: |manner| manner.question_bytes >= MUCH,
    names: &["send-not-sendall"],
    unless: &[&["crashes"]],
    run: |exam| {
        let mut run = exam.asked_at(Door::Narrow)?;
        run.first().is_unread = true;
        run.settle(QUIET);
        exam.record.add(Text::new(
            "portlab reads nothing until the client waits",
            "portlab 先不读取，等客户端停下来再读",
        ));
        run.first().is_unread = false;
        run.settle(QUIET);
        let (came, all) = (run.first().total, exam.manner.question_bytes);
        exam.record.add(tr!(
            "{came} bytes come; {all} bytes came to a server that read at once",
            "收到 {came} 字节；服务端马上读取时收到的是 {all} 字节"
        ));
        if came < all {
            Err(Trouble::Bug("send-not-sendall"))
        } else {
            Ok(())
        }
    },
    ..ANY
};

/// A client that sends less finds room in the kernel's buffers.
const MUCH: usize = 64 * 1024;

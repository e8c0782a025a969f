//! Ends of the connection, and of the server.

use portlab_conformance::experiments::{Outcome, Trouble, Weight};
use portlab_words::{Text, tr};

use super::{
    experiment::{ANY, ClientExperiment, Exam},
    run::{QUIET, Run, Settled},
    start::Door,
};

pub(super) const server_closes: ClientExperiment = ClientExperiment {
    about: [
        "survives a server that closes without an answer",
        "服务端不回答就关闭，也能正常结束",
    ],
    weight: Weight::Should,
    names: &["dies-at-server-end", "misses-server-end"],
    unless: &[&["crashes"]],
    run: |exam| {
        let mut run = exam.asked()?;
        run.finish();
        after_the_end(exam, &mut run, "dies-at-server-end").map(|_| ())
    },
    ..ANY
};

pub(super) const closes_its_connection: ClientExperiment = ClientExperiment {
    about: [
        "closes its connection after the server has closed",
        "服务端关闭后，自己也关闭连接",
    ],
    weight: Weight::Should,
    fits: |manner| manner.reads,
    names: &["never-closes", "dies-at-server-end", "misses-server-end"],
    unless: &[&["crashes", "dies-at-server-end", "misses-server-end"]],
    run: |exam| {
        let mut run = exam.asked()?;
        let question = run.question();
        run.send(&exam.manner.answer(&question));
        run.serve();
        run.settle(QUIET);
        if run.is_over() {
            return Ok(());
        }
        run.finish();
        let settled = after_the_end(exam, &mut run, "dies-at-server-end")?;
        let waits_for_input = run.started().run.has_read_stdin();
        if settled == Settled::Waiting && !run.is_over() && !waits_for_input {
            let ms = exam.patience.as_millis();
            exam.record.add(tr!(
                "after {ms} ms, the client's socket is still open (CLOSE-WAIT)",
                "过了 {ms} 毫秒，客户端的套接字还没有关闭（CLOSE-WAIT）"
            ));
            return Err(Trouble::Bug("never-closes"));
        }
        Ok(())
    },
    ..ANY
};

/// Waits until the client has noticed the end of the server.
fn after_the_end(exam: &Exam<'_>, run: &mut Run, death: &'static str) -> Result<Settled, Trouble> {
    let before = run.first().total;
    let settled = run.settle(exam.patience);
    let sent = run.first().total - before;
    let goes_on = sent > 0 && !run.is_over() && !run.started().run.has_read_stdin();
    if matches!(settled, Settled::Spinning | Settled::Sending) || goes_on {
        if sent > 0 {
            exam.record.add(tr!(
                "the client has sent {sent} bytes since the server's end",
                "服务端关闭之后，客户端又发送了 {sent} 字节"
            ));
        }
        return Err(Trouble::Bug("misses-server-end"));
    }
    match run.death() {
        Some(_) => Err(Trouble::Bug(death)),
        None => Ok(settled),
    }
}

pub(super) const server_resets: ClientExperiment = ClientExperiment {
    about: ["survives a reset", "连接被复位，也能正常结束"],
    weight: Weight::May,
    names: &["dies-at-reset"],
    unless: &[&["crashes"]],
    run: |exam| {
        let mut run = exam.asked()?;
        run.reset();
        run.settle(exam.patience);
        dies(&mut run, "dies-at-reset")
    },
    ..ANY
};

pub(super) const connection_refused: ClientExperiment = ClientExperiment {
    about: [
        "survives that no server listens",
        "没有服务端监听，也能正常结束",
    ],
    weight: Weight::May,
    names: &["dies-at-refusal"],
    unless: &[&["crashes"]],
    run: |exam| {
        let mut run = exam.begin(Door::Shut)?;
        exam.record.add(Text::new(
            "no server listens at the port",
            "这个端口没有服务端在监听",
        ));
        run.refused(exam.launch.timeout);
        run.settle(exam.patience);
        dies(&mut run, "dies-at-refusal")
    },
    ..ANY
};

fn dies(run: &mut Run, bug: &'static str) -> Outcome {
    match run.death() {
        Some(_) => Err(Trouble::Bug(bug)),
        None => Ok(()),
    }
}

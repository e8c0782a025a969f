//! Answers in pieces.

use portlab_conformance::experiments::{Kind, Outcome, Trouble, Weight};
use portlab_words::{Text, tr};

use super::{
    experiment::{ANY, ClientExperiment, Exam},
    manner::Manner,
    run::{QUIET, Run, Settled},
};

/// With a line end, or with a length, a client can know where the answer ends.
pub(super) const answer_in_two_pieces: ClientExperiment = ClientExperiment {
    about: [
        "reads an answer that comes in two pieces",
        "回答分两次到达，也能读完整",
    ],
    fits: |manner| manner.is_framed() && manner.reads,
    names: &["one-read-one-message"],
    unless: &[&["crashes"]],
    run: in_two_pieces,
    ..ANY
};

/// Without either, only the server's end says where the answer ends. Programs of the course live with that.
pub(super) const text_in_two_pieces: ClientExperiment = ClientExperiment {
    about: [
        "reads a text that comes in two pieces",
        "一段文字分两次到达，也能读完整",
    ],
    weight: Weight::May,
    fits: |manner| !manner.is_framed() && manner.reads,
    ..answer_in_two_pieces
};

fn in_two_pieces(exam: &mut Exam<'_>) -> Outcome {
    let mut run = exam.asked()?;
    let question = run.question();
    let answer = exam.manner.long_answer(&question);
    let (begin, rest) = answer.split_at(exam.manner.cut(&answer));
    let before = run.first().total;
    run.send(begin);
    run.settle(QUIET);
    let bug = Err(Trouble::Bug("one-read-one-message"));
    if run.is_over() {
        let (length, all) = (begin.len(), answer.len());
        exam.record.add(tr!(
            "after {length} of {all} bytes, the client reads no more",
            "收到 {all} 字节中的 {length} 字节之后，客户端不再读取"
        ));
        return bug;
    }
    if run.first().total > before && !exam.manner.is_eager {
        exam.record.add(Text::new(
            "the client goes on before the answer is whole",
            "回答还没有到齐，客户端就继续往下执行了",
        ));
        return bug;
    }
    run.send(rest);
    end_of_answer(exam, &mut run, &question);
    let settled = run.settle(QUIET);
    let unread = run.first().unread();
    if settled == Settled::Waiting && unread > 0 {
        exam.record.add(tr!(
            "{unread} bytes of the answer are left unread",
            "回答还有 {unread} 字节没有被读取"
        ));
        return bug;
    }
    Ok(())
}

pub(super) const character_in_two_pieces: ClientExperiment = ClientExperiment {
    about: [
        "reads a character that comes in two pieces",
        "一个汉字分两次到达，也能正确解码",
    ],
    weight: Weight::Should,
    fits: |manner| manner.reads,
    names: &["splits-character"],
    // A client that reads once can't have the whole character.
    unless: &[&["crashes", "one-read-one-message"]],
    run: |exam| {
        let mut run = exam.asked()?;
        let question = run.question();
        let answer = exam.manner.answer(&question);
        let Some(at) = exam.manner.cut_inside(&answer) else {
            return Err(Trouble::Skipped(Text::new(
                "each character of the answer is one byte",
                "回答里的每个字符都只有一个字节",
            )));
        };
        let (begin, rest) = answer.split_at(at);
        run.send(begin);
        run.settle(QUIET);
        if !run.is_over() {
            run.send(rest);
            end_of_answer(exam, &mut run, &question);
            run.settle(QUIET);
        }
        let is_garbled = run.started().run.stdout().contains('\u{fffd}');
        if is_garbled {
            exam.record.add(Text::new(
                "the client prints U+FFFD, the mark of a character that can't be decoded",
                "客户端打印出 U+FFFD（无法解码的字符标记）",
            ));
        }
        if is_garbled
            || run
                .death()
                .is_some_and(|it| it.contains("UnicodeDecodeError"))
        {
            return Err(Trouble::Bug("splits-character"));
        }
        Ok(())
    },
    ..ANY
};

/// Closes the connection if the client can't know otherwise that the answer is whole.
fn end_of_answer(exam: &Exam<'_>, run: &mut Run, question: &[u8]) {
    run.serve();
    if !exam.manner.is_framed() || exam.manner.closes_after(question) {
        run.settle(QUIET);
        if !run.is_over() {
            run.finish();
        }
    }
}

impl Manner {
    /// An answer for which a client of HTTP must read several times; otherwise the usual answer.
    fn long_answer(&self, question: &[u8]) -> Vec<u8> {
        match self.kind {
            Kind::Http => self.response(question, "<p>", TIMES),
            _ => self.answer(question),
        }
    }
}

/// How often a long answer repeats its text: some 10 KB.
const TIMES: usize = 200;

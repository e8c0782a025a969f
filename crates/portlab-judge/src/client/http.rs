//! Clients of HTTP.

use portlab_conformance::experiments::{Kind, Trouble, Weight, shown};
use portlab_words::{Text, tr};

use super::{
    experiment::{ANY, ClientExperiment},
    manner::{Manner, find},
    run::Settled,
};

pub(super) const request_is_valid: ClientExperiment = ClientExperiment {
    about: ["sends a valid request of HTTP", "HTTP 请求格式正确"],
    fits: is_http,
    names: &["no-blank-line", "bare-lf", "no-host"],
    run: |exam| {
        let request = &exam.manner.question;
        let text = String::from_utf8_lossy(request).to_lowercase();
        let bug = if find(request, b"\r\n\r\n").is_none() && find(request, b"\n\n").is_none() {
            "no-blank-line"
        } else if find(request, b"\r\n\r\n").is_none() {
            "bare-lf"
        } else if text.contains("http/1.1\r\n") && !text.contains("\nhost:") {
            "no-host"
        } else {
            return Ok(());
        };
        let shown = shown(request);
        exam.record
            .add(tr!("the request: {shown}", "请求是：{shown}"));
        Err(Trouble::Bug(bug))
    },
    ..ANY
};

pub(super) const ends_at_the_length: ClientExperiment = ClientExperiment {
    about: [
        "stops reading at Content-Length",
        "按 Content-Length 读完就停",
    ],
    weight: Weight::Should,
    fits: |manner| is_http(manner) && !manner.closes_after(&manner.question),
    names: &["waits-for-close"],
    unless: &[&["crashes", "no-blank-line"]],
    run: |exam| {
        let mut run = exam.asked()?;
        let question = run.question();
        run.send(&exam.manner.answer(&question));
        run.serve();
        exam.record.add(Text::new(
            "portlab keeps the connection open, as HTTP/1.1 does",
            "portlab 不关闭连接（HTTP/1.1 默认保持连接）",
        ));
        if run.settle(exam.patience) == Settled::Waiting && !run.is_over() {
            let ms = exam.patience.as_millis();
            exam.record.add(tr!(
                "the client waits for more for {ms} ms, although the answer is whole",
                "回答已经完整，客户端还在等更多的数据，等了 {ms} 毫秒"
            ));
            return Err(Trouble::Bug("waits-for-close"));
        }
        Ok(())
    },
    ..ANY
};

fn is_http(manner: &Manner) -> bool {
    manner.kind == Kind::Http
}

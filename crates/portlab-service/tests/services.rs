//! Tests of the services: bytes in, bytes out, no socket.

use std::{net::SocketAddr, time::Duration};

use portlab_service::{
    ConnId, Cx, Flow, HandlerWork, Next, ServiceOptions, Session, TextEncoding, Work,
};

/// A session and its answers so far.
struct Talk {
    session: Box<dyn Session>,
    out: Vec<u8>,
}

impl Talk {
    fn with(name: &str, options: &ServiceOptions) -> Self {
        let service = options.build(name).expect("the service is in the table");
        let peer = SocketAddr::from(([127, 0, 0, 1], 50_000));
        Self {
            session: service.open(ConnId(1), peer),
            out: Vec::new(),
        }
    }

    fn say(&mut self, input: &[u8]) -> Flow {
        self.session.on_data(
            input,
            &mut Cx {
                out: &mut self.out,
                posts: &mut Vec::new(),
            },
        )
    }

    fn end(&mut self) -> Flow {
        self.session.on_eof(&mut Cx {
            out: &mut self.out,
            posts: &mut Vec::new(),
        })
    }
}

#[test]
fn echo_returns_every_byte_in_order_wherever_reads_are_cut() {
    let text: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    for piece in [1, 7, 64, 10_000] {
        let mut talk = Talk::with("echo", &ServiceOptions::default());
        for input in text.chunks(piece) {
            assert_eq!(talk.say(input), Flow::CONTINUE);
        }
        assert_eq!(talk.out, text, "in pieces of {piece}");
        assert_eq!(talk.end().next, Next::Close);
    }
}

#[test]
fn reply_answers_each_read_with_exactly_its_text() {
    let encoding: TextEncoding = "gbk".parse().unwrap();
    let options = ServiceOptions {
        reply: "你好".into(),
        encoding,
        ..ServiceOptions::default()
    };
    let mut talk = Talk::with("reply", &options);
    talk.say(b"anything");
    assert_eq!(talk.out, b"\xc4\xe3\xba\xc3");
    talk.say(b"x");
    assert_eq!(talk.out, b"\xc4\xe3\xba\xc3\xc4\xe3\xba\xc3");
}

#[test]
fn handler_work_comes_before_the_answer_and_changes_no_byte() {
    let options = ServiceOptions {
        work: HandlerWork::Work(Work::Wait(Duration::from_millis(5))),
        ..ServiceOptions::default()
    };
    let mut talk = Talk::with("echo", &options);
    assert_eq!(
        talk.say(b"hi"),
        Flow::CONTINUE.after(Work::Wait(Duration::from_millis(5)))
    );
    assert_eq!(talk.out, b"hi");
    assert_eq!(talk.end(), Flow::CLOSE);
}

#[test]
fn handler_work_is_read_as_it_is_written() {
    let read = |text: &str| text.parse::<HandlerWork>();
    for text in ["none", "panic", "wait:5ms", "block:1s", "cpu:200us"] {
        assert_eq!(read(text).unwrap().to_string(), text);
    }
    for text in ["", "wait", "wait:", "wait:5", "sleep:5ms", "cpu:-1ms"] {
        assert!(read(text).is_err(), "{text:?} was accepted");
    }
    for time in ["2h", "18446744073709551615s", "99999999999999999999y"] {
        let error = read(&format!("wait:{time}")).unwrap_err().en;
        assert!(error.contains("between 0s and 1h"), "{time}: {error}");
    }
}

#[test]
fn an_unknown_service_is_refused_with_the_list_of_services() {
    let error = ServiceOptions::default().build("ehco").err();
    assert!(error.is_some_and(|it| it.en.ends_with("one of echo, reply, chat, http")));
}

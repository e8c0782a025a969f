use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Wake, Waker},
};

use portlab_service::{Cx, Mail};

use super::*;
use crate::{
    Limits,
    letterbox::Letterbox,
    mailbox::{Overflow, Put},
};

/// Passes its mail on.
struct Postman;

impl Session for Postman {
    fn on_data(&mut self, _input: &[u8], _cx: &mut Cx<'_>) -> Flow {
        Flow::CONTINUE
    }

    fn on_mail(&mut self, mail: &Mail, cx: &mut Cx<'_>) -> Flow {
        cx.out.extend_from_slice(&mail.0);
        Flow::CONTINUE
    }
}

struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}

#[test]
fn who_waits_for_a_peer_that_does_not_read_is_woken_when_there_is_too_much() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let stream = Interruptible::new(TcpStream::from_std(stream));
    let mut conn = Conn::new(
        stream,
        Box::new(Postman),
        Span::new(ConnId(1)),
        Admission::for_test(Limits::default()),
    );
    let mut scratch = Scratch::new();
    let letterbox = Letterbox::new(Overflow::default());
    let bell = Arc::new(Bell(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&bell));
    let mail = Mail(vec![b'x'; 50_000].into());
    // Whatever the socket takes first, the driver must be left with a way to be woken.
    while !conn.is_blocked() {
        letterbox.put(mail.clone());
        let inbox = &mut (&letterbox, &waker);
        assert_eq!(conn.advance(&mut scratch, Some(inbox)), Step::Idle);
    }
    let woken = loop {
        if let (Put::Overflowed(_), woken) = letterbox.put(mail.clone()) {
            break woken;
        }
    };
    woken
        .expect("the letterbox has the waker of its receiver")
        .wake();
    assert!(bell.0.load(Relaxed));
    let inbox = &mut (&letterbox, &waker);
    let step = conn.advance(&mut scratch, Some(inbox));
    assert_eq!(
        (step, conn.how()),
        (Step::Leave(FAREWELL), Parting::TooSlow)
    );
}

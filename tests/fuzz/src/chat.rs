//! What members of a chat send: lines, telnet's commands, requests to the hub.

use std::net::{Ipv4Addr, SocketAddr};

use portlab_service::{
    Chat, ChatLimits, CloseReason, ConnId, Cx, Mail, Next, Post, Service, TextEncoding,
};

use crate::pieces;

/// Encodings of each kind: with 0xff as a letter, with states, and without both.
const ENCODINGS: [&str; 6] = [
    "utf-8",
    "gbk",
    "big5",
    "shift_jis",
    "windows-1251",
    "iso-2022-jp",
];

const LIMITS: ChatLimits = ChatLimits {
    line_bytes: 100,
    lines_per_turn: 3,
    name_chars: 24,
    rooms: 4,
};

fn service(encoding: u8) -> Chat {
    let label = ENCODINGS[usize::from(encoding) % ENCODINGS.len()];
    let encoding: TextEncoding = label.parse().expect("the standard lists it");
    Chat::new(encoding, LIMITS)
}

/// The posts of a session to the hub, and its bytes for its peer.
fn run<'a>(service: &Chat, reads: impl Iterator<Item = &'a [u8]>) -> (Vec<Post>, Vec<u8>) {
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let mut session = service.open(ConnId(1), peer);
    let (mut all_posts, mut all_out) = (Vec::new(), Vec::new());
    let (mut posts, mut out) = (Vec::new(), Vec::new());
    let (mut reads, mut next) = (reads.fuse(), Next::Continue);
    loop {
        let mut cx = Cx {
            out: &mut out,
            posts: &mut posts,
        };
        let (flow, is_last) = match next {
            Next::More => (session.on_more(&mut cx), false),
            _ => match reads.next() {
                Some(bytes) => (session.on_data(bytes, &mut cx), false),
                None => (session.on_eof(&mut cx), true),
            },
        };
        next = flow.next;
        all_posts.append(&mut posts);
        all_out.append(&mut out);
        if is_last {
            return (all_posts, all_out);
        }
    }
}

/// For every way in which reads cut the input, the session makes the same posts. A post is text without control
/// characters, and not much longer than a line may be.
pub(crate) fn chat(input: &[u8]) {
    let [encoding, length, input @ ..] = input else {
        return;
    };
    let service = service(*encoding);
    let whole = run(&service, std::iter::once(input).filter(|it| !it.is_empty()));
    assert_eq!(run(&service, pieces(input, *length)), whole);
    for Post(bytes) in &whole.0 {
        let text = std::str::from_utf8(bytes).expect("a post is text");
        // A line feed separates two arguments.
        let arguments = text.splitn(2, '\n');
        let is_inert = |text: &str| !text.contains(char::is_control);
        assert!({ arguments }.all(is_inert), "{text:?}");
        assert!(bytes.len() <= 16 * LIMITS.line_bytes + 200, "{text:?}");
    }
}

/// The hub accepts every post of every member. It sends mail to members only. A mail is a line, or empty if the
/// connection ends. The same posts make the same mail; a member that has left receives no mail.
pub(crate) fn rooms(input: &[u8]) {
    let Some((encoding, input)) = input.split_first() else {
        return;
    };
    let deliver = |mails: &mut Vec<(ConnId, Mail)>| {
        let mut hub = service(*encoding).hub().expect("a chat has a hub");
        // No text contains 0xfe, so it ends a post.
        for post in input.split(|byte| *byte == 0xfe) {
            let Some((from, post)) = post.split_first() else {
                continue;
            };
            let member = ConnId(u64::from(from % MEMBERS));
            let mut deliver = |to, mail| mails.push((to, mail));
            match from / MEMBERS % 8 {
                0 => hub.gone(member, CloseReason::Left, &mut deliver),
                _ => hub.handle(member, &Post(post.to_vec()), &mut deliver),
            }
        }
        for member in 0..u64::from(MEMBERS) {
            hub.gone(ConnId(member), CloseReason::Lost, &mut |to, mail| {
                assert!(to.0 > member, "{to:?} has left");
                mails.push((to, mail));
            });
        }
    };
    let (mut once, mut again) = (Vec::new(), Vec::new());
    deliver(&mut once);
    deliver(&mut again);
    assert_eq!(once, again);
    for (to, Mail(bytes)) in once {
        assert!(to.0 < u64::from(MEMBERS), "{to:?} is not a member");
        assert!(bytes.is_empty() || bytes.ends_with(b"\r\n"), "{bytes:?}");
    }
}

const MEMBERS: u8 = 4;

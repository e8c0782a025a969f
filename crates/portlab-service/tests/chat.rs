//! Tests of the chat: bytes in, bytes out. A loop over sessions and their hub takes the place of a model.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{collections::BTreeMap, net::SocketAddr};

use portlab_service::{
    Chat, ChatLimits, CloseReason, ConnId, Cut, Cx, Hub, Mail, Next, Post, Service, Session,
    TextEncoding,
};

/// A call of the hub. The second argument delivers its mail.
type HubCall<'a> = dyn Fn(&mut dyn Hub, &mut dyn FnMut(ConnId, Mail)) + 'a;

/// A chat without a server: all mail that a line causes is delivered at once.
struct TestChat {
    service: Chat,
    hub: Box<dyn Hub>,
    members: BTreeMap<ConnId, Member>,
}

struct Member {
    session: Box<dyn Session>,
    screen: Vec<u8>,
    open: bool,
}

impl TestChat {
    fn new(encoding: &str, limits: ChatLimits) -> Self {
        let service = Chat::new(encoding.parse().unwrap(), limits);
        let hub = service.hub().expect("a chat has a hub");
        Self {
            service,
            hub,
            members: BTreeMap::new(),
        }
    }

    fn with(names: &[&str]) -> Self {
        let mut chat = Self::new("utf-8", ChatLimits::default());
        for (index, name) in names.iter().enumerate() {
            chat.join(index as u64, name);
        }
        (0..names.len() as u64).for_each(|id| drop(chat.screen(id)));
        chat
    }

    fn connect(&mut self, id: u64) {
        let peer = SocketAddr::from(([127, 0, 0, 1], 50_000));
        let session = self.service.open(ConnId(id), peer);
        let member = Member {
            session,
            screen: Vec::new(),
            open: true,
        };
        self.members.insert(ConnId(id), member);
        self.call(id, |session, cx| session.on_open(cx).next);
    }

    fn join(&mut self, id: u64, name: &str) {
        self.connect(id);
        self.say(id, name);
    }

    fn say(&mut self, id: u64, line: &str) {
        self.bytes(id, format!("{line}\n").as_bytes());
    }

    fn bytes(&mut self, id: u64, bytes: &[u8]) {
        self.call(id, |session, cx| session.on_data(bytes, cx).next);
    }

    fn call(&mut self, id: u64, what: impl FnOnce(&mut dyn Session, &mut Cx<'_>) -> Next) {
        let member = self.members.get_mut(&ConnId(id)).unwrap();
        let mut posts: Vec<Post> = Vec::new();
        let cx = &mut Cx {
            out: &mut member.screen,
            posts: &mut posts,
        };
        let next = what(&mut *member.session, cx);
        member.open &= next != Next::Close;
        let gone = !member.open;
        for post in &posts {
            self.tell_hub(&|hub, deliver| hub.handle(ConnId(id), post, deliver));
        }
        if gone {
            self.tell_hub(&|hub, deliver| hub.gone(ConnId(id), CloseReason::Left, deliver));
        }
        if next == Next::More {
            let more: fn(&mut dyn Session, &mut Cx<'_>) -> Next =
                |session, cx| session.on_more(cx).next;
            self.call(id, more);
        }
    }

    fn lose(&mut self, id: u64, how: CloseReason) {
        self.members.remove(&ConnId(id));
        self.tell_hub(&|hub, deliver| hub.gone(ConnId(id), how, deliver));
    }

    /// Calls the hub, and delivers the mail that follows from it.
    fn tell_hub(&mut self, what: &HubCall<'_>) {
        let mut mail = Vec::new();
        what(&mut *self.hub, &mut |to, text| mail.push((to, text)));
        for (to, mail) in mail {
            let member = self.members.get_mut(&to);
            let member = member.expect("mail goes to members only");
            let mut cx = Cx {
                out: &mut member.screen,
                posts: &mut Vec::new(),
            };
            if member.session.on_mail(&mail, &mut cx).next == Next::Close {
                member.open = false;
                self.tell_hub(&|hub, deliver| hub.gone(to, CloseReason::Left, deliver));
            }
        }
    }

    /// The bytes that have come since the last call.
    fn bytes_on_screen(&mut self, id: u64) -> Vec<u8> {
        std::mem::take(&mut self.members.get_mut(&ConnId(id)).unwrap().screen)
    }

    /// The lines that have come since the last call, in UTF-8.
    fn screen(&mut self, id: u64) -> Vec<String> {
        let text = String::from_utf8(self.bytes_on_screen(id)).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

#[test]
fn a_line_goes_to_all_other_members_of_the_room() {
    let mut chat = TestChat::new("utf-8", ChatLimits::default());
    chat.connect(1);
    assert_eq!(chat.screen(1), ["* welcome; what is your name?"]);
    chat.say(1, "小明");
    assert_eq!(
        chat.screen(1),
        ["* you are 小明 in lobby; nobody else is here; /help lists the commands"]
    );
    chat.join(2, "bob");
    assert_eq!(chat.screen(1), ["* bob joined"]);
    chat.screen(2);
    chat.say(1, "你好");
    assert_eq!(
        (chat.screen(1), chat.screen(2)),
        (vec![], vec!["小明: 你好".to_owned()])
    );
    chat.say(2, "/me waves");
    assert_eq!(chat.screen(1), ["- bob waves"]);
}

#[test]
fn a_line_appears_only_at_its_end_and_many_in_one_read_keep_their_order() {
    let mut chat = TestChat::with(&["a", "b"]);
    for byte in "one byte per write".bytes() {
        chat.bytes(0, &[byte]);
        assert!(chat.screen(1).is_empty());
    }
    chat.bytes(0, b"\r\n");
    assert_eq!(chat.screen(1), ["a: one byte per write"]);
    let many: String = (0..100).map(|number| format!("{number}\n")).collect();
    chat.bytes(0, many.as_bytes());
    let expected: Vec<_> = (0..100).map(|number| format!("a: {number}")).collect();
    assert_eq!(chat.screen(1), expected);
}

#[test]
fn each_member_reads_its_own_encoding() {
    let mut chat = TestChat::new("gbk", ChatLimits::default());
    chat.connect(1);
    // "小明", and then "你好, 5 €😀" from a member with UTF-8.
    chat.bytes(1, b"\xd0\xa1\xc3\xf7\n");
    chat.join(2, "bob");
    chat.say(2, "/encoding utf-8");
    chat.bytes_on_screen(1);
    chat.bytes_on_screen(2);
    chat.say(2, "你好, 5 €😀");
    assert_eq!(chat.bytes_on_screen(1), b"bob: \xc4\xe3\xba\xc3, 5 ??\r\n");
    chat.bytes(1, b"\xc4\xe3\xba\xc3\n");
    assert_eq!(chat.screen(2), ["小明: 你好"]);
    chat.say(1, "/encoding gkb");
    let told = chat.bytes_on_screen(1);
    assert!(
        String::from_utf8_lossy(&told).contains("did you mean \"gbk\"?"),
        "{told:?}"
    );
}

#[test]
fn an_encoding_holds_from_the_next_line_on_even_within_a_read() {
    let mut chat = TestChat::with(&["a", "b"]);
    chat.bytes(
        0,
        b"/encoding gbk\n\xc4\xe3\n/encoding utf-8\n\xe4\xbd\xa0\n",
    );
    assert_eq!(chat.screen(1), ["a: 你", "a: 你"]);
}

#[test]
fn a_name_has_one_holder() {
    let mut chat = TestChat::with(&["alice", "bob"]);
    chat.join(3, "ALICE");
    let told = chat.screen(3).pop().unwrap();
    assert!(told.contains("another member is called ALICE; "), "{told}");
    for (name, part) in [
        ("", "at least one letter"),
        ("a b", "' ' can't be"),
        ("<script>", "'<' can't be"),
        ("\x1b[2J", "'␛' can't be"),
        (&"x".repeat(25), "at most 24 letters"),
        ("\u{3164}", "can't be"),
        ("a\u{115f}", "can't be"),
        ("\u{1160}a", "can't be"),
        ("\u{ffa0}", "can't be"),
        ("\u{345}", "can't be"),
        ("\u{200b}", "can't be"),
        ("/who", "what is your name?"),
    ] {
        chat.say(3, name);
        let told = chat.screen(3).pop().unwrap();
        assert!(told.contains(part), "{name}: {told}");
    }
    chat.say(3, "carol");
    chat.say(3, "/nick bob");
    assert!(chat.screen(3).pop().unwrap().contains("called bob; "));
    chat.say(1, "/nick bert");
    chat.say(3, "/nick bob");
    assert!(chat.screen(3).contains(&"* you are now bob".to_owned()));
    assert_eq!(chat.screen(0).last().unwrap(), "* carol is now bob");
}

#[test]
fn a_line_stays_in_its_room() {
    let limits = ChatLimits {
        rooms: 2,
        ..ChatLimits::default()
    };
    let mut chat = TestChat::new("utf-8", limits);
    for (id, name) in [(1, "a"), (2, "b"), (3, "c")] {
        chat.join(id, name);
    }
    chat.say(3, "/join #茶");
    for id in 1..=3 {
        chat.screen(id);
    }
    chat.say(1, "for the lobby");
    assert_eq!(chat.screen(2), ["a: for the lobby"]);
    assert!(chat.screen(3).is_empty());
    chat.say(1, "/rooms");
    chat.say(1, "/join cake");
    chat.say(1, "/join 茶");
    let told = chat.screen(1);
    assert_eq!(told[0], "* rooms: lobby (2), 茶 (1)");
    assert_eq!(told[1], "* there are 2 rooms, and no more may be opened");
    assert!(
        told[2].starts_with("* you are a in 茶; 1 other is here"),
        "{told:?}"
    );
    assert_eq!(chat.screen(2), ["* a went to 茶"]);
    assert_eq!(chat.screen(3), ["* a joined"]);
    chat.say(3, "/who");
    assert_eq!(chat.screen(3), ["* in 茶: c, a"]);
    chat.say(3, "/msg B psst");
    assert_eq!(
        (chat.screen(2), chat.screen(3)),
        (vec!["c -> you: psst".into()], vec!["you -> b: psst".into()])
    );
    // When the last member leaves a room, the room closes.
    chat.say(1, "/join lobby");
    chat.say(3, "/join lobby");
    chat.say(3, "/rooms");
    assert_eq!(chat.screen(3).last().unwrap(), "* rooms: lobby (3)");
}

/// How many posts one call of `session` causes.
fn posts(
    session: &mut dyn Session,
    call: impl FnOnce(&mut dyn Session, &mut Cx<'_>) -> Next,
) -> (usize, Next) {
    let mut posts = Vec::new();
    let cx = &mut Cx {
        out: &mut Vec::new(),
        posts: &mut posts,
    };
    let next = call(session, cx);
    (posts.len(), next)
}

#[test]
fn one_turn_handles_a_few_of_many_lines_in_one_read() {
    let limits = ChatLimits {
        lines_per_turn: 10,
        ..ChatLimits::default()
    };
    let service = Chat::new("utf-8".parse().unwrap(), limits);
    let mut session = service.open(ConnId(1), SocketAddr::from(([127, 0, 0, 1], 50_000)));
    let input = [&b"\n".repeat(25)[..], b"unfinished"].concat();
    assert_eq!(session.unfinished(), None);
    let mut turn = posts(&mut *session, |session, cx| {
        session.on_data(&input, cx).next
    });
    for _ in 0..2 {
        assert_eq!(turn, (10, Next::More));
        turn = posts(&mut *session, |session, cx| session.on_more(cx).next);
    }
    assert_eq!(turn, (5, Next::Continue));
    // The 26th line has begun.
    assert_eq!(session.unfinished(), Some(25));
    turn = posts(&mut *session, |session, cx| {
        session.on_data(b" line\n", cx).next
    });
    assert_eq!((turn, session.unfinished()), ((1, Next::Continue), None));
}

#[test]
fn an_impossible_name_is_refused_without_a_search() {
    let mut chat = TestChat::with(&["alice", "bob"]);
    chat.say(0, &format!("/msg {} hi", "x".repeat(4000)));
    assert_eq!(chat.screen(0), ["* a name has at most 24 letters"]);
    chat.say(0, "/msg bbo hi");
    assert_eq!(
        chat.screen(0),
        ["* nobody is called bbo; did you mean bob?"]
    );
}

#[test]
fn the_others_are_told_why_a_member_has_gone() {
    let mut chat = TestChat::with(&["a", "b", "c", "d"]);
    chat.say(1, "/quit");
    assert_eq!(chat.screen(1), ["* goodbye"]);
    chat.lose(2, CloseReason::Lost);
    chat.lose(3, CloseReason::TooSlow);
    let told = chat.screen(0);
    assert_eq!(
        told,
        [
            "* b left",
            "* c lost the connection",
            "* d was dropped for reading too slowly"
        ]
    );
    // A client without a name leaves no member behind.
    chat.connect(9);
    chat.lose(9, CloseReason::Lost);
    assert!(chat.screen(0).is_empty());
}

#[test]
fn an_error_message_names_the_remedy() {
    let mut chat = TestChat::with(&["alice"]);
    for (line, part) in [
        ("/jion tea", "did you mean /join?"),
        (
            "/msg alcie hello",
            "nobody is called alcie; did you mean alice?",
        ),
        ("/me", "write /me TEXT"),
        ("/join lobby", "you are in lobby"),
    ] {
        chat.say(0, line);
        let told = chat.screen(0).pop().unwrap();
        assert!(told.contains(part), "{line}: {told}");
    }
    chat.say(0, "/help");
    assert_eq!(chat.screen(0).len(), 9);
}

#[test]
fn the_same_one_of_two_equally_near_names_is_always_suggested() {
    // Each chat has its own hub, and the order must not depend on a random seed.
    for _ in 0..20 {
        let mut chat = TestChat::with(&["bab", "bob", "bib", "beb", "bub"]);
        chat.say(0, "/msg bxb psst");
        let told = chat.screen(0).pop().unwrap();
        assert!(told.contains("did you mean bab?"), "{told}");
    }
}

#[test]
fn a_line_without_an_end_is_answered_and_ends_the_connection() {
    let mut chat = TestChat::with(&["a", "b"]);
    chat.bytes(0, &vec![b'x'; 1 << 20]);
    assert_eq!(chat.screen(0), ["* a line has at most 4096 bytes; goodbye"]);
    assert!(!chat.members[&ConnId(0)].open);
    assert_eq!(chat.screen(1), ["* a left"]);
}

#[test]
fn a_member_that_leaves_gets_all_its_answers_in_their_order() {
    for last in ["/quit\n", ""] {
        let mut chat = TestChat::new("utf-8", ChatLimits::default());
        chat.connect(1);
        chat.bytes(1, format!("alice\n/who\n/bad\n/rooms\n{last}").as_bytes());
        chat.call(1, |session, cx| session.on_eof(cx).next);
        let told = chat.screen(1);
        let parts = [
            "welcome",
            "you are alice",
            "in lobby: alice",
            "unknown command /bad",
            "rooms: lobby (1)",
        ];
        for (line, part) in told.iter().zip(parts) {
            assert!(line.contains(part), "{told:?}");
        }
        let goodbye = told.get(5).is_some_and(|line| line == "* goodbye");
        assert_eq!(
            (told.len(), goodbye),
            (5 + last.len() / 6, !last.is_empty())
        );
        assert!(!chat.members[&ConnId(1)].open);
    }
}

#[test]
fn the_last_line_needs_no_end() {
    let mut chat = TestChat::with(&["a", "b"]);
    chat.bytes(0, b"bye\xc4");
    chat.call(0, |session, cx| session.on_eof(cx).next);
    assert_eq!(chat.screen(1), ["a: bye\u{fffd}", "* a left"]);
}

#[test]
fn escape_sequences_are_made_visible() {
    let mut chat = TestChat::with(&["a", "b"]);
    chat.bytes(0, b"\x1b[2J\x07\xc2\x9b31m<script>\r\n\xff\xfb\x01hi\0\n");
    let bytes = chat.bytes_on_screen(1);
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text, "a: ␛[2J␇\u{fffd}31m<script>\r\na: hi\r\n");
}

#[test]
fn a_member_that_is_cut_is_told_why() {
    let mut chat = TestChat::with(&["a"]);
    let member = chat.members.get_mut(&ConnId(0)).unwrap();
    let mut cx = Cx {
        out: &mut member.screen,
        posts: &mut Vec::new(),
    };
    member.session.on_missed(3, &mut cx);
    member.session.on_cut(Cut::TooSlow, 0, &mut cx);
    let told = chat.screen(0);
    assert!(
        told[0].contains("missed 3 lines") && told[1].contains("too slowly"),
        "{told:?}"
    );
}

/// Members join, talk, change names and rooms and go, in any order: each member receives each line of its
/// room once, in one order, and no line of another room.
#[test]
fn with_many_members_at_once_no_line_is_lost_doubled_or_misdelivered() {
    for seed in 0..20 {
        random_chat(seed);
    }
}

fn random_chat(seed: u64) {
    const MEMBERS: u64 = 12;
    let mut random = fastrand::Rng::with_seed(seed);
    let mut chat = TestChat::new("utf-8", ChatLimits::default());
    let mut rooms: BTreeMap<u64, &str> = BTreeMap::new();
    let mut expected: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let mut received: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let encodings = ["utf-8", "gbk", "gb18030", "big5"];
    let mut encoding_of: BTreeMap<u64, TextEncoding> = BTreeMap::new();
    for line in 0..2_000 {
        let member = random.u64(0..MEMBERS);
        let Some(&room) = rooms.get(&member) else {
            chat.join(member, &format!("m{member}"));
            chat.bytes_on_screen(member);
            rooms.insert(member, "lobby");
            encoding_of.insert(member, TextEncoding::default());
            continue;
        };
        match random.u8(0..10) {
            0 => {
                chat.lose(member, CloseReason::Lost);
                rooms.remove(&member);
            }
            1 => {
                let to = ["lobby", "tea", "cake"][random.usize(0..3)];
                chat.say(member, &format!("/join {to}"));
                rooms.insert(member, to);
            }
            2 => {
                let label = encodings[random.usize(0..4)];
                chat.say(member, &format!("/encoding {label}"));
                encoding_of.insert(member, label.parse().unwrap());
            }
            _ => {
                let said = encoding_of[&member]
                    .encode(&format!("中 {line}\n"))
                    .unwrap();
                chat.bytes(member, &said);
                for (&other, _) in rooms
                    .iter()
                    .filter(|&(&other, at)| other != member && *at == room)
                {
                    expected
                        .entry(other)
                        .or_default()
                        .push(format!("m{member}: 中 {line}"));
                }
            }
        }
        for &member in rooms.keys() {
            let bytes = chat.bytes_on_screen(member);
            let mut text = String::new();
            encoding_of[&member]
                .decoder()
                .decode(&bytes, true, &mut text);
            let lines = text.lines().filter(|line| !line.starts_with('*'));
            received
                .entry(member)
                .or_default()
                .extend(lines.map(str::to_owned));
        }
    }
    for (member, lines) in expected {
        assert_eq!(
            received.get(&member),
            Some(&lines),
            "seed {seed}, member {member}"
        );
    }
}

//! A scripted run on terminals of several sizes, and keys.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use portlab_assist::{
    By, Command, Desk, End, Ended, Event, Log, PeerId, PeerState, Recipient, Way, What,
};
use portlab_service::TextEncoding;
use portlab_words::{Lang, Text};
use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{Event as Happened, KeyCode, KeyEvent, KeyModifiers},
    style::Color,
};
use unicode_width::UnicodeWidthStr;

use super::view::{Notice, View};

/// A class's first minutes: a GBK client, one from which reading has stopped, one that resets.
fn scripted(lang: Lang) -> View {
    let desk = Desk::default();
    let log = Log::new(&desk.encodings(), "cn");
    let mut view = View::new(desk, log, lang, true);
    for (at, what) in (0..).zip(events()) {
        let at = Duration::from_millis(412 + at * 1_007);
        view.push(Event { at, what });
    }
    let end = |unread_bytes, unsent_bytes| {
        let state = "ESTABLISHED";
        Some(End {
            state,
            unread_bytes,
            unsent_bytes,
        })
    };
    let state = |own, peer| PeerState { own, peer };
    let two = state(end(1_638_400, 0), end(0, 2_617_344));
    view.states = [(PeerId(1), state(end(0, 0), end(0, 0))), (PeerId(2), two)].into();
    view
}

fn events() -> Vec<What> {
    let gbk: TextEncoding = "gbk".parse().unwrap();
    let hello = gbk.encode("你好服务端,我是客户端小黑!").unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: \x1b[2J\r\n\r\n";
    let addr = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let [one, two, three] = [1, 2, 3].map(PeerId);
    let online = |peer: PeerId| online(peer, addr(54_320 + peer.0 as u16));
    let received = |peer, bytes: &[u8]| What::Received(peer, bytes.to_vec());
    let sent = |peer, by, bytes: &[u8]| What::Sent(peer, bytes.to_vec(), by);
    let why = Text::new("no client is #9", "没有客户端 #9");
    vec![
        What::Listening(addr(8080)),
        online(one),
        received(one, &hello[..5]),
        received(one, &hello[5..]),
        sent(one, By::Hand, &gbk.encode("你好").unwrap()),
        online(two),
        received(two, request),
        sent(two, By::Rule(1), b"HTTP/1.1 404\r\n\r\n"),
        What::Paused(Some(two)),
        What::Folded {
            peer: two,
            way: Way::In,
            times: 162,
            bytes: 10_616_832,
        },
        online(three),
        What::Offline(three, Ended::Reset),
        What::Unsent(None, why),
    ]
}

fn online(peer: PeerId, addr: SocketAddr) -> What {
    let own = None;
    What::Online { peer, addr, own }
}

fn push(view: &mut View, what: What) {
    let at = Duration::ZERO;
    view.push(Event { at, what });
}

fn key(code: KeyCode) -> Happened {
    Happened::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn enter(view: &mut View, text: &str) -> Option<Command> {
    view.handle(&Happened::Paste(text.to_owned()));
    view.handle(&key(KeyCode::Enter))
}

/// The screen as text, without spaces at the ends of lines.
fn seen(view: &mut View, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view.paint(frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in 0..height {
        let (mut line, mut x) = (String::new(), 0);
        while x < width {
            let symbol = buffer[(x, y)].symbol();
            line += symbol;
            // A wide character covers the next cell.
            x += symbol.width().max(1) as u16;
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// The drawings of the scripted run, in files: in the encoding of the client, and with both encodings.
#[test]
fn a_run_looks_as_it_was_drawn() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/assist/screen/drawn");
    for lang in Lang::ALL {
        for (width, height) in [(60, 16), (80, 24), (120, 40)] {
            let mut view = scripted(lang);
            let mut drawn = seen(&mut view, width, height);
            for keys in [
                &[KeyCode::F(2), KeyCode::Tab][..],
                &[KeyCode::F(3), KeyCode::PageUp],
            ] {
                keys.iter().for_each(|it| drop(view.handle(&key(*it))));
                drawn += &seen(&mut view, width, height);
            }
            let path = folder.join(format!("{lang}-{width}x{height}.txt"));
            if std::env::var_os("PORTLAB_RENEW").is_some() {
                fs::write(&path, &drawn).unwrap();
            }
            let known = fs::read_to_string(&path).unwrap_or_default();
            let renew = "PORTLAB_RENEW=1 cargo test -p portlab --bin portlab assist::screen";
            assert!(
                drawn == known,
                "{} differs; renew it with: {renew}\n{drawn}",
                path.display()
            );
        }
    }
}

#[test]
fn the_pages_of_the_assistant_show_its_screen() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (lang, page) in [(Lang::En, "assist.md"), (Lang::Zh, "assist.zh.md")] {
        let drawn = folder.join(format!("src/assist/screen/drawn/{lang}-80x24.txt"));
        let drawn = fs::read_to_string(drawn).unwrap();
        let lines: Vec<_> = drawn.lines().skip(24).take(24).collect();
        let text = fs::read_to_string(folder.join("../../docs").join(page)).unwrap();
        let frame = format!("```text\n{}\n```\n", lines.join("\n"));
        assert!(text.contains(&frame), "{page} should show:\n{frame}");
    }
}

#[test]
fn a_terminal_of_any_size_is_drawn_and_keeps_the_typed_line() {
    for (width, height) in [(1, 1), (3, 2), (10, 5), (30, 8), (45, 10), (200, 70)] {
        for lang in Lang::ALL {
            let mut view = scripted(lang);
            view.handle(&Happened::Paste("你好".to_owned()));
            let drawn = seen(&mut view, width, height);
            let is_kept = drawn.contains('你') || width < 30;
            assert!(is_kept, "{width}x{height}:\n{drawn}");
            view.help = Some(0);
            seen(&mut view, width, height);
        }
    }
}

#[test]
fn a_key_commands_what_its_line_commands() {
    let lines = [
        (KeyCode::F(5), "/resume"),
        (KeyCode::F(6), "/close"),
        (KeyCode::F(7), "/fin"),
        (KeyCode::F(8), "/reset"),
        (KeyCode::F(2), "/encoding gbk"),
        (KeyCode::F(3), "/both"),
        (KeyCode::F(4), "/eol lf"),
        (KeyCode::Tab, "/to 1"),
        (KeyCode::BackTab, "/to 2"),
        (KeyCode::F(1), "/help"),
    ];
    for (code, line) in lines {
        let [mut pressed, mut typed] = [0, 1].map(|_| scripted(Lang::En));
        let commands = [pressed.handle(&key(code)), enter(&mut typed, line)];
        let [one, other] = commands.map(|it| format!("{it:?}"));
        assert_eq!(one, other, "{line}");
        assert_eq!(pressed.desk, typed.desk, "{line}");
        let said = [(pressed.help, &pressed.notice), (typed.help, &typed.notice)];
        assert_eq!(said[0], said[1], "{line}");
        let has_failed = matches!(typed.notice, Some(Notice::Failed(_)));
        assert!(!has_failed, "{line}: {:?}", typed.notice);
    }
    // The recipient isn't paused: F5 pauses it.
    let mut view = scripted(Lang::En);
    view.desk.to = Recipient::One(PeerId(1));
    assert!(matches!(
        view.handle(&key(KeyCode::F(5))),
        Some(Command::Pause(Recipient::One(PeerId(1))))
    ));
    // Control and C end, whatever is typed.
    let ctrl_c = Happened::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
    view.help = Some(0);
    assert!(matches!(view.handle(&ctrl_c), Some(Command::Quit)));
    assert!(view.ends && seen(&mut view, 80, 24).contains("Ctrl-C again"));
}

#[test]
fn tab_goes_round_all_clients_that_are_online() {
    let mut view = scripted(Lang::En);
    let mut seen = Vec::new();
    for _ in 0..4 {
        view.handle(&key(KeyCode::Tab));
        seen.push(view.desk.to);
    }
    let [one, two] = [1, 2].map(|it| Recipient::One(PeerId(it)));
    assert_eq!(seen, [one, two, Recipient::All, one]);
    // #1 goes offline: the prompt says so, and Tab goes on.
    let (peer, how) = (PeerId(1), Ended::Fin);
    push(&mut view, What::Offline(peer, how));
    assert!(self::seen(&mut view, 80, 24).contains("to #1 (offline) >"));
    view.handle(&key(KeyCode::Tab));
    assert_eq!(view.desk.to, Recipient::All);
}

#[test]
fn a_line_that_cannot_be_sent_stays_to_be_mended_and_is_explained() {
    let mut view = scripted(Lang::Zh);
    enter(&mut view, "/encoding gbk");
    assert!(enter(&mut view, "好😀").is_none());
    assert_eq!(view.line.text(), "好😀");
    let drawn = seen(&mut view, 80, 24);
    let is_explained = drawn.contains("没有字符 '😀'") && drawn.contains("gb18030");
    assert!(is_explained, "{drawn}");
    view.handle(&key(KeyCode::Backspace));
    let command = view.handle(&key(KeyCode::Enter));
    assert!(matches!(command, Some(Command::Send { bytes, .. }) if bytes == [0xba, 0xc3]));
    assert_eq!((view.line.text(), &view.notice), ("", &None));
}

#[test]
fn no_byte_of_a_peer_and_no_typed_character_reaches_the_terminal_as_a_control_character() {
    let mut view = scripted(Lang::En);
    let all: Vec<u8> = (0..=255).collect();
    for bytes in [all, "\u{202e}\u{9b}2J\u{feff}".as_bytes().to_vec()] {
        let peer = PeerId(1);
        push(&mut view, What::Received(peer, bytes));
    }
    enter(&mut view, "/\u{1b}[2J\u{202e}");
    view.whole = true;
    let drawn = seen(&mut view, 200, 70);
    let harmful = |it: char| portlab_service::visible(it) != it && it != '\n';
    assert_eq!(drawn.chars().find(|it| harmful(*it)), None, "{drawn}");
    assert!(drawn.contains("␛"));
}

#[test]
fn of_many_large_rows_only_those_that_are_seen_are_laid_out() {
    let mut view = scripted(Lang::En);
    for _ in 0..500 {
        let (peer, bytes) = (PeerId(1), vec![b'a'; 4 << 10]);
        push(&mut view, What::Received(peer, bytes));
    }
    let drawn = seen(&mut view, 80, 24);
    assert!(drawn.contains("more bytes; F9 shows all"), "{drawn}");
    assert!(view.laid.count() <= 24, "{}", view.laid.count());
    view.handle(&key(KeyCode::F(9)));
    assert!(!seen(&mut view, 80, 24).contains("F9 shows all"));
    // Scrolled up, the screen stays where it is while rows come.
    view.handle(&key(KeyCode::PageUp));
    let before = seen(&mut view, 80, 24);
    let what = What::Trouble(Text::new("news", "新"));
    push(&mut view, what);
    let after = seen(&mut view, 80, 24);
    let stays = after.contains("End: newest") && !after.contains("news");
    assert!(stays, "{after}");
    let rows = |drawn: &str| drawn.lines().skip(6).take(15).collect::<String>();
    assert_eq!(rows(&before), rows(&after));
    view.handle(&key(KeyCode::End));
    assert!(seen(&mut view, 80, 24).contains("news"));
}

#[test]
fn a_recipient_that_never_came_is_not_called_offline() {
    for (lang, never) in [
        (Lang::En, "#9 (never online)"),
        (Lang::Zh, "#9（从未上线）"),
    ] {
        let mut view = scripted(lang);
        enter(&mut view, "/to 9");
        assert!(seen(&mut view, 80, 24).contains(never));
        let said = |view: &View| match &view.notice {
            Some(Notice::Done(text)) => text.en.clone(),
            other => panic!("{other:?}"),
        };
        assert!(said(&view).contains("never a client #9"));
        // Its third client has come and gone.
        enter(&mut view, "/to 3");
        assert_eq!(said(&view), "to: #3");
    }
}

#[test]
fn on_sixty_columns_all_keys_and_both_totals_are_seen() {
    for lang in Lang::ALL {
        let drawn = seen(&mut scripted(lang), 60, 16);
        for part in ["← 10.1 MiB", "→ ", "F8", "F9"] {
            assert!(drawn.contains(part), "{part}:\n{drawn}");
        }
    }
}

#[test]
fn on_sixty_columns_every_client_has_its_queues_and_its_bytes() {
    for lang in Lang::ALL {
        for (host, last) in [([127, 0, 0, 1], 1), ([192, 168, 1, 101], 101)] {
            let mut view = scripted(lang);
            let addr = SocketAddr::from((host, 54_322));
            push(&mut view, online(PeerId(2), addr));
            push(&mut view, What::Paused(Some(PeerId(2))));
            let bytes = vec![0; 12_345];
            push(&mut view, What::Received(PeerId(2), bytes));
            let drawn = seen(&mut view, 60, 16);
            let line = drawn.lines().find(|it| it.contains("#2‖")).unwrap();
            let words: Vec<_> = line.split_whitespace().skip(1).collect();
            let own_send_q = (last == 1).then_some("0");
            let mut all = [&*format!("{addr}"), "ESTABLISHED", "1.6M"].join(" ");
            all += own_send_q.map_or("", |_| " 0");
            assert_eq!(words.join(" "), all + " 12K 0 2.5M", "{drawn}");
        }
    }
}

#[test]
fn without_colours_no_cell_has_one() {
    let mut view = scripted(Lang::En);
    view.colours = false;
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| view.paint(frame)).unwrap();
    let cells = &terminal.backend().buffer().content;
    let plain = (Color::Reset, Color::Reset);
    assert!(cells.iter().all(|cell| (cell.fg, cell.bg) == plain));
}

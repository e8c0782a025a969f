//! The clients, a line each: addresses, TCP states and queues, bytes.

use portlab_assist::{Client, PeerId, PeerState, Recipient};
use portlab_words::{Text, tr, units};
use ratatui::{
    Frame,
    layout::{Alignment, Constraint, Rect},
    style::{Modifier, Style, Stylize},
    text::{Line, Text as Lines},
    widgets::{Row, Table},
};
use unicode_width::UnicodeWidthStr;

use super::view::View;

/// A client that is shown.
struct Shown<'a> {
    peer: PeerId,
    client: &'a Client,
    state: PeerState,
}

/// A column.
struct Column {
    head: Text,
    /// The head where columns are narrow.
    short: Text,
    /// If columns don't fit, those with the highest rank are left out.
    rank: u8,
    cell: Cell,
}

/// What a column shows about a client.
enum Cell {
    Words(fn(&Shown, &View) -> String),
    /// A number of bytes, at the right of its column.
    Bytes(fn(&Shown) -> Option<u64>),
}

/// A column with its head and its cells.
struct Filled {
    column: &'static Column,
    head: &'static str,
    cells: Vec<String>,
    /// Whether a cell has more than zero bytes. Columns without are left out first.
    is_useful: bool,
}

/// All columns. On 60 columns, those of 192.168.1.101:54321 fit with short heads, if its own Send-Q is empty.
static COLUMNS: [Column; 8] = [
    column(
        Text::new("", ""),
        Text::new("", ""),
        0,
        Cell::Words(|it, view| {
            let chosen = if is_chosen(it.peer, view) { "▸" } else { " " };
            let paused = if it.client.paused { "‖" } else { "" };
            format!("{chosen}{}{paused}", it.peer)
        }),
    ),
    column(
        Text::new("address", "地址"),
        Text::new("address", "地址"),
        1,
        Cell::Words(|it, _| it.client.addr.to_string()),
    ),
    column(
        Text::new("state", "状态"),
        Text::new("state", "状态"),
        2,
        Cell::Words(|it, _| it.state.own.map_or("", |it| it.state).to_owned()),
    ),
    column(
        Text::new("Recv-Q", "Recv-Q"),
        Text::new("RecvQ", "RecvQ"),
        3,
        Cell::Bytes(|it| Some(it.state.own?.unread_bytes.into())),
    ),
    column(
        Text::new("Send-Q", "Send-Q"),
        Text::new("SendQ", "SendQ"),
        5,
        Cell::Bytes(|it| Some(it.state.own?.unsent_bytes.into())),
    ),
    column(
        Text::new("received", "已收"),
        Text::new("recv", "已收"),
        6,
        Cell::Bytes(|it| Some(it.client.received)),
    ),
    column(
        Text::new("sent", "已发"),
        Text::new("sent", "已发"),
        7,
        Cell::Bytes(|it| Some(it.client.sent)),
    ),
    column(
        Text::new("peer Send-Q", "对方Send-Q"),
        Text::new("peerQ", "对方Q"),
        4,
        Cell::Bytes(|it| Some(it.state.peer?.unsent_bytes.into()).filter(|it| *it > 0)),
    ),
];

const fn column(head: Text, short: Text, rank: u8, cell: Cell) -> Column {
    Column {
        head,
        short,
        rank,
        cell,
    }
}

/// How many lines the clients need.
pub(super) fn lines(view: &View) -> usize {
    1 + shown(view).len().max(1)
}

/// Draws the heads, and a line for each client for which there is room.
pub(super) fn paint(view: &View, frame: &mut Frame<'_>, area: Rect) {
    let all = shown(view);
    if all.is_empty() {
        let text = view.lang.pick("no connection is open", "当前没有连接");
        return frame.render_widget(Line::from(format!(" {text}")).dim(), area);
    }
    let room = usize::from(area.height).saturating_sub(1);
    // The client that gets the next text is seen.
    let chosen = all
        .iter()
        .position(|it| Recipient::One(it.peer) == view.desk.to);
    let (first, seen) = match all.len() <= room {
        true => (0, all.len()),
        false => {
            let seen = room.saturating_sub(1);
            (chosen.map_or(0, |at| (at + 1).saturating_sub(seen)), seen)
        }
    };
    let some = &all[first..(first + seen).min(all.len())];
    let columns = columns(some, view, area.width.into());
    let line = |text: fn(&Filled, usize) -> &str, at: usize| {
        let cells = columns.iter().map(|it| {
            Lines::from(text(it, at).to_owned()).alignment(match it.column.cell {
                Cell::Words(_) => Alignment::Left,
                Cell::Bytes(_) => Alignment::Right,
            })
        });
        Row::new(cells.collect::<Vec<_>>())
    };
    let rows = some.iter().enumerate();
    let rows = rows.map(|(at, it)| line(|it, at| &it.cells[at], at).style(style(it, view)));
    let widths = columns.iter().map(Filled::width);
    let table = Table::new(rows, widths.map(|it| Constraint::Length(it as u16)))
        .header(line(|it, _| it.head, 0).style(Style::new().dim()))
        .column_spacing(1);
    frame.render_widget(table, area);
    if seen < all.len() && area.height > 1 {
        let more = all.len() - seen;
        let last = Rect::new(area.x, area.bottom() - 1, area.width, 1);
        let text = tr!(view.lang, " … {more} more", " … 另有 {more} 个");
        frame.render_widget(Line::from(text).dim(), last);
    }
}

/// The clients that are online, and those whose connection the kernel still keeps, such as in TIME-WAIT.
fn shown(view: &View) -> Vec<Shown<'_>> {
    let clients = view.log.clients().iter().map(|(peer, client)| Shown {
        peer: *peer,
        client,
        state: view.states.get(peer).copied().unwrap_or_default(),
    });
    let (online, mut others): (Vec<_>, Vec<_>) = clients.partition(|it| it.client.ended.is_none());
    others.retain(|it| it.state.own.is_some());
    others.reverse();
    online.into_iter().chain(others).collect()
}

/// The columns that fit.
fn columns(some: &[Shown], view: &View, width: usize) -> Vec<Filled> {
    let is_wide = |all: &[Filled]| all.iter().map(|it| it.width() + 1).sum::<usize>() > width + 1;
    let mut columns = filled(some, view, false);
    if is_wide(&columns) {
        columns = filled(some, view, true);
    }
    while is_wide(&columns) && columns.len() > 1 {
        let last = columns.iter().map(Filled::rank).max();
        columns.retain(|it| Some(it.rank()) != last);
    }
    columns
}

/// All columns that have a cell.
fn filled(some: &[Shown], view: &View, is_narrow: bool) -> Vec<Filled> {
    let of = |column: &'static Column| {
        let (head, bytes): (_, fn(u64) -> String) = match is_narrow {
            true => (&column.short, narrow),
            false => (&column.head, |it| units::bytes(it as f64)),
        };
        let mut is_useful = false;
        let cells = some.iter().map(|it| match column.cell {
            Cell::Words(words) => {
                is_useful = true;
                words(it, view)
            }
            Cell::Bytes(count) => {
                let count = count(it);
                is_useful |= count > Some(0);
                count.map_or_else(String::new, bytes)
            }
        });
        Filled {
            column,
            head: head.pick(view.lang),
            cells: cells.collect(),
            is_useful,
        }
    };
    let mut columns: Vec<_> = COLUMNS.iter().map(of).collect();
    columns.retain(|it| it.cells.iter().any(|it| !it.is_empty()));
    columns
}

impl Filled {
    fn width(&self) -> usize {
        let all = self.cells.iter().map(|it| it.width());
        all.chain([self.head.width()]).max().unwrap_or(0)
    }

    fn rank(&self) -> (bool, u8) {
        (!self.is_useful, self.column.rank)
    }
}

fn is_chosen(peer: PeerId, view: &View) -> bool {
    match view.desk.to {
        Recipient::One(chosen) => chosen == peer,
        Recipient::All => view.log.online().any(|it| it == peer),
    }
}

fn style(shown: &Shown, view: &View) -> Style {
    let style = match shown.client {
        Client { ended: Some(_), .. } => return Style::new().dim(),
        Client { paused: true, .. } => Style::new().magenta(),
        _ => Style::new(),
    };
    match is_chosen(shown.peer, view) {
        true => style.add_modifier(Modifier::BOLD),
        false => style,
    }
}

/// A number of bytes in at most four columns, as in 1.6M.
fn narrow(bytes: u64) -> String {
    let (mut value, mut units) = (bytes as f64, "KMGTPE".chars());
    let mut unit = None;
    while value >= 999.5 {
        value /= 1024.0;
        unit = units.next();
    }
    let unit = unit.map_or_else(String::new, String::from);
    match value < 9.95 && !unit.is_empty() {
        true => format!("{value:.1}{unit}"),
        false => format!("{value:.0}{unit}"),
    }
}

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

/// A column: its head, how important it is, and its cells.
struct Column {
    head: Text,
    /// If columns don't fit, those with the highest number are left out.
    rank: u8,
    /// Figures stand at the right.
    is_figure: bool,
    /// Whether it is left out if no client has a value.
    is_rare: bool,
    cell: fn(&Shown, &View) -> String,
}

/// All columns.
const COLUMNS: &[Column] = &[
    Column::new(Text::new("", ""), 0, |it, view| {
        let chosen = if is_chosen(it.peer, view) { "▸" } else { " " };
        let paused = if it.client.paused { "‖" } else { "" };
        format!("{chosen}{}{paused}", it.peer)
    }),
    Column::new(Text::new("address", "地址"), 1, |it, _| {
        it.client.addr.to_string()
    }),
    Column::new(Text::new("state", "状态"), 2, |it, _| {
        it.state.own.map_or(String::new(), |it| it.state.to_owned())
    }),
    Column::figure(Text::new("Recv-Q", "Recv-Q"), 3, |it, _| {
        it.state
            .own
            .map_or(String::new(), |it| short(it.unread_bytes.into()))
    }),
    Column::figure(Text::new("Send-Q", "Send-Q"), 4, |it, _| {
        it.state
            .own
            .map_or(String::new(), |it| short(it.unsent_bytes.into()))
    }),
    Column::figure(Text::new("received", "已收"), 7, |it, _| {
        short(it.client.received)
    }),
    Column::figure(Text::new("sent", "已发"), 8, |it, _| {
        short(it.client.sent)
    }),
    Column::figure(Text::new("peer Send-Q", "对方Send-Q"), 5, |it, _| match it
        .state
        .peer
        .map_or(0, |it| it.unsent_bytes)
    {
        0 => String::new(),
        waits => short(waits.into()),
    })
    .rare(),
    Column::new(Text::new("", ""), 9, |it, view| {
        let paused = it.client.paused.then(|| view.lang.pick("paused", "停读"));
        paused.unwrap_or_default().to_owned()
    })
    .rare(),
];

impl Column {
    const fn new(head: Text, rank: u8, cell: fn(&Shown, &View) -> String) -> Self {
        Self {
            head,
            rank,
            is_figure: false,
            is_rare: false,
            cell,
        }
    }

    const fn figure(head: Text, rank: u8, cell: fn(&Shown, &View) -> String) -> Self {
        let mut column = Self::new(head, rank, cell);
        column.is_figure = true;
        column
    }

    const fn rare(mut self) -> Self {
        self.is_rare = true;
        self
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
    let align = |text: String, column: &Column| {
        let alignment = match column.is_figure {
            true => Alignment::Right,
            false => Alignment::Left,
        };
        Lines::from(text).alignment(alignment)
    };
    let heads = columns
        .iter()
        .map(|(it, _)| align(it.head.pick(view.lang).to_owned(), it));
    let rows = some.iter().map(|client| {
        let cells = columns
            .iter()
            .map(|(it, _)| align((it.cell)(client, view), it));
        Row::new(cells).style(style(client, view))
    });
    let widths = columns
        .iter()
        .map(|(_, width)| Constraint::Length(*width as u16));
    let table = Table::new(rows, widths)
        .header(Row::new(heads).style(Style::new().dim()))
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

/// The columns that fit, with their widths.
fn columns<'a>(some: &[Shown], view: &View, width: usize) -> Vec<(&'a Column, usize)> {
    let mut columns: Vec<_> = COLUMNS
        .iter()
        .filter_map(|column| {
            let cells = some.iter().map(|it| (column.cell)(it, view).width());
            let widest = cells.max().unwrap_or(0);
            let head = column.head.pick(view.lang).width();
            (widest > 0 || !column.is_rare).then(|| (column, widest.max(head)))
        })
        .collect();
    let all = |columns: &[(&Column, usize)]| columns.iter().map(|it| it.1 + 1).sum::<usize>();
    while all(&columns) > width + 1 && columns.len() > 1 {
        let last = columns.iter().map(|it| it.0.rank).max();
        columns.retain(|it| Some(it.0.rank) != last);
    }
    columns
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

fn short(bytes: u64) -> String {
    units::bytes(bytes as f64)
}

//! The layout of the screen, on a terminal of any size.

use portlab_assist::{CUT, Recipient};
use portlab_words::{tr, units, wrap::wrap};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Position, Rect},
    style::{Color, Style, Stylize},
    text::{Line, Span},
    widgets::{Block, Borders, Paragraph},
};
use unicode_width::UnicodeWidthStr;

use super::{
    clients, help,
    view::{Notice, View},
};

impl View {
    pub(super) fn paint(&mut self, frame: &mut Frame<'_>) {
        let area = frame.area();
        self.width = area.width.into();
        let notice = self.notice_lines();
        let most_keys = match area.height {
            0..=5 => 0,
            6..=13 => 1,
            _ => 2,
        };
        let key_lines = self.keys(area.width.into(), most_keys);
        // At least a third of the screen is for rows.
        let for_clients = usize::from(area.height / 3).max(2);
        let [title, clients, rows, notice_area, input, keys] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(clients::lines(self).min(for_clients) as u16),
            Constraint::Min(2),
            Constraint::Length(notice.len() as u16),
            Constraint::Length(1),
            Constraint::Length(key_lines.len() as u16),
        ])
        .areas(area);
        frame.render_widget(self.title(area.width.into()), title);
        clients::paint(self, frame, clients);
        self.page = usize::from(rows.height.saturating_sub(1));
        match self.help {
            Some(first) => self.paint_help(first, frame, rows.union(clients)),
            None => self.paint_rows(frame, rows),
        }
        frame.render_widget(Paragraph::new(notice), notice_area);
        self.paint_input(frame, input);
        frame.render_widget(Paragraph::new(key_lines), keys);
        if !self.colours {
            // Without colours, every cell gets the terminal's own.
            for cell in &mut frame.buffer_mut().content {
                (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
            }
        }
    }

    /// Address, encoding, line end, and totals: in short words if the width needs them, and as many of them as fit.
    fn title(&self, width: usize) -> Line<'static> {
        let lang = self.lang;
        let online = self.log.online().count();
        let clients = self.log.clients().values();
        let (received, sent) = clients.fold((0, 0), |(received, sent), it| {
            (received + it.received, sent + it.sent)
        });
        let [received, sent] = [received, sent].map(|it| units::bytes(it as f64));
        let (encoding, eol) = (self.desk.encoding_names(), self.desk.speech.eol.title());
        let eol = eol.pick(lang);
        let address = self.address.map_or_else(String::new, |it| it.to_string());
        let long = [
            tr!(lang, "encoding {encoding}", "编码 {encoding}"),
            tr!(lang, "line end {eol}", "换行 {eol}"),
            tr!(lang, "{online} online", "{online} 个在线"),
            tr!(lang, "received {received}", "收 {received}"),
            tr!(lang, "sent {sent}", "发 {sent}"),
        ];
        let mut line = Line::from(Span::from(format!(" {address}")).bold());
        let needed: usize = long.iter().map(|it| it.width() + 2).sum();
        let facts = match line.width() + needed <= width {
            true => long,
            false => [
                encoding,
                tr!(lang, "{online} online", "{online} 个在线"),
                format!("← {received}"),
                format!("→ {sent}"),
                tr!(lang, "eol {eol}", "换行 {eol}"),
            ],
        };
        for fact in facts {
            let fact = Span::from(format!("  {fact}"));
            if line.width() + fact.width() > width {
                break;
            }
            line.push_span(fact);
        }
        line
    }

    fn paint_rows(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let (form, lang) = (self.form(), self.lang);
        let rows = self.laid.rows(&self.log, form);
        let parts = self.scroll.parts(self.page, &rows);
        let mut lines = Vec::with_capacity(self.page);
        for (number, part) in parts {
            lines.extend_from_slice(&rows.laid(number)[part]);
        }
        let is_cut = |line: &Line| line.spans.iter().any(|it| it.content.contains(CUT));
        let legend = match lines.iter().any(is_cut) {
            true => lang.pick(
                " ▯ part of a character, the rest is in another read ",
                " ▯ 不完整的字符，其余字节在另一次接收里 ",
            ),
            false => "",
        };
        let title = match self.scroll.below(&rows) {
            0 => String::new(),
            below => tr!(
                lang,
                " {below} rows below, End: newest ",
                " 下面还有 {below} 行，按 End 看最新 "
            ),
        };
        let block = framed()
            .title(Line::from(title).bold())
            .title(Line::from(legend).right_aligned());
        frame.render_widget(Paragraph::new(lines).block(block), area);
    }

    fn paint_help(&mut self, first: usize, frame: &mut Frame<'_>, area: Rect) {
        frame.render_widget(ratatui::widgets::Clear, area);
        let title = self.lang.pick(
            " Help: ↑ ↓ PgUp PgDn scroll, Esc closes ",
            " 帮助：↑ ↓ PgUp PgDn 翻看，按 Esc 关闭 ",
        );
        let block = framed().title(Line::from(title).bold());
        let inner = block.inner(area);
        frame.render_widget(block, area);
        self.page = inner.height.into();
        self.help = Some(help::paint(self.lang, first, frame, inner));
    }

    /// What the last command has done, in at most three lines.
    fn notice_lines(&self) -> Vec<Line<'static>> {
        let (text, style) = match &self.notice {
            _ if self.ends => (
                self.lang.pick(
                    "ending; press Ctrl-C again to end at once",
                    "正在结束；再按 Ctrl-C 立即结束",
                ),
                Style::new().bold(),
            ),
            None => return Vec::new(),
            Some(Notice::Done(text)) => (text.pick(self.lang), Style::new().cyan()),
            Some(Notice::Failed(text)) => (text.pick(self.lang), Style::new().red().bold()),
        };
        let text = portlab_service::inert(text);
        let mut lines = wrap(&text, self.width.saturating_sub(1).max(8));
        lines.truncate(3);
        let line = |it| Line::from(Span::styled(format!(" {it}"), style));
        lines.into_iter().map(line).collect()
    }

    /// The prompt, the typed line, and the cursor.
    fn paint_input(&self, frame: &mut Frame<'_>, area: Rect) {
        let lang = self.lang;
        let (to, style) = match self.desk.to {
            Recipient::All if self.is_server => {
                (lang.pick("all", "所有客户端").to_owned(), Style::new())
            }
            Recipient::All => (lang.pick("the server", "服务端").to_owned(), Style::new()),
            Recipient::One(peer) if self.log.online().any(|it| it == peer) => {
                (peer.to_string(), Style::new())
            }
            to @ Recipient::One(peer) if self.log.stranger(to).is_some() => (
                tr!(lang, "{peer} (never online)", "{peer}（从未上线）"),
                Style::new().red(),
            ),
            Recipient::One(peer) => (
                tr!(lang, "{peer} (offline)", "{peer}（已下线）"),
                Style::new().red(),
            ),
        };
        let prompt = tr!(lang, " to {to} > ", " 发给 {to} > ");
        let prompt = Line::from(Span::styled(prompt, style.bold()));
        let [left, right] = Layout::horizontal([
            Constraint::Length(prompt.width() as u16),
            Constraint::Min(0),
        ])
        .areas(area);
        frame.render_widget(prompt, left);
        let seen = self.line.seen(right.width.into());
        let text = Paragraph::new(seen.text).scroll((0, seen.skipped as u16));
        frame.render_widget(text, right);
        if right.width > 0 {
            let column = (seen.cursor as u16).min(right.width - 1);
            frame.set_cursor_position(Position::new(right.x + column, right.y));
        }
    }

    /// The keys that fit in at most so many lines, the most important first.
    fn keys(&self, width: usize, most_lines: usize) -> Vec<Line<'static>> {
        let lang = self.lang;
        let pause = match self.log.is_paused(self.desk.to) {
            true => lang.pick("read", "续读"),
            false => lang.pick("pause", "停读"),
        };
        let keys = [
            ("F1", lang.pick("help", "帮助")),
            ("^C", lang.pick("end", "结束")),
            ("Tab", lang.pick("to", "发给")),
            ("F2", lang.pick("enc", "编码")),
            ("F3", lang.pick("both", "对照")),
            ("F4", lang.pick("eol", "换行")),
            ("F5", pause),
            ("F6", lang.pick("close", "关闭")),
            ("F7", lang.pick("FIN", "半关闭")),
            ("F8", lang.pick("RST", "复位")),
            ("F9", lang.pick("full", "全显")),
        ];
        let gap = lang.pick(" ", "");
        let mut lines = vec![Line::default()];
        for (key, does) in keys {
            let spans = [
                Span::from(format!(" {key}{gap}")).bold(),
                Span::from(does).dim(),
            ];
            let needed: usize = spans.iter().map(Span::width).sum();
            let last = lines.len() - 1;
            if lines[last].width() + needed <= width {
                lines[last].spans.extend(spans);
            } else if lines.len() < most_lines {
                lines.push(Line::from(spans.to_vec()));
            } else {
                break;
            }
        }
        lines.truncate(most_lines);
        lines
    }
}

/// A line above, for titles.
fn framed() -> Block<'static> {
    Block::new()
        .borders(Borders::TOP)
        .border_style(Style::new().dim())
}

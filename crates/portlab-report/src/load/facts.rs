//! The sections of a report on one load that say how it was made: names, and the fact of each.

use portlab_stats::load::{Certificate, Loop};
use portlab_words::{
    plural, tr,
    units::{self, nanos, per_s},
};

use super::{
    charts,
    document::Block,
    one::Report,
    tables::{self, time},
};
use crate::notes::figures::percent;

impl Report<'_> {
    pub(super) fn datagrams(&self) -> Vec<Block> {
        let (lang, Some(found)) = (self.lang, &self.record.datagrams) else {
            return Vec::new();
        };
        let (lost, due, share) = (found.lost, found.due, format!("{:.2}%", found.loss * 100.0));
        let matched = match found.numbered {
            true => lang.pick("by their sequence numbers", "按序号"),
            false => lang.pick(
                "by their order, because messages lack a number",
                "按顺序：消息没有序号",
            ),
        };
        let numbered = |count: u64| found.numbered.then(|| count.to_string());
        let dropped = (found.dropped_here > 0).then(|| found.dropped_here.to_string());
        self.facts([
            (
                ("lost", "丢失"),
                Some(tr!(
                    lang,
                    "{share}: {lost} of {due}",
                    "{share}：{due} 个中的 {lost} 个"
                )),
            ),
            (("duplicates", "重复"), numbered(found.duplicates)),
            (("out of order", "乱序"), numbered(found.reordered)),
            (("after the timeout", "超时后到达"), numbered(found.late)),
            (
                (
                    "dropped by this machine, which read too slowly",
                    "本机因读得太慢而丢弃",
                ),
                dropped,
            ),
            (("answers matched", "响应的匹配"), Some(matched.to_owned())),
        ])
    }

    pub(super) fn connections(&self) -> Vec<Block> {
        let (record, lang) = (self.record, self.lang);
        let phase = nanos(record.connect_phase_ns as f64);
        let (asked, connected) = (record.connections, record.connected);
        let fairness = record.fairness.map(|it| {
            let (least, most) = (it.least_messages, it.most_messages);
            let jain = format!("{:.3}", it.jain_index);
            tr!(
                lang,
                "Jain's index {jain}; a connection had {least} to {most} answers",
                "Jain 指数 {jain}；每个连接得到 {least} 到 {most} 个响应"
            )
        });
        let outages = record.outages.as_ref().map(|it| {
            let (count, lost) = (it.count, it.messages_lost);
            let all = nanos(it.length_ns as f64);
            let longest = nanos(it.each.iter().map(|it| it.length_ns).max().unwrap_or(0) as f64);
            tr!(
                lang,
                "{count} in {all} together, the longest {longest}; messages lost in them: {lost}",
                "{count} 次，共 {all}，最长 {longest}；期间丢失消息 {lost} 条"
            )
        });
        let reconnect = record.reconnect.then(|| lang.pick("yes", "是").to_owned());
        let mut blocks = self.facts([
            (
                ("open when the load began", "负载开始时打开"),
                Some(tr!(
                    lang,
                    "{connected} of {asked}, after {phase}",
                    "{connected}/{asked}，用时 {phase}"
                )),
            ),
            (
                ("made in all", "总共建立"),
                Some(record.connections_made.to_string()),
            ),
            (
                ("open at the end", "结束时打开"),
                Some(record.alive.to_string()),
            ),
            (("made again if closed", "关闭后重新建立"), reconnect),
            (("fairness", "公平性"), fairness),
            (("outages", "中断"), outages),
        ]);
        blocks.extend(Block::Table(tables::outages(record, lang)).unless_empty());
        blocks.extend(charts::connecting(record, lang));
        blocks.push(Block::Table(tables::connecting(record, lang)));
        blocks
    }

    pub(super) fn tls(&self) -> Vec<Block> {
        let (lang, Some(tls)) = (self.lang, &self.record.tls) else {
            return Vec::new();
        };
        let (made, resumed) = (tls.handshakes, tls.handshakes_resumed);
        let certificate = tls.certificate.as_ref();
        let of =
            |write: fn(&Certificate) -> String| certificate.map(write).filter(|it| !it.is_empty());
        let checked = match tls.verified {
            true => lang.pick("yes", "是"),
            false => lang.pick("no", "否"),
        };
        let issuer = certificate.map(|it| match it.self_signed {
            true => lang
                .pick("itself (self-signed)", "自己（自签名）")
                .to_owned(),
            false => it.issuer.clone(),
        });
        let valid = certificate.map(|it| {
            let (from, to) = (&it.not_before, &it.not_after);
            tr!(lang, "{from} to {to}", "{from} 至 {to}")
        });
        let cut = tls.answers_without_close_notify;
        self.facts([
            (("version", "版本"), tls.version.clone()),
            (("cipher suite", "加密套件"), tls.cipher.clone()),
            (("protocol (ALPN)", "协议（ALPN）"), tls.alpn.clone()),
            (
                ("handshakes", "握手"),
                Some(tr!(
                    lang,
                    "{made}, of which {resumed} resumed a session",
                    "{made} 次，其中 {resumed} 次恢复会话"
                )),
            ),
            (("server name", "服务器名"), Some(tls.server_name.clone())),
            (
                ("certificate checked", "核对证书"),
                Some(checked.to_owned()),
            ),
            (("certificate of", "证书属于"), of(|it| it.subject.clone())),
            (("signed by", "签发者"), issuer),
            (
                ("for the names", "适用的名称"),
                of(|it| it.names.join(", ")),
            ),
            (("valid", "有效期"), valid),
            (
                ("answers without close_notify", "没有 close_notify 的响应"),
                (cut > 0).then(|| cut.to_string()),
            ),
        ])
    }

    pub(super) fn sent(&self) -> Vec<Block> {
        let (record, lang) = (self.record, self.lang);
        let bytes = |range: [u64; 2]| range.map(|it| units::bytes(it as f64));
        let between = |[least, most]: [String; 2]| match least == most {
            true => least,
            false => tr!(lang, "{least} to {most}", "{least} 到 {most}"),
        };
        let [sent, received] = bytes([record.bytes_sent, record.bytes_received]);
        let idle = record.pace == Loop::Idle;
        let unless_idle = |text: String| (!idle).then_some(text);
        let think = record
            .think_ns
            .map(|it| between(it.map(|it| nanos(it as f64))));
        self.facts([
            (("target", "目标"), Some(record.target.clone())),
            (("through a proxy", "经过代理"), record.through.clone()),
            (("pace", "节奏"), Some(self.pace())),
            (("method", "方法"), record.method.clone()),
            (
                ("length of a message", "消息长度"),
                unless_idle(between(bytes([record.size_bytes, record.size_max_bytes]))),
            ),
            (
                ("in flight on a connection", "每个连接的在途消息"),
                unless_idle(record.depth.to_string()),
            ),
            (("pause before a message", "消息前的停顿"), think),
            (
                ("expected", "期望的响应"),
                unless_idle(record.expect.clone()),
            ),
            (
                ("checked", "核对"),
                unless_idle(self.said(&record.checked_how)),
            ),
            (
                ("bytes with the warm-up", "字节数（含预热）"),
                unless_idle(tr!(
                    lang,
                    "{sent} sent, {received} received",
                    "发送 {sent}，收到 {received}"
                )),
            ),
            (("seed", "随机种子"), unless_idle(record.seed.to_string())),
        ])
    }

    fn pace(&self) -> String {
        let (record, lang) = (self.record, self.lang);
        let spread = match record.arrivals.as_deref() {
            Some("poisson") => lang.pick("random (Poisson) arrivals", "随机（泊松）到达"),
            _ => lang.pick("even arrivals", "均匀到达"),
        };
        let rate = record.rate_per_s.map_or(String::new(), per_s);
        match record.pace {
            Loop::Idle => tr!(lang, "nothing was sent", "没有发送"),
            Loop::Closed => tr!(
                lang,
                "closed loop: the next message when an answer has come",
                "闭环：收到响应后再发下一条"
            ),
            Loop::Open => tr!(
                lang,
                "open loop: {rate}, {spread}, whatever the server does",
                "开环：{rate}（{spread}），与服务端快慢无关"
            ),
        }
    }

    pub(super) fn generator(&self) -> Vec<Block> {
        let (record, lang) = (self.record, self.lang);
        let (share, threads) = (percent(record.generator_cpu_share), record.threads);
        let in_words = plural(threads, "thread");
        let cpu = lang.pick(
            format!("{share} of {in_words}"),
            format!("{threads} 个线程的 {share}"),
        );
        let each = record.generator_cpu_us_per_message;
        let waited = record.generator_wait_share.map(|it| {
            let share = percent(it);
            tr!(lang, "{share} of its runnable time", "可运行时间的 {share}")
        });
        self.facts([
            (("processor time", "CPU 时间"), Some(cpu)),
            (
                ("per message", "每条消息"),
                (each > 0.0).then(|| nanos(each * 1e3)),
            ),
            (("waited for a processor", "等待处理器"), waited),
            (
                ("late in sending, p99", "发送滞后，p99"),
                record.pacing_lag_ns.map(|it| time(it.p99)),
            ),
        ])
    }
}

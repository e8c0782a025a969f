//! What the signs of the tables mean. A writer shows the explanations of the signs that it has used.

use portlab_stats::{
    analysis::Group,
    measure::Measure,
    record::{Counts, Entrant, Kind, Record},
};
use portlab_words::{Lang, Text, tr};

use super::{
    figures::BELOW,
    names,
    sentence::{Sentence, name, series, text},
    table::{ALIKE, Field, LIMITED, UNKNOWN},
    view::View,
};

/// What one sign means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sign {
    /// What it explains.
    pub(crate) of: Explains,
    /// What it means.
    pub(crate) sentence: Sentence,
}

/// What an entry of the legend explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Explains {
    /// The tables as a whole.
    Tables,
    /// A sign behind a figure, before it or in its place.
    Character(char),
    /// A column.
    Column(Field),
}

/// The columns and signs that a writer has used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    fields: Vec<Field>,
    characters: Vec<char>,
}

impl Seen {
    /// Records an entry under `field`.
    pub(crate) fn entry(&mut self, field: Field, text: &str, sign: Option<char>) {
        self.fields.push(field);
        self.characters.extend(sign);
        self.characters.extend(text.chars().next());
    }

    /// Whether `sign` explains something that was shown.
    pub(crate) fn needs(&self, sign: &Sign) -> bool {
        match sign.of {
            Explains::Tables => !self.fields.is_empty(),
            Explains::Character(character) => self.characters.contains(&character),
            Explains::Column(field) => self.fields.contains(&field),
        }
    }
}

/// All signs that the tables of `views` may have.
pub(super) fn legend(record: &Record, views: &[View], lang: Lang) -> Vec<Sign> {
    let shorts = |of: &dyn Fn(&View) -> Option<Measure>| -> Option<String> {
        let mut shorts: Vec<String> = Vec::new();
        for view in views {
            let Some(measure) = of(view) else { continue };
            let label = names::measure(measure, view.workload.counts);
            let short = label.short.pick(lang).to_owned();
            if !shorts.contains(&short) {
                shorts.push(short);
            }
        }
        (!shorts.is_empty()).then(|| text(&shorts.join(lang.pick(" or ", "、"))))
    };
    let mut signs = Vec::new();
    let mut explain = |of, marked: &str| {
        let sentence = Sentence::of(lang, marked);
        signs.push(Sign { of, sentence });
    };
    let ranked = |view: &View| {
        let column = view.columns.iter().find(|column| column.last().is_some());
        column.map(|column| column.measure)
    };
    if let Some(measures) = shorts(&ranked) {
        let rank = tr!(
            lang,
            "the rank goes by {measures}. ▲ marks the first place of a column, ▼ the last; servers that don't differ from the best of their place share it.",
            "名次按{measures}排。▲ 是一列的第一名，▼ 是最后一名；与同名次里最好的分不出高下的并列。"
        );
        explain(Explains::Column(Field::Rank), &rank);
    }
    explain(Explains::Tables, MEDIANS.pick(lang));
    explain(Explains::Column(Field::Interval), INTERVALS.pick(lang));
    let baseline = record.setup.baseline.as_deref();
    if let Some((baseline, measures)) = baseline.zip(shorts(&|view| Some(view.measure()))) {
        let baseline = name(baseline);
        let ratio = tr!(
            lang,
            "× {baseline}: how many times the {measures} of the baseline, paired round by round.",
            "× {baseline}：{measures}是基准的多少倍，按轮配对计算。"
        );
        explain(Explains::Column(Field::Ratio), &ratio);
        explain(Explains::Character(ALIKE), SAME.pick(lang));
    }
    let limited = |view: &View| {
        let limited = view.groups.iter().any(Group::generator_was_the_limit);
        limited.then_some(Measure::MessagesPerS)
    };
    if let Some(rates) = shorts(&limited) {
        let limit = tr!(
            lang,
            "* the load generator was the limit: these {rates} and latencies are not the server's best, and in their table no server is ranked by them. CPU, switches and memory are the server's own.",
            "* 瓶颈是负载生成器：这些{rates}和延迟不是服务端的极限，所在的表不按它们排名。CPU、切换和内存仍是服务端自己的。"
        );
        explain(Explains::Character(LIMITED), &limit);
    }
    explain(Explains::Character(UNKNOWN), DASH.pick(lang));
    explain(Explains::Character(BELOW), RESOLUTION.pick(lang));
    let has_rounds = |group: &Group| group.cells.iter().any(|cell| !cell.rounds.is_empty());
    let counts_deliveries = |view: &View| view.workload.counts == Counts::Deliveries;
    if views
        .iter()
        .any(|view| counts_deliveries(view) && view.groups.iter().any(has_rounds))
    {
        explain(Explains::Tables, DELIVERIES.pick(lang));
    }
    let asides: Vec<String> = record
        .entrants
        .iter()
        .filter_map(|it| aside(it, lang))
        .collect();
    if !asides.is_empty() {
        let told = series(lang, asides);
        let asides = tr!(lang, "not ranked: {told}.", "不排名：{told}。");
        explain(Explains::Tables, &asides);
    }
    signs
}

/// What a control, a twin or another build is; `None` for other entrants.
fn aside(entrant: &Entrant, lang: Lang) -> Option<String> {
    let this = name(&entrant.name);
    Some(match &entrant.kind {
        Kind::Control => tr!(
            lang,
            "{this} is the textbook twin of a model, an echo without the traits",
            "{this}是模型的手写版：只提供回显，不经过公共接口"
        ),
        Kind::Twin { of } => {
            let of = name(of);
            tr!(
                lang,
                "{this} is {of} a second time, to measure the noise",
                "{this}是{of}再测一遍，用来测量噪声"
            )
        }
        Kind::Build {
            of,
            program,
            version,
        } => {
            let [of, program, version] = [of, program, version].map(|it| name(it));
            tr!(
                lang,
                "{this} is {of} of another build, {program} (portlab {version})",
                "{this}是另一个构建版本{program}（portlab {version}）的{of}"
            )
        }
        Kind::Model | Kind::Foreign { .. } => return None,
    })
}

const MEDIANS: Text = Text::new(
    "figures are medians over the rounds.",
    "数字是各轮的中位数。",
);
const INTERVALS: Text = Text::new(
    "the interval, or ± half of it, contains the true median with 95% confidence, given six rounds or more (bootstrap).",
    "至少测 6 轮时，置信区间（± 后是半宽）以 95% 的置信度包含真实的中位数（自助法）。",
);
const SAME: Text = Text::new(
    "≈ this run shows no difference from the baseline.",
    "≈ 这次测量看不出与基准有差别。",
);
const DASH: Text = Text::new(
    "– not known: too few messages in a round for a quantile (a p99 takes 100, a p99.9 1,000; a longer --duration gives more), or a ratio of figures that can't be measured.",
    "– 不知道：一轮里的消息太少，算不出分位数（p99 要 100 条，p99.9 要 1000 条；可以加大 --duration），或者是测不出的数字之比。",
);
const RESOLUTION: Text = Text::new(
    "< less than. Memory is counted in pages of 4 KiB: less than a page for all connections together can't be measured, and nothing is ranked by it.",
    "< 小于。内存按 4 KiB 的页计算：所有连接合起来不足一页就测不出来，也不参与排名。",
);
const DELIVERIES: Text = Text::new(
    "a delivery: one member has received one message. Fan-out: from sending a message until the last of its receivers has it.",
    "送达：一个成员收到一条消息。扇出时间：从发出一条消息，到最后一个该收到的成员收到它。",
);

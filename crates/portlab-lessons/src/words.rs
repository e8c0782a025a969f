//! What the stage itself says, in both languages.

use portlab_words::Lang;

use crate::order::SEED;

/// What orders the answers to choose from: said once per lesson, on the terminal and on its page.
pub(crate) fn seed(lang: Lang, seed: u64) -> String {
    let order = match lang {
        Lang::En => format!("The answers to choose from are in the order of --seed {seed}"),
        Lang::Zh => format!("备选答案按 --seed {seed} 的顺序排列"),
    };
    let pages = match lang {
        Lang::En => ", as on the lesson's page.",
        Lang::Zh => "，和网页版的课程一样。",
    };
    let other = match lang {
        Lang::En => "; the lesson's page has another order.",
        Lang::Zh => "，和网页版的课程不同。",
    };
    order + if seed == SEED { pages } else { other }
}

/// The same for a page.
pub(crate) fn seed_of_page(lang: Lang) -> String {
    match lang {
        Lang::En => format!(
            "The answers to choose from are in the order of `--seed {SEED}`, as on the terminal; with \
             another `--seed` the terminal shows another order."
        ),
        Lang::Zh => format!(
            "备选答案按 `--seed {SEED}` 的顺序排列，和终端里一样；终端里换一个 `--seed`，顺序也换一种。"
        ),
    }
}

/// A sentence or a word in both languages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    en: &'static str,
    zh: &'static str,
}

impl Words {
    pub(crate) fn in_(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Zh => self.zh,
        }
    }
}

const fn words(en: &'static str, zh: &'static str) -> Words {
    Words { en, zh }
}

pub(crate) const GOAL: Words = words("Goal", "目标");
pub(crate) const STORY: Words = words("The story", "打个比方");
pub(crate) const RUN_IT: Words = words("Run it", "跑一遍");
pub(crate) const STEP_BY_STEP: Words = words("Step by step", "一步一步");
pub(crate) const GUESS: Words = words("What will happen?", "猜一猜");
pub(crate) const SEEN: Words = words("Seen on this machine", "在这台机器上看到");
pub(crate) const SEEN_ONCE: Words = words(
    "Seen, with the numbers of one run",
    "看到（号码以某一次运行为例）",
);
pub(crate) const WHY: Words = words("Why", "为什么");
pub(crate) const THINK: Words = words("Think about it", "想一想");
pub(crate) const ANSWER: Words = words("Answer", "答案");
pub(crate) const GO_ON: Words = words("Enter goes on, q leaves", "按回车继续，q 退出");
pub(crate) const TELL_WHY: Words = words("Enter tells why, q leaves", "按回车看为什么，q 退出");
pub(crate) const OUTCOME_ON_PAGE: Words = words("What happened", "结果");
pub(crate) const DO_IT: Words = words("Enter does it, q leaves", "按回车动手，q 退出");
pub(crate) const YOUR_GUESS: Words = words(
    "Your guess (a number), or Enter",
    "你猜是几？（输入数字，或直接回车）",
);
pub(crate) const ANSWER_IT: Words = words("Enter shows the answer", "按回车看答案");
pub(crate) const WAITING: Words = words(
    "Waiting for your program; Enter skips it, q leaves",
    "正在等你的程序；回车跳过，q 退出",
);
pub(crate) const ANSWER_BY_HAND: Words = words(
    "Your answer, then Enter (Enter alone sends hello)",
    "手动输入你的回答，然后回车（直接回车就发 hello）",
);
pub(crate) const RIGHT: Words = words("You guessed right: ", "猜对了：");
pub(crate) const WRONG: Words = words("It came otherwise: ", "没猜中，结果是：");
pub(crate) const OUTCOME: Words = words("So it came: ", "结果是：");
pub(crate) const WOULD: Words = words("It would have come so: ", "本来会是：");
pub(crate) const AGAIN: Words = words(
    "a number from the list, or Enter",
    "请输入上面的一个数字，或直接回车",
);
pub(crate) const STARTED: Words = words(
    "Enter when your server waits, s skips it, q leaves",
    "服务端启动好以后按回车，s 跳过，q 退出",
);
pub(crate) const NOT_SEEN: Words = words(
    "this didn't happen here, though it should have",
    "本该如此，但这次没有看到",
);
pub(crate) const ALL_SEEN: Words = words("checks, all of them seen here", "项，全部亲眼看到");
pub(crate) const SEEN_HERE: Words = words("checks seen here", "项亲眼看到");
pub(crate) const NOT_HERE: Words = words("not seen this time", "项这次没有看到");
pub(crate) const FAILED: Words = words("didn't come as told", "项与所讲的不符");
pub(crate) const WHOLE_PYTHON: Words = words("Python, a whole program", "Python，完整的程序");
pub(crate) const PIECES: Words = words(
    "A Python listing that is called a whole program can be copied and run as it is. The others are pieces: what they \
     use (`socket`, `client`, `port`) comes from the usual `import` lines, from the pieces before, and from the text.",
    "注明“完整的程序”的 Python 代码可以直接复制运行。其余的是片段：里面用到的 `socket`、`client`、`port` 等，来自常见的 \
     `import`、前面的片段和正文。",
);
pub(crate) const OF_OUR_MODEL: Words = words("Rust, our model:", "Rust，我们的模型：");
pub(crate) const OF_THIS_LESSON: Words = words("Rust, this lesson", "Rust，本课");

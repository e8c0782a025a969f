//! The stage's own messages, in both languages.

use portlab_words::{Lang, Text, tr};

use crate::order::SEED;

/// The order of the answers to choose from: shown once per lesson on the terminal.
pub(crate) fn seed(lang: Lang, seed: u64) -> String {
    let page = match seed == SEED {
        true => lang.pick(", as on the lesson's page", "，和网页版的课程一样"),
        false => lang.pick(
            "; the lesson's page has another order",
            "，和网页版的课程不同",
        ),
    };
    tr!(
        lang,
        "The answers to choose from are in the order of --seed {seed}{page}.",
        "备选答案按 --seed {seed} 的顺序排列{page}。",
    )
}

/// The same for a page.
pub(crate) fn seed_of_page(lang: Lang) -> String {
    tr!(
        lang,
        "The answers to choose from are in the order of `--seed {SEED}`, as on the terminal. With another `--seed`, the \
         terminal shows another order.",
        "备选答案按 `--seed {SEED}` 的顺序排列，和终端里一样；终端里换一个 `--seed`，顺序也换一种。",
    )
}

/// What is shown in place of the steps before the first that is shown.
pub(crate) fn set_up(lang: Lang, steps: usize) -> String {
    tr!(
        lang,
        "Steps 1 to {steps} run first, without being shown.",
        "先在后台执行第 1 到 {steps} 步，不显示。",
    )
}

/// The output of a Python program on a machine without Python.
pub(crate) static NOT_RUN: Text = Text::new(
    "(not run: Python 3 is missing here)",
    "（没有运行：这里没有 Python 3）",
);
/// What a terminal and a sheet show in place of a picture.
pub(crate) fn picture(lang: Lang, text: &str) -> String {
    tr!(
        lang,
        "[a picture on the lesson's page: {text}]",
        "［网页版的课程里有一张图：{text}］",
    )
}
pub(crate) static GOAL: Text = Text::new("Goal", "目标");
pub(crate) static STORY: Text = Text::new("The story", "打个比方");
pub(crate) static RUN_IT: Text = Text::new("Run it", "运行");
pub(crate) static STEP_BY_STEP: Text = Text::new("Step by step", "一步一步");
pub(crate) static GUESS: Text = Text::new("What will happen?", "猜一猜");
pub(crate) static SEEN: Text = Text::new("Seen on this machine", "在这台机器上看到");
pub(crate) static SEEN_ONCE: Text = Text::new(
    "Seen, with the numbers of one run",
    "看到（号码以某一次运行为例）",
);
pub(crate) static WHY: Text = Text::new("Why", "为什么");
pub(crate) static THINK: Text = Text::new("Think about it", "想一想");
pub(crate) static ANSWER: Text = Text::new("Answer", "答案");
pub(crate) static NEXT_SCREEN: Text = Text::new("Enter: next page, q: quit", "按回车翻页，q 退出");
pub(crate) static GO_ON: Text = Text::new("Enter: continue, q: quit", "按回车继续，q 退出");
pub(crate) static TELL_WHY: Text = Text::new("Enter: see why, q: quit", "按回车看为什么，q 退出");
pub(crate) static OUTCOME_ON_PAGE: Text = Text::new("What happened", "结果");
pub(crate) static DO_IT: Text = Text::new("Enter: run this step, q: quit", "按回车执行，q 退出");
pub(crate) static YOUR_GUESS: Text = Text::new(
    "Your guess (a number), or Enter",
    "你猜是几？（输入数字，或直接回车）",
);
pub(crate) static ANSWER_IT: Text = Text::new("Enter: see the answer", "按回车看答案");
pub(crate) static WAITING: Text = Text::new(
    "Waiting for your program; s: skip, q: quit",
    "正在等你的程序；s 跳过，q 退出",
);
pub(crate) static REQUESTS: Text = Text::new(
    "Requests are shown here as they come. Enter: continue, q: quit.",
    "收到的请求会显示在这里。按回车继续，q 退出。",
);
pub(crate) static ANSWER_BY_HAND: Text = Text::new(
    "Your answer, then Enter (Enter alone sends hello)",
    "手动输入回答，然后按回车（直接按回车就发 hello）",
);
pub(crate) static RIGHT: Text = Text::new("You guessed right: ", "猜对了：");
pub(crate) static WRONG: Text = Text::new("The outcome is different: ", "没猜中，结果是：");
pub(crate) static OUTCOME: Text = Text::new("The outcome: ", "结果是：");
pub(crate) static WOULD: Text =
    Text::new("On other machines the outcome is: ", "在别的机器上会是：");
pub(crate) static AGAIN: Text = Text::new(
    "Type a number from the list, or press Enter.",
    "请输入上面的一个数字，或直接回车",
);
pub(crate) static STARTED: Text = Text::new(
    "Enter when your server waits, s: skip, q: quit",
    "服务端启动好以后按回车，s 跳过，q 退出",
);
pub(crate) static NOT_SEEN: Text = Text::new(
    "this didn't happen here, though it should have",
    "本该如此，但这次没有看到",
);
pub(crate) static ALL_SEEN: Text = Text::new("checks, all of them seen here", "项检查，全部看到");
pub(crate) static SEEN_HERE: Text = Text::new("checks seen here", "项检查看到了");
pub(crate) static NOT_HERE: Text = Text::new("not seen this time", "项这次没有看到");
pub(crate) static FAILED: Text = Text::new("failed", "项与讲解不符");
pub(crate) static WHOLE_PYTHON: Text = Text::new("Python, a whole program", "Python，完整的程序");
pub(crate) static PIECES: Text = Text::new(
    "A Python listing with the caption \"Python, a whole program\" can be copied and run as it is. The others are pieces: \
     the names in them (`socket`, `client`, `port`) come from the usual `import` lines, from the pieces before, and from \
     the text.",
    "注明“完整的程序”的 Python 代码可以直接复制运行。其余的是片段：里面用到的 `socket`、`client`、`port` 等，来自常见的 \
     `import`、前面的片段和正文。",
);
pub(crate) static OF_OUR_MODEL: Text = Text::new("Rust, our model:", "Rust，portlab 的模型：");
pub(crate) fn by_the_book(lang: Lang, file: &str, model: &str) -> String {
    tr!(
        lang,
        "Rust, the model by hand (all of it: `portlab models {model} --code`): {file}",
        "Rust，手写的模型（完整程序：`portlab models {model} --code`）：{file}"
    )
}
pub(crate) static OF_THIS_LESSON: Text = Text::new("Rust, this lesson", "Rust，演示程序");

//! The texts of a lesson: both languages have the same parts.

use std::{collections::BTreeSet, fs, path::Path};

use libtest_mimic::Failed;
use portlab_lessons::{
    LESSONS, Lesson, find,
    script::{Script, placeholders},
};
use portlab_words::Lang;

use crate::check;

pub(crate) fn agree(lesson: &'static Lesson) -> Result<(), Failed> {
    let [en, zh] = [Lang::En, Lang::Zh].map(|lang| {
        let script = lesson.script(lang);
        script.map_err(|error| format!("{lang}.md: {error}"))
    });
    let (shape, other) = (shape(&en?), shape(&zh?));
    check(shape == other, format!("en: {shape:#?}\nzh: {other:#?}"))?;
    for lang in Lang::ALL {
        let text = lesson.text(lang);
        let examples = lesson.examples(lang);
        for name in placeholders(&without_programs(text)) {
            let has = examples.contains_key(name);
            check(has, format!("{lang}.md: {{{name}}} has no example"))?;
        }
        for example in examples.keys() {
            let used = text.contains(&format!("{{{example}}}"));
            check(used, format!("{lang}.md has no {{{example}}}"))?;
        }
        for (file, _) in lesson.files {
            // The lesson's function needn't be shown.
            let shown = *file == "mod.rs" || text.contains(file);
            check(shown, format!("{lang}.md shows nothing of {file}"))?;
        }
    }
    let half = lesson.zh.lines().find(|line| has_half_width_mark(line));
    let said = format!("zh.md has a half-width mark: {half:?}");
    check(half.is_none(), said)
}

/// The terms of the course, each in bold in the Chinese text of the lesson where it belongs.
const TERMS: &[(&str, &str)] = &[
    (
        "tcp",
        "面向连接 三次握手 四次挥手 超时重传 流量控制 拥塞控制",
    ),
    ("udp", "数据报 无连接"),
    (
        "processes",
        "进程 多任务 命令行参数 僵尸进程 守护进程 守护主进程",
    ),
    ("threads", "线程 并发 并行 守护线程 守护主线程"),
    ("lost-update", "互斥锁 原子操作"),
    ("deadlock", "死锁"),
    ("coroutines", "协程 greenlet gevent"),
    (
        "http",
        "URL 请求报文 请求行 请求头 请求体 响应报文 响应行 响应头 响应体 开发者工具",
    ),
    (
        "http-messages",
        "请求行 请求方法 请求头 请求体 响应行 状态码 响应头 重定向 GET POST 开发者工具",
    ),
    (
        "web-page",
        "URL 协议 端口号 域名 资源路径 查询参数 请求行 请求头 空行 开发者工具",
    ),
    ("web-site", "目录遍历"),
    ("web-many", "守护线程"),
];

/// Wordings that sound translated; `NOT_IN_HTTP` only where a response is an answer by HTTP.
const NOT_CHINESE: &str = "这一课 本课 交代的话 生子进程 怎么生 生出一个 拿着一把 等成了 一个圈 圈就打开 找到圈 \
    到哪里为止 白忙 治它 治好 治“ 收到的是：什么也没有 正在讲课 给大家看看 走的只有字节 聋 饿着 活儿 读不出来 \
    一声不吭 说一声“2 我们的 回声 一条连接 次序 处理器时间 内核说 回应 投递 百分位 迭代服务器 负载发生器 噪声下限";
const NOT_IN_HTTP: &str = "回答 状态行 送出";

pub(crate) fn the_chinese_texts_use_the_courses_terms() -> Result<(), Failed> {
    for (name, terms) in TERMS {
        let text = find(name).ok_or(*name)?.zh;
        for term in terms.split(' ') {
            let has = text.contains(&format!("**{term}**"));
            check(has, format!("{name}/zh.md has no **{term}**"))?;
        }
    }
    let about_http = |it: &&&Lesson| it.name == "http" || it.name.starts_with("web-");
    for lesson in LESSONS.iter().filter(about_http) {
        only_chinese(lesson.name, lesson.zh, NOT_IN_HTTP)?;
        only_chinese(lesson.name, lesson.examples, NOT_IN_HTTP)?;
    }
    for (name, text) in chinese()? {
        only_chinese(&name, &text, NOT_CHINESE)?;
    }
    Ok(())
}

/// The ends of the names of files that have Chinese texts.
const WITH_CHINESE: [&str; 4] = ["zh.md", ".rs", "examples.txt", ".py"];

/// Every text in Chinese of the crates, also those in their Rust files, and the guides.
fn chinese() -> Result<Vec<(String, String)>, Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut texts = Vec::new();
    for guide in [
        "README.zh.md",
        "docs/assist.zh.md",
        "docs/judge.zh.md",
        "docs/teaching.zh.md",
    ] {
        texts.push((guide.to_owned(), fs::read_to_string(root.join(guide))?));
    }
    let mut folders = vec![root.join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let ends = |end: &str| path.to_string_lossy().ends_with(end);
            if path.is_dir() {
                folders.push(path);
            } else if WITH_CHINESE.into_iter().any(ends) {
                texts.push((path.display().to_string(), fs::read_to_string(&path)?));
            }
        }
    }
    Ok(texts)
}

fn only_chinese(name: &str, text: &str, wordings: &str) -> Result<(), Failed> {
    let text = text.replace('\n', "");
    let found = wordings.split_whitespace().find(|it| text.contains(it));
    check(found.is_none(), format!("{name} says {found:?}"))
}

/// The parts that must be the same in both languages.
fn shape(script: &Script) -> Vec<String> {
    let steps = script.steps.iter().map(|step| {
        let ask = step.ask.as_ref().map(|ask| (ask.options.len(), ask.right));
        let claims = step.claims.iter();
        let claims: Vec<_> = claims.map(|it| (&it.key, it.not_here.is_some())).collect();
        let (key, say, seen) = (&step.key, step.say.len(), step.seen.len());
        format!("{key}: {say} blocks, asks {ask:?}, {seen} blocks, claims {claims:?}")
    });
    let questions = format!("{} questions", script.questions.len());
    steps.chain([questions]).collect()
}

/// A text without the lines of programs, which contain curly brackets of their own.
fn without_programs(text: &str) -> String {
    let mut kept = String::new();
    for (at, piece) in text.split("\n```").enumerate() {
        if at % 2 == 0 || piece.starts_with('\n') {
            kept += piece;
        }
    }
    kept
}

/// Whether a Chinese character is followed by a comma or the like that is not Chinese.
fn has_half_width_mark(line: &str) -> bool {
    let mut pairs = line.chars().zip(line.chars().skip(1));
    let is_chinese = |it: char| ('\u{4e00}'..='\u{9fff}').contains(&it);
    pairs.any(|(a, b)| is_chinese(a) && ",;:?!".contains(b))
}

pub(crate) fn every_lesson_is_a_folder_of_its_name() -> Result<(), Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../portlab-lessons/src/lessons");
    let folders = fs::read_dir(root)?
        .flatten()
        .filter(|entry| entry.path().is_dir());
    let folders: BTreeSet<_> = folders
        .map(|it| it.file_name().into_string().unwrap())
        .collect();
    let names: BTreeSet<_> = LESSONS.iter().map(|it| it.name.replace('-', "_")).collect();
    check(names.len() == LESSONS.len(), "a name is used twice")?;
    check(folders == names, format!("{folders:?}, but {names:?}"))?;
    let holds = LESSONS.is_sorted_by_key(|it| it.part);
    check(holds, "the parts are not in order")?;
    for (number, lesson) in (1..).zip(LESSONS) {
        let number: usize = number;
        for called in [lesson.name, &number.to_string()] {
            let holds = find(called).is_some_and(|it| it.name == lesson.name);
            check(holds, called)?;
        }
    }
    Ok(())
}

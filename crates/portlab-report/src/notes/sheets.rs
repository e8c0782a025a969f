//! The models' fact sheets in Chinese. The record has them in English, as the models tell them.

use portlab_stats::record::Facts;
use portlab_words::Lang;

/// The fact sheet of `model` in `lang`: what the record says where there is no translation.
pub(crate) fn facts(model: &str, recorded: &Facts, lang: Lang) -> Facts {
    let translated = SHEETS.iter().find(|sheet| sheet.model == model);
    match (lang, translated) {
        (Lang::Zh, Some(sheet)) => Facts {
            family: sheet.family.to_owned(),
            term: sheet.term.to_owned(),
            idea: sheet.idea.to_owned(),
            blocks: sheet.blocks.to_owned(),
            cost: sheet.cost.to_owned(),
            breaks_first: sheet.breaks_first.to_owned(),
            serves: recorded.serves,
        },
        _ => recorded.clone(),
    }
}

struct Sheet {
    model: &'static str,
    family: &'static str,
    term: &'static str,
    idea: &'static str,
    blocks: &'static str,
    cost: &'static str,
    breaks_first: &'static str,
}

static SHEETS: &[Sheet] = &[
    Sheet {
        model: "iterative",
        family: "顺序处理",
        term: "迭代服务器（iterative server）",
        idea: "接受一个客户端，服务到它结束，再接受下一个。",
        blocks: "正在服务一个客户端时，其他所有客户端都得等",
        cost: "1 个文件描述符；每条消息 2 次系统调用；等待中的客户端在 backlog 队列里占一个位置",
        breaks_first: "第二个客户端的耐心",
    },
    Sheet {
        model: "fork",
        family: "进程",
        term: "每个连接一个进程（process per connection）",
        idea: "父进程负责 accept，然后 fork；每个子进程服务一个客户端，服务完就退出。",
        blocks: "只卡住这个客户端自己的进程",
        cost: "一个进程：它写过的那些内存，以及创建它的时间；每条消息 2 次系统调用",
        breaks_first: "进程表；而且每个短连接都要付一次 fork 的代价",
    },
    Sheet {
        model: "prefork",
        family: "进程",
        term: "预先派生的进程池，每个工作进程自己 accept（pre-forked pool）",
        idea: "提前 fork 出 N 个进程；每个进程自己 accept，一次服务一个客户端。",
        blocks: "所有工作进程都有客户端以后，下一个客户端就得等",
        cost: "连接存续期间占用 N 个工作进程中的一个；每条消息 2 次系统调用",
        breaks_first: "工作进程的数量：空闲的连接也会把它们占满",
    },
    Sheet {
        model: "threads",
        family: "线程",
        term: "每个连接一个线程（thread per connection）",
        idea: "主线程负责 accept，为每个客户端启动一个线程，线程里可以随意阻塞。",
        blocks: "只卡住这个客户端自己的线程",
        cost: "一个线程：栈里实际用到的部分，以及启动它的时间；每条消息 2 次系统调用",
        breaks_first: "线程的数量；在那之前，先是处理器的缓存",
    },
    Sheet {
        model: "prethreaded",
        family: "线程",
        term: "预先创建的线程池，每个线程自己 accept（pre-threaded pool）",
        idea: "提前启动 N 个线程；每个线程自己 accept，一次服务一个客户端。",
        blocks: "所有线程都有客户端以后，下一个客户端就得等",
        cost: "连接存续期间占用 N 个线程中的一个；每条消息 2 次系统调用",
        breaks_first: "线程的数量：空闲的连接也会把它们占满",
    },
    Sheet {
        model: "pool",
        family: "线程池",
        term: "rayon 线程池，每个连接一个任务（one job per connection）",
        idea: "主线程负责 accept；每个客户端是一个任务，池里的一个线程阻塞着把它做到底。",
        blocks: "池里的线程都有客户端以后，下一个客户端就得等",
        cost: "连接存续期间占用池里 N 个线程中的一个；每条消息 2 次系统调用",
        breaks_first: "池里线程的数量，默认等于处理器核数",
    },
    Sheet {
        model: "event-loop",
        family: "事件驱动",
        term: "单线程 reactor（mio）",
        idea: "一个线程询问哪些套接字就绪，逐个处理，从不等待其中任何一个。",
        blocks: "处理函数一旦阻塞或长时间计算，所有客户端都被卡住",
        cost: "表里的一项，不需要线程；每条消息 2 次系统调用，外加分摊的一次 epoll_wait",
        breaks_first: "它唯一的那个核",
    },
    Sheet {
        model: "loop-pool",
        family: "事件驱动 + 线程池",
        term: "reactor（mio）+ rayon 工作线程（半同步/半异步，half-sync/half-async）",
        idea: "一个事件循环掌管所有套接字；会拖住它的工作，作为任务交给计算线程池。",
        blocks: "谁也不卡，直到池里每个线程都有任务；之后任务就排队",
        cost: "表里的一项，不需要线程；每条消息与 event-loop 相同，每个任务另加转交的时间",
        breaks_first: "处理消息时是事件循环那个核，计算时是线程池的那些核",
    },
    Sheet {
        model: "tasks-single",
        family: "协程",
        term: "单线程上的异步任务（tokio current-thread）",
        idea: "每个客户端是一个协程；一个线程轮流运行它们，在 await 处切换。",
        blocks: "处理函数一旦阻塞或长时间计算，所有客户端都被卡住",
        cost: "堆上的一个 future，不需要线程；每条消息 2 次系统调用，外加分摊的一次 epoll_wait",
        breaks_first: "它唯一的那个核",
    },
    Sheet {
        model: "tasks",
        family: "协程",
        term: "异步任务，工作窃取（tokio work-stealing）",
        idea: "每个客户端是一个协程；每个核一个线程，运行已就绪的协程，空闲时从别的线程那里窃取。",
        blocks: "每个阻塞的处理函数占住一个线程；线程全被占住时，所有客户端都被卡住",
        cost: "堆上的一个 future，不需要线程；每条消息 2 次系统调用，外加分摊的一次 epoll_wait",
        breaks_first: "处理器的核；负载低时，唤醒空闲线程的代价比收益还大",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn english() -> Facts {
        Facts {
            family: "threads".into(),
            term: "thread per connection".into(),
            idea: "A thread for each.".into(),
            blocks: "nobody".into(),
            cost: "a thread".into(),
            breaks_first: "the number of threads".into(),
            serves: None,
        }
    }

    #[test]
    fn a_sheet_is_chinese_only_where_it_is_asked_for_and_translated() {
        let recorded = english();
        assert_eq!(facts("threads", &recorded, Lang::En), recorded);
        assert_eq!(facts("threads", &recorded, Lang::Zh).family, "线程");
        assert_eq!(facts("somebody-elses", &recorded, Lang::Zh), recorded);
    }

    /// The page of the models is made from their sheets. A model that isn't translated yet is told in
    /// English; one that is goes with its original.
    #[test]
    fn every_translation_is_of_a_model_of_the_house_and_has_its_figures() {
        let page = include_str!("../../../../docs/models.md");
        let sections: Vec<&str> = page.split("\n## ").skip(1).collect();
        for Sheet { model, cost, .. } in SHEETS {
            let is_it = |section: &&&str| section.lines().next() == Some(model);
            let section = sections.iter().find(is_it);
            let section = section.unwrap_or_else(|| panic!("there is no {model}"));
            let mut lines = section.lines();
            let line = lines.find(|it| it.contains("a connection costs")).unwrap();
            for unit in ["KiB", "epoll_wait"]
                .iter()
                .filter(|unit| line.contains(**unit))
            {
                assert!(cost.contains(unit), "{model}: {cost}");
            }
        }
    }
}

//! What the machine can't show.

use portlab_stats::{
    analysis::{BUSY, Group},
    record::{Pinning, Record},
};
use portlab_words::{Lang, tr};

use crate::notes::{
    figures::percent,
    names,
    sentence::{count, figure, text},
    view::View,
};

/// Whether other programs took time from server or generator.
pub(super) fn busy(_: &Record, views: &[View], lang: Lang) -> Vec<String> {
    let groups = views.iter().flat_map(|view| &view.groups);
    let shares = groups.filter_map(Group::wait_share);
    let Some(most) = shares.max_by(f64::total_cmp).filter(|most| *most >= BUSY) else {
        return Vec::new();
    };
    let share = figure(percent(most));
    vec![tr!(
        lang,
        "the machine was busy with other programs: at some points servers or generator waited up to {share} of their time for a processor. Repeat the run on a quiet machine before a decision.",
        "机器当时在忙别的程序：有的测点上，服务器或负载生成器最多有{share}的时间在等处理器。下结论之前，请在空闲的机器上重测。"
    )]
}

/// Whether server and generator shared processors, and how many processors a server had.
pub(super) fn pinning(record: &Record, _: &[View], lang: Lang) -> Vec<String> {
    let on_all = |it: &portlab_stats::record::Workload| it.server_on_all_cpus;
    let server_cpus = match &record.environment.pinning {
        Pinning::Apart { server_cpus, .. } => server_cpus.len(),
        Pinning::Together(reason) => {
            let reason = names::together(reason);
            let reason = text(reason.pick(lang).trim_end_matches(['.', '。']));
            let cores = count(record.environment.cores);
            return vec![tr!(
                lang,
                "server and generator shared {cores} processor[|s], and may have slowed each other down: {reason}.",
                "服务器和负载生成器共用{cores}个处理器，可能互相干扰：{reason}。"
            )];
        }
    };
    if server_cpus != 1 || record.workloads.iter().all(on_all) {
        return Vec::new();
    }
    let count = count(server_cpus);
    vec![match record.workloads.iter().any(on_all) {
        false => tr!(
            lang,
            "a server had {count} processor: models that use several can't show their advantage here, and a pool with a thread per core has one thread.",
            "服务器只有{count}个处理器：能用多个核的模型在这里显不出优势，按核数开线程的池也只有一个线程。"
        ),
        true => tr!(
            lang,
            "a server had {count} processor where the workload does not say otherwise: models that use several can't show their advantage there.",
            "除非负载另有说明，服务器只有{count}个处理器：能用多个核的模型在那里显不出优势。"
        ),
    }]
}

/// Whether the kernel or the processor bears the name of a virtual machine's.
pub(super) fn virtual_machine(record: &Record, _: &[View], lang: Lang) -> Vec<String> {
    let environment = &record.environment;
    let names = [
        (&environment.kernel, KERNELS),
        (&environment.cpu, PROCESSORS),
    ];
    let tells = |(name, marks): &(&String, &[&str])| {
        let name = name.to_lowercase();
        marks.iter().any(|mark| name.contains(mark))
    };
    let told = names.into_iter().find(tells).map(|(name, _)| {
        let name = text(name);
        tr!(
            lang,
            "by its name ({name}) this was probably a virtual machine: other virtual machines may have taken time, and waking a thread may be slower than on bare metal.",
            "从名字（{name}）看，这很可能是一台虚拟机：邻居可能占用了时间，唤醒线程也可能比在物理机上慢。"
        )
    });
    told.into_iter().collect()
}

/// A comparison is always made over loopback.
pub(super) fn loopback(_: &Record, _: &[View], lang: Lang) -> Vec<String> {
    let told = lang.pick(
        "All messages went over loopback. A real network adds delay and loss. Over loopback, part of the kernel's work for an answer is charged to the generator.",
        "所有消息都走本机的回环接口，没有真实网络的延迟和丢包；内核为应答所做的工作有一部分算在了负载生成器头上。",
    );
    vec![told.to_owned()]
}

/// What the releases of kernels made for virtual machines contain.
const KERNELS: &[&str] = &[
    "-fc", "wsl", "-aws", "-azure", "-gcp", "-gke", "-kvm", "-cloud", "-virt",
];

/// What the names of virtual processors contain.
const PROCESSORS: &[&str] = &["qemu", "kvm", "virtual"];

#[cfg(test)]
mod tests {
    use portlab_stats::{
        fixture::{cell, record},
        record::{Pinning, Together},
    };

    use super::{
        super::check::{check, said, silent},
        busy, pinning, virtual_machine,
    };

    #[test]
    fn a_machine_that_was_busy_is_said_to_have_been() {
        let waited = |share| {
            let mut record = record(vec![cell("a", &[1.0; 3])]);
            for round in &mut record.cells[0].rounds {
                round.generator_wait_share = share;
            }
            record
        };
        silent(busy, &waited(None));
        silent(busy, &waited(Some(0.04)));
        check(
            busy,
            &waited(Some(0.3)),
            "a machine that was busy is said to have been",
        );
    }

    #[test]
    fn one_processor_shows_nothing_of_several() {
        let mut record = record(vec![cell("a", &[1.0; 3])]);
        check(pinning, &record, "one processor shows nothing of several");
        record.environment.pinning = Pinning::Apart {
            server_cpus: vec![0, 1],
            generator_cpus: vec![2],
        };
        silent(pinning, &record);
        record.environment.pinning = Pinning::Together(Together::OneCore);
        check(
            pinning,
            &record,
            "one processor shows nothing of several (2)",
        );
    }

    #[test]
    fn a_virtual_machine_is_known_by_its_names_alone() {
        let mut record = record(vec![cell("a", &[1.0; 3])]);
        silent(virtual_machine, &record);
        record.environment.kernel = "6.18.44-fc-v657".into();
        let said = said(virtual_machine, &record, portlab_words::Lang::En);
        assert!(
            said[0].starts_with("By its name (6.18.44-fc-v657)"),
            "{said:?}"
        );
    }

    #[test]
    fn loopback_is_told_once_something_was_measured() {
        let said = |cpu: &[f64]| {
            super::super::all(&record(vec![cell("a", cpu)]), &[], portlab_words::Lang::En)
        };
        assert!(said(&[]).is_empty());
        let last = said(&[1.0]).pop().unwrap().sentence.to_string();
        assert!(
            last.starts_with("All messages went over loopback"),
            "{last}"
        );
    }
}

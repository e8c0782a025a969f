//! Cautions about the machine.

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
        "机器当时在运行别的程序：有的测点上，服务端或负载生成器最多有{share}的时间在等处理器。下结论之前，请在空闲的机器上重测。"
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
                "服务端和负载生成器共用{cores}个处理器，可能互相干扰：{reason}。"
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
            "服务端只有{count}个处理器：能用多个核的模型在这里显不出优势，按核数开线程的池也只有一个线程。"
        ),
        true => tr!(
            lang,
            "a server had {count} processor where the workload does not say otherwise: models that use several can't show their advantage there.",
            "除非负载另有说明，服务端只有{count}个处理器：能用多个核的模型在那里显不出优势。"
        ),
    }]
}

/// Whether the name of the kernel or of the processor is typical of a virtual machine.
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
            "从名字（{name}）看，这很可能是一台虚拟机：别的虚拟机可能占用了时间，唤醒线程也可能比在物理机上慢。"
        )
    });
    told.into_iter().collect()
}

/// A comparison is always made over loopback.
pub(super) fn loopback(_: &Record, _: &[View], lang: Lang) -> Vec<String> {
    let told = lang.pick(
        "All messages went over loopback. A real network adds delay and loss. Over loopback, part of the kernel's work for an answer is charged to the generator.",
        "所有消息都走本机的回环接口，没有真实网络的延迟和丢包；内核为响应所做的工作，有一部分记在负载生成器的账上。",
    );
    vec![told.to_owned()]
}

/// What the releases of kernels made for virtual machines contain.
const KERNELS: &[&str] = &[
    "-fc", "wsl", "-aws", "-azure", "-gcp", "-gke", "-kvm", "-cloud", "-virt",
];

/// What the names of virtual processors contain.
const PROCESSORS: &[&str] = &["qemu", "kvm", "virtual"];

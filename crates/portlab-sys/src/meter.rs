//! The resource usage of a process and all of its descendants, read from outside.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::Path,
    sync::LazyLock,
    time::Duration,
};

use procfs::process::{Process, all_processes};

use crate::clock::{process_cpu, ran_and_waited};

/// The usage of a tree of processes up to now, and the number of its processes and threads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time in user and kernel mode: of running processes to the nanosecond, of the children that they have
    /// reaped to the kernel's tick (10 ms).
    pub cpu: Duration,
    /// Context switches, voluntary and involuntary, of the threads that are alive.
    pub context_switches: u64,
    /// Threads alive, over all processes.
    pub threads: u64,
    /// Processes alive.
    pub processes: u64,
    /// How long each living thread has run and has waited for a processor.
    pub runnable: Runnable,
}

/// How many nanoseconds each thread has run, and has waited for a processor, since it started, by thread number. Empty
/// if the kernel doesn't count it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runnable(BTreeMap<i32, (u64, u64)>);

impl Runnable {
    /// The share, in `[0, 1]`, of their runnable time since the reading `before` that the threads waited
    /// for a processor. `None` if they were never runnable, or the kernel doesn't count it.
    ///
    /// A thread that started after `before` counts from its start. A thread that has ended isn't counted.
    pub fn wait_share_since(&self, before: &Self) -> Option<f64> {
        let (ran, waited) = self.since(before);
        (ran + waited > 0).then(|| waited as f64 / (ran + waited) as f64)
    }

    /// For how many nanoseconds the threads ran, and waited for a processor.
    fn since(&self, before: &Self) -> (u64, u64) {
        let (mut ran, mut waited) = (0, 0);
        for (thread, now) in &self.0 {
            let was = before.0.get(thread);
            // A larger earlier figure belongs to another thread, which had the same number.
            let was = was.filter(|was| was.0 <= now.0 && was.1 <= now.1);
            let was = was.copied().unwrap_or_default();
            ran += now.0 - was.0;
            waited += now.1 - was.1;
        }
        (ran, waited)
    }
}

/// Reads the usage of `root` and its descendants.
///
/// A process that ends while the tree is being read may be counted neither as running nor as reaped, until the next
/// reading.
///
/// # Errors
/// When `root` itself can't be read.
pub fn usage(root: i32) -> io::Result<Usage> {
    usage_of(root, process_cpu(root)?, &tree(root)?)
}

/// Reads the usage of the descendants of `root`, without `root` itself.
///
/// # Errors
/// When `root` can't be read.
pub fn usage_below(root: i32) -> io::Result<Usage> {
    usage_of(root, Duration::ZERO, &below(root)?)
}

fn usage_of(root: i32, cpu: Duration, tree: &[i32]) -> io::Result<Usage> {
    let mut usage = Usage {
        cpu: cpu + reaped_cpu(root)?,
        ..Usage::default()
    };
    for &pid in tree {
        let Ok(cpu) = process_cpu(pid) else { continue };
        if pid != root {
            // A process is either alive or reaped, so no time counts twice.
            usage.cpu += cpu + reaped_cpu(pid).unwrap_or_default();
        }
        usage.processes += 1;
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
            continue;
        };
        for task in tasks.flatten() {
            usage.threads += 1;
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            usage.context_switches += context_switches(&status);
            let number = task.file_name().to_str().and_then(|it| it.parse().ok());
            if let (Some(number), Some(times)) = (number, ran_and_waited(&task.path())) {
                usage.runnable.0.insert(number, times);
            }
        }
    }
    Ok(usage)
}

/// The memory of `root` and its descendants in bytes, shared pages divided among the processes that share them
/// (PSS), so that the pages of forked children count once.
///
/// It walks the page tables of every process: don't call it while measuring something else.
///
/// # Errors
/// When `root` can't be read.
pub fn pss_bytes(root: i32) -> io::Result<u64> {
    pss_of_tree(root, "Pss:")
}

/// The memory of the descendants of `root`, as [`pss_bytes`] reads it, without `root` itself.
///
/// # Errors
/// When `/proc` can't be read.
pub fn pss_bytes_below(root: i32) -> io::Result<u64> {
    pss_of_descendants(root, "Pss:")
}

/// As [`pss_bytes`], without the pages of files: only heaps and stacks. The pages of a program file are divided among
/// all processes that run it, so the PSS of a process grows when other processes end. Anonymous pages have no such
/// effect.
///
/// # Errors
/// When `root` can't be read.
pub fn anonymous_bytes(root: i32) -> io::Result<u64> {
    pss_of_tree(root, "Pss_Anon:")
}

fn pss_of_tree(root: i32, name: &str) -> io::Result<u64> {
    Ok(pss(root, name)? + pss_of_descendants(root, name)?)
}

fn pss_of_descendants(root: i32, name: &str) -> io::Result<u64> {
    let descendants = below(root)?.into_iter();
    Ok(descendants.map(|pid| pss(pid, name).unwrap_or(0)).sum())
}

fn pss(pid: i32, name: &str) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    Ok(field(&text, name).unwrap_or(0) * 1024)
}

/// All descendants of `root` that are alive.
///
/// # Errors
/// When `/proc` can't be read.
pub fn below(root: i32) -> io::Result<Vec<i32>> {
    let mut tree = tree(root)?;
    tree.retain(|&pid| pid != root);
    Ok(tree)
}

/// `root` and all of its descendants that are alive, `root` first.
///
/// # Errors
/// When `/proc` can't be read.
pub fn tree(root: i32) -> io::Result<Vec<i32>> {
    let families = Families::look()?;
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(&pid) = tree.get(next) {
        tree.extend(families.children(pid, |state| state != ZOMBIE));
        next += 1;
    }
    Ok(tree)
}

/// The children of `parent` that are alive.
///
/// # Errors
/// When `/proc` can't be read.
pub fn children(parent: i32) -> io::Result<Vec<i32>> {
    Ok(Families::look()?.children(parent, |state| state != ZOMBIE))
}

/// The zombies among the children of `root`: processes that have ended and weren't reaped.
///
/// # Errors
/// When `/proc` can't be read.
pub fn zombies(root: i32) -> io::Result<Vec<i32>> {
    Ok(Families::look()?.children(root, |state| state == ZOMBIE))
}

/// Whether a thread of one of `processes` runs, waits for a processor, or waits for a disk.
///
/// Source: the state in `proc(5)`, `/proc/pid/stat`.
pub fn is_runnable(processes: &[i32]) -> bool {
    let threads = processes.iter().flat_map(|pid| {
        let threads = fs::read_dir(format!("/proc/{pid}/task"));
        threads.into_iter().flatten().flatten()
    });
    let mut states = threads.filter_map(|it| state(&it.path()));
    states.any(|state| matches!(state, 'R' | 'D'))
}

/// The state of the process or thread in the folder `place` of `/proc`. `None` if it has been reaped.
fn state(place: &Path) -> Option<char> {
    let stat = fs::read_to_string(place.join("stat")).ok()?;
    // The state follows the name, which is in parentheses.
    stat.rsplit_once(") ")?.1.chars().next()
}

/// The children of each process, with their states.
enum Families {
    /// The kernel lists them when asked.
    Listed,
    /// A kernel without `CONFIG_PROC_CHILDREN`: all processes of this machine were read once.
    Scanned(HashMap<i32, Vec<(i32, char)>>),
}

impl Families {
    fn look() -> io::Result<Self> {
        static IS_LISTED: LazyLock<bool> =
            LazyLock::new(|| Path::new("/proc/thread-self/children").exists());
        match *IS_LISTED {
            true => Ok(Self::Listed),
            false => Self::scan(),
        }
    }

    /// A process that ends before it is read is left out.
    fn scan() -> io::Result<Self> {
        let mut families: HashMap<_, Vec<_>> = HashMap::new();
        let processes = all_processes().map_err(io::Error::other)?;
        for stat in processes.flatten().flat_map(|process| process.stat()) {
            let family = families.entry(stat.ppid).or_default();
            family.push((stat.pid, stat.state));
        }
        Ok(Self::Scanned(families))
    }

    /// The children of `parent` whose states `is_wanted` accepts.
    fn children(&self, parent: i32, is_wanted: impl Fn(char) -> bool) -> Vec<i32> {
        let all = match self {
            Self::Listed => listed(parent),
            Self::Scanned(families) => families.get(&parent).cloned().unwrap_or_default(),
        };
        let wanted = all.iter().filter(|(_, state)| is_wanted(*state));
        wanted.map(|(pid, _)| *pid).collect()
    }
}

/// The children of `parent`, as the kernel lists them for each of its threads.
///
/// If a child is reaped while the kernel lists the next ones, the kernel may leave one out: such a list is read again.
///
/// Source: `proc(5)`, `/proc/pid/task/tid/children`.
fn listed(parent: i32) -> Vec<(i32, char)> {
    let mut children = Vec::new();
    for _ in 0..READINGS {
        let threads = fs::read_dir(format!("/proc/{parent}/task"));
        let threads = threads.into_iter().flatten().flatten();
        let lists = threads.flat_map(|it| fs::read_to_string(it.path().join("children")));
        let text: String = lists.collect();
        let numbers: Vec<i32> = text.split_whitespace().flat_map(str::parse).collect();
        let with_state = |pid: &i32| Some((*pid, state(Path::new(&format!("/proc/{pid}")))?));
        children = numbers.iter().filter_map(with_state).collect();
        if children.len() == numbers.len() {
            break;
        }
    }
    children
}

/// The CPU time of the children that `pid` has reaped, in whole ticks.
fn reaped_cpu(pid: i32) -> io::Result<Duration> {
    let stat = Process::new(pid)
        .and_then(|process| process.stat())
        .map_err(io::Error::other)?;
    let ticks = u64::try_from(stat.cutime + stat.cstime).unwrap_or(0);
    Ok(Duration::from_nanos(
        ticks * (1_000_000_000 / procfs::ticks_per_second()),
    ))
}

fn context_switches(status: &str) -> u64 {
    ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"]
        .iter()
        .filter_map(|name| field(status, name))
        .sum()
}

/// The number in the line that begins with `name`.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The state of a process that has ended and wasn't reaped.
const ZOMBIE: char = 'Z';

/// How often the children of a process are read that starts and reaps children all the time.
const READINGS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_testkit::wait_until;
    use std::collections::BTreeSet;

    #[test]
    fn this_process_and_its_child_are_metered_together() {
        let root = std::process::id() as i32;
        let before = usage(root).unwrap();
        assert!(before.processes >= 1 && before.threads >= 1 && before.cpu > Duration::ZERO);
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let id = child.id() as i32;
        assert!(tree(root).unwrap().contains(&id));
        // Only the child is measured: while another test forks this process, its anonymous pages count twice.
        let mut all = 0;
        wait_until("the child has memory", || {
            all = pss_bytes(id).unwrap();
            all > 100_000
        });
        let anonymous = anonymous_bytes(id).unwrap();
        assert!(anonymous > 0 && anonymous < all, "{anonymous} of {all}");
        assert!(pss_bytes(root).unwrap() > all);
        child.kill().unwrap();
        // The killed child is a zombie until it is waited for.
        wait_until("the child is a zombie", || {
            zombies(root).unwrap().contains(&id)
        });
        assert!(!tree(root).unwrap().contains(&id));
        child.wait().unwrap();
        assert!(!zombies(root).unwrap().contains(&id));
    }

    #[test]
    fn a_kernel_that_lists_no_children_has_the_same_ones() {
        let mut parent = std::process::Command::new("sh")
            .args(["-c", "sleep 60 & sleep 60 & wait"])
            .spawn()
            .unwrap();
        let pid = parent.id() as i32;
        let scanned = || Families::scan().unwrap().children(pid, |_| true);
        wait_until("both children run", || scanned().len() == 2);
        let all = Families::look().unwrap().children(pid, |_| true);
        assert_eq!(BTreeSet::from_iter(scanned()), BTreeSet::from_iter(all));
        let children = below(pid).unwrap();
        assert_eq!(children.len(), 2);
        for pid in children {
            crate::spawn::signal_pid(pid, crate::spawn::Signal::KILL).unwrap();
        }
        parent.wait().unwrap();
        assert_eq!(tree(pid).unwrap(), [pid]);
    }

    fn runnable(threads: &[(i32, (u64, u64))]) -> Runnable {
        Runnable(threads.iter().copied().collect())
    }

    #[test]
    fn the_wait_share_counts_only_the_time_between_two_readings() {
        let before = runnable(&[(1, (1000, 500)), (2, (70, 30)), (3, (8, 8))]);
        // Thread 1 ran 300 and waited 100, thread 2 did nothing, thread 3 has ended, thread 4 is new.
        let after = runnable(&[(1, (1300, 600)), (2, (70, 30)), (4, (100, 300))]);
        assert_eq!(after.wait_share_since(&before), Some(0.5));
        assert_eq!(before.wait_share_since(&before), None);
        // The number of a thread that had run for longer, used again.
        let again = runnable(&[(1, (30, 10))]);
        assert_eq!(again.wait_share_since(&before), Some(0.25));
    }

    #[test]
    fn a_process_that_waits_is_not_runnable() {
        let mut cat = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let id = cat.id() as i32;
        wait_until("cat waits for input", || !is_runnable(&[id]));
        assert!(is_runnable(&[std::process::id() as i32]));
        drop(cat.stdin.take());
        cat.wait().unwrap();
    }

    #[test]
    fn a_kernel_that_does_not_count_waiting_gives_no_share() {
        let none = runnable(&[(1, (0, 0))]);
        assert_eq!(none.wait_share_since(&Runnable::default()), None);
    }

    #[test]
    fn a_thread_that_computes_is_seen_to_run() {
        let root = std::process::id() as i32;
        let before = usage(root).unwrap().runnable;
        crate::clock::burn(Duration::from_millis(5));
        let share = usage(root).unwrap().runnable.wait_share_since(&before);
        // Some kernels don't count waiting.
        assert!(
            share.is_none_or(|share| (0.0..1.0).contains(&share)),
            "{share:?}"
        );
        assert_eq!(before.0.is_empty(), share.is_none());
    }

    #[test]
    fn the_numbers_of_a_status_file_are_found() {
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t5\n";
        assert_eq!(context_switches(status), 12);
    }
}

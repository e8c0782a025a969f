//! What a server uses: a process and all of its descendants, from outside.

use std::{collections::HashMap, fs, io, time::Duration};

use procfs::process::{Process, all_processes};

use crate::clock::process_cpu;

/// What a tree of processes has used up to now, and what it consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time in user and kernel mode: the living to the nanosecond, the children that they have
    /// reaped to the kernel's tick (10 ms).
    pub cpu: Duration,
    /// Context switches, wanted and unwanted, of the threads that are alive.
    pub context_switches: u64,
    /// Threads alive, over all processes.
    pub threads: u64,
    /// Processes alive.
    pub processes: u64,
}

/// Reads what `root` and its descendants have used.
///
/// A process that ends while the tree is being read may be found neither among the living nor among
/// the reaped, until the next reading.
///
/// # Errors
/// When `root` itself can't be read.
pub fn usage(root: i32) -> io::Result<Usage> {
    let mut usage = Usage {
        cpu: process_cpu(root)? + reaped_cpu(root)?,
        ..Usage::default()
    };
    for pid in tree(root)? {
        let Ok(cpu) = process_cpu(pid) else { continue };
        if pid != root {
            // Who lives and who was reaped are never the same: nothing counts twice.
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
        }
    }
    Ok(usage)
}

/// The memory of `root` and its descendants in bytes, shared pages divided among those who share
/// them (PSS), so that the pages of forked children count once.
///
/// It walks the page tables of every process: don't call it while measuring something else.
///
/// # Errors
/// When `root` can't be read.
pub fn pss_bytes(root: i32) -> io::Result<u64> {
    pss_of_tree(root, "Pss:")
}

/// As [`pss_bytes`], without the pages of files: heaps and stacks alone. The pages of a program are
/// divided among all who run it, so that a process seems to grow when others end; these don't.
///
/// # Errors
/// When `root` can't be read.
pub fn anonymous_bytes(root: i32) -> io::Result<u64> {
    pss_of_tree(root, "Pss_Anon:")
}

fn pss_of_tree(root: i32, name: &str) -> io::Result<u64> {
    let of = |pid: i32| -> io::Result<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        Ok(field(&text, name).unwrap_or(0) * 1024)
    };
    let own = of(root)?;
    let descendants = tree(root)?.into_iter().filter(|&pid| pid != root);
    Ok(own + descendants.map(|pid| of(pid).unwrap_or(0)).sum::<u64>())
}

/// `root` and all of its descendants that are alive, `root` first.
///
/// # Errors
/// When `/proc` can't be read.
pub fn tree(root: i32) -> io::Result<Vec<i32>> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    let processes = all_processes().map_err(io::Error::other)?;
    // A process may end between being listed and being read.
    for stat in processes.flatten().flat_map(|process| process.stat()) {
        if stat.state != 'Z' {
            children.entry(stat.ppid).or_default().push(stat.pid);
        }
    }
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(pid) = tree.get(next) {
        tree.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    Ok(tree)
}

/// The zombies among the children of `root`: ended, and not reaped.
///
/// # Errors
/// When `/proc` can't be read.
pub fn zombies(root: i32) -> io::Result<Vec<i32>> {
    let processes = all_processes().map_err(io::Error::other)?;
    let stats = processes.flatten().flat_map(|process| process.stat());
    Ok(stats
        .filter(|stat| stat.ppid == root && stat.state == 'Z')
        .map(|stat| stat.pid)
        .collect())
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

/// The number behind the line that begins with `name`.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_and_its_child_are_metered_together() {
        let root = std::process::id() as i32;
        let before = usage(root).unwrap();
        assert!(before.processes >= 1 && before.threads >= 1 && before.cpu > Duration::ZERO);
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        assert!(tree(root).unwrap().contains(&(child.id() as i32)));
        let (all, anonymous) = (pss_bytes(root).unwrap(), anonymous_bytes(root).unwrap());
        assert!(all > 100_000 && anonymous > 0 && anonymous < all);
        child.kill().unwrap();
        // Killed, and until it is waited for a zombie.
        while zombies(root).unwrap().is_empty() {}
        assert!(!tree(root).unwrap().contains(&(child.id() as i32)));
        child.wait().unwrap();
        assert!(!zombies(root).unwrap().contains(&(child.id() as i32)));
    }

    #[test]
    fn the_numbers_of_a_status_file_are_found() {
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t5\n";
        assert_eq!(context_switches(status), 12);
    }
}

//! What the control group of this process allows, as a container sets it.

use std::{fs, path::Path};

/// The least number that `file`, such as `pids.max`, holds in this process's group and those above
/// it; `None` where nothing is limited, and on systems of the older kind (version 1).
///
/// Source: the kernel's `admin-guide/cgroup-v2`.
pub fn least(file: &str) -> Option<u64> {
    least_under(Path::new(ROOT), &own_group()?, |dir| number(dir, file))
}

/// The least memory, in bytes, that this process's group or a group above it has left; `None` as with [`least`].
/// Cached files that the kernel can drop don't count as used.
///
/// Source: `memory.max`, `memory.current` and `memory.stat`, as above.
pub fn memory_left_bytes() -> Option<u64> {
    least_under(Path::new(ROOT), &own_group()?, memory_left_in)
}

fn memory_left_in(dir: &Path) -> Option<u64> {
    let (most, used) = (number(dir, "memory.max")?, number(dir, "memory.current")?);
    let stat = fs::read_to_string(dir.join("memory.stat")).unwrap_or_default();
    let mut lines = stat.lines();
    let cached = lines.find_map(|line| line.strip_prefix("inactive_file ")?.parse().ok());
    Some(most.saturating_sub(used.saturating_sub(cached.unwrap_or(0))))
}

/// The group of this process, as a path below the root.
fn own_group() -> Option<String> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mut lines = groups.lines();
    lines.find_map(|line| line.strip_prefix("0::/").map(str::to_owned))
}

/// The least that `of` finds in the folders of `group` and those above it.
fn least_under(root: &Path, group: &str, of: impl Fn(&Path) -> Option<u64>) -> Option<u64> {
    let group = root.join(group);
    let up = group.ancestors().take_while(|dir| dir.starts_with(root));
    up.filter_map(of).min()
}

/// The number in `file`; `None` if there is no such file, or it holds `max`.
fn number(dir: &Path, file: &str) -> Option<u64> {
    fs::read_to_string(dir.join(file)).ok()?.trim().parse().ok()
}

/// Where systems mount the groups.
const ROOT: &str = "/sys/fs/cgroup";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_limit_of_all_groups_counts() {
        let root = portlab_testkit::folder("cgroup");
        let inner = root.join("outer/inner");
        fs::create_dir_all(&inner).unwrap();
        fs::write(root.join("pids.max"), "7\n").unwrap();
        fs::write(root.join("outer/pids.max"), "100\n").unwrap();
        fs::write(inner.join("pids.max"), "max\n").unwrap();
        fs::write(root.join("outer/memory.max"), "max\n").unwrap();
        let least = |file| least_under(&root, "outer/inner", |dir| number(dir, file));
        assert_eq!((least("pids.max"), least("memory.max")), (Some(7), None));
        let pids = |dir: &Path| number(dir, "pids.max");
        assert_eq!(least_under(&root.join("outer"), "inner", pids), Some(100));
    }

    #[test]
    fn the_memory_left_is_the_least_of_all_groups() {
        let root = portlab_testkit::folder("memory");
        let inner = root.join("inner");
        fs::create_dir_all(&inner).unwrap();
        let left = || least_under(&root, "inner", memory_left_in);
        let group = |dir: &Path, most: &str, used: &str, stat: &str| {
            fs::write(dir.join("memory.max"), most).unwrap();
            fs::write(dir.join("memory.current"), used).unwrap();
            fs::write(dir.join("memory.stat"), stat).unwrap();
        };
        group(&inner, "max\n", "900\n", "");
        assert_eq!(left(), None);
        group(&inner, "1000\n", "900\n", "anon 600\ninactive_file 200\n");
        assert_eq!(left(), Some(300));
        group(&root, "5000\n", "4800\n", "");
        assert_eq!(left(), Some(200));
        // A limit that was lowered below what is used.
        group(&root, "5000\n", "6000\n", "");
        assert_eq!(left(), Some(0));
    }
}

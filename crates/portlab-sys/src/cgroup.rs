//! What the control group of this process allows, as a container sets it.

use std::{fs, path::Path};

/// The least number that `file`, such as `pids.max`, holds in this process's group and those above
/// it; `None` where nothing is limited, and on systems of the older kind (version 1).
///
/// Source: the kernel's `admin-guide/cgroup-v2`.
#[must_use]
pub fn least(file: &str) -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    least_under(Path::new("/sys/fs/cgroup"), group, file)
}

fn least_under(root: &Path, group: &str, file: &str) -> Option<u64> {
    let group = root.join(group);
    let up = group.ancestors().take_while(|dir| dir.starts_with(root));
    let limit = |dir: &Path| fs::read_to_string(dir.join(file)).ok()?.trim().parse().ok();
    up.filter_map(limit).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_group_on_the_way_up_counts() {
        let root = std::env::temp_dir().join(format!("portlab-cgroup-{}", std::process::id()));
        let inner = root.join("outer/inner");
        fs::create_dir_all(&inner).unwrap();
        fs::write(root.join("pids.max"), "7\n").unwrap();
        fs::write(root.join("outer/pids.max"), "100\n").unwrap();
        fs::write(inner.join("pids.max"), "max\n").unwrap();
        fs::write(root.join("outer/memory.max"), "max\n").unwrap();
        let least = |file| least_under(&root, "outer/inner", file);
        assert_eq!((least("pids.max"), least("memory.max")), (Some(7), None));
        assert_eq!(
            least_under(&root.join("outer"), "inner", "pids.max"),
            Some(100)
        );
        fs::remove_dir_all(root).unwrap();
    }
}

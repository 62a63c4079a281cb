//! What the figures were measured on, so that nobody takes them for another machine's.

use std::path::Path;

/// Core count, processor, kernel, file system of the scratch directory and present load.
pub(crate) fn describe(scratch: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let processor = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned());
    let load = read("/proc/loadavg").split(' ').next().unwrap_or("?").to_owned();
    let system = file_system(&read("/proc/mounts"), scratch);
    format!(
        "{cores} cores ({processor}), Linux {}, data on {system}, load {load} at the start",
        kernel.trim()
    )
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The type of the file system that holds `path`: the longest mount point above it.
fn file_system(mounts: &str, path: &Path) -> String {
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        })
        .filter(|(point, _)| path.starts_with(point))
        // Of two mounts on one point, the later one is what is seen.
        .max_by_key(|(point, _)| point.len())
        .map_or_else(|| "an unknown file system".to_owned(), |(_, kind)| kind.to_owned())
}

/// Whether a sync of this file system costs nothing, so that durable rows say nothing.
pub(crate) fn forgets(description: &str) -> bool {
    ["tmpfs", "ramfs"].iter().any(|kind| description.contains(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_above_counts() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmp/disk xfs rw 0 0\n";
        let of = |path: &str| file_system(mounts, Path::new(path));
        assert_eq!(of("/home/x"), "ext4");
        assert_eq!(of("/tmp/x"), "tmpfs");
        assert_eq!(of("/tmp/disk/x"), "xfs");
        assert_eq!(of("/tmpx"), "ext4");
        assert!(forgets("data on tmpfs") && !forgets("data on ext4"));
    }
}

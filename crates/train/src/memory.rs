//! How much memory one network may take.

use std::fs;

/// Without knowing better.
const USUAL: u64 = 8 << 30;

/// Bytes that the training of one network may take: three quarters of the machine's memory (or of what a container may use
/// of it), divided among as many networks as cores train at the same time. Depends on the machine only, so that which
/// networks fit does not depend on what else runs.
pub fn memory_share() -> u64 {
    /// A window of the search holds no more.
    const MOST_AT_ONCE: u64 = 8;
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    machine_memory() / 4 * 3 / cores.min(MOST_AT_ONCE)
}

fn machine_memory() -> u64 {
    let read = |path: &str| fs::read_to_string(path).ok();
    let total = read("/proc/meminfo").and_then(|text| kilobytes(&text, "MemTotal:")).unwrap_or(USUAL);
    let of_container = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    total.min(of_container.unwrap_or(u64::MAX))
}

/// The bytes in a line such as `MemTotal: 8123456 kB`.
fn kilobytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_system_says() {
        assert_eq!(kilobytes("MemFree: 1 kB\nMemTotal:    2048 kB\n", "MemTotal:"), Some(2 << 20));
        assert_eq!(kilobytes("MemTotal: many\n", "MemTotal:"), None);
        assert!(memory_share() > 1 << 20);
    }
}

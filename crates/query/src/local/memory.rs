//! How much memory a query over files may hold.
//!
//! Files are read batch by batch, but sorting or joining a large one holds its rows. Half of what
//! is free leaves room for what the answer is turned into, and a query that needs more ends with an
//! error instead of with the machine.

use std::fs;

/// What a query may hold where nobody says how much is free.
const OTHERWISE: u64 = 4 << 30;

/// However little is free.
const LEAST: u64 = 256 << 20;

/// The bytes that a query may hold.
pub(super) fn limit() -> usize {
    let read = |path: &str| fs::read_to_string(path).ok();
    let free = read("/proc/meminfo").and_then(|text| free(&text));
    // A container; what it uses is no measure, since files that were read count, too.
    let own = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    let most = free
        .into_iter()
        .chain(own)
        .min()
        .map_or(OTHERWISE, |most: u64| (most / 2).max(LEAST));
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// The memory that is available, of `/proc/meminfo`.
fn free(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::{free, limit};

    #[test]
    fn what_is_free_is_read() {
        let text =
            "MemTotal:       24000000 kB\nMemFree:          100 kB\nMemAvailable:   16000000 kB\n";
        assert_eq!(free(text), Some(16_384_000_000));
        assert_eq!(free("MemTotal: 1 kB\n"), None);
        assert!(limit() >= 256 << 20);
    }
}

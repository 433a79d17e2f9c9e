//! What other programs use of the machine, as Linux counts it (`/proc`). Even on another core they slow a network down, when that core
//! is a hyper-thread beside this one, or shares its clock.

use std::fs;

/// Ticks below which the counters are too coarse to say anything; there are mostly a hundred in a second for each core.
const LEAST_TICKS: u64 = 50;

/// Counters at one moment, in ticks of the system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Of all cores together.
    all: u64,
    /// Of those, not idle.
    busy: u64,
    /// Of those, for this process.
    own: u64,
}

impl Load {
    /// The counters now. `None` where the system has none.
    pub fn now() -> Option<Self> {
        let (all, busy) = machine(&fs::read_to_string("/proc/stat").ok()?)?;
        Some(Self { all, busy, own: process(&fs::read_to_string("/proc/self/stat").ok()?)? })
    }

    /// The share of all cores' time that others used between `before` and this. `None` of too short a time.
    pub fn others_since(&self, before: &Self) -> Option<f64> {
        let all = self.all.saturating_sub(before.all);
        let busy = self.busy.saturating_sub(before.busy);
        let others = busy.saturating_sub(self.own.saturating_sub(before.own));
        (all >= LEAST_TICKS).then(|| others as f64 / all as f64)
    }
}

/// All and busy ticks: `cpu user nice system idle iowait irq softirq steal ..`; guests are within user and nice.
fn machine(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|n| n.parse().ok()).collect();
    let all = ticks.iter().sum();
    Some((all, all - ticks.get(3)? - ticks.get(4)?))
}

/// Ticks in user and system mode: the 12th and 13th number behind the name, which may hold anything.
fn process(stat: &str) -> Option<u64> {
    let mut numbers = stat.rsplit_once(')')?.1.split_whitespace().skip(11).map(str::parse::<u64>);
    let user = numbers.next()?.ok()?;
    Some(user + numbers.next()?.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_and_compared() {
        assert_eq!(machine("cpu  100 20 30 400 50 6 7 8 9 9\ncpu0 1 2\n"), Some((621, 171)));
        assert_eq!(process("17 (a) b) R 1 2 3 4 5 6 7 8 9 10 40 2 0 0 20"), Some(42));
        assert_eq!((machine("intr 1"), process("17")), (None, None));
        let before = Load { all: 1000, busy: 500, own: 100 };
        let after = Load { all: 1200, busy: 650, own: 200 };
        assert_eq!(after.others_since(&before), Some(0.25));
        assert_eq!(Load { all: 1010, ..after }.others_since(&before), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_counters() {
        let load = Load::now().unwrap();
        assert!(load.all > load.busy && load.busy > 0 && load.busy >= load.own, "{load:?}");
    }
}

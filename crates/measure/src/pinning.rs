//! Keeping a thread on one core, whose caches then stay warm and whose clock is one clock.

/// The calling thread stays on one core until this is dropped, and so do threads that it starts meanwhile.
pub struct Pinned {
    core: usize,
    #[cfg(target_os = "linux")]
    before: rustix::thread::CpuSet,
}

impl Pinned {
    /// Pins to the core that the thread is on. `None` where the system does not let it.
    #[cfg(target_os = "linux")]
    pub fn here() -> Option<Self> {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
        let (core, before) = (sched_getcpu(), sched_getaffinity(None).ok()?);
        if core >= CpuSet::MAX_CPU {
            return None;
        }
        let mut only = CpuSet::new();
        only.set(core);
        sched_setaffinity(None, &only).ok()?;
        Some(Self { core, before })
    }

    /// Pins to the core that the thread is on. `None` where the system does not let it.
    #[cfg(not(target_os = "linux"))]
    pub fn here() -> Option<Self> {
        None
    }

    /// Number of the core.
    pub fn core(&self) -> usize {
        self.core
    }
}

#[cfg(target_os = "linux")]
impl Drop for Pinned {
    fn drop(&mut self) {
        // A thread that stays on its core computes the same.
        let _ = rustix::thread::sched_setaffinity(None, &self.before);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::thread::{sched_getaffinity, sched_getcpu};

    #[test]
    fn a_pinned_thread_and_its_children_stay_until_the_pin_is_dropped() {
        let before = sched_getaffinity(None).unwrap();
        let Some(pinned) = Pinned::here() else { return };
        let now = sched_getaffinity(None).unwrap();
        assert!(now.count() == 1 && now.is_set(pinned.core()));
        assert_eq!(sched_getcpu(), pinned.core());
        assert!(std::thread::spawn(|| sched_getaffinity(None).unwrap()).join().unwrap() == now);
        drop(pinned);
        assert!(sched_getaffinity(None).unwrap() == before);
    }
}

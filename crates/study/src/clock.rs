//! Active time of a run.

use std::time::{Duration, Instant};

/// Counts on from where the log ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
    before: Duration,
}

impl Clock {
    /// A clock that shows `ms` now.
    pub(crate) fn at(ms: u64) -> Self {
        Self { start: Instant::now(), before: Duration::from_millis(ms) }
    }

    /// Active milliseconds since the run was created.
    pub(crate) fn ms(&self) -> u64 {
        u64::try_from((self.before + self.start.elapsed()).as_millis()).unwrap_or(u64::MAX)
    }

    /// When the run will have been active for this long; never, if that is beyond what the clock can show.
    pub(crate) fn when(&self, active: Duration) -> Option<Instant> {
        self.start.checked_add(active.saturating_sub(self.before))
    }
}

//! The wish to stop, seen by everything that takes long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// A flag that is raised once, by hand (a signal) or by a deadline. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct StopFlag {
    raised: Arc<AtomicBool>,
    deadline: Option<Instant>,
    parent: Option<Arc<StopFlag>>,
}

impl StopFlag {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag of its own that is also raised when this one is, or at the deadline.
    pub fn child(&self, deadline: Option<Instant>) -> Self {
        Self { raised: Arc::default(), deadline, parent: Some(Arc::new(self.clone())) }
    }

    /// Raises the flag, for all clones and children.
    pub fn raise(&self) {
        self.raised.store(true, Ordering::Relaxed);
    }

    /// The shared bit, for a signal handler to set.
    pub fn bit(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.raised)
    }

    /// Whether to stop.
    pub fn stopped(&self) -> bool {
        self.raised.load(Ordering::Relaxed)
            || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
            || self.parent.as_ref().is_some_and(|parent| parent.stopped())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_child_follows_its_parent_and_not_the_other_way() {
        let parent = StopFlag::new();
        let child = parent.child(None);
        child.raise();
        assert!(child.stopped() && !parent.stopped());
        let second = parent.child(None);
        parent.clone().raise();
        assert!(second.stopped());
    }

    #[test]
    fn a_deadline_raises_it() {
        let flag = StopFlag::new();
        assert!(flag.child(Some(Instant::now())).stopped());
        assert!(!flag.child(Some(Instant::now() + Duration::from_secs(60))).stopped());
    }
}

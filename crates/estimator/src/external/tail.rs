//! The last output of a program.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Bytes kept.
const KEPT: usize = 16 * 1024;

/// The last few kilobytes of what was written; clones share them.
#[derive(Clone, Default)]
pub(super) struct Tail(Arc<Mutex<VecDeque<u8>>>);

impl Tail {
    /// Adds bytes and forgets the oldest beyond the limit.
    pub(super) fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        kept.extend(bytes);
        let over = kept.len().saturating_sub(KEPT);
        kept.drain(..over);
    }

    /// What is kept, if anything.
    pub(super) fn text(&self) -> Option<String> {
        let mut kept = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let text = String::from_utf8_lossy(kept.make_contiguous()).trim().to_owned();
        Some(text).filter(|text| !text.is_empty())
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_end() {
        let tail = Tail::default();
        assert_eq!(tail.text(), None);
        (0..10_000).for_each(|i| tail.push(format!("{i}\n").as_bytes()));
        let text = tail.text().unwrap();
        assert!(text.len() <= KEPT && text.ends_with("9999"));
    }
}

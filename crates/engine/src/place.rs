//! Where values lie so that they share memory.

use std::ops::Range;

/// Elements that offsets are multiples of: a cache line of f32.
pub(crate) const GRAIN: usize = 16;

/// A piece of memory wanted from `first` to `last` (moments of the schedule, both included).
#[derive(Clone, Debug)]
pub(crate) struct Buffer {
    pub len: usize,
    pub first: usize,
    pub last: usize,
}

impl Buffer {
    fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}
/// Places buffers so that no two that live at one moment overlap: largest first, each at the lowest offset that is free for its
/// whole life. Returns the ranges and the length of the arena.
pub(crate) fn place(buffers: &[Buffer]) -> (Vec<Range<usize>>, usize) {
    let mut by_size: Vec<usize> = (0..buffers.len()).filter(|&b| buffers[b].len > 0).collect();
    by_size.sort_by_key(|&b| (std::cmp::Reverse(buffers[b].len), buffers[b].first));
    let mut placed: Vec<(Range<usize>, usize)> = Vec::new(); // ordered by offset
    let mut ranges = vec![0..0; buffers.len()];
    let mut end = 0;
    for b in by_size {
        let size = buffers[b].len.next_multiple_of(GRAIN);
        let mut offset = 0;
        for (range, _) in placed.iter().filter(|(_, other)| buffers[*other].overlaps(&buffers[b])) {
            if range.start >= offset + size {
                break;
            }
            offset = offset.max(range.end);
        }
        let at = placed.partition_point(|(range, _)| range.start < offset);
        placed.insert(at, (offset..offset + size, b));
        ranges[b] = offset..offset + buffers[b].len;
        end = end.max(offset + size);
    }
    (ranges, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn buffers_alive_together_are_apart(lives in prop::collection::vec((1usize..200, 0usize..30, 0usize..10), 1..40)) {
            let buffers: Vec<Buffer> =
                lives.iter().map(|&(len, first, span)| Buffer { len, first, last: first + span }).collect();
            let (ranges, end) = place(&buffers);
            for (i, a) in buffers.iter().enumerate() {
                prop_assert!(ranges[i].len() == a.len && ranges[i].end <= end);
                for (j, b) in buffers.iter().enumerate().skip(i + 1) {
                    prop_assert!(!a.overlaps(b) || crate::arena::disjoint(&ranges[i], &ranges[j]));
                }
            }
            let sum: usize = buffers.iter().map(|b| b.len.next_multiple_of(GRAIN)).sum();
            prop_assert!(end <= sum);
        }
    }
}

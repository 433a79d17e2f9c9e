//! Batches allocate nothing once they run.

use nasmyth_data::{Augment, Batches, OpenOptions, Subset, open};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_running_stream_allocates_nothing() {
    let data = open("builtin:mnist1d", &OpenOptions::default()).unwrap();
    let augment =
        Augment { crop: Some(2), flip: true, cutout: Some(3), mixup: Some(0.3), label_smoothing: 0.1 };
    let mut batches = Batches::new(&data, Subset::Train, 64, &augment, 0);
    let (mut x, mut y) = (vec![0.0; 64 * 40], vec![0.0; 64 * 10]);
    batches.next(&mut x, &mut y);
    let before = COUNT.load(Ordering::Relaxed);
    (0..200).for_each(|_| batches.next(&mut x, &mut y));
    assert_eq!(COUNT.load(Ordering::Relaxed), before);
}

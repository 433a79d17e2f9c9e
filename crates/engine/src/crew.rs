//! Threads that compute one step together.

use crate::arena::View;
use crate::place::GRAIN;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Looks at a flag before a thread gives up its core (some 50 microseconds: two threads can have come to one core), and before it
/// goes to sleep: a step of a small network takes less than a thread needs to wake up.
const SPINS: usize = 1 << 10;
const YIELDS: usize = 1 << 9;

/// Work that all threads do; raw, because it lives on the stack of the thread that waits for its end.
type Work = *const (dyn Fn(usize, &Barrier) + Sync);

/// A fixed number of threads, of which the caller is one.
pub struct Crew {
    shared: Option<Arc<Shared>>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    /// Counts pieces of work. Changes under the lock of `board` only, so that nobody sleeps through it.
    round: AtomicUsize,
    board: Mutex<Board>,
    wake: Condvar,
    /// Threads, besides the caller, that are done with the current piece.
    done: AtomicUsize,
    barrier: Barrier,
}

/// What threads look at between pieces of work.
struct Board {
    order: Option<Order>,
    /// Threads that sleep: waking nobody costs a system call, too.
    asleep: usize,
}

struct Order(Work);

// SAFETY: the closure behind the pointer is `Sync`, and `Crew::run` keeps it alive until every thread is done with it.
unsafe impl Send for Order {}

/// Where the threads of a crew wait for each other.
pub(crate) struct Barrier {
    threads: usize,
    waiting: AtomicUsize,
    passed: AtomicUsize,
    broken: AtomicBool,
}

impl Barrier {
    fn new(threads: usize) -> Self {
        let (waiting, passed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { threads, waiting, passed, broken: AtomicBool::new(false) }
    }

    /// Returns when all threads have called it.
    ///
    /// # Panics
    /// If another thread panicked.
    pub fn wait(&self) {
        if self.threads == 1 {
            return;
        }
        let passed = self.passed.load(Ordering::Acquire);
        if self.waiting.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.waiting.store(0, Ordering::Relaxed);
            self.passed.store(passed.wrapping_add(1), Ordering::Release);
        } else {
            spin(usize::MAX, || {
                self.passed.load(Ordering::Acquire) != passed || self.broken.load(Ordering::Relaxed)
            });
        }
        assert!(!self.broken.load(Ordering::Relaxed), "a thread of the crew panicked");
    }
}

/// Looks until `done`, giving the core to others after a while; `false` after so many of these.
fn spin(yields: usize, done: impl Fn() -> bool) -> bool {
    for _ in 0..SPINS {
        if done() {
            return true;
        }
        std::hint::spin_loop();
    }
    for _ in 0..yields {
        if done() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

impl Crew {
    /// The calling thread alone.
    pub fn alone() -> Self {
        Self { shared: None, threads: Vec::new() }
    }

    /// The calling thread and `threads - 1` others; fewer if the system refuses to start more.
    pub fn new(threads: usize) -> Self {
        if threads <= 1 {
            return Self::alone();
        }
        let shared = Arc::new(Shared {
            round: AtomicUsize::new(0),
            board: Mutex::new(Board { order: None, asleep: 0 }),
            wake: Condvar::new(),
            done: AtomicUsize::new(0),
            barrier: Barrier::new(threads),
        });
        let start = |index: usize| {
            let shared = shared.clone();
            std::thread::Builder::new().name("nasmyth-crew".to_owned()).spawn(move || shared.serve(index))
        };
        let started: Vec<_> = (1..threads).map_while(|index| start(index).ok()).collect();
        let complete = started.len() + 1 == threads;
        let crew = Self { shared: Some(shared), threads: started };
        // A crew that is not complete would wait for ever.
        if complete { crew } else { Self::alone() }
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.threads.len() + 1
    }

    /// Runs `f(index, barrier)` on every thread and returns when all are done.
    pub(crate) fn run(&mut self, f: &(dyn Fn(usize, &Barrier) + Sync)) {
        let Some(shared) = &self.shared else { return f(0, &Barrier::new(1)) };
        // SAFETY: only the lifetime changes; nobody uses the pointer once all threads are done, which is waited for below.
        let work: Work =
            unsafe { std::mem::transmute::<*const (dyn Fn(usize, &Barrier) + Sync + '_), Work>(f) };
        shared.done.store(0, Ordering::Relaxed);
        shared.begin(Some(Order(work)));
        let own = shared.guarded(|| f(0, &shared.barrier));
        spin(usize::MAX, || shared.done.load(Ordering::Acquire) == self.threads.len());
        if let Err(panic) = own {
            resume_unwind(panic);
        }
        assert!(!shared.barrier.broken.load(Ordering::Relaxed), "a thread of the crew panicked");
    }

    /// Divides `values`, all of one length, over the threads: `f` is given which of the elements a thread has, and its share of each.
    ///
    /// ```
    /// let (mut params, mut grads) = ([1.0, 2.0, 3.0], [0.5, 1.0, 0.0]);
    /// nasmyth_engine::Crew::new(2).share([&mut params, &mut grads], |_, [params, grads]| {
    ///     params.iter_mut().zip(grads).for_each(|(p, g)| *p -= *g);
    /// });
    /// assert_eq!(params, [0.5, 1.0, 3.0]);
    /// ```
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn share<T: Copy + Send, const N: usize>(
        &mut self,
        values: [&mut [T]; N],
        f: impl Fn(Range<usize>, [&mut [T]; N]) + Sync,
    ) {
        let (threads, len) = (self.threads(), values.first().map_or(0, |v| v.len()));
        assert!(values.iter().all(|v| v.len() == len), "what is divided together has one length");
        let views = values.map(View::of);
        self.run(&|thread, _| {
            let own = share_of(len, thread, threads);
            // SAFETY: the values are exclusively borrowed, and the shares of threads are apart.
            let shares = views.map(|view| unsafe { view.piece_mut(&own) });
            f(own, shares);
        });
    }

    /// Calls `f` on every item; thread `t` of `n` takes every `n`-th item from `t` on.
    pub fn each<I: Send>(&mut self, items: &mut [I], f: impl Fn(usize, &mut I) + Sync) {
        let (threads, count, start) = (self.threads(), items.len(), Pointer(items.as_mut_ptr()));
        self.run(&|thread, _| {
            let start = &start;
            for i in (thread..count).step_by(threads) {
                // SAFETY: within the items, and every item belongs to one thread.
                f(i, unsafe { &mut *start.0.add(i) });
            }
        });
    }
}

/// Which of `len` elements belong to thread `thread` of `threads`: whole cache lines, so that threads do not write to one line.
pub(crate) fn share_of(len: usize, thread: usize, threads: usize) -> Range<usize> {
    let start = |t: usize| (len.div_ceil(GRAIN) * t / threads * GRAIN).min(len);
    start(thread)..start(thread + 1)
}

struct Pointer<I>(*mut I);

// SAFETY: threads reach different items through it.
unsafe impl<I: Send> Sync for Pointer<I> {}

impl Drop for Crew {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.begin(None);
        }
        self.threads.drain(..).for_each(|thread| {
            // A thread ends by itself; that it panicked was said when it did.
            let _ = thread.join();
        });
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a thread.
    fn serve(&self, index: usize) {
        let mut seen = 0;
        loop {
            if !spin(YIELDS, || self.round.load(Ordering::Acquire) != seen) {
                let mut board = self.lock();
                board.asleep += 1;
                while self.round.load(Ordering::Acquire) == seen {
                    board = self.wake.wait(board).unwrap_or_else(PoisonError::into_inner);
                }
                board.asleep -= 1;
            }
            seen = self.round.load(Ordering::Acquire);
            // No work: the crew is being dismissed.
            let Some(work) = self.lock().order.as_ref().map(|order| order.0) else { return };
            // SAFETY: `run` keeps the closure alive until this thread says that it is done.
            let f = unsafe { &*work };
            // A panic breaks the barrier, which makes the caller panic.
            let _ = self.guarded(|| f(index, &self.barrier));
            self.done.fetch_add(1, Ordering::Release);
        }
    }

    /// Hands out a piece of work; none tells the threads to leave.
    fn begin(&self, order: Option<Order>) {
        let mut board = self.lock();
        board.order = order;
        self.round.fetch_add(1, Ordering::Release);
        if board.asleep > 0 {
            self.wake.notify_all();
        }
    }

    /// Runs `f`; a panic breaks the barrier, so that nobody waits for this thread.
    fn guarded(&self, f: impl FnOnce()) -> std::thread::Result<()> {
        let result = catch_unwind(AssertUnwindSafe(f));
        if result.is_err() {
            self.barrier.broken.store(true, Ordering::Release);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_works_and_waits() {
        for threads in [1, 2, 3, 7] {
            let mut crew = Crew::new(threads);
            let counts: Vec<AtomicUsize> = (0..threads).map(|_| AtomicUsize::new(0)).collect();
            for round in 1..200 {
                crew.run(&|thread, barrier| {
                    counts[thread].fetch_add(1, Ordering::Relaxed);
                    barrier.wait();
                    assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == round));
                    barrier.wait();
                });
            }
        }
    }

    #[test]
    fn each_item_is_visited_once() {
        let mut items = vec![0; 101];
        let mut crew = Crew::new(3);
        for _ in 0..50 {
            crew.each(&mut items, |i, item| *item += i);
        }
        assert!(items.iter().enumerate().all(|(i, &item)| item == 50 * i));
    }

    #[test]
    fn every_element_is_in_one_share() {
        for len in [0, 1, 15, 16, 17, 1000] {
            let (mut a, mut b) = (vec![0; len], (0..len).collect::<Vec<_>>());
            for threads in [1, 2, 3, 7] {
                Crew::new(threads).share([&mut a, &mut b], |own, [a, b]| {
                    assert!(own.start % GRAIN == 0 && own.len() == a.len());
                    a.iter_mut().zip(&*b).zip(own).for_each(|((a, &b), i)| *a += usize::from(b == i));
                });
            }
            assert_eq!(a, vec![4; len]);
        }
    }

    #[test]
    fn threads_that_sleep_wake_up() {
        let mut crew = Crew::new(2);
        for _ in 0..3 {
            std::thread::sleep(std::time::Duration::from_millis(30));
            let mut items = [0, 0];
            crew.each(&mut items, |_, item| *item = 1);
            assert_eq!(items, [1, 1]);
        }
    }

    #[test]
    #[should_panic(expected = "a thread of the crew panicked")]
    fn a_panic_reaches_the_caller() {
        Crew::new(2).run(&|thread, barrier| {
            assert!(thread == 0);
            barrier.wait();
        });
    }
}

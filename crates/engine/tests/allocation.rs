//! A step allocates nothing.

use nasmyth_engine::{Crew, Engine, Loss, Mode, Options, ParamStore};
use nasmyth_graph::Graph;
use nasmyth_graph::blocks::{InvertedResidual, conv_bn_act, inverted_residual};
use nasmyth_graph::ops::{Conv, Dropout, Function, GlobalPool, Linear, Pooling};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_step_allocates_nothing() {
    let mut g = Graph::new("net");
    let x = g.input(&[16, 16, 3]).unwrap();
    let mut y = conv_bn_act(&mut g, x, Conv::same(8, &[3, 3]), Some(Function::Relu)).unwrap();
    for (out, stride, squeeze) in [(8, 1, 0.25), (16, 2, 0.0)] {
        let block = InvertedResidual::new(g.fact(y).channels(), 4, out, &[5, 5]).stride(stride);
        y = inverted_residual(&mut g, y, &block.squeeze(squeeze).act(Function::Silu)).unwrap();
    }
    let y = g.push(GlobalPool(Pooling::Average), &[y]).unwrap();
    let y = g.push(Dropout { rate: 0.1 }, &[y]).unwrap();
    let y = g.push(Linear::new(10), &[y]).unwrap();
    g.output(y);
    let g = g.verify().unwrap();
    let mut params = ParamStore::new(&g, 1);
    let options = Options { parts: 2, ..Options::new(32, Mode::Train(Loss::CrossEntropy)) };
    let program = Engine::cpu(2).compile(&g, options).unwrap();
    let mut memory = program.memory();
    let mut grads = vec![0.0; params.layout().trained().len()];
    for mut crew in [Crew::alone(), Crew::new(2)] {
        let mut step = |seed: u64| {
            program.train_with(&mut crew, &params, &mut grads, &mut memory, seed);
            program.update_buffers(&mut params, &memory);
        };
        step(0); // finds out which vector instructions there are
        let before = CALLS.load(Ordering::Relaxed);
        (1..4).for_each(&mut step);
        assert_eq!(CALLS.load(Ordering::Relaxed) - before, 0);
    }
}

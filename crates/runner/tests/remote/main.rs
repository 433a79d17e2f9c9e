//! The way to other machines: through a real server on this one, and through stand-ins for what no server does on request.

#![cfg(unix)]

mod server;
mod stand_in;
mod through_server;
mod through_stand_in;

use nasmyth_graph::{VerifiedGraph, parse};
use nasmyth_measure::Outcome;
use std::ops::ControlFlow;
use std::time::Duration;

const TIME: Duration = Duration::from_millis(5);

/// Linear layers `n1`, `n2` ... with 1, 2 ... outputs.
fn networks(n: usize) -> Vec<VerifiedGraph> {
    let text = |i| format!("graph n{i}\nx = input(shape=[4])\ny = linear(x, out={i})\noutput y\n");
    (1..=n).map(|i| parse(&text(i)).unwrap()).collect()
}

fn go(_: usize, _: &Outcome) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

//! Peak activation memory, and an order of execution that needs the least.

use crate::{NodeId, VerifiedGraph};
use std::collections::HashMap;

/// States kept per step. The search is exact while the graph has no more executable prefixes of one length than this,
/// which holds for all but very wide graphs; beyond it becomes a beam search.
const BEAM: usize = 1024;

/// An order of execution and what it needs.
#[derive(Clone, Debug)]
pub struct MemoryPlan {
    /// Nodes in order of execution.
    pub order: Vec<NodeId>,
    /// Most bytes of live activations at any moment, the node being computed included.
    pub peak_bytes: u64,
    /// Whether no order needs less (for one sample, with outputs that overwrite dying inputs where the operator can).
    pub exact: bool,
}

/// The order with the smallest peak.
pub fn plan_memory(graph: &VerifiedGraph) -> MemoryPlan {
    Planner::new(graph).search()
}

struct Planner<'g> {
    graph: &'g VerifiedGraph,
    consumers: Vec<Vec<NodeId>>,
    /// For each node the node whose buffer its output occupies (itself, or an input that it overwrites).
    buffer: Vec<usize>,
    /// For each buffer, the nodes that live in it.
    tenants: Vec<Vec<usize>>,
}

#[derive(Clone)]
struct State {
    done: Vec<u64>,
    live: u64,
    peak: u64,
    /// Index into the trace of the last executed node.
    last: usize,
}

impl State {
    fn has(&self, node: usize) -> bool {
        self.done[node / 64] >> (node % 64) & 1 == 1
    }
}

impl<'g> Planner<'g> {
    fn new(graph: &'g VerifiedGraph) -> Self {
        let consumers = graph.consumers();
        let ancestors = ancestors(graph);
        let mut buffer: Vec<usize> = (0..consumers.len()).collect();
        for (i, node) in graph.nodes().iter().enumerate() {
            let facts = graph.input_facts(NodeId(i));
            // Every other reader must have run before this node can: then nobody misses the value.
            let dies = |input: NodeId| {
                let read_before = |c: &NodeId| c.0 == i || ancestors[i][c.0 / 64] >> (c.0 % 64) & 1 == 1;
                consumers[input.0].iter().all(read_before) && !graph.outputs().contains(&input)
            };
            let reused = node.inputs.iter().enumerate().find(|(k, input)| {
                dies(**input)
                    && facts[*k].len() == node.fact.len()
                    && node.op.in_place(*k, &facts, &node.fact)
            });
            if let Some((_, input)) = reused {
                buffer[i] = buffer[input.0];
            }
        }
        let mut tenants = vec![Vec::new(); consumers.len()];
        buffer.iter().enumerate().for_each(|(i, &b)| tenants[b].push(i));
        Self { graph, consumers, buffer, tenants }
    }

    fn search(&self) -> MemoryPlan {
        let nodes = self.graph.nodes().len();
        let mut trace: Vec<(usize, usize)> = Vec::new(); // (node, previous trace entry)
        let mut exact = true;
        let start = State { done: vec![0; nodes.div_ceil(64)], live: 0, peak: 0, last: usize::MAX };
        let mut beam = vec![self.run_free(start, &mut trace)];
        while !self.finished(&beam[0]) {
            let mut next: HashMap<Vec<u64>, State> = HashMap::new();
            for state in &beam {
                for node in (0..nodes).filter(|&n| self.ready(state, n)) {
                    let mut grown = self.execute(state.clone(), node, &mut trace);
                    grown = self.run_free(grown, &mut trace);
                    let best = next.entry(grown.done.clone()).or_insert_with(|| grown.clone());
                    if grown.peak < best.peak {
                        *best = grown;
                    }
                }
            }
            beam = next.into_values().collect();
            beam.sort_unstable_by(|a, b| (a.peak, a.live, &a.done).cmp(&(b.peak, b.live, &b.done)));
            exact &= beam.len() <= BEAM;
            beam.truncate(BEAM);
        }
        let best = &beam[0];
        MemoryPlan { order: order(&trace, best.last), peak_bytes: best.peak, exact }
    }

    fn finished(&self, state: &State) -> bool {
        (0..self.consumers.len()).all(|n| state.has(n))
    }

    fn ready(&self, state: &State, node: usize) -> bool {
        !state.has(node) && self.graph.nodes()[node].inputs.iter().all(|i| state.has(i.0))
    }

    /// Executes whatever needs no new memory: doing it at once can only help.
    fn run_free(&self, mut state: State, trace: &mut Vec<(usize, usize)>) -> State {
        while let Some(node) =
            (0..self.consumers.len()).find(|&n| self.buffer[n] != n && self.ready(&state, n))
        {
            state = self.execute(state, node, trace);
        }
        state
    }

    fn execute(&self, mut state: State, node: usize, trace: &mut Vec<(usize, usize)>) -> State {
        trace.push((node, state.last));
        state.last = trace.len() - 1;
        state.done[node / 64] |= 1 << (node % 64);
        if self.buffer[node] == node {
            state.live += self.graph.nodes()[node].fact.bytes();
            state.peak = state.peak.max(state.live);
        }
        let mut touched: Vec<usize> =
            self.graph.nodes()[node].inputs.iter().map(|i| self.buffer[i.0]).collect();
        touched.push(self.buffer[node]);
        touched.sort_unstable();
        touched.dedup();
        for buffer in touched {
            if self.dead(&state, buffer) {
                state.live -= self.graph.nodes()[buffer].fact.bytes();
            }
        }
        state
    }

    /// Whether every value in the buffer has been computed and read for the last time.
    fn dead(&self, state: &State, buffer: usize) -> bool {
        self.tenants[buffer].iter().all(|&n| {
            state.has(n)
                && !self.graph.outputs().contains(&NodeId(n))
                && self.consumers[n].iter().all(|c| state.has(c.0))
        })
    }
}

/// For each node the set of nodes that it depends on, as bits.
fn ancestors(graph: &VerifiedGraph) -> Vec<Vec<u64>> {
    let words = graph.nodes().len().div_ceil(64);
    let mut all: Vec<Vec<u64>> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let mut own = vec![0u64; words];
        for input in &node.inputs {
            own.iter_mut().zip(&all[input.0]).for_each(|(o, i)| *o |= i);
            own[input.0 / 64] |= 1 << (input.0 % 64);
        }
        all.push(own);
    }
    all
}

fn order(trace: &[(usize, usize)], last: usize) -> Vec<NodeId> {
    let mut order: Vec<NodeId> = std::iter::successors(trace.get(last), |(_, previous)| trace.get(*previous))
        .map(|(node, _)| NodeId(*node))
        .collect();
    order.reverse();
    order
}

//! Statistics of batch norms, measured for one network.

use nasmyth_data::{Augment, Dataset, Subset};
use nasmyth_engine::{Crew, Engine, ParamStore};
use nasmyth_graph::VerifiedGraph;
use nasmyth_graph::ops::BatchNorm;
use nasmyth_train::{Feed, Recipe, TrainError, training_program};

/// Replaces the running statistics in `params` by the means of those of so many batches of `subset`, in the order of `seed`, without
/// augmentation (Guo et al. 2020, section 3.4). Batch norms whose momentum is 0 keep theirs.
pub(crate) fn recalibrate(
    graph: &VerifiedGraph,
    params: &mut ParamStore<f32>,
    data: &Dataset,
    subset: Subset,
    (recipe, batches, seed): (&Recipe, usize, u64),
    engine: &Engine,
) -> Result<(), TrainError> {
    let buffers = buffers(graph);
    if buffers.is_empty() {
        return Ok(());
    }
    let program = training_program(graph, data, recipe, engine)?;
    let mut feed = Feed::new(data, subset, program.parts(), &Augment::default(), seed);
    let (mut memory, mut crew) = (program.memory(), Crew::alone());
    let mut sums: Vec<Vec<f32>> = Vec::new();
    for batch in 0..batches as u64 {
        feed.read(batch, &program, &mut memory, &mut crew);
        program.measure(params, &mut memory, seed);
        // From zero, the running statistics move to `momentum` times those of the batch.
        buffers.iter().for_each(|(key, _)| params.get_mut(key).into_iter().for_each(|b| b.fill(0.0)));
        program.update_buffers(params, &memory);
        for (i, (key, momentum)) in buffers.iter().enumerate() {
            let moved = params.get(key).unwrap_or_default();
            let factor = (1.0 / (momentum * batches as f64)) as f32;
            if batch == 0 {
                sums.push(vec![0.0; moved.len()]);
            }
            sums[i].iter_mut().zip(moved).for_each(|(sum, m)| *sum += factor * m);
        }
    }
    for ((key, _), sum) in buffers.iter().zip(sums) {
        params.get_mut(key).into_iter().for_each(|b| b.copy_from_slice(&sum));
    }
    Ok(())
}

/// The keys of all statistics that move, with their momentum.
fn buffers(graph: &VerifiedGraph) -> Vec<(String, f64)> {
    let norms = graph.nodes().iter().filter_map(|n| Some((n, n.op.downcast::<BatchNorm>()?.momentum)));
    let moving = norms.filter(|(_, momentum)| *momentum > 0.0);
    moving.flat_map(|(n, m)| ["mean", "variance"].map(|b| (format!("{}.{b}", n.name), m))).collect()
}

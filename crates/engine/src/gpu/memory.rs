//! What a plan keeps in the machine's memory.

/// Inputs and targets of the next run, results of the last.
pub(crate) struct GpuMemory {
    pub input: Vec<f32>,
    pub target: Vec<f32>,
    pub output: Vec<f32>,
    /// Mean and variance of the last batch, of each normalisation in the order of the graph.
    pub statistics: Vec<f32>,
}

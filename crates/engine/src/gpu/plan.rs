//! A graph bound to a device and a batch.

use super::memory::GpuMemory;
use super::ops::{self, Call, Run, Site, Value};
use crate::kernels::Seeds;
use crate::{EngineError, Loss, Mode, Options, ParamLayout, ParamStore};
use burn::tensor::{Device, Tensor, TensorData, activation};
use nasmyth_graph::ops::BatchNorm;
use nasmyth_graph::passes::simplify;
use nasmyth_graph::{NodeId, Role, VerifiedGraph};
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64;

/// What [`Plan`](crate::Plan) is on the CPU.
pub(crate) struct GpuPlan {
    /// Of all tensors; records gradients when training.
    device: Device,
    mode: Mode,
    batch: usize,
    /// Those of the batch, the one part of it.
    samples: Range<usize>,
    /// Axes of the input, and elements of a sample of the output.
    input: [usize; 3],
    width: usize,
    steps: Vec<Step>,
    output: usize,
    tensors: Vec<ParamTensor>,
    /// None for inference.
    moving: Vec<Moving>,
}

/// A node.
struct Step {
    /// `None` for the input.
    run: Option<Run>,
    /// The nodes that it reads, and whether nothing reads them after it.
    inputs: Vec<(usize, bool)>,
    /// Its parameters among all.
    params: Vec<usize>,
    /// The hash of its name, which its randomness depends on.
    salt: u64,
}

/// Where a tensor of the parameters lies in their store.
struct ParamTensor {
    range: Range<usize>,
    trained: bool,
}

/// Running statistics of a batch normalisation.
struct Moving {
    /// Where they lie in the store.
    mean: Range<usize>,
    variance: Range<usize>,
    momentum: f32,
    /// From the variance of a batch to the unbiased one.
    unbias: f32,
}

/// What a run leaves on the device.
struct Pass {
    params: Vec<Tensor<1>>,
    output: Value,
    statistics: Vec<Tensor<1>>,
}

impl GpuPlan {
    /// As [`Plan::compile_with`](crate::Plan::compile_with), in one part; how much memory the device has is seen when it runs.
    pub fn compile(device: &Device, graph: &VerifiedGraph, options: Options) -> Result<Self, EngineError> {
        options.check(graph)?;
        let Options { batch, mode, .. } = options;
        let layout = ParamLayout::of(graph);
        let graph = &simplify(graph);
        let output = graph.outputs()[0];
        let training = mode != Mode::Infer;
        let device = if training { device.clone().autodiff() } else { device.clone() };
        let ids = || (0..graph.nodes().len()).map(NodeId);
        let site = |id| {
            let (inputs, output) = (graph.input_facts(id), graph.fact(id));
            Site { inputs, output, batch, training, device: &device }
        };
        let steps = ids().map(|id| step(graph, id, &layout, &site(id)));
        let tensors = layout.entries().iter();
        let tensors =
            tensors.map(|e| ParamTensor { range: e.range.clone(), trained: e.role != Role::Buffer });
        Ok(Self {
            mode,
            batch,
            samples: 0..batch,
            input: ops::axes(graph.fact(graph.input_id()), batch),
            width: graph.fact(output).len(),
            steps: steps.collect::<Result<_, _>>()?,
            output: output.0,
            tensors: tensors.collect(),
            moving: ids()
                .filter(|_| training)
                .filter_map(|id| Moving::of(graph, id, &layout, batch))
                .collect(),
            device,
        })
    }

    pub fn memory(&self) -> GpuMemory {
        let outputs = self.batch * self.width;
        let targets = if self.mode == Mode::Infer { 0 } else { outputs };
        GpuMemory {
            input: vec![0.0; self.input.iter().product()],
            target: vec![0.0; targets],
            output: vec![0.0; outputs],
            statistics: vec![0.0; self.statistics_len()],
        }
    }

    pub fn memory_bytes(&self) -> usize {
        let elements =
            self.input.iter().product::<usize>() + 2 * self.batch * self.width + self.statistics_len();
        elements.saturating_mul(size_of::<f32>())
    }

    pub fn batch(&self) -> usize {
        self.batch
    }

    pub fn parts(&self) -> &[Range<usize>] {
        std::slice::from_ref(&self.samples)
    }

    pub fn sample<'a>(&self, memory: &'a mut GpuMemory) -> (&'a mut [f32], &'a mut [f32]) {
        (&mut memory.input, &mut memory.target)
    }

    pub fn output<'a>(&self, memory: &'a GpuMemory) -> &'a [f32] {
        &memory.output
    }

    /// As [`Plan::infer`](crate::Plan::infer), with parameters that nobody prepared.
    pub fn infer(&self, params: &ParamStore<f32>, memory: &mut GpuMemory) {
        assert!(self.mode == Mode::Infer, "expected a program for inference");
        let Pass { output, .. } = self.run(params, memory, 0);
        fetch(vec![output.flatten(0, 2)], &mut [&mut memory.output]);
    }

    /// As [`Plan::train`](crate::Plan::train). A parameter that the loss does not depend on has gradient 0.
    pub fn train(
        &self,
        params: &ParamStore<f32>,
        grads: &mut [f32],
        memory: &mut GpuMemory,
        seed: u64,
    ) -> f32 {
        let Mode::Train(loss) = self.mode else {
            self.infer(params, memory);
            return 0.0;
        };
        let Pass { params, output, statistics } = self.run(params, memory, seed);
        let output = output.reshape([self.batch, self.width]);
        let target = self.upload(&memory.target, [self.batch, self.width]);
        let loss = evaluate(loss, output.clone(), target, self.batch);
        let gradients = loss.is_tracked().then(|| loss.backward());
        let gradient = |(param, tensor): (&Tensor<1>, &ParamTensor)| {
            let known = gradients.as_ref().and_then(|g| param.grad(g));
            known.unwrap_or_else(|| Tensor::zeros([tensor.range.len()], &self.device).inner())
        };
        let trained = params.iter().zip(&self.tensors).filter(|(_, t)| t.trained);
        let mut pieces: Vec<Tensor<1>> = trained.map(gradient).collect();
        pieces.extend(statistics);
        pieces.extend([output.inner().flatten(0, 1), loss.inner()]);
        let mut mean = [0.0];
        fetch(pieces, &mut [grads, &mut memory.statistics, &mut memory.output, &mut mean]);
        mean[0]
    }

    /// As [`Plan::update_buffers`](crate::Plan::update_buffers).
    pub fn update_buffers(&self, params: &mut ParamStore<f32>, memory: &GpuMemory) {
        let mut rest = &memory.statistics[..];
        for moving in &self.moving {
            for (range, factor) in [(&moving.mean, 1.0), (&moving.variance, moving.unbias)] {
                let (batch, tail) = rest.split_at(range.len());
                let pairs = params.values_mut()[range.clone()].iter_mut().zip(batch);
                pairs.for_each(|(running, &b)| *running += moving.momentum * (b * factor - *running));
                rest = tail;
            }
        }
    }

    fn statistics_len(&self) -> usize {
        self.moving.iter().map(|m| m.mean.len() + m.variance.len()).sum()
    }

    fn upload<const D: usize>(&self, values: &[f32], axes: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values.to_vec(), axes), &self.device)
    }

    /// Runs forward; values are let go where they are read last.
    fn run(&self, params: &ParamStore<f32>, memory: &GpuMemory, seed: u64) -> Pass {
        let params = self.params(params);
        let mut statistics = Vec::new();
        let mut values: Vec<Option<Value>> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let input = |&(from, last): &(usize, bool)| {
                let value = if last { values[from].take() } else { values[from].clone() };
                value.expect("a value lives until it is read last")
            };
            let call = Call {
                inputs: step.inputs.iter().map(input).collect(),
                params: step.params.iter().map(|&p| params[p].clone()).collect(),
                seeds: Seeds { step: seed, node: step.salt, first: 0 },
                statistics: &mut statistics,
            };
            values.push(Some(match &step.run {
                Some(run) => run(call),
                None => self.upload(&memory.input, self.input),
            }));
        }
        let output = values[self.output].take().expect("nobody reads the output last");
        Pass { params, output, statistics }
    }

    /// The tensors of the parameters; those that are trained begin the record of gradients.
    fn params(&self, params: &ParamStore<f32>) -> Vec<Tensor<1>> {
        if self.tensors.is_empty() {
            return Vec::new();
        }
        let all = self.upload(params.values(), [params.values().len()]);
        let tensor = |t: &ParamTensor| {
            let own = all.clone().slice([t.range.clone()]);
            own.set_require_grad(t.trained && self.mode != Mode::Infer)
        };
        self.tensors.iter().map(tensor).collect()
    }
}

fn step(graph: &VerifiedGraph, id: NodeId, layout: &ParamLayout, site: &Site) -> Result<Step, EngineError> {
    let node = graph.node(id);
    let missing = || EngineError::NoKernel { node: node.name.clone(), kind: node.op.kind().to_owned() };
    let run = match id == graph.input_id() {
        true => None,
        false => Some(ops::lower(&*node.op, site).ok_or_else(missing)?),
    };
    let consumers = graph.consumers();
    let last = |(k, from): (usize, &NodeId)| {
        let read_later = consumers[from.0].iter().any(|c| *c > id) || node.inputs[k + 1..].contains(from);
        (from.0, !read_later && !graph.outputs().contains(from))
    };
    let place = |p: nasmyth_graph::ParamSpec| {
        let key = format!("{}.{}", node.name, p.name);
        layout.entries().iter().position(|e| e.key == key)
    };
    Ok(Step {
        run,
        inputs: node.inputs.iter().enumerate().map(last).collect(),
        params: graph.params_of(id).into_iter().filter_map(place).collect(),
        salt: xxh3_64(node.name.as_bytes()),
    })
}

impl Moving {
    fn of(graph: &VerifiedGraph, id: NodeId, layout: &ParamLayout, batch: usize) -> Option<Self> {
        let node = graph.node(id);
        let norm = node.op.downcast::<BatchNorm>()?;
        let range = |name| Some(layout.entry(&format!("{}.{name}", node.name))?.range.clone());
        let rows = (batch * node.fact.len() / node.fact.channels()) as f32;
        Some(Self {
            mean: range("mean")?,
            variance: range("variance")?,
            momentum: norm.momentum as f32,
            unbias: rows / (rows - 1.0).max(1.0),
        })
    }
}

/// See [`Loss`]; `[1]`.
fn evaluate(loss: Loss, output: Tensor<2>, target: Tensor<2>, batch: usize) -> Tensor<1> {
    match loss {
        Loss::CrossEntropy => (activation::log_softmax(output, 1) * target).sum().div_scalar(-(batch as f64)),
        Loss::SquaredError { variance } => {
            (output - target).square().sum().div_scalar(variance * batch as f64)
        }
    }
}

/// Copies tensors that lie one after the other into the places that they fill, in one transfer.
fn fetch(tensors: Vec<Tensor<1>>, places: &mut [&mut [f32]]) {
    let all = Tensor::cat(tensors, 0).try_into_vec_as::<f32>();
    let all = all.unwrap_or_else(|e| panic!("the device of this engine failed: {e}"));
    let mut rest = &all[..];
    for place in places {
        let (own, tail) = rest.split_at(place.len());
        place.copy_from_slice(own);
        rest = tail;
    }
}

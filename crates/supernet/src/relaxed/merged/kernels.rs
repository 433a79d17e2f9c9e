//! Options that differ in the size of a kernel only, as one convolution.

use super::assembly::{Assembly, Unsound};
use super::union::{Reader, Swap, Union};
use crate::relaxed::mixed_kernel::{KernelPart, KernelTensor, MixedKernel};
use crate::relaxed::space::{Kernels, Term};
use nasmyth_graph::ops::Conv;
use nasmyth_graph::{NodeId, ParamSpec};
use std::collections::BTreeMap;
use std::iter;
use std::sync::Arc;

/// Equal chains of layers but for the kernel of the convolution that each begins with.
struct Chains {
    /// What the convolutions read.
    input: usize,
    /// Each option's value and its chain, from the convolution on.
    chains: BTreeMap<usize, Vec<usize>>,
}

impl Assembly<'_> {
    /// The options of a choice as one chain of layers, whose convolution has a mixture of the options' kernels. Nothing where options differ in
    /// anything else.
    pub(super) fn kernels(
        &mut self,
        reader: Reader,
        vertex: usize,
        swaps: &[&Swap],
        choice: usize,
    ) -> Result<Option<NodeId>, Unsound> {
        let kernels = self.plan.form.kernels;
        let ([swap], true) = (swaps, kernels != Kernels::Apart) else { return Ok(None) };
        let kept = &self.plan.kept[swap.choice];
        if kept.len() < 2 && kernels == Kernels::Mixed {
            return Ok(None);
        }
        let all: Option<Vec<usize>> = iter::once(Some(vertex)).chain(swap.others.values().copied()).collect();
        let union = self.union;
        let alone = |all: &Vec<usize>| all[1..].iter().all(|&o| union.swaps(reader, o).next().is_none());
        let Some(Chains { input, chains }) = all.filter(alone).and_then(|all| union.chains(&all)) else {
            return Ok(None);
        };
        let own = |option: &usize| swap.others.get(option).copied().flatten().unwrap_or(vertex);
        let conv = |value: usize| union.vertices[chains[&value][0]].op.downcast::<Conv>();
        let size = |value: &usize| conv(*value).map_or(0, |c| c.kernel.iter().product::<usize>());
        let values: Vec<usize> = kept.iter().map(own).collect();
        if let Some(&known) = self.with_kernels.get(&(choice, values.clone())) {
            return Ok(Some(known));
        }
        let Some(largest) = values.iter().copied().max_by_key(size) else { return Ok(None) };
        let sources = match kernels {
            Kernels::Shared => chains.keys().copied().max_by_key(size).into_iter().collect(),
            _ => values.clone(),
        };
        let tensor = |&value: &usize| {
            let v = &union.vertices[chains[&value][0]];
            let spec = v.op.params(&[&union.vertices[input].fact]).into_iter().find(is_kernel);
            spec.map(|spec| KernelTensor { place: v.place.clone(), op: v.op.clone(), spec })
        };
        let tensors: Vec<KernelTensor> = sources.iter().filter_map(tensor).collect();
        let part = |(&option, value): (&usize, &usize)| KernelPart {
            term: Term::Option { choice, option },
            tensor: sources.iter().position(|source| source == value).unwrap_or(0),
            size: conv(*value).map(|c| c.kernel.clone()).unwrap_or_default(),
        };
        let parts = kept.iter().zip(&values).map(part).collect();

        let chain = &chains[&largest];
        let mut node = self.node(Reader::Input(chain[0], 0), input)?;
        let first = self.graph.nodes().len();
        for &layer in chain {
            let name = self.layer(layer);
            node = self.graph.add(name, Arc::clone(&union.vertices[layer].op), &[node])?;
        }
        let key = format!("{}.weight", self.graph.nodes()[first].name);
        self.made.kernels.push(MixedKernel { key, tensors, parts });
        self.with_kernels.insert((choice, values), node);
        Ok(Some(node))
    }
}

/// The weight of a convolution, beside its bias.
fn is_kernel(spec: &ParamSpec) -> bool {
    spec.name == "weight"
}

impl Union {
    /// The chains that lead to these values, if they differ in a kernel only.
    fn chains(&self, values: &[usize]) -> Option<Chains> {
        let mut chains: BTreeMap<usize, Vec<usize>> = values.iter().map(|&v| (v, vec![v])).collect();
        loop {
            let now: Vec<usize> = chains.values().map(|chain| chain[chain.len() - 1]).collect();
            let (first, others) = now.split_first()?;
            let input = |v: usize| match self.vertices[v].inputs[..] {
                [input] if self.swaps(Reader::Input(v, 0), input).next().is_none() => Some(input),
                _ => None,
            };
            let inputs: Vec<usize> = now.iter().map(|&v| input(v)).collect::<Option<_>>()?;
            // Layers at one place have one set of weights, whichever kernel is before them.
            if others.iter().any(|&v| self.vertices[v].place != self.vertices[*first].place) {
                return None;
            }
            let function = |v: usize| crate::address::function(&*self.vertices[v].op);
            if others.iter().all(|&v| function(v) == function(*first)) {
                chains.values_mut().zip(inputs).for_each(|(chain, input)| chain.push(input));
                continue;
            }
            let conv = |v: usize| self.vertices[v].op.downcast::<Conv>();
            let convs: Vec<&Conv> = now.iter().map(|&v| conv(v)).collect::<Option<_>>()?;
            let nested = |a: &Conv, b: &Conv| lies_within(a, b) || lies_within(b, a);
            let alike = convs.iter().enumerate().all(|(i, a)| convs[..i].iter().all(|b| nested(a, b)));
            if !alike || inputs.iter().any(|&input| input != inputs[0]) {
                return None;
            }
            chains.values_mut().for_each(|chain| chain.reverse());
            return Some(Chains { input: inputs[0], chains });
        }
    }
}

/// Whether two convolutions without bias (theirs would be another one for each kernel) differ in the size of their kernels only, the first lying in the
/// middle of the second.
fn lies_within(small: &Conv, large: &Conv) -> bool {
    let rest = |conv: &Conv| Conv { kernel: Vec::new(), pad: Vec::new(), ..conv.clone() };
    let axes = small.kernel.len();
    let centred = |axis: usize| {
        let Some(more) = large.kernel[axis].checked_sub(small.kernel[axis]) else { return false };
        let border = more / 2 * small.dilation[axis];
        let wider = |pad: usize| large.pad[pad] == small.pad[pad] + border;
        more.is_multiple_of(2) && wider(axis) && wider(axis + axes)
    };
    !small.bias && rest(small) == rest(large) && (0..axes).all(centred)
}

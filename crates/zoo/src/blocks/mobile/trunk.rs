//! From tables of stages to layers.

use super::multi_query::multi_query_attention;
use super::table::{Blocks, Kind};
use crate::{Net, ZooError, make_divisible, round_half_even};
use nasmyth_graph::blocks::{InvertedResidual, Mix, Squeeze, fused_inverted_residual, inverted_residual};
use nasmyth_graph::ops::Function;

/// How wide squeeze-excitation is, and its functions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Squeezing {
    /// Whether the share is one of the block's middle, not of its input.
    pub of_middle: bool,
    /// Factor of the hidden width.
    pub factor: f64,
    /// The hidden width is a multiple of it.
    pub divisor: usize,
    /// Activation of the hidden layer, if not the block's.
    pub act: Option<Function>,
    /// What makes gates of the answer.
    pub gate: Function,
}

impl Squeezing {
    /// A share of the input, the block's activation and a sigmoid (MnasNet and EfficientNet).
    pub(crate) const INPUT: Self =
        Self { of_middle: false, factor: 1.0, divisor: 1, act: None, gate: Function::Sigmoid };
    /// A share of the middle, ReLU and a hard sigmoid (MobileNetV3).
    pub(crate) const MIDDLE: Self = Self {
        of_middle: true,
        factor: 1.0,
        divisor: 8,
        act: Some(Function::Relu),
        gate: Function::HardSigmoid,
    };
}

/// What the table of a family leaves open.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trunk {
    /// Factor of all channels.
    pub width: f64,
    /// Factor of the blocks: one for all stages, or one for each.
    pub depth: Vec<f64>,
    /// Whether the number of a stage's blocks is rounded to the nearest, not up.
    pub nearest: bool,
    /// Whether the first and the last stage keep their blocks.
    pub ends_fixed: bool,
    /// Share of a width that rounding must leave.
    pub limit: f64,
    /// Squeeze-excitation.
    pub squeezing: Squeezing,
    /// Whether blocks leave their steps to means.
    pub average: bool,
    /// First value of the learned scale of a block's answer, if there is one.
    pub scale: Option<f64>,
}

impl Trunk {
    /// All as in EfficientNet.
    pub(crate) fn new(width: f64, depth: f64) -> Self {
        Self {
            width,
            depth: vec![depth],
            nearest: false,
            ends_fixed: false,
            limit: 0.9,
            squeezing: Squeezing::INPUT,
            average: false,
            scale: None,
        }
    }

    /// Scaled channels, a multiple of 8.
    pub(crate) fn channels(&self, channels: usize) -> usize {
        make_divisible(channels as f64 * self.width, 8, self.limit)
    }

    /// Appends all stages.
    ///
    /// # Errors
    /// Layers that do not fit.
    pub(crate) fn build<S: AsRef<[Blocks]>>(&self, net: &mut Net, stages: &[S]) -> Result<(), ZooError> {
        for (i, stage) in stages.iter().enumerate() {
            let lines = stage.as_ref();
            let kept = self.ends_fixed && (i == 0 || i + 1 == stages.len());
            let depth = self.depth.get(i).or(self.depth.first()).copied().unwrap_or(1.0);
            let times = repeats(lines, if kept { 1.0 } else { depth }, self.nearest);
            let all = lines.iter().zip(times).flat_map(|(line, times)| (0..times).map(move |_| line));
            for (j, line) in all.enumerate() {
                let stride = if j == 0 { net.stride(line.stride) } else { 1 };
                net.scope(format!("stage{}.block{}", i + 1, j + 1), |net| self.block(net, line, stride))?;
            }
        }
        Ok(())
    }

    fn block(&self, net: &mut Net, line: &Blocks, stride: usize) -> Result<(), ZooError> {
        let (inputs, out) = (net.channels(), self.channels(line.out));
        let whole = if line.kind == (Kind::Fused { of_output: true }) { out } else { inputs };
        let middle = match line.kind {
            Kind::Conv | Kind::Separable | Kind::Attention { .. } => inputs,
            _ => make_divisible(whole as f64 * line.expansion, 8, 0.9),
        };
        let mut style = net.style.clone();
        style.act = line.act.unwrap_or(style.act);
        let window = |kernel: usize| if kernel == 0 { Vec::new() } else { vec![kernel; 2] };
        let mut block = InvertedResidual {
            out,
            kernel: window(line.kernel),
            start: Vec::new(),
            mix: None,
            stride,
            average: self.average,
            middle,
            expand: !matches!(line.kind, Kind::Conv | Kind::Separable),
            squeeze: self.squeeze(line, middle, style.act),
            style,
            scale: None,
            shortcut: line.shortcut,
        };
        match line.kind {
            Kind::Conv | Kind::Fused { .. } => net.with(|g, x| fused_inverted_residual(g, x, &block))?,
            Kind::Attention { heads, width, stride } => {
                multi_query_attention(net, (heads, width, stride), out, self.scale)?
            }
            kind => {
                if let Kind::Universal { start } = kind {
                    (block.start, block.scale) = (window(start), self.scale);
                }
                if let Kind::Mixed { expand, windows, project } = kind {
                    let windows = windows.iter().map(|&k| window(k)).collect();
                    block.mix = Some(Mix { expand, windows, project });
                }
                net.with(|g, x| inverted_residual(g, x, &block))?
            }
        };
        Ok(())
    }

    fn squeeze(&self, line: &Blocks, middle: usize, act: Function) -> Option<Squeeze> {
        let rule = self.squeezing;
        let share = if rule.of_middle { line.squeeze } else { line.squeeze / line.expansion };
        let hidden = middle as f64 * share * rule.factor;
        let hidden = match rule.divisor {
            1 => round_half_even(hidden).max(1),
            divisor => make_divisible(hidden, divisor, self.limit),
        };
        let squeeze = Squeeze { hidden, act: rule.act.unwrap_or(act), gate: rule.gate };
        (line.squeeze > 0.0).then_some(squeeze)
    }
}

/// Blocks of each line of a stage when all of the stage are multiplied: the last lines get their share first, so that the first
/// line, which has the stride, is repeated last.
fn repeats(lines: &[Blocks], factor: f64, nearest: bool) -> Vec<usize> {
    let mut left: usize = lines.iter().map(|l| l.times).sum();
    let scaled = left as f64 * factor;
    let mut scaled = if nearest { scaled.round_ties_even().max(1.0) } else { scaled.ceil() };
    let mut times: Vec<usize> = Vec::new();
    for line in lines.iter().rev() {
        let share = (line.times as f64 / left as f64 * scaled).round_ties_even().max(1.0);
        left -= line.times;
        scaled -= share;
        times.push(share as usize);
    }
    times.reverse();
    times
}

#[cfg(test)]
mod tests {
    use super::super::table::{inverted, universal};
    use super::*;
    use nasmyth_graph::Graph;

    #[test]
    fn the_last_lines_of_a_stage_grow_first() {
        let lines = [inverted(3, 6.0, 8), inverted(3, 3.0, 8).times(3)];
        assert_eq!(repeats(&lines, 1.0, false), [1, 3]);
        assert_eq!(repeats(&lines, 1.2, false), [1, 4]); // 4.8 blocks, rounded up
        assert_eq!(repeats(&lines, 1.1, true), [1, 3]); // 4.4 blocks, rounded
        assert_eq!(repeats(&lines, 0.1, false), [1, 1]); // no line disappears
    }

    #[test]
    fn a_universal_bottleneck_with_the_middle_alone_is_an_inverted_residual() {
        let hash = |line: Blocks| {
            let mut graph = Graph::new("block");
            let at = graph.input(&[8, 8, 16]).unwrap();
            let mut net = Net::new(graph, at, 2, 0);
            Trunk::new(1.0, 1.0).build(&mut net, &[[line]]).unwrap();
            net.graph.output(net.at);
            net.graph.verify().unwrap().canonical_hash()
        };
        assert_eq!(hash(universal(0, 5, 4.0, 16)), hash(inverted(5, 4.0, 16)));
        assert_ne!(hash(universal(3, 5, 4.0, 16)), hash(inverted(5, 4.0, 16)));
        assert_ne!(hash(universal(3, 0, 4.0, 16)), hash(universal(0, 0, 4.0, 16)));
    }
}

//! A drawing of the network in text: a line for each block, equal blocks in a row drawn once.

use crate::boxes::{NodeBox, group};
use crate::title::short;
use nasmyth_graph::VerifiedGraph;
use std::fmt::Write;

/// Width of the column with the layers.
const LAYERS: usize = 64;
/// Length of the bar of a block that does all the work.
const BAR: usize = 20;

/// A block of the network: consecutive boxes of one scope.
struct Block {
    scope: String,
    layers: Vec<String>,
    shape: String,
    params: u64,
    macs: u64,
    times: usize,
}

impl Block {
    fn of(boxes: &[NodeBox]) -> Self {
        Self {
            scope: boxes[0].scope.clone(),
            layers: layers(boxes),
            shape: boxes.last().map_or(String::new(), |b| b.shape.clone()),
            params: boxes.iter().map(|b| b.count).sum(),
            macs: boxes.iter().map(|b| b.macs).sum(),
            times: 1,
        }
    }

    /// Whether it draws as `other` does.
    fn repeats(&self, other: &Self) -> bool {
        (&self.layers, &self.shape, self.params, self.macs)
            == (&other.layers, &other.shape, other.params, other.macs)
    }
}

/// The layers of a block in words; equal ones in a row once.
fn layers(boxes: &[NodeBox]) -> Vec<String> {
    let words = boxes.iter().map(|b| match b.detail.is_empty() {
        true => b.title.clone(),
        false => format!("{} {}", b.title, b.detail.replace(" · ", " ")),
    });
    let mut layers: Vec<(String, usize)> = Vec::new();
    for word in words {
        match layers.last_mut() {
            Some((last, times)) if *last == word => *times += 1,
            _ => layers.push((word, 1)),
        }
    }
    let counted = |(word, times)| if times == 1 { word } else { format!("{times} x ({word})") };
    layers.into_iter().map(counted).collect()
}

/// Blocks in order; a block that draws as the one before it is counted there.
fn blocks(graph: &VerifiedGraph) -> Vec<Block> {
    let boxes = group(graph);
    let mut blocks: Vec<Block> = Vec::new();
    for boxes in boxes.chunk_by(|a, b| !a.scope.is_empty() && a.scope == b.scope) {
        let block = Block::of(boxes);
        match blocks.last_mut() {
            Some(last) if last.repeats(&block) => last.times += 1,
            _ => blocks.push(block),
        }
    }
    blocks
}

/// Name of a block, its layers, the shape that comes out, parameters and multiply-accumulates (of all repetitions), and a bar for its
/// share of the work.
pub fn to_outline(graph: &VerifiedGraph) -> String {
    let blocks = blocks(graph);
    let most = blocks.iter().map(|b| b.macs * b.times as u64).max().unwrap_or(0).max(1);
    let name = |b: &Block| match b.times {
        1 => b.scope.clone(),
        times => format!("{}{}x {times}", b.scope, if b.scope.is_empty() { "" } else { " " }),
    };
    let names = blocks.iter().map(|b| name(b).len()).max().unwrap_or(0);
    let mut text =
        format!("{:names$}  {:LAYERS$}  {:>12}  {:>8}  {:>8}\n", "", "layers", "output", "params", "MACs");
    for block in &blocks {
        let [params, macs] = [block.params, block.macs].map(|n| n * block.times as u64);
        let figures = |n: u64| if n == 0 { String::new() } else { short(n) };
        let bar = "█".repeat((macs as f64 / most as f64 * BAR as f64).round() as usize);
        for (i, line) in wrapped(&block.layers).iter().enumerate() {
            let [name, shape] = if i == 0 { [name(block), block.shape.clone()] } else { Default::default() };
            let figures =
                if i == 0 { [figures(params), figures(macs), bar.clone()] } else { Default::default() };
            let line = format!(
                "{name:names$}  {line:LAYERS$}  {shape:>12}  {:>8}  {:>8}  {}",
                figures[0], figures[1], figures[2]
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text
}

/// Layers in lines of at most [`LAYERS`] characters, unless one alone is longer.
fn wrapped(layers: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for layer in layers {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 3 + layer.chars().count() <= LAYERS => {
                let _ = write!(line, " · {layer}");
            }
            _ => lines.push(layer.clone()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_graph::Graph;
    use nasmyth_graph::blocks::conv_bn_act;
    use nasmyth_graph::ops::{Conv, Function};

    #[test]
    fn equal_blocks_are_drawn_once_and_their_figures_added() {
        let mut g = Graph::new("net");
        let mut x = g.input(&[8, 8, 3]).unwrap();
        for i in 1..=4 {
            g.enter(format!("block{i}"));
            x = conv_bn_act(&mut g, x, Conv::same(4, &[3, 3]), Some(Function::Relu)).unwrap();
            g.leave();
        }
        g.output(x);
        let outline = to_outline(&g.verify().unwrap());
        let lines: Vec<&str> = outline.lines().collect();
        assert_eq!(lines.len(), 4, "{outline}");
        assert!(lines[2].starts_with("block1 ") && lines[2].contains("Conv 3×3 BN ReLU"), "{outline}");
        // Three convolutions of 3 x 3 x 4 x 4 = 144 weights and 8 of the norm, 144 x 64 multiplications.
        assert!(lines[3].starts_with("block2 x 3") && lines[3].contains(" 456 "), "{outline}");
        assert!(lines[3].contains(" 28 k") && lines[3].ends_with(&"█".repeat(20)), "{outline}");
    }
}

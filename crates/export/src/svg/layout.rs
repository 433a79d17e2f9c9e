//! Layered layout (Sugiyama, Tagawa and Toda 1981): longest-path layers, barycentre ordering, and coordinates that
//! keep chains straight.

use std::collections::HashMap;

const GAP_X: f64 = 22.0;
const GAP_Y: f64 = 26.0;
const LANE: f64 = 6.0; // width that a line takes where it passes boxes
const ORDER_SWEEPS: usize = 10;
const PLACE_SWEEPS: usize = 60;
const BOX: f64 = 500.0; // weight of a box against a line

/// Where everything goes. `y` grows downwards.
pub(super) struct Layout {
    /// Centre of each box.
    pub(super) centres: Vec<(f64, f64)>,
    /// For each edge the vertical pieces `(x, from y, to y)` where it passes layers.
    pub(super) routes: Vec<Vec<(f64, f64, f64)>>,
    /// Width of the whole.
    pub(super) width: f64,
    /// Height of the whole.
    pub(super) height: f64,
}

/// Boxes, and the places where long edges pass a layer, in layers.
struct Layers {
    width: Vec<f64>,
    real: usize,
    layer: Vec<usize>,
    rows: Vec<Vec<usize>>,
    up: Vec<Vec<usize>>,
    down: Vec<Vec<usize>>,
    passes: Vec<Vec<usize>>, // of each edge
}

/// Lays out boxes of `sizes` (width, height) with edges from lower to higher indices.
pub(super) fn layout(sizes: &[(f64, f64)], edges: &[(usize, usize)]) -> Layout {
    let mut layers = Layers::new(sizes, edges);
    layers.order();
    let x = layers.place();
    let heights = layers
        .rows
        .iter()
        .map(|row| row.iter().filter(|&&i| i < layers.real).map(|&i| sizes[i].1).fold(0.0, f64::max));
    let heights: Vec<f64> = heights.collect();
    let tops: Vec<f64> =
        heights.iter().scan(0.0, |y, h| Some(std::mem::replace(y, *y + h + GAP_Y))).collect();
    let lane = |&i: &usize| {
        let row = layers.layer[i];
        (x[i], tops[row], tops[row] + heights[row])
    };
    let centre = |i: usize| (x[i], tops[layers.layer[i]] + heights[layers.layer[i]] / 2.0);
    let right = (0..x.len()).map(|i| x[i] + layers.width[i] / 2.0).fold(0.0, f64::max);
    Layout {
        centres: (0..sizes.len()).map(centre).collect(),
        routes: layers.passes.iter().map(|p| p.iter().map(lane).collect()).collect(),
        width: right,
        height: tops.last().zip(heights.last()).map_or(0.0, |(t, h)| t + h),
    }
}

impl Layers {
    fn new(sizes: &[(f64, f64)], edges: &[(usize, usize)]) -> Self {
        let mut layer = vec![0; sizes.len()];
        for &(from, to) in edges {
            layer[to] = layer[to].max(layer[from] + 1); // edges come in order of their targets
        }
        let count = layer.iter().max().map_or(0, |l| l + 1);
        let mut rows = vec![Vec::new(); count];
        layer.iter().enumerate().for_each(|(i, &l)| rows[l].push(i));
        let none = vec![Vec::new(); sizes.len()];
        let width = sizes.iter().map(|s| s.0).collect();
        let mut new =
            Self { width, real: sizes.len(), layer, rows, up: none.clone(), down: none, passes: Vec::new() };
        let mut known = HashMap::new();
        for &(from, to) in edges {
            let passes: Vec<usize> =
                (new.layer[from] + 1..new.layer[to]).map(|l| new.pass(from, l, &mut known)).collect();
            let stops: Vec<usize> = [from].into_iter().chain(passes.iter().copied()).chain([to]).collect();
            stops.windows(2).for_each(|w| new.join(w[0], w[1]));
            new.passes.push(passes);
        }
        new
    }

    /// Where lines from `from` pass layer `l`: all of them share one place.
    fn pass(&mut self, from: usize, l: usize, known: &mut HashMap<(usize, usize), usize>) -> usize {
        *known.entry((from, l)).or_insert_with(|| {
            let i = self.width.len();
            self.width.push(LANE);
            self.layer.push(l);
            self.rows[l].push(i);
            self.up.push(Vec::new());
            self.down.push(Vec::new());
            i
        })
    }

    fn join(&mut self, a: usize, b: usize) {
        if !self.down[a].contains(&b) {
            self.down[a].push(b);
            self.up[b].push(a);
        }
    }

    /// Sorts each layer by the mean position of its neighbours, down and up in turn; keeps the order with the fewest
    /// crossings.
    fn order(&mut self) {
        let mut best = (self.crossings(), self.rows.clone());
        for sweep in 0..ORDER_SWEEPS {
            let downwards = sweep % 2 == 0;
            let count = self.rows.len();
            for step in 1..count {
                let l = if downwards { step } else { count - 1 - step };
                self.sort_row(l, downwards);
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.rows.clone());
            }
        }
        self.rows = best.1;
    }

    fn sort_row(&mut self, l: usize, downwards: bool) {
        let other = if downwards { &self.rows[l - 1] } else { &self.rows[l + 1] };
        let at: HashMap<usize, usize> = other.iter().enumerate().map(|(p, &i)| (i, p)).collect();
        let neighbours = if downwards { &self.up } else { &self.down };
        let key = |p: usize, i: usize| {
            let n = &neighbours[i];
            if n.is_empty() { p as f64 } else { n.iter().map(|j| at[j] as f64).sum::<f64>() / n.len() as f64 }
        };
        let mut row: Vec<(f64, usize)> =
            self.rows[l].iter().enumerate().map(|(p, &i)| (key(p, i), i)).collect();
        row.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.rows[l] = row.into_iter().map(|(_, i)| i).collect();
    }

    fn crossings(&self) -> usize {
        let between = |pair: &[Vec<usize>]| {
            let at: HashMap<usize, usize> = pair[1].iter().enumerate().map(|(p, &i)| (i, p)).collect();
            let ends = |i: &usize| {
                let mut ends: Vec<usize> = self.down[*i].iter().map(|j| at[j]).collect();
                ends.sort_unstable();
                ends
            };
            let ends: Vec<usize> = pair[0].iter().flat_map(ends).collect();
            ends.iter()
                .enumerate()
                .map(|(i, a)| ends[i + 1..].iter().filter(|b| *b < a).count())
                .sum::<usize>()
        };
        self.rows.windows(2).map(between).sum()
    }

    /// Horizontal centres: each item wants to stand at the weighted mean of its neighbours, boxes far more than lines.
    /// What stands alone in its layer stays in the middle, so that a deep network does not drift sideways.
    fn place(&self) -> Vec<f64> {
        let mut x = vec![0.0; self.width.len()];
        for row in &self.rows {
            self.settle(row, &mut x, |_| 0.0);
        }
        for sweep in 0..PLACE_SWEEPS {
            let downwards = sweep % 2 == 0;
            let count = self.rows.len();
            for step in 0..count {
                let row = &self.rows[if downwards { step } else { count - 1 - step }];
                if row.len() == 1 {
                    continue;
                }
                let before = x.clone();
                let both = sweep + 8 >= PLACE_SWEEPS;
                self.settle(row, &mut x, |i| self.wish(i, &before, both || downwards, both || !downwards));
            }
        }
        let left = (0..x.len()).map(|i| x[i] - self.width[i] / 2.0).fold(f64::INFINITY, f64::min);
        x.iter_mut().for_each(|v| *v -= left);
        x
    }

    fn wish(&self, i: usize, x: &[f64], above: bool, below: bool) -> f64 {
        let side = |on: bool, list: &'_ Vec<usize>| if on { list.clone() } else { Vec::new() };
        let neighbours = [side(above, &self.up[i]), side(below, &self.down[i])].concat();
        let weight = |j: &usize| if self.is_box(i) == self.is_box(*j) { BOX } else { 1.0 };
        let total: f64 = neighbours.iter().map(weight).sum();
        if total == 0.0 { x[i] } else { neighbours.iter().map(|j| weight(j) * x[*j]).sum::<f64>() / total }
    }

    fn is_box(&self, i: usize) -> bool {
        i < self.real
    }

    /// Puts a row as near to its wishes as its order and the gaps allow (least squares; pool adjacent violators,
    /// Ayer et al. 1955).
    fn settle(&self, row: &[usize], x: &mut [f64], wish: impl Fn(usize) -> f64) {
        let mut offset = 0.0;
        let mut offsets = Vec::with_capacity(row.len());
        let mut blocks: Vec<(f64, f64, usize)> = Vec::new(); // weighted wish, weight, items
        for (p, &i) in row.iter().enumerate() {
            if p > 0 {
                offset += (self.width[row[p - 1]] + self.width[i]) / 2.0 + GAP_X;
            }
            offsets.push(offset);
            let weight = if self.is_box(i) { BOX } else { 1.0 };
            let mut block = (weight * (wish(i) - offset), weight, 1);
            while let Some(last) = blocks.pop_if(|last| last.0 / last.1 > block.0 / block.1) {
                block = (block.0 + last.0, block.1 + last.1, block.2 + last.2);
            }
            blocks.push(block);
        }
        let places = blocks.iter().flat_map(|b| std::iter::repeat_n(b.0 / b.1, b.2));
        row.iter().zip(places).zip(offsets).for_each(|((&i, place), offset)| x[i] = place + offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_with_a_shortcut_stays_straight_and_boxes_never_overlap() {
        let layout = layout(&[(100.0, 40.0); 5], &[(0, 1), (1, 2), (0, 2), (2, 3), (2, 4)]);
        let (c, r) = (&layout.centres, &layout.routes);
        assert!((c[0].0 - c[1].0).abs() < 0.5 && (c[1].0 - c[2].0).abs() < 0.5);
        assert!(c[0].1 < c[1].1 && c[1].1 < c[2].1);
        assert!((c[3].0 - c[4].0).abs() >= 122.0 && c[3].1 == c[4].1);
        assert!(r[2].len() == 1 && (r[2][0].0 - c[1].0).abs() > 50.0);
    }
}

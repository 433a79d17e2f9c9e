//! Searches that keep a hard limit at every step (Nayman et al. 2021, HardCoRe-NAS).

use super::regulariser::Probabilities;
use nasmyth_space::Rng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// The distributions over the options of several choices whose expected cost is at most a limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Polytope {
    costs: Vec<Vec<f64>>,
    limit: f64,
}

/// A step from one option of a choice to a costlier and better one.
struct Upgrade {
    choice: usize,
    from: usize,
    to: usize,
    cost: f64,
    /// Change of the objective for each unit of cost; below 0.
    slope: f64,
}

impl Polytope {
    /// `costs`: of each option of each choice. `None` if not even the cheapest options keep the limit.
    pub fn new(costs: Vec<Vec<f64>>, limit: f64) -> Option<Self> {
        let polytope = Self { costs, limit };
        (polytope.cost(&polytope.cheapest()) <= limit).then_some(polytope)
    }

    /// The expected cost.
    pub fn cost(&self, p: &Probabilities) -> f64 {
        self.costs.iter().flatten().zip(p.iter().flatten()).map(|(c, p)| c * p).sum()
    }

    /// The cheapest option of each choice.
    pub fn cheapest(&self) -> Probabilities {
        self.costs.iter().map(|c| one_hot(c.len(), smallest(c))).collect()
    }

    /// The equal distributions, or if those are too costly, the point nearest to them on the way from the cheapest.
    pub fn middle(&self) -> Probabilities {
        let equal: Probabilities = self.costs.iter().map(|c| vec![1.0 / c.len() as f64; c.len()]).collect();
        let mut p = self.cheapest();
        let (from, to) = (self.cost(&p), self.cost(&equal));
        let share = if to > self.limit { (self.limit - from) / (to - from) } else { 1.0 };
        for (p, to) in p.iter_mut().flatten().zip(equal.iter().flatten()) {
            *p += share * (to - *p);
        }
        p
    }

    /// Numbers in a row, choice by choice.
    pub fn divided(&self, flat: &[f64]) -> Probabilities {
        let mut rest = flat;
        let mut next = |len: usize| {
            let (own, after) = rest.split_at(len);
            rest = after;
            own.to_vec()
        };
        self.costs.iter().map(|c| next(c.len())).collect()
    }

    /// The point of the polytope at which the inner product with `gradient` is smallest: a multiple-choice knapsack without whole
    /// numbers, solved exactly by taking the best upgrades first (Sinha and Zoltners 1979). At most one choice is divided between
    /// two options (Nayman et al. 2021).
    pub fn minimise(&self, gradient: &Probabilities) -> Probabilities {
        let mut p: Probabilities = Vec::with_capacity(self.costs.len());
        let mut upgrades = Vec::new();
        for (choice, (costs, gradient)) in self.costs.iter().zip(gradient).enumerate() {
            let hull = hull(costs, gradient);
            p.push(one_hot(costs.len(), hull[0]));
            upgrades.extend(hull.windows(2).map(|w| {
                let cost = costs[w[1]] - costs[w[0]];
                let slope = (gradient[w[1]] - gradient[w[0]]) / cost;
                Upgrade { choice, from: w[0], to: w[1], cost, slope }
            }));
        }
        upgrades.sort_by(|a, b| a.slope.total_cmp(&b.slope));
        let mut rest = self.limit - self.cost(&p);
        for u in upgrades {
            let share = (rest / u.cost).clamp(0.0, 1.0);
            rest -= share * u.cost;
            let p = &mut p[u.choice];
            (p[u.from], p[u.to]) = (1.0 - share, share);
            if share < 1.0 {
                break;
            }
        }
        p
    }

    /// The part of the way, from 0 to 1, towards the minimiser of `gradient`: a Frank-Wolfe step, which stays in the polytope.
    pub fn step(&self, p: &mut Probabilities, gradient: &Probabilities, rate: f64) {
        let to = self.minimise(gradient);
        for (p, to) in p.iter_mut().flatten().zip(to.iter().flatten()) {
            *p += rate * (to - *p);
        }
    }
}

/// The options on the lower convex hull of (cost, gradient), from the cheapest to the best.
fn hull(costs: &[f64], gradient: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..costs.len()).collect();
    order.sort_by(|&a, &b| costs[a].total_cmp(&costs[b]).then(gradient[a].total_cmp(&gradient[b])));
    let mut hull: Vec<usize> = Vec::new();
    for next in order {
        if hull.last().is_some_and(|&last| costs[next] <= costs[last] || gradient[next] >= gradient[last]) {
            continue;
        }
        let slope = |a: usize, b: usize| (gradient[b] - gradient[a]) / (costs[b] - costs[a]);
        while let [.., a, b] = hull[..] {
            if slope(a, b) < slope(b, next) {
                break;
            }
            hull.pop();
        }
        hull.push(next);
    }
    hull
}

fn one_hot(len: usize, at: usize) -> Vec<f64> {
    (0..len).map(|i| f64::from(u8::from(i == at))).collect()
}

fn smallest(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, i| if values[i] < values[best] { i } else { best })
}

/// Stages of layers: in each layer one of several blocks is chosen, in each stage how many of its layers there are. The expected cost
/// is linear in the distribution over blocks and linear in that over depths, but not in both (Nayman et al. 2021).
#[derive(Clone, Debug, PartialEq)]
pub struct Stages {
    /// Cost of each block of each layer of each stage.
    pub costs: Vec<Vec<Vec<f64>>>,
}

/// Distributions over the blocks of each layer, stage after stage, and over the depths `1..=layers` of each stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixed {
    /// Blocks of each layer.
    pub blocks: Probabilities,
    /// Depths of each stage.
    pub depths: Probabilities,
}

impl Stages {
    /// The mean cost of networks drawn from these distributions.
    pub fn expected(&self, at: &Mixed) -> f64 {
        let costs = self.block_costs(&at.depths);
        costs.iter().flatten().zip(at.blocks.iter().flatten()).map(|(c, p)| c * p).sum()
    }

    /// Costs of the blocks, given the depths: that of a block counts as often as its layer exists.
    pub fn block_costs(&self, depths: &Probabilities) -> Vec<Vec<f64>> {
        let stage = |(layers, depths): (&Vec<Vec<f64>>, &Vec<f64>)| {
            let exists = (0..layers.len()).map(|l| depths[l..].iter().sum::<f64>());
            layers.iter().zip(exists).map(|(c, e)| c.iter().map(|c| c * e).collect()).collect::<Vec<_>>()
        };
        self.costs.iter().zip(depths).flat_map(stage).collect()
    }

    /// Costs of the depths, given the blocks.
    pub fn depth_costs(&self, blocks: &Probabilities) -> Vec<Vec<f64>> {
        let mut blocks = blocks.iter();
        let layer = |(costs, p): (&Vec<f64>, &Vec<f64>)| costs.iter().zip(p).map(|(c, p)| c * p).sum();
        let stage = |layers: &Vec<Vec<f64>>| {
            let of_layers = layers.iter().zip(&mut blocks).map(layer);
            of_layers.scan(0.0, |sum, cost: f64| Some(*sum + cost).inspect(|s| *sum = *s)).collect()
        };
        self.costs.iter().map(stage).collect()
    }

    /// Block-coordinate stochastic Frank-Wolfe (Nayman et al. 2021): in each step the blocks or the depths, drawn at
    /// random, move towards the minimiser of their gradient given the others; at the end both go all the way, after which at most
    /// one layer and one stage are divided. `gradient`: by both, at a point. `visit` sees every
    /// iterate. `None` if no network keeps the limit.
    pub fn minimise(
        &self,
        limit: f64,
        steps: usize,
        rng: &mut Rng,
        mut gradient: impl FnMut(&Mixed) -> Mixed,
        mut visit: impl FnMut(&Mixed),
    ) -> Option<Mixed> {
        let flat: Vec<Vec<f64>> = self.costs.iter().flatten().cloned().collect();
        let cheapest = flat.iter().map(|c| one_hot(c.len(), smallest(c))).collect();
        let shallow = self.costs.iter().map(|layers| one_hot(layers.len(), 0)).collect();
        let mut at = Mixed { blocks: cheapest, depths: shallow };
        // Rates begin below 1: a whole step of one half would leave nothing of the limit to the other.
        let rates = (0..steps).map(|step| (rng.random::<bool>(), 2.0 / (step as f64 + 4.0)));
        for (of_blocks, rate) in rates.chain([(true, 1.0), (false, 1.0)]) {
            let by = gradient(&at);
            if of_blocks {
                let polytope = Polytope::new(self.block_costs(&at.depths), limit)?;
                polytope.step(&mut at.blocks, &by.blocks, rate);
            } else {
                let polytope = Polytope::new(self.depth_costs(&at.blocks), limit)?;
                polytope.step(&mut at.depths, &by.depths, rate);
            }
            visit(&at);
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn random(rng: &mut Rng, sizes: &[usize], scale: f64) -> Vec<Vec<f64>> {
        sizes.iter().map(|&n| (0..n).map(|_| scale * rng.random::<f64>()).collect()).collect()
    }

    /// The best of all combinations that keep the limit.
    fn exhaustive(costs: &[Vec<f64>], values: &[Vec<f64>], limit: f64) -> f64 {
        let [cost, costs @ ..] = costs else { return 0.0 };
        let (value, values) = (&values[0], &values[1..]);
        let fits = (0..cost.len()).filter(|&i| cost[i] <= limit);
        fits.map(|i| value[i] + exhaustive(costs, values, limit - cost[i])).fold(f64::INFINITY, f64::min)
    }

    fn divided(p: &Probabilities) -> usize {
        p.iter().filter(|p| p.iter().all(|&p| p < 1.0 - 1e-3)).count()
    }

    #[test]
    fn iterates_keep_the_limit_and_the_end_is_near_the_best_network() {
        for seed in 0..20 {
            let mut rng = Rng::seed_from_u64(seed);
            let costs = random(&mut rng, &[4; 8], 1.0);
            // Planted: costlier is better, with noise, around 100 as accuracies are.
            let noise = random(&mut rng, &[4; 8], 0.5);
            let value =
                |(c, n): (&Vec<f64>, &Vec<f64>)| c.iter().zip(n).map(|(c, n)| -10.0 - c - n).collect();
            let values: Vec<Vec<f64>> = costs.iter().zip(&noise).map(value).collect();
            let polytope = Polytope::new(costs.clone(), 4.0).unwrap();
            let mut p = polytope.cheapest();
            for t in 0..2000 {
                let mut gradient = values.clone();
                gradient.iter_mut().flatten().for_each(|g| *g += 0.05 * (rng.random::<f64>() - 0.5));
                polytope.step(&mut p, &gradient, 2.0 / (t as f64 + 2.0));
                assert!(polytope.cost(&p) <= 4.0 + 1e-9);
                assert!(p.iter().all(|p| (p.iter().sum::<f64>() - 1.0).abs() < 1e-9));
            }
            let got: f64 = p.iter().flatten().zip(values.iter().flatten()).map(|(p, v)| p * v).sum();
            let best = exhaustive(&costs, &values, 4.0);
            assert!((got / best - 1.0).abs() < 0.01, "{got} {best}");
            assert!(divided(&polytope.minimise(&values)) <= 1);
        }
    }

    #[test]
    fn the_linear_minimiser_is_that_of_a_fine_grid() {
        let polytope = Polytope::new(vec![vec![0.0, 2.0, 3.0], vec![1.0, 0.5]], 2.5).unwrap();
        let gradient = vec![vec![0.0, -1.0, -1.2], vec![-0.4, 0.0]];
        let value = |p: &Probabilities| -> f64 {
            p.iter().flatten().zip(gradient.iter().flatten()).map(|(p, g)| p * g).sum()
        };
        let mut best = f64::INFINITY;
        for (i, j, k) in (0..=40)
            .flat_map(|i| (0..=40 - i).map(move |j| (i, j)))
            .flat_map(|(i, j)| (0..=40).map(move |k| (i, j, k)))
        {
            let [a, b, c] = [i, j, k].map(|n| f64::from(n) / 40.0);
            let p = vec![vec![1.0 - a - b, a, b], vec![c, 1.0 - c]];
            if polytope.cost(&p) <= 2.5 {
                best = best.min(value(&p));
            }
        }
        let got = polytope.minimise(&gradient);
        assert!(polytope.cost(&got) <= 2.5 + 1e-12 && (value(&got) - best).abs() < 1e-9, "{got:?} {best}");
        assert!(Polytope::new(vec![vec![1.0, 2.0]], 0.5).is_none());
    }

    #[test]
    fn expected_costs_of_stages_are_those_of_all_networks_and_the_limit_holds() {
        let mut rng = Rng::seed_from_u64(3);
        let stages = Stages { costs: vec![random(&mut rng, &[2, 2], 1.0), random(&mut rng, &[2, 2], 1.0)] };
        let distribution = |rng: &mut Rng| {
            let p: f64 = rng.random();
            vec![p, 1.0 - p]
        };
        let at = Mixed {
            blocks: (0..4).map(|_| distribution(&mut rng)).collect(),
            depths: (0..2).map(|_| distribution(&mut rng)).collect(),
        };
        let mut expected = 0.0;
        for bits in 0..64usize {
            let bit = |k: usize| bits >> k & 1;
            let p: f64 = (0..4).map(|l| at.blocks[l][bit(l)]).product();
            let p = p * at.depths[0][bit(4)] * at.depths[1][bit(5)];
            let layers = (0..2).flat_map(|s| (0..=bit(4 + s)).map(move |l| (s, l)));
            expected += p * layers.map(|(s, l)| stages.costs[s][l][bit(2 * s + l)]).sum::<f64>();
        }
        assert!((stages.expected(&at) - expected).abs() < 1e-12);

        let limit = 0.6 * stages.costs.iter().flatten().map(|c| c[0].max(c[1])).sum::<f64>();
        let gradient = |_: &Mixed| Mixed {
            blocks: stages.costs.iter().flatten().map(|c| c.iter().map(|c| -c).collect()).collect(),
            depths: vec![vec![0.0, -1.0]; 2],
        };
        let mut most: f64 = 0.0;
        let end = stages.minimise(limit, 3000, &mut rng, gradient, |at| most = most.max(stages.expected(at)));
        let end = end.unwrap();
        assert!(most <= limit + 1e-9 && stages.expected(&end) > 0.9 * limit);
        assert!(divided(&end.blocks) + divided(&end.depths) <= 2, "{end:?}");
    }
}

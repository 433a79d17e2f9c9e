//! Which patterns of a network make it good.
//!
//! Ru et al.: "Interpretable Neural Architecture Search via Bayesian Optimisation with Weisfeiler-Lehman Kernels", ICLR 2021, section
//! 3.2: the gradient of the predicted mean with respect to how often a pattern occurs.

use crate::weisfeiler_lehman::patterns;
use crate::{Dag, WeisfeilerLehman, WlProcess};
use std::collections::BTreeMap;

/// A subtree pattern and what it is worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Motif {
    /// The pattern: `label <- (patterns that it reads)`.
    pub text: String,
    /// What one occurrence more adds to the predicted mean, on average over the graphs that have the pattern.
    pub gradient: f64,
    /// Number of graphs that have it.
    pub graphs: usize,
}

/// The patterns in the data of a process, the most useful first: the gradient is that of the process with the cosine kernel of its
/// depth and its noise. `dags` are the graphs that the data were made of, in their order, and `targets` their values.
pub fn motifs(process: &WlProcess, dags: &[Dag], targets: &[f64]) -> Vec<Motif> {
    let depth = process.kernel().depth();
    let cosine = WeisfeilerLehman::cosine(depth);
    let Some(process) = WlProcess::new(cosine, process.noise(), process.data(), targets) else {
        return Vec::new();
    };
    let weights = process.process().weights();
    // Both parts of the gradient of a cosine: towards data with the pattern, and away from what is there in excess.
    let mut towards: BTreeMap<(usize, u64), f64> = BTreeMap::new();
    for (datum, weight) in process.data().iter().zip(weights) {
        for (at, &(pattern, count)) in (0..=depth).flat_map(|at| datum.at(at).iter().map(move |f| (at, f))) {
            *towards.entry((at, pattern)).or_default() += weight * count / datum.norm(depth);
        }
    }
    let mut sums: BTreeMap<(usize, u64), (f64, usize)> = BTreeMap::new();
    for datum in process.data() {
        let alignment: f64 =
            process.data().iter().zip(weights).map(|(d, w)| w * d.kernel(datum, depth)).sum();
        let norm = datum.norm(depth);
        for (at, &(pattern, count)) in (0..=depth).flat_map(|at| datum.at(at).iter().map(move |f| (at, f))) {
            let gradient = (towards[&(at, pattern)] - alignment * count / norm) / norm;
            let (sum, graphs) = sums.entry((at, pattern)).or_default();
            (*sum, *graphs) = (*sum + gradient, *graphs + 1);
        }
    }
    let texts = texts(dags, depth);
    let motif = |(key, (sum, graphs)): ((usize, u64), (f64, usize))| {
        Some(Motif { text: texts.get(&key)?.clone(), gradient: sum / graphs as f64, graphs })
    };
    let mut motifs: Vec<Motif> = sums.into_iter().filter_map(motif).collect();
    motifs.sort_by(|a, b| b.gradient.total_cmp(&a.gradient).then_with(|| a.text.cmp(&b.text)));
    motifs
}

/// Every pattern of these graphs in words, by depth and pattern.
fn texts(dags: &[Dag], deepest: usize) -> BTreeMap<(usize, u64), String> {
    let mut texts = BTreeMap::new();
    for dag in dags {
        let patterns = patterns(dag);
        let mut before: Vec<String> = dag.labels().to_vec();
        for (depth, patterns) in patterns.iter().enumerate().take(deepest + 1) {
            if depth > 0 {
                before = (0..before.len()).map(|node| refined(dag, node, &before)).collect();
            }
            for (pattern, text) in patterns.iter().zip(&before) {
                texts.entry((depth, *pattern)).or_insert_with(|| text.clone());
            }
        }
    }
    texts
}

fn refined(dag: &Dag, node: usize, before: &[String]) -> String {
    let mut read: Vec<&str> = dag.inputs()[node].iter().map(|&input| before[input].as_str()).collect();
    read.sort_unstable();
    match read.is_empty() {
        true => dag.labels()[node].clone(),
        false => format!("{} <- ({})", dag.labels()[node], read.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Features;
    use rand::{RngExt, SeedableRng};
    use std::sync::Arc;

    #[test]
    fn a_planted_motif_comes_first() {
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(3);
        // Chains of six; each `c` that reads an `a` earns one point.
        let mut dags = Vec::new();
        let mut targets = Vec::new();
        for _ in 0..150 {
            let labels: Vec<String> =
                (0..6).map(|_| ["a", "b", "c"][rng.random_range(0..3)].to_owned()).collect();
            targets.push(labels.windows(2).filter(|w| w[0] == "a" && w[1] == "c").count() as f64);
            dags.push(
                Dag::new(labels, (0..6).map(|i: usize| i.checked_sub(1).into_iter().collect()).collect())
                    .unwrap(),
            );
        }
        let features: Vec<Arc<Features>> = dags.iter().map(|dag| Arc::new(Features::of(dag))).collect();
        let process = WlProcess::fit(&features, &targets).unwrap();
        let motifs = motifs(&process, &dags, &targets);
        let first = motifs.iter().find(|m| m.graphs >= 10).unwrap();
        assert_eq!(first.text, "c <- (a)", "{:?}", &motifs[..5]);
        let last = motifs.last().unwrap();
        assert!(first.gradient > 0.2 && last.gradient < 0.0, "{first:?} {last:?}");
    }

    #[test]
    fn the_gradient_is_that_of_the_mean() {
        // One more leaf, which is a pattern of its own at depth 0 only: numerical derivative of the mean along the count.
        let chain = |labels: &[&str]| {
            let labels: Vec<String> = labels.iter().map(|l| (*l).to_owned()).collect();
            let inputs = (0..labels.len()).map(|i| i.checked_sub(1).into_iter().collect()).collect();
            Dag::new(labels, inputs).unwrap()
        };
        let dags = [chain(&["a", "b"]), chain(&["a", "a"]), chain(&["b", "a", "b"])];
        let features: Vec<Arc<Features>> = dags.iter().map(|dag| Arc::new(Features::of(dag))).collect();
        let targets = [1.0, 0.0, 3.0];
        let depth = 1;
        let process = WlProcess::new(WeisfeilerLehman::cosine(depth), 0.1, &features, &targets).unwrap();
        let step = 1e-5;
        let mean = |own: usize, pattern: (usize, u64), step: f64| {
            let vector = |f: &Features| -> BTreeMap<(usize, u64), f64> {
                (0..=depth).flat_map(|at| f.at(at).iter().map(move |p| ((at, p.0), p.1))).collect()
            };
            let mut at = vector(&features[own]);
            *at.get_mut(&pattern).unwrap() += step;
            let norm = |v: &BTreeMap<_, f64>| v.values().map(|x| x * x).sum::<f64>().sqrt();
            let to_data = features.iter().map(|f| {
                let other = vector(f);
                let product: f64 = at.iter().map(|(k, v)| v * other.get(k).unwrap_or(&0.0)).sum();
                product / norm(&at) / norm(&other)
            });
            process.process().mean(&to_data.collect::<Vec<_>>())
        };
        let a = (0, features[1].at(0)[0].0);
        let slopes: Vec<f64> =
            (0..3).map(|i| (mean(i, a, step) - mean(i, a, -step)) / (2.0 * step)).collect();
        let expected = slopes.iter().sum::<f64>() / 3.0;
        let motif =
            motifs(&process, &dags, &targets).into_iter().find(|m| m.text == "a" && m.graphs == 3).unwrap();
        assert!((motif.gradient - expected).abs() < 1e-6, "{motif:?} {expected}");
    }
}

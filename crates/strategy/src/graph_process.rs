//! What strategies with a Gaussian process over graphs have in common: they differ by its kernels.

use crate::Rng;
use crate::candidates::Candidates;
use crate::model_based::{Evidence, Model};
use nasmyth_space::Genotype;
use nasmyth_surrogate::acquisition::expected_improvement;
use nasmyth_surrogate::{Family, KernelProcess, Matrix, half_rank, k_dpp};
use std::sync::Arc;

/// Candidates with the largest expected improvement that a batch is drawn from, for each member of it.
const SHORTLIST: usize = 8;

/// Expected improvement by a process over graphs, whose kernel is one of a family.
pub(crate) struct GraphProcess<K: Family> {
    candidates: Candidates<K>,
    /// The process whose kernel and noise hold, and the number of trials that these were chosen with.
    chosen: Option<(usize, KernelProcess<K>)>,
    fitted: Option<Fitted<K>>,
    /// Whether batches are drawn from a determinantal point process.
    diverse: bool,
}

/// The process of what is known.
struct Fitted<K: Family> {
    /// Number of trials, the last of them, and those that are open.
    of: (usize, Option<u64>, Vec<Genotype>),
    process: KernelProcess<K>,
    /// Best mean of the trials, which noise has smoothed.
    best: f64,
}

impl<K: Family> GraphProcess<K> {
    /// Batches are one proposal after the other, or diverse.
    pub fn new(diverse: bool) -> Self {
        Self { candidates: Candidates::default(), chosen: None, fitted: None, diverse }
    }

    /// The process given the data. Kernel and noise are chosen anew when there is a tenth more data than last time.
    fn choose(&mut self, data: &[Arc<K::Point>], targets: &[f64]) -> Option<KernelProcess<K>> {
        let kept = self.chosen.as_ref().filter(|(n, _)| 10 * data.len() < 11 * n);
        match kept.and_then(|(_, process)| process.refit(data, targets)) {
            Some(process) => Some(process),
            None => {
                let process = KernelProcess::fit(data, targets)?;
                self.chosen = Some((data.len(), process.clone()));
                Some(process)
            }
        }
    }

    /// Learns, unless it knows all this. Open trials count with their means (Ginsbourger, Le Riche and Carraro 2010: the kriging
    /// believer).
    fn learn(&mut self, evidence: &Evidence<'_>) -> Option<()> {
        let last = evidence.known.iter().map(|known| known.trial).max();
        let of = (evidence.known.len(), last, evidence.open.to_vec());
        if self.fitted.as_ref().is_some_and(|fitted| fitted.of == of) {
            return Some(());
        }
        let values: Vec<f64> = evidence.known.iter().map(|known| known.value).collect();
        let mut targets = half_rank(&values);
        let mut data: Vec<Arc<K::Point>> = evidence
            .known
            .iter()
            .map(|known| self.candidates.point(evidence.space, &known.genotype))
            .collect();
        let mut process = self.choose(&data, &targets)?;
        let best = process.means().into_iter().fold(f64::NEG_INFINITY, f64::max);
        for genotype in evidence.open {
            let point = self.candidates.point(evidence.space, genotype);
            targets.push(process.mean(&point));
            data.push(point);
        }
        if !evidence.open.is_empty() {
            process = process.refit(&data, &targets)?;
        }
        self.candidates.align(&process);
        self.fitted = Some(Fitted { of, process, best });
        Some(())
    }
}

impl<K: Family> Model for GraphProcess<K> {
    /// Improvement is expected where the process knows of it, and that is near what was good: steps from the best candidates find more.
    const ROUNDS: usize = 3;

    /// Expected improvement over the best mean of the trials.
    fn acquire(&mut self, evidence: &Evidence<'_>, pool: &[Genotype], _: &mut Rng) -> Option<Vec<f64>> {
        self.learn(evidence)?;
        let Fitted { process, best, .. } = self.fitted.as_ref()?;
        let predict = |genotype| self.candidates.predict(process, evidence.space, genotype);
        Some(pool.iter().map(predict).map(|prediction| expected_improvement(prediction, *best)).collect())
    }

    /// A draw from the determinantal point process of the covariances given the data, weighted by the expected improvement.
    fn batch(
        &mut self,
        evidence: &Evidence<'_>,
        pool: &[Genotype],
        n: usize,
        rng: &mut Rng,
    ) -> Option<Vec<usize>> {
        if !self.diverse {
            return None;
        }
        let worth = self.acquire(evidence, pool, rng)?;
        let mut order: Vec<usize> = (0..pool.len()).filter(|&i| worth[i] > 0.0).collect();
        order.sort_by(|&a, &b| worth[b].total_cmp(&worth[a]));
        order.truncate(SHORTLIST * n);
        let points: Vec<Arc<K::Point>> =
            order.iter().map(|&i| self.candidates.point(evidence.space, &pool[i])).collect();
        let covariance = self.fitted.as_ref()?.process.covariance(&points);
        let most = order.first().map_or(1.0, |&i| worth[i]);
        let quality = |i: usize| worth[order[i]] / most;
        let weighted = Matrix::symmetric(order.len(), |i, j| quality(i) * covariance.row(i)[j] * quality(j));
        Some(k_dpp::sample(&weighted, n, rng).into_iter().map(|i| order[i]).collect())
    }
}

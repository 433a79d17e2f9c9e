//! Networks that grow: a super-network that begins with one option of each choice (Geada and McGough 2021, SpiderNet).

use super::discretisation::Discretisation;
use super::error::SearchError;
use super::limit::Costs;
use super::regulariser::Probabilities;
use super::relaxation::largest;
use super::running::Running;
use super::space::{Choice, Kept, Kind};
use nasmyth_estimator::StopFlag;
use nasmyth_space::Rng;
use rand::seq::SliceRandom;

/// An option whose gate is open with less than this probability is taken out.
const SELDOM_OPEN: f64 = 0.05;

/// The leanest option of each choice: a skip, so that everything learns from the beginning, or else none, or the cheapest.
pub(super) fn leanest(choices: &[Choice], costs: &Costs) -> Kept {
    let of = |(choice, costs): (&Choice, &Vec<f64>)| {
        let is = |kind: Kind| choice.options.iter().position(|o| o.kind == kind);
        let cheapest = || largest(&costs.iter().map(|c| -c).collect::<Vec<_>>());
        vec![is(Kind::Skip).or_else(|| is(Kind::None)).unwrap_or_else(cheapest)]
    };
    choices.iter().zip(&costs.options).map(of).collect()
}

impl Running<'_> {
    /// After so many epochs: takes out options whose gates have closed, and opens the choices that are due, all by the end of the growth.
    pub(super) fn grow(&mut self, epoch: usize, stop: &StopFlag) -> Result<(), SearchError> {
        let Discretisation::Growing { share, looks } = self.method.discretisation else { return Ok(()) };
        self.prune();
        let choices = self.space.choices().len();
        let growth = (share * self.budget.epochs as f64).max(1.0);
        if epoch >= self.budget.epochs || epoch as f64 >= growth + 1.0 {
            return Ok(());
        }
        let due = ((choices as f64 * epoch as f64 / growth).ceil() as usize).min(choices);
        let wanted = due.saturating_sub(choices - self.at.closed.len());
        let (candidates, fits) = self.promising(wanted, looks, &mut self.rng(usize::MAX - epoch))?;
        for choice in candidates.into_iter().take(wanted) {
            if stop.stopped() {
                return Err(SearchError::Interrupted);
            }
            let kept = if fits { Some(self.opened(&[choice]).0) } else { self.with_room(choice)? };
            if let Some(kept) = kept {
                self.open(choice, kept);
            }
        }
        Ok(())
    }

    /// Random closed choices, so many for each that is wanted, by how fast the validation loss falls with the gates of their new options; and whether
    /// all of them fit into memory together. As closed gates change nothing, one network tells the slopes of all, or of as many as it has room
    /// for. Choices that only other options lead to are not there yet.
    fn promising(
        &mut self,
        wanted: usize,
        looks: usize,
        rng: &mut Rng,
    ) -> Result<(Vec<usize>, bool), SearchError> {
        let drawn = self.at.policy.most_probable();
        let mut candidates = self.at.closed.clone();
        candidates.shuffle(rng);
        candidates.truncate(wanted.saturating_mul(looks));
        let mut fits = true;
        let by = loop {
            if candidates.is_empty() {
                return Ok((candidates, false));
            }
            let (kept, alphas) = self.opened(&candidates);
            match self.network.by_options(&kept, &drawn, &alphas) {
                Ok(by) => break by,
                Err(SearchError::Memory { .. }) if candidates.len() > 1 => {
                    candidates.truncate(candidates.len() / 2);
                    fits = false;
                }
                Err(SearchError::Memory { .. }) => return Ok((candidates, false)),
                Err(error) => return Err(error),
            }
        };
        candidates.retain(|&choice| by[choice].iter().any(|&slope| slope != 0.0));
        let slope = |choice: usize| {
            let new = (0..by[choice].len()).filter(|option| !self.at.kept[choice].contains(option));
            new.map(|option| by[choice][option]).fold(f64::INFINITY, f64::min)
        };
        candidates.sort_by(|&a, &b| slope(a).total_cmp(&slope(b))); // stable
        Ok((candidates, fits))
    }

    /// What is kept when a choice opens: everything, or what memory has room for beside it; nothing if it does not fit beside the least.
    fn with_room(&mut self, choice: usize) -> Result<Option<Kept>, SearchError> {
        let drawn = self.at.policy.most_probable();
        let (mut kept, alphas) = self.opened(&[choice]);
        let p = self.probabilities();
        let best =
            |(c, own): (usize, &Vec<usize>)| if c == choice { own.clone() } else { vec![largest(&p[c])] };
        let least: Kept = kept.iter().enumerate().map(best).collect();
        let mut known_to_fit = false;
        loop {
            match self.network.ready(&kept, &drawn, &alphas) {
                Ok(()) => return Ok(Some(kept)),
                Err(SearchError::Space(_)) => return Ok(None),
                Err(SearchError::Memory { .. }) => {}
                Err(error) => return Err(error),
            }
            known_to_fit = known_to_fit || self.network.ready(&least, &drawn, &alphas).is_ok();
            if !known_to_fit || !shed(&mut kept, &p, Some(choice)) {
                return Ok(None);
            }
        }
    }

    /// Takes out the option of all that is least open, where its choice has others; whether there was one.
    pub(super) fn make_room(&mut self) -> bool {
        let p = self.probabilities();
        self.method.grows() && shed(&mut self.at.kept, &p, None)
    }

    /// All options of these choices: those that were there with open gates, the others with closed ones, so that the network computes what it did.
    fn opened(&self, choices: &[usize]) -> (Kept, Vec<f64>) {
        let (mut kept, mut alphas) = (self.at.kept.clone(), self.at.alphas.clone());
        let [closed, open] = self.method.relaxation.gates(self.at.temperature);
        for &choice in choices {
            let logits = self.network.architecture().logits(choice);
            alphas[logits.clone()].fill(closed);
            kept[choice].iter().for_each(|option| alphas[logits.start + option] = open);
            kept[choice] = (0..logits.len()).collect();
        }
        (kept, alphas)
    }

    /// Opens what fits into memory, for a step as expensive as they become.
    pub(super) fn open_all(&mut self) {
        let drawn = self.at.policy.most_probable();
        for choice in self.at.closed.clone() {
            let (kept, alphas) = self.opened(&[choice]);
            if self.network.ready(&kept, &drawn, &alphas).is_ok() {
                self.open(choice, kept);
            }
        }
    }

    fn open(&mut self, choice: usize, kept: Kept) {
        self.at.alphas = self.opened(&[choice]).1;
        self.at.kept = kept;
        self.at.closed.retain(|&c| c != choice);
    }

    fn prune(&mut self) {
        for (choice, p) in self.probabilities().iter().enumerate() {
            let best = largest(p);
            if self.at.kept[choice].len() > 1 {
                self.at.kept[choice].retain(|&o| o == best || p[o] >= SELDOM_OPEN);
            }
        }
    }
}

/// Takes out the least probable option of a choice other than this one that has more; whether there was one.
fn shed(kept: &mut Kept, p: &Probabilities, except: Option<usize>) -> bool {
    let open = kept.iter().enumerate().filter(|(choice, kept)| kept.len() > 1 && Some(*choice) != except);
    let places = open.flat_map(|(choice, kept)| kept.iter().map(move |&option| (choice, option)));
    let least = places.min_by(|a, b| p[a.0][a.1].total_cmp(&p[b.0][b.1]));
    if let Some((choice, option)) = least {
        kept[choice].retain(|&o| o != option);
    }
    least.is_some()
}

#[cfg(test)]
mod tests {
    use super::super::search::{Budget, Search};
    use super::super::{MergedSpace, published};
    use nasmyth_data::{OpenOptions, open};
    use nasmyth_engine::Engine;
    use nasmyth_estimator::StopFlag;
    use nasmyth_space::{Context, preset};

    #[test]
    fn a_network_computes_after_an_opening_what_it_did_before() {
        let data =
            open("builtin:mnist1d", &OpenOptions { valid_fraction: 0.5, ..OpenOptions::default() }).unwrap();
        let space = MergedSpace::new(&preset("cell", &Context::series(40, 1, 10)).unwrap()).unwrap();
        let (engine, method) = (Engine::cpu(1), &published("spidernet").unwrap().method);
        let budget = Budget { epochs: 8, samples: Some(256), batch: 32, judged: 4, ..Budget::default() };
        let search = Search { method, space: &space, data: &data, engine: &engine, budget, seed: 1 };
        let mut running = search.begin().unwrap();
        assert!(running.at.kept.iter().all(|kept| kept.len() == 1));
        for epoch in 0..3 {
            let drawn = running.at.policy.most_probable();
            for choice in running.at.closed.clone() {
                let (kept, alphas) = running.opened(&[choice]);
                assert!(kept[choice].len() > 1);
                let [before, after] = [(&running.at.kept, &running.at.alphas), (&kept, &alphas)]
                    .map(|(kept, alphas)| running.network.judge(alphas, (kept, &drawn), 2, None).unwrap());
                assert!((before.loss - after.loss).abs() < 1e-5, "{before:?} and {after:?}");
            }
            let closed = running.at.closed.len();
            assert!(running.go_on(&StopFlag::new()).unwrap());
            assert!(running.at.closed.len() < closed, "epoch {epoch} opens");
        }
    }
}

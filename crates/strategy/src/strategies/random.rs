//! Random search.
//!
//! Li and Talwalkar: "Random Search and Reproducibility for Neural Architecture Search", UAI 2019: the baseline that a
//! strategy has to beat.

use super::StrategyKind;
use crate::cell_encoding::{EncodedSpace, GENES, STEPS, encoding};
use crate::{Completed, Problem, Proposal, Rng, Setting, SettingKind, Strategy, StrategyError};
use crate::{distinct, feasible_sample};
use nasmyth_space::Genotype;
use nasmyth_surrogate::encodings::Encoding;

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "random",
    doc: "draws feasible networks at random",
    several: true,
    settings: &[SettingKind {
        name: "encoding",
        doc: "of cells, in whose terms networks are drawn; genes: as the space draws them",
        setting: Setting::Word { default: GENES, options: STEPS },
    }],
    build: |settings| Box::new(Random { encoding: encoding(settings.text("encoding")) }),
};

/// Draws in an encoding's terms before networks are drawn as the space draws them.
const TRIES: usize = 256;

/// Draws feasible genotypes that were not drawn before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Random {
    /// In whose terms cells are drawn; gene by gene without.
    pub encoding: Option<&'static dyn Encoding>,
}

impl Strategy for Random {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        let encoded = self.encoding.map(|e| EncodedSpace::new(problem.space, e)).transpose()?;
        Ok(distinct(problem, n, |problem| {
            let drawn = encoded.as_ref().and_then(|encoded| drawn(encoded, problem, rng));
            drawn.or_else(|| feasible_sample(problem, rng)).map(Proposal::random)
        }))
    }

    fn tell(&mut self, _done: &[Completed]) -> Result<(), StrategyError> {
        Ok(())
    }
}

/// A genotype that may be proposed.
fn drawn(encoded: &EncodedSpace<'_>, problem: &Problem<'_>, rng: &mut Rng) -> Option<Genotype> {
    (0..TRIES).find_map(|_| encoded.sample(rng).filter(|genotype| problem.fresh(genotype)))
}

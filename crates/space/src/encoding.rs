//! Genotypes as vectors of fixed length, for surrogates.

use crate::domain::Domain;
use crate::{Gene, Genotype, Space};

impl Space {
    /// One-hot for choices, numbers scaled to above 0 and up to 1, zeros for absent genes. The length is the same for all
    /// genotypes of the space and different genotypes have different vectors (up to the resolution of `f32`). A genotype of
    /// another space is repaired first.
    pub fn encode(&self, genotype: &Genotype) -> Vec<f32> {
        let chosen = self.slots().repaired(genotype);
        let mut code = Vec::with_capacity(self.encoded_len());
        for (slot, gene) in self.slots().list().iter().zip(chosen) {
            if slot.domain.is_free() {
                encode(&slot.domain, gene, &mut code);
            }
        }
        code
    }

    /// Length of [`encode`](Self::encode)'s vectors.
    pub fn encoded_len(&self) -> usize {
        self.slots().list().iter().filter(|s| s.domain.is_free()).map(|s| width(&s.domain)).sum()
    }
}

fn width(domain: &Domain) -> usize {
    match domain {
        Domain::Options(values) => values.len(),
        Domain::Branch(names) => names.len(),
        _ => 1,
    }
}

fn encode(domain: &Domain, gene: Option<Gene>, code: &mut Vec<f32>) {
    let at = code.len();
    code.resize(at + width(domain), 0.0);
    match (domain, gene) {
        (Domain::Options(_) | Domain::Branch(_), Some(Gene::Index(i))) => code[at + i as usize] = 1.0,
        (_, Some(Gene::Index(i))) => code[at] = (f64::from(i + 1) / f64::from(domain.points())) as f32,
        (Domain::Real { low, high }, Some(Gene::Real(v))) => {
            // Half the range for presence, so that the smallest number is not an absent one.
            code[at] = (0.5 + 0.5 * (v - low) / (high - low)) as f32;
        }
        _ => {}
    }
}

//! Genotypes of one space, as tables of measured networks have them: a Gaussian process over their genes.

use super::{ModelError, Prediction, log_of, quantile};
use nasmyth_surrogate::{AnovaKernel, CategoricalProcess};
use serde::{Deserialize, Serialize};

/// The logarithm of the seconds is a sum of functions of one gene, of two ...: [`CategoricalProcess`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Cells {
    /// 95 % of the absolute errors of the logarithm are below it, each network predicted by the others.
    margin: f64,
    process: CategoricalProcess,
}

/// What a file holds; the process is made of it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    margin: f64,
    weight: f64,
    noise: f64,
    /// For each network its genes and the logarithm of its seconds.
    #[serde(with = "super::rows")]
    data: Vec<(Vec<u32>, f64)>,
}

impl From<Cells> for Stored {
    fn from(model: Cells) -> Self {
        let (kernel, noise, data, targets) = model.process.parts();
        let data = data.iter().cloned().zip(targets.iter().copied()).collect();
        Self { margin: model.margin, weight: kernel.weight, noise, data }
    }
}

impl TryFrom<Stored> for Cells {
    type Error = ModelError;

    fn try_from(stored: Stored) -> Result<Self, ModelError> {
        let (data, targets): (Vec<Vec<u32>>, Vec<f64>) = stored.data.into_iter().unzip();
        let kernel = AnovaKernel { weight: stored.weight };
        let process = CategoricalProcess::new(kernel, stored.noise, &data, &targets);
        let broken = || {
            ModelError::Broken("expected genotypes of one length, a weight and a noise above zero".to_owned())
        };
        Ok(Self { margin: stored.margin, process: process.ok_or_else(broken)? })
    }
}

impl Cells {
    /// From genotypes, as the options of their genes, and seconds.
    ///
    /// # Errors
    /// No genotype, genotypes that differ in length, or a time that is none.
    pub fn fit(genotypes: &[Vec<u32>], seconds: &[f64]) -> Result<Self, ModelError> {
        let logs = seconds.iter().enumerate().map(|(i, &s)| log_of(i, s)).collect::<Result<Vec<_>, _>>()?;
        let process = CategoricalProcess::fit(genotypes, &logs);
        let broken = || ModelError::Broken("expected genotypes of one length, at least one".to_owned());
        let process = process.ok_or_else(broken)?;
        let kept = process.parts().2;
        let dropped = genotypes.iter().zip(&logs).filter(|(genotype, _)| !kept.contains(genotype));
        let mut errors = process.left_out();
        errors.extend(dropped.map(|(genotype, log)| (process.mean(genotype) - log).abs()));
        Ok(Self { margin: quantile(errors, 0.95), process })
    }

    /// Time of a genotype.
    pub fn seconds(&self, genotype: &[u32]) -> Prediction {
        Prediction::from_log(self.log_seconds(genotype), self.margin)
    }

    /// Logarithm of its seconds.
    pub fn log_seconds(&self, genotype: &[u32]) -> f64 {
        self.process.mean(genotype)
    }
}

//! Genotypes of one space, as tables of measured networks have them: a look-up table of their options, and a Gaussian process around it.

use super::{ModelError, Prediction, log_of, quantile};
use nasmyth_surrogate::{AnovaKernel, CategoricalProcess, non_negative_least_squares};
use serde::{Deserialize, Serialize};

/// Seconds are a sum over genes, fitted with relative errors; what that leaves of the logarithm is a sum of functions of one gene, of two ...:
/// [`CategoricalProcess`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Cells {
    /// 95 % of the absolute errors of the logarithm are below it, each network predicted by the others.
    margin: f64,
    least: f64,
    table: Vec<Vec<f64>>,
    process: CategoricalProcess,
}

/// What a file holds; the process is made of it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    margin: f64,
    /// Seconds that the table gives at least.
    least: f64,
    /// For each gene the seconds of each option.
    table: Vec<Vec<f64>>,
    weight: f64,
    noise: f64,
    /// For each network its genes and what the table leaves of the logarithm of its seconds.
    #[serde(with = "super::rows")]
    data: Vec<(Vec<u32>, f64)>,
}

impl From<Cells> for Stored {
    fn from(model: Cells) -> Self {
        let (kernel, noise, data, targets) = model.process.parts();
        let data = data.iter().cloned().zip(targets.iter().copied()).collect();
        Self {
            margin: model.margin,
            least: model.least,
            table: model.table,
            weight: kernel.weight,
            noise,
            data,
        }
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
        Ok(Self {
            margin: stored.margin,
            least: stored.least,
            table: stored.table,
            process: process.ok_or_else(broken)?,
        })
    }
}

impl Cells {
    /// From genotypes, as the options of their genes, and seconds.
    ///
    /// # Errors
    /// No genotype, genotypes that differ in length, or a time that is none.
    pub fn fit(genotypes: &[Vec<u32>], seconds: &[f64]) -> Result<Self, ModelError> {
        let logs = seconds.iter().enumerate().map(|(i, &s)| log_of(i, s)).collect::<Result<Vec<_>, _>>()?;
        let broken = || ModelError::Broken("expected genotypes of one length, at least one".to_owned());
        // What the genes cannot explain is wrong measurements: least squares must not see them.
        let plain = CategoricalProcess::fit(genotypes, &logs).ok_or_else(broken)?;
        let (_, _, agreeing, targets) = plain.parts();
        let table = table_of(agreeing, targets);
        // A network of options that take nothing takes something.
        let least = 0.5 * targets.iter().copied().fold(f64::INFINITY, f64::min).exp();
        let rest: Vec<f64> =
            genotypes.iter().zip(&logs).map(|(g, log)| log - log_sum(&table, least, g)).collect();
        let process = CategoricalProcess::fit(genotypes, &rest).ok_or_else(broken)?;
        let kept = process.parts().2;
        let dropped = genotypes.iter().zip(&rest).filter(|(genotype, _)| !kept.contains(genotype));
        let mut errors = process.left_out();
        errors.extend(dropped.map(|(genotype, rest)| (process.mean(genotype) - rest).abs()));
        Ok(Self { margin: quantile(errors, 0.95), least, table, process })
    }

    /// Time of a genotype.
    pub fn seconds(&self, genotype: &[u32]) -> Prediction {
        Prediction::from_log(self.log_seconds(genotype), self.margin)
    }

    /// Logarithm of its seconds.
    pub fn log_seconds(&self, genotype: &[u32]) -> f64 {
        log_sum(&self.table, self.least, genotype) + self.process.mean(genotype)
    }
}

/// The non-negative seconds of each option whose sums have the smallest relative errors.
fn table_of(genotypes: &[Vec<u32>], logs: &[f64]) -> Vec<Vec<f64>> {
    let genes = genotypes.first().map_or(0, Vec::len);
    let options = |g: usize| genotypes.iter().map(|genotype| genotype[g] as usize + 1).max().unwrap_or(0);
    let sizes: Vec<usize> = (0..genes).map(options).collect();
    let row = |(genotype, log): (&Vec<u32>, &f64)| {
        let hot = |(&option, &size): (&u32, &usize)| {
            (0..size).map(move |o| f64::from(u8::from(o == option as usize)))
        };
        genotype.iter().zip(&sizes).flat_map(hot).map(|v| v / log.exp()).collect()
    };
    let rows: Vec<Vec<f64>> = genotypes.iter().zip(logs).map(row).collect();
    let mut x = non_negative_least_squares(&rows, &vec![1.0; rows.len()]).into_iter();
    sizes.iter().map(|&size| x.by_ref().take(size).collect()).collect()
}

/// Logarithm of the seconds of a genotype in a table, at least of `least`; an option that it does not have takes none.
fn log_sum(table: &[Vec<f64>], least: f64, genotype: &[u32]) -> f64 {
    let seconds =
        genotype.iter().zip(table).filter_map(|(&option, seconds)| seconds.get(option as usize)).sum::<f64>();
    seconds.max(least).ln()
}

//! How a super-network is trained and judged, as data.

use super::{ControllerPlan, OneShotError};
use crate::Partition;
use nasmyth_space::Space;
use serde::{Deserialize, Serialize};

/// How sub-networks are sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// One a step, uniform over the options of each gene (Guo et al. 2020, section 3.2).
    #[default]
    Uniform,
    /// As many a step as the gene with the most options has, so that each option of each gene is trained once before the weights
    /// move, all on one batch (Chu et al. 2021, algorithm 1). Genes with fewer options repeat theirs.
    Fair,
}

/// What the statistics of batch norms are measured on before a sub-network is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatisticsOf {
    /// Batches of the training part (Guo et al. 2020, section 3.4).
    #[default]
    Training,
    /// Batches of the samples that it is judged on, without their labels: the current batch's statistics of Yu et al. 2020, section 4.1.
    Judged,
    /// Nothing: the running averages over all sub-networks that shared the layer.
    Running,
}

/// How the weights are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitBy {
    /// Weights of its own for each option of the gene (Zhao et al. 2021, section 3.2).
    Options,
    /// Two groups of options whose gradients of the shared weights agree least with each other, of the gene where they do so least (Hu et
    /// al. 2022, section 3).
    Gradients,
    /// Two groups of options whose networks' features have intrinsic dimensions that differ most, layer by layer, of the gene where they do so
    /// most (He et al. 2023).
    Dimension,
}

/// Few-shot search: from when on parts of the space have weights of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitPlan {
    /// How.
    pub by: SplitBy,
    /// Genes to split by, one after the other.
    pub count: usize,
    /// Paths of the genes that may be taken; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub genes: Vec<String>,
    /// Share of the training before the split, in 0..1.
    pub after: f64,
}

/// Shrinking of the space: from when on only the best options are sampled and searched (Chen et al. 2021).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShrinkPlan {
    /// Share of the training before, in 0..1.
    pub after: f64,
    /// Options that stay of each unordered gene, at least 1.
    pub keep: usize,
    /// Weight of the diversity of outputs beside the potential, each in standard deviations over the options of a gene; at least 0.
    pub diversity: f64,
    /// Random networks whose inherited values tell the potential.
    pub networks: usize,
}

impl Default for ShrinkPlan {
    fn default() -> Self {
        Self { after: 0.5, keep: 3, diversity: 1.0, networks: 128 }
    }
}

/// How a super-network is trained and judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneShot {
    /// How sub-networks are sampled.
    pub sampling: Sampling,
    /// What the statistics of batch norms are measured on.
    pub statistics: StatisticsOf,
    /// Batches that they are measured on.
    pub calibration: usize,
    /// Groups that sub-networks are thrown into at random, with weights of their own each (group sharing: Zhang et al. 2020,
    /// section 5.1); 1 shares all.
    pub groups: u32,
    /// Layers whose names begin with one of these words are shared by all groups and parts (prefix sharing, the same section).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub common: Vec<String>,
    /// Whether and how the weights are split on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitPlan>,
    /// Whether and when options are left out on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrinking: Option<ShrinkPlan>,
    /// What samples sub-networks in place of uniform sampling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller: Option<ControllerPlan>,
}

impl Default for OneShot {
    fn default() -> Self {
        Self {
            sampling: Sampling::default(),
            statistics: StatisticsOf::default(),
            calibration: 8,
            groups: 1,
            common: Vec::new(),
            split: None,
            shrinking: None,
            controller: None,
        }
    }
}

impl ShrinkPlan {
    fn check(&self) -> Result<(), OneShotError> {
        let wrong = |at: &'static str, expected: &str, got: String| {
            Err(OneShotError::Setting { at, expected: expected.to_owned(), got })
        };
        if !(self.after > 0.0 && self.after < 1.0) {
            return wrong("shrinking.after", "a share above 0 and below 1", self.after.to_string());
        }
        if self.keep == 0 {
            return wrong("shrinking.keep", "at least 1 option", "0".to_owned());
        }
        if !(self.diversity.is_finite() && self.diversity >= 0.0) {
            return wrong("shrinking.diversity", "a number of at least 0", self.diversity.to_string());
        }
        match (1..=1 << 14).contains(&self.networks) {
            true => Ok(()),
            false => wrong("shrinking.networks", "1 to 16384", self.networks.to_string()),
        }
    }
}

impl OneShot {
    /// Whether the settings fit a space.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self, space: &Space) -> Result<(), OneShotError> {
        let wrong = |at: &'static str, expected: &str, got: String| {
            Err(OneShotError::Setting { at, expected: expected.to_owned(), got })
        };
        if !(1..=1 << 12).contains(&self.calibration) {
            return wrong("calibration", "1 to 4096 batches", self.calibration.to_string());
        }
        if !(1..=1 << 12).contains(&self.groups) {
            return wrong("groups", "1 to 4096", self.groups.to_string());
        }
        if let Some(controller) = &self.controller {
            controller.check()?;
            if self.sampling != Sampling::Uniform {
                return wrong(
                    "sampling",
                    "uniform, as a controller samples one network a step",
                    "fair".to_owned(),
                );
            }
        }
        if let Some(shrinking) = &self.shrinking {
            shrinking.check()?;
            let beside = [
                ("split", self.split.is_some()),
                ("controller", self.controller.is_some()),
                ("groups", self.groups > 1),
                ("sampling", self.sampling != Sampling::Uniform),
            ];
            if let Some((at, _)) = beside.into_iter().find(|(_, given)| *given) {
                return wrong(at, "the default beside [shrinking]", "another setting".to_owned());
            }
        }
        let Some(split) = &self.split else { return Ok(()) };
        if !(split.after > 0.0 && split.after < 1.0) {
            return wrong("split.after", "a share above 0 and below 1", split.after.to_string());
        }
        let known: Vec<String> = space.genes().map(|g| g.path).collect();
        if let Some(unknown) = split.genes.iter().find(|path| !known.contains(path)) {
            let expected = format!("genes of space `{}`: {}", space.name(), shortened(&known));
            return Err(OneShotError::Setting { at: "split.genes", expected, got: format!("`{unknown}`") });
        }
        let most = super::split::candidates(space, split, &[]).len();
        match (1..=most).contains(&split.count) {
            true => Ok(()),
            false => {
                let expected = format!("1 to {most}, the genes that the space can be split by");
                Err(OneShotError::Setting { at: "split.count", expected, got: split.count.to_string() })
            }
        }
    }

    /// The partition before any split.
    pub(crate) fn partition(&self) -> Partition {
        Partition { groups: self.groups, common: self.common.clone(), splits: Vec::new() }
    }
}

/// The first names of a list.
fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let more = if names.len() > SHOWN { ", .." } else { "" };
    format!("{}{more}", names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", "))
}

//! Methods as data: five choices and their settings.

use super::discretisation::Discretisation;
use super::error::SearchError;
use super::hypergradient::Hypergradient;
use super::limit::Limit;
use super::regulariser::Regulariser;
use super::relaxation::Relaxation;
use super::space::Kernels;
use serde::{Deserialize, Serialize};

/// A differentiable search, whatever the space, the data and the time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Method {
    /// From logits to weights.
    pub relaxation: Relaxation,
    /// Temperature in the first and the last epoch; geometric between.
    pub temperature: [f64; 2],
    /// Of the channels, one in so many goes through the options; 1: all.
    pub partial: usize,
    /// What becomes of options that differ in a kernel only.
    pub kernels: Kernels,
    /// Whether edges into a value are weighed against each other.
    pub edge_normalisation: bool,
    /// The gradient of the architecture.
    pub hypergradient: Hypergradient,
    /// What is added to the validation loss.
    pub regulariser: Regulariser,
    /// What costs do.
    pub limit: Limit,
    /// When and how choices are decided.
    pub discretisation: Discretisation,
    /// Share of the epochs in which the weights alone learn.
    pub warmup: f64,
    /// How far a logit can move over the whole search: learning rate of the architecture times its steps. So a short search comes to
    /// the same distributions as a long one.
    pub reach: f64,
    /// Share of the old direction that the architecture's optimiser (Adam) keeps.
    pub momentum: f64,
    /// Weight decay of the architecture.
    pub decay: f64,
}

/// A method of the literature.
pub struct Published {
    /// Name on the command line.
    pub name: &'static str,
    /// Where it was published.
    pub paper: &'static str,
    /// The five choices and their settings.
    pub method: Method,
}

/// First-order DARTS, which the others are described by.
const FIRST_ORDER: Method = Method {
    relaxation: Relaxation::Softmax,
    temperature: [1.0, 1.0],
    partial: 1,
    kernels: Kernels::Apart,
    edge_normalisation: false,
    hypergradient: Hypergradient::FirstOrder,
    regulariser: Regulariser::None,
    limit: Limit::None,
    discretisation: Discretisation::Argmax,
    warmup: 0.0,
    reach: 6.0,
    momentum: 0.5,
    decay: 1e-3,
};

/// Judged by so many batches, an option's accuracy has a standard error of about 1 %.
const PERTURBATION: Discretisation = Discretisation::Perturbation { tune: 1.0, batches: 32 };

/// Every method of the literature. The choices are those of the papers; numbers are where a paper gives one for cells on small images, and
/// Nasmyth's own elsewhere.
pub static PUBLISHED: &[Published] = &[
    Published { name: "darts", paper: "Liu, Simonyan and Yang 2019, first order", method: FIRST_ORDER },
    Published {
        name: "darts-v2",
        paper: "Liu, Simonyan and Yang 2019, second order",
        method: Method { hypergradient: Hypergradient::Unrolled { rate: None }, ..FIRST_ORDER },
    },
    Published {
        name: "pr-darts",
        paper: "Zhou, Xiong, Socher and Hoi 2020 (theory-inspired path-regularised DARTS)",
        method: Method {
            relaxation: Relaxation::HardConcrete { stretch: 0.1 },
            regulariser: Regulariser::PathDepth { depth: 0.5, skip: 0.1, other: 0.05 },
            ..FIRST_ORDER
        },
    },
    Published {
        name: "beta-darts",
        paper: "Ye et al. 2022",
        method: Method { regulariser: Regulariser::BetaDecay { weight: 50.0 }, ..FIRST_ORDER },
    },
    Published {
        name: "idarts",
        paper: "Zhang, Su, Pan, Chang, Abbasnejad and Haffari 2021 (stochastic implicit gradients); Lorraine, Vicol and \
                Duvenaud 2020",
        method: Method { hypergradient: Hypergradient::Implicit { terms: 2, rate: 0.01 }, ..FIRST_ORDER },
    },
    Published {
        name: "sharpdarts",
        paper: "Hundt, Jain and Hager 2019 (Max-W)",
        method: Method { relaxation: Relaxation::MaxW, ..FIRST_ORDER },
    },
    Published {
        name: "fbnet",
        paper: "Wu et al. 2019",
        method: Method {
            relaxation: Relaxation::Gumbel,
            temperature: [5.0, 0.5],
            limit: Limit::Product { factor: 0.2, exponent: 0.6 },
            warmup: 0.1,
            ..FIRST_ORDER
        },
    },
    Published {
        name: "gdas",
        paper: "Dong and Yang 2019 (searching for a robust architecture in four GPU hours)",
        method: Method {
            relaxation: Relaxation::HardGumbel,
            temperature: [10.0, 0.1],
            reach: 29.0,
            ..FIRST_ORDER
        },
    },
    Published {
        name: "unas",
        paper: "Vahdat, Mallya, Liu and Kautz 2020",
        method: Method {
            relaxation: Relaxation::Rebar,
            temperature: [0.4, 0.4],
            regulariser: Regulariser::Gap { weight: 0.5 },
            limit: Limit::Refused { weight: 1.0, draws: 16 },
            warmup: 0.1,
            decay: 0.0,
            ..FIRST_ORDER
        },
    },
    Published {
        name: "small-temperature",
        paper: "Zhang et al. 2022 (small-temperature DARTS)",
        method: Method {
            relaxation: Relaxation::SparseNoisySoftmax { share: 0.5 },
            temperature: [1.0, 0.05],
            regulariser: Regulariser::Entropy { weight: 0.1 },
            ..FIRST_ORDER
        },
    },
    Published {
        name: "proxyless",
        paper: "Cai, Zhu and Han 2019 (ProxylessNAS)",
        method: Method {
            relaxation: Relaxation::BinaryGate,
            limit: Limit::Sum { weight: 0.1 },
            momentum: 0.0,
            decay: 0.0,
            ..FIRST_ORDER
        },
    },
    Published {
        name: "hardcore",
        paper: "Nayman, Aflalo, Noy and Zelnik-Manor 2021 (HardCoRe-NAS)",
        method: Method {
            relaxation: Relaxation::Identity,
            limit: Limit::Polytope { share: 0.5 },
            warmup: 0.2,
            momentum: 0.9,
            decay: 0.0,
            ..FIRST_ORDER
        },
    },
    Published {
        name: "darts-pt",
        paper: "Wang, Cheng, Chen, Tang and Hsieh 2021",
        method: Method { discretisation: PERTURBATION, ..FIRST_ORDER },
    },
    Published {
        name: "blank-pt",
        paper: "Wang, Cheng, Chen, Tang and Hsieh 2021, with fixed logits",
        method: Method { discretisation: PERTURBATION, warmup: 1.0, ..FIRST_ORDER },
    },
    Published {
        name: "pc-darts",
        paper: "Xu et al. 2020",
        method: Method { partial: 4, edge_normalisation: true, warmup: 0.3, reach: 2.0, ..FIRST_ORDER },
    },
    Published {
        name: "spidernet",
        paper: "Geada and McGough 2021",
        method: Method {
            relaxation: Relaxation::HardConcrete { stretch: 0.1 },
            regulariser: Regulariser::PathDepth { depth: 0.0, skip: 0.05, other: 0.05 },
            discretisation: Discretisation::Growing { share: 0.5, looks: 4 },
            ..FIRST_ORDER
        },
    },
    Published {
        name: "dash",
        paper: "Shen, Khodak and Talwalkar 2022",
        method: Method { kernels: Kernels::Mixed, relaxation: Relaxation::Gumbel, ..FIRST_ORDER },
    },
    Published {
        name: "single-path",
        paper: "Stamoulis et al. 2019 (Single-Path NAS), with sampled sizes in place of thresholds",
        method: Method {
            kernels: Kernels::Shared,
            relaxation: Relaxation::Rebar,
            temperature: [0.4, 0.4],
            limit: Limit::Sum { weight: 0.1 },
            warmup: 0.1,
            decay: 0.0,
            ..FIRST_ORDER
        },
    },
    Published {
        name: "rarts",
        paper: "Xue, Qi and Xin 2022",
        method: Method {
            hypergradient: Hypergradient::NetworkSplitting { train: 1.0, together: 0.1 },
            ..FIRST_ORDER
        },
    },
    Published {
        name: "sgas",
        paper: "Li et al. 2020, criterion 1",
        method: Method {
            discretisation: Discretisation::Greedy { window: None },
            warmup: 0.2,
            ..FIRST_ORDER
        },
    },
    Published {
        name: "sgas-stable",
        paper: "Li et al. 2020, criterion 2",
        method: Method {
            discretisation: Discretisation::Greedy { window: Some(4) },
            warmup: 0.2,
            ..FIRST_ORDER
        },
    },
];

/// Each network that is drawn is lowered, in every step.
const MOST_DRAWS: usize = 1024;

/// Names that look less alike than this are no slip of the keyboard (Jaro-Winkler).
const ALIKE: f64 = 0.8;

/// The published method of this name.
///
/// # Errors
/// No such name.
pub fn published(name: &str) -> Result<&'static Published, SearchError> {
    let names = || PUBLISHED.iter().map(|p| p.name);
    PUBLISHED.iter().find(|p| p.name == name).ok_or_else(|| SearchError::Method {
        got: name.to_owned(),
        nearest: (names().map(|n| (strsim::jaro_winkler(n, name), n)))
            .filter(|(likeness, _)| *likeness > ALIKE)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, n)| n.to_owned()),
        known: names().collect::<Vec<_>>().join(", "),
    })
}

/// A published method with some of its settings changed.
///
/// ```
/// use nasmyth_supernet::relaxed::method_named;
/// let method = method_named("darts", &"relaxation = 'max-w'\nwarmup = 0.2".parse()?)?;
/// assert_eq!(method.warmup, 0.2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// No such method, or settings that none can have.
pub fn method_named(name: &str, settings: &toml::Table) -> Result<Method, SearchError> {
    let wrong = |problem: String| SearchError::Settings { method: name.to_owned(), problem };
    let base = &published(name)?.method;
    let mut table = toml::Table::try_from(base).map_err(|e| wrong(e.to_string()))?;
    table.extend(settings.clone());
    let method: Method = table.try_into().map_err(|e: toml::de::Error| wrong(e.message().to_owned()))?;
    match method.problem() {
        None => Ok(method),
        Some(problem) => Err(wrong(problem)),
    }
}

impl Method {
    /// Whether the super-network begins with one option of each choice.
    pub fn grows(&self) -> bool {
        matches!(self.discretisation, Discretisation::Growing { .. })
    }

    /// What is wrong with the settings, if anything.
    pub fn problem(&self) -> Option<String> {
        let positive = |v: f64| v.is_finite() && v > 0.0;
        let at_least_0 = |v: f64| v.is_finite() && v >= 0.0;
        let share = |v: f64| (0.0..=1.0).contains(&v);
        let hard = matches!(self.limit, Limit::Polytope { .. });
        let gates = matches!(self.relaxation, Relaxation::HardConcrete { .. });
        let relaxation = match self.relaxation {
            Relaxation::SparseNoisySoftmax { share: s } => share(s),
            Relaxation::HardConcrete { stretch } => positive(stretch),
            _ => true,
        };
        let limit = match self.limit {
            Limit::None => true,
            Limit::Product { factor, exponent } => positive(factor) && positive(exponent),
            Limit::Sum { weight } => at_least_0(weight),
            Limit::Refused { weight, draws } => at_least_0(weight) && (2..=MOST_DRAWS).contains(&draws),
            Limit::Polytope { share: s } => share(s),
        };
        let hypergradient = match self.hypergradient {
            Hypergradient::FirstOrder => true,
            Hypergradient::Unrolled { rate } => rate.is_none_or(positive),
            Hypergradient::Implicit { rate, .. } => positive(rate),
            Hypergradient::NetworkSplitting { train, together } => positive(train) && positive(together),
        };
        let discretisation = match self.discretisation {
            Discretisation::Perturbation { tune, batches } => at_least_0(tune) && batches > 0,
            Discretisation::Greedy { window } => window.is_none_or(|w| w > 0),
            Discretisation::Growing { share: s, looks } => share(s) && looks > 0,
            Discretisation::Argmax => true,
        };
        let regulariser = match self.regulariser {
            Regulariser::None => true,
            Regulariser::PathDepth { depth, skip, other } => [depth, skip, other].into_iter().all(at_least_0),
            Regulariser::Entropy { weight }
            | Regulariser::BetaDecay { weight }
            | Regulariser::Gap { weight } => at_least_0(weight),
        };
        let checks = [
            (self.temperature.into_iter().all(positive), "temperature: both numbers must be above 0"),
            (self.partial >= 1, "partial must be at least 1"),
            (share(self.warmup), "warmup must be a share in 0..=1"),
            (at_least_0(self.reach), "reach must be at least 0"),
            ((0.0..1.0).contains(&self.momentum), "momentum must be in 0..1"),
            (at_least_0(self.decay), "decay must be at least 0"),
            (relaxation, "relaxation: share must be in 0..=1, stretch above 0"),
            (hypergradient, "hypergradient: its numbers must be above 0"),
            (regulariser, "regulariser: its numbers must be at least 0"),
            (limit, "limit: share must be in 0..=1, draws in 2..=1024, other numbers above 0"),
            (
                discretisation,
                "discretisation: batches, window and looks must be at least 1, tune at least 0, share in 0..=1",
            ),
            (
                hard == (self.relaxation == Relaxation::Identity),
                "limit `polytope` and relaxation `identity` go together only",
            ),
            (!(hard && self.edge_normalisation), "limit `polytope` takes no edge normalisation"),
            (
                self.kernels == Kernels::Apart || (self.partial == 1 && !self.edge_normalisation && !gates),
                "kernels are mixed or shared without partial channels, edge normalisation and gates: norms behind them undo what scales a kernel",
            ),
            (
                self.relaxation != Relaxation::Rebar || self.hypergradient == Hypergradient::FirstOrder,
                "relaxation `rebar` goes with hypergradient `first-order` only",
            ),
            (gates || !self.grows(), "discretisation `growing` is for relaxations by gates: `hard-concrete`"),
            (
                !(self.relaxation == Relaxation::Rebar && self.edge_normalisation),
                "relaxation `rebar` takes no edge normalisation",
            ),
        ];
        checks.iter().find(|(ok, _)| !ok).map(|(_, message)| (*message).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_method_is_sound_and_survives_toml() {
        for p in PUBLISHED {
            assert_eq!(p.method.problem(), None, "{}", p.name);
            assert_eq!(method_named(p.name, &toml::Table::new()).unwrap(), p.method, "{}", p.name);
        }
    }

    #[test]
    fn a_line_of_settings_makes_a_new_method_and_wrong_ones_say_what_is_wrong() {
        let line = "discretisation = { perturbation = { tune = 0.5, batches = 8 } }";
        let method = method_named("sharpdarts", &line.parse().unwrap()).unwrap();
        assert_eq!(method.relaxation, Relaxation::MaxW);
        assert_eq!(method.discretisation, Discretisation::Perturbation { tune: 0.5, batches: 8 });
        let message =
            |name: &str, line: &str| method_named(name, &line.parse().unwrap()).unwrap_err().to_string();
        assert!(message("dart", "").contains("did you mean `darts`"));
        assert!(message("darts", "warmup = 2.0").contains("0..=1"));
        assert!(message("darts", "warm = 2.0").contains("unknown field `warm`"));
        assert!(message("darts", "relaxation = 'identity'").contains("polytope"));
    }
}

//! What the model is told.

use super::Tried;
use nasmyth_space::{Genotype, Space, Value};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

/// The form of an answer.
pub(super) const RULES: &str = "You are an expert in the design of neural networks. You propose networks of a given search space. \
You answer with one JSON object and nothing else, in this form: {\"networks\": [{\"GENE\": VALUE, ...}, ...]}. A network gives a value \
to every gene that exists under its other choices, and to no other gene.";

/// The task, the space and the results.
pub(super) struct Prompt<'a> {
    pub space: &'a Space,
    /// Whether `best` are the parents of what is asked for.
    pub evolve: bool,
    pub best: &'a [&'a Tried],
    pub latest: &'a [&'a Tried],
    pub broke: &'a VecDeque<(Genotype, f64)>,
    pub wanted: usize,
}

impl fmt::Display for Prompt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Search space: {}", self.space.doc())?;
        writeln!(f, "\nGenes and their values:")?;
        genes(self.space).iter().try_for_each(|line| writeln!(f, "- {line}"))?;
        let default = network(self.space, &self.space.default_genotype());
        writeln!(f, "\nA network of this space, for the form: {default}")?;
        let (best, latest) = match self.evolve {
            true => ("Parents", "Further results"),
            false => ("The best results so far", "The latest results"),
        };
        self.results(f, best, self.best)?;
        self.results(f, latest, self.latest)?;
        if !self.broke.is_empty() {
            writeln!(f, "\nThese were refused: networks that break the hard limits are never trained:")?;
            for (genotype, violation) in self.broke {
                writeln!(f, "- {}: {}", breaks(*violation), network(self.space, genotype))?;
            }
        }
        let wanted = self.wanted;
        match self.evolve {
            true => write!(
                f,
                "\nPropose {wanted} new networks that combine and change these parents so that their values are higher than those of the parents."
            ),
            false => write!(
                f,
                "\nPropose {wanted} new networks, different from each other and from those above, that you expect to have the highest values."
            ),
        }
    }
}

impl Prompt<'_> {
    fn results(&self, f: &mut fmt::Formatter<'_>, title: &str, trials: &[&Tried]) -> fmt::Result {
        if trials.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n{title} (higher values are better):")?;
        trials.iter().try_for_each(|trial| {
            let value = trial.value.map_or("training failed".to_owned(), |value| format!("value {value:.5}"));
            writeln!(f, "- {value}: {}", network(self.space, &trial.genotype))
        })
    }
}

/// What is wrong with a network that breaks the limits by this share.
pub(super) fn breaks(violation: f64) -> String {
    match violation.is_finite() {
        true => format!("it breaks the hard limits by {:.1} %", 100.0 * violation),
        false => "it is no network that fits together".to_owned(),
    }
}

/// What is said after an answer without a usable network.
pub(super) fn again(complaints: &[String]) -> String {
    let complaints = match complaints {
        [] => "it holds no network".to_owned(),
        complaints => complaints.join("; "),
    };
    format!(
        "This answer cannot be used: {complaints}. Answer again, with other networks, in the form that was asked for."
    )
}

/// A network as one JSON object; `{}` if it is not of the space.
pub(super) fn network(space: &Space, genotype: &Genotype) -> String {
    let json = |value: &Value| match value {
        Value::Int(_) | Value::Float(_) | Value::Bool(_) => value.to_string(),
        Value::Word(word) => serde_json::Value::from(word.as_str()).to_string(),
    };
    let values = space.values(genotype).unwrap_or_default();
    let pair = |(path, value): &(String, Value)| {
        format!("{}: {}", serde_json::Value::from(path.as_str()), json(value))
    };
    format!("{{{}}}", values.iter().map(pair).collect::<Vec<_>>().join(", "))
}

/// A line for each gene. Genes of repetitions that offer the same values share one.
fn genes(space: &Space) -> Vec<String> {
    let genes: Vec<_> = space.genes().collect();
    let mut domains: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for gene in &genes {
        domains.entry(starred(&gene.path)).or_default().push(&gene.domain);
    }
    let mut lines: Vec<String> = Vec::new();
    for gene in &genes {
        let star = starred(&gene.path);
        let same = domains[&star].iter().all(|domain| **domain == gene.domain);
        let line = match same && star != gene.path {
            true => format!("{star} (for each repetition [*], counted from 0): {}", gene.domain),
            false => format!("{}: {}", gene.path, gene.domain),
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// A path with a star for the number of each repetition.
fn starred(path: &str) -> String {
    let mut parts = path.split('[');
    let mut star = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        star.push_str("[*");
        star.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    star
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_space::{SpaceError, Tree};

    fn space() -> Space {
        let layer = Tree::group([
            Tree::choice("width", [4, 8]),
            Tree::one_of("op", [("conv", Tree::int("kernel", 1..=7, 2)), ("skip", Tree::nothing())]),
        ]);
        let tree = Tree::group([Tree::repeat("layers", 1..=3, layer), Tree::real("rate", 0.0..=1.0)]);
        Space::new("small", "A small space.", tree, |_| {
            Err(SpaceError::GenotypeText { text: String::new(), got: String::new(), position: 1 })
        })
        .unwrap()
    }

    #[test]
    fn genes_of_repetitions_share_a_line() {
        let lines = genes(&space());
        assert_eq!(lines.len(), 5, "{lines:?}");
        assert_eq!(lines[0], "layers: a number of repetitions 1..=3");
        assert_eq!(lines[1], "layers[*].width (for each repetition [*], counted from 0): one of 4, 8");
        assert!(lines[3].starts_with("layers[*].op.conv.kernel (for each"), "{}", lines[3]);
        assert_eq!(lines[4], "rate: a number 0.0..=1.0");
    }

    #[test]
    fn the_prompt_tells_space_limits_and_results() {
        let space = space();
        let genotype = space.default_genotype();
        let good = Tried { trial: 3, genotype: genotype.clone(), value: Some(0.91) };
        let bad = Tried { trial: 4, genotype: genotype.clone(), value: None };
        let broke = VecDeque::from([(genotype.clone(), 0.35), (genotype, f64::INFINITY)]);
        let mut prompt = Prompt {
            space: &space,
            evolve: false,
            best: &[&good],
            latest: &[&bad],
            broke: &broke,
            wanted: 4,
        };
        let text = prompt.to_string();
        for part in ["value 0.91000: {\"layers\": 1,", "training failed: {", "limits by 35.0 %", "Propose 4"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        prompt.evolve = true;
        assert!(prompt.to_string().contains("Parents"));
    }
}

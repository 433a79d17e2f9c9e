//! The strategy around a language model, with models that are programs.

use nasmyth_chat::{Chat, ChatError, Request};
use nasmyth_space::{Genotype, Rng, Space, SpaceError, Tree};
use nasmyth_strategy::strategies::LanguageModel;
use nasmyth_strategy::{
    Completed, Fidelity, Origin, Problem, Proposal, Settings, Strategy, StrategyError, conformance, no_costs,
    strategy_named,
};
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex};

fn strategy(chat: impl Chat + 'static, settings: &str) -> LanguageModel {
    let kind = strategy_named("language-model").unwrap();
    let table = format!("model = 'mock'\n{settings}").parse().unwrap();
    LanguageModel::new(Box::new(chat), &Settings::resolve(kind.name, kind.settings, &table).unwrap())
}

/// The networks that a prompt shows.
fn shown(request: &Request) -> Vec<Map<String, Value>> {
    let lines = request.messages[1].content.lines();
    lines.filter_map(|line| serde_json::from_str(&line[line.find('{')?..]).ok()).collect()
}

/// A program that crosses networks of the prompt, whatever they are, and now and then talks nonsense or says nothing.
struct Parrot;

impl Chat for Parrot {
    fn complete(&mut self, request: &Request) -> Result<String, ChatError> {
        let mut rng = Rng::seed_from_u64(request.seed.into());
        match request.seed % 7 {
            0 => return Err(ChatError::Passing("out of order".to_owned())),
            1 => return Ok("I cannot help with that.".to_owned()),
            _ => {}
        }
        let shown = shown(request);
        let mut child = || {
            let [one, other] = [0, 0].map(|_| &shown[rng.random_range(0..shown.len())]);
            let gene = |(path, value): (&String, &Value)| {
                (path.clone(), other.get(path).filter(|_| rng.random()).unwrap_or(value).clone())
            };
            one.iter().map(gene).collect::<Map<String, Value>>()
        };
        Ok(json!({ "networks": [child(), child(), child()] }).to_string())
    }
}

#[test]
fn whatever_the_model_says_the_contract_holds() {
    for settings in
        ["", "mode = 'evolve'", "mode = 'evolve'\nparents = 9\nattempts = 0\nbatch = 1\nstart = 1"]
    {
        let build = || Ok(Box::new(strategy(Parrot, settings)) as Box<dyn Strategy>);
        conformance::check(&build).unwrap_or_else(|e| panic!("{settings}: {e}"));
    }
}

const GENES: usize = 12;

/// Twelve genes of ten values: 10^12 genotypes. They are never lowered.
fn planted() -> Space {
    let genes = (0..GENES).map(|i| Tree::choice(format!("g{i}"), (0..10).collect::<Vec<i64>>()));
    Space::new("planted", "Ten to the twelve.", Tree::group(genes.collect::<Vec<_>>()), |_| {
        Err(SpaceError::GenotypeText { text: String::new(), got: "no network".into(), position: 1 })
    })
    .unwrap()
}

fn sum(genotype: &Genotype) -> f64 {
    genotype.to_string().split('_').map(|gene| gene.parse::<f64>().unwrap()).sum()
}

/// A grammar of the planted space, drawn from with a bias to the networks of the prompt, or without.
struct Grammar {
    biased: bool,
}

impl Chat for Grammar {
    fn complete(&mut self, request: &Request) -> Result<String, ChatError> {
        let mut rng = Rng::seed_from_u64(request.seed.into());
        // The first network shows the form; it is the worst of all.
        let parents = &shown(request)[1..];
        let mut child = || {
            let gene = |i| {
                let inherited = self.biased && !parents.is_empty() && rng.random_bool(0.85);
                let path = format!("g{i}");
                let value = match inherited {
                    true => parents[rng.random_range(0..parents.len())][&path].clone(),
                    false => json!(rng.random_range(0..10)),
                };
                (path, value)
            };
            (0..GENES).map(gene).collect::<Map<String, Value>>()
        };
        Ok(json!({ "networks": (0..4).map(|_| child()).collect::<Vec<_>>() }).to_string())
    }
}

/// A search without limits on the planted space.
struct Search {
    space: Space,
    strategy: LanguageModel,
    seed: u64,
    proposals: Vec<Proposal>,
}

impl Search {
    fn new(strategy: LanguageModel, seed: u64) -> Self {
        Self { space: planted(), strategy, seed, proposals: Vec::new() }
    }

    fn step(&mut self) -> Result<Proposal, StrategyError> {
        let known = |g: &Genotype| self.proposals.iter().any(|p| p.genotype == *g);
        let problem = Problem { space: &self.space, violation: &|_| 0.0, known: &known, costs: &no_costs };
        let trial = self.proposals.len() as u64;
        let mut rng = Rng::seed_from_u64(1000 * self.seed + trial);
        let proposal = self.strategy.ask(&problem, 1, &mut rng)?.remove(0);
        let (genotype, outcome) = (proposal.genotype.clone(), Ok(sum(&proposal.genotype)));
        let fidelity = Fidelity { rung: 0, epochs: 1.0 };
        self.strategy.tell(&[Completed { trial, genotype, fidelity, outcome, costs: Vec::new() }])?;
        self.proposals.push(proposal.clone());
        Ok(proposal)
    }

    fn sums(&self, trials: std::ops::Range<usize>) -> Vec<f64> {
        self.proposals[trials].iter().map(|p| sum(&p.genotype)).collect()
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn evolution_improves_over_generations_and_beats_its_own_sampler() {
    for mode in ["propose", "evolve"] {
        for seed in 0..5 {
            let [with, without] = [true, false].map(|biased| {
                let settings = format!("mode = '{mode}'\nstart = 10\nresults = 10");
                let mut search = Search::new(strategy(Grammar { biased }, &settings), seed);
                (0..200).for_each(|_| drop(search.step().unwrap()));
                search
            });
            let generations: Vec<f64> = (0..4).map(|i| mean(&with.sums(50 * i..50 * (i + 1)))).collect();
            let climbs = generations[1] > generations[0] && generations[3] > generations[0] + 10.0;
            assert!(climbs, "{mode}, seed {seed}: {generations:?}");
            let best = |search: &Search| search.sums(0..200).into_iter().fold(0.0, f64::max);
            let (with, without) = (best(&with), best(&without));
            assert!(with > without + 5.0, "{mode}, seed {seed}: {with} against {without}");
        }
    }
}

/// Says what is in the list, then nothing more, and keeps what it heard.
struct Script {
    replies: std::vec::IntoIter<Result<String, ChatError>>,
    heard: Arc<Mutex<Vec<Request>>>,
}

type Heard = Arc<Mutex<Vec<Request>>>;

impl Script {
    fn new(replies: Vec<Result<&str, ChatError>>) -> (Self, Heard) {
        let heard = Heard::default();
        let replies: Vec<_> = replies.into_iter().map(|reply| reply.map(str::to_owned)).collect();
        (Self { replies: replies.into_iter(), heard: heard.clone() }, heard)
    }
}

impl Chat for Script {
    fn complete(&mut self, request: &Request) -> Result<String, ChatError> {
        self.heard.lock().unwrap().push(request.clone());
        self.replies.next().unwrap_or(Err(ChatError::Passing("nothing more to say".to_owned())))
    }
}

fn network(digits: [i64; GENES]) -> String {
    let genes: Map<String, Value> =
        digits.iter().enumerate().map(|(i, v)| (format!("g{i}"), json!(v))).collect();
    json!({ "networks": [genes] }).to_string()
}

#[test]
fn a_bad_answer_is_sent_back_with_its_fault() {
    let good = network([9; GENES]);
    let foreign = good.replace("g11", "g12");
    let (script, heard) = Script::new(vec![Ok("a deep one"), Ok(&foreign), Ok(&good), Ok(&good), Ok(&good)]);
    let mut search = Search::new(strategy(script, "start = 2\nattempts = 2"), 1);
    let origins: Vec<Origin> = (0..4).map(|_| search.step().unwrap().origin).collect();
    // The network of the third answer was proposed; then it is said again, until the model has nothing more to say.
    assert_eq!(origins, [Origin::Given, Origin::Random, Origin::Model, Origin::Mutation]);
    assert_eq!(sum(&search.proposals[2].genotype), 108.0);
    assert_eq!(search.proposals[3].parent, Some(2));
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 6);
    let last = |request: &Request| request.messages.last().unwrap().content.clone();
    assert!(last(&heard[0]).contains("Propose 4"), "{}", last(&heard[0]));
    assert!(last(&heard[1]).contains("`a deep one`"), "{}", last(&heard[1]));
    assert!(last(&heard[2]).contains("network 1: no gene is called `g12`"), "{}", last(&heard[2]));
    assert!(last(&heard[4]).contains("network 1: it was proposed before"), "{}", last(&heard[4]));
    assert_eq!(heard[2].messages.len(), 6);
}

#[test]
fn without_answers_the_search_goes_on_and_says_so_once() {
    let good = network([5; GENES]);
    let (script, heard) = Script::new(vec![Ok(&good)]);
    let mut search = Search::new(strategy(script, "start = 1"), 1);
    let mut remarks = Vec::new();
    for _ in 0..40 {
        search.step().unwrap();
        remarks.extend(search.strategy.remark());
    }
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert!(remarks[0].contains("nothing more to say"), "{}", remarks[0]);
    assert!(search.proposals[2..].iter().all(|p| p.origin == Origin::Mutation));
    // Asked at once, then after pauses of 1, 3, 7 and 15 networks.
    assert_eq!(heard.lock().unwrap().len(), 1 + 5);
}

#[test]
fn a_server_that_never_answered_ends_the_search() {
    let late = ChatError::Late { url: "http://there".to_owned(), seconds: 1.0 };
    let (script, _) = Script::new(vec![Err(late)]);
    let mut search = Search::new(strategy(script, "start = 1"), 1);
    search.step().unwrap();
    let error = search.step().unwrap_err().to_string();
    assert!(error.contains("http://there: no answer within 1 s"), "{error}");
}

#[test]
fn settings_keep_secrets_out() {
    let kind = strategy_named("language-model").unwrap();
    let error = |text: &str| kind.make(&text.parse().unwrap()).map(drop).unwrap_err().to_string();
    assert!(error("").contains("setting `model` of `language-model`"), "{}", error(""));
    for text in ["key = 'sk-4711'", "url = 'http://me:sk-4711@there/'", "url = 'http://there/?key=sk-4711'"] {
        let error = error(&format!("model = 'm'\n{text}"));
        assert!(error.contains("such as") && !error.contains("4711"), "{error}");
    }
    assert!(error("model = 'm'\nmode = 'dream'").contains("one of propose, evolve"));
    assert!(kind.make(&"model = 'm'\nkey = 'A_KEY'".parse().unwrap()).is_ok());
}

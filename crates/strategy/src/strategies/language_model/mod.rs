//! A language model as the optimiser.
//!
//! Mode `propose`: Zheng, Su, You, Wang, Qian, Xu and Albanie: "Can GPT-4 Perform Neural Architecture Search?", 2023 (GENIUS): the model is
//! told the space and the results so far and asked what to try next.
//! Mode `evolve`: Chen, Dohan and So: "EvoPrompting: Language Models for Code-Level Neural Architecture Search", NeurIPS 2023, algorithm
//! 1: the model is the operator of crossover and mutation, shown only the parents, which are drawn from the best results; it is
//! not tuned on its children here.
//!
//! Whatever the model says, the contract of strategies holds: an answer without a usable network is sent back with what is wrong with
//! it, and after some attempts, or where nobody answers, the best network is mutated. Proposals of the model have the
//! origin `model`, those in its place `mutation` or `random`.

mod prompt;
mod reply;

use super::StrategyKind;
use crate::opening::Opening;
use crate::rungs::Rungs;
use crate::{
    Completed, Origin, Problem, Proposal, Rng, Setting, SettingKind, Settings, Strategy, StrategyError,
    distinct, feasible_near, feasible_sample,
};
use nasmyth_chat::{Chat, Message, Request, Role, Server, ServerOptions, Transcript};
use nasmyth_space::Genotype;
use rand::RngExt;
use rand::seq::SliceRandom;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "language-model",
    doc: "asks a language model, on any server that speaks the protocol of OpenAI, what to try next",
    several: false,
    settings: &[
        SettingKind {
            name: "url",
            doc: "the server; the default is that of Ollama on this machine",
            setting: Setting::Text {
                default: Some("http://localhost:11434/v1"),
                expected: "an address without credentials, such as http://localhost:11434/v1",
                accepts: nasmyth_chat::is_address,
            },
        },
        SettingKind {
            name: "model",
            doc: "the model, as the server names it; must be given",
            setting: Setting::Text {
                default: None,
                expected: "the name of a model that the server has",
                accepts: |text| !text.trim().is_empty(),
            },
        },
        SettingKind {
            name: "key",
            doc: "environment variable with the server's key, where it asks for one",
            setting: Setting::Text {
                default: Some(""),
                expected: "the name of an environment variable in capitals, such as OPENAI_API_KEY, never the key itself",
                accepts: |text| text.is_empty() || nasmyth_chat::is_variable(text),
            },
        },
        SettingKind {
            name: "mode",
            doc: "propose: the model sees the best and the latest results; evolve: it crosses and mutates parents",
            setting: Setting::Word { default: "propose", options: &["propose", "evolve"] },
        },
        SettingKind {
            name: "transcript",
            doc: "file with the answers, read before the model is asked [transcript.jsonl in the folder of the run]",
            setting: Setting::Text { default: Some(""), expected: "the path of a file", accepts: |_| true },
        },
        SettingKind {
            name: "start",
            doc: "networks drawn at random at the start, and trials that make a rung's values worth showing",
            setting: Setting::Integer { default: 5, least: 1, most: 100_000 },
        },
        SettingKind {
            name: "batch",
            doc: "networks that the model is asked for at once",
            setting: Setting::Integer { default: 4, least: 1, most: 100 },
        },
        SettingKind {
            name: "results",
            doc: "results shown, half of them the best, half the latest; in mode evolve, the best that parents are drawn from",
            setting: Setting::Integer { default: 20, least: 2, most: 1000 },
        },
        SettingKind {
            name: "parents",
            doc: "parents shown in mode evolve",
            setting: Setting::Integer { default: 2, least: 1, most: 100 },
        },
        SettingKind {
            name: "attempts",
            doc: "times that the model is asked again after an answer without a usable network",
            setting: Setting::Integer { default: 2, least: 0, most: 100 },
        },
        SettingKind {
            name: "temperature",
            doc: "how freely the model draws its words",
            setting: Setting::Number { default: 1.0, least: 0.0, most: 2.0 },
        },
        SettingKind {
            name: "seeded",
            doc: "whether the server is sent a seed; false for servers that refuse it",
            setting: Setting::Flag { default: true },
        },
        SettingKind {
            name: "timeout",
            doc: "longest time for an answer, in seconds",
            setting: Setting::Number { default: 120.0, least: 0.05, most: 86_400.0 },
        },
        SettingKind {
            name: "retries",
            doc: "times that an overloaded server is asked again, after 0.5, 1, 2, ... seconds",
            setting: Setting::Integer { default: 3, least: 0, most: 10 },
        },
    ],
    build: |settings| {
        let server = Server::new(server_options(settings));
        Box::new(LanguageModel::new(Box::new(Transcript::new(server, transcript(settings))), settings))
    },
};

/// Networks that broke a limit of which the model is reminded.
const REMINDERS: usize = 4;
/// Requests without an answer in a row after which the pause until the next one grows no more: 2^6 networks.
const LONGEST_PAUSE: u32 = 6;

fn server_options(settings: &Settings) -> ServerOptions {
    ServerOptions {
        url: settings.text("url").to_owned(),
        key: Some(settings.text("key").to_owned()).filter(|key| !key.is_empty()),
        timeout: Duration::from_secs_f64(settings.number("timeout")),
        retries: settings.count("retries") as u32,
        seeded: settings.flag("seeded"),
    }
}

fn transcript(settings: &Settings) -> Option<PathBuf> {
    match settings.text("transcript") {
        "" => settings.folder().map(|folder| folder.join("transcript.jsonl")),
        path => Some(PathBuf::from(path)),
    }
}

/// A trial that is over.
#[derive(Clone, Debug)]
struct Tried {
    trial: u64,
    genotype: Genotype,
    /// Nothing if it failed.
    value: Option<f64>,
}

/// A strategy around somebody who answers in words.
pub struct LanguageModel {
    chat: Box<dyn Chat>,
    model: String,
    temperature: f64,
    evolve: bool,
    start: usize,
    batch: usize,
    results: usize,
    parents: usize,
    attempts: usize,
    opening: Opening,
    tried: Rungs<Tried>,
    /// Usable networks of the last answer.
    queue: VecDeque<Proposal>,
    /// The latest networks that broke the limits, and by what share.
    broke: VecDeque<(Genotype, f64)>,
    /// Requests without an answer in a row.
    unanswered: u32,
    /// Networks until the model is asked again.
    pause: u32,
    remarked: bool,
    remark: Option<String>,
}

impl LanguageModel {
    /// From the settings of `language-model`; those of the server are `chat`'s business.
    pub fn new(chat: Box<dyn Chat>, settings: &Settings) -> Self {
        Self {
            chat,
            model: settings.text("model").to_owned(),
            temperature: settings.number("temperature"),
            evolve: settings.text("mode") == "evolve",
            start: settings.count("start"),
            batch: settings.count("batch"),
            results: settings.count("results"),
            parents: settings.count("parents"),
            attempts: settings.count("attempts"),
            opening: Opening::new(settings.count("start")),
            tried: Rungs::new(),
            queue: VecDeque::new(),
            broke: VecDeque::new(),
            unanswered: 0,
            pause: 0,
            remarked: false,
            remark: None,
        }
    }

    fn propose(&mut self, problem: &Problem<'_>, rng: &mut Rng) -> Result<Option<Proposal>, StrategyError> {
        if let Some(proposal) = self.opening.next(problem, rng).or_else(|| self.queued(problem)) {
            return Ok(Some(proposal));
        }
        match self.pause.checked_sub(1) {
            Some(less) => self.pause = less,
            None => self.consult(problem, rng)?,
        }
        Ok(self.queued(problem).or_else(|| self.instead(problem, rng)))
    }

    fn queued(&mut self, problem: &Problem<'_>) -> Option<Proposal> {
        std::iter::from_fn(|| self.queue.pop_front()).find(|proposal| problem.fresh(&proposal.genotype))
    }

    /// Asks the model until an answer holds a usable network, the attempts are used up, or nobody answers.
    fn consult(&mut self, problem: &Problem<'_>, rng: &mut Rng) -> Result<(), StrategyError> {
        let seed: u32 = rng.random();
        let (mut messages, parent) = self.messages(problem, rng);
        for attempt in 0..=self.attempts {
            let request = Request {
                model: self.model.clone(),
                messages: messages.clone(),
                temperature: self.temperature,
                seed: seed.wrapping_add(attempt as u32),
            };
            let reply = match self.chat.complete(&request) {
                Ok(reply) => reply,
                Err(error) if error.is_passing() => {
                    self.give_up(error.to_string());
                    return Ok(());
                }
                Err(error) => return Err(StrategyError::Failed(error.to_string())),
            };
            self.unanswered = 0;
            let complaint = self.judge(problem, &reply, parent);
            if !self.queue.is_empty() {
                return Ok(());
            }
            messages.push(Message::new(Role::Assistant, reply));
            messages.push(Message::new(Role::User, prompt::again(&complaint)));
        }
        Ok(())
    }

    /// The conversation to begin with, and the trial that children are said to be made from.
    fn messages(&self, problem: &Problem<'_>, rng: &mut Rng) -> (Vec<Message>, Option<u64>) {
        let tried = self.tried.highest(self.start);
        let mut best: Vec<(f64, &Tried)> = tried.iter().filter_map(|t| Some((t.value?, t))).collect();
        best.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut latest, mut parent) = (Vec::new(), None);
        let evolve = self.evolve && !best.is_empty();
        if evolve {
            best.truncate(self.results);
            best = best.partial_shuffle(rng, self.parents).0.to_vec();
            best.sort_by(|a, b| a.0.total_cmp(&b.0));
            parent = best.last().map(|(_, best)| best.trial);
        } else {
            best.truncate(self.results.div_ceil(2));
            let shown = |t: &&Tried| best.iter().any(|(_, best)| best.trial == t.trial);
            latest = tried.iter().rev().filter(|t| !shown(t)).take(self.results / 2).collect();
            latest.reverse();
        }
        let best: Vec<&Tried> = best.into_iter().map(|(_, tried)| tried).collect();
        let text = prompt::Prompt {
            space: problem.space,
            evolve,
            best: &best,
            latest: &latest,
            broke: &self.broke,
            wanted: self.batch,
        };
        (vec![Message::new(Role::System, prompt::RULES), Message::new(Role::User, text.to_string())], parent)
    }

    /// Queues the usable networks of an answer, and says what is wrong with the others.
    fn judge(&mut self, problem: &Problem<'_>, reply: &str, parent: Option<u64>) -> Vec<String> {
        let networks = match reply::networks(reply) {
            Ok(networks) => networks,
            Err(complaint) => return vec![complaint],
        };
        let mut complaints = Vec::new();
        for (i, network) in networks.iter().enumerate() {
            match self.usable(problem, network) {
                Ok(genotype) => self.queue.push_back(Proposal { genotype, origin: Origin::Model, parent }),
                Err(complaint) => complaints.push(format!("network {}: {complaint}", i + 1)),
            }
        }
        complaints
    }

    fn usable(&mut self, problem: &Problem<'_>, network: &reply::Network) -> Result<Genotype, String> {
        let genotype = reply::genotype(problem.space, network)?;
        let violation = (problem.violation)(&genotype);
        if violation > 0.0 {
            self.broke.push_back((genotype, violation));
            let surplus = self.broke.len().saturating_sub(REMINDERS);
            self.broke.drain(..surplus);
            return Err(prompt::breaks(violation));
        }
        let queued = self.queue.iter().any(|proposal| proposal.genotype == genotype);
        match queued || (problem.known)(&genotype) {
            true => Err("it was proposed before".to_owned()),
            false => Ok(genotype),
        }
    }

    /// Leaves the model alone for a while, ever longer.
    fn give_up(&mut self, reason: String) {
        self.unanswered += 1;
        self.pause = (1 << self.unanswered.min(LONGEST_PAUSE)) - 1;
        if !std::mem::replace(&mut self.remarked, true) {
            self.remark = Some(format!(
                "the language model does not answer, so the best networks are mutated in its place: {reason}"
            ));
        }
    }

    /// A mutation of the best network, or any one.
    fn instead(&self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Proposal> {
        let tried = self.tried.highest(self.start).iter().filter_map(|t| Some((t, t.value?)));
        let best = tried.max_by(|(a, x), (b, y)| x.total_cmp(y).then(b.trial.cmp(&a.trial)));
        let child = best.and_then(|(best, _)| {
            let genotype = problem.space.mutate(&best.genotype, rng);
            let genotype = feasible_near(problem, &genotype, rng)?;
            Some(Proposal { genotype, origin: Origin::Mutation, parent: Some(best.trial) })
        });
        child.or_else(|| feasible_sample(problem, rng).map(Proposal::random))
    }
}

impl Strategy for LanguageModel {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        let mut failure = None;
        let proposals = distinct(problem, n, |problem| {
            self.propose(problem, rng).unwrap_or_else(|error| {
                failure = Some(error);
                None
            })
        });
        failure.map_or(Ok(proposals), Err)
    }

    fn tell(&mut self, done: &[Completed]) -> Result<(), StrategyError> {
        for Completed { trial, genotype, fidelity, outcome, .. } in done {
            let tried = Tried { trial: *trial, genotype: genotype.clone(), value: outcome.ok() };
            self.tried.at(fidelity.rung).push(tried);
        }
        Ok(())
    }

    fn remark(&mut self) -> Option<String> {
        self.remark.take()
    }
}

//! Our side of the comparison with PyTorch: training throughput of five networks, memory of a step, cost of compiling and of
//! dispatch. Prints one JSON object; `run.py` beside this file runs both sides.
//!
//! `cargo bench -p nasmyth-engine --bench compare -- [--nets resnet,mobile] [--steps 10] [--what throughput,memory,compile,dispatch]`

mod candidate;
mod networks;
mod overhead;
mod throughput;

use candidate::Candidate;
use networks::{NETWORKS, Network};
use serde_json::{Map, Value, json};
use std::error::Error;
use std::thread::available_parallelism;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const MEASUREMENTS: [&str; 4] = ["throughput", "memory", "compile", "dispatch"];

struct Options {
    networks: Vec<&'static Network>,
    steps: usize,
    measurements: Vec<&'static str>,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut options =
            Self { networks: NETWORKS.iter().collect(), steps: 10, measurements: MEASUREMENTS.to_vec() };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("expected a value after `{word}`"));
            match word.as_str() {
                "--nets" => options.networks = pick(&NETWORKS, &value()?, |n| n.name)?,
                "--steps" => options.steps = value()?.parse::<std::num::NonZeroUsize>()?.get(),
                "--what" => {
                    options.measurements =
                        pick(&MEASUREMENTS, &value()?, |w| w)?.into_iter().copied().collect()
                }
                "--bench" => {} // from cargo
                other => return Err(format!("expected --nets, --steps or --what, got `{other}`").into()),
            }
        }
        Ok(options)
    }
}

/// The items of `all` whose names `list`, separated by commas, has.
fn pick<T>(all: &'static [T], list: &str, name: impl Fn(&T) -> &'static str) -> Result<Vec<&'static T>> {
    let known = || all.iter().map(&name).collect::<Vec<_>>().join(", ");
    let find = |word: &str| all.iter().find(|item| name(item) == word);
    list.split(',')
        .map(|word| find(word).ok_or_else(|| format!("expected some of {}, got `{word}`", known()).into()))
        .collect()
}

fn main() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let mut report = Map::new();
    for what in &options.measurements {
        report.insert((*what).to_owned(), measure(what, &options)?);
    }
    println!("{:#}", Value::Object(report));
    Ok(())
}

fn measure(what: &str, options: &Options) -> Result<Value> {
    match what {
        "throughput" => each(options, |network| throughput(network, options.steps)),
        "memory" => each(options, memory),
        "compile" => {
            let overhead::Compile { nodes, seconds } = overhead::compile()?;
            Ok(json!({ "nodes": nodes, "ms": 1e3 * seconds }))
        }
        _ => {
            let overhead::Dispatch { operators, forward, backward } = overhead::dispatch()?;
            let (forward, backward) = (1e9 * forward, 1e9 * backward);
            Ok(json!({ "operators": operators, "forward_ns": forward, "backward_ns": backward }))
        }
    }
}

fn each(options: &Options, f: impl Fn(&Network) -> Result<Value>) -> Result<Value> {
    options
        .networks
        .iter()
        .map(|n| Ok((n.name.to_owned(), f(n)?)))
        .collect::<Result<Map<_, _>>>()
        .map(Value::Object)
}

/// Samples a second. Steps of `mlp` take microseconds: more of them, as in `pytorch_step.py`.
fn throughput(network: &Network, steps: usize) -> Result<Value> {
    let steps = if network.name == "mlp" { 20 * steps } else { steps };
    let threads = available_parallelism()?.get().min(2);
    Ok(json!({ "one": throughput::one(network, threads, steps)?, "two": throughput::two(network, steps)? }))
}

fn memory(network: &Network) -> Result<Value> {
    let b = Candidate::new(network, 1)?.bytes();
    let all = b.arena + b.params + b.grads + b.momenta;
    Ok(json!({ "bytes": all, "arena": b.arena, "params": b.params, "grads": b.grads, "momenta": b.momenta }))
}

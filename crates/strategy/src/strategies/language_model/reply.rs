//! What the model says, read strictly.

use nasmyth_space::{Genotype, Space};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A network as the model wrote it.
pub(super) type Network = Map<String, Value>;

/// Characters of a wrong answer that a complaint repeats.
const SHOWN: usize = 80;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    networks: Vec<Network>,
}

/// The networks of an answer: one JSON object, which may stand in a fence of code and behind the thoughts of a model that thinks aloud.
pub(super) fn networks(reply: &str) -> Result<Vec<Network>, String> {
    let said = reply.rsplit_once("</think>").map_or(reply, |(_, said)| said).trim();
    let said = said.strip_suffix("```").map_or(said, |fenced| fenced.trim_start_matches("```json"));
    let said = said.trim_start_matches("```").trim();
    serde_json::from_str::<Answer>(said).map(|answer| answer.networks).map_err(|error| {
        let start: String = said.chars().take(SHOWN).collect();
        format!("expected only {{\"networks\": [{{\"GENE\": VALUE, ...}}, ...]}}, got `{start}` ({error})")
    })
}

/// The genotype of a network that gives a value to every gene that exists, and to no other.
pub(super) fn genotype(space: &Space, network: &Network) -> Result<Genotype, String> {
    let values = network.iter().map(|(path, value)| match value {
        Value::String(word) => Ok((path.clone(), word.clone())),
        Value::Number(_) | Value::Bool(_) => Ok((path.clone(), value.to_string())),
        _ => Err(format!("gene `{path}`: expected a number, a text, true or false")),
    });
    let genotype =
        space.with_values(values.collect::<Result<Vec<_>, String>>()?).map_err(|e| e.to_string())?;
    space.validate(&genotype).map_err(|e| e.to_string())?;
    let all = space.values(&genotype).map_err(|e| e.to_string())?;
    let missing: Vec<&str> =
        all.iter().map(|(path, _)| path.as_str()).filter(|path| !network.contains_key(*path)).collect();
    if missing.is_empty() { Ok(genotype) } else { Err(format!("no value for {}", missing.join(", "))) }
}

#[cfg(test)]
mod tests {
    use super::super::prompt;
    use super::*;
    use nasmyth_space::{Rng, SpaceError, Tree};
    use rand::SeedableRng;

    fn space() -> Space {
        let layer = Tree::one_of("op", [("conv", Tree::int("kernel", 1..=7, 2)), ("skip", Tree::nothing())]);
        let tree = Tree::group([
            Tree::repeat("layers", 1..=3, layer),
            Tree::choice("bias", [true, false]),
            Tree::real("rate", 0.0..=1.0),
        ]);
        Space::new("small", "", tree, |_| {
            Err(SpaceError::GenotypeText { text: String::new(), got: String::new(), position: 1 })
        })
        .unwrap()
    }

    fn read(reply: &str) -> Result<Vec<Genotype>, String> {
        networks(reply)?.iter().map(|network| genotype(&space(), network)).collect()
    }

    #[test]
    fn what_the_prompt_shows_reads_back() {
        let space = space();
        let mut rng = Rng::seed_from_u64(2);
        for _ in 0..50 {
            let genotype = space.sample(&mut rng);
            let object = format!("{{\"networks\": [{}]}}", prompt::network(&space, &genotype));
            let fenced = format!("<think>{{\"networks\": 3}}</think>\n```json\n{object}\n```\n");
            for reply in [&object, &fenced, &format!("```\n{object}```")] {
                assert_eq!(read(reply).as_deref(), Ok(&[genotype.clone()][..]), "{reply}");
            }
        }
    }

    #[test]
    fn everything_else_is_refused_with_a_reason() {
        let network = |genes: &str| format!("{{\"networks\": [{{{genes}}}]}}");
        let whole = "\"layers\": 1, \"layers[0].op\": \"skip\", \"bias\": true, \"rate\": 0.5";
        assert_eq!(read(&network(whole)).map(|networks| networks.len()), Ok(1));
        for (reply, reason) in [
            ("Sure! Here is a network.".to_owned(), "expected only"),
            (format!("Sure! {}", network(whole)), "expected only"),
            (format!("{}{}", network(whole), network(whole)), "expected only"),
            ("{\"networks\": {}}".to_owned(), "expected only"),
            ("{\"networks\": [], \"reason\": \"none\"}".to_owned(), "expected only"),
            (network(&whole.replace("skip", "pool")), "layers[0].op"),
            (network(&whole.replace("0.5", "1.5")), "rate"),
            (network(&whole.replace("0.5", "[0.5]")), "rate"),
            (network(&whole.replace("\"bias\": true, ", "")), "no value for bias"),
            (network(&format!("{whole}, \"layers[0].op.conv.kernel\": 3")), "does not exist here"),
            (network(&format!("{whole}, \"depth\": 3")), "no gene is called `depth`"),
        ] {
            let error = read(&reply).unwrap_err();
            assert!(error.contains(reason), "{reply}: {error}");
        }
    }
}
